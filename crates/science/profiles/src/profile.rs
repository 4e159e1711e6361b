//! One charging profile, freed of the version in which it was said.

use serde::{Deserialize, Serialize};
use voltwin_core::Timestamp;

use crate::ProfileError;

/// Periods of one schedule at most, the bound of OCPP 2.x.
pub const PERIODS_MAX: usize = 1_024;

/// The greatest rate, in watts or amperes.
const RATE_MAX: f64 = 1e9;
const DAY_US: i64 = 86_400 * SECOND_US;
pub(crate) const SECOND_US: i64 = 1_000_000;

/// What a profile is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Purpose {
    /// What the whole station may draw (1.6 `ChargePointMaxProfile`, 2.x `ChargingStationMaxProfile`).
    StationMax,
    /// What somebody other than the central system allows (`ChargingStationExternalConstraints`).
    ExternalConstraints,
    /// What any transaction may draw (`TxDefaultProfile`).
    TxDefault,
    /// What one transaction may draw (`TxProfile`).
    Tx,
    /// What a transaction may draw while it has priority (2.1 `PriorityCharging`).
    PriorityCharging,
    /// Power that is made on site (2.1 `LocalGeneration`).
    LocalGeneration,
}

/// How the schedule of a profile is laid onto the clock. Days and weeks are counted in UTC, so that no change to
/// daylight saving time moves them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// From its start on; from the start of the session when it names none.
    Absolute,
    /// From its start on, again every 24 hours.
    Daily,
    /// From its start on, again every 168 hours.
    Weekly,
    /// From the start of the session on.
    Relative,
    /// Whatever was sent last (2.1): the first period, as long as the profile is valid.
    Dynamic,
}

/// In what limits are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Unit {
    /// Watts over all phases.
    #[serde(rename = "W")]
    Watt,
    /// Amperes on each phase.
    #[serde(rename = "A")]
    Ampere,
}

/// What holds from a moment of a schedule until the next period. Charging is positive, discharging negative.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Period {
    /// Seconds after the start of the schedule.
    pub start_s: u32,
    /// The most that may be drawn, in the schedule's unit, 0 or more.
    pub limit: Option<f64>,
    /// How many phases may be used, 1 to 3.
    pub phases: Option<u8>,
    /// The phase to use when it is one, 1 to 3.
    pub phase_to_use: Option<u8>,
    /// The most that may be fed back, 0 or less (2.1).
    pub discharge_limit: Option<f64>,
    /// What should flow (2.1).
    pub setpoint: Option<f64>,
}

/// Limits over time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    /// In what the limits are given.
    pub unit: Unit,
    /// When it starts.
    pub start: Option<Timestamp>,
    /// For how long it says something, in seconds; the last period has no end when absent.
    pub duration_s: Option<u32>,
    /// Below this rate charging makes no sense, in `unit`.
    pub min_rate: Option<f64>,
    /// The periods, by `start_s`.
    pub periods: Vec<Period>,
}

/// One charging profile as a station holds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// Its id.
    pub id: i64,
    /// The EVSE that it was set on; 0 = the station.
    pub evse: u32,
    /// What it is for.
    pub purpose: Purpose,
    /// Of two profiles of one purpose the higher one leads.
    pub stack_level: u32,
    /// How it is laid onto the clock.
    pub kind: Kind,
    /// It says nothing before.
    pub valid_from: Option<Timestamp>,
    /// It says nothing from then on.
    pub valid_to: Option<Timestamp>,
    /// The transaction that a `TxProfile` is for; absent in 1.6 = the one on its connector.
    pub transaction_id: Option<String>,
    /// Its limits.
    pub schedule: Schedule,
}

impl Profile {
    /// Checks what the composition relies on.
    ///
    /// # Errors
    /// [`ProfileError::Value`] for numbers out of range or periods out of order, [`ProfileError::TooMany`].
    pub fn check(&self) -> Result<(), ProfileError> {
        let periods = &self.schedule.periods;
        if periods.len() > PERIODS_MAX {
            return Err(ProfileError::TooMany { what: "periods", count: periods.len(), limit: PERIODS_MAX });
        }
        for (before, after) in periods.iter().zip(periods.iter().skip(1)) {
            if after.start_s <= before.start_s {
                return Err(ProfileError::Value {
                    field: "start_s",
                    value: f64::from(after.start_s),
                    rule: "later than that of the period before",
                });
            }
        }
        within("min_rate", self.schedule.min_rate, |v| (0.0..=RATE_MAX).contains(&v), "0 to 1e9")?;
        for period in periods {
            within("limit", period.limit, |v| (0.0..=RATE_MAX).contains(&v), "0 to 1e9")?;
            let feed = |v: f64| (-RATE_MAX..=0.0).contains(&v);
            within("discharge_limit", period.discharge_limit, feed, "-1e9 to 0")?;
            within("setpoint", period.setpoint, |v| v.abs() <= RATE_MAX, "-1e9 to 1e9")?;
            within("phases", period.phases.map(f64::from), |v| (1.0..=3.0).contains(&v), "1 to 3")?;
            within(
                "phase_to_use",
                period.phase_to_use.map(f64::from),
                |v| (1.0..=3.0).contains(&v),
                "1 to 3",
            )?;
        }
        Ok(())
    }

    /// What it says at an instant; `None` when it says nothing.
    pub(crate) fn at(&self, instant_us: i64, session_us: i64) -> Option<&Period> {
        let after = self.valid_from.is_none_or(|from| from.as_micros() <= instant_us);
        let before = self.valid_to.is_none_or(|to| instant_us < to.as_micros());
        if !(after && before) {
            return None;
        }
        if self.kind == Kind::Dynamic {
            return self.schedule.periods.first();
        }
        let mut elapsed_us = instant_us.checked_sub(self.start_us(session_us))?;
        if elapsed_us < 0 {
            return None;
        }
        if let Some(every_us) = self.recurs_us() {
            elapsed_us %= every_us;
        }
        if self.schedule.duration_s.is_some_and(|duration_s| elapsed_us >= us(duration_s)) {
            return None;
        }
        let later = self.schedule.periods.partition_point(|period| us(period.start_s) <= elapsed_us);
        self.schedule.periods.get(later.checked_sub(1)?)
    }

    /// Every instant between `from_us` (not included) and `to_us` at which [`Profile::at`] may change.
    pub(crate) fn changes(&self, from_us: i64, to_us: i64, session_us: i64, into: &mut Vec<i64>) {
        let inside = |instant_us: i64| from_us < instant_us && instant_us < to_us;
        let mut keep = |instant_us: Option<i64>| into.extend(instant_us.filter(|us| inside(*us)));
        keep(self.valid_from.map(Timestamp::as_micros));
        keep(self.valid_to.map(Timestamp::as_micros));
        if self.kind == Kind::Dynamic {
            return;
        }
        let start_us = self.start_us(session_us);
        let every_us = self.recurs_us();
        let mut round_us = match every_us {
            // the round that runs at the start of the window, or the first
            Some(every_us) => {
                let rounds = from_us.saturating_sub(start_us).max(0) / every_us;
                start_us.saturating_add(rounds.saturating_mul(every_us))
            }
            None => start_us,
        };
        while round_us < to_us {
            let end_us = every_us.map_or(i64::MAX, |every_us| round_us.saturating_add(every_us));
            keep(Some(round_us));
            let inner =
                self.schedule.periods.iter().map(|period| period.start_s).chain(self.schedule.duration_s);
            for offset_s in inner {
                keep(round_us.checked_add(us(offset_s)).filter(|us| *us < end_us));
            }
            match every_us {
                Some(_) => round_us = end_us,
                None => return,
            }
        }
    }

    fn start_us(&self, session_us: i64) -> i64 {
        match (self.kind, self.schedule.start) {
            (Kind::Relative, _) | (_, None) => session_us,
            (_, Some(start)) => start.as_micros(),
        }
    }

    fn recurs_us(&self) -> Option<i64> {
        match self.kind {
            Kind::Daily => Some(DAY_US),
            Kind::Weekly => Some(7 * DAY_US),
            Kind::Absolute | Kind::Relative | Kind::Dynamic => None,
        }
    }
}

fn us(seconds: u32) -> i64 {
    i64::from(seconds) * SECOND_US
}

fn within(
    field: &'static str,
    value: Option<f64>,
    good: impl Fn(f64) -> bool,
    rule: &'static str,
) -> Result<(), ProfileError> {
    match value {
        Some(value) if !(value.is_finite() && good(value)) => Err(ProfileError::Value { field, value, rule }),
        _ => Ok(()),
    }
}
