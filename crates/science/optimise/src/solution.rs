//! What a solve found.

use crate::block::{Block, Scale};
use crate::gate::Gate;
use crate::program::Program;

/// How good a point is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Residuals and gap are within the tolerance.
    Optimal,
    /// They are within a millionth, and no step made them smaller.
    Nearly,
    /// The limits leave no room, or the numbers do not; the point is the last one.
    Stalled,
}

/// What one storage does, slot by slot of its window.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Schedule {
    /// Charging power.
    pub charge: Vec<f64>,
    /// Discharging power, positive.
    pub discharge: Vec<f64>,
    /// What lacks at each floor.
    pub lacks: Vec<f64>,
    /// What one more unit of energy at the end of each slot would be worth.
    pub energy_value: Vec<f64>,
}

/// What flows through one meter.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Flow {
    /// Power that comes in.
    pub inflow: Vec<f64>,
    /// Power that goes out, positive.
    pub outflow: Vec<f64>,
    /// Generation that is cut.
    pub spill: Vec<f64>,
    /// Load that is left out.
    pub shed: Vec<f64>,
    /// Highest power of each demand.
    pub peaks: Vec<f64>,
    /// What one more unit of load in each slot would cost: the shadow price of the balance.
    pub price: Vec<f64>,
    /// What one more unit of room to take in would save in each slot.
    pub in_max_value: Vec<f64>,
}

/// A point, its cost and its prices.
#[derive(Debug, Clone, PartialEq)]
pub struct Solution {
    /// How good it is.
    pub status: Status,
    /// Total cost.
    pub objective: f64,
    /// Gap between cost and bound, relative to one plus the cost.
    pub gap: f64,
    /// Steps taken.
    pub iterations: usize,
    /// By storage, in the order of the program.
    pub storages: Vec<Schedule>,
    /// By meter, in the order of the program.
    pub meters: Vec<Flow>,
}

impl Solution {
    pub(crate) fn read(
        program: &Program,
        scale: &Scale,
        blocks: &[&Block],
        gates: &[Gate],
        status: Status,
        iterations: usize,
        gap: f64,
    ) -> Self {
        let energy_price = scale.cost * scale.power / scale.energy;
        let storages: Vec<Schedule> = blocks
            .iter()
            .zip(&program.storages)
            .map(|(block, storage)| Schedule {
                charge: (0..block.slots).map(|slot| block.charge(slot) * scale.power).collect(),
                discharge: (0..block.slots).map(|slot| block.discharge(slot) * scale.power).collect(),
                lacks: if block.slots == 0 {
                    storage
                        .floors
                        .iter()
                        .map(|floor| (floor.energy - storage.energy_start).max(0.0))
                        .collect()
                } else {
                    block.lacks().map(|lack| lack * scale.energy).collect()
                },
                energy_value: block.y.iter().map(|y| y * energy_price).collect(),
            })
            .collect();
        let slots = program.slots;
        let meters: Vec<Flow> = gates
            .iter()
            .map(|gate| {
                let part = |kind: usize| -> Vec<f64> {
                    gate.bars.x[kind * slots..(kind + 1) * slots].iter().map(|x| x * scale.power).collect()
                };
                Flow {
                    inflow: part(0),
                    outflow: part(1),
                    spill: part(2),
                    shed: part(3),
                    peaks: (0..gate.peaks.len()).map(|peak| gate.peak(peak) * scale.power).collect(),
                    price: gate.y.iter().map(|y| -y * scale.cost).collect(),
                    in_max_value: gate.bars.w[..slots].iter().map(|w| w * scale.cost).collect(),
                }
            })
            .collect();
        let mut solution = Self { status, objective: 0.0, gap, iterations, storages, meters };
        solution.objective = solution.cost(program);
        solution
    }

    /// Cost of the point in the terms of a program.
    #[must_use]
    pub fn cost(&self, program: &Program) -> f64 {
        let mut total = 0.0;
        for (storage, schedule) in program.storages.iter().zip(&self.storages) {
            let mut energy = storage.energy_start;
            for slot in 0..storage.slots {
                let (charge, discharge) = (schedule.charge[slot], schedule.discharge[slot]);
                energy += storage.charge_gain * charge - storage.discharge_loss * discharge;
                total += storage.charge_cost.at(slot) * charge + storage.discharge_cost.at(slot) * discharge;
                total += 0.5 * storage.power_curvature * (charge * charge + discharge * discharge);
                total += (storage.energy_cost.at(slot) + 0.5 * storage.energy_curvature * energy) * energy;
            }
            for (floor, lack) in storage.floors.iter().zip(&schedule.lacks) {
                total += (floor.cost + 0.5 * floor.curvature * lack) * lack;
            }
        }
        for (meter, flow) in program.meters.iter().zip(&self.meters) {
            for slot in 0..program.slots {
                let inflow = flow.inflow[slot];
                total += (meter.in_cost.at(slot) + 0.5 * meter.in_curvature * inflow) * inflow;
                total += meter.out_cost.at(slot) * flow.outflow[slot];
                for (relief, used) in [(&meter.spill, &flow.spill), (&meter.shed, &flow.shed)] {
                    total += relief.as_ref().map_or(0.0, |(_, cost)| cost.at(slot) * used[slot]);
                }
            }
            for (demand, peak) in meter.demands.iter().zip(&flow.peaks) {
                total += demand.price * peak;
            }
        }
        total
    }
}
