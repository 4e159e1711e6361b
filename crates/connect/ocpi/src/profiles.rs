//! Charging profiles: how fast a session may charge, as a partner wishes it.

use serde::{Deserialize, Serialize};
use voltwin_core::{Decimal, Timestamp};
use voltwin_profiles::{Slot, Unit};

use crate::{
    ChargingProfileResponseType, ChargingProfileResultType, ChargingRateUnit, DateTime, Number, OcpiError,
    Url,
};

/// Periods of one profile: what stations are known to take.
const PERIODS_MAX: usize = 100;
/// Seconds that a profile covers at most.
const DURATION_S_MAX: u32 = 7 * 86_400;
/// Watts or amperes that no vehicle takes.
const LIMIT_MAX: i64 = 10_000_000;

/// How fast a session may charge, over time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChargingProfile {
    /// From when; from when the station gets it, without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_date_time: Option<DateTime>,
    /// For how long, in seconds; to the end of the session, without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<u32>,
    /// The unit of the limits.
    pub charging_rate_unit: ChargingRateUnit,
    /// What the vehicle needs at least to charge at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_charging_rate: Option<Number>,
    /// The limits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub charging_profile_period: Vec<ChargingProfilePeriod>,
}

/// A limit that holds until the next one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChargingProfilePeriod {
    /// Seconds from the start of the profile.
    pub start_period: u32,
    /// Watts, or amperes per phase.
    pub limit: Number,
}

/// A wish of a partner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetChargingProfile {
    /// The profile.
    pub charging_profile: ChargingProfile,
    /// Where the result goes.
    pub response_url: Url,
}

/// Whether the wish was taken; its result follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChargingProfileResponse {
    /// Whether.
    pub result: ChargingProfileResponseType,
    /// Seconds within which the result follows.
    pub timeout: u32,
}

/// What came of setting or clearing a profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChargingProfileResult {
    /// What.
    pub result: ChargingProfileResultType,
}

/// What the station makes of all its profiles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActiveChargingProfile {
    /// From when.
    pub start_date_time: DateTime,
    /// How fast it charges.
    pub charging_profile: ChargingProfile,
}

/// The answer to whoever asked how fast a session may charge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActiveChargingProfileResult {
    /// Whether it is known.
    pub result: ChargingProfileResultType,
    /// The schedule, when it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<ActiveChargingProfile>,
}

impl ChargingProfile {
    /// Checks what a station could not be told.
    ///
    /// # Errors
    /// [`OcpiError::Field`] naming the first field at fault.
    pub fn check(&self) -> Result<(), OcpiError> {
        let at = |field: &str| format!("charging_profile.{field}");
        if let ChargingRateUnit::Other(_) = self.charging_rate_unit {
            return Err(OcpiError::field(at("charging_rate_unit"), "must be `W` or `A`"));
        }
        if self.duration.is_some_and(|duration| !(1..=DURATION_S_MAX).contains(&duration)) {
            return Err(OcpiError::field(at("duration"), format!("must be 1 to {DURATION_S_MAX} seconds")));
        }
        let periods = &self.charging_profile_period;
        if !(1..=PERIODS_MAX).contains(&periods.len()) {
            let rule = format!("must have 1 to {PERIODS_MAX} periods");
            return Err(OcpiError::field(at("charging_profile_period"), rule));
        }
        let limits = periods.iter().map(|period| period.limit).chain(self.min_charging_rate);
        let possible = |limit: Number| (Decimal::ZERO..=Decimal::from(LIMIT_MAX)).contains(&limit.get());
        if !limits.into_iter().all(possible) {
            let rule = format!("limits must be 0 to {LIMIT_MAX}");
            return Err(OcpiError::field(at("charging_profile_period"), rule));
        }
        let first = periods.first().is_some_and(|first| first.start_period == 0);
        let rising = periods.windows(2).all(|pair| match pair {
            [one, next] => one.start_period < next.start_period,
            _ => true,
        });
        if !(first && rising) {
            let rule = "must begin at 0 and rise";
            return Err(OcpiError::field(at("charging_profile_period[].start_period"), rule));
        }
        Ok(())
    }

    /// A profile of these slots; a stretch that nothing limits ends it, as OCPI has no word for one.
    #[must_use]
    pub fn of(slots: &[Slot], unit: Unit, start: Timestamp, duration_s: u32) -> Option<Self> {
        let limited = slots.iter().take_while(|slot| slot.limit.is_some());
        let periods: Vec<ChargingProfilePeriod> = limited
            .filter_map(|slot| {
                let limit = Number::of(Decimal::try_from(slot.limit?).ok()?);
                Some(ChargingProfilePeriod { start_period: slot.start_s, limit })
            })
            .collect();
        if periods.is_empty() {
            return None;
        }
        let ends = slots.get(periods.len()).map_or(duration_s, |slot| slot.start_s);
        Some(Self {
            start_date_time: Some(DateTime::of(start)),
            duration: Some(ends),
            charging_rate_unit: match unit {
                Unit::Watt => ChargingRateUnit::Watt,
                Unit::Ampere => ChargingRateUnit::Ampere,
            },
            min_charging_rate: None,
            charging_profile_period: periods,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(periods: &str) -> Result<SetChargingProfile, OcpiError> {
        let body = format!(
            r#"{{"charging_profile": {{"charging_rate_unit": "W", "charging_profile_period": {periods}}},
                "response_url": "https://a.example/r"}}"#
        );
        let set: SetChargingProfile = crate::read(body.as_bytes())?;
        set.charging_profile.check()?;
        Ok(set)
    }

    #[test]
    fn a_profile_begins_at_once_and_rises() {
        let good = profile(r#"[{"start_period": 0, "limit": 11000}, {"start_period": 60, "limit": 0.5}]"#);
        assert_eq!(good.unwrap().charging_profile.charging_profile_period[1].limit.to_string(), "0.5");
        for bad in [
            "[]",
            r#"[{"start_period": 1, "limit": 1}]"#,
            r#"[{"start_period": 0, "limit": -1}]"#,
            r#"[{"start_period": 0, "limit": 1}, {"start_period": 0, "limit": 2}]"#,
            r#"[{"start_period": 0}]"#,
        ] {
            let why = profile(bad).unwrap_err().to_string();
            assert!(why.contains("charging_profile"), "{why}");
        }
    }

    #[test]
    fn what_nothing_limits_ends_the_profile() {
        let slot = |start_s, limit| Slot { start_s, limit, ..Slot::default() };
        let slots = [slot(0, Some(16.0)), slot(300, Some(6.5)), slot(600, None), slot(700, Some(1.0))];
        let start: Timestamp = "2026-11-21T08:00:00Z".parse().unwrap();
        let told = ChargingProfile::of(&slots, Unit::Ampere, start, 900).unwrap();
        assert_eq!((told.duration, told.charging_profile_period.len()), (Some(600), 2));
        assert_eq!(told.charging_rate_unit, ChargingRateUnit::Ampere);
        assert_eq!(ChargingProfile::of(&slots[2..], Unit::Watt, start, 900), None);
    }
}
