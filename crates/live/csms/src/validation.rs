//! How strictly stations are held to the protocol, and what is kept of their breaches.
//!
//! A policy is looked up for every frame, from the most particular rule to the most general: the station, its vendor,
//! model and firmware, vendor and model, vendor, and what the installation was started with. The rules of a tenant
//! live in memory and in the store; a change is durable before it counts.
//!
//! Each breach is a note under the topic `violation` of the station. A station files [`FILED_PER_MINUTE`] of them a
//! minute; of the others only the number is kept, so that a mad station cannot fill the disk.

use std::collections::HashMap;

use parking_lot::Mutex;
use serde_json::json;
use uuid::Uuid;
use voltwin_core::{
    AlarmChange, AlarmFact, AlarmId, EventBody, Severity, TenantId, Timestamp, TraceId, TwinId,
};
use voltwin_ocpp::{Answer, BootStatus, Fact, Validation, Violation};
use voltwin_store::{AlarmFilter, ValidationScope};

use crate::decide::Speaker;
use crate::stations::Events;
use crate::{CentralSystem, CsmsError};

/// Breaches of one station that are filed in a minute.
pub const FILED_PER_MINUTE: u32 = 30;
/// The topic of their notes.
pub const VIOLATION_TOPIC: &str = "violation";
/// The alarm on a station whose firmware was clean and is not any more.
pub const VIOLATION_ALARM: &str = "ProtocolViolations";
/// Good calls on a connection after which its firmware counts as clean.
const CLEAN_AFTER: u64 = 20;
/// A firmware that has broken nothing for so long counts as clean.
const CLEAN_S: f64 = 24.0 * 3_600.0;
/// The alarm ends when the station has broken nothing for so long.
const CALM_S: f64 = 3_600.0;
/// Stations and firmwares remembered at once; beyond, the oldest are forgotten.
const REMEMBERED_MAX: usize = 20_000;

type Who = (TenantId, TwinId);

/// What a station says it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Make {
    pub(crate) vendor: String,
    pub(crate) model: String,
    pub(crate) firmware: String,
}

/// What is filed of one station in the current minute.
struct Budget {
    since: Timestamp,
    filed: u32,
    unfiled: u64,
}

/// Rules, budgets and open alarms of all tenants.
#[derive(Default)]
pub(crate) struct Policies {
    rules: Mutex<HashMap<TenantId, HashMap<ValidationScope, Validation>>>,
    budgets: Mutex<HashMap<Who, Budget>>,
    /// When a make broke the protocol last.
    makes: Mutex<HashMap<(TenantId, Make), Timestamp>>,
    alarms: Mutex<HashMap<Who, (AlarmId, Timestamp)>>,
}

/// Where breaches were found.
pub(crate) struct Place<'a> {
    pub(crate) make: &'a Make,
    pub(crate) action: &'a str,
    pub(crate) kind: &'static str,
    pub(crate) message_id: Option<&'a str>,
    /// Calls without a breach before, on this connection.
    pub(crate) good_calls: u64,
}

impl Policies {
    fn of(&self, tenant: &TenantId, station: &TwinId, make: &Make) -> Option<Validation> {
        let rules = self.rules.lock();
        let rules = rules.get(tenant)?;
        let mut scope = ValidationScope { station: station.to_string(), ..Default::default() };
        if let Some(policy) = rules.get(&scope) {
            return Some(*policy);
        }
        scope = ValidationScope {
            vendor: make.vendor.clone(),
            model: make.model.clone(),
            firmware: make.firmware.clone(),
            ..Default::default()
        };
        if scope.vendor.is_empty() {
            return None;
        }
        for part in [None, Some("firmware"), Some("model")] {
            match part {
                Some("firmware") => scope.firmware.clear(),
                Some(_) => scope.model.clear(),
                None => {}
            }
            if let Some(policy) = rules.get(&scope) {
                return Some(*policy);
            }
        }
        None
    }

    /// How many of `count` breaches may be filed now, and how many of the minute before were not.
    fn admit(&self, who: &Who, count: u32, now: Timestamp) -> (u32, u64) {
        let mut budgets = self.budgets.lock();
        if budgets.len() >= REMEMBERED_MAX && !budgets.contains_key(who) {
            budgets.retain(|_, budget| now.seconds_since(budget.since) < 60.0 || budget.unfiled > 0);
        }
        let fresh = Budget { since: now, filed: 0, unfiled: 0 };
        let budget = budgets.entry(who.clone()).or_insert(fresh);
        let mut missed = 0;
        if now.seconds_since(budget.since) >= 60.0 {
            missed = budget.unfiled;
            *budget = Budget { since: now, filed: 0, unfiled: 0 };
        }
        let room = FILED_PER_MINUTE.saturating_sub(budget.filed).min(count);
        budget.filed += room;
        budget.unfiled += u64::from(count - room);
        (room, missed)
    }

    /// Whether a make that breaks the protocol now was clean before.
    fn turns(&self, tenant: &TenantId, make: &Make, good_calls: u64, now: Timestamp) -> bool {
        let mut makes = self.makes.lock();
        if makes.len() >= REMEMBERED_MAX {
            makes.retain(|_, last| now.seconds_since(*last) < CLEAN_S);
        }
        let before = makes.insert((tenant.clone(), make.clone()), now);
        good_calls >= CLEAN_AFTER && before.is_none_or(|last| now.seconds_since(last) >= CLEAN_S)
    }
}

impl CentralSystem {
    /// Reads the rules of a tenant, what its stations broke before, and which alarms of that are open.
    pub(crate) async fn load_validation(&self, tenant: &TenantId) -> Result<(), CsmsError> {
        let store = self.inner.runtime.store().tenant(tenant);
        let rules = store.validation_rules().await?;
        let known = rules.into_iter().filter_map(|rule| Some((rule.scope, rule.policy.parse().ok()?)));
        self.inner.policies.rules.lock().insert(tenant.clone(), known.collect());
        for count in store.violation_counts(500).await? {
            let make = Make { vendor: count.vendor, model: count.model, firmware: count.firmware };
            let mut makes = self.inner.policies.makes.lock();
            let last = makes.entry((tenant.clone(), make)).or_insert(count.last);
            *last = (*last).max(count.last);
        }
        let mut cursor = None;
        loop {
            let page = store.alarms(AlarmFilter::Open, cursor.as_deref(), 500).await?;
            for alarm in page.items {
                if alarm.code == VIOLATION_ALARM && alarm.cleared_at.is_none() {
                    let who = (tenant.clone(), alarm.twin.parse()?);
                    self.inner.policies.alarms.lock().insert(who, (alarm.id, alarm.raised_at));
                }
            }
            cursor = page.next;
            if cursor.is_none() {
                return Ok(());
            }
        }
    }

    /// The policy that holds for a station.
    #[must_use]
    pub fn validation_of(&self, tenant: &TenantId, station: &TwinId) -> Validation {
        self.validation_for(tenant, station, &self.make_of(tenant, station))
    }

    /// The policy that the installation was started with.
    #[must_use]
    pub fn validation_default(&self) -> Validation {
        self.inner.config.validation
    }

    pub(crate) fn validation_for(&self, tenant: &TenantId, station: &TwinId, make: &Make) -> Validation {
        self.inner.policies.of(tenant, station, make).unwrap_or(self.inner.config.validation)
    }

    /// Sets the policy of some stations from their next frame on, or with `None` takes it back.
    ///
    /// # Errors
    /// [`CsmsError::Store`].
    pub async fn set_validation(
        &self,
        tenant: &TenantId,
        scope: ValidationScope,
        policy: Option<Validation>,
        by: &str,
    ) -> Result<(), CsmsError> {
        let store = self.inner.runtime.store().tenant(tenant);
        let now = self.inner.runtime.now();
        store.set_validation_rule(&scope, policy.map(Validation::as_str), by, now).await?;
        let mut rules = self.inner.policies.rules.lock();
        let rules = rules.entry(tenant.clone()).or_default();
        match policy {
            Some(policy) => rules.insert(scope, policy),
            None => rules.remove(&scope),
        };
        Ok(())
    }

    /// What the station's twin says that it is.
    pub(crate) fn make_of(&self, tenant: &TenantId, station: &TwinId) -> Make {
        self.inner.runtime.read(tenant, |graph| {
            let Some(twin) = graph.twin(station.as_str()) else { return Make::default() };
            let text = |name: &str| {
                twin.get(name).and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
            };
            Make { vendor: text("vendor"), model: text("model"), firmware: text("firmware_version") }
        })
    }

    /// Files breaches on the station, as many as its minute has room for.
    pub(crate) async fn file_violations(
        &self,
        who: &Who,
        place: &Place<'_>,
        violations: &[Violation],
        trace: TraceId,
    ) {
        metrics::counter!("voltwin_ocpp_violations_total").increment(violations.len() as u64);
        let now = self.inner.runtime.now();
        let count = u32::try_from(violations.len()).unwrap_or(u32::MAX);
        let (room, missed) = self.inner.policies.admit(who, count, now);
        let mut events = Events::new(self, &who.0, trace);
        let Make { vendor, model, firmware } = place.make;
        if missed > 0 {
            let detail = json!({"code": "NotFiled", "count": missed, "vendor": vendor, "model": model,
                "firmware": firmware});
            events.note(&who.1, now, VIOLATION_TOPIC, detail);
        }
        let policy = self.validation_for(&who.0, &who.1, place.make);
        for violation in violations.iter().take(room as usize) {
            tracing::info!(station = %who.1, %trace, %violation, "a frame breaks the protocol");
            // an action that is none would make a row of counts for each word that a station invents
            let known = violation.code != voltwin_ocpp::ErrorCode::NotImplemented;
            let field: String = violation.field.chars().take(200).collect();
            let detail: String = violation.detail.chars().take(300).collect();
            events.note(
                &who.1,
                now,
                VIOLATION_TOPIC,
                json!({"code": violation.code, "field": field, "detail": detail,
                    "action": if known { place.action } else { "" }, "kind": place.kind, "direction": "in",
                    "message_id": place.message_id, "policy": policy, "vendor": vendor, "model": model,
                    "firmware": firmware}),
            );
        }
        if self.inner.policies.turns(&who.0, place.make, place.good_calls, now) {
            self.raise_violations(who, place, &mut events, now);
        } else if let Some((_, last)) = self.inner.policies.alarms.lock().get_mut(who) {
            *last = now;
        }
        if !events.list.is_empty()
            && let Err(error) = self.record(events).await
        {
            tracing::warn!(station = %who.1, %trace, %error, "could not file a violation");
        }
    }

    fn raise_violations(&self, who: &Who, place: &Place<'_>, events: &mut Events<'_>, now: Timestamp) {
        let mut alarms = self.inner.policies.alarms.lock();
        if let Some((_, last)) = alarms.get_mut(who) {
            *last = now;
            return;
        }
        let id = AlarmId(Uuid::now_v7());
        let Make { vendor, model, firmware } = place.make;
        let message =
            format!("firmware {firmware} of {vendor} {model} was clean and now breaks the protocol");
        let change = AlarmChange::Raised {
            code: VIOLATION_ALARM.to_owned(),
            severity: Severity::Minor,
            message: message.chars().take(400).collect(),
        };
        events.add(&who.1, now, EventBody::Alarm(AlarmFact { id, change }));
        alarms.insert(who.clone(), (id, now));
    }

    /// Ends the alarm of a station that has been calm for an hour.
    pub(crate) async fn calm_violations(&self, who: &Who) {
        let now = self.inner.runtime.now();
        let ended = {
            let mut alarms = self.inner.policies.alarms.lock();
            let calm = alarms.get(who).is_some_and(|(_, last)| now.seconds_since(*last) >= CALM_S);
            if calm { alarms.remove(who) } else { None }
        };
        let Some((id, _)) = ended else { return };
        let mut events = Events::new(self, &who.0, Self::trace());
        let fact = AlarmFact { id, change: AlarmChange::Cleared };
        events.add(&who.1, now, EventBody::Alarm(fact));
        if let Err(error) = self.record(events).await {
            tracing::warn!(station = %who.1, %error, "could not end an alarm");
        }
    }

    /// Answers a station in quarantine as any other, and believes it only where money depends on it.
    pub(crate) async fn decide_in_quarantine(
        &self,
        speaker: &Speaker<'_>,
        action: &'static str,
        fact: Fact,
        make: &Make,
    ) -> Answer {
        let now = self.inner.runtime.now();
        let who = (speaker.tenant.clone(), speaker.station.clone());
        let transaction = match &fact {
            Fact::Transaction(report) => report.transaction_id.clone(),
            _ => None,
        };
        let answer = match fact {
            Fact::Heartbeat => return Answer::Heartbeat { now },
            fact @ (Fact::Transaction(_) | Fact::Authorize { .. }) => self.decide(speaker, fact).await,
            Fact::Boot { .. } => {
                let interval_s = self.inner.config.heartbeat_s;
                Answer::Boot { status: BootStatus::Accepted, interval_s, now }
            }
            Fact::Status { .. } => Answer::Status,
            Fact::MeterValues { .. } => Answer::MeterValues,
            Fact::Other { .. } => Answer::Other,
        };
        let (room, _) = self.inner.policies.admit(&who, 1, now);
        if room > 0 {
            let Make { vendor, model, firmware } = make;
            let mut events = Events::new(self, speaker.tenant, speaker.trace);
            let detail = json!({"code": "Quarantined", "action": action, "kind": "call", "direction": "in",
                "transaction_id": transaction, "vendor": vendor, "model": model, "firmware": firmware});
            events.note(speaker.station, now, VIOLATION_TOPIC, detail);
            if let Err(error) = self.record(events).await {
                tracing::warn!(station = %speaker.station, %error, "could not file a fact of a station in quarantine");
            }
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who() -> Who {
        (TenantId::new("t").unwrap(), TwinId::new("S").unwrap())
    }

    #[test]
    fn the_most_particular_rule_holds() {
        let policies = Policies::default();
        let make = Make { vendor: "Acme".into(), model: "M".into(), firmware: "1".into() };
        let scope = |station: &str, vendor: &str, model: &str, firmware: &str| ValidationScope {
            station: station.into(),
            vendor: vendor.into(),
            model: model.into(),
            firmware: firmware.into(),
        };
        let set = |scope, policy| {
            policies.rules.lock().entry(who().0).or_default().insert(scope, policy);
        };
        let of = || policies.of(&who().0, &who().1, &make);
        assert_eq!(of(), None);
        set(scope("", "Acme", "", ""), Validation::Lenient);
        assert_eq!(of(), Some(Validation::Lenient));
        set(scope("", "Acme", "M", ""), Validation::Strict);
        assert_eq!(of(), Some(Validation::Strict));
        set(scope("", "Acme", "M", "1"), Validation::Quarantine);
        assert_eq!(of(), Some(Validation::Quarantine));
        set(scope("S", "", "", ""), Validation::Lenient);
        assert_eq!(of(), Some(Validation::Lenient));
        assert_eq!(policies.of(&who().0, &TwinId::new("T").unwrap(), &Make::default()), None);
    }

    #[test]
    fn a_mad_station_files_so_many_a_minute_and_the_rest_is_counted() {
        let policies = Policies::default();
        let at = |s: f64| Timestamp::from_micros(0).plus_seconds(s);
        let filed: u32 = (0..1_000).map(|_| policies.admit(&who(), 1, at(1.0)).0).sum();
        assert_eq!(filed, FILED_PER_MINUTE);
        assert_eq!(policies.admit(&who(), 2, at(61.5)), (2, u64::from(1_000 - FILED_PER_MINUTE)));
        assert_eq!(policies.admit(&who(), 1, at(62.0)), (1, 0));
    }

    #[test]
    fn only_a_make_that_was_clean_turns() {
        let policies = Policies::default();
        let at = |s: f64| Timestamp::from_micros(0).plus_seconds(s);
        let make = Make::default();
        assert!(!policies.turns(&who().0, &make, CLEAN_AFTER - 1, at(0.0)));
        assert!(!policies.turns(&who().0, &make, CLEAN_AFTER, at(10.0)));
        assert!(policies.turns(&who().0, &make, CLEAN_AFTER, at(11.0 + CLEAN_S)));
    }
}
