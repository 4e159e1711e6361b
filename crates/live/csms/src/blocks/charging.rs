//! Charging profiles: what a station holds, what limits it from outside, what vehicles ask for.
//!
//! Topics: `charging_profile` (key = id), `charging_profile_request` (key = request id), `charging_limit`
//! (key = source and EVSE), `charging_needs` and `ev_schedule` (key = EVSE), `priority_charging` (key = transaction).

use serde_json::{Value as Json, json};
use voltwin_core::{Timestamp, TransactionFact};
use voltwin_ocpp::{Answer, Version};
use voltwin_profiles::{Kind, Period, Profile, Purpose, Schedule, Unit};
use voltwin_store::Record;

use super::fields::{list, place, text, time, whole, yes};
use crate::decide::Speaker;
use crate::stations::Events;
use crate::{CentralSystem, CsmsError};

const PROFILE: &str = "charging_profile";
const REQUEST: &str = "charging_profile_request";
const LIMIT: &str = "charging_limit";
pub(super) const PRIORITY: &str = "priority_charging";

/// One profile that the station is believed to hold.
struct Held {
    key: String,
    evse: u32,
    source: String,
    report: Option<i64>,
    profile: Json,
}

impl Held {
    fn of(record: Record) -> Option<Self> {
        let value = record.value;
        Some(Self {
            key: record.key,
            evse: place(&value, "evse")?,
            source: text(&value, "source").unwrap_or("CSO").to_owned(),
            report: whole(&value, "report"),
            profile: value.get("profile")?.clone(),
        })
    }

    fn purpose(&self) -> Option<Purpose> {
        purpose(text(&self.profile, "chargingProfilePurpose")?)
    }

    fn stack_level(&self) -> Option<i64> {
        whole(&self.profile, "stackLevel")
    }

    fn window(&self) -> (Option<Timestamp>, Option<Timestamp>) {
        (time(&self.profile, "validFrom"), time(&self.profile, "validTo"))
    }
}

impl CentralSystem {
    async fn held(&self, speaker: &Speaker<'_>) -> Result<Vec<Held>, CsmsError> {
        Ok(self.statements(speaker, PROFILE).await?.into_iter().filter_map(Held::of).collect())
    }

    /// The station accepted a profile: it takes the place of the one with its id, and of the one with its purpose,
    /// stack level and EVSE (2.x: where both would be valid at some time, which a station does not accept otherwise).
    pub(super) async fn charging_profile_set(
        &self,
        speaker: &Speaker<'_>,
        payload: &Json,
    ) -> Result<(), CsmsError> {
        let (evse, profile) = match speaker.version {
            Version::V16 => (place(payload, "connectorId"), payload.get("csChargingProfiles")),
            Version::V201 | Version::V21 => (place(payload, "evseId"), payload.get("chargingProfile")),
        };
        let (Some(evse), Some(profile)) = (evse, profile) else { return Ok(()) };
        let Some(id) = id_of(profile) else { return Ok(()) };
        let new = Held {
            key: id.to_string(),
            evse,
            source: "CSO".to_owned(),
            report: None,
            profile: profile.clone(),
        };
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        for old in self.held(speaker).await? {
            if old.key != new.key && replaced(speaker.version, &old, &new) {
                events.say(speaker, PROFILE, &old.key, None);
            }
        }
        events.say(
            speaker,
            PROFILE,
            &new.key,
            Some(json!({"evse": evse, "source": "CSO", "profile": profile})),
        );
        self.record(events).await
    }

    /// Whether the station found profiles to clear or knew none: those that were asked for are gone.
    pub(super) async fn charging_profiles_cleared(
        &self,
        speaker: &Speaker<'_>,
        payload: &Json,
    ) -> Result<(), CsmsError> {
        let (id, criteria, evse) = match speaker.version {
            Version::V16 => (whole(payload, "id"), payload, "connectorId"),
            Version::V201 | Version::V21 => (
                whole(payload, "chargingProfileId"),
                payload.get("chargingProfileCriteria").unwrap_or(&Json::Null),
                "evseId",
            ),
        };
        let wanted = |held: &Held| match id {
            Some(id) => held.key == id.to_string(),
            // limits from outside are not the central system's to clear
            None => {
                held.purpose() != Some(Purpose::ExternalConstraints)
                    && place(criteria, evse).is_none_or(|evse| held.evse == evse)
                    && whole(criteria, "stackLevel").is_none_or(|level| held.stack_level() == Some(level))
                    && text(criteria, "chargingProfilePurpose")
                        .is_none_or(|word| held.purpose() == purpose(word))
            }
        };
        self.forget_profiles(speaker, wanted).await
    }

    /// What lasted only for a transaction ends with it.
    pub(super) async fn forget_transaction_profiles(
        &self,
        speaker: &Speaker<'_>,
        fact: &TransactionFact,
    ) -> Result<(), CsmsError> {
        let over = |held: &Held| {
            held.purpose() == Some(Purpose::Tx)
                && match transaction_of(&held.profile) {
                    Some(id) => id == fact.transaction_id,
                    None => Some(held.evse) == fact.evse,
                }
        };
        self.forget_profiles(speaker, over).await
    }

    async fn forget_profiles(
        &self,
        speaker: &Speaker<'_>,
        wanted: impl Fn(&Held) -> bool,
    ) -> Result<(), CsmsError> {
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        for held in self.held(speaker).await?.iter().filter(|held| wanted(held)) {
            events.say(speaker, PROFILE, &held.key, None);
        }
        self.record(events).await
    }

    /// Remembers what was asked for, so that the end of the report can tell what the station does not hold any more.
    pub(super) async fn charging_profiles_asked_for(
        &self,
        speaker: &Speaker<'_>,
        payload: &Json,
    ) -> Result<(), CsmsError> {
        let Some(request) = whole(payload, "requestId") else { return Ok(()) };
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        events.say(speaker, REQUEST, &request.to_string(), Some(payload.clone()));
        self.record(events).await
    }

    /// The station holds none of what was asked for.
    pub(super) async fn no_charging_profiles(
        &self,
        speaker: &Speaker<'_>,
        payload: &Json,
    ) -> Result<(), CsmsError> {
        self.forget_profiles(speaker, |held| asked_for(payload, held)).await?;
        let Some(request) = whole(payload, "requestId") else { return Ok(()) };
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        events.say(speaker, REQUEST, &request.to_string(), None);
        self.record(events).await
    }

    /// One part of a report. What it states replaces what was believed; with its last part all that was asked for and
    /// not reported is forgotten.
    pub(super) async fn report_charging_profiles(
        &self,
        speaker: &Speaker<'_>,
        payload: &Json,
    ) -> Result<(), CsmsError> {
        let (Some(request), Some(evse)) = (whole(payload, "requestId"), place(payload, "evseId")) else {
            return Ok(());
        };
        let source = text(payload, "chargingLimitSource").unwrap_or("CSO");
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        for profile in list(payload, "chargingProfile") {
            let Some(id) = id_of(profile) else { continue };
            let value = json!({"evse": evse, "source": source, "profile": profile, "report": request});
            events.say(speaker, PROFILE, &id.to_string(), Some(value));
        }
        self.record(events).await?;
        if yes(payload, "tbc") {
            return Ok(());
        }
        let Some(asked) = self.statement(speaker, REQUEST, &request.to_string()).await? else {
            return Ok(());
        };
        self.forget_profiles(speaker, |held| held.report != Some(request) && asked_for(&asked, held)).await?;
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        events.say(speaker, REQUEST, &request.to_string(), None);
        self.record(events).await
    }

    /// Somebody else limits the station.
    pub(super) async fn notify_charging_limit(
        &self,
        speaker: &Speaker<'_>,
        payload: &Json,
    ) -> Result<(), CsmsError> {
        let Some(limit) = payload.get("chargingLimit") else { return Ok(()) };
        let source = text(limit, "chargingLimitSource").unwrap_or("Other");
        let evse = place(payload, "evseId").unwrap_or(0);
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        let now = self.inner.runtime.now();
        let value = json!({
            "source": source,
            "evse": evse,
            "grid_critical": yes(limit, "isGridCritical"),
            "schedules": list(payload, "chargingSchedule"),
            "since": now,
        });
        events.note(speaker.station, now, LIMIT, value.clone());
        events.say(speaker, LIMIT, &format!("{source}//{evse}"), Some(value));
        self.record(events).await
    }

    /// That limit is gone: on one EVSE, or wherever it held.
    pub(super) async fn cleared_charging_limit(
        &self,
        speaker: &Speaker<'_>,
        payload: &Json,
    ) -> Result<(), CsmsError> {
        let source = text(payload, "chargingLimitSource").unwrap_or("Other");
        let evse = place(payload, "evseId");
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        for record in self.statements(speaker, LIMIT).await? {
            let here = evse.is_none_or(|evse| place(&record.value, "evse") == Some(evse));
            if text(&record.value, "source") == Some(source) && here {
                events.say(speaker, LIMIT, &record.key, None);
            }
        }
        let detail = json!({"source": source, "evse": evse, "cleared": true});
        events.note(speaker.station, self.inner.runtime.now(), LIMIT, detail);
        self.record(events).await
    }

    /// What a vehicle needs. No schedule is made for it here, and the answer says so, so that the station offers what
    /// its own profiles allow.
    pub(super) async fn ev_charging_needs(
        &self,
        speaker: &Speaker<'_>,
        payload: &Json,
    ) -> Result<Answer, CsmsError> {
        let evse = place(payload, "evseId").unwrap_or(0);
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        events.say(speaker, "charging_needs", &evse.to_string(), Some(payload.clone()));
        self.record(events).await?;
        let status = if speaker.version == Version::V21 { "NoChargingProfile" } else { "Rejected" };
        Ok(Answer::Payload(json!({"status": status})))
    }

    /// What a vehicle means to draw.
    pub(super) async fn ev_charging_schedule(
        &self,
        speaker: &Speaker<'_>,
        payload: &Json,
    ) -> Result<Answer, CsmsError> {
        let evse = place(payload, "evseId").unwrap_or(0);
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        events.say(speaker, "ev_schedule", &evse.to_string(), Some(payload.clone()));
        self.record(events).await?;
        Ok(Answer::Payload(json!({"status": "Accepted"})))
    }

    /// The driver pressed for priority at the station, or it ended (2.1).
    pub(super) async fn priority_charging(
        &self,
        speaker: &Speaker<'_>,
        payload: &Json,
    ) -> Result<(), CsmsError> {
        self.set_priority(speaker, text(payload, "transactionId"), yes(payload, "activated"), "station").await
    }

    /// We asked for priority, and the station agreed.
    pub(super) async fn priority_asked(
        &self,
        speaker: &Speaker<'_>,
        payload: &Json,
    ) -> Result<(), CsmsError> {
        let active = yes(payload, "activate");
        self.set_priority(speaker, text(payload, "transactionId"), active, "central system").await
    }

    async fn set_priority(
        &self,
        speaker: &Speaker<'_>,
        transaction: Option<&str>,
        active: bool,
        by: &str,
    ) -> Result<(), CsmsError> {
        let Some(transaction) = transaction else { return Ok(()) };
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        events.say(speaker, PRIORITY, transaction, active.then(|| json!({"active": true, "by": by})));
        let detail = json!({"transaction_id": transaction, "active": active, "by": by});
        events.note(speaker.station, self.inner.runtime.now(), PRIORITY, detail);
        self.record(events).await
    }

    /// The station asks for the newest values of a dynamic profile (2.1): those that it was sent last.
    pub(super) async fn pull_dynamic_schedule(
        &self,
        speaker: &Speaker<'_>,
        payload: &Json,
    ) -> Result<Answer, CsmsError> {
        let id = whole(payload, "chargingProfileId").unwrap_or_default();
        let known = self.statement(speaker, PROFILE, &id.to_string()).await?;
        let profile = known.as_ref().and_then(|known| known.get("profile"));
        let dynamic = profile.filter(|profile| text(profile, "chargingProfileKind") == Some("Dynamic"));
        let Some(period) = dynamic.and_then(|profile| first_period(profile)) else {
            let info = json!({"reasonCode": "NoProfile", "additionalInfo": "no dynamic profile of this id was sent"});
            return Ok(Answer::Payload(json!({"status": "Rejected", "statusInfo": info})));
        };
        let update: serde_json::Map<String, Json> = UPDATED
            .iter()
            .filter_map(|field| Some(((*field).to_owned(), period.get(*field)?.clone())))
            .collect();
        Ok(Answer::Payload(json!({"status": "Accepted", "scheduleUpdate": update})))
    }

    /// The station took new values for a dynamic profile (2.1).
    pub(super) async fn dynamic_schedule_updated(
        &self,
        speaker: &Speaker<'_>,
        payload: &Json,
    ) -> Result<(), CsmsError> {
        let (Some(id), Some(update)) = (whole(payload, "chargingProfileId"), payload.get("scheduleUpdate"))
        else {
            return Ok(());
        };
        let Some(mut known) = self.statement(speaker, PROFILE, &id.to_string()).await? else { return Ok(()) };
        let period = known
            .pointer_mut("/profile/chargingSchedule/0/chargingSchedulePeriod/0")
            .and_then(Json::as_object_mut);
        let Some(period) = period else { return Ok(()) };
        for field in UPDATED {
            if let Some(value) = update.get(field) {
                period.insert(field.to_owned(), value.clone());
            }
        }
        if let Some(profile) = known.get_mut("profile") {
            profile["dynUpdateTime"] = self.inner.runtime.now().to_string().into();
        }
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        events.say(speaker, PROFILE, &id.to_string(), Some(known));
        self.record(events).await
    }

    /// All that limits the station, as the composer takes it: the profiles that it holds, and limits from outside that
    /// came with a schedule.
    pub(super) async fn profiles_of(&self, speaker: &Speaker<'_>) -> Result<Vec<Profile>, CsmsError> {
        let held = self.held(speaker).await?;
        let mut profiles: Vec<Profile> =
            held.iter().filter_map(|held| profile_of(&held.profile, held.evse)).collect();
        let reported = |evse| {
            let outside = |p: &Profile| p.purpose == Purpose::ExternalConstraints && p.evse == evse;
            held.iter().filter_map(|held| profile_of(&held.profile, held.evse)).any(|p| outside(&p))
        };
        for (n, record) in self.statements(speaker, LIMIT).await?.into_iter().enumerate() {
            let evse = place(&record.value, "evse").unwrap_or(0);
            let schedule = list(&record.value, "schedules").first().and_then(schedule_of);
            // a station that reports its outside limits as profiles has said it already
            let Some(schedule) = schedule.filter(|_| !reported(evse)) else { continue };
            profiles.push(Profile {
                id: -1 - i64::try_from(n).unwrap_or(0),
                evse,
                purpose: Purpose::ExternalConstraints,
                stack_level: 0,
                kind: Kind::Absolute,
                valid_from: time(&record.value, "since"),
                valid_to: None,
                transaction_id: None,
                schedule,
            });
        }
        Ok(profiles)
    }
}

/// The values of a period that a dynamic update may carry.
const UPDATED: [&str; 12] = [
    "limit",
    "limit_L2",
    "limit_L3",
    "dischargeLimit",
    "dischargeLimit_L2",
    "dischargeLimit_L3",
    "setpoint",
    "setpoint_L2",
    "setpoint_L3",
    "setpointReactive",
    "setpointReactive_L2",
    "setpointReactive_L3",
];

fn replaced(version: Version, old: &Held, new: &Held) -> bool {
    let same =
        old.purpose() == new.purpose() && old.stack_level() == new.stack_level() && old.evse == new.evse;
    let one_transaction = transaction_of(&old.profile) == transaction_of(&new.profile);
    let ((from_a, to_a), (from_b, to_b)) = (old.window(), new.window());
    let apart = |to: Option<Timestamp>, from: Option<Timestamp>| matches!((to, from), (Some(to), Some(from)) if to <= from);
    let overlap = !apart(to_a, from_b) && !apart(to_b, from_a);
    same && one_transaction && (version == Version::V16 || overlap)
}

/// Whether `GetChargingProfiles` with this payload asks for it.
fn asked_for(asked: &Json, held: &Held) -> bool {
    let nothing = Json::Null;
    let criteria = asked.get("chargingProfile").unwrap_or(&nothing);
    let ids = list(criteria, "chargingProfileId");
    if !ids.is_empty() {
        return ids.iter().any(|id| id.as_i64().is_some_and(|id| id.to_string() == held.key));
    }
    let sources = list(criteria, "chargingLimitSource");
    place(asked, "evseId").is_none_or(|evse| held.evse == evse)
        && (sources.is_empty() || sources.iter().any(|source| source == held.source.as_str()))
        && whole(criteria, "stackLevel").is_none_or(|level| held.stack_level() == Some(level))
        && text(criteria, "chargingProfilePurpose").is_none_or(|word| held.purpose() == purpose(word))
}

fn id_of(profile: &Json) -> Option<i64> {
    whole(profile, "id").or_else(|| whole(profile, "chargingProfileId"))
}

fn transaction_of(profile: &Json) -> Option<String> {
    match profile.get("transactionId")? {
        Json::String(id) => Some(id.clone()),
        Json::Number(id) => Some(id.to_string()),
        _ => None,
    }
}

fn purpose(word: &str) -> Option<Purpose> {
    Some(match word {
        "ChargePointMaxProfile" | "ChargingStationMaxProfile" => Purpose::StationMax,
        "ChargingStationExternalConstraints" => Purpose::ExternalConstraints,
        "TxDefaultProfile" => Purpose::TxDefault,
        "TxProfile" => Purpose::Tx,
        "PriorityCharging" => Purpose::PriorityCharging,
        "LocalGeneration" => Purpose::LocalGeneration,
        _ => return None,
    })
}

fn first_period(profile: &Json) -> Option<&Json> {
    list(schedule_json(profile)?, "chargingSchedulePeriod").first()
}

/// The schedule; 2.x has up to three for a vehicle to choose from, of which the station itself uses the first.
fn schedule_json(profile: &Json) -> Option<&Json> {
    match profile.get("chargingSchedule")? {
        Json::Array(schedules) => schedules.first(),
        one => Some(one),
    }
}

/// A profile of any version.
pub(super) fn profile_of(profile: &Json, evse: u32) -> Option<Profile> {
    let kind = match (text(profile, "chargingProfileKind")?, text(profile, "recurrencyKind")) {
        ("Absolute", _) => Kind::Absolute,
        ("Recurring", Some("Weekly")) => Kind::Weekly,
        ("Recurring", _) => Kind::Daily,
        ("Relative", _) => Kind::Relative,
        ("Dynamic", _) => Kind::Dynamic,
        _ => return None,
    };
    Some(Profile {
        id: id_of(profile)?,
        evse,
        purpose: purpose(text(profile, "chargingProfilePurpose")?)?,
        stack_level: place(profile, "stackLevel")?,
        kind,
        valid_from: time(profile, "validFrom"),
        valid_to: time(profile, "validTo"),
        transaction_id: transaction_of(profile),
        schedule: schedule_of(schedule_json(profile)?)?,
    })
}

pub(super) fn schedule_of(schedule: &Json) -> Option<Schedule> {
    let unit = unit(text(schedule, "chargingRateUnit")?)?;
    Some(Schedule {
        unit,
        start: time(schedule, "startSchedule"),
        duration_s: place(schedule, "duration"),
        min_rate: schedule.get("minChargingRate").and_then(Json::as_f64),
        periods: list(schedule, "chargingSchedulePeriod").iter().filter_map(|p| period_of(p, unit)).collect(),
    })
}

pub(super) fn unit(word: &str) -> Option<Unit> {
    match word {
        "W" => Some(Unit::Watt),
        "A" => Some(Unit::Ampere),
        _ => None,
    }
}

pub(super) fn period_of(period: &Json, unit: Unit) -> Option<Period> {
    // One number for all phases: watts add up, and of amperes the phase that may draw least is kept to.
    let all = |name: &str, nearest: fn(f64, f64) -> f64| {
        let on = |suffix: &str| period.get(format!("{name}{suffix}")).and_then(Json::as_f64);
        let others = [on("_L2"), on("_L3")].into_iter().flatten();
        on("").map(|first| match unit {
            Unit::Watt => others.fold(first, |sum, one| sum + one),
            Unit::Ampere => others.fold(first, nearest),
        })
    };
    let small = |name: &str| period.get(name).and_then(Json::as_u64).and_then(|n| u8::try_from(n).ok());
    Some(Period {
        start_s: place(period, "startPeriod")?,
        limit: all("limit", f64::min),
        phases: small("numberPhases"),
        phase_to_use: small("phaseToUse"),
        discharge_limit: all("dischargeLimit", f64::max),
        setpoint: all("setpoint", f64::min),
    })
}
