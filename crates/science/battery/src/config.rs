use serde::{Deserialize, Serialize};

use crate::{BatteryError, OcvCurve};

/// What the cells are made of; decides open-circuit voltage and limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Chemistry {
    /// Nickel manganese cobalt oxide against graphite: sloping voltage, 4.2 V limit.
    #[serde(rename = "NMC")]
    Nmc,
    /// Lithium iron phosphate against graphite: flat voltage, 3.6 V limit.
    #[serde(rename = "LFP")]
    Lfp,
}

impl Chemistry {
    /// The name as people write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Nmc => "NMC",
            Self::Lfp => "LFP",
        }
    }

    /// The voltage that a cell is never charged above, in volts.
    #[must_use]
    pub fn limit_v(self) -> f64 {
        match self {
            Self::Nmc => 4.2,
            Self::Lfp => 3.6,
        }
    }

    /// Open-circuit voltage. NMC: measured on LG M50 cells at 25 °C (charge and discharge averaged; Wanik Widanage's
    /// Simscape battery library, BSD-3-Clause), every fifth or fourth point. LFP: rounded from published
    /// measurements of graphite/LFP cells.
    #[must_use]
    pub fn ocv(self) -> OcvCurve {
        match self {
            Self::Nmc => OcvCurve::fixed(&[
                (0.0, 2.87227),
                (0.04, 3.16306),
                (0.08, 3.28029),
                (0.12, 3.36441),
                (0.16, 3.42031),
                (0.2, 3.46470),
                (0.28, 3.55034),
                (0.36, 3.60964),
                (0.44, 3.65305),
                (0.52, 3.71181),
                (0.6, 3.80638),
                (0.68, 3.89108),
                (0.76, 3.95967),
                (0.84, 4.04383),
                (0.92, 4.09346),
                (0.96, 4.11558),
                (1.0, 4.17533),
            ]),
            Self::Lfp => OcvCurve::fixed(&[
                (0.0, 2.5),
                (0.02, 2.9),
                (0.05, 3.1),
                (0.1, 3.2),
                (0.2, 3.255),
                (0.3, 3.285),
                (0.4, 3.295),
                (0.5, 3.3),
                (0.6, 3.31),
                (0.7, 3.33),
                (0.8, 3.335),
                (0.9, 3.34),
                (0.95, 3.35),
                (0.98, 3.38),
                (1.0, 3.45),
            ]),
        }
    }
}

/// What a pack is. Only the first four fields have no default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackConfig {
    /// Cell chemistry.
    pub chemistry: Chemistry,
    /// Cells in series, 1 to 400. Each is a group of `cells_parallel`.
    pub cells_series: usize,
    /// Cells in parallel per group, 1 to 1000; they share one state.
    pub cells_parallel: usize,
    /// Energy from empty to full at rest when new, in Wh: 1 to 10 million.
    pub capacity_wh: f64,
    /// Capacity now over capacity when new, 0.3 to 1.
    #[serde(default = "one")]
    pub soh: f64,
    /// Resistive loss at a current of one capacity per hour (1C), as a fraction of the mean voltage: 0 to 0.3.
    #[serde(default = "loss_at_1c")]
    pub loss_at_1c: f64,
    /// Standard deviation of capacity and resistance from cell to cell, a fraction from 0 to 0.1. The state of charge
    /// spreads by a quarter of it.
    #[serde(default = "spread")]
    pub spread: f64,
    /// Highest charging current in capacities per hour, above 0 to 10.
    #[serde(default = "max_charge_c")]
    pub max_charge_c: f64,
    /// Charging is over when the constant-voltage current has fallen to this, in capacities per hour, above 0 to 1.
    #[serde(default = "cutoff_c")]
    pub cutoff_c: f64,
    /// Temperature of the surroundings and at the start, in °C: -40 to 80.
    #[serde(default = "ambient_c")]
    pub ambient_c: f64,
    /// Heat capacity in J/K per Wh of capacity, 0.1 to 100.
    #[serde(default = "heat_capacity")]
    pub heat_capacity_j_per_k_wh: f64,
    /// Time constant of cooling to the surroundings in s, 1 to 1 million.
    #[serde(default = "cooling_s")]
    pub cooling_s: f64,
}

fn one() -> f64 {
    1.0
}
fn loss_at_1c() -> f64 {
    0.03
}
fn spread() -> f64 {
    0.008
}
fn max_charge_c() -> f64 {
    2.0
}
fn cutoff_c() -> f64 {
    0.05
}
fn ambient_c() -> f64 {
    20.0
}
/// A cell of 200 Wh/kg with 1000 J/(kg K).
fn heat_capacity() -> f64 {
    5.0
}
fn cooling_s() -> f64 {
    1_800.0
}

impl PackConfig {
    /// A healthy pack with the usual losses and limits of a passenger car.
    #[must_use]
    pub fn new(chemistry: Chemistry, cells_series: usize, cells_parallel: usize, capacity_wh: f64) -> Self {
        Self {
            chemistry,
            cells_series,
            cells_parallel,
            capacity_wh,
            soh: one(),
            loss_at_1c: loss_at_1c(),
            spread: spread(),
            max_charge_c: max_charge_c(),
            cutoff_c: cutoff_c(),
            ambient_c: ambient_c(),
            heat_capacity_j_per_k_wh: heat_capacity(),
            cooling_s: cooling_s(),
        }
    }

    /// # Errors
    /// [`BatteryError::Parameter`] names the first field outside of its range.
    pub fn check(&self) -> Result<(), BatteryError> {
        let within = |field, value: f64, low: f64, high: f64, rule| {
            if value.is_finite() && (low..=high).contains(&value) {
                Ok(())
            } else {
                Err(BatteryError::Parameter { field, value, rule })
            }
        };
        within("cells_series", self.cells_series as f64, 1.0, 400.0, "1 to 400")?;
        within("cells_parallel", self.cells_parallel as f64, 1.0, 1_000.0, "1 to 1000")?;
        within("capacity_wh", self.capacity_wh, 1.0, 1e7, "1 to 10000000 Wh")?;
        within("soh", self.soh, 0.3, 1.0, "0.3 to 1")?;
        within("loss_at_1c", self.loss_at_1c, 0.0, 0.3, "0 to 0.3")?;
        within("spread", self.spread, 0.0, 0.1, "0 to 0.1")?;
        within("max_charge_c", self.max_charge_c, 1e-3, 10.0, "0.001 to 10")?;
        within("cutoff_c", self.cutoff_c, 1e-4, 1.0, "0.0001 to 1")?;
        within("ambient_c", self.ambient_c, -40.0, 80.0, "-40 to 80 °C")?;
        within(
            "heat_capacity_j_per_k_wh",
            self.heat_capacity_j_per_k_wh,
            0.1,
            100.0,
            "0.1 to 100 J/K per Wh",
        )?;
        within("cooling_s", self.cooling_s, 1.0, 1e6, "1 to 1000000 s")
    }
}
