//! The charging profiles of a station, and what they add up to.

use std::time::Duration;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use voltwin_core::{Timestamp, TwinId};
use voltwin_csms::{Composite, CompositeRequest};
use voltwin_profiles::{Difference, Slot, Supply, Unit, WINDOW_S_MAX};
use voltwin_security::Permission;

use super::commands::{Command, WAIT_MAX_S, wait_of};
use super::records::Record;
use crate::auth::{Guard, Principal};
use crate::http::{Id, Json, Page, PageQuery, Problem, Query};
use crate::state::AppState;

const DURATION_DEFAULT_S: u32 = 86_400;
/// Volts between phase and neutral, and phases, where nobody says.
const SUPPLY: Supply = Supply { voltage_v: 230.0, phases: 3 };

pub(super) fn routes() -> OpenApiRouter<AppState> {
    let composed = Guard::needs(Permission::Read).timeout(Duration::from_secs(u64::from(WAIT_MAX_S) + 10));
    OpenApiRouter::new()
        .routes(Guard::needs(Permission::Read).on(routes!(profiles)))
        .routes(composed.on(routes!(composite)))
}

/// The charging profiles that a station holds, by id: `value` is `{evse, source, profile}`, the profile as OCPP spells
/// it.
#[utoipa::path(get, path = "/stations/{id}/charging-profiles", tag = "charging",
    params(("id" = String, Path, description = "The station."), PageQuery),
    responses((status = 200, body = Page<Record>), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such station.")))]
async fn profiles(
    State(state): State<AppState>,
    principal: Principal,
    Id(station): Id<TwinId>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Record>>, Problem> {
    super::stations::must_exist(&state, &principal, &station)?;
    let limit = query.limit.get()?;
    let registry = state.registry(&principal.tenant);
    let page = registry.records(station.as_str(), "charging_profile", query.cursor.as_deref(), limit).await?;
    Ok(Json(Page::from_store(page, Record::from)))
}

/// In what limits are given.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
pub(crate) enum RateUnit {
    /// Watts over all phases.
    W,
    /// Amperes on each phase.
    A,
}

impl From<Unit> for RateUnit {
    fn from(unit: Unit) -> Self {
        match unit {
            Unit::Watt => Self::W,
            Unit::Ampere => Self::A,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct CompositeQuery {
    /// The EVSE (OCPP 1.6: connector); 0 = the whole station.
    #[serde(default)]
    #[param(default = 0)]
    evse: u32,
    /// From now, in seconds; a day when left out.
    #[param(minimum = 1, maximum = 2678400, default = 86400)]
    duration_s: Option<u32>,
    /// `W` when left out.
    #[param(inline)]
    unit: Option<RateUnit>,
    /// Between phase and neutral, in volts: what turns amperes into watts.
    #[param(minimum = 1, maximum = 100000, default = 230)]
    voltage_v: Option<f64>,
    /// The phases of the supply: used where no profile says how many.
    #[param(minimum = 1, maximum = 3, default = 3)]
    phases: Option<u8>,
    /// Ask the station for its own, and compare; takes the right to command stations.
    #[serde(default)]
    compare: bool,
    /// With `compare`: seconds to wait for the station's answer.
    #[param(minimum = 0, maximum = 120, default = 30)]
    wait_s: Option<u32>,
}

/// A stretch of a schedule: from its start to that of the next.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ScheduleSlot {
    /// Seconds after the start of the schedule.
    start_s: u32,
    /// The most that may be drawn; `null` = nothing limits it.
    limit: Option<f64>,
    /// How many phases may be used, where a profile says so.
    phases: Option<u8>,
    /// The phase to use when it is one.
    phase_to_use: Option<u8>,
    /// The most that may be fed back, 0 or less; `null` = nothing says.
    discharge_limit: Option<f64>,
    /// What should flow.
    setpoint: Option<f64>,
    /// Below this rate charging makes no sense.
    min_rate: Option<f64>,
}

impl From<Slot> for ScheduleSlot {
    fn from(slot: Slot) -> Self {
        Self {
            start_s: slot.start_s,
            limit: slot.limit,
            phases: slot.phases,
            phase_to_use: slot.phase_to_use,
            discharge_limit: slot.discharge_limit,
            setpoint: slot.setpoint,
            min_rate: slot.min_rate,
        }
    }
}

/// The station's own schedule.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct OwnSchedule {
    #[schema(value_type = String, format = DateTime)]
    start: Timestamp,
    unit: RateUnit,
    slots: Vec<ScheduleSlot>,
}

/// Where two schedules part by more than 1 %.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ScheduleDifference {
    from_s: u32,
    to_s: u32,
    /// Our limit.
    ours: Option<f64>,
    /// The station's; `null` = it names none.
    theirs: Option<f64>,
}

impl From<Difference> for ScheduleDifference {
    fn from(difference: Difference) -> Self {
        let Difference { from_s, to_s, ours, theirs } = difference;
        Self { from_s, to_s, ours, theirs }
    }
}

/// What the charging profiles of a station add up to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CompositeSchedule {
    /// From when; the start of the station's own where it gave one.
    #[schema(value_type = String, format = DateTime)]
    start: Timestamp,
    duration_s: u32,
    /// The unit of ours; that of the station's own where it gave one.
    unit: RateUnit,
    ours: Vec<ScheduleSlot>,
    /// The ids of the profiles that ours is made of; negative ones are limits from outside.
    profiles: Vec<i64>,
    /// The station's own; `null` when it was not asked or gave none, see `command`.
    station: Option<OwnSchedule>,
    /// Where the two part; `null` without the station's own. A stretch that no profile limits is the station's own
    /// affair and no difference.
    differences: Option<Vec<ScheduleDifference>>,
    /// The greatest difference of two limits, in `unit`; 0 where the two agree, `null` without the station's own.
    greatest_difference: Option<f64>,
    /// The command by which the station was asked.
    command: Option<Command>,
}

impl From<Composite> for CompositeSchedule {
    fn from(composite: Composite) -> Self {
        let apart = |difference: &Difference| Some((difference.ours? - difference.theirs?).abs());
        let greatest_difference = composite
            .differences
            .as_ref()
            .map(|found| found.iter().filter_map(apart).fold(0.0_f64, f64::max));
        Self {
            start: composite.start,
            duration_s: composite.duration_s,
            unit: composite.unit.into(),
            ours: composite.ours.into_iter().map(Into::into).collect(),
            profiles: composite.profiles,
            station: composite.station.map(|own| OwnSchedule {
                start: own.start,
                unit: own.unit.into(),
                slots: own.slots.into_iter().map(Into::into).collect(),
            }),
            differences: composite.differences.map(|found| found.into_iter().map(Into::into).collect()),
            greatest_difference,
            command: composite.command.map(Into::into),
        }
    }
}

/// What the charging profiles of a station or EVSE add up to; with `compare` also what the station says, and where the
/// two part.
#[utoipa::path(get, path = "/stations/{id}/composite-schedule", tag = "charging",
    params(("id" = String, Path, description = "The station."), CompositeQuery),
    responses((status = 200, body = CompositeSchedule), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such station.")))]
async fn composite(
    State(state): State<AppState>,
    principal: Principal,
    Id(station): Id<TwinId>,
    Query(query): Query<CompositeQuery>,
) -> Result<Json<CompositeSchedule>, Problem> {
    super::stations::must_exist(&state, &principal, &station)?;
    if query.compare {
        principal.require(Permission::CommandStations)?;
    }
    let duration_s = query.duration_s.unwrap_or(DURATION_DEFAULT_S);
    if !(1..=WINDOW_S_MAX).contains(&duration_s) {
        let detail = format!("`duration_s` is {duration_s}; it must be 1 to {WINDOW_S_MAX}");
        return Err(Problem::field("duration_s", detail).limit(WINDOW_S_MAX));
    }
    let supply = Supply {
        voltage_v: query.voltage_v.unwrap_or(SUPPLY.voltage_v),
        phases: query.phases.unwrap_or(SUPPLY.phases),
    };
    let request = CompositeRequest {
        evse: query.evse,
        duration_s,
        unit: match query.unit {
            Some(RateUnit::A) => Unit::Ampere,
            Some(RateUnit::W) | None => Unit::Watt,
        },
        supply,
        ask_station: query.compare,
    };
    let wait = wait_of(query.wait_s)?;
    let found =
        state.csms.composite_schedule(&principal.tenant, &station, &request, &principal.name, wait).await?;
    Ok(Json(found.into()))
}
