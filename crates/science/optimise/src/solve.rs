//! Mehrotra's predictor and corrector (SIAM J. Optimization 2, 1992) over blocks and gates.

use rayon::prelude::*;

use crate::barrier::{PROXIMAL, PROXIMAL_DUAL, Reach};
use crate::block::{Block, Residuals, Scale, Scratch};
use crate::error::OptimiseError;
use crate::gate::Gate;
use crate::program::Program;
use crate::skyline::Skyline;
use crate::solution::{Solution, Status};

/// When to stop.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Relative gap and residuals at which a point counts as optimal.
    pub tolerance: f64,
    /// Steps at most.
    pub iterations_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { tolerance: 1e-9, iterations_max: 120 }
    }
}

/// Storages that one thread takes at a time. Sums are joined in the order of chunks, whatever thread made them.
const CHUNK: usize = 64;
/// Chunks at most of one class: each holds a matrix of its own.
const CHUNKS_MAX: usize = 64;

/// Storages that lie behind the same meters with the same shares.
#[derive(Debug)]
struct Class {
    meters: Vec<(usize, f64)>,
    first: Vec<usize>,
    price: Vec<f64>,
    matrix: Skyline,
}

#[derive(Debug)]
struct Chunk {
    class: usize,
    members: Vec<usize>,
    blocks: Vec<Block>,
    matrix: Skyline,
    vector: Vec<f64>,
    scratch: Scratch,
}

/// Everything about one solve.
#[derive(Debug)]
struct Solver {
    slots: usize,
    scale: Scale,
    classes: Vec<Class>,
    chunks: Vec<Chunk>,
    gates: Vec<Gate>,
    matrix: Skyline,
    /// Solved columns of the border, `S⁻¹·B`, and the columns themselves.
    border: Vec<(usize, usize, Vec<f64>, Vec<f64>)>,
    corner: Skyline,
    pairs: usize,
    curved: bool,
}

/// Solves a program.
///
/// The same program gives the same bits at any number of threads. A point that is not optimal is still returned, with
/// what it lacks: see [`Solution::status`].
///
/// # Errors
/// Only where the program itself is wrong: [`Program::check`].
pub fn solve(program: &Program, settings: &Settings) -> Result<Solution, OptimiseError> {
    program.check()?;
    let mut solver = Solver::new(program);
    let (status, iterations, gap) = solver.run(settings);
    Ok(solver.solution(program, status, iterations, gap))
}

impl Solver {
    fn new(program: &Program) -> Self {
        let slots = program.slots;
        let scale = scale(program);
        let mut classes: Vec<Class> = Vec::new();
        let mut members: Vec<Vec<usize>> = Vec::new();
        for (index, storage) in program.storages.iter().enumerate() {
            let known = classes.iter().position(|class| class.meters == storage.meters);
            let class = known.unwrap_or_else(|| {
                classes.push(Class {
                    meters: storage.meters.clone(),
                    first: (0..slots).collect(),
                    price: vec![0.0; slots],
                    matrix: Skyline::new(Vec::new()),
                });
                members.push(Vec::new());
                classes.len() - 1
            });
            members[class].push(index);
            for slot in storage.start..storage.start + storage.slots {
                let first = &mut classes[class].first[slot];
                *first = storage.start.min(*first);
            }
        }
        let mut chunks = Vec::new();
        for (index, class) in classes.iter_mut().enumerate() {
            class.matrix = Skyline::new(class.first.clone());
            let size = CHUNK.max(members[index].len().div_ceil(CHUNKS_MAX));
            for part in members[index].chunks(size) {
                chunks.push(Chunk {
                    class: index,
                    members: part.to_vec(),
                    blocks: Vec::new(),
                    matrix: class.matrix.clone(),
                    vector: vec![0.0; slots],
                    scratch: Scratch::default(),
                });
            }
        }
        each(&mut chunks, |chunk| {
            chunk.blocks = chunk
                .members
                .iter()
                .map(|member| {
                    let mut block = Block::new(&program.storages[*member], &scale);
                    block.settle();
                    block
                })
                .collect();
        });
        let gates: Vec<Gate> = program.meters.iter().map(|meter| Gate::new(meter, slots, &scale)).collect();
        let border: Vec<_> = gates
            .iter()
            .enumerate()
            .flat_map(|(gate, state)| (0..state.peaks.len()).map(move |peak| (gate, peak)))
            .map(|(gate, peak)| (gate, peak, Vec::new(), Vec::new()))
            .collect();
        let matrix = Skyline::new(shape(&classes, &gates, slots));
        let corner = Skyline::new(vec![0; border.len()]);
        let pairs = chunks.iter().flat_map(|chunk| &chunk.blocks).map(Block::pairs).sum::<usize>()
            + gates.iter().map(Gate::pairs).sum::<usize>();
        let curved = program.meters.iter().any(|meter| meter.in_curvature > 0.0)
            || program.storages.iter().any(|storage| {
                storage.power_curvature > 0.0
                    || storage.energy_curvature > 0.0
                    || storage.floors.iter().any(|floor| floor.curvature > 0.0)
            });
        Self { slots, scale, classes, chunks, gates, matrix, border, corner, pairs: pairs.max(1), curved }
    }

    fn run(&mut self, settings: &Settings) -> (Status, usize, f64) {
        let mut best = f64::INFINITY;
        let mut worse = 0;
        let mut gap = f64::INFINITY;
        for iteration in 0..settings.iterations_max {
            let (residuals, mut rhs) = self.prepare();
            let complementarity = self.complementarity();
            gap = complementarity / (1.0 + residuals.cost.abs());
            // rows and multipliers are accurate to fewer digits than the gap, which decides about the cost
            let merit = gap.max(0.1 * residuals.primal).max(0.1 * residuals.dual);
            if !merit.is_finite() {
                return (Status::Stalled, iteration, gap);
            }
            if merit <= settings.tolerance {
                return (Status::Optimal, iteration, gap);
            }
            if merit < best * 0.9 {
                best = merit;
                worse = 0;
            } else {
                worse += 1;
            }
            if worse > 15 {
                let status = if merit < 1e-6 { Status::Nearly } else { Status::Stalled };
                return (status, iteration, gap);
            }
            let centre_now = complementarity / self.pairs as f64;
            let affine = self.direction(&mut rhs, false);
            let (primal, dual) = (affine.primal.min(1.0), affine.dual.min(1.0));
            let after = affine.after(primal, dual).max(0.0) / self.pairs as f64;
            let centring = (after / centre_now).powi(3).clamp(0.0, 1.0);
            // nearer to the boundary than the tolerance asks, the numbers only get worse
            let least = 0.1 * settings.tolerance * (1.0 + residuals.cost.abs()) / self.pairs as f64;
            let mut rhs = self.correct((centring * centre_now).max(least));
            let reach = self.direction(&mut rhs, true);
            let damping = 1.0 - (0.1_f64).min(0.005_f64.max(centre_now.min(0.1)));
            let (mut primal, mut dual) = ((damping * reach.primal).min(1.0), (damping * reach.dual).min(1.0));
            if self.curved {
                primal = primal.min(dual);
                dual = primal;
            }
            each(&mut self.chunks, |chunk| {
                for block in &mut chunk.blocks {
                    block.step(primal, dual);
                }
            });
            for gate in &mut self.gates {
                gate.step(primal, dual);
            }
        }
        (Status::Stalled, settings.iterations_max, gap)
    }

    fn complementarity(&self) -> f64 {
        // products of slacks and multipliers were summed while the last step was made; here they are taken afresh
        let of = |bars: &crate::barrier::Bars| -> f64 {
            (0..bars.x.len())
                .map(|at| {
                    let upper = if bars.s[at].is_finite() { bars.s[at] * bars.w[at] } else { 0.0 };
                    bars.x[at] * bars.z[at] + upper
                })
                .sum()
        };
        let blocks: f64 = gather(&self.chunks, |chunk| {
            chunk.blocks.iter().map(|block| block.complementarity(of)).sum::<f64>()
        })
        .into_iter()
        .sum();
        blocks + self.gates.iter().map(|gate| gate.complementarity(of)).sum::<f64>()
    }

    /// Prices of each class from the multipliers `of` the meters.
    fn set_prices(&mut self, of: fn(&Gate) -> &[f64]) {
        for class in &mut self.classes {
            class.price.fill(0.0);
            for (meter, share) in &class.meters {
                for (price, y) in class.price.iter_mut().zip(of(&self.gates[*meter])) {
                    *price += share * y;
                }
            }
        }
    }

    /// Assembles and factors the matrix; gives residuals and the right-hand side of the predictor.
    fn prepare(&mut self) -> (Residuals, Vec<f64>) {
        self.set_prices(|gate| &gate.y);
        let classes = &self.classes;
        let parts = each(&mut self.chunks, |chunk| {
            chunk.matrix.clear();
            let mut residuals = Residuals::default();
            for block in &mut chunk.blocks {
                let price = &classes[chunk.class].price;
                residuals.join(&block.prepare(price, &mut chunk.matrix, &mut chunk.scratch));
            }
            residuals
        });
        let mut residuals = Residuals::default();
        for part in &parts {
            residuals.join(part);
        }
        for class in &mut self.classes {
            class.matrix.clear();
        }
        for chunk in &self.chunks {
            self.classes[chunk.class].matrix.add_all(&chunk.matrix);
        }
        for index in 0..self.gates.len() {
            let above = self.gates[index].parent.map(|parent| self.gates[parent].y.clone());
            let part = self.gates[index].prepare(above.as_deref());
            residuals.join(&part);
        }
        self.assemble();
        self.matrix.factor(PROXIMAL_DUAL);
        self.factor_border();
        let balance = self.balance();
        for value in &balance {
            residuals.primal = residuals.primal.max(value.abs());
        }
        (residuals, self.right_hand_side(balance))
    }

    fn assemble(&mut self) {
        let slots = self.slots;
        self.matrix.clear();
        for class in &self.classes {
            for row in 0..slots {
                let first = class.matrix.first(row);
                for (place, value) in class.matrix.row(row).iter().enumerate() {
                    let column = first + place;
                    for (one, share_one) in &class.meters {
                        for (other, share_other) in &class.meters {
                            let value = value * share_one * share_other;
                            let (a, b) = (one * slots + row, other * slots + column);
                            if one == other || a > b {
                                if a >= b {
                                    self.matrix.add(a, b, value);
                                }
                            } else if row != column {
                                self.matrix.add(b, a, value);
                            }
                        }
                    }
                }
            }
        }
        for (index, gate) in self.gates.iter().enumerate() {
            for slot in 0..slots {
                let (own, through) = gate.stiffness(slot);
                let row = index * slots + slot;
                self.matrix.add(row, row, own + PROXIMAL_DUAL);
                if let Some(parent) = gate.parent {
                    let above = parent * slots + slot;
                    self.matrix.add(above, above, through);
                    self.matrix.add(above, row, -through);
                }
            }
        }
    }

    fn factor_border(&mut self) {
        let slots = self.slots;
        for (gate, peak, column, solved) in &mut self.border {
            column.clear();
            column.resize(self.gates.len() * slots, 0.0);
            let state = &self.gates[*gate];
            for (slot, value) in state.border(*peak) {
                column[*gate * slots + slot] += value;
                if let Some(parent) = state.parent {
                    column[parent * slots + slot] -= value;
                }
            }
            solved.clone_from(column);
            self.matrix.solve(solved);
        }
        self.corner.clear();
        for (row, (gate, peak, column, _)) in self.border.iter().enumerate() {
            for (place, (other_gate, other, _, solved)) in self.border[..=row].iter().enumerate() {
                let own = if gate == other_gate { self.gates[*gate].corner(*peak, *other) } else { 0.0 };
                self.corner.add(row, place, own + inner(column, solved));
            }
        }
        self.corner.factor(PROXIMAL);
    }

    /// What the balances of the meters lack.
    fn balance(&mut self) -> Vec<f64> {
        let slots = self.slots;
        each(&mut self.chunks, |chunk| {
            chunk.vector.fill(0.0);
            for block in &chunk.blocks {
                block.add_power(&mut chunk.vector);
            }
        });
        let mut balance = vec![0.0; self.gates.len() * slots];
        self.scatter(&mut balance, -1.0);
        for (index, gate) in self.gates.iter().enumerate() {
            for slot in 0..slots {
                balance[index * slots + slot] += gate.balance(slot);
                if let Some(parent) = gate.parent {
                    balance[parent * slots + slot] -= gate.flow(slot);
                }
            }
        }
        balance
    }

    /// Adds what chunks gathered to the rows of their meters.
    fn scatter(&self, target: &mut [f64], sign: f64) {
        for chunk in &self.chunks {
            for (meter, share) in &self.classes[chunk.class].meters {
                let rows = &mut target[meter * self.slots..(meter + 1) * self.slots];
                for (value, part) in rows.iter_mut().zip(&chunk.vector) {
                    *value += sign * share * part;
                }
            }
        }
    }

    /// Right-hand side of the meters for the right-hand sides that blocks and gates hold.
    fn right_hand_side(&mut self, mut rhs: Vec<f64>) -> Vec<f64> {
        let slots = self.slots;
        each(&mut self.chunks, |chunk| {
            chunk.vector.fill(0.0);
            for block in &chunk.blocks {
                block.add_right_hand_side(&mut chunk.vector, &mut chunk.scratch);
            }
        });
        self.scatter(&mut rhs, 1.0);
        for (index, gate) in self.gates.iter().enumerate() {
            for slot in 0..slots {
                let (own, above) = gate.pull(slot);
                rhs[index * slots + slot] += own;
                if let Some(parent) = gate.parent {
                    rhs[parent * slots + slot] += above;
                }
            }
        }
        rhs
    }

    /// Solves for one direction and hands it to blocks and gates.
    fn direction(&mut self, rhs: &mut [f64], corrected: bool) -> Reach {
        let slots = self.slots;
        self.matrix.solve(rhs);
        let mut peaks: Vec<f64> = self
            .border
            .iter()
            .map(|(gate, peak, column, _)| self.gates[*gate].peak_pull(*peak, corrected) + inner(column, rhs))
            .collect();
        self.corner.solve(&mut peaks);
        for ((_, _, _, solved), step) in self.border.iter().zip(&peaks) {
            for (value, part) in rhs.iter_mut().zip(solved) {
                *value -= part * step;
            }
        }
        for (index, gate) in self.gates.iter_mut().enumerate() {
            gate.dy.copy_from_slice(&rhs[index * slots..(index + 1) * slots]);
        }
        let mut reach = Reach::NONE;
        let mut taken = 0;
        for index in 0..self.gates.len() {
            let above = self.gates[index].parent.map(|parent| &rhs[parent * slots..(parent + 1) * slots]);
            let gate = &mut self.gates[index];
            let own = &peaks[taken..taken + gate.peaks.len()];
            taken += own.len();
            reach.join(&gate.finish(above, own, corrected));
        }
        self.set_prices(|gate| &gate.dy);
        let classes = &self.classes;
        let parts = each(&mut self.chunks, |chunk| {
            let mut reach = Reach::NONE;
            for block in &mut chunk.blocks {
                reach.join(&block.finish(&classes[chunk.class].price, corrected));
            }
            reach
        });
        for part in &parts {
            reach.join(part);
        }
        reach
    }

    /// Right-hand side of the corrector.
    fn correct(&mut self, centre: f64) -> Vec<f64> {
        self.set_prices(|gate| &gate.y);
        let classes = &self.classes;
        each(&mut self.chunks, |chunk| {
            for block in &mut chunk.blocks {
                block.correct(&classes[chunk.class].price, centre);
            }
        });
        for index in 0..self.gates.len() {
            let above = self.gates[index].parent.map(|parent| self.gates[parent].y.clone());
            self.gates[index].correct(above.as_deref(), centre);
        }
        let balance = self.balance();
        self.right_hand_side(balance)
    }

    fn solution(&self, program: &Program, status: Status, iterations: usize, gap: f64) -> Solution {
        let mut blocks: Vec<Option<&Block>> = vec![None; program.storages.len()];
        for chunk in &self.chunks {
            for (member, block) in chunk.members.iter().zip(&chunk.blocks) {
                blocks[*member] = Some(block);
            }
        }
        let blocks: Vec<&Block> = blocks.into_iter().flatten().collect();
        Solution::read(program, &self.scale, &blocks, &self.gates, status, iterations, gap)
    }
}

fn inner(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// Runs over all chunks, side by side where there is more than one, and gathers in their order.
fn each<T: Send>(chunks: &mut [Chunk], work: impl Fn(&mut Chunk) -> T + Sync + Send) -> Vec<T> {
    if let [only] = chunks {
        return vec![work(only)];
    }
    chunks.par_iter_mut().map(work).collect()
}

fn gather<T: Send>(chunks: &[Chunk], work: impl Fn(&Chunk) -> T + Sync + Send) -> Vec<T> {
    if let [only] = chunks {
        return vec![work(only)];
    }
    chunks.par_iter().map(work).collect()
}

/// First column of each row of the matrix.
fn shape(classes: &[Class], gates: &[Gate], slots: usize) -> Vec<usize> {
    let mut first: Vec<usize> = (0..gates.len() * slots).collect();
    for class in classes {
        for (one, _) in &class.meters {
            for (other, _) in class.meters.iter().filter(|(other, _)| other <= one) {
                for slot in 0..slots {
                    let place = &mut first[one * slots + slot];
                    *place = (*place).min(other * slots + class.first[slot]);
                }
            }
        }
    }
    for (index, gate) in gates.iter().enumerate() {
        if let Some(parent) = gate.parent {
            for slot in 0..slots {
                let place = &mut first[parent * slots + slot];
                *place = (*place).min(index * slots + slot);
            }
        }
    }
    first
}

/// Units in which a typical power and a typical price are one.
fn scale(program: &Program) -> Scale {
    let powers = program.storages.iter().flat_map(|storage| {
        [storage.charge_max.at(0), storage.discharge_max.at(0)].into_iter().filter(|power| *power > 0.0)
    });
    let power = mean(powers).unwrap_or(1.0);
    let costs = program.meters.iter().flat_map(|meter| {
        (0..program.slots).flat_map(|slot| [meter.in_cost.at(slot).abs(), meter.out_cost.at(slot).abs()])
    });
    let cost = mean(costs.filter(|cost| *cost > 0.0)).unwrap_or(1.0);
    Scale { power, energy: power, cost }
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0_usize);
    for value in values {
        sum += value;
        count += 1;
    }
    (count > 0 && sum > 0.0).then(|| sum / count as f64)
}
