//! One storage in the interior point: its own rows are tridiagonal, so its part costs `O(slots)` to solve and
//! `O(slots²)` to add to the matrix of the meters.

use crate::barrier::{Bars, PROXIMAL, Reach, TINY};
use crate::program::Storage;
use crate::skyline::Skyline;

/// A floor with what lacks (`u`) and what is above (`v`): `energy + u − v = wanted`.
#[derive(Debug, Clone)]
struct Shortfall {
    slot: usize,
    wanted: f64,
    cost: f64,
    curvature: f64,
    bars: Bars,
    dual: f64,
    dual_step: f64,
}

const LACK: usize = 0;
const ABOVE: usize = 1;

impl Shortfall {
    /// How stiffly it holds the energy, and the right-hand side that belongs to it.
    fn pull(&self, energy: f64, corrected: bool) -> (f64, f64) {
        let bars = &self.bars;
        let target = |at: usize| if corrected { bars.pull(at) } else { 0.0 };
        let stiffness = 1.0 / (bars.theta[LACK] + bars.theta[ABOVE]);
        let lack = self.dual - self.cost - self.curvature * bars.x[LACK] + target(LACK);
        let above = -self.dual + target(ABOVE);
        let residual = self.wanted - energy - bars.x[LACK] + bars.x[ABOVE];
        (stiffness, residual - bars.theta[LACK] * lack + bars.theta[ABOVE] * above)
    }

    fn step_from(&mut self, energy: f64, energy_step: f64, corrected: bool) {
        let (stiffness, gap) = self.pull(energy, corrected);
        self.dual_step = stiffness * (gap - energy_step);
        let target = |at: usize| if corrected { self.bars.pull(at) } else { 0.0 };
        let lack = self.dual - self.cost - self.curvature * self.bars.x[LACK] + target(LACK) + self.dual_step;
        let above = -self.dual + target(ABOVE) - self.dual_step;
        self.bars.dx[LACK] = self.bars.theta[LACK] * lack;
        self.bars.dx[ABOVE] = self.bars.theta[ABOVE] * above;
    }
}

/// How far a block is from holding its own rows.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Residuals {
    pub(crate) primal: f64,
    pub(crate) dual: f64,
    pub(crate) cost: f64,
}

impl Residuals {
    pub(crate) fn join(&mut self, other: &Self) {
        self.primal = self.primal.max(other.primal);
        self.dual = self.dual.max(other.dual);
        self.cost += other.cost;
    }
}

/// Scratch that blocks of one chunk share.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    inverse: Vec<f64>,
    chain: Vec<f64>,
}

/// State of one storage. Variables are charge, discharge and energy, one after the other, each over the window.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    pub(crate) start: usize,
    pub(crate) slots: usize,
    gain: f64,
    loss: f64,
    begin: f64,
    power_curvature: f64,
    energy_curvature: f64,
    /// Costs of charge, discharge and energy; empty where all are zero.
    costs: [Vec<f64>; 3],
    /// Lower bounds of charge, empty where zero, and of energy.
    charge_min: Vec<f64>,
    energy_min: Vec<f64>,
    pub(crate) bars: Bars,
    shortfalls: Vec<Shortfall>,
    /// Multipliers of the rows of energy.
    pub(crate) y: Vec<f64>,
    /// Right-hand side of the rows, then the step of their multipliers.
    rho: Vec<f64>,
    /// Factor of the tridiagonal matrix.
    lower: Vec<f64>,
    pivot_inverse: Vec<f64>,
}

/// Units in which numbers are near one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale {
    pub(crate) power: f64,
    pub(crate) energy: f64,
    /// Of money a unit of power.
    pub(crate) cost: f64,
}

impl Scale {
    /// Cost of a unit of power or energy in scaled units.
    fn power_cost(&self, cost: f64) -> f64 {
        cost / self.cost
    }

    fn energy_cost(&self, cost: f64) -> f64 {
        cost * self.energy / (self.cost * self.power)
    }
}

impl Block {
    pub(crate) fn new(storage: &Storage, scale: &Scale) -> Self {
        let n = storage.slots;
        let series = |profile: &crate::Profile, factor: &dyn Fn(f64) -> f64| -> Vec<f64> {
            let values: Vec<f64> = (0..n).map(|slot| factor(profile.at(slot))).collect();
            if values.iter().all(|value| *value == 0.0) { Vec::new() } else { values }
        };
        let by_power = |cost: f64| scale.power_cost(cost);
        let by_energy = |cost: f64| scale.energy_cost(cost);
        let widths = (0..n)
            .map(|slot| (storage.charge_max.at(slot) - storage.charge_min.at(slot)) / scale.power)
            .chain((0..n).map(|slot| storage.discharge_max.at(slot) / scale.power))
            .chain(
                (0..n).map(|slot| (storage.energy_max.at(slot) - storage.energy_min.at(slot)) / scale.energy),
            );
        let shortfalls = storage.floors.iter().filter(|_| n > 0).map(|floor| Shortfall {
            slot: floor.slot,
            wanted: floor.energy / scale.energy,
            cost: scale.energy_cost(floor.cost),
            curvature: scale.energy_cost(floor.curvature) * scale.energy,
            bars: Bars::new([f64::INFINITY; 2].into_iter(), 1.0, 1.0),
            dual: 0.0,
            dual_step: 0.0,
        });
        Self {
            start: storage.start,
            slots: n,
            gain: storage.charge_gain * scale.power / scale.energy,
            loss: storage.discharge_loss * scale.power / scale.energy,
            begin: storage.energy_start / scale.energy,
            power_curvature: scale.power_cost(storage.power_curvature) * scale.power,
            energy_curvature: scale.energy_cost(storage.energy_curvature) * scale.energy,
            costs: [
                series(&storage.charge_cost, &by_power),
                series(&storage.discharge_cost, &by_power),
                series(&storage.energy_cost, &by_energy),
            ],
            charge_min: series(&storage.charge_min, &|power| power / scale.power),
            energy_min: (0..n).map(|slot| storage.energy_min.at(slot) / scale.energy).collect(),
            bars: Bars::new(widths, f64::INFINITY, 1.0),
            shortfalls: shortfalls.collect(),
            y: vec![0.0; n],
            rho: vec![0.0; n],
            lower: vec![0.0; n],
            pivot_inverse: vec![0.0; n],
        }
    }

    pub(crate) fn pairs(&self) -> usize {
        self.bars.pairs + self.shortfalls.iter().map(|floor| floor.bars.pairs).sum::<usize>()
    }

    pub(crate) fn complementarity(&self, of: impl Fn(&Bars) -> f64) -> f64 {
        of(&self.bars) + self.shortfalls.iter().map(|floor| of(&floor.bars)).sum::<f64>()
    }

    pub(crate) fn charge(&self, slot: usize) -> f64 {
        self.charge_min.get(slot).copied().unwrap_or(0.0) + self.bars.x[slot]
    }

    pub(crate) fn discharge(&self, slot: usize) -> f64 {
        self.bars.x[self.slots + slot]
    }

    pub(crate) fn energy(&self, slot: usize) -> f64 {
        self.energy_min[slot] + self.bars.x[2 * self.slots + slot]
    }

    /// What lacks at each floor.
    pub(crate) fn lacks(&self) -> impl Iterator<Item = f64> {
        self.shortfalls.iter().map(|floor| floor.bars.x[LACK])
    }

    fn cost(&self, kind: usize, slot: usize) -> f64 {
        self.costs[kind].get(slot).copied().unwrap_or(0.0)
    }

    /// What the own rows lack, row by row.
    fn row_residual(&self, slot: usize) -> f64 {
        let before = if slot == 0 { self.begin } else { self.energy(slot - 1) };
        self.energy(slot) - before - self.gain * self.charge(slot) + self.loss * self.discharge(slot)
    }

    /// Factors the own rows, adds to the matrix of the meters, and says how far the block is from its optimum.
    ///
    /// `price` are the multipliers of the meters as this storage sees them, over all slots.
    pub(crate) fn prepare(
        &mut self,
        price: &[f64],
        matrix: &mut Skyline,
        scratch: &mut Scratch,
    ) -> Residuals {
        let n = self.slots;
        self.bars.set_theta(0..2 * n, self.power_curvature);
        self.bars.set_theta(2 * n..3 * n, self.energy_curvature);
        let mut residuals = Residuals::default();
        for place in 0..self.shortfalls.len() {
            let energy = self.energy(self.shortfalls[place].slot);
            let floor = &mut self.shortfalls[place];
            floor.bars.set_theta(LACK..LACK + 1, floor.curvature);
            floor.bars.set_theta(ABOVE..ABOVE + 1, 0.0);
            let lack = floor.dual - floor.cost - floor.curvature * floor.bars.x[LACK] + floor.bars.z[LACK];
            let above = -floor.dual + floor.bars.z[ABOVE];
            let row = floor.wanted - energy - floor.bars.x[LACK] + floor.bars.x[ABOVE];
            residuals.primal = residuals.primal.max(row.abs());
            residuals.dual = residuals.dual.max(lack.abs()).max(above.abs());
            residuals.cost += (floor.cost + 0.5 * floor.curvature * floor.bars.x[LACK]) * floor.bars.x[LACK];
            let (stiffness, _) = floor.pull(energy, false);
            let at = 2 * n + floor.slot;
            let theta = self.bars.theta[at];
            if theta > 0.0 {
                self.bars.theta[at] = theta / (1.0 + theta * stiffness);
            }
        }
        self.factor();
        self.right_hand_side(price, false, Some(&mut residuals));
        self.add_to(matrix, scratch);
        residuals
    }

    fn factor(&mut self) {
        let n = self.slots;
        let (charge, rest) = self.bars.theta.split_at(n);
        let (discharge, energy) = rest.split_at(n);
        let (gain2, loss2) = (self.gain * self.gain, self.loss * self.loss);
        let mut carried = 0.0;
        for slot in 0..n {
            let before = if slot == 0 { 0.0 } else { energy[slot - 1] };
            let diagonal = gain2 * charge[slot] + loss2 * discharge[slot] + energy[slot] + before;
            let inverse = 1.0 / (diagonal + PROXIMAL - carried).max(PROXIMAL);
            self.pivot_inverse[slot] = inverse;
            let lower = -energy[slot] * inverse;
            self.lower[slot] = lower;
            carried = -energy[slot] * lower;
        }
    }

    /// Sets right-hand sides: `bars.dx` of the variables, `rho` of the rows.
    fn right_hand_side(&mut self, price: &[f64], corrected: bool, mut residuals: Option<&mut Residuals>) {
        let n = self.slots;
        let price = &price[self.start..self.start + n];
        for (slot, price) in price.iter().enumerate() {
            let y = self.y[slot];
            let next = if slot + 1 < n { self.y[slot + 1] } else { 0.0 };
            let (c, d, e) = (slot, n + slot, 2 * n + slot);
            let values = [self.charge(slot), self.bars.x[d], self.energy(slot)];
            let gradients = [
                self.gain * y + price - self.cost(0, slot) - self.power_curvature * values[0],
                -self.loss * y - price - self.cost(1, slot) - self.power_curvature * values[1],
                -y + next - self.cost(2, slot) - self.energy_curvature * values[2],
            ];
            for (kind, at) in [c, d, e].into_iter().enumerate() {
                self.bars.dx[at] = gradients[kind];
                if corrected {
                    self.bars.dx[at] += self.bars.pull(at);
                }
            }
            if let Some(residuals) = residuals.as_deref_mut() {
                for (kind, value) in values.into_iter().enumerate() {
                    let curvature = if kind == 2 { self.energy_curvature } else { self.power_curvature };
                    residuals.cost += (self.cost(kind, slot) + 0.5 * curvature * value) * value;
                }
                residuals.primal = residuals.primal.max(self.row_residual(slot).abs());
            }
        }
        for floor in &self.shortfalls {
            self.bars.dx[2 * n + floor.slot] += floor.dual;
        }
        if let Some(residuals) = residuals {
            for at in (0..3 * n).filter(|at| self.bars.s[*at] != 0.0) {
                let residual = self.bars.dx[at] + self.bars.z[at] - self.bars.w[at];
                residuals.dual = residuals.dual.max(residual.abs());
            }
        }
        for floor in &self.shortfalls {
            let (stiffness, gap) = floor.pull(self.energy(floor.slot), corrected);
            self.bars.dx[2 * n + floor.slot] += stiffness * gap;
        }
        for slot in 0..n {
            let (theta, dx) = (&self.bars.theta, &self.bars.dx);
            let before = if slot == 0 { 0.0 } else { theta[2 * n + slot - 1] * dx[2 * n + slot - 1] };
            self.rho[slot] = self.row_residual(slot)
                - (self.gain * theta[slot] * dx[slot]
                    - self.loss * theta[n + slot] * dx[n + slot]
                    - theta[2 * n + slot] * dx[2 * n + slot]
                    + before);
        }
    }

    fn reach(&self, slot: usize) -> f64 {
        self.gain * self.bars.theta[slot] + self.loss * self.bars.theta[self.slots + slot]
    }

    /// Adds the Schur complement of the own rows: `diag(θc + θd) − diag(h)·T⁻¹·diag(h)`.
    ///
    /// The inverse of a tridiagonal `L·D·Lᵀ` follows from below: its diagonal by `1/D + l²·next`, and what stands beside
    /// it by multiplication with `−l` row after row (Takahashi, Fagan, Chen 1973).
    fn add_to(&self, matrix: &mut Skyline, scratch: &mut Scratch) {
        let n = self.slots;
        scratch.inverse.clear();
        scratch.inverse.resize(n, 0.0);
        let mut next = 0.0;
        for slot in (0..n).rev() {
            next = self.pivot_inverse[slot] + self.lower[slot] * self.lower[slot] * next;
            scratch.inverse[slot] = next;
        }
        // row by row downwards: entry (i, j) for j ≤ i is inverse[i]·∏ (−lower) over j..i
        scratch.chain.clear();
        scratch.chain.resize(n, 0.0);
        let chain = &mut scratch.chain;
        for slot in 0..n {
            if slot > 0 {
                let factor = -self.lower[slot - 1];
                for value in &mut chain[..slot] {
                    *value *= factor;
                }
            }
            let reach = self.reach(slot);
            chain[slot] = reach;
            let weight = reach * scratch.inverse[slot];
            let row = self.start + slot;
            let target = matrix.row_from(row, self.start);
            for (value, factor) in target.iter_mut().zip(&chain[..=slot]) {
                *value -= weight * factor;
            }
            target[slot] += self.bars.theta[slot] + self.bars.theta[n + slot];
        }
    }

    /// Adds to the right-hand side of the meters: `−B·θ·r − h·T⁻¹·ρ`.
    pub(crate) fn add_right_hand_side(&self, target: &mut [f64], scratch: &mut Scratch) {
        let n = self.slots;
        scratch.inverse.clear();
        scratch.inverse.extend_from_slice(&self.rho);
        self.solve_rows(&mut scratch.inverse);
        let target = &mut target[self.start..self.start + n];
        for (slot, value) in target.iter_mut().enumerate() {
            let (theta, dx) = (&self.bars.theta, &self.bars.dx);
            let direct = theta[slot] * dx[slot] - theta[n + slot] * dx[n + slot];
            *value -= direct + self.reach(slot) * scratch.inverse[slot];
        }
    }

    /// Adds the power that flows now.
    pub(crate) fn add_power(&self, target: &mut [f64]) {
        for slot in 0..self.slots {
            target[self.start + slot] += self.charge(slot) - self.discharge(slot);
        }
    }

    fn solve_rows(&self, b: &mut [f64]) {
        let n = self.slots;
        for slot in 1..n {
            b[slot] -= self.lower[slot - 1] * b[slot - 1];
        }
        for (value, inverse) in b.iter_mut().zip(&self.pivot_inverse) {
            *value *= inverse;
        }
        for slot in (0..n.saturating_sub(1)).rev() {
            b[slot] -= self.lower[slot] * b[slot + 1];
        }
    }

    /// Turns right-hand sides into steps, once the step of the meters' multipliers is known.
    pub(crate) fn finish(&mut self, price_step: &[f64], corrected: bool) -> Reach {
        let n = self.slots;
        let price_step = &price_step[self.start..self.start + n];
        let mut rho = std::mem::take(&mut self.rho);
        for (slot, value) in rho.iter_mut().enumerate() {
            *value -= self.reach(slot) * price_step[slot];
        }
        self.solve_rows(&mut rho);
        for slot in 0..n {
            let next = if slot + 1 < n { rho[slot + 1] } else { 0.0 };
            let (theta, dx) = (&self.bars.theta, &mut self.bars.dx);
            dx[slot] = theta[slot] * (dx[slot] + self.gain * rho[slot] + price_step[slot]);
            dx[n + slot] = theta[n + slot] * (dx[n + slot] - self.loss * rho[slot] - price_step[slot]);
            dx[2 * n + slot] = theta[2 * n + slot] * (dx[2 * n + slot] - rho[slot] + next);
        }
        self.rho = rho;
        let mut reach = Reach::NONE;
        for place in 0..self.shortfalls.len() {
            let slot = self.shortfalls[place].slot;
            let energy = self.energy(slot);
            let energy_step = self.bars.dx[2 * n + slot];
            let floor = &mut self.shortfalls[place];
            floor.step_from(energy, energy_step, corrected);
            reach.join(&floor.bars.finish_step(corrected));
        }
        reach.join(&self.bars.finish_step(corrected));
        reach
    }

    /// Prepares the corrector after a predictor.
    pub(crate) fn correct(&mut self, price: &[f64], centre: f64) {
        self.bars.set_targets(centre);
        for floor in &mut self.shortfalls {
            floor.bars.set_targets(centre);
        }
        self.right_hand_side(price, true, None);
    }

    pub(crate) fn step(&mut self, primal: f64, dual: f64) {
        self.bars.step(primal, dual);
        for (y, step) in self.y.iter_mut().zip(&self.rho) {
            *y += dual * step;
        }
        for floor in &mut self.shortfalls {
            floor.bars.step(primal, dual);
            floor.dual += dual * floor.dual_step;
        }
    }

    /// Starts with more room where a floor needs it.
    pub(crate) fn settle(&mut self) {
        for place in 0..self.shortfalls.len() {
            let energy = self.energy(self.shortfalls[place].slot);
            let floor = &mut self.shortfalls[place];
            let gap = floor.wanted - energy;
            floor.bars.x[LACK] = gap.max(0.0) + 0.5;
            floor.bars.x[ABOVE] = (-gap).max(0.0) + 0.5;
            floor.dual = 0.5 * floor.cost;
            floor.bars.z[LACK] = (0.5 * floor.cost).max(1e-3).max(TINY);
            floor.bars.z[ABOVE] = (0.5 * floor.cost).max(1e-3).max(TINY);
        }
    }
}
