//! What a charging transaction comes to: a pure fold of its events in the order of their sequence numbers.

use serde::{Deserialize, Serialize};
use voltwin_core::{Decimal, Timestamp, TransactionFact, TransactionPhase};

use crate::records::TransactionState;

/// OCPP 2.x sequence numbers fit 31 bits; greater ones are the stand-ins of OCPP 1.6, which cannot have gaps.
const MAX_REAL_SEQ_NO: i64 = i32::MAX as i64;

/// 1 GWh.
const MAX_ENERGY_UWH: i64 = 1_000_000_000_000_000;

/// One event as it is recorded: the fact without its samples.
#[derive(Debug, Clone)]
pub(crate) struct Recorded {
    pub(crate) at: Timestamp,
    pub(crate) fact: TransactionFact,
}

/// The place of an event in the life of its transaction.
pub(crate) fn place(fact: &TransactionFact) -> (i64, i64) {
    let phase = match fact.phase {
        TransactionPhase::Started => 0,
        TransactionPhase::Updated => 1,
        TransactionPhase::Ended => 2,
    };
    (i64::try_from(fact.seq_no).unwrap_or(i64::MAX), phase)
}

/// The running result. Depends on the set of events only: [`Bill::push`] takes them in order of [`place`], and
/// whoever has an event that comes before [`Bill::last`] folds again from the start ([`Bill::of`]).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Bill {
    pub(crate) started_at: Option<Timestamp>,
    pub(crate) ended_at: Option<Timestamp>,
    pub(crate) last_at: Timestamp,
    pub(crate) start_key: Option<String>,
    pub(crate) evse: Option<u32>,
    pub(crate) connector: Option<u32>,
    pub(crate) id_token: Option<String>,
    pub(crate) stopped_reason: Option<String>,
    pub(crate) offline: bool,
    pub(crate) events: u64,
    pub(crate) meter_start_wh: Option<Decimal>,
    pub(crate) meter_stop_wh: Option<Decimal>,
    meter_max_wh: Option<Decimal>,
    meter_regressed: bool,
    orphan_stop: bool,
    last: Option<(i64, i64)>,
    first_seq_no: Option<i64>,
    seq_nos: i64,
}

impl Bill {
    /// The bill of these events, in any order but each once.
    pub(crate) fn of(mut events: Vec<Recorded>) -> Self {
        events.sort_by_key(|event| place(&event.fact));
        let mut bill = Self::default();
        for event in &events {
            bill.push(event);
        }
        bill
    }

    /// Whether the event comes after all that are in the bill, so that it may be pushed.
    pub(crate) fn precedes(&self, fact: &TransactionFact) -> bool {
        self.last.is_none_or(|last| last < place(fact))
    }

    /// Adds the next event in order. What comes after the end is counted but changes nothing that is paid for.
    pub(crate) fn push(&mut self, event: &Recorded) {
        let Recorded { at, fact } = event;
        let seq_no = place(fact).0;
        self.events += 1;
        self.offline |= fact.offline;
        if seq_no <= MAX_REAL_SEQ_NO {
            self.first_seq_no.get_or_insert(seq_no);
            self.seq_nos += i64::from(self.last.is_none_or(|last| last.0 < seq_no));
        }
        self.last = Some(place(fact));
        if self.ended_at.is_some() {
            return;
        }
        self.last_at = self.last_at.max(*at);
        self.evse = self.evse.or(fact.evse);
        self.connector = self.connector.or(fact.connector);
        if self.id_token.is_none() {
            self.id_token.clone_from(&fact.id_token);
        }
        let first_start = fact.phase == TransactionPhase::Started && self.started_at.is_none();
        if let Some(meter) = fact.meter_wh {
            self.meter(meter, first_start);
        }
        if first_start {
            self.started_at = Some(*at);
            self.start_key.clone_from(&fact.start_key);
        }
        if fact.phase == TransactionPhase::Ended {
            self.ended_at = Some(*at);
            self.stopped_reason.clone_from(&fact.stopped_reason);
            self.orphan_stop = fact.trigger.as_deref() == Some("Orphan");
        }
    }

    fn meter(&mut self, meter: Decimal, first_start: bool) {
        if first_start || self.meter_start_wh.is_none() {
            self.meter_start_wh = Some(meter);
        }
        self.meter_regressed |= self.meter_stop_wh.is_some_and(|before| meter < before);
        self.meter_stop_wh = Some(meter);
        self.meter_max_wh = self.meter_max_wh.max(Some(meter));
    }

    /// Stop less start, exact. A register that goes backwards does not take back what was delivered before.
    pub(crate) fn energy_wh(&self) -> Decimal {
        match (self.meter_start_wh, self.meter_max_wh) {
            (Some(start), Some(max)) => max.saturating_sub(start).max(Decimal::ZERO).normalize(),
            _ => Decimal::ZERO,
        }
    }

    /// The energy in microwatt-hours, for sums in SQL; capped at 1 GWh, so that no meter reading, however mad, makes
    /// a sum overflow.
    pub(crate) fn energy_uwh(&self) -> i64 {
        let uwh = self.energy_wh().checked_mul(Decimal::from(1_000_000));
        uwh.and_then(|uwh| i64::try_from(uwh.round()).ok()).unwrap_or(i64::MAX).min(MAX_ENERGY_UWH)
    }

    pub(crate) fn state(&self) -> TransactionState {
        match (self.ended_at, self.started_at) {
            (None, _) => TransactionState::Active,
            (Some(_), None) if self.orphan_stop => TransactionState::Orphan,
            _ => TransactionState::Ended,
        }
    }

    pub(crate) fn duration_s(&self) -> Option<f64> {
        Some(self.ended_at.unwrap_or(self.last_at).seconds_since(self.started_at?).max(0.0))
    }

    pub(crate) fn flags(&self) -> Vec<&'static str> {
        let last_real = self.last.map_or(0, |last| last.0);
        // Stand-ins of 1.6 stand beside a single real number, its start; nothing can be missing between.
        let span = match self.first_seq_no {
            Some(first) if last_real <= MAX_REAL_SEQ_NO => last_real - first + 1,
            _ => self.seq_nos,
        };
        let all = [
            ("started_missing", self.started_at.is_none()),
            ("meter_regressed", self.meter_regressed),
            ("sequence_gap", span > self.seq_nos),
        ];
        all.into_iter().filter(|flag| flag.1).map(|flag| flag.0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(phase: TransactionPhase, seq_no: u64, at_s: i64, meter: Option<i64>) -> Recorded {
        let fact = TransactionFact {
            transaction_id: "1".into(),
            phase,
            seq_no,
            start_key: None,
            evse: None,
            connector: None,
            id_token: None,
            meter_wh: meter.map(Decimal::from),
            trigger: None,
            stopped_reason: None,
            charging_state: None,
            offline: false,
            samples: Vec::new(),
        };
        Recorded { at: Timestamp::from_millis(at_s * 1000), fact }
    }

    use TransactionPhase::{Ended, Started, Updated};

    #[test]
    fn stop_less_start() {
        let bill = Bill::of(vec![
            event(Started, 0, 100, Some(1_000)),
            event(Updated, 1, 160, Some(1_200)),
            event(Ended, 2, 400, Some(2_500)),
        ]);
        assert_eq!(bill.energy_wh(), Decimal::from(1_500));
        assert_eq!(bill.energy_uwh(), 1_500_000_000);
        assert_eq!(
            (bill.duration_s(), bill.state(), bill.flags()),
            (Some(300.0), TransactionState::Ended, vec![])
        );
    }

    #[test]
    fn a_meter_that_falls_takes_nothing_back() {
        let bill = Bill::of(vec![
            event(Started, 0, 0, Some(1_000)),
            event(Updated, 1, 1, Some(1_900)),
            event(Ended, 2, 2, Some(400)),
        ]);
        assert_eq!((bill.energy_wh(), bill.flags()), (Decimal::from(900), vec!["meter_regressed"]));
        assert_eq!(bill.meter_stop_wh, Some(Decimal::from(400)));
    }

    #[test]
    fn what_comes_after_the_end_is_not_billed() {
        let bill = Bill::of(vec![
            event(Started, 0, 0, Some(0)),
            event(Ended, 1, 10, Some(5)),
            event(Updated, 2, 20, Some(500)),
        ]);
        assert_eq!((bill.energy_wh(), bill.duration_s(), bill.events), (Decimal::from(5), Some(10.0), 3));
    }

    #[test]
    fn a_gap_shows_until_it_is_filled() {
        let mut events = vec![event(Started, 0, 0, None), event(Updated, 2, 2, None)];
        assert_eq!(Bill::of(events.clone()).flags(), ["sequence_gap"]);
        events.push(event(Updated, 1, 1, None));
        assert!(Bill::of(events).flags().is_empty());
    }

    #[test]
    fn stand_ins_of_ocpp_16_are_no_gaps() {
        let bill = Bill::of(vec![
            event(Started, 0, 0, Some(7)),
            event(Updated, 1_795_000_000_000, 1, Some(8)),
            event(Ended, u64::MAX >> 1, 2, Some(9)),
        ]);
        assert!(bill.flags().is_empty());
    }
}
