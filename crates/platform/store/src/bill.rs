//! What a charging transaction comes to: a pure fold of its events in the order of their sequence numbers.

use serde::{Deserialize, Serialize};
use voltwin_core::{
    Decimal, StationCost, Timestamp, TransactionFact, TransactionPhase, is_stand_in, told_transaction_id,
};

use crate::ledger::{Ledger, Segment, SegmentKind};
use crate::records::TransactionState;

/// What the fold is; a bill of another one is folded again from its events before it is used.
const VERSION: u8 = 4;

/// 1 GWh.
const MAX_ENERGY_UWH: i64 = 1_000_000_000_000_000;

/// One event as it is recorded: the fact without its samples.
#[derive(Debug, Clone)]
pub(crate) struct Recorded {
    /// When it happened by our clock: the station's, less what that is ahead.
    pub(crate) at: Timestamp,
    pub(crate) fact: TransactionFact,
}

impl Recorded {
    /// The event as it is told, its time put right where the station's clock is known to be wrong.
    pub(crate) fn of(told: Timestamp, fact: &TransactionFact) -> Self {
        let ahead_us = fact.clock_ahead_ms.unwrap_or(0).saturating_mul(1_000);
        let at = Timestamp::from_micros(told.as_micros().saturating_sub(ahead_us));
        let fact = TransactionFact {
            transaction_id: fact.transaction_id.clone(),
            start_key: fact.start_key.clone(),
            id_token: fact.id_token.clone(),
            trigger: fact.trigger.clone(),
            stopped_reason: fact.stopped_reason.clone(),
            charging_state: fact.charging_state.clone(),
            samples: Vec::new(),
            signed: Vec::new(),
            station_cost: fact.station_cost.clone(),
            ..*fact
        };
        Self { at, fact }
    }
}

/// What makes an event the same event when it comes again.
pub(crate) fn place(fact: &TransactionFact) -> (i64, i64) {
    let phase = match fact.phase {
        TransactionPhase::Started => 0,
        TransactionPhase::Updated => 1,
        TransactionPhase::Ended => 2,
    };
    (i64::try_from(fact.seq_no).unwrap_or(i64::MAX), phase)
}

/// Where an event stands in the life of its transaction: its sequence number or, of meter values of OCPP 1.6, its time in
/// milliseconds, which is put right where the station's clock is known to be wrong, so that a clock that is set in
/// between does not turn them round; then phase, register and place, for a meter does not run back within one moment.
pub(crate) type Order = (i64, i64, Option<Decimal>, i64);

pub(crate) fn order(event: &Recorded) -> Order {
    let (seq_no, phase) = place(&event.fact);
    if phase == 1 && is_stand_in(event.fact.seq_no) {
        // after every start, whatever the clock says
        return (event.at.as_millis().max(1), phase, event.fact.meter_wh, seq_no);
    }
    (seq_no, phase, None, 0)
}

/// The running result. Depends on the set of events only: [`Bill::push`] takes them in order of [`order`], and
/// whoever has an event that comes before [`Bill::last`] folds again from the start ([`Bill::of`]).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Bill {
    version: u8,
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
    pub(crate) ledger: Ledger,
    clock_ahead: bool,
    clock_behind: bool,
    orphan_stop: bool,
    id_reused: bool,
    end_lost: bool,
    quarantined: bool,
    pub(crate) reserved_from: Option<Timestamp>,
    pub(crate) station_cost: Option<StationCost>,
    last: Option<Order>,
    first_seq_no: Option<i64>,
    last_seq_no: Option<i64>,
    seq_nos: i64,
}

impl Bill {
    /// The bill of these events, in any order but each once.
    pub(crate) fn of(mut events: Vec<Recorded>) -> Self {
        events.sort_by_key(order);
        let mut bill = Self::new();
        for event in &events {
            bill.push(event);
        }
        bill
    }

    /// The bill of no events.
    pub(crate) fn new() -> Self {
        Self { version: VERSION, ..Self::default() }
    }

    /// Whether the event comes after all that are in the bill, so that it may be pushed.
    pub(crate) fn precedes(&self, event: &Recorded) -> bool {
        self.version == VERSION && self.last.is_none_or(|last| last < order(event))
    }

    /// Adds the next event in order. What comes after the end is counted but changes nothing that is paid for.
    pub(crate) fn push(&mut self, event: &Recorded) {
        let Recorded { at, fact } = event;
        let seq_no = place(fact).0;
        self.events += 1;
        self.offline |= fact.offline;
        self.quarantined |= fact.quarantined;
        let ahead_ms = fact.clock_ahead_ms.unwrap_or(0);
        self.clock_ahead |= ahead_ms > 0;
        self.clock_behind |= ahead_ms < 0;
        self.id_reused |= told_transaction_id(&fact.transaction_id) != fact.transaction_id;
        // stand-ins have no gaps
        if !is_stand_in(fact.seq_no) {
            self.first_seq_no.get_or_insert(seq_no);
            self.last_seq_no = Some(seq_no);
            self.seq_nos += i64::from(self.last.is_none_or(|last| last.0 < seq_no));
        }
        self.last = Some(order(event));
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
            self.meter(*at, meter, first_start);
        }
        if first_start {
            self.started_at = Some(*at);
            self.start_key.clone_from(&fact.start_key);
            self.reserved_from = fact.reserved_from;
        }
        if fact.phase == TransactionPhase::Ended {
            self.ended_at = Some(*at);
            self.stopped_reason.clone_from(&fact.stopped_reason);
            self.station_cost.clone_from(&fact.station_cost);
            self.orphan_stop = fact.trigger.as_deref() == Some("Orphan");
            self.end_lost = fact.trigger.as_deref() == Some("EndLost");
        }
    }

    fn meter(&mut self, at: Timestamp, meter: Decimal, first_start: bool) {
        if first_start {
            self.ledger = Ledger::default();
        }
        if first_start || self.meter_start_wh.is_none() {
            self.meter_start_wh = Some(meter);
        }
        self.meter_stop_wh = Some(meter);
        self.ledger.read(at, meter);
    }

    /// What the ledger of the register shows, exact and never negative.
    pub(crate) fn energy_wh(&self) -> Decimal {
        self.ledger.energy_wh.normalize()
    }

    /// The stretches of readings, oldest first.
    pub(crate) fn segments(&self) -> &[Segment] {
        &self.ledger.segments
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
        // Stand-ins have no gaps: those of 1.6 stand beside a single real number, its start.
        let span = match (self.first_seq_no, self.last_seq_no) {
            (Some(first), Some(last)) => last - first + 1,
            _ => self.seq_nos,
        };
        let below = self.meter_start_wh.zip(self.meter_stop_wh).is_some_and(|(start, stop)| stop < start);
        let mut flags: Vec<&'static str> = Vec::new();
        flags.extend(self.started_at.is_none().then_some("started_missing"));
        flags.extend(self.ledger.flags());
        let more = [
            ("sequence_gap", span > self.seq_nos),
            ("end_lost", self.end_lost),
            ("stop_below_start", below && !self.ledger.has(SegmentKind::Rollover)),
            ("clock_skew_future", self.clock_ahead),
            ("clock_skew_past", self.clock_behind),
            ("id_reused", self.id_reused),
            ("quarantined", self.quarantined),
        ];
        flags.extend(more.into_iter().filter(|flag| flag.1).map(|flag| flag.0));
        flags
    }
}

#[cfg(test)]
mod tests {
    use voltwin_core::{SEQ_NO_OF_STOP, seq_no_of_report};

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
            clock_ahead_ms: None,
            samples: Vec::new(),
            signed: Vec::new(),
            station_cost: None,
            reserved_from: None,
            quarantined: false,
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
        assert_eq!(bill.energy_wh(), Decimal::from(900));
        assert_eq!(bill.flags(), ["meter_regressed", "stop_below_start"]);
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
    fn a_clock_that_is_set_in_between_turns_nothing_round() {
        let day = 86_400_000;
        let now = 1_795_000_000_000_i64;
        let mut early = event(Updated, (now + day + 60_000) as u64, 0, Some(1_200));
        early.fact.clock_ahead_ms = Some(day);
        let told = Timestamp::from_millis(now + day + 60_000);
        let early = Recorded::of(told, &early.fact);
        assert_eq!(early.at, Timestamp::from_millis(now + 60_000));
        let late = event(Updated, (now + 120_000) as u64, (now + 120_000) / 1000, Some(1_900));
        let start = event(Started, 0, now / 1000, Some(1_000));
        let bill = Bill::of(vec![late, early, start]);
        assert_eq!((bill.energy_wh(), bill.flags()), (Decimal::from(900), vec!["clock_skew_future"]));
        assert_eq!(bill.duration_s(), Some(120.0));
    }

    #[test]
    fn reports_of_one_moment_are_all_counted_and_the_meter_does_not_run_back_in_it() {
        let now_s = 1_795_000_000;
        let at = Timestamp::from_millis(now_s * 1_000);
        let report = |text: &str, meter| event(Updated, seq_no_of_report(at, text), now_s, meter);
        let readings = [report("power", None), report("clock", Some(1_500)), report("period", Some(1_400))];
        for turn in 0..3 {
            let mut events = vec![
                event(Started, 0, now_s - 60, Some(1_000)),
                event(Ended, SEQ_NO_OF_STOP, now_s + 60, Some(2_000)),
            ];
            events.extend(readings.iter().cycle().skip(turn).take(3).cloned());
            let bill = Bill::of(events);
            assert_eq!((bill.events, bill.flags()), (5, vec![]));
            assert_eq!(bill.energy_wh(), Decimal::from(1_000));
        }
    }

    #[test]
    fn a_lost_end_gives_way_to_what_the_station_says_after_all() {
        let mut lost = event(Ended, u64::MAX >> 1, 60, None);
        lost.fact.trigger = Some("EndLost".into());
        let mut events = vec![event(Started, 0, 0, Some(0)), event(Updated, 2, 60, Some(500)), lost];
        let bill = Bill::of(events.clone());
        assert_eq!(bill.flags(), ["sequence_gap", "end_lost"]);
        assert_eq!((bill.energy_wh(), bill.duration_s()), (Decimal::from(500), Some(60.0)));
        events.extend([event(Updated, 1, 30, Some(200)), event(Ended, 3, 90, Some(700))]);
        let bill = Bill::of(events);
        assert!(bill.flags().is_empty());
        assert_eq!((bill.energy_wh(), bill.duration_s()), (Decimal::from(700), Some(90.0)));
    }

    #[test]
    fn what_was_told_in_quarantine_marks_the_transaction_also_after_its_end() {
        let mut events = vec![
            event(Started, 0, 0, Some(0)),
            event(Ended, 1, 10, Some(5)),
            event(Updated, 2, 20, Some(500)),
        ];
        assert!(Bill::of(events.clone()).flags().is_empty());
        events[2].fact.quarantined = true;
        let bill = Bill::of(events);
        assert_eq!((bill.flags(), bill.energy_wh()), (vec!["quarantined"], Decimal::from(5)));
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
