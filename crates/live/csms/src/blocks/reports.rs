//! Reports that come in parts: in any order, repeated, or never to their end.
//!
//! What a part says is recorded when it comes; how far the report is stands in the record `report` under
//! `{kind}/{request id}`, so that a restart between two parts loses nothing. A report that was asked for in full and
//! is complete takes back what it no longer names: every statement of its topic from before the question.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use voltwin_core::Timestamp;

use super::payload::number;
use crate::decide::Speaker;
use crate::stations::Events;
use crate::{CentralSystem, CsmsError};

/// The topic of the records that tell how far a report is.
pub(crate) const TOPIC: &str = "report";
/// Seconds without a further part after which a report has ended early.
pub(crate) const WITHIN_S: f64 = 600.0;
/// The highest sequence number that is believed.
const PARTS_MAX: u32 = 10_000;
/// Gaps between parts that are remembered.
const RANGES_MAX: usize = 256;
/// Statements of one topic that a station may make; more are counted and left out.
pub(crate) const STATEMENTS_MAX: u64 = 20_000;
/// Records read or taken back at once.
const PAGE: usize = 500;

/// What a report is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Inventory,
    Monitoring,
    Display,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Inventory => "inventory",
            Self::Monitoring => "monitoring",
            Self::Display => "display",
        }
    }

    /// The topic of what it states.
    pub(crate) fn topic(self) -> &'static str {
        match self {
            Self::Inventory => "variable",
            Self::Monitoring => "monitor",
            Self::Display => "display_message",
        }
    }

    fn key(self, request_id: i64) -> String {
        format!("{}/{request_id}", self.as_str())
    }
}

/// Where a report stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    Asked,
    Receiving,
    Complete,
    /// Nothing more came in time: what it stated stays, and nothing is taken back for it.
    Incomplete,
    /// The station said that it will not, or that there is nothing.
    Refused,
}

/// How far a report is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Progress {
    pub(crate) state: State,
    /// Whether it was asked to name everything.
    pub(crate) full: bool,
    pub(crate) begun_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    /// Parts that have come, as first and last of each run.
    pub(crate) parts: Vec<(u32, u32)>,
    /// The number of the last part, once it has come.
    pub(crate) last: Option<u32>,
    /// Statements that were taken.
    pub(crate) items: u64,
    /// Statements that were left out: too many, or without a usable name.
    pub(crate) left_out: u64,
}

impl Progress {
    pub(crate) fn new(state: State, full: bool, now: Timestamp) -> Self {
        Self {
            state,
            full,
            begun_at: now,
            updated_at: now,
            parts: Vec::new(),
            last: None,
            items: 0,
            left_out: 0,
        }
    }

    fn has(&self, seq: u32) -> bool {
        self.parts.iter().any(|(first, last)| (*first..=*last).contains(&seq))
    }

    fn next(&self) -> u32 {
        self.parts.last().map_or(0, |(_, last)| last.saturating_add(1))
    }

    fn add(&mut self, seq: u32) {
        let place = self.parts.partition_point(|(first, _)| *first < seq);
        self.parts.insert(place, (seq, seq));
        self.parts.dedup_by(|later, earlier| {
            let joined = earlier.1.saturating_add(1) >= later.0;
            if joined {
                earlier.1 = earlier.1.max(later.1);
            }
            joined
        });
    }

    pub(crate) fn is_whole(&self) -> bool {
        self.last.is_some_and(|last| self.parts == [(0, last)])
    }
}

/// A part that has just come.
pub(crate) struct Part {
    pub(crate) kind: Kind,
    pub(crate) request_id: i64,
    pub(crate) progress: Progress,
    /// False when it has been taken before.
    pub(crate) new: bool,
    /// Statements that may be added without a look whether they are new.
    pub(crate) room: u64,
    pub(crate) now: Timestamp,
}

impl Part {
    /// Counts a statement that cannot be kept.
    pub(crate) fn skip(&mut self) {
        self.progress.left_out += 1;
    }
}

impl CentralSystem {
    /// Whether a statement of a part may be kept: a station that has made too many can only renew those it made.
    pub(crate) async fn fits(
        &self,
        speaker: &Speaker<'_>,
        part: &mut Part,
        key: &str,
    ) -> Result<bool, CsmsError> {
        let fits = if part.room > 0 {
            part.room -= 1;
            true
        } else {
            let store = self.inner.runtime.store().tenant(speaker.tenant);
            store.record(speaker.station.as_str(), part.kind.topic(), key).await?.is_some()
        };
        if fits {
            part.progress.items += 1;
        } else {
            part.progress.left_out += 1;
        }
        Ok(fits)
    }

    /// A report has been asked for: what comes is measured from now.
    pub(crate) async fn report_asked(
        &self,
        speaker: &Speaker<'_>,
        kind: Kind,
        payload: &Json,
        full: bool,
    ) -> Result<(), CsmsError> {
        let Some(request_id) = number(payload, "requestId") else { return Ok(()) };
        let now = self.inner.runtime.now();
        self.write_report(speaker, kind, request_id, &Progress::new(State::Asked, full, now)).await
    }

    /// The station will not send a report.
    pub(crate) async fn report_refused(
        &self,
        speaker: &Speaker<'_>,
        kind: Kind,
        payload: &Json,
    ) -> Result<(), CsmsError> {
        let Some(request_id) = number(payload, "requestId") else { return Ok(()) };
        let now = self.inner.runtime.now();
        let known = self.read_report(speaker, kind, request_id).await?;
        if known.as_ref().is_none_or(|progress| progress.state != State::Asked) {
            return Ok(());
        }
        self.write_report(speaker, kind, request_id, &Progress::new(State::Refused, false, now)).await
    }

    async fn write_report(
        &self,
        speaker: &Speaker<'_>,
        kind: Kind,
        request_id: i64,
        progress: &Progress,
    ) -> Result<(), CsmsError> {
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        let value = serde_json::to_value(progress).unwrap_or_default();
        let key = kind.key(request_id);
        events.state(speaker.station, progress.updated_at, TOPIC, &key, Some(value));
        self.record(events).await?;
        self.inner.reports.note(speaker.tenant, speaker.station, &key, progress);
        Ok(())
    }

    pub(crate) async fn read_report(
        &self,
        speaker: &Speaker<'_>,
        kind: Kind,
        request_id: i64,
    ) -> Result<Option<Progress>, CsmsError> {
        let store = self.inner.runtime.store().tenant(speaker.tenant);
        let record = store.record(speaker.station.as_str(), TOPIC, &kind.key(request_id)).await?;
        Ok(record.and_then(|record| serde_json::from_value(record.value).ok()))
    }

    /// Takes note of a part; its statements are the caller's.
    pub(crate) async fn part(
        &self,
        speaker: &Speaker<'_>,
        kind: Kind,
        payload: &Json,
    ) -> Result<Part, CsmsError> {
        let now = self.inner.runtime.now();
        let request_id = number(payload, "requestId").unwrap_or(0);
        let known = self.read_report(speaker, kind, request_id).await?;
        let fresh = |progress: &Progress| {
            progress.state == State::Asked
                || (progress.state != State::Incomplete && now.seconds_since(progress.updated_at) <= WITHIN_S)
        };
        let mut progress = known.filter(fresh).unwrap_or_else(|| Progress::new(State::Receiving, false, now));
        let said = number(payload, "seqNo").and_then(|seq| u32::try_from(seq).ok());
        let seq = said.unwrap_or_else(|| progress.next());
        let tbc = payload.get("tbc").and_then(Json::as_bool).unwrap_or(false);
        let believed = seq <= PARTS_MAX && progress.parts.len() < RANGES_MAX;
        let new = believed && !progress.has(seq);
        if new {
            progress.add(seq);
            progress.updated_at = now;
            if progress.state != State::Complete {
                progress.state = State::Receiving;
            }
            if !tbc {
                progress.last = Some(seq);
            }
        }
        let store = self.inner.runtime.store().tenant(speaker.tenant);
        let stated = store.count_records(speaker.station.as_str(), kind.topic()).await?;
        let room = STATEMENTS_MAX.saturating_sub(stated);
        Ok(Part { kind, request_id, progress, new, room, now })
    }

    /// Records the statements of a part and how far the report is; true when that was its end.
    pub(crate) async fn part_done(
        &self,
        speaker: &Speaker<'_>,
        part: &Part,
        mut events: Events<'_>,
    ) -> Result<bool, CsmsError> {
        let key = part.kind.key(part.request_id);
        if part.new {
            let value = serde_json::to_value(&part.progress).unwrap_or_default();
            events.state(speaker.station, part.now, TOPIC, &key, Some(value));
            self.record(events).await?;
            self.inner.reports.note(speaker.tenant, speaker.station, &key, &part.progress);
        }
        if !part.progress.is_whole() || part.progress.state == State::Complete {
            return Ok(false);
        }
        if part.progress.full {
            self.take_back(speaker, part.kind.topic(), part.progress.begun_at).await?;
        }
        let done = Progress { state: State::Complete, ..part.progress.clone() };
        self.write_report(speaker, part.kind, part.request_id, &done).await?;
        Ok(true)
    }

    /// Takes back what was stated before `begun_at` and not since.
    pub(crate) async fn take_back(
        &self,
        speaker: &Speaker<'_>,
        topic: &str,
        begun_at: Timestamp,
    ) -> Result<(), CsmsError> {
        let store = self.inner.runtime.store().tenant(speaker.tenant);
        let mut cursor: Option<String> = None;
        loop {
            let page = store.records(speaker.station.as_str(), topic, cursor.as_deref(), PAGE).await?;
            let mut events = Events::new(self, speaker.tenant, speaker.trace);
            for record in page.items.iter().filter(|record| record.at < begun_at) {
                events.state(speaker.station, self.inner.runtime.now(), topic, &record.key, None);
            }
            self.record(events).await?;
            cursor = page.next;
            if cursor.is_none() {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_add_up_in_any_order() {
        let orders = [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1], [1, 3, 0, 2]];
        for order in orders {
            let mut progress = Progress::new(State::Receiving, true, Timestamp::from_micros(0));
            for (n, seq) in order.into_iter().enumerate() {
                assert!(!progress.is_whole() && !progress.has(seq), "{order:?}");
                progress.add(seq);
                progress.add(seq);
                if seq == 3 {
                    progress.last = Some(3);
                }
                assert_eq!(progress.is_whole(), n == 3, "{order:?} {progress:?}");
            }
            assert_eq!(progress.parts, [(0, 3)]);
        }
    }
}
