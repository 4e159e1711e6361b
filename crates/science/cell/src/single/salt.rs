//! Salt across the cell: finite volumes with `D_e(c, T)`, second order in space and time.

use crate::{
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
    /// Its inverse, 1/m.
    per_content: Vec<f64>,
    /// Per inner face: transport efficiency over the distance of the nodes, 1/m.
    faces: Vec<f64>,
    /// Share of the cell's current that flows in the electrolyte, per inner face.
    share: Vec<f64>,
    /// Width of each volume over the whole, for means.
    weight: [f64; 3],
}

/// Working memory of a step of `L` cells side by side.
#[derive(Debug, Clone)]
pub(super) struct Work<const L: usize> {
    k1: Vec<[f64; L]>,
    k2: Vec<[f64; L]>,
    stage: Vec<[f64; L]>,
    diffusivity: Vec<[f64; L]>,
    conductance: Vec<[f64; L]>,
    upper: Vec<[f64; L]>,
    lower: Vec<[f64; L]>,
    pivot: Vec<[f64; L]>,
}

impl<const L: usize> Work<L> {
    pub(super) fn new(volumes: usize) -> Self {
        let zeros = || vec![[0.0; L]; volumes];
        Self {
            k1: zeros(),
            k2: zeros(),
            stage: zeros(),
            diffusivity: zeros(),
            conductance: zeros(),
            upper: zeros(),
            lower: zeros(),
            pivot: zeros(),
        }
    }
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
        Self {
            electrolyte: set.electrolyte.clone(),
            counts,
            thickness_m,
            efficiency,
            per_content: content.iter().map(|content| 1.0 / content).collect(),
            content,
            faces,
            share,
            weight,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.content.len()
    }

    /// Middle of each volume, from the negative current collector, m.
    pub(super) fn places_m(&self) -> Vec<f64> {
        let mut from_m = 0.0;
        let mut places = Vec::with_capacity(self.len());
        for (count, thickness_m) in self.counts.iter().zip(self.thickness_m) {
            let width_m = thickness_m / *count as f64;
            places.extend((0..*count).map(|i| from_m + (i as f64 + 0.5) * width_m));
            from_m += thickness_m;
        }
        places
    }

    pub(super) fn warm(&self, temperature_k: f64) -> Warm {
        Warm {
            diffusivity: self.electrolyte.diffusivity.at(temperature_k),
            conductivity: self.electrolyte.conductivity.at(temperature_k),
            transference: self.electrolyte.transference.at(temperature_k),
            thermodynamic: self.electrolyte.thermodynamic_factor.at(temperature_k),
        }
    }

    /// Nodes of a region: 0 and 2 are the electrodes.
    pub(super) fn nodes<'a, T>(&self, salt: &'a [T], region: usize) -> &'a [T] {
        let start: usize = self.counts[..region].iter().sum();
        &salt[start..start + self.counts[region]]
    }

    fn mean<const L: usize>(&self, salt: &[[f64; L]]) -> [f64; L] {
        let mut mean = [0.0; L];
        for region in 0..3 {
            let mut sum = [0.0; L];
            for c in self.nodes(salt, region) {
                for lane in 0..L {
                    sum[lane] += c[lane];
                }
            }
            for lane in 0..L {
                mean[lane] += self.weight[region] * sum[lane];
            }
        }
        mean
    }

    /// Salt in the cell per area, mol/m².
    pub(super) fn amount_mol_m2(&self, salt: &[f64]) -> f64 {
        salt.iter().zip(&self.content).map(|(c, content)| c * content).sum()
    }

    /// Overpotentials at the present salt of several cells.
    #[inline]
    pub(super) fn drops<const L: usize>(
        &self,
        salt: &[[f64; L]],
        warm: &Warm,
        temperature_k: f64,
    ) -> [Drops; L] {
        let mean = self.mean(salt);
        let logarithms = |region: usize| {
            let nodes = self.nodes(salt, region);
            let mut sum = [0.0; L];
            // the mean of logarithms is one logarithm of a product
            for chunk in nodes.chunks(16) {
                let mut product = [1.0; L];
                for c in chunk {
                    for lane in 0..L {
                        product[lane] *= (c[lane] / mean[lane]).max(1e-15);
                    }
                }
                for lane in 0..L {
                    sum[lane] += product[lane].ln();
                }
            }
            sum.map(|sum| sum / nodes.len() as f64)
        };
        let (left, right) = (logarithms(0), logarithms(2));
        let thermal_v = GAS_J_MOL_K * temperature_k / FARADAY_C_MOL;
        let path = self.thickness_m[0] / (3.0 * self.efficiency[0])
            + self.thickness_m[1] / self.efficiency[1]
            + self.thickness_m[2] / (3.0 * self.efficiency[2]);
        let conductivity = warm.conductivity.values(mean);
        std::array::from_fn(|lane| {
            let mean = mean[lane];
            let chi = 2.0 * (1.0 - cubic(&warm.transference, mean)) * cubic(&warm.thermodynamic, mean);
            Drops {
                concentration_v: chi * thermal_v * (right[lane] - left[lane]),
                ohm_m2: path / conductivity[lane],
            }
        })
    }

    /// One step of ROS2 (Verwer et al. 1999), which keeps its order with a Jacobian that lags: here that of `D_e` as it
    /// stands at the start. Gives the least concentration of each cell.
    #[inline]
    pub(super) fn advance<const L: usize>(
        &self,
        work: &mut Work<L>,
        from: &[[f64; L]],
        to: &mut [[f64; L]],
        (start_a_m2, end_a_m2): ([f64; L], [f64; L]),
        warm: &Warm,
        step_s: f64,
    ) -> [f64; L] {
        let last = from.len() - 1;
        let Work { k1, k2, stage, diffusivity, conductance, upper, lower, pivot } = work;
        self.change(from, start_a_m2, warm, diffusivity, conductance, k1);
        let share = GAMMA * step_s;
        for i in 0..=last {
            let scale = share / self.content[i];
            for lane in 0..L {
                let inner = if i > 0 { conductance[i - 1][lane] } else { 0.0 };
                let outer = if i < last { conductance[i][lane] } else { 0.0 };
                let diagonal = 1.0 + scale * (inner + outer);
                upper[i][lane] = -scale * outer;
                if i > 0 {
                    let factor = -scale * inner * pivot[i - 1][lane];
                    lower[i][lane] = factor;
                    pivot[i][lane] = 1.0 / (diagonal - factor * upper[i - 1][lane]);
                } else {
                    pivot[i][lane] = 1.0 / diagonal;
                }
            }
        }
        let rate: [f64; L] = std::array::from_fn(|lane| (end_a_m2[lane] - start_a_m2[lane]) / step_s);
        let ramps = rate != [0.0; L];
        if ramps {
            self.source(from, rate.map(|rate| rate * share), warm, k1);
        }
        solve(lower, pivot, upper, k1);
        for i in 0..=last {
            for lane in 0..L {
                stage[i][lane] = from[i][lane] + step_s * k1[i][lane];
            }
        }
        self.change(stage, end_a_m2, warm, diffusivity, conductance, k2);
        for i in 0..=last {
            for lane in 0..L {
                k2[i][lane] -= 2.0 * k1[i][lane];
            }
        }
        if ramps {
            self.source(from, rate.map(|rate| -rate * share), warm, k2);
        }
        solve(lower, pivot, upper, k2);
        let mut least = [f64::INFINITY; L];
        for i in 0..=last {
            for lane in 0..L {
                to[i][lane] = from[i][lane] + step_s * (1.5 * k1[i][lane] + 0.5 * k2[i][lane]);
                // the comparison lets a NaN through, which a minimum would hide
                least[lane] = if least[lane] < to[i][lane] { least[lane] } else { to[i][lane] };
            }
        }
        least
    }

    /// `dc/dt` of every volume.
    #[inline]
    fn change<const L: usize>(
        &self,
        salt: &[[f64; L]],
        discharge_a_m2: [f64; L],
        warm: &Warm,
        diffusivity: &mut [[f64; L]],
        conductance: &mut [[f64; L]],
        out: &mut [[f64; L]],
    ) {
        for (d, c) in diffusivity.iter_mut().zip(salt) {
            *d = warm.diffusivity.values(*c);
        }
        let last = salt.len() - 1;
        let mut inflow = [0.0; L];
        for i in 0..last {
            for lane in 0..L {
                let g = self.faces[i] * 0.5 * (diffusivity[i][lane] + diffusivity[i + 1][lane]);
                conductance[i][lane] = g;
                let outflow = g * (salt[i][lane] - salt[i + 1][lane]);
                out[i][lane] = (inflow[lane] - outflow) * self.per_content[i];
                inflow[lane] = outflow;
            }
        }
        for lane in 0..L {
            out[last][lane] = inflow[lane] * self.per_content[last];
        }
        self.source(salt, discharge_a_m2, warm, out);
    }

    /// Adds what reaction and migration bring: the growth of the ionic current, less the cations' share of it.
    #[inline]
    fn source<const L: usize>(
        &self,
        salt: &[[f64; L]],
        discharge_a_m2: [f64; L],
        warm: &Warm,
        out: &mut [[f64; L]],
    ) {
        let per_f = discharge_a_m2.map(|i| i / FARADAY_C_MOL);
        let [t0, t1, t2, t3] = warm.transference;
        let constant = t1 == 0.0 && t2 == 0.0 && t3 == 0.0;
        let last = salt.len() - 1;
        let mut entered = (0.0, [0.0; L]);
        for i in 0..=last {
            let share = if i < last { self.share[i] } else { 0.0 };
            for lane in 0..L {
                let transference = if constant || i == last {
                    t0
                } else {
                    let here = cubic(&warm.transference, salt[i][lane]);
                    0.5 * (here + cubic(&warm.transference, salt[i + 1][lane]))
                };
                let migrates = transference * share;
                let gain = (share - entered.0) - (migrates - entered.1[lane]);
                out[i][lane] += per_f[lane] * gain * self.per_content[i];
                entered.1[lane] = migrates;
            }
            entered.0 = share;
        }
    }
}

/// Thomas' algorithm on factors.
#[inline]
fn solve<const L: usize>(lower: &[[f64; L]], pivot: &[[f64; L]], upper: &[[f64; L]], right: &mut [[f64; L]]) {
    let last = right.len() - 1;
    for i in 1..=last {
        for lane in 0..L {
            right[i][lane] -= lower[i][lane] * right[i - 1][lane];
        }
    }
    for lane in 0..L {
        right[last][lane] *= pivot[last][lane];
    }
    for i in (0..last).rev() {
        for lane in 0..L {
            right[i][lane] = (right[i][lane] - upper[i][lane] * right[i + 1][lane]) * pivot[i][lane];
        }
    }
}
