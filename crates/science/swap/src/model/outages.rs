//! Which units are out of order, and for how long.

use std::collections::VecDeque;

use voltwin_des::{Name, Stream};

use crate::extras::{Failures, Reliability};

/// What can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Charger,
    Bay,
}

#[derive(Debug)]
struct Fleet {
    rule: Reliability,
    name: Name,
    chance: Vec<Stream>,
    /// Units that have failed and whose repair has not begun.
    failed: VecDeque<u32>,
}

impl Fleet {
    fn new(rule: Reliability, name: Name) -> Self {
        Self { rule, name, chance: Vec::new(), failed: VecDeque::new() }
    }

    /// An exponential time of unit `k`, s.
    fn time(&mut self, k: u32, mean_h: f64) -> f64 {
        while self.chance.len() <= k as usize {
            self.chance.push(self.name.number(self.chance.len() as u64).stream());
        }
        3_600.0 * mean_h * self.chance[k as usize].exponential()
    }
}

/// Failures and repairs of a station; nothing where they are not asked for.
#[derive(Debug)]
pub(crate) struct Outages {
    charger: Option<Fleet>,
    bay: Option<Fleet>,
}

impl Outages {
    pub(crate) fn new(failures: Option<Failures>, name: Name) -> Self {
        let fleet = |rule: Option<Reliability>, word: &str| {
            rule.map(|rule| Fleet::new(rule, name.word("failures").word(word)))
        };
        Self {
            charger: fleet(failures.and_then(|both| both.charger), "charger"),
            bay: fleet(failures.and_then(|both| both.bay), "bay"),
        }
    }

    const fn fleet(&mut self, unit: Unit) -> Option<&mut Fleet> {
        match unit {
            Unit::Charger => self.charger.as_mut(),
            Unit::Bay => self.bay.as_mut(),
        }
    }

    /// Time from now to the next failure of a unit, s.
    pub(crate) fn until_failure(&mut self, unit: Unit, k: u32) -> Option<f64> {
        let fleet = self.fleet(unit)?;
        Some(fleet.time(k, fleet.rule.mtbf_h))
    }

    /// A unit has failed; its repair begins when one of its kind is free.
    pub(crate) fn fail(&mut self, unit: Unit, k: u32) {
        if let Some(fleet) = self.fleet(unit) {
            fleet.failed.push_back(k);
        }
    }

    /// The unit whose repair begins now that one of its kind is free, and how long it takes, s.
    pub(crate) fn take(&mut self, unit: Unit) -> Option<(u32, f64)> {
        let fleet = self.fleet(unit)?;
        let k = fleet.failed.pop_front()?;
        Some((k, fleet.time(k, fleet.rule.mttr_h)))
    }
}
