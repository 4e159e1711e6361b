//! Any profiles and any question: the composer refuses or answers, never panics, and what it answers is in order.
#![no_main]

use libfuzzer_sys::fuzz_target;
use voltwin_core::Timestamp;
use voltwin_profiles::{
    Charging, Kind, Period, Profile, Purpose, Question, Schedule, Supply, Target, Unit, Window, compose, differences,
};

/// Reads small things from the fuzzer's bytes; zeros when they are used up.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn word(&mut self) -> u32 {
        u32::from_le_bytes([self.byte(), self.byte(), self.byte(), self.byte()])
    }

    fn time(&mut self) -> Timestamp {
        // mostly near the window, now and then anywhere
        let near = i64::from(self.word()) * 100_000;
        match self.byte() {
            0 => Timestamp::from_micros(i64::MIN),
            1 => Timestamp::from_micros(i64::MAX),
            _ => Timestamp::from_micros(near),
        }
    }

    fn float(&mut self) -> f64 {
        match self.byte() {
            0 => f64::NAN,
            1 => f64::INFINITY,
            2 => -f64::from(self.word()),
            3 => f64::MAX,
            _ => f64::from(self.word()) / 16.0,
        }
    }

    fn maybe<T>(&mut self, read: impl Fn(&mut Self) -> T) -> Option<T> {
        (self.byte() % 2 == 1).then(|| read(self))
    }

    fn period(&mut self) -> Period {
        Period {
            start_s: self.word() % 100_000,
            limit: self.maybe(Self::float),
            phases: self.maybe(|bytes| bytes.byte() % 5),
            phase_to_use: self.maybe(Self::byte),
            discharge_limit: self.maybe(Self::float),
            setpoint: self.maybe(Self::float),
        }
    }

    fn profile(&mut self) -> Profile {
        let purposes = [
            Purpose::StationMax,
            Purpose::ExternalConstraints,
            Purpose::TxDefault,
            Purpose::Tx,
            Purpose::PriorityCharging,
            Purpose::LocalGeneration,
        ];
        let kinds = [Kind::Absolute, Kind::Daily, Kind::Weekly, Kind::Relative, Kind::Dynamic];
        let unit = self.unit();
        let count = usize::from(self.byte() % 8);
        let mut periods: Vec<Period> = (0..count).map(|_| self.period()).collect();
        if self.byte() % 4 != 0 {
            periods.sort_by_key(|period| period.start_s);
            periods.dedup_by_key(|period| period.start_s);
        }
        Profile {
            id: i64::from(self.word()),
            evse: u32::from(self.byte() % 4),
            purpose: purposes[usize::from(self.byte()) % purposes.len()],
            stack_level: u32::from(self.byte()),
            kind: kinds[usize::from(self.byte()) % kinds.len()],
            valid_from: self.maybe(Self::time),
            valid_to: self.maybe(Self::time),
            transaction_id: self.maybe(|bytes| format!("{}", bytes.byte() % 3)),
            schedule: Schedule {
                unit,
                start: self.maybe(Self::time),
                duration_s: self.maybe(Self::word),
                min_rate: self.maybe(Self::float),
                periods,
            },
        }
    }

    fn unit(&mut self) -> Unit {
        if self.byte() % 2 == 0 { Unit::Watt } else { Unit::Ampere }
    }

    fn charging(&mut self) -> Charging {
        Charging {
            transaction_id: self.maybe(|bytes| format!("{}", bytes.byte() % 3)),
            started: self.maybe(Self::time),
            priority: self.byte() % 2 == 0,
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let mut bytes = Bytes(data);
    let evse = u32::from(bytes.byte() % 4);
    let target = match bytes.byte() % 3 {
        0 => Target::Station((0..evse).map(|evse| (evse, bytes.charging())).collect()),
        _ => Target::Evse(evse, bytes.charging()),
    };
    let question = Question {
        window: Window { start: bytes.time(), duration_s: bytes.word() % 3_000_000 },
        unit: bytes.unit(),
        supply: Supply { voltage_v: 230.0, phases: bytes.byte() % 5 },
        target,
    };
    let count = usize::from(bytes.byte() % 12);
    let profiles: Vec<Profile> = (0..count).map(|_| bytes.profile()).collect();
    let Ok(slots) = compose(&profiles, &question) else { return };
    assert_eq!(slots.first().map(|slot| slot.start_s), Some(0));
    assert!(slots.windows(2).all(|pair| pair[0].start_s < pair[1].start_s));
    assert!(slots.iter().all(|slot| slot.start_s < question.window.duration_s));
    assert!(slots.iter().all(|slot| slot.discharge_limit.is_none_or(|limit| limit <= 0.0)));
    assert!(differences(&slots, &slots, question.window.duration_s, 0.0).is_empty());
});
