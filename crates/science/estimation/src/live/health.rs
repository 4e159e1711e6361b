use serde::{Deserialize, Serialize};

/// Whether the twin follows its pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Sync {
    /// Too little has been seen: the state of charge may be off by more than 5 %.
    #[default]
    Starting,
    /// Residuals are as large as the model says they should be.
    Synchronised,
    /// Readings and model have disagreed for a while, or a sensor is at fault: the bounds are wide.
    Degraded,
    /// After a gap longer than a current may be held: the state of charge is being found again.
    Recovering,
}

/// What is wrong with a sensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SensorFault {
    /// The voltage stays the same to the last digit though the current moves it.
    VoltageStuck,
    /// The current stays the same to the last digit though the voltage contradicts it.
    CurrentStuck,
    /// The temperature stays the same to the last digit though the cell warms or cools.
    TemperatureStuck,
    /// A reading was not a number or not one that such a pack can have.
    Implausible,
}

/// Running judgement of residuals and sensors.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Health {
    /// Running mean of the squared residual in V².
    pub(crate) residual_square: f64,
    /// Running mean of the squared residual over its expected variance.
    pub(crate) surprise: f64,
    /// Readings with a voltage that were used.
    pub(crate) used: u64,
    /// Residuals beyond the gate in a row.
    pub(crate) beyond: u32,
    /// The twin lost its pack in a gap and has not found it again.
    pub(crate) lost: bool,
    voltage: Still,
    current: Still,
    temp: Still,
    implausible: bool,
}

/// How long a sensor has said the same, and what it should have said meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
struct Still {
    value: f64,
    count: u32,
    expected_low: f64,
    expected_high: f64,
}

impl Still {
    /// `true` while the value has been the same for ten readings though what was expected moved by `moved`.
    fn stuck(&mut self, value: f64, expected: f64, moved: f64) -> bool {
        if self.count > 0 && value.to_bits() == self.value.to_bits() {
            self.count = self.count.saturating_add(1);
            self.expected_low = self.expected_low.min(expected);
            self.expected_high = self.expected_high.max(expected);
        } else {
            *self = Self { value, count: 1, expected_low: expected, expected_high: expected };
        }
        self.count >= 10 && self.expected_high - self.expected_low > moved
    }
}

impl Health {
    /// A reading with an impossible value was dropped, or none was.
    pub(crate) fn note_implausible(&mut self, implausible: bool) {
        self.implausible = implausible;
    }

    /// `true` when this voltage is not to be believed. `expected_v` is what the model alone says.
    pub(crate) fn voltage_stuck(&mut self, voltage_v: f64, expected_v: f64, usual_v: f64) -> bool {
        self.voltage.stuck(voltage_v, expected_v, 6.0 * usual_v)
    }

    /// Notes a current beside the residual that it leaves.
    pub(crate) fn watch_current(&mut self, current_a: f64, residual_v: f64, usual_v: f64) {
        self.current.stuck(current_a, residual_v, 6.0 * usual_v);
    }

    pub(crate) fn temp_stuck(&mut self, temp_c: f64, expected_c: f64, usual_k: f64) -> bool {
        self.temp.stuck(temp_c, expected_c, 5.0 * usual_k)
    }

    /// Notes a residual and the variance it should have; `weight` is the share of the newest.
    pub(crate) fn note_residual(&mut self, residual_v: f64, variance: f64, weight: f64) {
        let square = residual_v * residual_v;
        self.used = self.used.saturating_add(1);
        // The first readings count in full: a mean over nothing is not zero.
        let weight = weight.max(1.0 / self.used as f64);
        self.residual_square += weight * (square - self.residual_square);
        self.surprise += weight * ((square / variance).min(1e3) - self.surprise);
    }

    pub(crate) fn fault(&self, usual_v: f64, temp_usual_k: f64) -> Option<SensorFault> {
        let still = |s: &Still, moved: f64| s.count >= 10 && s.expected_high - s.expected_low > moved;
        if self.implausible {
            Some(SensorFault::Implausible)
        } else if still(&self.voltage, 6.0 * usual_v) {
            Some(SensorFault::VoltageStuck)
        } else if self.current.count >= 60
            && still(&self.current, 6.0 * usual_v)
            && self.current.value != 0.0
            && self.surprise > 9.0
        {
            Some(SensorFault::CurrentStuck)
        } else if still(&self.temp, 5.0 * temp_usual_k) {
            Some(SensorFault::TemperatureStuck)
        } else {
            None
        }
    }

    pub(crate) fn sync(&self, soc_deviation: f64, fault: Option<SensorFault>) -> Sync {
        if self.lost {
            Sync::Recovering
        } else if self.used < 3 || soc_deviation > 0.05 {
            Sync::Starting
        } else if self.surprise > 4.0 || fault.is_some_and(|f| f != SensorFault::TemperatureStuck) {
            Sync::Degraded
        } else {
            Sync::Synchronised
        }
    }
}
