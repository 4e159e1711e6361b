//! From cells to modules to a pack: groups of parallel cells in series on one cooling plate, behind contactors, with a
//! resistor on each group that bleeds the fuller ones.
//!
//! Every cell is an [`ecm`](crate::ecm) circuit with a spread of its own. Over a step each cell is `V = E + R i` about
//! its last current, with `E` and `R` at the end of the step, so that the branch currents of a group have the closed
//! form `V = (I + Σ E/R)/(Σ 1/R)`, `i = (V - E)/R`; one pass more takes in what is not straight. Sums are taken in the order
//! of their terms' sizes, so that it does not matter which cell is which.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::ecm::{CellFactors, EcmModel, EcmState, StepTable};
use crate::{BatteryError, Stream};

/// Longest step inside: the plate and the branches are coupled from one to the next.
const STEP_S: f64 = 5.0;

/// How cells make a pack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssemblyConfig {
    /// Groups in series, 1 to 400.
    pub groups_series: usize,
    /// Cells in a group, 1 to 1000.
    pub cells_parallel: usize,
    /// Groups of a module, 1 to 400; the last module may have fewer.
    pub groups_per_module: usize,
    /// Standard deviation of ln(capacity) from cell to cell, 0 to 0.1.
    pub capacity_spread: f64,
    /// Standard deviation of ln(resistance) from cell to cell, 0 to 0.3.
    pub resistance_spread: f64,
    /// Resistance of busbars, fuse and closed contactors in Ω, 0 to 1.
    pub busbar_ohm: f64,
    /// Heat capacity of the cooling plate in J/K, 1 to 1e7. Its conductance to a cell is that of the cell's model.
    pub plate_j_per_k: f64,
    /// Conductance from plate to coolant in W/K, 0 to 1e5.
    pub coolant_w_per_k: f64,
    /// Bleed resistor of a group in Ω, 0.1 to 1e6; none never balances.
    pub bleed_ohm: Option<f64>,
    /// A group bleeds while it is this much above the lowest in V, 0.0005 to 1: more than its voltage sags by when it
    /// bleeds, or the others bleed as well.
    pub bleed_above_v: f64,
}

impl AssemblyConfig {
    /// Groups of cells with a usual spread and no balancing.
    #[must_use]
    pub fn new(groups_series: usize, cells_parallel: usize) -> Self {
        let cells = (groups_series * cells_parallel) as f64;
        Self {
            groups_series,
            cells_parallel,
            groups_per_module: 12,
            capacity_spread: 0.005,
            resistance_spread: 0.02,
            busbar_ohm: 0.0,
            plate_j_per_k: 40.0 * cells.max(1.0),
            coolant_w_per_k: 0.5 * cells.max(1.0),
            bleed_ohm: None,
            bleed_above_v: 0.01,
        }
    }

    fn check(&self) -> Result<(), BatteryError> {
        let within = |field, value: f64, low: f64, high: f64, rule| {
            if (low..=high).contains(&value) {
                Ok(())
            } else {
                Err(BatteryError::Parameter { field, value, rule })
            }
        };
        within("groups_series", self.groups_series as f64, 1.0, 400.0, "1 to 400")?;
        within("cells_parallel", self.cells_parallel as f64, 1.0, 1_000.0, "1 to 1000")?;
        within("groups_per_module", self.groups_per_module as f64, 1.0, 400.0, "1 to 400")?;
        within("capacity_spread", self.capacity_spread, 0.0, 0.1, "0 to 0.1")?;
        within("resistance_spread", self.resistance_spread, 0.0, 0.3, "0 to 0.3")?;
        within("busbar_ohm", self.busbar_ohm, 0.0, 1.0, "0 to 1 Ω")?;
        within("plate_j_per_k", self.plate_j_per_k, 1.0, 1e7, "1 to 10000000 J/K")?;
        within("coolant_w_per_k", self.coolant_w_per_k, 0.0, 1e5, "0 to 100000 W/K")?;
        within("bleed_ohm", self.bleed_ohm.unwrap_or(1.0), 0.1, 1e6, "0.1 to 1000000 Ω")?;
        within("bleed_above_v", self.bleed_above_v, 5e-4, 1.0, "0.0005 to 1 V")
    }
}

/// One cell of a pack.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PackCell {
    /// What it remembers.
    pub state: EcmState,
    /// In what it differs.
    pub factors: CellFactors,
    /// Its current over the last step in A, charging positive.
    pub current_a: f64,
}

/// A pack of circuits.
#[derive(Debug, Clone)]
pub struct Assembly {
    model: Arc<EcmModel>,
    config: AssemblyConfig,
    /// Group after group.
    cells: Vec<PackCell>,
    group_v: Vec<f64>,
    plate_c: f64,
    closed: bool,
}

/// What a pack shows after a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AssemblyOutput {
    /// Voltage at the terminals in V; 0 while the contactors are open.
    pub voltage_v: f64,
    /// Current through the terminals in A, charging positive.
    pub current_a: f64,
    /// Lowest and highest voltage of a group in V.
    pub group_v: [f64; 2],
    /// Lowest and highest temperature of a cell in °C.
    pub temp_c: [f64; 2],
    /// Groups that are being bled.
    pub bleeding: usize,
}

impl Assembly {
    /// A pack at rest with a seeded spread.
    ///
    /// # Errors
    /// Names the first number that is out of its range.
    pub fn new(
        model: Arc<EcmModel>,
        config: AssemblyConfig,
        soc: f64,
        temp_c: f64,
        seed: u64,
    ) -> Result<Self, BatteryError> {
        config.check()?;
        let cells: Vec<PackCell> = (0..config.groups_series * config.cells_parallel)
            .map(|cell| {
                let mut stream = Stream::named(seed, "assembly", &cell.to_string());
                let factors = CellFactors {
                    capacity: (config.capacity_spread * stream.bell()).exp(),
                    resistance: (config.resistance_spread * stream.bell()).exp(),
                };
                PackCell { state: EcmState::resting(soc, temp_c), factors, current_a: 0.0 }
            })
            .collect();
        Self::of(model, config, cells, temp_c)
    }

    /// A pack of given cells, group after group.
    ///
    /// # Errors
    /// Names the first number that is out of its range.
    pub fn of(
        model: Arc<EcmModel>,
        config: AssemblyConfig,
        cells: Vec<PackCell>,
        plate_c: f64,
    ) -> Result<Self, BatteryError> {
        config.check()?;
        if cells.len() != config.groups_series * config.cells_parallel {
            return Err(BatteryError::Shape { field: "cells", rule: "groups_series times cells_parallel" });
        }
        let [low_c, high_c] = model.parameters().valid_c;
        for cell in &cells {
            cell.factors.check()?;
            for (field, value, low, high) in [
                ("soc", cell.state.soc, 0.0, 1.0),
                ("temp_c", cell.state.temp_c, low_c, high_c),
                ("plate_c", plate_c, low_c, high_c),
            ] {
                if !(low..=high).contains(&value) {
                    return Err(BatteryError::Outside { field, value, low, high });
                }
            }
        }
        let group_v = vec![0.0; config.groups_series];
        let mut pack = Self { model, config, cells, group_v, plate_c, closed: true };
        pack.step(0.0, 0.0, plate_c)?;
        Ok(pack)
    }

    /// Opens or closes the contactors. While they are open no current flows through the terminals.
    pub fn set_contactors(&mut self, closed: bool) {
        self.closed = closed;
    }

    /// Its cells, group after group.
    #[must_use]
    pub fn cells(&self) -> &[PackCell] {
        &self.cells
    }

    /// Voltage of each group in V.
    #[must_use]
    pub fn group_v(&self) -> &[f64] {
        &self.group_v
    }

    /// Voltage of each module in V.
    #[must_use]
    pub fn module_v(&self) -> Vec<f64> {
        self.group_v.chunks(self.config.groups_per_module).map(|groups| groups.iter().sum()).collect()
    }

    /// Temperature of the cooling plate in °C.
    #[must_use]
    pub fn plate_c(&self) -> f64 {
        self.plate_c
    }

    /// Lets `current_a` (charging positive) flow for `dt_s`, at most a day, with coolant at `coolant_c`.
    ///
    /// # Errors
    /// [`BatteryError::Outside`] when a cell leaves what its model describes, and [`BatteryError::Parameter`] for a bad
    /// step; the pack is then as before.
    pub fn step(
        &mut self,
        dt_s: f64,
        current_a: f64,
        coolant_c: f64,
    ) -> Result<AssemblyOutput, BatteryError> {
        if !(0.0..=86_400.0).contains(&dt_s) {
            return Err(BatteryError::Parameter { field: "dt_s", value: dt_s, rule: "0 to 86400 s" });
        }
        if !(-100.0..=150.0).contains(&coolant_c) {
            return Err(BatteryError::Outside {
                field: "coolant_c",
                value: coolant_c,
                low: -100.0,
                high: 150.0,
            });
        }
        let through_a = if self.closed { current_a } else { 0.0 };
        let pieces = (dt_s / STEP_S).ceil().max(1.0);
        let table = self.model.step_table(dt_s / pieces)?;
        let mut next = self.clone();
        let mut bleeding = 0;
        for _ in 0..pieces as usize {
            bleeding = next.piece(&table, through_a, coolant_c)?;
        }
        *self = next;
        Ok(self.output(through_a, bleeding))
    }

    fn piece(&mut self, table: &StepTable, through_a: f64, coolant_c: f64) -> Result<usize, BatteryError> {
        let lowest_v = self.group_v.iter().copied().fold(f64::INFINITY, f64::min);
        let mut bleeding = 0;
        for group in 0..self.config.groups_series {
            let bleed_a = match self.config.bleed_ohm {
                Some(ohm) if self.group_v[group] > lowest_v + self.config.bleed_above_v => {
                    bleeding += 1;
                    self.group_v[group] / ohm
                }
                _ => 0.0,
            };
            let range = group * self.config.cells_parallel..(group + 1) * self.config.cells_parallel;
            self.group_v[group] =
                step_group(&self.model, table, &mut self.cells[range], self.plate_c, through_a - bleed_a)?;
        }
        self.cool(table.dt_s(), coolant_c);
        Ok(bleeding)
    }

    /// Exact for cells that keep their temperature over the step.
    fn cool(&mut self, dt_s: f64, coolant_c: f64) {
        let cell_w_per_k = self.model.parameters().thermal.conductance_w_per_k;
        let all_w_per_k = cell_w_per_k * self.cells.len() as f64 + self.config.coolant_w_per_k;
        if all_w_per_k <= 0.0 {
            return;
        }
        let mut temps: Vec<f64> = self.cells.iter().map(|cell| cell.state.temp_c).collect();
        let settled_c =
            (cell_w_per_k * ordered_sum(&mut temps) + self.config.coolant_w_per_k * coolant_c) / all_w_per_k;
        let decay = (-all_w_per_k * dt_s / self.config.plate_j_per_k).exp();
        let [low_c, high_c] = self.model.parameters().valid_c;
        self.plate_c = (settled_c + (self.plate_c - settled_c) * decay).clamp(low_c, high_c);
    }

    fn output(&self, current_a: f64, bleeding: usize) -> AssemblyOutput {
        let range = |values: &mut dyn Iterator<Item = f64>| {
            values.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], v| [low.min(v), high.max(v)])
        };
        let sum_v: f64 = self.group_v.iter().sum();
        AssemblyOutput {
            voltage_v: if self.closed { sum_v + self.config.busbar_ohm * current_a } else { 0.0 },
            current_a,
            group_v: range(&mut self.group_v.iter().copied()),
            temp_c: range(&mut self.cells.iter().map(|cell| cell.state.temp_c)),
            bleeding,
        }
    }
}

/// One step of a group; answers with its voltage at the end.
fn step_group(
    model: &EcmModel,
    table: &StepTable,
    cells: &mut [PackCell],
    plate_c: f64,
    current_a: f64,
) -> Result<f64, BatteryError> {
    let share_a = current_a / cells.len() as f64;
    let alone = cells.len() == 1;
    let mut currents: Vec<f64> =
        cells.iter().map(|cell| if alone { share_a } else { cell.current_a }).collect();
    let probe_a = 1e-3 * model.parameters().capacity_ah;
    for _ in 0..if alone { 0 } else { 3 } {
        let lines: Vec<(f64, f64)> = cells
            .iter()
            .zip(&currents)
            .map(|(cell, current_a)| {
                let at = |current_a: f64| {
                    let mut state = cell.state;
                    model.step_clamped(table, &mut state, cell.factors, plate_c, current_a).voltage_v
                };
                let (low_v, high_v) = (at(current_a - probe_a), at(current_a + probe_a));
                let ohm = ((high_v - low_v) / (2.0 * probe_a)).max(1e-9);
                (0.5 * (low_v + high_v) - ohm * current_a, ohm)
            })
            .collect();
        let mut sources: Vec<f64> = lines.iter().map(|(source_v, ohm)| source_v / ohm).collect();
        let mut conductances: Vec<f64> = lines.iter().map(|(_, ohm)| 1.0 / ohm).collect();
        let group_v = (current_a + ordered_sum(&mut sources)) / ordered_sum(&mut conductances);
        for (current_a, (source_v, ohm)) in currents.iter_mut().zip(&lines) {
            *current_a = (group_v - source_v) / ohm;
        }
    }
    let mut voltages = Vec::with_capacity(cells.len());
    for (cell, current_a) in cells.iter_mut().zip(currents) {
        let output = model.step(table, &mut cell.state, cell.factors, plate_c, current_a)?;
        cell.current_a = current_a;
        voltages.push(output.voltage_v);
    }
    let count = voltages.len() as f64;
    Ok(ordered_sum(&mut voltages) / count)
}

/// The sum in the order of the values, the same for every order in which they are given.
fn ordered_sum(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.iter().sum()
}

#[cfg(test)]
#[path = "assembly_tests.rs"]
mod tests;
