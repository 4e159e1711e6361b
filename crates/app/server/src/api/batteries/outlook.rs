//! What becomes of a battery, where its health went, and what would spare it.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use voltwin_ageing::PackValue;
use voltwin_core::{Timestamp, TwinId};
use voltwin_prognosis::Lever;

use super::figures::{Ahead, Bounds, Span, ahead};
use super::{computed, outlook_of, within};
use crate::auth::Principal;
use crate::http::{Id, Json, Problem, Query};
use crate::state::AppState;

pub(super) const END_SOH: f64 = 0.7;
pub(super) const PRICE_PER_KWH: f64 = 120.0;
const DECADE_DAYS: f64 = 3_652.0;
const FAR_DAYS: f64 = 7_305.0;
const CURVE_POINTS: u32 = 24;
const HORIZONS: [&str; 4] = ["1h", "24h", "1week", "1month"];

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ForecastQuery {
    /// Health at which its first life is over.
    #[param(minimum = 0.5, maximum = 0.95, default = 0.7)]
    end_soh: Option<f64>,
}

/// By what a forecast was made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ForecastMethod {
    /// The cell whose ageing stands for it.
    model: String,
    /// `observed` where the battery has shown its usual day, else `assumed`.
    #[schema(example = "observed")]
    habit: String,
    observed_days: f64,
    /// How sure it is.
    calibration: String,
}

/// A named time ahead.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Horizon {
    /// `1h`, `24h`, `1week` or `1month`.
    name: String,
    #[serde(flatten)]
    ahead: Ahead,
}

/// The end of its first life.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EndOfLife {
    soh: f64,
    days: Span,
}

/// The health of a battery ahead.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BatteryForecast {
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Of the intervals.
    coverage: f64,
    method: ForecastMethod,
    horizons: Vec<Horizon>,
    /// To the end of life or 20 years.
    curve: Vec<Ahead>,
    end_of_life: EndOfLife,
    /// What of its usual day is outside the experiments behind the model.
    extrapolation: Vec<String>,
}

/// The health of a battery at an hour, a day, a week, a month and the end of its life, from its live state and usual day.
#[utoipa::path(get, path = "/batteries/{id}/forecast", tag = "batteries",
    params(("id" = String, Path, description = "The battery pack."), ForecastQuery),
    responses((status = 200, body = BatteryForecast), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such battery."), (status = 409, body = Problem,
        content_type = "application/problem+json", description = "Too little is known of it.")))]
pub(super) async fn forecast(
    State(state): State<AppState>,
    principal: Principal,
    Id(id): Id<TwinId>,
    Query(query): Query<ForecastQuery>,
) -> Result<Json<BatteryForecast>, Problem> {
    let end = within("end_soh", query.end_soh.unwrap_or(END_SOH), 0.5, 0.95)?;
    let at = state.runtime.now();
    let (outlook, _) = outlook_of(&state, &principal, &id)?;
    computed(move || {
        let days = outlook.end_of_life(end)?;
        let far = if days.high.is_finite() { days.high.max(365.0) } else { FAR_DAYS };
        let horizons = HORIZONS.into_iter().zip(outlook.horizons()?);
        Ok(BatteryForecast {
            at,
            coverage: 0.9,
            method: ForecastMethod {
                model: outlook.cell().facts().name.to_owned(),
                habit: habit(outlook.day.observed),
                observed_days: outlook.day.observed_days,
                calibration:
                    "the spread of packs of one chemistry, narrowed by the health that was estimated"
                        .to_owned(),
            },
            horizons: horizons
                .map(|(name, point)| Horizon { name: name.to_owned(), ahead: point.into() })
                .collect(),
            curve: ahead(outlook.curve(far, CURVE_POINTS)?),
            end_of_life: EndOfLife { soh: end, days: days.into() },
            extrapolation: words(outlook.outside()),
        })
    })
    .await
    .map(Json)
}

pub(super) fn habit(observed: bool) -> String {
    if observed { "observed" } else { "assumed" }.to_owned()
}

pub(super) fn words(words: Vec<&str>) -> Vec<String> {
    words.into_iter().map(str::to_owned).collect()
}

/// Ten years of a battery; nothing where too little is known of it.
pub(super) async fn decade(
    state: &AppState,
    principal: &Principal,
    id: &TwinId,
) -> Result<Vec<Ahead>, Problem> {
    let Ok((outlook, _)) = outlook_of(state, principal, id) else { return Ok(Vec::new()) };
    computed(move || Ok(ahead(outlook.curve(DECADE_DAYS, CURVE_POINTS)?))).await
}

/// Losses by mechanism in percentage points of health.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LossPoints {
    /// By time.
    calendar: f64,
    /// By use.
    cycle: f64,
    /// By the break-in of hard use.
    break_in: f64,
    /// Active material.
    material: f64,
}

/// How fast it ages beside the cell of the model.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AgeingScales {
    calendar: Bounds,
    cycle: Bounds,
    knee: Bounds,
}

/// A moment of its usual day, in UTC.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HabitPoint {
    hour: f64,
    soc: f64,
    temp_c: f64,
}

/// Where the health of a battery went.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BatteryAgeing {
    /// The cell whose ageing stands for it.
    model: String,
    /// Where its experiments are published.
    source: String,
    /// Days of its usual use that would have brought it where it is.
    equivalent_age_days: f64,
    full_cycles: f64,
    soh: Bounds,
    loss_points: LossPoints,
    scales: AgeingScales,
    habit: Vec<HabitPoint>,
    /// `observed` or `assumed`.
    habit_kind: String,
}

/// Where the health of a battery went.
#[utoipa::path(get, path = "/batteries/{id}/ageing", tag = "batteries",
    params(("id" = String, Path, description = "The battery pack.")),
    responses((status = 200, body = BatteryAgeing), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such battery."), (status = 409, body = Problem,
        content_type = "application/problem+json", description = "Too little is known of it.")))]
pub(super) async fn ageing(
    State(state): State<AppState>,
    principal: Principal,
    Id(id): Id<TwinId>,
) -> Result<Json<BatteryAgeing>, Problem> {
    let (outlook, known) = outlook_of(&state, &principal, &id)?;
    let soh = known.live.estimate.map(|estimate| Bounds::from(estimate.soh));
    let soh =
        soh.ok_or_else(|| Problem::conflict(format!("nothing has been read of the battery `{id}` yet")))?;
    computed(move || {
        let life = outlook.life()?;
        let facts = outlook.cell().facts();
        let [calendar, cycle, knee] = life.scales.map(Bounds::from);
        let samples = outlook.day.profile.samples();
        Ok(BatteryAgeing {
            model: facts.name.to_owned(),
            source: facts.source.to_owned(),
            equivalent_age_days: outlook.age_days,
            full_cycles: life.state.full_cycles,
            soh,
            loss_points: LossPoints {
                calendar: 100.0 * life.state.calendar_loss,
                cycle: 100.0 * life.state.cycle_loss,
                break_in: 100.0 * life.state.break_in_loss,
                material: 100.0 * life.state.material_loss,
            },
            scales: AgeingScales { calendar, cycle, knee },
            habit: samples
                .iter()
                .map(|sample| HabitPoint {
                    hour: sample.t_s / 3_600.0,
                    soc: sample.soc,
                    temp_c: sample.temp_c,
                })
                .collect(),
            habit_kind: habit(outlook.day.observed),
        })
    })
    .await
    .map(Json)
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct AdviceQuery {
    /// How far to look.
    #[param(minimum = 1, maximum = 7300, default = 3650)]
    days: Option<f64>,
    /// Price of a new pack less what the old one fetches, in money per kWh.
    #[param(minimum = 0, maximum = 10000, default = 120)]
    price_per_kwh: Option<f64>,
    /// Health at which the pack is replaced.
    #[param(minimum = 0.5, maximum = 0.95, default = 0.7)]
    end_soh: Option<f64>,
}

/// A habit to change, and what it is worth.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AdviceItem {
    /// `charge-late`, `charge-up-to`, `cool-first` or `charge-slower`.
    #[schema(example = "charge-up-to")]
    lever: String,
    /// What it is set to: `soc`, `temp_c` or `c_rate`.
    #[schema(value_type = std::collections::BTreeMap<String, f64>)]
    setting: serde_json::Value,
    /// Health gained at the horizon, in percentage points.
    points: Bounds,
    /// The same in money.
    money: Bounds,
    /// Whether it changes anything of the usual day.
    applies: bool,
    text: String,
}

/// What would spare a battery.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BatteryAdvice {
    days: f64,
    price_per_kwh: f64,
    end_soh: f64,
    /// `observed` or `assumed`.
    habit: String,
    /// Most useful first.
    items: Vec<AdviceItem>,
}

/// What would spare a battery: the same pack lived on with another habit.
#[utoipa::path(get, path = "/batteries/{id}/advice", tag = "batteries",
    params(("id" = String, Path, description = "The battery pack."), AdviceQuery),
    responses((status = 200, body = BatteryAdvice), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such battery."), (status = 409, body = Problem,
        content_type = "application/problem+json", description = "Too little is known of it.")))]
pub(super) async fn advice(
    State(state): State<AppState>,
    principal: Principal,
    Id(id): Id<TwinId>,
    Query(query): Query<AdviceQuery>,
) -> Result<Json<BatteryAdvice>, Problem> {
    let days = within("days", query.days.unwrap_or(3_650.0), 1.0, 7_300.0)?;
    let price_per_kwh = within("price_per_kwh", query.price_per_kwh.unwrap_or(PRICE_PER_KWH), 0.0, 10_000.0)?;
    let end_soh = within("end_soh", query.end_soh.unwrap_or(END_SOH), 0.5, 0.95)?;
    let (outlook, known) = outlook_of(&state, &principal, &id)?;
    let value = pack_value(&known, price_per_kwh, end_soh);
    computed(move || {
        let items = outlook.advice(value, days)?.into_iter().map(|advice| {
            let (lever, setting, text) = told(advice.lever);
            let (points, money) = (advice.points.into(), advice.money.into());
            AdviceItem { lever: lever.to_owned(), setting, points, money, applies: advice.applies, text }
        });
        let items = items.collect();
        Ok(BatteryAdvice { days, price_per_kwh, end_soh, habit: habit(outlook.day.observed), items })
    })
    .await
    .map(Json)
}

/// What a pack is worth; nothing of one whose energy is not known.
pub(super) fn pack_value(known: &voltwin_batteries::Battery, price_per_kwh: f64, end_soh: f64) -> PackValue {
    let kind = known.kind.as_ref().and_then(|kind| kind.as_ref().ok());
    let energy_kwh = kind.map_or(0.0, |kind| kind.facts.capacity_wh / 1e3);
    PackValue { energy_kwh, price_per_kwh, end_capacity: end_soh }
}

fn told(lever: Lever) -> (&'static str, serde_json::Value, String) {
    match lever {
        Lever::ChargeLate => (
            "charge-late",
            serde_json::json!({}),
            "end the charge at departure, and stand at the lower charge before".to_owned(),
        ),
        Lever::ChargeUpTo { soc } => (
            "charge-up-to",
            serde_json::json!({"soc": soc}),
            format!("charge no higher than {:.0} %", 100.0 * soc),
        ),
        Lever::CoolFirst { temp_c } => (
            "cool-first",
            serde_json::json!({"temp_c": temp_c}),
            format!("cool the pack to {temp_c:.0} °C before and while it charges"),
        ),
        Lever::ChargeSlower { c_rate } => (
            "charge-slower",
            serde_json::json!({"c_rate": c_rate}),
            format!("charge no faster than {c_rate:.2} capacities an hour"),
        ),
    }
}
