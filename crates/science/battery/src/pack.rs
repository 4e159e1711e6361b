mod fault;

pub use fault::PackFault;

use crate::{BatteryError, Chemistry, OcvCurve, PackConfig, Stream};

/// What to do with the pack during one step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ChargeCommand {
    /// No current.
    Rest,
    /// Charge as fast as the pack and these limits allow. Limits that are negative or not a number count as 0.
    Charge {
        /// Most power at the terminals, in W.
        max_power_w: f64,
        /// Most current, in A; [`f64::INFINITY`] for a source without a limit of its own.
        max_current_a: f64,
    },
    /// Give this power at the terminals, in W (a positive number), as far as the pack can.
    Discharge {
        /// Power asked for, in W.
        power_w: f64,
    },
}

/// What a pack is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// No current flows and there is room to charge.
    Rest,
    /// Charging, limited by current or power.
    ConstantCurrent,
    /// Charging, limited by the voltage of the fullest cell: the current falls.
    ConstantVoltage,
    /// The charge is complete: the current in constant voltage fell to the cut-off.
    Full,
    /// Current flows out.
    Discharging,
    /// Nothing more can be taken out.
    Empty,
}

/// A pack at the end of a step; voltages, currents and temperatures at its end, power as the mean over it.
#[derive(Debug, Clone, PartialEq)]
pub struct PackState {
    /// Charge-weighted mean state of charge of the cells, `0..=1`.
    pub soc: f64,
    /// Terminal voltage in V.
    pub voltage_v: f64,
    /// Current into the pack in A; negative on discharge.
    pub current_a: f64,
    /// Mean power into the terminals over the step in W; negative on discharge.
    pub power_w: f64,
    /// Mean power lost as heat over the step in W.
    pub heat_w: f64,
    /// Mean temperature in °C.
    pub temp_c: f64,
    /// What the pack is doing.
    pub phase: Phase,
}

#[derive(Debug, Clone, PartialEq)]
struct Cell {
    capacity_as: f64,
    resistance_ohm: f64,
    soc: f64,
    /// What its leak conducts, in S; 0 for a sound cell.
    leak_s: f64,
}

/// One battery pack.
///
/// Steps are cut into pieces of at most 5 s, each solved with the current that meets every limit at the *end* of the
/// piece (backward Euler), so that no limit voltage is exceeded however long the step.
#[derive(Debug, Clone, PartialEq)]
pub struct Pack {
    chemistry: Chemistry,
    ocv: OcvCurve,
    limit_v: f64,
    cells: Vec<Cell>,
    max_current_a: f64,
    cutoff_a: f64,
    ambient_c: f64,
    heat_capacity_j_per_k: f64,
    cooling_s: f64,
    /// Heat from outside of the cells that is not meant to be there, in W.
    stray_heat_w: f64,
    temp_c: f64,
    state: PackState,
}

const PIECE_S: f64 = 5.0;
/// One step covers at most a week, which bounds the work of a call.
const STEP_S_MAX: f64 = 604_800.0;

impl Pack {
    /// A pack at rest with mean state of charge `soc` (`0..=1`). `seed` decides the spread from cell to cell.
    ///
    /// # Errors
    /// [`BatteryError::Parameter`] when `soc` or a field of `config` is out of range.
    pub fn new(config: &PackConfig, soc: f64, seed: u64) -> Result<Self, BatteryError> {
        Self::with_ocv(config, config.chemistry.ocv(), config.chemistry.limit_v(), soc, seed)
    }

    /// A pack of cells with an open-circuit voltage and limit voltage (V) of their own.
    ///
    /// # Errors
    /// Likewise, and when `limit_v` is not above the voltage of an empty cell.
    pub fn with_ocv(
        config: &PackConfig,
        ocv: OcvCurve,
        limit_v: f64,
        soc: f64,
        seed: u64,
    ) -> Result<Self, BatteryError> {
        config.check()?;
        if !(0.0..=1.0).contains(&soc) {
            return Err(BatteryError::Parameter { field: "soc", value: soc, rule: "0 to 1" });
        }
        if !limit_v.is_finite() || limit_v <= ocv.voltage_v(0.0) {
            let rule = "above the voltage of an empty cell";
            return Err(BatteryError::Parameter { field: "limit_v", value: limit_v, rule });
        }
        let series = config.cells_series as f64;
        let capacity_ah = config.soh * config.capacity_wh / (series * ocv.mean_v());
        let resistance_ohm = config.loss_at_1c * ocv.mean_v() / capacity_ah;
        let mut stream = Stream::named(seed, "cell spread", "");
        let mut cell = || Cell {
            capacity_as: capacity_ah * 3_600.0 * (1.0 + config.spread * stream.bell()),
            resistance_ohm: resistance_ohm * (1.0 + config.spread * stream.bell()),
            soc: (soc + 0.25 * config.spread * stream.bell()).clamp(0.0, 1.0),
            leak_s: 0.0,
        };
        let cells: Vec<Cell> = (0..config.cells_series).map(|_| cell()).collect();
        let rest = PackState {
            soc,
            voltage_v: 0.0,
            current_a: 0.0,
            power_w: 0.0,
            heat_w: 0.0,
            temp_c: config.ambient_c,
            phase: Phase::Rest,
        };
        let mut pack = Self {
            chemistry: config.chemistry,
            ocv,
            limit_v,
            cells,
            max_current_a: config.max_charge_c * capacity_ah,
            cutoff_a: config.cutoff_c * capacity_ah,
            ambient_c: config.ambient_c,
            heat_capacity_j_per_k: config.heat_capacity_j_per_k_wh * config.capacity_wh,
            cooling_s: config.cooling_s,
            stray_heat_w: 0.0,
            temp_c: config.ambient_c,
            state: rest,
        };
        pack.state.soc = pack.mean_soc();
        pack.state.voltage_v = pack.voltage_at(0.0);
        Ok(pack)
    }

    /// Lets `dt_s` seconds pass (clamped to `0..=604800`; not a number counts as 0) and answers with the state at the
    /// end. A charge that is complete stays [`Phase::Full`] until the pack is discharged or rests.
    pub fn step(&mut self, dt_s: f64, command: ChargeCommand) -> &PackState {
        let dt_s = if dt_s.is_nan() { 0.0 } else { dt_s.clamp(0.0, STEP_S_MAX) };
        let pieces = (dt_s / PIECE_S).ceil().max(1.0);
        let piece_s = dt_s / pieces;
        let (mut energy_j, mut heat_j) = (0.0, 0.0);
        let mut current_a = 0.0;
        for _ in 0..pieces as usize {
            let (solved_a, phase) = self.solve(piece_s, command);
            current_a = solved_a;
            self.state.phase = phase;
            let (energy, heat) = self.advance(piece_s, current_a);
            energy_j += energy;
            heat_j += heat;
        }
        self.state.soc = self.mean_soc();
        self.state.current_a = current_a;
        self.state.voltage_v = self.voltage_at(current_a);
        let mean = |joule: f64| if dt_s > 0.0 { joule / dt_s } else { 0.0 };
        self.state.power_w = mean(energy_j);
        self.state.heat_w = mean(heat_j);
        self.state.temp_c = self.temp_c;
        &self.state
    }

    /// The state after the last step.
    #[must_use]
    pub fn state(&self) -> &PackState {
        &self.state
    }

    /// What the cells are made of.
    #[must_use]
    pub fn chemistry(&self) -> Chemistry {
        self.chemistry
    }

    /// Voltage of each series group in V under the last current.
    #[must_use]
    pub fn cell_voltage_v(&self) -> Vec<f64> {
        let current_a = self.state.current_a;
        self.cells.iter().map(|c| self.ocv.voltage_v(c.soc) + current_a * c.resistance_ohm).collect()
    }

    /// State of charge of each series group, `0..=1`.
    #[must_use]
    pub fn cell_soc(&self) -> Vec<f64> {
        self.cells.iter().map(|c| c.soc).collect()
    }

    /// Temperature of each series group in °C. The pack's rise above the surroundings is shared out by each group's
    /// part in the resistive loss; the mean is the pack's temperature.
    #[must_use]
    pub fn cell_temp_c(&self) -> Vec<f64> {
        let mean_ohm = self.cells.iter().map(|c| c.resistance_ohm).sum::<f64>() / self.cells.len() as f64;
        let rise = self.temp_c - self.ambient_c;
        let share = |c: &Cell| if mean_ohm > 0.0 { c.resistance_ohm / mean_ohm } else { 1.0 };
        self.cells.iter().map(|c| self.ambient_c + rise * share(c)).collect()
    }

    /// The current of a piece and what limits it.
    fn solve(&self, dt_s: f64, command: ChargeCommand) -> (f64, Phase) {
        match command {
            ChargeCommand::Rest if self.state.phase == Phase::Full => (0.0, Phase::Full),
            ChargeCommand::Rest => (0.0, Phase::Rest),
            ChargeCommand::Charge { max_power_w, max_current_a } => {
                self.solve_charge(dt_s, max_power_w.max(0.0), max_current_a.max(0.0))
            }
            ChargeCommand::Discharge { power_w } => self.solve_discharge(dt_s, power_w.max(0.0)),
        }
    }

    fn solve_charge(&self, dt_s: f64, max_power_w: f64, max_current_a: f64) -> (f64, Phase) {
        if self.state.phase == Phase::Full {
            return (0.0, Phase::Full);
        }
        // The voltage that the first guess would reach is at least the one really reached: the power stays below.
        let guess_a = self.current_for_power(max_power_w, 0.0).min(max_current_a).min(self.max_current_a);
        let by_power_a = self.current_for_power(max_power_w, guess_a * dt_s);
        let supply_a = by_power_a.min(max_current_a).min(self.max_current_a);
        let voltage_a =
            self.cells.iter().map(|c| self.current_to_limit(c, dt_s)).fold(f64::INFINITY, f64::min);
        if voltage_a >= supply_a {
            return (supply_a, if supply_a > 0.0 { Phase::ConstantCurrent } else { Phase::Rest });
        }
        if voltage_a <= self.cutoff_a { (0.0, Phase::Full) } else { (voltage_a, Phase::ConstantVoltage) }
    }

    fn solve_discharge(&self, dt_s: f64, power_w: f64) -> (f64, Phase) {
        let emptiest_as = self.cells.iter().map(|c| c.soc * c.capacity_as).fold(f64::INFINITY, f64::min);
        let available_a = if dt_s > 0.0 { emptiest_as / dt_s } else { f64::INFINITY };
        let wanted_a = -self.current_for_power(-power_w, 0.0);
        let phase = if emptiest_as <= 0.0 {
            Phase::Empty
        } else if wanted_a > 0.0 {
            Phase::Discharging
        } else {
            Phase::Rest
        };
        (-wanted_a.min(available_a), phase)
    }

    /// I of U(I)·I = P with U = E + R·I and E after another `charge_as` (A s) have gone in; below the least possible
    /// power, the current of that least power.
    fn current_for_power(&self, power_w: f64, charge_as: f64) -> f64 {
        if power_w == f64::INFINITY {
            return f64::INFINITY;
        }
        let after = |c: &Cell| self.ocv.voltage_v(c.soc + charge_as / c.capacity_as);
        let ocv_v: f64 = self.cells.iter().map(after).sum();
        let resistance_ohm: f64 = self.cells.iter().map(|c| c.resistance_ohm).sum();
        let root = (ocv_v * ocv_v + 4.0 * resistance_ohm * power_w).max(0.0).sqrt();
        // 2P/(E+root) is the same root without cancellation, and right for R = 0.
        if root > 0.0 { 2.0 * power_w / (ocv_v + root) } else { -ocv_v / (2.0 * resistance_ohm) }
    }

    /// The current that brings `cell` to the limit voltage at the end of `dt_s`, or fills it when that is less.
    fn current_to_limit(&self, cell: &Cell, dt_s: f64) -> f64 {
        if dt_s <= 0.0 {
            return f64::INFINITY;
        }
        let fill_a = (1.0 - cell.soc) * cell.capacity_as / dt_s;
        let excess_v = |current_a: f64| {
            let soc = cell.soc + current_a * dt_s / cell.capacity_as;
            self.ocv.voltage_v(soc) + current_a * cell.resistance_ohm - self.limit_v
        };
        if excess_v(fill_a) <= 0.0 {
            return fill_a;
        }
        if excess_v(0.0) >= 0.0 {
            return 0.0;
        }
        // The voltage rises with the current along a piecewise linear curve: the secant method kept inside its bracket.
        let (mut low, mut high) = (0.0, fill_a);
        for _ in 0..60 {
            let (at_low, at_high) = (excess_v(low), excess_v(high));
            let guess = (low - at_low * (high - low) / (at_high - at_low)).clamp(low, high);
            let excess = excess_v(guess);
            if excess.abs() < 1e-10 {
                return guess;
            }
            if excess > 0.0 {
                high = guess;
            } else {
                low = guess;
            }
            let middle = 0.5 * (low + high);
            if excess_v(middle) > 0.0 { high = middle } else { low = middle }
        }
        low
    }

    /// Moves charge and heat; answers with the energy into the terminals and the heat, in J.
    fn advance(&mut self, dt_s: f64, current_a: f64) -> (f64, f64) {
        let (mut energy_j, mut heat_j) = (0.0, 0.0);
        for cell in &mut self.cells {
            let before_v = self.ocv.integral_v(cell.soc);
            // A leak takes what the cell holds through a resistor inside of it, all of it heat.
            let held_as = cell.soc * cell.capacity_as;
            let leaked_as = (self.ocv.voltage_v(cell.soc) * cell.leak_s * dt_s).min(held_as);
            let leaked_j = before_v - self.ocv.integral_v(cell.soc - leaked_as / cell.capacity_as);
            cell.soc = (cell.soc + (current_a * dt_s - leaked_as) / cell.capacity_as).clamp(0.0, 1.0);
            let stored_j = (self.ocv.integral_v(cell.soc) - before_v) * cell.capacity_as;
            let loss_j = current_a * current_a * cell.resistance_ohm * dt_s + leaked_j * cell.capacity_as;
            energy_j += stored_j + loss_j;
            heat_j += loss_j;
        }
        // Exact for constant heat: the excess over the stationary rise decays exponentially.
        let heat_w = self.stray_heat_w + if dt_s > 0.0 { heat_j / dt_s } else { 0.0 };
        let stationary_c = self.ambient_c + heat_w * self.cooling_s / self.heat_capacity_j_per_k;
        self.temp_c = stationary_c + (self.temp_c - stationary_c) * (-dt_s / self.cooling_s).exp();
        (energy_j, heat_j)
    }

    fn mean_soc(&self) -> f64 {
        let charge: f64 = self.cells.iter().map(|c| c.soc * c.capacity_as).sum();
        let capacity: f64 = self.cells.iter().map(|c| c.capacity_as).sum();
        (charge / capacity).clamp(0.0, 1.0)
    }

    fn voltage_at(&self, current_a: f64) -> f64 {
        self.cells.iter().map(|c| self.ocv.voltage_v(c.soc) + current_a * c.resistance_ohm).sum()
    }
}

#[cfg(test)]
#[path = "pack_tests.rs"]
mod tests;
