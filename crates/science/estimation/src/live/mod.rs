//! State of a pack from its telemetry: any cadence, with gaps, biased or stuck sensors and no knowledge at the start.
//!
//! # The filter
//! An extended Kalman filter over what is uncertain, five numbers beside the circuit that runs along:
//! state of charge, the bias of the current sensor, the error of the model's voltage (a Gauss-Markov process: a model
//! is wrong for minutes on end, and a filter that takes that for white noise is sure too early), and the logarithms
//! of resistance and capacity over those of the type, which drift slowly. The pair voltages, lags and hysteresis follow
//! the current. The slope of the open-circuit curve is the chord over one standard deviation, and the correction is
//! iterated, so that a start from anywhere works (Bell and Cathey 1993).
//!
//! [`Estimator`] holds what all packs of a type share and never changes; [`PackMemory`] is all that is remembered of
//! one pack, and can be written down between any two readings.

mod filter;
mod health;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use voltwin_battery::ecm::{EcmModel, EcmState, StepTable};

pub use health::{SensorFault, Sync};

use crate::EstimationError;

/// What one pack is and how far its sensors and its model are trusted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LiveConfig {
    /// Cells in series, 1 to 2000.
    pub cells_series: u32,
    /// Cells in parallel, 1 to 1000.
    pub cells_parallel: u32,
    /// White noise of a cell voltage in V.
    pub voltage_noise_v: f64,
    /// Standard deviation of the model's own error in V per cell where its open-circuit curve is flat and no current
    /// flows.
    pub model_error_v: f64,
    /// Standard deviation of the place of the open-circuit curve in state of charge: what a steep curve adds.
    pub curve_error_soc: f64,
    /// Standard deviation of the overvoltage beside that of a resistance factor, a fraction.
    pub overvoltage_error: f64,
    /// How long that error lasts in s.
    pub model_error_s: f64,
    /// Standard deviation of the current sensor's bias, in capacities per hour.
    pub current_bias_c: f64,
    /// Gain error of the current sensor, a fraction.
    pub current_gain: f64,
    /// Random walk of the state of charge, per square root of a second.
    pub soc_walk: f64,
    /// Standard deviation of ln(resistance factor) before anything is seen, and its walk per square root of a day.
    pub resistance_spread: f64,
    /// See `resistance_spread`.
    pub resistance_walk: f64,
    /// Standard deviation of ln(capacity factor) before anything is seen, and its walk per square root of a day.
    pub capacity_spread: f64,
    /// See `capacity_spread`.
    pub capacity_walk: f64,
    /// Error of a state of charge that a vehicle reports about itself.
    pub reported_soc_error: f64,
    /// Noise of a temperature sensor in K.
    pub temp_noise_k: f64,
    /// Where the pack stands when nobody says, in °C.
    pub ambient_c: f64,
    /// A current is taken to flow on for this long after its last reading, in s.
    pub hold_s: f64,
}

impl Default for LiveConfig {
    fn default() -> Self {
        Self::USUAL
    }
}

impl LiveConfig {
    /// One new cell with laboratory sensors.
    pub const USUAL: Self = Self {
        cells_series: 1,
        cells_parallel: 1,
        voltage_noise_v: 0.002,
        model_error_v: 0.006,
        curve_error_soc: 0.008,
        overvoltage_error: 0.025,
        model_error_s: 300.0,
        current_bias_c: 0.015,
        current_gain: 0.005,
        soc_walk: 1e-5,
        resistance_spread: 0.1,
        resistance_walk: 0.003,
        capacity_spread: 0.007,
        capacity_walk: 0.001,
        reported_soc_error: 0.03,
        temp_noise_k: 1.0,
        ambient_c: 25.0,
        hold_s: 300.0,
    };

    fn check(&self) -> Result<(), EstimationError> {
        let within = |field, value: f64, low: f64, high: f64, rule| {
            if (low..=high).contains(&value) {
                Ok(())
            } else {
                Err(EstimationError::Setting { field, value, rule })
            }
        };
        within("cells_series", f64::from(self.cells_series), 1.0, 2_000.0, "1 to 2000")?;
        within("cells_parallel", f64::from(self.cells_parallel), 1.0, 1_000.0, "1 to 1000")?;
        within("voltage_noise_v", self.voltage_noise_v, 1e-5, 1.0, "0.00001 to 1 V")?;
        within("model_error_v", self.model_error_v, 1e-5, 1.0, "0.00001 to 1 V")?;
        within("curve_error_soc", self.curve_error_soc, 0.0, 0.5, "0 to 0.5")?;
        within("overvoltage_error", self.overvoltage_error, 0.0, 1.0, "0 to 1")?;
        within("model_error_s", self.model_error_s, 1.0, 1e6, "1 to 1000000 s")?;
        within("current_bias_c", self.current_bias_c, 0.0, 1.0, "0 to 1")?;
        within("current_gain", self.current_gain, 0.0, 0.5, "0 to 0.5")?;
        within("soc_walk", self.soc_walk, 0.0, 0.01, "0 to 0.01")?;
        for (field, value) in [
            ("resistance_spread", self.resistance_spread),
            ("resistance_walk", self.resistance_walk),
            ("capacity_spread", self.capacity_spread),
            ("capacity_walk", self.capacity_walk),
        ] {
            within(field, value, 0.0, 1.0, "0 to 1")?;
        }
        within("reported_soc_error", self.reported_soc_error, 1e-3, 1.0, "0.001 to 1")?;
        within("temp_noise_k", self.temp_noise_k, 0.01, 50.0, "0.01 to 50 K")?;
        within("ambient_c", self.ambient_c, -60.0, 100.0, "-60 to 100 °C")?;
        within("hold_s", self.hold_s, 0.0, 86_400.0, "0 to 86400 s")
    }
}

/// What a pack says at one instant; whatever is missing is missing.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Reading {
    /// When, in s since any fixed instant.
    pub t_s: f64,
    /// Pack current in A, charging positive: the one since the reading before.
    pub current_a: Option<f64>,
    /// Pack voltage in V.
    pub voltage_v: Option<f64>,
    /// Temperature of the cells in °C.
    pub temp_c: Option<f64>,
    /// Temperature of the surroundings in °C.
    pub ambient_c: Option<f64>,
    /// The state of charge that the pack says of itself, 0 to 1.
    pub soc: Option<f64>,
}

/// A value and the half width of its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bounded {
    /// The estimate.
    pub value: f64,
    /// Lower end of the 95 % interval.
    pub low: f64,
    /// Upper end of the 95 % interval.
    pub high: f64,
}

impl Bounded {
    pub(crate) fn around(value: f64, deviation: f64) -> Self {
        let half = 1.96 * deviation;
        Self { value, low: value - half, high: value + half }
    }

    fn within(self, low: f64, high: f64) -> Self {
        let hold = |x: f64| x.clamp(low, high);
        Self { value: hold(self.value), low: hold(self.low), high: hold(self.high) }
    }

    fn map(self, f: impl Fn(f64) -> f64) -> Self {
        Self { value: f(self.value), low: f(self.low), high: f(self.high) }
    }
}

/// What is known of a pack after a reading.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// When, in s, as the reading said.
    pub t_s: f64,
    /// State of charge.
    pub soc: Bounded,
    /// State of health: capacity over that of the type when new.
    pub soh: Bounded,
    /// Ohmic resistance of the pack now in Ω.
    pub resistance_ohm: Bounded,
    /// Resistance over that of the type when new.
    pub resistance_factor: Bounded,
    /// Temperature of the cells in °C.
    pub temp_c: Bounded,
    /// Bias of the current sensor in A of the pack.
    pub current_bias_a: Bounded,
    /// Measured less predicted cell voltage before this reading was used, in V.
    pub residual_v: f64,
    /// Root of its running mean square, in V.
    pub residual_rms_v: f64,
    /// Whether the twin follows its pack.
    pub sync: Sync,
    /// What is wrong with a sensor, if anything.
    pub fault: Option<SensorFault>,
}

/// All that is remembered of one pack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PackMemory {
    pub(crate) circuit: EcmState,
    /// Bias (A of a cell), voltage error (V), ln resistance factor, ln capacity factor.
    pub(crate) extra: [f64; 4],
    /// Covariance of state of charge and `extra`.
    pub(crate) covariance: [[f64; 5]; 5],
    pub(crate) temp_variance: f64,
    pub(crate) ambient_c: f64,
    pub(crate) last: Option<Reading>,
    /// When a current was last read and how large it was, cell A.
    pub(crate) current: (f64, f64),
    pub(crate) health: health::Health,
}

/// The estimator of one type of pack.
#[derive(Debug, Clone)]
pub struct Estimator {
    model: Arc<EcmModel>,
    config: LiveConfig,
    /// Steps of the usual cadences, ready.
    steps: Vec<StepTable>,
}

impl Estimator {
    /// # Errors
    /// [`EstimationError::Setting`] names the first setting out of range.
    pub fn new(model: Arc<EcmModel>, config: LiveConfig) -> Result<Self, EstimationError> {
        config.check()?;
        let steps = [0.0, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0]
            .iter()
            .map(|dt_s| model.step_table(*dt_s))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self { model, config, steps })
    }

    /// The circuit of its cells.
    #[must_use]
    pub fn model(&self) -> &EcmModel {
        &self.model
    }

    /// What it was told of the pack.
    #[must_use]
    pub fn config(&self) -> &LiveConfig {
        &self.config
    }

    /// A pack of which nothing is known but perhaps its state of charge and how far that is trusted.
    #[must_use]
    pub fn start(&self, soc: Option<(f64, f64)>) -> PackMemory {
        let (value, deviation) = match soc {
            Some((value, deviation)) if value.is_finite() && deviation.is_finite() => {
                (value.clamp(0.0, 1.0), deviation.clamp(1e-3, 0.5))
            }
            _ => (0.5, 0.4),
        };
        let capacity_a = self.model.parameters().capacity_ah;
        let config = &self.config;
        let deviations = [
            deviation,
            config.current_bias_c * capacity_a,
            // Nobody knows what the pack did before, so its pairs may hold any usual overvoltage.
            3.0 * config.model_error_v,
            config.resistance_spread,
            config.capacity_spread,
        ];
        let mut covariance = [[0.0; 5]; 5];
        for (index, deviation) in deviations.iter().enumerate() {
            covariance[index][index] = deviation * deviation;
        }
        PackMemory {
            circuit: EcmState::resting(value, self.hold_temp(config.ambient_c)),
            extra: [0.0; 4],
            covariance,
            temp_variance: 400.0,
            ambient_c: self.hold_temp(config.ambient_c),
            last: None,
            current: (0.0, 0.0),
            health: health::Health::default(),
        }
    }
}
