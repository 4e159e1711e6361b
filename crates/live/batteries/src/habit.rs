//! The usual day of a pack: charge and temperature by time of day, of the last time that each was seen.

use serde::{Deserialize, Serialize};
use voltwin_ageing::{AgeingError, Profile, Sample};
use voltwin_core::Timestamp;

/// Slots of a day.
const SLOTS: usize = 48;
/// So many of them make a day that is known.
const ENOUGH: usize = 36;
const DAY_S: f64 = 86_400.0;
const SLOT_S: f64 = DAY_S / SLOTS as f64;

/// A commuter's day, assumed until a pack has shown its own: two drives, and a charge in the evening.
const ASSUMED: [(f64, f64); 8] =
    [(0.0, 0.8), (7.0, 0.8), (8.0, 0.65), (17.0, 0.65), (18.0, 0.5), (19.0, 0.5), (22.0, 0.8), (24.0, 0.8)];
/// Temperature that is assumed where none was seen, °C.
const ASSUMED_C: f64 = 22.0;

/// What was seen of a pack's day.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Habit {
    /// Charge and temperature by half hour of the UTC day.
    slots: Vec<Option<(f64, f64)>>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
}

/// A day for the ageing models.
#[derive(Debug, Clone, PartialEq)]
pub struct UsualDay {
    /// Its charge and temperature.
    pub profile: Profile,
    /// Whether the pack has shown it, or it is assumed.
    pub observed: bool,
    /// For how long the pack has been watched, in days.
    pub observed_days: f64,
}

impl Habit {
    pub(crate) fn note(&mut self, at: Timestamp, soc: f64, temp_c: f64) {
        self.slots.resize(SLOTS, None);
        let of_day = (at.as_micros() as f64 / 1e6).rem_euclid(DAY_S);
        let slot = ((of_day / SLOT_S) as usize).min(SLOTS - 1);
        self.slots[slot] = Some((soc, temp_c));
        self.since = self.since.or(Some(at));
        self.until = Some(at);
    }

    /// The usual day; where too little was seen, an assumed one at the pack's own temperature.
    ///
    /// # Errors
    /// Never for values that a pack can have.
    pub fn day(&self) -> Result<UsualDay, AgeingError> {
        let seen: Vec<(f64, f64, f64)> = self
            .slots
            .iter()
            .enumerate()
            .filter_map(|(slot, value)| {
                value.map(|(soc, temp_c)| ((slot as f64 + 0.5) * SLOT_S, soc, temp_c))
            })
            .collect();
        let observed_days = self.since.zip(self.until).map_or(0.0, |(a, b)| b.seconds_since(a) / DAY_S);
        if seen.len() < ENOUGH {
            let count = seen.len().max(1) as f64;
            let temp_c =
                if seen.is_empty() { ASSUMED_C } else { seen.iter().map(|s| s.2).sum::<f64>() / count };
            return Ok(UsualDay { profile: Profile::day(&ASSUMED, temp_c)?, observed: false, observed_days });
        }
        let sample = |&(t_s, soc, temp_c): &(f64, f64, f64)| Sample { t_s, soc, temp_c };
        let mut samples: Vec<Sample> = seen.iter().map(sample).collect();
        // the day closes on itself
        let first = samples[0];
        samples.push(Sample { t_s: first.t_s + DAY_S, ..first });
        Ok(UsualDay { profile: Profile::new(samples)?, observed: true, observed_days })
    }
}
