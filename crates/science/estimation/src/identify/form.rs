use serde::{Deserialize, Serialize};
use voltwin_battery::ecm::{
    DiffusionPair, EcmModel, EcmParameters, FARADAY, GAS_CONSTANT, Surface, Thermal, VoltagePair,
    ZERO_CELSIUS_K,
};

use crate::EstimationError;

/// An open-circuit curve, or the slow discharge that stands for one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OpenCircuit {
    /// State of charge, rising from 0 to 1.
    pub soc: Vec<f64>,
    /// Voltage in V.
    pub voltage_v: Vec<f64>,
    /// The current at which it was taken in A, charging positive; its losses are added back.
    pub current_a: f64,
    /// Temperature then in °C.
    pub temp_c: f64,
}

impl OpenCircuit {
    /// The discharge of a slow test, thinned to `points` states of charge. The test goes from full to empty.
    ///
    /// # Errors
    /// [`EstimationError::Record`] when the test does not discharge steadily.
    pub fn from_slow_discharge(test: &crate::Record, points: usize) -> Result<(Self, f64), EstimationError> {
        test.check()?;
        let refuse = |rule| EstimationError::Record { record: test.name.clone(), rule };
        let mut charge_as = vec![0.0];
        for k in 1..test.t_s.len() {
            let moved = -test.current_a[k] * (test.t_s[k] - test.t_s[k - 1]);
            charge_as.push(charge_as[k - 1] + moved.max(0.0));
        }
        let total_as = charge_as[charge_as.len() - 1];
        if total_as <= 0.0 || points < 3 {
            return Err(refuse("discharge from full to empty, and three points are the fewest"));
        }
        let mut pairs: Vec<(f64, f64)> = charge_as
            .iter()
            .zip(&test.voltage_v)
            .zip(&test.current_a)
            .filter(|((charge, _), current)| **current < 0.0 || **charge == 0.0)
            .map(|((charge, v), _)| (1.0 - charge / total_as, *v))
            .collect();
        pairs.reverse();
        pairs.dedup_by(|b, a| b.0 <= a.0);
        let (x, y): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
        if x.len() < 3 {
            return Err(refuse("have more samples under current"));
        }
        let soc: Vec<f64> = (0..points).map(|k| k as f64 / (points - 1) as f64).collect();
        let voltage_v = soc.iter().map(|s| interpolate(&x, &y, *s)).collect();
        let hours = (test.t_s[test.t_s.len() - 1] - test.t_s[0]) / 3_600.0;
        let capacity_ah = total_as / 3_600.0;
        let temp_c = test.temp_c.first().copied().unwrap_or(test.ambient_c);
        Ok((Self { soc, voltage_v, current_a: -capacity_ah / hours, temp_c }, capacity_ah))
    }
}

/// Which parts the circuit has and which of them are sought.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CircuitForm {
    /// Capacity in Ah.
    pub capacity_ah: f64,
    /// States of charge at which resistances are sought.
    pub soc: Vec<f64>,
    /// Time constant in s from which each voltage pair starts: up to 3.
    pub pair_tau_s: Vec<f64>,
    /// Whether the open-circuit voltage is read at a surface that lags behind by spherical diffusion.
    pub diffusion: bool,
    /// Whether charge transfer is a Butler-Volmer `asinh` beside the resistances.
    pub kinetics: bool,
    /// States of charge at which the open-circuit curve may be corrected; empty keeps it.
    pub ocv_soc: Vec<f64>,
    /// Standard deviation of these corrections before the data are seen, in V.
    pub ocv_spread_v: f64,
    /// Whether the data have more than one temperature: activation energies are then free, else close to 30 kJ/mol.
    pub temperatures: bool,
    /// Heat capacity and cooling when they are known; otherwise they are sought in the measured temperatures.
    pub thermal: Option<Thermal>,
    /// Lowest and highest terminal voltage in V.
    pub limits_v: [f64; 2],
    /// Range over which the result may be used in °C.
    pub valid_c: [f64; 2],
}

impl CircuitForm {
    /// Two pairs, diffusion and charge transfer.
    #[must_use]
    pub fn new(capacity_ah: f64) -> Self {
        Self {
            capacity_ah,
            soc: vec![0.0, 0.05, 0.08, 0.11, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0],
            pair_tau_s: vec![20.0, 300.0],
            diffusion: true,
            kinetics: true,
            ocv_soc: [0.0, 0.025, 0.05, 0.075, 0.1, 0.125]
                .into_iter()
                .chain((3..=20).map(|k| f64::from(k) / 20.0))
                .collect(),
            ocv_spread_v: 0.005,
            temperatures: false,
            thermal: None,
            limits_v: [2.5, 4.2],
            valid_c: [-20.0, 80.0],
        }
    }

    fn check(&self) -> Result<(), EstimationError> {
        let within = |field, value: f64, low: f64, high: f64, rule| {
            if (low..=high).contains(&value) {
                Ok(())
            } else {
                Err(EstimationError::Setting { field, value, rule })
            }
        };
        within("capacity_ah", self.capacity_ah, 1e-3, 1e4, "0.001 to 10000 Ah")?;
        within("pair_tau_s", self.pair_tau_s.len() as f64, 0.0, 3.0, "a list of at most 3")?;
        self.pair_tau_s
            .iter()
            .try_for_each(|tau| within("pair_tau_s", *tau, 1e-2, 1e6, "0.01 to 1000000 s"))?;
        within("ocv_spread_v", self.ocv_spread_v, 1e-5, 0.5, "0.00001 to 0.5 V")?;
        for (field, list) in [("soc", &self.soc), ("ocv_soc", &self.ocv_soc)] {
            list.iter().try_for_each(|s| within(field, *s, 0.0, 1.0, "0 to 1"))?;
            if let Some(pair) = list.windows(2).find(|pair| pair[1] <= pair[0]) {
                return Err(EstimationError::Setting { field, value: pair[1], rule: "a rising list" });
            }
        }
        within("soc", self.soc.len() as f64, 1.0, 40.0, "a list of 1 to 40")
    }
}

/// How a number of the search becomes one of the circuit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Scale {
    /// `start exp(x)`.
    Log,
    /// `start + unit x`.
    Linear(f64),
}

/// One number that is sought: `x = 0` is where the search starts, `spread` what is thought of it before.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Unknown {
    pub(crate) name: String,
    pub(crate) start: f64,
    pub(crate) scale: Scale,
    pub(crate) spread: f64,
    pub(crate) bounds: (f64, f64),
}

impl Unknown {
    pub(crate) fn value(&self, x: f64) -> f64 {
        match self.scale {
            Scale::Log => self.start * x.exp(),
            Scale::Linear(unit) => self.start + unit * x,
        }
    }

    /// Standard deviation of the value for one of `x`.
    pub(crate) fn deviation(&self, x: f64, sd: f64) -> f64 {
        match self.scale {
            Scale::Log => self.value(x) * sd,
            Scale::Linear(unit) => unit.abs() * sd,
        }
    }
}

/// The unknowns of a form in order, and the way back to a circuit.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    form: CircuitForm,
    open: OpenCircuit,
    pub(crate) unknowns: Vec<Unknown>,
    /// Runs of unknowns over state of charge that should be smooth.
    pub(crate) runs: Vec<std::ops::Range<usize>>,
}

/// Roots of `tan l = l`: modes of diffusion in a sphere.
const MODES: [f64; 3] = [4.493_409_457_909, 7.725_251_836_938, 10.904_121_659_429];

impl Layout {
    pub(crate) fn new(form: CircuitForm, open: OpenCircuit) -> Result<Self, EstimationError> {
        form.check()?;
        let mut layout = Self { form, open, unknowns: Vec::new(), runs: Vec::new() };
        let form = layout.form.clone();
        // A loss of 2 % of 3.7 V at 1C is a usual ohmic resistance.
        let usual_ohm = 0.02 * 3.7 / form.capacity_ah;
        layout.over_soc("r0_ohm", &form.soc, usual_ohm);
        layout.activation("r0_activation", 20_000.0);
        for (pair, tau_s) in form.pair_tau_s.iter().enumerate() {
            layout.over_soc(&format!("r{}_ohm", pair + 1), &form.soc, 0.4 * usual_ohm);
            layout.one(&format!("tau{}_s", pair + 1), *tau_s, Scale::Log, 0.7, (-3.0, 3.0));
            layout.activation(&format!("r{}_activation", pair + 1), 30_000.0);
        }
        if form.diffusion {
            layout.one("diffusion_s", 3_000.0, Scale::Log, 1.5, (-4.0, 3.0));
            layout.activation("diffusion_activation", 30_000.0);
        }
        if form.kinetics {
            layout.over_soc("exchange_a", &[0.0, 0.1, 0.3, 0.6, 1.0], form.capacity_ah);
            layout.activation("exchange_activation", -45_000.0);
        }
        let first = layout.unknowns.len();
        for soc in &form.ocv_soc {
            let bounds = (-6.0 * form.ocv_spread_v / 0.01, 6.0 * form.ocv_spread_v / 0.01);
            layout.one(
                &format!("ocv_correction_v@{soc}"),
                0.0,
                Scale::Linear(0.01),
                form.ocv_spread_v / 0.01,
                bounds,
            );
        }
        layout.runs.push(first..layout.unknowns.len());
        for soc in [0.0, 0.2, 0.4, 0.6, 0.8, 1.0] {
            layout.one(&format!("entropic_v_per_k@{soc}"), 0.0, Scale::Linear(1e-4), 1.5, (-8.0, 8.0));
        }
        if form.thermal.is_some() {
            return Ok(layout);
        }
        layout.one("heat_capacity_j_per_k", 17.0 * form.capacity_ah, Scale::Log, 0.3, (-2.0, 2.0));
        layout.one(
            "conductance_w_per_k",
            0.03 * form.capacity_ah.powf(2.0 / 3.0),
            Scale::Log,
            1.0,
            (-4.0, 4.0),
        );
        Ok(layout)
    }

    fn one(&mut self, name: &str, start: f64, scale: Scale, spread: f64, bounds: (f64, f64)) {
        self.unknowns.push(Unknown { name: name.to_owned(), start, scale, spread, bounds });
    }

    fn over_soc(&mut self, name: &str, nodes: &[f64], start: f64) {
        let first = self.unknowns.len();
        for soc in nodes {
            self.one(&format!("{name}@{soc}"), start, Scale::Log, 2.0, (-6.0, 5.0));
        }
        self.runs.push(first..self.unknowns.len());
    }

    fn activation(&mut self, name: &str, start_j_per_mol: f64) {
        let spread = if self.form.temperatures { 0.6 } else { 0.2 };
        self.one(name, start_j_per_mol, Scale::Linear(30_000.0), spread, (-3.0, 3.0));
    }

    /// The circuit of a point of the search.
    pub(crate) fn circuit(&self, name: &str, x: &[f64]) -> EcmParameters {
        let form = &self.form;
        let mut values = self.unknowns.iter().zip(x).map(|(unknown, x)| unknown.value(*x));
        let mut next = || values.next().unwrap_or(0.0);
        let reference_c = self.open.temp_c;
        let mut surface = |nodes: &[f64]| -> (Vec<f64>, Vec<f64>) {
            (nodes.to_vec(), nodes.iter().map(|_| next()).collect())
        };
        let (soc, ohm) = surface(&form.soc);
        let activation = surface(&[0.0]).1[0];
        let r0_ohm = Surface::arrhenius(soc, ohm, reference_c, activation);
        let pairs: Vec<VoltagePair> = form
            .pair_tau_s
            .iter()
            .map(|_| {
                let (soc, ohm) = surface(&form.soc);
                let (tau_s, activation) = (surface(&[0.0]).1[0], surface(&[0.0]).1[0]);
                VoltagePair {
                    r_ohm: Surface::arrhenius(soc, ohm, reference_c, activation),
                    tau_s: Surface::arrhenius(vec![0.5], vec![tau_s], reference_c, 0.0),
                }
            })
            .collect();
        let mut diffusion = Vec::new();
        let mut lag_s = 0.0;
        if form.diffusion {
            let (time_s, activation) = (surface(&[0.0]).1[0], surface(&[0.0]).1[0]);
            lag_s = time_s / 15.0;
            let mut rest = 0.1;
            for (index, root) in MODES.iter().enumerate() {
                // The last mode carries what the series has beyond it: the sum of 1/l² is 1/10.
                let share = if index + 1 == MODES.len() { rest } else { root.powi(-2) };
                rest -= share;
                let at = |value: f64| Surface::arrhenius(vec![0.5], vec![value], reference_c, activation);
                diffusion.push(DiffusionPair {
                    gain_s: at(2.0 / 3.0 * time_s * share),
                    tau_s: at(time_s / (root * root)),
                });
            }
        }
        let exchange_a = form.kinetics.then(|| {
            let (soc, value) = surface(&[0.0, 0.1, 0.3, 0.6, 1.0]);
            let activation = surface(&[0.0]).1[0];
            Surface::arrhenius(soc, value, reference_c, activation)
        });
        let (ocv_soc, correction_v) = surface(&form.ocv_soc);
        let (entropic_soc, entropic) = surface(&[0.0, 0.2, 0.4, 0.6, 0.8, 1.0]);
        let thermal = form.thermal.unwrap_or_else(|| Thermal {
            heat_capacity_j_per_k: surface(&[0.0]).1[0],
            conductance_w_per_k: surface(&[0.0]).1[0],
        });

        let slow_a = self.open.current_a;
        let lag = lag_s * slow_a / (3_600.0 * form.capacity_ah);
        let slow_v: Vec<f64> = self
            .open
            .soc
            .iter()
            .zip(&self.open.voltage_v)
            .map(|(soc, v)| {
                let ohm: f64 = r0_ohm.at(*soc, reference_c)
                    + pairs.iter().map(|p| p.r_ohm.at(*soc, reference_c)).sum::<f64>();
                let transfer_v = exchange_a.as_ref().map_or(0.0, |i0| {
                    2.0 * GAS_CONSTANT * (reference_c + ZERO_CELSIUS_K) / FARADAY
                        * (slow_a / (2.0 * i0.at(*soc, reference_c))).asinh()
                });
                v - slow_a * ohm - transfer_v
            })
            .collect();
        // What was measured at a mean state of charge belongs to the surface, which lags behind it by a fixed amount.
        let surface_soc: Vec<f64> = self.open.soc.iter().map(|soc| soc + lag).collect();
        let ocv_v = self
            .open
            .soc
            .iter()
            .map(|soc| {
                let correction =
                    if ocv_soc.is_empty() { 0.0 } else { interpolate(&ocv_soc, &correction_v, *soc) };
                interpolate(&surface_soc, &slow_v, *soc) + correction
            })
            .collect();
        EcmParameters {
            name: name.to_owned(),
            capacity_ah: form.capacity_ah,
            ocv_soc: self.open.soc.clone(),
            ocv_v,
            reference_c,
            entropic_v_per_k: self
                .open
                .soc
                .iter()
                .map(|soc| interpolate(&entropic_soc, &entropic, *soc))
                .collect(),
            r0_ohm,
            pairs,
            diffusion,
            exchange_a,
            hysteresis: None,
            thermal,
            limits_v: form.limits_v,
            valid_c: form.valid_c,
        }
    }

    pub(crate) fn model(&self, x: &[f64]) -> Result<EcmModel, EstimationError> {
        Ok(EcmModel::new(self.circuit("", x))?)
    }
}

/// Linear between the points, along the last piece beyond them.
pub(crate) fn interpolate(x: &[f64], y: &[f64], at: f64) -> f64 {
    if x.len() < 2 {
        return y.first().copied().unwrap_or(0.0);
    }
    let upper = x.partition_point(|p| *p <= at).clamp(1, x.len() - 1);
    let (a, b) = (x[upper - 1], x[upper]);
    y[upper - 1] + (y[upper] - y[upper - 1]) * (at - a) / (b - a)
}
