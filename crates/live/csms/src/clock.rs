//! By how much the clocks of stations are wrong.
//!
//! A message shows `told − received`: how far the station's clock is ahead of ours, less how long the message waited. So
//! - a time in the future proves a clock that is ahead;
//! - a time near ours shows a clock that is right;
//! - a time in the past may be a message that waited, and shows a clock that is behind only when several messages in
//!   a row were told as far apart as they were heard: a queue is sent faster than it was filled.
//!
//! What is believed of a station is kept as its record `clock`, so that a restart does not forget it.

use std::collections::HashMap;

use parking_lot::Mutex;
use serde_json::json;
use voltwin_core::{TenantId, Timestamp, TwinId};

use crate::decide::Speaker;
use crate::stations::Events;
use crate::{CentralSystem, CsmsError};

/// Clocks that are wrong by no more are right enough to bill by.
const TOLERANCE_US: i64 = 120_000_000;
/// Two messages heard closer together say nothing about whether the clock runs with ours.
const APART_US: i64 = 2_000_000;
/// Told and heard distances may differ by this and still be the same: stations round to seconds.
const JITTER_US: i64 = 1_000_000;
/// Distances in a row that must agree before a past time is taken for a clock that is behind.
const AGREE: u32 = 2;
const SECOND_US: i64 = 1_000_000;
/// Stations whose clock is remembered; of more, the records remember.
const CLOCKS_MAX: usize = 200_000;
/// What moves a belief by less is how long a message took. A belief that followed it would turn readings round that
/// were told close together, for each is put right by what is believed when it comes.
const DRIFT_US: i64 = 30_000_000;
/// The record that holds what is believed.
const TOPIC: &str = "clock";
const KEY: &str = "ahead";

/// What is known of the clock of one station.
#[derive(Debug, Clone, Copy, Default)]
struct Clock {
    /// Ahead of ours in whole seconds, as the record has it; negative when behind, 0 when it is right.
    ahead_us: i64,
    /// The last message that was far enough from the one before it: told, received.
    seen: Option<(i64, i64)>,
    agree: u32,
}

#[derive(Default)]
pub(crate) struct Clocks {
    known: Mutex<HashMap<(TenantId, TwinId), Clock>>,
}

impl Clock {
    /// Learns from one message.
    fn hear(&mut self, told_us: i64, received_us: i64) {
        let ahead = told_us - received_us;
        // a message that waited says nothing of the clock, however well those before it agreed
        let same = self
            .seen
            .is_some_and(|(told, received)| ((told_us - told) - (received_us - received)).abs() <= JITTER_US);
        match self.seen {
            Some((_, received)) if received_us - received >= APART_US => {
                self.agree = if same { self.agree + 1 } else { 0 };
                self.seen = Some((told_us, received_us));
            }
            Some(_) => {}
            None => self.seen = Some((told_us, received_us)),
        }
        let runs_with_ours = same && self.agree >= AGREE;
        if ahead.abs() <= TOLERANCE_US {
            self.ahead_us = 0;
            return;
        }
        // a time in the future proves itself, and so does one that waited less than any before it
        let waited_less = ahead > self.ahead_us && (ahead > 0 || self.ahead_us < 0);
        let proves = runs_with_ours || waited_less;
        if proves && (ahead - self.ahead_us).abs() > DRIFT_US {
            self.ahead_us = ahead.div_euclid(SECOND_US) * SECOND_US;
        }
    }
}

impl CentralSystem {
    /// Learns from a time that a station told, and says by how many milliseconds its clock is ahead when that is more
    /// than we tolerate. A changed belief is added to `events` as a record.
    pub(crate) async fn clock_ahead_ms(
        &self,
        speaker: &Speaker<'_>,
        told: Timestamp,
        events: &mut Events<'_>,
    ) -> Result<Option<i64>, CsmsError> {
        let received = self.inner.runtime.now();
        let key = (speaker.tenant.clone(), speaker.station.clone());
        let known = self.inner.clocks.known.lock().get(&key).copied();
        let mut clock = match known {
            Some(clock) => clock,
            None => Clock { ahead_us: self.recorded_clock(speaker).await?, ..Clock::default() },
        };
        let before = clock.ahead_us;
        clock.hear(told.as_micros(), received.as_micros());
        {
            let mut clocks = self.inner.clocks.known.lock();
            if clocks.len() >= CLOCKS_MAX && !clocks.contains_key(&key) {
                clocks.clear();
            }
            clocks.insert(key, clock);
        }
        if clock.ahead_us != before {
            tracing::info!(station = %speaker.station, ahead_s = clock.ahead_us / 1_000_000, "a station's clock changed");
            let value = (clock.ahead_us != 0).then(|| json!({"ahead_s": clock.ahead_us / 1_000_000}));
            events.state(speaker.station, received, TOPIC, KEY, value);
        }
        Ok((clock.ahead_us != 0).then_some(clock.ahead_us / 1_000))
    }

    /// By how many milliseconds the station's clock is believed to be ahead, before it is heard again.
    pub(crate) async fn believed_ahead_ms(&self, speaker: &Speaker<'_>) -> Result<Option<i64>, CsmsError> {
        let key = (speaker.tenant.clone(), speaker.station.clone());
        let known = self.inner.clocks.known.lock().get(&key).map(|clock| clock.ahead_us);
        let ahead_us = match known {
            Some(ahead_us) => ahead_us,
            None => self.recorded_clock(speaker).await?,
        };
        Ok((ahead_us != 0).then_some(ahead_us / 1_000))
    }

    /// The time by our clock of what a station told, as far as its clock is known.
    pub(crate) async fn by_our_clock(
        &self,
        speaker: &Speaker<'_>,
        told: Timestamp,
    ) -> Result<Timestamp, CsmsError> {
        let key = (speaker.tenant.clone(), speaker.station.clone());
        let known = self.inner.clocks.known.lock().get(&key).copied();
        let ahead_us = match known {
            Some(clock) => clock.ahead_us,
            None => self.recorded_clock(speaker).await?,
        };
        Ok(put_right(told, Some(ahead_us / 1_000)))
    }

    /// The time by a station's clock, as far as that is known, of one by ours.
    pub(crate) async fn by_its_clock(
        &self,
        speaker: &Speaker<'_>,
        ours: Timestamp,
    ) -> Result<Timestamp, CsmsError> {
        let behind_us = ours.as_micros() - self.by_our_clock(speaker, ours).await?.as_micros();
        Ok(Timestamp::from_micros(ours.as_micros().saturating_add(behind_us)))
    }

    async fn recorded_clock(&self, speaker: &Speaker<'_>) -> Result<i64, CsmsError> {
        let store = self.inner.runtime.store().tenant(speaker.tenant);
        let record = store.record(speaker.station.as_str(), TOPIC, KEY).await?;
        let ahead_s = record.and_then(|record| record.value.get("ahead_s")?.as_i64());
        Ok(ahead_s.unwrap_or(0).saturating_mul(1_000_000))
    }
}

/// The time by our clock.
pub(crate) fn put_right(told: Timestamp, ahead_ms: Option<i64>) -> Timestamp {
    Timestamp::from_micros(told.as_micros().saturating_sub(ahead_ms.unwrap_or(0).saturating_mul(1_000)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400_000_000;
    const S: i64 = 1_000_000;

    fn heard(messages: &[(i64, i64)]) -> i64 {
        let mut clock = Clock::default();
        messages.iter().for_each(|(told, received)| clock.hear(*told, *received));
        clock.ahead_us
    }

    #[test]
    fn a_future_time_proves_a_clock_that_is_ahead() {
        assert_eq!(heard(&[(DAY + 5 * S, 5 * S)]), DAY);
        // a message that waited an hour does not make it less
        assert_eq!(heard(&[(DAY, 0), (DAY - 3_600 * S, S)]), DAY);
        // until it is set
        assert_eq!(heard(&[(DAY, 0), (10 * S, 10 * S)]), 0);
    }

    #[test]
    fn a_queue_is_not_a_clock_that_is_behind() {
        let queue: Vec<_> = (0..50).map(|n| (n * 60 * S - DAY, n * S / 10)).collect();
        assert_eq!(heard(&queue), 0);
    }

    #[test]
    fn a_clock_that_runs_with_ours_a_day_ago_is_behind() {
        let live: Vec<_> = (0..4).map(|n| (n * 10 * S - DAY, n * 10 * S)).collect();
        assert_eq!(heard(&live), -DAY);
        // and messages that waited leave it there
        let mut more = live;
        more.push((-DAY - 3_600 * S, 41 * S));
        assert_eq!(heard(&more), -DAY);
        more.push((60 * S, 60 * S));
        assert_eq!(heard(&more), 0);
    }

    #[test]
    fn what_a_message_took_moves_no_belief() {
        let mut clock = Clock::default();
        let mut believed = Vec::new();
        for number in 0..40 {
            let (told, took) = (number * 3 * S, [0, 900_000, 40_000, 2 * S][number as usize % 4]);
            clock.hear(told + DAY, told + took);
            believed.push(clock.ahead_us);
        }
        assert!(believed.iter().all(|ahead| *ahead == believed[0]), "{believed:?}");
        assert_eq!(believed[0] % S, 0, "as the record has it, so that a restart changes nothing");
        clock.hear(DAY + 3_600 * S + 200 * S, 200 * S);
        assert_eq!(clock.ahead_us, DAY + 3_600 * S, "until it is set");
    }

    #[test]
    fn a_queue_right_after_live_messages_moves_no_clock() {
        for skew in [0, DAY, -DAY] {
            let mut all: Vec<_> = (0..5).map(|n| (n * 10 * S + skew, n * 10 * S)).collect();
            // told within the moment in which the newest live message was heard, as after a reconnect
            all.extend((0..20).map(|n| (n * 60 * S - 5 * 3_600 * S + skew, 40 * S + n * S / 20)));
            assert_eq!(heard(&all), skew);
        }
    }

    #[test]
    fn a_burst_of_old_statuses_says_nothing() {
        let stale: Vec<_> = (0..10).map(|n| (-5 * 3_600 * S, n * S)).collect();
        assert_eq!(heard(&stale), 0);
    }
}
