use serde::{Deserialize, Serialize};

use crate::BatteryError;

/// Gas constant, J/(mol K).
pub const GAS_CONSTANT: f64 = 8.314_462_618;
/// Faraday constant, C/mol.
pub const FARADAY: f64 = 96_485.332_12;
/// 0 °C in K.
pub const ZERO_CELSIUS_K: f64 = 273.15;

/// Most voltage pairs and most diffusion pairs of one circuit.
pub const PAIRS_MAX: usize = 3;

/// A positive quantity over state of charge and temperature: linear over state of charge, Arrhenius over temperature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Surface {
    /// States of charge of the columns, rising strictly, 0 to 1. Outside of them the nearest column holds.
    pub soc: Vec<f64>,
    /// Temperatures of the rows in °C, rising strictly.
    pub temp_c: Vec<f64>,
    /// `value[row][column]`, above 0.
    pub value: Vec<Vec<f64>>,
    /// Activation energy in J/mol used outside of the rows (and everywhere when there is one row):
    /// `value(T) = value(T0) exp(E/R (1/T - 1/T0))`, so that a resistance has a positive one. -200000 to 200000.
    #[serde(default)]
    pub activation_j_per_mol: f64,
}

impl Surface {
    /// The same value everywhere.
    #[must_use]
    pub fn constant(value: f64) -> Self {
        Self { soc: vec![0.5], temp_c: vec![25.0], value: vec![vec![value]], activation_j_per_mol: 0.0 }
    }

    /// One row over state of charge at `temp_c`, carried elsewhere by `activation_j_per_mol`.
    #[must_use]
    pub fn arrhenius(soc: Vec<f64>, value: Vec<f64>, temp_c: f64, activation_j_per_mol: f64) -> Self {
        Self { soc, temp_c: vec![temp_c], value: vec![value], activation_j_per_mol }
    }

    /// The value at a state of charge and a temperature in °C.
    #[must_use]
    pub fn at(&self, soc: f64, temp_c: f64) -> f64 {
        let inverse = |temp_c: f64| 1.0 / (temp_c + ZERO_CELSIUS_K);
        let arrhenius = |from_c: f64| {
            (self.activation_j_per_mol / GAS_CONSTANT * (inverse(temp_c) - inverse(from_c))).exp()
        };
        let row = |index: usize| linear(&self.soc, &self.value[index], soc);
        let last = self.temp_c.len() - 1;
        if temp_c <= self.temp_c[0] {
            return row(0) * arrhenius(self.temp_c[0]);
        }
        if temp_c >= self.temp_c[last] {
            return row(last) * arrhenius(self.temp_c[last]);
        }
        let upper = self.temp_c.partition_point(|t| *t <= temp_c).clamp(1, last);
        let (low_c, high_c) = (self.temp_c[upper - 1], self.temp_c[upper]);
        let share = (inverse(temp_c) - inverse(low_c)) / (inverse(high_c) - inverse(low_c));
        row(upper - 1).powf(1.0 - share) * row(upper).powf(share)
    }

    /// Decays are prepared per temperature and step, not per state of charge.
    fn check_column(&self, field: &'static str) -> Result<(), BatteryError> {
        if self.soc.len() != 1 {
            return Err(BatteryError::Shape {
                field,
                rule: "the same at every state of charge (one column)",
            });
        }
        self.check(field)
    }

    fn check(&self, field: &'static str) -> Result<(), BatteryError> {
        rising(field, &self.soc)?;
        rising(field, &self.temp_c)?;
        within(
            field,
            self.activation_j_per_mol,
            -200_000.0,
            200_000.0,
            "an activation energy of -200000 to 200000 J/mol",
        )?;
        within(field, self.temp_c[0], -60.0, 100.0, "given at -60 to 100 °C")?;
        within(field, self.temp_c[self.temp_c.len() - 1], -60.0, 100.0, "given at -60 to 100 °C")?;
        if self.value.len() != self.temp_c.len() || self.value.iter().any(|row| row.len() != self.soc.len()) {
            return Err(BatteryError::Shape {
                field,
                rule: "one row for each temperature, one column for each state of charge",
            });
        }
        self.value
            .iter()
            .flatten()
            .try_for_each(|value| within(field, *value, 1e-12, 1e9, "above 0 and at most 1e9"))
    }
}

/// A resistor and a capacitor in parallel: `tau dv/dt = R i - v`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VoltagePair {
    /// Resistance in Ω.
    pub r_ohm: Surface,
    /// Time constant in s.
    pub tau_s: Surface,
}

/// A pair that moves the state of charge at which the open-circuit voltage is read, not the voltage: the lag between
/// the surface and the mean of a particle, `tau dz/dt = gain i/Q - z`. A sphere of diffusion time `R²/D` has pairs of
/// `tau = R²/(D l²)`, `gain = 2/3 tau` at the roots `tan l = l`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiffusionPair {
    /// Steady lag per C-rate-like `i/Q`, in s.
    pub gain_s: Surface,
    /// Time constant in s.
    pub tau_s: Surface,
}

/// One-state hysteresis (Plett 2004): `dh/dt = rate |i|/Q (sign(i) - h)`, voltage `magnitude h`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hysteresis {
    /// Half of the gap between charge and discharge in V, over state of charge.
    pub magnitude_v: Surface,
    /// How fast the gap is crossed, per capacity moved: 1 to 1000.
    pub rate: f64,
}

/// One temperature for the cell: `C dT/dt = i (V - U) + i T dU/dT - G (T - T_ambient)` (Bernardi 1985).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thermal {
    /// Heat capacity in J/K, 0.1 to 1e6.
    pub heat_capacity_j_per_k: f64,
    /// Conductance to the surroundings in W/K, 0 to 1e4.
    pub conductance_w_per_k: f64,
}

/// What one cell is, as a file holds it. [`EcmModel::new`](crate::ecm::EcmModel::new) makes it fast.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EcmParameters {
    /// What people call it.
    pub name: String,
    /// Charge from soc 0 to 1, in Ah: 0.001 to 10000.
    pub capacity_ah: f64,
    /// States of charge of the open-circuit curve, rising from 0 to 1.
    pub ocv_soc: Vec<f64>,
    /// Open-circuit voltage in V at `reference_c`.
    pub ocv_v: Vec<f64>,
    /// Where the open-circuit curve was taken, in °C.
    #[serde(default = "room_c")]
    pub reference_c: f64,
    /// `dU/dT` in V/K at `ocv_soc`; empty means none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entropic_v_per_k: Vec<f64>,
    /// Ohmic resistance.
    pub r0_ohm: Surface,
    /// Up to [`PAIRS_MAX`] voltage pairs.
    #[serde(default)]
    pub pairs: Vec<VoltagePair>,
    /// Up to [`PAIRS_MAX`] diffusion pairs.
    #[serde(default)]
    pub diffusion: Vec<DiffusionPair>,
    /// Exchange current in A of a charge transfer `2RT/F asinh(i / (2 i0))`; none leaves it to the resistances.
    #[serde(default)]
    pub exchange_a: Option<Surface>,
    /// Hysteresis, if any.
    #[serde(default)]
    pub hysteresis: Option<Hysteresis>,
    /// Heat.
    pub thermal: Thermal,
    /// Lowest and highest terminal voltage in V.
    pub limits_v: [f64; 2],
    /// Where the parameters hold, in °C, within -60 to 100.
    pub valid_c: [f64; 2],
}

fn room_c() -> f64 {
    25.0
}

impl EcmParameters {
    /// # Errors
    /// Names the first field that makes no sense and its limit.
    pub fn check(&self) -> Result<(), BatteryError> {
        within("capacity_ah", self.capacity_ah, 1e-3, 1e4, "0.001 to 10000 Ah")?;
        rising("ocv_soc", &self.ocv_soc)?;
        if self.ocv_soc.len() < 2 || self.ocv_soc[0] != 0.0 || self.ocv_soc[self.ocv_soc.len() - 1] != 1.0 {
            return Err(BatteryError::Shape { field: "ocv_soc", rule: "at least two points, from 0 to 1" });
        }
        if self.ocv_v.len() != self.ocv_soc.len() {
            return Err(BatteryError::Shape { field: "ocv_v", rule: "as many as ocv_soc" });
        }
        self.ocv_v.iter().try_for_each(|v| within("ocv_v", *v, 0.1, 20.0, "0.1 to 20 V"))?;
        if !self.entropic_v_per_k.is_empty() && self.entropic_v_per_k.len() != self.ocv_soc.len() {
            return Err(BatteryError::Shape {
                field: "entropic_v_per_k",
                rule: "empty or as many as ocv_soc",
            });
        }
        self.entropic_v_per_k
            .iter()
            .try_for_each(|v| within("entropic_v_per_k", *v, -0.01, 0.01, "-0.01 to 0.01 V/K"))?;
        within("reference_c", self.reference_c, -60.0, 100.0, "-60 to 100 °C")?;
        self.r0_ohm.check("r0_ohm")?;
        for (field, count) in [("pairs", self.pairs.len()), ("diffusion", self.diffusion.len())] {
            if count > PAIRS_MAX {
                return Err(BatteryError::Shape { field, rule: "at most 3" });
            }
        }
        for pair in &self.pairs {
            pair.r_ohm.check("pairs.r_ohm")?;
            pair.tau_s.check_column("pairs.tau_s")?;
        }
        for pair in &self.diffusion {
            pair.gain_s.check_column("diffusion.gain_s")?;
            pair.tau_s.check_column("diffusion.tau_s")?;
        }
        if let Some(exchange_a) = &self.exchange_a {
            exchange_a.check("exchange_a")?;
        }
        if let Some(hysteresis) = &self.hysteresis {
            hysteresis.magnitude_v.check("hysteresis.magnitude_v")?;
            within("hysteresis.rate", hysteresis.rate, 1.0, 1_000.0, "1 to 1000")?;
        }
        within(
            "thermal.heat_capacity_j_per_k",
            self.thermal.heat_capacity_j_per_k,
            0.1,
            1e6,
            "0.1 to 1000000 J/K",
        )?;
        within("thermal.conductance_w_per_k", self.thermal.conductance_w_per_k, 0.0, 1e4, "0 to 10000 W/K")?;
        let [low_v, high_v] = self.limits_v;
        within("limits_v", low_v, 0.0, 20.0, "0 to 20 V, the lower first")?;
        within("limits_v", high_v, low_v, 20.0, "0 to 20 V, the lower first")?;
        let [low_c, high_c] = self.valid_c;
        within("valid_c", low_c, -60.0, 99.0, "-60 to 100 °C, at least 1 K apart")?;
        within("valid_c", high_c, low_c + 1.0, 100.0, "-60 to 100 °C, at least 1 K apart")
    }

    /// Open-circuit voltage in V at `reference_c`.
    #[must_use]
    pub fn ocv_at(&self, soc: f64) -> f64 {
        linear(&self.ocv_soc, &self.ocv_v, soc)
    }

    pub(crate) fn entropic_at(&self, soc: f64) -> f64 {
        if self.entropic_v_per_k.is_empty() {
            0.0
        } else {
            linear(&self.ocv_soc, &self.entropic_v_per_k, soc)
        }
    }
}

/// Linear between the points, the nearest one outside.
pub(crate) fn linear(x: &[f64], y: &[f64], at: f64) -> f64 {
    let upper = x.partition_point(|p| *p <= at);
    if upper == 0 {
        return y[0];
    }
    if upper == x.len() {
        return y[x.len() - 1];
    }
    let (a, b) = (x[upper - 1], x[upper]);
    y[upper - 1] + (y[upper] - y[upper - 1]) * (at - a) / (b - a)
}

pub(crate) fn within(
    field: &'static str,
    value: f64,
    low: f64,
    high: f64,
    rule: &'static str,
) -> Result<(), BatteryError> {
    if (low..=high).contains(&value) { Ok(()) } else { Err(BatteryError::Parameter { field, value, rule }) }
}

fn rising(field: &'static str, points: &[f64]) -> Result<(), BatteryError> {
    let finite = points.iter().all(|p| p.is_finite());
    if points.is_empty() || !finite || points.windows(2).any(|pair| pair[1] <= pair[0]) {
        return Err(BatteryError::Shape { field, rule: "finite points that rise, at least one" });
    }
    Ok(())
}
