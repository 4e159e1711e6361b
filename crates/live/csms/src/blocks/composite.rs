//! The composite schedule: ours, the station's own, and where the two part.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Value as Json, json};
use voltwin_core::{TenantId, Timestamp, TwinId};
use voltwin_ocpp::Version;
use voltwin_profiles::{
    Charging, Difference, EVSES_MAX, Question, Slot, Supply, Target, Unit, Window, compose, differences,
};
use voltwin_store::{Command as CommandRecord, TransactionFilter, TransactionState};

use super::charging::{PRIORITY, period_of, unit};
use super::fields::{list, text, time};
use crate::decide::Speaker;
use crate::{CentralSystem, CommandRequest, CsmsError};

/// The share by which two limits may differ and still be the same: stations round to tenths.
const TOLERANCE: f64 = 0.01;

/// What is asked of the composite schedule.
#[derive(Debug, Clone, PartialEq)]
pub struct CompositeRequest {
    /// The EVSE (1.6: connector); 0 = the whole station.
    pub evse: u32,
    /// From now, in seconds.
    pub duration_s: u32,
    /// The unit of the answer.
    pub unit: Unit,
    /// What turns amperes into watts.
    pub supply: Supply,
    /// Whether the station is asked too.
    pub ask_station: bool,
}

/// A schedule as the station said it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StationSchedule {
    /// From when.
    pub start: Timestamp,
    /// The unit of its limits.
    pub unit: Unit,
    /// Its slots.
    pub slots: Vec<Slot>,
}

/// Our schedule, the station's, and where they part.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Composite {
    /// From when ours holds: the start of the station's when it gave one.
    pub start: Timestamp,
    /// For how long, in seconds.
    pub duration_s: u32,
    /// The unit of ours: that of the station's when it gave one.
    pub unit: Unit,
    /// Ours.
    pub ours: Vec<Slot>,
    /// The ids of the profiles that ours is made of; negative ones are limits from outside.
    pub profiles: Vec<i64>,
    /// The station's own.
    pub station: Option<StationSchedule>,
    /// Where the two part. A stretch that no profile limits is the station's own affair and no difference.
    pub differences: Option<Vec<Difference>>,
    /// The command by which the station was asked.
    #[serde(skip)]
    pub command: Option<CommandRecord>,
}

impl CentralSystem {
    /// Works out what all known profiles of a station add up to, and compares it with what the station says.
    ///
    /// # Errors
    /// When the station is not known, a value is out of range, or nothing can be read or recorded.
    pub async fn composite_schedule(
        &self,
        tenant: &TenantId,
        station: &TwinId,
        request: &CompositeRequest,
        by: &str,
        wait: Duration,
    ) -> Result<Composite, CsmsError> {
        let version = self.version_of(tenant, station, self.inner.directory.get(tenant, station).as_ref())?;
        let speaker = Speaker { tenant, station, version, trace: Self::trace(), quarantined: false };
        let target = self.target(&speaker, request.evse).await?;
        let profiles = self.profiles_of(&speaker).await?;
        let mut question = Question {
            window: Window { start: self.inner.runtime.now(), duration_s: request.duration_s },
            unit: request.unit,
            supply: request.supply,
            target,
        };
        // what is out of range is refused before the station is asked
        let mut ours = compose(&profiles, &question)?;
        let mut command = None;
        let mut theirs = None;
        if request.ask_station {
            let ask = ask(version, request);
            let record = self.command(tenant, station, ask, by, wait).await?;
            theirs = record.answer.as_ref().and_then(|answer| said(version, answer, request.unit));
            command = Some(record);
        }
        if let Some(theirs) = &theirs {
            question.window.start = theirs.start;
            question.unit = theirs.unit;
            ours = compose(&profiles, &question)?;
        }
        let found = theirs.as_ref().map(|theirs| {
            let mut found = differences(&ours, &theirs.slots, request.duration_s, TOLERANCE);
            found.retain(|difference| difference.ours.is_some());
            found
        });
        Ok(Composite {
            start: question.window.start,
            duration_s: request.duration_s,
            unit: question.unit,
            ours,
            profiles: profiles.iter().map(|profile| profile.id).collect(),
            station: theirs,
            differences: found,
            command,
        })
    }

    async fn target(&self, speaker: &Speaker<'_>, evse: u32) -> Result<Target, CsmsError> {
        if evse > 0 {
            return Ok(Target::Evse(evse, self.charging_at(speaker, evse).await?));
        }
        let mut evses: Vec<u32> = self.inner.runtime.read(speaker.tenant, |graph| {
            let Some(station) = graph.twin(speaker.station.as_str()) else { return Vec::new() };
            let number = |evse: &voltwin_graph::TwinRef<'_>| match evse.get("evse_id")? {
                voltwin_core::Value::Int(id) => u32::try_from(id).ok(),
                _ => None,
            };
            station.related("hasEvse").filter_map(|evse| number(&evse)).collect()
        });
        evses.sort_unstable();
        evses.truncate(EVSES_MAX);
        let mut all = Vec::new();
        for evse in evses {
            all.push((evse, self.charging_at(speaker, evse).await?));
        }
        Ok(Target::Station(all))
    }

    pub(super) async fn charging_at(&self, speaker: &Speaker<'_>, evse: u32) -> Result<Charging, CsmsError> {
        let store = self.inner.runtime.store().tenant(speaker.tenant);
        let filter = TransactionFilter {
            station: Some(speaker.station.to_string()),
            state: Some(TransactionState::Active),
            ..Default::default()
        };
        let active = store.transactions(&filter, None, 500).await?.items;
        let Some(here) = active.into_iter().find(|transaction| transaction.evse == Some(evse)) else {
            return Ok(Charging::default());
        };
        let priority = self.statement(speaker, PRIORITY, &here.transaction_id).await?.is_some();
        Ok(Charging { transaction_id: Some(here.transaction_id), started: here.started_at, priority })
    }
}

fn ask(version: Version, request: &CompositeRequest) -> CommandRequest {
    let unit = match request.unit {
        Unit::Watt => "W",
        Unit::Ampere => "A",
    };
    let place = if version == Version::V16 { "connectorId" } else { "evseId" };
    let payload = json!({place: request.evse, "duration": request.duration_s, "chargingRateUnit": unit});
    CommandRequest::Raw { action: "GetCompositeSchedule".to_owned(), payload }
}

/// The station's own schedule; `None` when it has not given one.
fn said(version: Version, answer: &Json, asked: Unit) -> Option<StationSchedule> {
    if text(answer, "status") != Some("Accepted") {
        return None;
    }
    let (schedule, start) = match version {
        Version::V16 => {
            let schedule = answer.get("chargingSchedule")?;
            (schedule, time(answer, "scheduleStart").or_else(|| time(schedule, "startSchedule"))?)
        }
        Version::V201 | Version::V21 => {
            let schedule = answer.get("schedule")?;
            (schedule, time(schedule, "scheduleStart")?)
        }
    };
    let unit = text(schedule, "chargingRateUnit").and_then(unit).unwrap_or(asked);
    let slot = |period: &Json| {
        let period = period_of(period, unit)?;
        Some(Slot {
            start_s: period.start_s,
            limit: period.limit,
            phases: period.phases,
            phase_to_use: period.phase_to_use,
            discharge_limit: period.discharge_limit,
            setpoint: period.setpoint,
            min_rate: None,
        })
    };
    let slots = list(schedule, "chargingSchedulePeriod").iter().filter_map(slot).collect();
    Some(StationSchedule { start, unit, slots })
}
