//! Salt across the cell: finite volumes with `D_e(c, T)`, second order in space and time.

use crate::{
    CellError,
    constants::{FARADAY_C_MOL, GAS_J_MOL_K},
    set::{Electrolyte, ParameterSet, TransportAt, cubic},
};

/// `1 - 1/√2`: L-stable.
const GAMMA: f64 = 1.0 - std::f64::consts::FRAC_1_SQRT_2;

/// The electrolyte of one cell between its current collectors.
#[derive(Debug, Clone)]
pub(super) struct Salt {
    electrolyte: Electrolyte,
    /// Volumes in the negative electrode, the separator, the positive electrode.
    pub(super) counts: [usize; 3],
    thickness_m: [f64; 3],
    /// Transport efficiencies.
    efficiency: [f64; 3],
    /// Porosity times width of each volume, m.
    content: Vec<f64>,
    /// Per inner face: transport efficiency over the distance of the nodes, 1/m.
    faces: Vec<f64>,
    /// Share of the cell's current that flows in the electrolyte, per inner face.
    share: Vec<f64>,
    /// Width of each volume over the whole, for means.
    weight: [f64; 3],
    scratch: Scratch,
}

#[derive(Debug, Clone, Default)]
struct Scratch {
    k1: Vec<f64>,
    k2: Vec<f64>,
    stage: Vec<f64>,
    diffusivity: Vec<f64>,
    conductance: Vec<f64>,
    upper: Vec<f64>,
    lower: Vec<f64>,
    pivot: Vec<f64>,
}

/// The electrolyte's laws at one temperature.
#[derive(Debug, Clone, Copy)]
pub(super) struct Warm {
    diffusivity: TransportAt,
    conductivity: TransportAt,
    transference: [f64; 4],
    thermodynamic: [f64; 4],
}

/// Overpotentials of the electrolyte at a mean concentration.
#[derive(Debug, Clone, Copy)]
pub(super) struct Drops {
    /// V, added to the cell's voltage.
    pub(super) concentration_v: f64,
    /// Ω m², times the discharge current density taken from it.
    pub(super) ohm_m2: f64,
}

impl Salt {
    pub(super) fn new(set: &ParameterSet, counts: [usize; 3]) -> Self {
        let (negative, separator, positive) = (&set.negative, &set.separator, &set.positive);
        let thickness_m = [negative.thickness_m, separator.thickness_m, positive.thickness_m];
        let porosity = [negative.porosity, separator.porosity, positive.porosity];
        let efficiency = [
            negative.transport_efficiency(),
            separator.transport_efficiency(),
            positive.transport_efficiency(),
        ];
        let total: f64 = thickness_m.iter().sum();
        let mut volumes = Vec::new();
        let mut place = 0.0;
        for region in 0..3 {
            let width = thickness_m[region] / counts[region] as f64;
            for _ in 0..counts[region] {
                place += width;
                volumes.push((width, region, place));
            }
        }
        let (left, right) = (thickness_m[0], thickness_m[0] + thickness_m[1]);
        let flowing = |x: f64, region: usize| match region {
            0 => x / left,
            1 => 1.0,
            _ => (total - x) / (total - right),
        };
        let content = volumes.iter().map(|(width, region, _)| porosity[*region] * width).collect::<Vec<_>>();
        let faces = volumes
            .windows(2)
            .map(|pair| {
                let resistance = |(width, region, _): &(f64, usize, f64)| 0.5 * width / efficiency[*region];
                1.0 / (resistance(&pair[0]) + resistance(&pair[1]))
            })
            .collect::<Vec<_>>();
        let share =
            volumes[..volumes.len() - 1].iter().map(|(_, region, end)| flowing(*end, *region)).collect();
        let weight = [0, 1, 2].map(|region| thickness_m[region] / counts[region] as f64 / total);
        let zeros = vec![0.0; content.len()];
        let scratch = Scratch {
            k1: zeros.clone(),
            k2: zeros.clone(),
            stage: zeros.clone(),
            diffusivity: zeros.clone(),
            conductance: zeros.clone(),
            upper: zeros.clone(),
            lower: zeros.clone(),
            pivot: zeros,
        };
        Self {
            electrolyte: set.electrolyte.clone(),
            counts,
            thickness_m,
            efficiency,
            content,
            faces,
            share,
            weight,
            scratch,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.content.len()
    }

    pub(super) fn warm(&self, temperature_k: f64) -> Warm {
        Warm {
            diffusivity: self.electrolyte.diffusivity.at(temperature_k),
            conductivity: self.electrolyte.conductivity.at(temperature_k),
            transference: self.electrolyte.transference.at(temperature_k),
            thermodynamic: self.electrolyte.thermodynamic_factor.at(temperature_k),
        }
    }

    /// Nodes of an electrode, 0 or 2.
    pub(super) fn nodes<'a>(&self, salt: &'a [f64], region: usize) -> &'a [f64] {
        let start: usize = self.counts[..region].iter().sum();
        &salt[start..start + self.counts[region]]
    }

    fn mean(&self, salt: &[f64]) -> f64 {
        (0..3).map(|region| self.weight[region] * self.nodes(salt, region).iter().sum::<f64>()).sum()
    }

    /// Salt in the cell per area, mol/m².
    pub(super) fn amount_mol_m2(&self, salt: &[f64]) -> f64 {
        salt.iter().zip(&self.content).map(|(c, content)| c * content).sum()
    }

    /// Overpotentials at the present salt.
    pub(super) fn drops(&self, salt: &[f64], warm: &Warm, temperature_k: f64) -> Drops {
        let mean = self.mean(salt);
        let logarithm = |region: usize| {
            let nodes = self.nodes(salt, region);
            let mut sum = 0.0;
            for chunk in nodes.chunks(16) {
                sum += chunk.iter().fold(1.0, |product, c| product * (c / mean).max(1e-15)).ln();
            }
            sum / nodes.len() as f64
        };
        let chi = 2.0 * (1.0 - cubic(&warm.transference, mean)) * cubic(&warm.thermodynamic, mean);
        let thermal_v = GAS_J_MOL_K * temperature_k / FARADAY_C_MOL;
        let path = self.thickness_m[0] / (3.0 * self.efficiency[0])
            + self.thickness_m[1] / self.efficiency[1]
            + self.thickness_m[2] / (3.0 * self.efficiency[2]);
        Drops {
            concentration_v: chi * thermal_v * (logarithm(2) - logarithm(0)),
            ohm_m2: path / warm.conductivity.value(mean),
        }
    }

    /// One step of ROS2 (Verwer et al. 1999), which keeps its order with a Jacobian that lags: here that of `D_e` as it
    /// stands at the start.
    pub(super) fn advance(
        &mut self,
        from: &[f64],
        to: &mut [f64],
        (start_a_m2, end_a_m2): (f64, f64),
        warm: &Warm,
        step_s: f64,
    ) -> Result<(), CellError> {
        let mut work = std::mem::take(&mut self.scratch);
        let last = from.len() - 1;
        self.change(from, start_a_m2, warm, &mut work.diffusivity, &mut work.conductance, &mut work.k1);
        let share = GAMMA * step_s;
        for i in 0..=last {
            let inner = if i > 0 { work.conductance[i - 1] } else { 0.0 };
            let outer = if i < last { work.conductance[i] } else { 0.0 };
            let scale = share / self.content[i];
            let diagonal = 1.0 + scale * (inner + outer);
            work.upper[i] = -scale * outer;
            if i > 0 {
                let factor = -scale * inner * work.pivot[i - 1];
                work.lower[i] = factor;
                work.pivot[i] = 1.0 / (diagonal - factor * work.upper[i - 1]);
            } else {
                work.pivot[i] = 1.0 / diagonal;
            }
        }
        let rate = (end_a_m2 - start_a_m2) / step_s;
        if rate != 0.0 {
            self.source(from, rate * share, warm, &mut work.k1);
        }
        solve(&work.lower, &work.pivot, &work.upper, &mut work.k1);
        for i in 0..=last {
            work.stage[i] = from[i] + step_s * work.k1[i];
        }
        self.change(&work.stage, end_a_m2, warm, &mut work.diffusivity, &mut work.conductance, &mut work.k2);
        for i in 0..=last {
            work.k2[i] -= 2.0 * work.k1[i];
        }
        if rate != 0.0 {
            self.source(from, -rate * share, warm, &mut work.k2);
        }
        solve(&work.lower, &work.pivot, &work.upper, &mut work.k2);
        let mut least = f64::INFINITY;
        for i in 0..=last {
            to[i] = from[i] + step_s * (1.5 * work.k1[i] + 0.5 * work.k2[i]);
            least = least.min(to[i]);
        }
        self.scratch = work;
        if least > 0.0 {
            return Ok(());
        }
        let (field, rule) =
            ("the salt concentration in mol/m³", "above 0: the current is too large for the cell");
        Err(CellError::OutOfRange { time_s: 0.0, field, value: least, rule })
    }

    /// `dc/dt` of every volume.
    fn change(
        &self,
        salt: &[f64],
        discharge_a_m2: f64,
        warm: &Warm,
        diffusivity: &mut [f64],
        conductance: &mut [f64],
        out: &mut [f64],
    ) {
        for (d, c) in diffusivity.iter_mut().zip(salt) {
            *d = warm.diffusivity.value(*c);
        }
        let last = salt.len() - 1;
        let mut inflow = 0.0;
        for i in 0..last {
            let g = self.faces[i] * 0.5 * (diffusivity[i] + diffusivity[i + 1]);
            conductance[i] = g;
            let outflow = g * (salt[i] - salt[i + 1]);
            out[i] = (inflow - outflow) / self.content[i];
            inflow = outflow;
        }
        out[last] = inflow / self.content[last];
        self.source(salt, discharge_a_m2, warm, out);
    }

    /// Adds what reaction and migration bring.
    fn source(&self, salt: &[f64], discharge_a_m2: f64, warm: &Warm, out: &mut [f64]) {
        let per_f = discharge_a_m2 / FARADAY_C_MOL;
        let [t0, t1, t2, t3] = warm.transference;
        let constant = t1 == 0.0 && t2 == 0.0 && t3 == 0.0;
        let last = salt.len() - 1;
        let mut entered = (0.0, 0.0);
        for i in 0..=last {
            let left = if i < last {
                let transference = if constant {
                    t0
                } else {
                    0.5 * (cubic(&warm.transference, salt[i]) + cubic(&warm.transference, salt[i + 1]))
                };
                (self.share[i], transference * self.share[i])
            } else {
                (0.0, 0.0)
            };
            // what the reaction gives is the growth of the ionic current; migration carries a share of it away
            let gain = (left.0 - entered.0) - (left.1 - entered.1);
            out[i] += per_f * gain / self.content[i];
            entered = left;
        }
    }
}

/// Thomas' algorithm on factors.
fn solve(lower: &[f64], pivot: &[f64], upper: &[f64], right: &mut [f64]) {
    let last = right.len() - 1;
    for i in 1..=last {
        right[i] -= lower[i] * right[i - 1];
    }
    right[last] *= pivot[last];
    for i in (0..last).rev() {
        right[i] = (right[i] - upper[i] * right[i + 1]) * pivot[i];
    }
}
