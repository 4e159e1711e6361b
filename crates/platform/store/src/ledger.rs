//! The energy of a transaction, from the readings of a register that may wrap, restart, fall, jump or change its unit.
//!
//! Readings come in their order. Each step between two of them is judged once, by rules that never bill what the
//! readings do not show and never bill it twice:
//!
//! | step | what it means | billed |
//! | --- | --- | --- |
//! | up, or down by less than 1 Wh to a whole number: the rest was cut off | metered | the difference |
//! | down, from 90 % of a power of ten (10⁶ Wh and more) to 10 % of it | rollover | up to the power and on from 0, where 1 MW could have delivered it |
//! | down or up by 1000, from 100 kWh or 10 kWh on | the unit was mistaken (kWh for Wh, or the other way) | the difference in the unit of before |
//! | down to a tenth or less | reset: it counts from the new reading on | nothing for the step |
//! | back up to where it was, right after a reset | the fall was a bad reading | from the reading before the fall |
//! | down by less | regress | nothing until it is above the highest again |
//! | up by more than 10 MWh and more than 10 MW could deliver | jump: put aside; another like it makes it the new base | nothing for the step |
//! | negative | no reading | nothing |

use serde::{Deserialize, Serialize};
use voltwin_core::{Decimal, Timestamp};

/// Segments that are kept of one transaction; of more, the flags still tell.
const SEGMENTS_MAX: usize = 64;
/// The smallest register that is known to wrap holds six digits of watt-hours.
const ROLLOVER_WH_MIN: Decimal = Decimal::from_parts(1_000_000, 0, 0, false, 0);
/// 1 MW: what a step is measured against where the alternative is a likely mistake.
const LIKELY_POWER_W: Decimal = Decimal::from_parts(1_000_000, 0, 0, false, 0);
/// 10 MW and 10 MWh: above both, no vehicle is there to take it.
const JUMP_POWER_W: Decimal = Decimal::from_parts(10_000_000, 0, 0, false, 0);
const JUMP_WH: Decimal = Decimal::from_parts(10_000_000, 0, 0, false, 0);
/// Registers below say too little to prove a mistaken unit.
const UNIT_DOWN_WH_MIN: Decimal = Decimal::from_parts(100_000, 0, 0, false, 0);
const UNIT_UP_WH_MIN: Decimal = Decimal::from_parts(10_000, 0, 0, false, 0);
/// Clocks of stations tick in seconds, and some in minutes.
const STEP_S_MIN: i64 = 60;

/// What a stretch of readings shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SegmentKind {
    /// The register rises.
    Metered,
    /// It wrapped at a power of ten.
    Rollover,
    /// It began again near zero.
    Reset,
    /// A fall that was a bad reading.
    Glitch,
    /// It fell, and counts again from its highest.
    Regress,
    /// It rose by what nothing could have taken.
    Jump,
    /// Its unit was mistaken by a factor of 1000.
    UnitMistake,
}

/// A stretch of readings of one kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// What it shows.
    pub kind: SegmentKind,
    /// The time of its first reading.
    pub from: Timestamp,
    /// The time of its last reading.
    pub to: Timestamp,
    /// Its first reading, in Wh.
    pub from_wh: Decimal,
    /// Its last reading, in Wh.
    pub to_wh: Decimal,
    /// What is billed of it, in Wh.
    pub energy_wh: Decimal,
}

/// The running account of one register.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Ledger {
    last: Option<(Timestamp, Decimal)>,
    /// The highest reading of this run of the register: what is above it is new.
    high_wh: Decimal,
    pub(crate) energy_wh: Decimal,
    /// The highest before a fall to near zero, as long as nothing was counted since.
    before_fall_wh: Option<Decimal>,
    /// A reading that was put aside as a jump.
    aside: Option<(Timestamp, Decimal)>,
    pub(crate) segments: Vec<Segment>,
    marks: u16,
}

const NEGATIVE: u16 = 1 << 15;

impl Eq for Segment {}

impl SegmentKind {
    const FLAGS: [(Self, &'static str); 6] = [
        (Self::Rollover, "meter_rollover"),
        (Self::Reset, "meter_reset"),
        (Self::Glitch, "meter_glitch"),
        (Self::Regress, "meter_regressed"),
        (Self::Jump, "meter_jump"),
        (Self::UnitMistake, "unit_mistake"),
    ];

    fn bit(self) -> u16 {
        1 << (self as u16)
    }
}

impl Ledger {
    /// Takes the next reading and returns the energy that it adds.
    pub(crate) fn read(&mut self, at: Timestamp, wh: Decimal) -> Decimal {
        if wh < Decimal::ZERO {
            self.marks |= NEGATIVE;
            return Decimal::ZERO;
        }
        let Some((before_at, before_wh)) = self.last else {
            self.last = Some((at, wh));
            self.high_wh = wh;
            return Decimal::ZERO;
        };
        let seconds = ((at.as_micros() - before_at.as_micros()) / 1_000_000).max(STEP_S_MIN);
        let (kind, energy) = self.judge((at, wh), before_wh, seconds);
        self.note(kind, (before_at, before_wh), (at, wh), energy);
        if kind != SegmentKind::Jump || self.aside.is_none() {
            self.last = Some((at, wh));
        }
        self.energy_wh = self.energy_wh.saturating_add(energy);
        energy
    }

    /// What the step means and adds; moves the base from which the next step counts.
    fn judge(
        &mut self,
        (at, wh): (Timestamp, Decimal),
        before_wh: Decimal,
        seconds: i64,
    ) -> (SegmentKind, Decimal) {
        let zero = Decimal::ZERO;
        let likely = deliverable(LIKELY_POWER_W, seconds);
        let high = self.high_wh;
        if let Some(unscaled) = mistaken(wh, high, likely) {
            let energy = (unscaled - high).max(zero);
            self.high_wh = high.max(unscaled);
            return (SegmentKind::UnitMistake, energy);
        }
        if wh >= before_wh
            && let Some(lost) = self.before_fall_wh
            && reaches(wh, lost)
        {
            self.before_fall_wh = None;
            self.high_wh = wh.max(lost);
            return (SegmentKind::Glitch, self.high_wh - lost);
        }
        if wh > high && wh - high > JUMP_WH.max(deliverable(JUMP_POWER_W, seconds)) {
            return self.jump(at, wh);
        }
        self.aside = None;
        if reaches(wh, high) {
            self.high_wh = high.max(wh);
            if wh > high {
                self.before_fall_wh = None;
            }
            return (SegmentKind::Metered, self.high_wh - high);
        }
        if wh >= before_wh {
            return (SegmentKind::Regress, zero);
        }
        if let Some(energy) = rolled(before_wh, wh).filter(|energy| *energy <= likely && before_wh == high) {
            self.high_wh = wh;
            return (SegmentKind::Rollover, energy);
        }
        if wh <= before_wh / Decimal::TEN {
            self.before_fall_wh = Some(self.before_fall_wh.map_or(high, |lost| lost.max(high)));
            self.high_wh = wh;
            return (SegmentKind::Reset, zero);
        }
        (SegmentKind::Regress, zero)
    }

    /// A reading out of reach is put aside. When the next one agrees with it, the register really is there.
    fn jump(&mut self, at: Timestamp, wh: Decimal) -> (SegmentKind, Decimal) {
        let agrees = |(aside_at, aside_wh): (Timestamp, Decimal)| {
            let seconds = ((at.as_micros() - aside_at.as_micros()) / 1_000_000).max(STEP_S_MIN);
            wh >= aside_wh && wh - aside_wh <= JUMP_WH.max(deliverable(JUMP_POWER_W, seconds))
        };
        let Some((_, aside_wh)) = self.aside.filter(|aside| agrees(*aside)) else {
            self.aside = Some((at, wh));
            return (SegmentKind::Jump, Decimal::ZERO);
        };
        self.aside = None;
        self.high_wh = wh;
        (SegmentKind::Jump, wh - aside_wh)
    }

    fn note(
        &mut self,
        kind: SegmentKind,
        (from, from_wh): (Timestamp, Decimal),
        (to, to_wh): (Timestamp, Decimal),
        energy_wh: Decimal,
    ) {
        self.marks |= kind.bit();
        let joins = |last: &&mut Segment| last.kind == kind && last.to == from && last.to_wh == from_wh;
        if let Some(last) = self.segments.last_mut().filter(joins) {
            (last.to, last.to_wh) = (to, to_wh);
            last.energy_wh = last.energy_wh.saturating_add(energy_wh);
        } else if self.segments.len() < SEGMENTS_MAX {
            self.segments.push(Segment { kind, from, to, from_wh, to_wh, energy_wh });
        }
    }

    /// Whether a step of this kind occurred.
    pub(crate) fn has(&self, kind: SegmentKind) -> bool {
        self.marks & kind.bit() != 0
    }

    pub(crate) fn flags(&self) -> impl Iterator<Item = &'static str> {
        let negative = (self.marks & NEGATIVE != 0).then_some("meter_negative");
        let marks = self.marks;
        let named = SegmentKind::FLAGS.into_iter().filter(move |(kind, _)| marks & kind.bit() != 0);
        named.map(|(_, flag)| flag).chain(negative)
    }
}

/// Whether a reading is up at the mark: also one that was cut to whole watt-hours, as the stop of OCPP 1.6 is.
fn reaches(wh: Decimal, mark: Decimal) -> bool {
    wh >= mark || (mark - wh < Decimal::ONE && wh.fract().is_zero())
}

/// Watt-hours that a power delivers in a time.
fn deliverable(power_w: Decimal, seconds: i64) -> Decimal {
    power_w.saturating_mul(Decimal::from(seconds)) / Decimal::from(3_600)
}

/// The reading in the unit of the readings before, when a factor of 1000 explains it and nothing else does.
fn mistaken(wh: Decimal, high: Decimal, likely: Decimal) -> Option<Decimal> {
    let kilo = Decimal::ONE_THOUSAND;
    if high >= UNIT_DOWN_WH_MIN && wh < high {
        // A fall that a wrap explains as well proves nothing about units.
        if rolled(high, wh).is_some_and(|through| through <= likely) {
            return None;
        }
        let scaled = wh.checked_mul(kilo)?;
        // A register in kWh may have lost the last three digits.
        let fits = scaled >= high - kilo && scaled <= high.saturating_add(likely);
        return fits.then_some(scaled);
    }
    if high >= UNIT_UP_WH_MIN && wh > high.saturating_add(likely) {
        let scaled = wh / kilo;
        return (scaled >= high && scaled <= high.saturating_add(likely)).then_some(scaled);
    }
    None
}

/// The energy of a register that wrapped between the two readings.
fn rolled(before: Decimal, after: Decimal) -> Option<Decimal> {
    let mut top = ROLLOVER_WH_MIN;
    while top <= before {
        top = top.checked_mul(Decimal::TEN)?;
    }
    let tenth = top / Decimal::TEN;
    (before >= top - tenth && after <= tenth).then(|| top - before + after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Reads one value a minute.
    fn ledger(readings: &[&str]) -> (String, Vec<&'static str>) {
        let ledger = read(readings.iter().map(|text| text.parse().unwrap()));
        (ledger.energy_wh.normalize().to_string(), ledger.flags().collect())
    }

    fn read(readings: impl IntoIterator<Item = Decimal>) -> Ledger {
        let mut ledger = Ledger::default();
        for (minute, wh) in readings.into_iter().enumerate() {
            ledger.read(Timestamp::from_millis(i64::try_from(minute).unwrap() * 60_000), wh);
        }
        ledger
    }

    #[test]
    fn a_rising_register_is_one_segment() {
        let ledger = read([1000, 1500, 1500, 2750].map(Decimal::from));
        assert_eq!(ledger.energy_wh, Decimal::from(1750));
        assert_eq!(ledger.segments.len(), 1);
        assert_eq!((ledger.segments[0].from_wh, ledger.segments[0].to_wh), (1000.into(), 2750.into()));
        assert_eq!(ledger.flags().count(), 0);
    }

    #[test]
    fn a_register_wraps_at_its_power_of_ten() {
        assert_eq!(ledger(&["999000", "999900.5", "400", "900"]), ("1900".into(), vec!["meter_rollover"]));
        assert_eq!(ledger(&["99999500", "99999990", "10"]), ("510".into(), vec!["meter_rollover"]));
        // 100 kWh in a minute is no wrap
        assert_eq!(ledger(&["930000", "30000"]), ("0".into(), vec!["meter_reset"]));
    }

    #[test]
    fn a_reset_counts_from_the_new_reading_on() {
        assert_eq!(ledger(&["500000", "501000", "20", "520"]), ("1500".into(), vec!["meter_reset"]));
        assert_eq!(ledger(&["1500", "0"]), ("0".into(), vec!["meter_reset"]));
    }

    #[test]
    fn a_zero_between_good_readings_is_not_billed_twice() {
        let flags = vec!["meter_reset", "meter_glitch"];
        assert_eq!(ledger(&["5000", "6000", "0", "6500", "7000"]), ("2000".into(), flags));
    }

    #[test]
    fn a_fall_takes_nothing_back_and_bills_nothing_twice() {
        assert_eq!(
            ledger(&["1000", "1900", "400", "1900", "2000"]),
            ("1000".into(), vec!["meter_regressed"])
        );
    }

    #[test]
    fn a_mistaken_unit_is_put_right() {
        assert_eq!(ledger(&["500000", "501.2", "502400"]), ("2400".into(), vec!["unit_mistake"]));
        assert_eq!(ledger(&["50000", "51000000", "52000"]), ("2000".into(), vec!["unit_mistake"]));
    }

    #[test]
    fn a_reading_that_was_cut_to_whole_watt_hours_is_no_fall() {
        assert_eq!(ledger(&["1000", "1234.567", "1234"]), ("234.567".into(), vec![]));
        // also where the register came back from a bad reading: 456 kWh must not be billed for it
        let zero = ["456000", "456789.5", "0", "456789"];
        assert_eq!(ledger(&zero), ("789.5".into(), vec!["meter_reset", "meter_glitch"]));
        assert_eq!(ledger(&["1000", "1234.567", "1233"]).1, ["meter_regressed"]);
        assert_eq!(ledger(&["1000", "1234.567", "1234.1"]).1, ["meter_regressed"]);
    }

    #[test]
    fn a_jump_is_put_aside_until_another_reading_agrees() {
        assert_eq!(ledger(&["1000", "4294967295", "1600"]), ("600".into(), vec!["meter_jump"]));
        let moved = ["1000", "1500", "90000000", "90000700", "90001000"];
        assert_eq!(ledger(&moved), ("1500".into(), vec!["meter_jump"]));
    }

    #[test]
    fn a_negative_reading_is_none() {
        assert_eq!(ledger(&["1000", "-5", "1600"]), ("600".into(), vec!["meter_negative"]));
    }

    proptest! {
        /// Whatever the register says, no more is billed than all its rises, wraps and corrected units together.
        #[test]
        fn no_readings_bill_more_than_they_rise(readings in prop::collection::vec(0u64..2_000_000, 0..40)) {
            let readings: Vec<Decimal> = readings.into_iter().map(Decimal::from).collect();
            let ledger = read(readings.iter().copied());
            let rises: Decimal =
                readings.windows(2).map(|pair| (pair[1] - pair[0]).max(Decimal::ZERO)).sum();
            let wraps: Decimal = readings.windows(2).filter_map(|pair| rolled(pair[0], pair[1])).sum();
            let units = if ledger.has(SegmentKind::UnitMistake) { Decimal::from(2_000_000 * 40) } else { Decimal::ZERO };
            prop_assert!(ledger.energy_wh >= Decimal::ZERO);
            prop_assert!(ledger.energy_wh <= rises + wraps + units, "{:?}", ledger);
        }

        /// A register that wraps, restarts or sends a zero at known places bills what went through it.
        #[test]
        fn known_faults_cost_nothing(
            start in 400_000u64..800_000, steps in prop::collection::vec(1u64..9_000, 3..30), fault in 0usize..3, place in 1usize..29
        ) {
            let place = place.min(steps.len() - 1);
            let truth: u64 = steps.iter().sum();
            let mut register = match fault {
                0 => 1_000_000 - steps[..place].iter().sum::<u64>() - steps[place] / 2,
                _ => start,
            };
            let mut readings = vec![Decimal::from(register)];
            for (index, step) in steps.iter().enumerate() {
                if index == place && fault == 1 {
                    register = 0;
                    readings.push(Decimal::ZERO);
                }
                register = if fault == 0 { (register + step) % 1_000_000 } else { register + step };
                readings.push(Decimal::from(register));
                if index == place && fault == 2 {
                    readings.push(Decimal::ZERO);
                }
            }
            let ledger = read(readings);
            prop_assert_eq!(ledger.energy_wh, Decimal::from(truth));
            prop_assert!(ledger.flags().count() >= 1);
        }
    }
}
