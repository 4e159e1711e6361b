//! Capacity cycle by cycle: level, slope and recovery.

use serde::{Deserialize, Serialize};

use crate::{PrognosisError, error::within};

/// Character of a fleet's capacity series; all capacities relative to nominal, all rates per cycle.
///
/// Level `l`, slope deviation `d` and recovery `c`:
/// `l <- l + slope + d + w_l`, `d <- persistence d + w_d`, `c <- memory c + w_c`; seen is `l + c + v`.
/// The recovery is what a rest gives and the next cycles take again; the slope returns to that of the fleet, so that a
/// month ahead the fleet speaks and a cycle ahead the cell.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TrackCharacter {
    /// Standard deviation of a measurement.
    pub measurement_sd: f64,
    /// Standard deviation of the level's own steps.
    pub level_sd: f64,
    /// Standard deviation of the slope's steps.
    pub slope_sd: f64,
    /// Standard deviation of a recovery.
    pub recovery_sd: f64,
    /// Share of a recovery that is left after a cycle.
    pub recovery_memory: f64,
    /// Mean slope of the fleet.
    pub fleet_slope: f64,
    /// Standard deviation of slopes over the fleet.
    pub fleet_slope_sd: f64,
    /// Share of a slope's deviation that is left after a cycle.
    pub slope_persistence: f64,
}

impl Default for TrackCharacter {
    /// Fitted to small NMC and LCO cells of the NASA PCoE tests at 4 to 43 degrees Celsius.
    fn default() -> Self {
        Self {
            measurement_sd: 1.28e-3,
            level_sd: 6.8e-4,
            slope_sd: 2.6e-4,
            recovery_sd: 1.11e-2,
            recovery_memory: 0.975,
            fleet_slope: -1.74e-3,
            fleet_slope_sd: 2.75e-3,
            slope_persistence: 0.946,
        }
    }
}

/// A forecast: mean and standard deviation as the model believes them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Belief {
    /// Mean.
    pub mean: f64,
    /// Standard deviation.
    pub sd: f64,
}

/// A capacity series under way.
#[derive(Debug, Clone, PartialEq)]
pub struct Track {
    character: TrackCharacter,
    state: [f64; 3],
    covariance: [[f64; 3]; 3],
    cycles: u64,
}

/// Innovations beyond this many standard deviations pull no harder: discharges are cut short now and then.
const CLIP_SD: f64 = 3.0;

impl Track {
    /// A series that begins with `capacity`, relative to nominal.
    ///
    /// # Errors
    /// A capacity outside 0.05..=2 or a character outside its ranges.
    pub fn begin(character: TrackCharacter, capacity: f64) -> Result<Self, PrognosisError> {
        within("capacity", capacity, 0.05, 2.0)?;
        within("recovery_memory", character.recovery_memory, 0.0, 0.9999)?;
        within("slope_persistence", character.slope_persistence, 0.0, 0.9999)?;
        within("measurement_sd", character.measurement_sd, 1e-6, 1.0)?;
        for (field, value) in [
            ("level_sd", character.level_sd),
            ("slope_sd", character.slope_sd),
            ("recovery_sd", character.recovery_sd),
            ("fleet_slope_sd", character.fleet_slope_sd),
        ] {
            within(field, value, 0.0, 1.0)?;
        }
        within("fleet_slope", character.fleet_slope, -1.0, 1.0)?;
        let settled = character.recovery_sd.powi(2) / (1.0 - character.recovery_memory.powi(2));
        let mut track = Self {
            character,
            state: [capacity, 0.0, 0.0],
            covariance: [
                [0.02 * 0.02, 0.0, 0.0],
                [0.0, character.fleet_slope_sd.powi(2), 0.0],
                [0.0, 0.0, settled],
            ],
            cycles: 0,
        };
        track.learn(capacity);
        Ok(track)
    }

    /// One cycle later, with the capacity it gave, or `None` where it was cut short or not measured.
    ///
    /// # Errors
    /// A capacity outside 0.05..=2; the series is then as before.
    pub fn cycle(&mut self, capacity: Option<f64>) -> Result<(), PrognosisError> {
        if let Some(capacity) = capacity {
            within("capacity", capacity, 0.05, 2.0)?;
        }
        self.predict();
        self.cycles += 1;
        if let Some(capacity) = capacity {
            self.learn(capacity);
        }
        Ok(())
    }

    /// Cycles since the beginning.
    #[must_use]
    pub fn cycles(&self) -> u64 {
        self.cycles
    }

    /// Present slope per cycle.
    #[must_use]
    pub fn slope(&self) -> Belief {
        Belief { mean: self.character.fleet_slope + self.state[1], sd: self.covariance[1][1].max(0.0).sqrt() }
    }

    /// What will be measured `ahead` cycles from now.
    #[must_use]
    pub fn forecast(&self, ahead: u32) -> Belief {
        let mut future = self.clone();
        for _ in 0..ahead {
            future.predict();
        }
        let (mean, variance) = future.seen();
        Belief { mean, sd: variance.sqrt() }
    }

    fn seen(&self) -> (f64, f64) {
        let p = &self.covariance;
        let variance = p[0][0] + 2.0 * p[0][2] + p[2][2] + self.character.measurement_sd.powi(2);
        (self.state[0] + self.state[2], variance)
    }

    fn predict(&mut self) {
        let TrackCharacter { recovery_memory: rho, slope_persistence: phi, .. } = self.character;
        let [level, slope, recovery] = self.state;
        self.state = [level + slope + self.character.fleet_slope, phi * slope, rho * recovery];
        let p = self.covariance;
        let ll = p[0][0] + 2.0 * p[0][1] + p[1][1] + self.character.level_sd.powi(2);
        let ls = phi * (p[0][1] + p[1][1]);
        let lr = rho * (p[0][2] + p[1][2]);
        let ss = phi * phi * p[1][1] + self.character.slope_sd.powi(2);
        let sr = phi * rho * p[1][2];
        let rr = rho * rho * p[2][2] + self.character.recovery_sd.powi(2);
        self.covariance = [[ll, ls, lr], [ls, ss, sr], [lr, sr, rr]];
    }

    fn learn(&mut self, capacity: f64) {
        let (mean, variance) = self.seen();
        let reach = CLIP_SD * variance.sqrt();
        let innovation = (capacity - mean).clamp(-reach, reach);
        let p = self.covariance;
        let shared = [0, 1, 2].map(|row| p[row][0] + p[row][2]);
        for row in 0..3 {
            self.state[row] += shared[row] / variance * innovation;
            for column in 0..3 {
                self.covariance[row][column] -= shared[row] * shared[column] / variance;
            }
        }
    }
}
