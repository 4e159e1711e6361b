//! Transactions whose energy is known before they are told, each with at most one thing wrong with it.
//!
//! What a transaction should come to is worked out here from what the meter really delivered, never from rules of a
//! central system.

use voltwin_battery::Stream;
use voltwin_core::{Decimal, TransactionPhase};

/// The register wraps here when it is made to.
const WRAP_WH: i64 = 1_000_000;
/// What a register shows that has lost its mind: 2³² − 1.
const ABSURD_WH: i64 = 4_294_967_295;

/// What is wrong with a transaction or its meter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Anomaly {
    /// Nothing.
    None,
    /// The register wraps at a power of ten.
    Rollover,
    /// The register starts anew from zero.
    Reset,
    /// One reading is zero.
    ZeroReading,
    /// One reading is in kWh and says that it is in Wh.
    WrongUnit,
    /// One reading is absurdly high.
    Jump,
    /// One reading is negative.
    Negative,
    /// OCPP 2.x: one event is never told.
    Gap,
    /// The start is never told; in OCPP 1.6 the station has no id for it.
    NoStart,
    /// OCPP 2.x: the station gives an id that it gave before it was restarted.
    IdReused,
    /// Two readings of one moment in two messages, as when the clock's quarter of an hour falls on a period.
    SameMoment,
}

impl Anomaly {
    /// All of them, with how often of a thousand each is drawn.
    const WEIGHTS: [(Self, usize); 11] = [
        (Self::None, 420),
        (Self::Rollover, 80),
        (Self::Reset, 80),
        (Self::ZeroReading, 60),
        (Self::WrongUnit, 80),
        (Self::Jump, 40),
        (Self::Negative, 20),
        (Self::Gap, 70),
        (Self::NoStart, 60),
        (Self::IdReused, 50),
        (Self::SameMoment, 40),
    ];

    /// Its name in the ledger.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Rollover => "rollover",
            Self::Reset => "reset",
            Self::ZeroReading => "zero_reading",
            Self::WrongUnit => "wrong_unit",
            Self::Jump => "jump",
            Self::Negative => "negative",
            Self::Gap => "gap",
            Self::NoStart => "no_start",
            Self::IdReused => "id_reused",
            Self::SameMoment => "same_moment",
        }
    }

    /// What a person should be told of it.
    pub(super) fn flags(self) -> &'static [&'static str] {
        match self {
            Self::None | Self::SameMoment => &[],
            Self::Rollover => &["meter_rollover"],
            Self::Reset => &["meter_reset", "stop_below_start"],
            Self::ZeroReading => &["meter_glitch", "meter_reset"],
            Self::WrongUnit => &["unit_mistake"],
            Self::Jump => &["meter_jump"],
            Self::Negative => &["meter_negative"],
            Self::Gap => &["sequence_gap"],
            Self::NoStart => &["started_missing"],
            Self::IdReused => &["id_reused"],
        }
    }

    pub(super) fn drawn(dice: &mut Stream) -> Self {
        let mut place = dice.below(1_000);
        for (anomaly, weight) in Self::WEIGHTS {
            match place.checked_sub(weight) {
                Some(rest) => place = rest,
                None => return anomaly,
            }
        }
        Self::None
    }
}

/// One event of a transaction as the station keeps it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Step {
    pub(super) phase: TransactionPhase,
    pub(super) seq_no: u64,
    /// Since the transaction began.
    pub(super) after_ms: i64,
    /// What the register is said to show, in Wh.
    pub(super) told_wh: Decimal,
    /// The station keeps this one to itself.
    pub(super) untold: bool,
}

/// A transaction before it is told.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Planned {
    pub(super) anomaly: Anomaly,
    pub(super) steps: Vec<Step>,
    /// What went through the meter between the first and the last reading that is told.
    pub(super) energy_wh: Decimal,
    /// Told long after it happened.
    pub(super) late: bool,
    /// OCPP 1.6: the stop says whole watt-hours only, and the last sample said more.
    pub(super) whole_stop: bool,
}

impl Planned {
    /// Draws a transaction of OCPP 1.6 (`v16`) or 2.x.
    pub(super) fn drawn(dice: &mut Stream, v16: bool, anomaly: Anomaly) -> Self {
        let anomaly = if v16 && anomaly == Anomaly::Gap { Anomaly::None } else { anomaly };
        let orphan = v16 && anomaly == Anomaly::NoStart;
        // a last sample that is absurd does not tell the fraction that the stop would cut off
        let told = !matches!(anomaly, Anomaly::Jump | Anomaly::Negative);
        let whole_stop = v16 && dice.below(3) == 0 && told;
        let updates = match anomaly {
            _ if orphan => 0,
            Anomaly::SameMoment => 2 + dice.below(3),
            _ => 1 + dice.below(4),
        };
        // 10 Wh to 9 kWh, in thousandths
        let mut deltas: Vec<Decimal> =
            (0..=updates).map(|_| Decimal::new(10_000 + dice.below(8_990_000) as i64, 3)).collect();
        if whole_stop && updates > 0 {
            // what was delivered last was told already, and the stop cuts its fraction off
            deltas[updates] = Decimal::ZERO;
        }
        let marked = 1 + dice.below(updates.max(1));
        let through: Decimal = deltas[..marked].iter().sum();
        let start = match anomaly {
            Anomaly::Rollover => Decimal::from(WRAP_WH) - through + deltas[marked - 1] / Decimal::TWO,
            _ => Decimal::new(400_000_000 + dice.below(400_000_000) as i64, 3),
        };
        // a start of 1.6 is whole
        let mut register = if v16 { start.trunc() } else { start.round_dp(3) };
        let mut readings = vec![register];
        for (index, delta) in deltas.iter().enumerate() {
            register += *delta;
            if anomaly == Anomaly::Rollover && register >= Decimal::from(WRAP_WH) {
                register -= Decimal::from(WRAP_WH);
            }
            let here = index + 1 == marked && updates > 0;
            readings.push(match anomaly {
                Anomaly::WrongUnit if here => register / Decimal::ONE_THOUSAND,
                Anomaly::Jump if here => Decimal::from(ABSURD_WH),
                Anomaly::Negative if here => Decimal::from(-5),
                _ => register,
            });
            if here && matches!(anomaly, Anomaly::Reset | Anomaly::ZeroReading) {
                readings.push(Decimal::ZERO);
                if anomaly == Anomaly::Reset {
                    register = Decimal::ZERO;
                }
            }
        }
        let late = dice.below(4) == 0;
        let mut after_ms = 0;
        let last = readings.len() - 1;
        let mut steps = Vec::with_capacity(readings.len());
        for (index, told_wh) in readings.into_iter().enumerate() {
            let phase = match index {
                0 => TransactionPhase::Started,
                _ if index == last => TransactionPhase::Ended,
                _ => TransactionPhase::Updated,
            };
            let untold = match anomaly {
                Anomaly::Gap => index == marked,
                Anomaly::NoStart => index == 0,
                _ => false,
            };
            steps.push(Step { phase, seq_no: index as u64, after_ms, told_wh, untold });
            after_ms += if late { 30_000 + dice.below(270_000) as i64 } else { 20 + dice.below(30) as i64 };
        }
        // what was delivered before the first reading that is told nobody can know
        let unknown = if anomaly == Anomaly::NoStart { deltas[0] } else { Decimal::ZERO };
        let energy_wh = deltas.iter().sum::<Decimal>() - unknown;
        let mut planned = Self { anomaly, steps, energy_wh, late, whole_stop };
        if orphan {
            planned.steps.truncate(2);
        }
        if anomaly == Anomaly::SameMoment {
            planned.steps[2].after_ms = planned.steps[1].after_ms;
        }
        planned
    }

    /// Makes it one that is told while it happens.
    pub(super) fn tell_at_once(&mut self) {
        self.late = false;
        for (step, after_ms) in self.steps.iter_mut().zip((0..).step_by(30)) {
            step.after_ms = after_ms;
        }
    }

    /// The order in which the events are told. OCPP 1.6 needs its start first, which gives the id; so does a station
    /// that gives an id again.
    pub(super) fn order(&self, dice: &mut Stream, v16: bool) -> Vec<usize> {
        let mut order: Vec<usize> =
            (0..self.steps.len()).filter(|index| !self.steps[*index].untold).collect();
        if dice.below(4) == 0 {
            let from = usize::from((v16 && order.first() == Some(&0)) || self.anomaly == Anomaly::IdReused);
            for place in (from + 1..order.len()).rev() {
                order.swap(place, from + dice.below(place + 1 - from));
            }
        }
        order
    }

    /// How many different events are told.
    pub(super) fn told(&self) -> usize {
        self.steps.iter().filter(|step| !step.untold).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(v16: bool, anomaly: Anomaly, number: u64) -> (Planned, Stream) {
        let mut dice = Stream::named(number, "test", "plan");
        (Planned::drawn(&mut dice, v16, anomaly), dice)
    }

    #[test]
    fn the_energy_is_what_the_register_shows_where_nothing_is_wrong() {
        for number in 0..200 {
            let (planned, _) = drawn(number % 2 == 0, Anomaly::None, number);
            let (first, last) = (&planned.steps[0], &planned.steps[planned.steps.len() - 1]);
            assert_eq!(last.told_wh - first.told_wh, planned.energy_wh);
            assert!(planned.steps.windows(2).all(|pair| pair[0].after_ms < pair[1].after_ms));
            if number % 2 == 0 {
                assert!(first.told_wh.fract().is_zero(), "a start of 1.6 is whole");
            }
        }
    }

    #[test]
    fn what_is_wrong_is_there() {
        for number in 0..200 {
            let v16 = number % 2 == 0;
            let falls = |planned: &Planned| {
                planned.steps.windows(2).filter(|pair| pair[1].told_wh < pair[0].told_wh).count()
            };
            let (rolled, _) = drawn(v16, Anomaly::Rollover, number);
            assert_eq!(falls(&rolled), 1, "{rolled:?}");
            let first = &rolled.steps[0];
            let last = &rolled.steps[rolled.steps.len() - 1];
            assert_eq!(last.told_wh + Decimal::from(WRAP_WH) - first.told_wh, rolled.energy_wh);
            let (reset, _) = drawn(v16, Anomaly::Reset, number);
            assert!(reset.steps.iter().any(|step| step.told_wh.is_zero()) && falls(&reset) == 1);
            let (unit, _) = drawn(v16, Anomaly::WrongUnit, number);
            assert_eq!(falls(&unit), 1);
            let (gap, _) = drawn(false, Anomaly::Gap, number);
            assert_eq!(gap.told() + 1, gap.steps.len());
            let (orphan, _) = drawn(v16, Anomaly::NoStart, number);
            assert!(orphan.steps[0].untold && (!v16 || orphan.energy_wh.is_zero()));
        }
    }

    #[test]
    fn two_readings_are_of_one_moment() {
        for number in 0..200 {
            let (planned, _) = drawn(number % 2 == 0, Anomaly::SameMoment, number);
            let (one, other) = (&planned.steps[1], &planned.steps[2]);
            assert_eq!((one.phase, other.phase), (TransactionPhase::Updated, TransactionPhase::Updated));
            assert!(one.after_ms == other.after_ms && one.told_wh < other.told_wh, "{planned:?}");
        }
    }

    #[test]
    fn the_order_keeps_the_start_of_1_6_in_its_place_and_loses_nothing() {
        let mut mixed = 0;
        for number in 0..200 {
            for v16 in [true, false] {
                let (planned, mut dice) = drawn(v16, Anomaly::None, number);
                let order = planned.order(&mut dice, v16);
                assert!(!v16 || order[0] == 0);
                let mut sorted = order.clone();
                sorted.sort_unstable();
                mixed += usize::from(order != sorted);
                assert_eq!(sorted, (0..planned.steps.len()).collect::<Vec<_>>());
            }
        }
        assert!(mixed > 20, "{mixed}");
    }

    #[test]
    fn the_weights_are_a_thousand_and_all_are_drawn() {
        assert_eq!(Anomaly::WEIGHTS.iter().map(|(_, weight)| weight).sum::<usize>(), 1_000);
        let mut dice = Stream::named(7, "test", "weights");
        let mut seen: Vec<Anomaly> = (0..2_000).map(|_| Anomaly::drawn(&mut dice)).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), Anomaly::WEIGHTS.len());
    }
}
