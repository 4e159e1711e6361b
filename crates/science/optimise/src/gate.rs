//! One meter in the interior point: what comes in and goes out, relief, and charges on the highest power.
//!
//! The highest power of a [`Demand`](crate::Demand) meets all slots at once and would fill the matrix; it stays outside
//! of it as a border of one row each.

use crate::barrier::{Bars, Reach};
use crate::block::{Residuals, Scale};
use crate::program::Meter;

/// Highest power over some slots: `s = peak − in ≥ 0` in each of them, with multiplier `l`.
#[derive(Debug, Clone)]
pub(crate) struct Peak {
    price: f64,
    paid: f64,
    slots: Vec<usize>,
    /// How far the peak is above what is paid for.
    bars: Bars,
    s: Vec<f64>,
    l: Vec<f64>,
    ds: Vec<f64>,
    /// Target of `s·l`, then step of `l`.
    dl: Vec<f64>,
}

impl Peak {
    fn value(&self) -> f64 {
        self.paid + self.bars.x[0]
    }

    fn weight(&self, place: usize) -> f64 {
        self.l[place] / self.s[place]
    }

    fn target(&self, place: usize, corrected: bool) -> f64 {
        if corrected { self.dl[place] / self.s[place] } else { 0.0 }
    }
}

/// State of one meter. Variables are in, out, spill and shed, one after the other, each over all slots.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    slots: usize,
    pub(crate) parent: Option<usize>,
    base: Vec<f64>,
    costs: [Vec<f64>; 4],
    in_curvature: f64,
    /// Inverses of the Hessian of what comes in before peaks were taken into them.
    in_theta: Vec<f64>,
    pub(crate) bars: Bars,
    pub(crate) peaks: Vec<Peak>,
    /// Multipliers of the balance.
    pub(crate) y: Vec<f64>,
    pub(crate) dy: Vec<f64>,
}

/// How in, out, spill and shed enter the balance of their meter.
const SIGNS: [f64; 4] = [-1.0, 1.0, 1.0, -1.0];
const IN: usize = 0;
const OUT: usize = 1;

impl Gate {
    pub(crate) fn new(meter: &Meter, slots: usize, scale: &Scale) -> Self {
        let series = |profile: &crate::Profile, factor: f64| -> Vec<f64> {
            (0..slots).map(|slot| profile.at(slot) * factor).collect()
        };
        let power = 1.0 / scale.power;
        let cost = 1.0 / scale.cost;
        let none = || vec![0.0; slots];
        let (spill, spill_cost) = meter
            .spill
            .as_ref()
            .map_or_else(|| (none(), none()), |(most, each)| (series(most, power), series(each, cost)));
        let (shed, shed_cost) = meter
            .shed
            .as_ref()
            .map_or_else(|| (none(), none()), |(most, each)| (series(most, power), series(each, cost)));
        let widths = series(&meter.in_max, power).into_iter().chain(series(&meter.out_max, power));
        let bars = Bars::new(widths.chain(spill).chain(shed), f64::INFINITY, 1.0);
        let peaks = meter.demands.iter().map(|demand| {
            let counted: Vec<usize> =
                if demand.slots.is_empty() { (0..slots).collect() } else { demand.slots.clone() };
            let n = counted.len();
            let highest = counted.iter().map(|slot| bars.x[*slot]).fold(0.0, f64::max);
            let paid = demand.paid * power;
            let mut own = Bars::new(std::iter::once(f64::INFINITY), f64::INFINITY, 1.0);
            own.x[0] = (highest - paid).max(0.0) + 1.0;
            own.s[0] = f64::INFINITY;
            let value = paid + own.x[0];
            Peak {
                price: demand.price * cost,
                paid,
                s: counted.iter().map(|slot| value - bars.x[*slot]).collect(),
                l: vec![(demand.price * cost / (n.max(1)) as f64).max(1e-3); n],
                ds: vec![0.0; n],
                dl: vec![0.0; n],
                slots: counted,
                bars: own,
            }
        });
        Self {
            slots,
            parent: meter.parent,
            base: series(&meter.base, power),
            costs: [series(&meter.in_cost, cost), series(&meter.out_cost, cost), spill_cost, shed_cost],
            in_curvature: meter.in_curvature * cost * scale.power,
            in_theta: none(),
            peaks: peaks.collect(),
            bars,
            y: none(),
            dy: none(),
        }
    }

    pub(crate) fn pairs(&self) -> usize {
        self.bars.pairs + self.peaks.iter().map(|peak| peak.slots.len() + 1).sum::<usize>()
    }

    pub(crate) fn complementarity(&self, of: impl Fn(&Bars) -> f64) -> f64 {
        let peak = |peak: &Peak| {
            of(&peak.bars)
                + peak.s.iter().zip(&peak.l).map(|(slack, multiplier)| slack * multiplier).sum::<f64>()
        };
        of(&self.bars) + self.peaks.iter().map(peak).sum::<f64>()
    }

    /// Power that comes in less what goes out.
    pub(crate) fn flow(&self, slot: usize) -> f64 {
        self.bars.x[slot] - self.bars.x[self.slots + slot]
    }

    pub(crate) fn peak(&self, place: usize) -> f64 {
        self.peaks[place].value()
    }

    /// What the balance lacks, without storages and meters below.
    pub(crate) fn balance(&self, slot: usize) -> f64 {
        let own: f64 =
            SIGNS.iter().enumerate().map(|(kind, sign)| sign * self.bars.x[kind * self.slots + slot]).sum();
        -self.base[slot] - own
    }

    fn curvature(&self, kind: usize) -> f64 {
        if kind == IN { self.in_curvature } else { 0.0 }
    }

    /// Sets inverses of the Hessian, and says how far the meter's own variables are from their optimum.
    pub(crate) fn prepare(&mut self, parent: Option<&[f64]>) -> Residuals {
        let n = self.slots;
        self.bars.set_theta(0..n, self.in_curvature);
        self.bars.set_theta(n..4 * n, 0.0);
        self.in_theta.copy_from_slice(&self.bars.theta[..n]);
        for peak in &self.peaks {
            for (place, slot) in peak.slots.iter().enumerate() {
                let theta = self.bars.theta[*slot];
                self.bars.theta[*slot] = theta / (1.0 + theta * peak.weight(place));
            }
        }
        let mut residuals = Residuals::default();
        self.right_hand_side(parent, false);
        for kind in 0..4 {
            for slot in 0..n {
                let at = kind * n + slot;
                if self.bars.s[at] == 0.0 {
                    continue;
                }
                let pressed: f64 = if kind == IN { self.pressed(slot) } else { 0.0 };
                let residual = self.bars.dx[at] + self.bars.z[at] - self.bars.w[at] - pressed;
                residuals.dual = residuals.dual.max(residual.abs());
                let value = self.bars.x[at];
                residuals.cost += (self.costs[kind][slot] + 0.5 * self.curvature(kind) * value) * value;
            }
        }
        for peak in &self.peaks {
            let residual = -peak.price + peak.l.iter().sum::<f64>() + peak.bars.z[0];
            residuals.dual = residuals.dual.max(residual.abs());
            residuals.cost += peak.price * peak.value();
        }
        residuals
    }

    fn pressed(&self, slot: usize) -> f64 {
        let of = |peak: &Peak| peak.slots.binary_search(&slot).map_or(0.0, |place| peak.l[place]);
        self.peaks.iter().map(of).sum()
    }

    fn right_hand_side(&mut self, parent: Option<&[f64]>, corrected: bool) {
        let n = self.slots;
        for (kind, sign) in SIGNS.iter().enumerate() {
            for slot in 0..n {
                let at = kind * n + slot;
                let above = if kind > OUT { 0.0 } else { parent.map_or(0.0, |y| y[slot]) };
                let mut value = sign * (self.y[slot] - above)
                    - self.costs[kind][slot]
                    - self.curvature(kind) * self.bars.x[at];
                if corrected {
                    value += self.bars.pull(at);
                }
                self.bars.dx[at] = value;
            }
        }
        for peak in &self.peaks {
            for (place, slot) in peak.slots.iter().enumerate() {
                self.bars.dx[*slot] -= peak.target(place, corrected);
            }
        }
    }

    /// Its part of the diagonal of the matrix, and of the coupling with the meter above.
    pub(crate) fn stiffness(&self, slot: usize) -> (f64, f64) {
        let n = self.slots;
        let theta = |kind: usize| self.bars.theta[kind * n + slot];
        let through = theta(IN) + theta(OUT);
        (through + theta(2) + theta(3), through)
    }

    /// `−A·θ·r` in its own row and in that of the meter above.
    pub(crate) fn pull(&self, slot: usize) -> (f64, f64) {
        let n = self.slots;
        let part = |kind: usize| {
            let at = kind * n + slot;
            SIGNS[kind] * self.bars.theta[at] * self.bars.dx[at]
        };
        let through = part(IN) + part(OUT);
        (-(through + part(2) + part(3)), through)
    }

    /// Column of a peak in the border: entries of its own rows; those of the meter above are the opposite.
    pub(crate) fn border(&self, peak: usize) -> impl Iterator<Item = (usize, f64)> {
        let peak = &self.peaks[peak];
        peak.slots
            .iter()
            .enumerate()
            .map(|(place, slot)| (*slot, -self.bars.theta[*slot] * peak.weight(place)))
    }

    /// Entry of the corner between two peaks of this meter.
    pub(crate) fn corner(&self, one: usize, other: usize) -> f64 {
        let (a, b) = (&self.peaks[one], &self.peaks[other]);
        if one == other {
            let own = a.bars.curvature(0);
            let held = a.slots.iter().enumerate().map(|(place, slot)| {
                let weight = a.weight(place);
                let plain = self.in_theta[*slot];
                if plain == 0.0 {
                    return weight;
                }
                // w − w²θ, written so that nothing cancels
                let others: f64 = self
                    .peaks
                    .iter()
                    .enumerate()
                    .filter(|(index, _)| *index != one)
                    .filter_map(|(_, peak)| Some(peak.weight(peak.slots.binary_search(slot).ok()?)))
                    .sum();
                weight * self.bars.theta[*slot] * (1.0 / plain + others)
            });
            return own + held.sum::<f64>();
        }
        let shared = a.slots.iter().enumerate().filter_map(|(place, slot)| {
            let there = b.slots.binary_search(slot).ok()?;
            Some(a.weight(place) * b.weight(there) * self.bars.theta[*slot])
        });
        -shared.sum::<f64>()
    }

    /// Right-hand side of a peak.
    pub(crate) fn peak_pull(&self, place: usize, corrected: bool) -> f64 {
        let peak = &self.peaks[place];
        let own = -peak.price + if corrected { peak.bars.pull(0) } else { 0.0 };
        let held = peak.slots.iter().enumerate().map(|(place, slot)| {
            peak.target(place, corrected) + peak.weight(place) * self.bars.theta[*slot] * self.bars.dx[*slot]
        });
        own + held.sum::<f64>()
    }

    /// Turns right-hand sides into steps, once those of multipliers and peaks are known.
    pub(crate) fn finish(
        &mut self,
        parent_step: Option<&[f64]>,
        peak_steps: &[f64],
        corrected: bool,
    ) -> Reach {
        let n = self.slots;
        for (peak, step) in self.peaks.iter().zip(peak_steps) {
            for (place, slot) in peak.slots.iter().enumerate() {
                self.bars.dx[*slot] += peak.weight(place) * step;
            }
        }
        for (kind, sign) in SIGNS.iter().enumerate() {
            for slot in 0..n {
                let at = kind * n + slot;
                let above = if kind > OUT { 0.0 } else { parent_step.map_or(0.0, |y| y[slot]) };
                self.bars.dx[at] = self.bars.theta[at] * (self.bars.dx[at] + sign * (self.dy[slot] - above));
            }
        }
        let mut reach = Reach::NONE;
        for (peak, step) in self.peaks.iter_mut().zip(peak_steps) {
            peak.bars.dx[0] = *step;
            reach.join(&peak.bars.finish_step(corrected));
            for place in 0..peak.slots.len() {
                let (s, l) = (peak.s[place], peak.l[place]);
                let target = if corrected { peak.dl[place] } else { 0.0 };
                let ds = step - self.bars.dx[peak.slots[place]];
                let dl = (target - l * ds) / s - l;
                peak.ds[place] = ds;
                peak.dl[place] = dl;
                reach.pair(s, l, ds, dl);
            }
        }
        reach.join(&self.bars.finish_step(corrected));
        reach
    }

    /// Prepares the corrector after a predictor.
    pub(crate) fn correct(&mut self, parent: Option<&[f64]>, centre: f64) {
        self.bars.set_targets(centre);
        for peak in &mut self.peaks {
            peak.bars.set_targets(centre);
            for place in 0..peak.slots.len() {
                peak.dl[place] = centre - peak.ds[place] * peak.dl[place];
            }
        }
        self.right_hand_side(parent, true);
    }

    pub(crate) fn step(&mut self, primal: f64, dual: f64) {
        self.bars.step(primal, dual);
        for (y, step) in self.y.iter_mut().zip(&self.dy) {
            *y += dual * step;
        }
        for peak in &mut self.peaks {
            peak.bars.step(primal, dual);
            for place in 0..peak.slots.len() {
                peak.s[place] = (peak.s[place] + primal * peak.ds[place]).max(crate::barrier::TINY);
                peak.l[place] = (peak.l[place] + dual * peak.dl[place]).max(crate::barrier::TINY);
            }
        }
    }
}
