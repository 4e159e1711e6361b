//! What a station knows of a customer.
//!
//! It is personal data that somebody asked for, so it is neither journalled nor kept: it stays in memory for an hour,
//! bounded, and only when it was asked for. A restart forgets it. What is recorded (topic `customer_information`) is
//! that it was asked for and how far it is; one that is forgotten before it is whole is `incomplete`.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value as Json, json};
use voltwin_core::{TenantId, Timestamp, TwinId};
use voltwin_ocpp::Answer;

use super::payload::{number, text};
use crate::decide::Speaker;
use crate::stations::Events;
use crate::{CentralSystem, CsmsError};

const TOPIC: &str = "customer_information";
/// Seconds that an answer is kept.
const KEPT_S: f64 = 3_600.0;
/// Records read at once.
const PAGE: usize = 500;
/// Answers of all stations that are kept at once.
const ANSWERS_MAX: usize = 200;
/// Bytes and parts of one answer.
const BYTES_MAX: usize = 64 * 1024;
const PARTS_MAX: i64 = 1_000;

/// What a station has told of a customer so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerInformation {
    /// The parts that came, in their order, joined.
    pub data: String,
    /// Whether it is all.
    pub complete: bool,
    /// When it is forgotten.
    pub kept_until: Timestamp,
}

#[derive(Default)]
struct Collected {
    parts: BTreeMap<i64, String>,
    bytes: usize,
    last: Option<i64>,
    until: Option<Timestamp>,
}

impl Collected {
    fn is_whole(&self) -> bool {
        self.last.is_some_and(|last| self.parts.len() as i64 == last + 1 && self.parts.contains_key(&last))
    }
}

/// Station and request of an answer.
type Key = (TenantId, TwinId, i64);

/// Answers that are being kept.
#[derive(Default)]
pub(crate) struct Customers {
    answers: HashMap<Key, Collected>,
    /// Those that were forgotten before they were whole, of which nobody was told yet.
    lost: Vec<Key>,
}

impl Customers {
    fn forget_old(&mut self, now: Timestamp) {
        let lost = &mut self.lost;
        self.answers.retain(|key, answer| {
            let kept = answer.until.is_some_and(|until| until > now);
            if !kept && !answer.is_whole() {
                lost.push(key.clone());
            }
            kept
        });
    }

    fn take_lost(&mut self, now: Timestamp) -> Vec<Key> {
        self.forget_old(now);
        std::mem::take(&mut self.lost)
    }

    fn ask(&mut self, key: Key, now: Timestamp) {
        self.forget_old(now);
        if self.answers.len() >= ANSWERS_MAX
            && let Some(oldest) =
                self.answers.iter().min_by_key(|(_, answer)| answer.until).map(|(k, _)| k.clone())
            && self.answers.remove(&oldest).is_some_and(|answer| !answer.is_whole())
        {
            self.lost.push(oldest);
        }
        self.answers.insert(key, Collected { until: Some(now.plus_seconds(KEPT_S)), ..Collected::default() });
    }

    /// Takes a part; `None` when nobody asked, else whether the answer is whole.
    fn take(&mut self, key: &Key, payload: &Json, now: Timestamp) -> Option<bool> {
        self.forget_old(now);
        let answer = self.answers.get_mut(key)?;
        let seq = number(payload, "seqNo").filter(|seq| (0..PARTS_MAX).contains(seq))?;
        let data = text(payload, "data").unwrap_or_default();
        if answer.bytes + data.len() <= BYTES_MAX && !answer.parts.contains_key(&seq) {
            answer.bytes += data.len();
            answer.parts.insert(seq, data.to_owned());
            if payload.get("tbc").and_then(Json::as_bool) != Some(true) {
                answer.last = Some(seq);
            }
        }
        Some(answer.is_whole())
    }
}

impl CentralSystem {
    /// What a station has told of a customer in answer to `request_id`; `None` when nobody asked or it is forgotten.
    #[must_use]
    pub fn customer_information(
        &self,
        tenant: &TenantId,
        station: &TwinId,
        request_id: i64,
    ) -> Option<CustomerInformation> {
        let mut customers = self.inner.customers.lock();
        customers.forget_old(self.inner.runtime.now());
        let answer = customers.answers.get(&(tenant.clone(), station.clone(), request_id))?;
        Some(CustomerInformation {
            data: answer.parts.values().map(String::as_str).collect(),
            complete: answer.is_whole(),
            kept_until: answer.until?,
        })
    }

    /// Somebody asks what a station knows of a customer.
    pub(super) async fn customer_asking(
        &self,
        speaker: &Speaker<'_>,
        payload: &Json,
    ) -> Result<(), CsmsError> {
        let Some(request_id) = number(payload, "requestId") else { return Ok(()) };
        let flag = |field: &str| payload.get(field).and_then(Json::as_bool) == Some(true);
        if flag("report") {
            let key = (speaker.tenant.clone(), speaker.station.clone(), request_id);
            self.inner.customers.lock().ask(key, self.inner.runtime.now());
        }
        let value = json!({"state": "asked", "report": flag("report"), "clear": flag("clear")});
        self.customer_is(speaker, request_id, value).await
    }

    /// A part of what a station knows of a customer.
    pub(super) async fn notify_customer_information(
        &self,
        speaker: &Speaker<'_>,
        payload: &Json,
    ) -> Result<Answer, CsmsError> {
        let request_id = number(payload, "requestId").unwrap_or(0);
        let key = (speaker.tenant.clone(), speaker.station.clone(), request_id);
        let taken = self.inner.customers.lock().take(&key, payload, self.inner.runtime.now());
        if let Some(whole) = taken {
            let state = if whole { "complete" } else { "receiving" };
            self.customer_is(speaker, request_id, json!({"state": state})).await?;
        }
        Ok(Answer::Payload(json!({})))
    }

    /// Says of the answers that were forgotten before they were whole that they are not.
    pub(super) async fn lose_customer_information(&self) -> Result<(), CsmsError> {
        let lost = self.inner.customers.lock().take_lost(self.inner.runtime.now());
        for (tenant, station, request_id) in lost {
            self.customer_lost(&tenant, &station, request_id).await?;
        }
        Ok(())
    }

    /// An earlier run has taken with it what had come of answers that were not whole.
    pub(crate) async fn load_customer_information(&self, tenant: &TenantId) -> Result<(), CsmsError> {
        let store = self.inner.runtime.store().tenant(tenant);
        let mut cursor: Option<String> = None;
        loop {
            let page = store.records_of_topic(TOPIC, cursor.as_deref(), PAGE).await?;
            for record in page.items {
                let asked = text(&record.value, "state") == Some("asked")
                    && record.value.get("report").and_then(Json::as_bool) == Some(true);
                let open = asked || text(&record.value, "state") == Some("receiving");
                if let (true, Ok(request_id)) = (open, record.key.parse()) {
                    self.customer_lost(tenant, &record.twin.parse()?, request_id).await?;
                }
            }
            cursor = page.next;
            if cursor.is_none() {
                return Ok(());
            }
        }
    }

    async fn customer_lost(
        &self,
        tenant: &TenantId,
        station: &TwinId,
        request_id: i64,
    ) -> Result<(), CsmsError> {
        let mut events = Events::new(self, tenant, Self::trace());
        let value = json!({"state": "incomplete"});
        events.state(station, self.inner.runtime.now(), TOPIC, &request_id.to_string(), Some(value));
        self.record(events).await
    }

    async fn customer_is(
        &self,
        speaker: &Speaker<'_>,
        request_id: i64,
        value: Json,
    ) -> Result<(), CsmsError> {
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        let now = self.inner.runtime.now();
        events.state(speaker.station, now, TOPIC, &request_id.to_string(), Some(value));
        self.record(events).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: i64) -> (TenantId, TwinId, i64) {
        (TenantId::new("t").unwrap(), TwinId::new("S").unwrap(), id)
    }

    fn part(seq: i64, tbc: bool, data: &str) -> Json {
        json!({"requestId": 1, "seqNo": seq, "tbc": tbc, "data": data})
    }

    #[test]
    fn an_answer_is_kept_for_an_hour_and_only_when_asked_for() {
        let now = Timestamp::from_micros(0);
        let mut customers = Customers::default();
        assert_eq!(customers.take(&key(1), &part(0, false, "x"), now), None);
        customers.ask(key(1), now);
        assert_eq!(customers.take(&key(1), &part(1, false, "b"), now), Some(false));
        assert_eq!(customers.take(&key(1), &part(0, true, "a"), now), Some(true));
        assert_eq!(customers.take(&key(1), &part(0, true, "again"), now), Some(true));
        let text: String = customers.answers[&key(1)].parts.values().map(String::as_str).collect();
        assert_eq!(text, "ab");
        customers.ask(key(2), now);
        assert_eq!(customers.take(&key(1), &part(2, true, "c"), now.plus_seconds(KEPT_S)), None);
        assert!(customers.answers.is_empty());
        assert_eq!(customers.take_lost(now), [key(2)], "only the one that was not whole");
        assert!(customers.take_lost(now).is_empty());
    }

    #[test]
    fn answers_are_bounded() {
        let now = Timestamp::from_micros(0);
        let mut customers = Customers::default();
        for id in 0..ANSWERS_MAX as i64 + 50 {
            customers.ask(key(id), now.plus_seconds(id as f64 * 1e-3));
        }
        assert_eq!(customers.answers.len(), ANSWERS_MAX);
        let last = key(ANSWERS_MAX as i64 + 49);
        for seq in 0..2_000 {
            customers.take(&last, &part(seq, true, &"x".repeat(512)), now);
        }
        assert!(customers.answers[&last].bytes <= BYTES_MAX);
    }
}
