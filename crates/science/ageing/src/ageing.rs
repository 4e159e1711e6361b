//! A cell that ages.

use serde::{Deserialize, Serialize};

use crate::{AgeingError, Cell, Stress, cells::Rates, error::within};

/// How much faster than the fitted cell this one ages; all 1 for the fitted cell.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Scales {
    /// On calendar losses.
    pub calendar: f64,
    /// On losses by cycling.
    pub cycle: f64,
    /// How many times as early the loss of active material sets in, where a cell's model has one.
    pub knee: f64,
}

impl Default for Scales {
    fn default() -> Self {
        Self { calendar: 1.0, cycle: 1.0, knee: 1.0 }
    }
}

/// What a cell has lost so far, by mechanism, relative to new; enough to go on from.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct State {
    /// Days lived.
    pub age_days: f64,
    /// Full equivalent cycles of the nominal capacity.
    pub full_cycles: f64,
    /// Capacity lost by time.
    pub calendar_loss: f64,
    /// Capacity lost by cycling.
    pub cycle_loss: f64,
    /// Capacity lost by the break-in of hard cycling.
    pub break_in_loss: f64,
    /// Active material lost.
    pub material_loss: f64,
    /// Resistance gained by time.
    pub calendar_resistance: f64,
    /// Resistance gained by cycling.
    pub cycle_resistance: f64,
}

/// What of a stretch lies outside the experiments behind the model. The result is then extrapolation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Extrapolation {
    /// Temperature.
    pub temperature: bool,
    /// Depth of the cycles.
    pub depth: bool,
    /// State of charge.
    pub soc: bool,
    /// Charge current.
    pub charge: bool,
    /// Discharge current.
    pub discharge: bool,
}

impl Extrapolation {
    /// Whether anything is outside.
    #[must_use]
    pub fn any(self) -> bool {
        self.temperature || self.depth || self.soc || self.charge || self.discharge
    }

    fn join(self, other: Self) -> Self {
        Self {
            temperature: self.temperature || other.temperature,
            depth: self.depth || other.depth,
            soc: self.soc || other.soc,
            charge: self.charge || other.charge,
            discharge: self.discharge || other.discharge,
        }
    }
}

/// A cell with its history.
#[derive(Debug, Clone, PartialEq)]
pub struct Ageing {
    cell: Cell,
    scales: Scales,
    state: State,
    extrapolation: Extrapolation,
}

impl Ageing {
    /// A new cell.
    #[must_use]
    pub fn new(cell: Cell) -> Self {
        Self {
            cell,
            scales: Scales::default(),
            state: State::default(),
            extrapolation: Extrapolation::default(),
        }
    }

    /// A cell with a history and a character of its own.
    ///
    /// # Errors
    /// Scales outside 0..=100 (the knee's from 0.01), or losses outside 0..=10.
    pub fn resume(cell: Cell, scales: Scales, state: State) -> Result<Self, AgeingError> {
        within("scales.calendar", scales.calendar, 0.0, 100.0)?;
        within("scales.cycle", scales.cycle, 0.0, 100.0)?;
        within("scales.knee", scales.knee, 0.01, 100.0)?;
        for (field, value) in [
            ("state.calendar_loss", state.calendar_loss),
            ("state.cycle_loss", state.cycle_loss),
            ("state.break_in_loss", state.break_in_loss),
            ("state.material_loss", state.material_loss),
            ("state.calendar_resistance", state.calendar_resistance),
            ("state.cycle_resistance", state.cycle_resistance),
        ] {
            within(field, value, 0.0, 10.0)?;
        }
        within("state.age_days", state.age_days, 0.0, 1e6)?;
        within("state.full_cycles", state.full_cycles, 0.0, 1e9)?;
        Ok(Self { cell, scales, state, extrapolation: Extrapolation::default() })
    }

    /// The cell type.
    #[must_use]
    pub fn cell(&self) -> Cell {
        self.cell
    }

    /// The speed factors.
    #[must_use]
    pub fn scales(&self) -> Scales {
        self.scales
    }

    /// The losses so far.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// What has been outside the experiments so far.
    #[must_use]
    pub fn extrapolation(&self) -> Extrapolation {
        self.extrapolation
    }

    /// Capacity relative to new, never below zero.
    #[must_use]
    pub fn capacity(&self) -> f64 {
        let State { calendar_loss, cycle_loss, break_in_loss, material_loss, .. } = self.state;
        self.cell.capacity(calendar_loss + cycle_loss + break_in_loss, material_loss).max(0.0)
    }

    /// Resistance relative to new, for cells whose fit covers it.
    #[must_use]
    pub fn resistance(&self) -> Option<f64> {
        let State { calendar_resistance, cycle_resistance, .. } = self.state;
        self.cell.facts().resistance.then_some(1.0 + calendar_resistance + cycle_resistance)
    }

    /// Lives through a stretch and tells what of it was outside the experiments.
    pub fn advance(&mut self, stress: &Stress) -> Extrapolation {
        self.advance_times(stress, 1.0)
    }

    /// Lives through a stretch `times` times at once: exact where the repetitions are alike.
    ///
    /// A negative or undefined number counts as zero.
    pub fn advance_times(&mut self, stress: &Stress, times: f64) -> Extrapolation {
        let times = if times > 0.0 { times } else { 0.0 };
        let capacity = self.capacity();
        let days = stress.duration_days * times;
        let cycles = stress.full_cycles * capacity * times;
        self.step(&self.cell.rates(stress, capacity), days, cycles);
        let outside = self.outside(stress);
        self.extrapolation = self.extrapolation.join(outside);
        outside
    }

    /// As [`advance`](Self::advance), but refuses to extrapolate.
    ///
    /// # Errors
    /// [`AgeingError::OutsideExperiment`] with the first limit that is passed; the cell is then as before.
    pub fn advance_within(&mut self, stress: &Stress) -> Result<(), AgeingError> {
        self.within_experiments(stress)?;
        self.advance(stress);
        Ok(())
    }

    fn step(&mut self, rates: &Rates, days: f64, cycles: f64) {
        let Scales { calendar, cycle, knee } = self.scales;
        let state = &mut self.state;
        state.age_days += days;
        state.full_cycles += cycles;
        state.calendar_loss = rates.calendar.scaled(calendar).advance(state.calendar_loss, days);
        state.cycle_loss = rates.cycle.scaled(cycle).advance(state.cycle_loss, cycles);
        state.break_in_loss = rates.break_in.scaled(cycle).advance(state.break_in_loss, cycles);
        state.material_loss = rates.material.hastened(knee).advance(state.material_loss, cycles);
        state.calendar_resistance =
            rates.resistance_calendar.scaled(calendar).advance(state.calendar_resistance, days);
        state.cycle_resistance = rates.resistance_cycle.scaled(cycle).advance(state.cycle_resistance, cycles);
    }

    fn outside(&self, stress: &Stress) -> Extrapolation {
        let mut outside = Extrapolation::default();
        for (field, value, low, high) in self.limits(stress) {
            if !(low..=high).contains(&value) {
                match field {
                    "temp_c" => outside.temperature = true,
                    "depth" => outside.depth = true,
                    "soc" => outside.soc = true,
                    "charge_c_rate" => outside.charge = true,
                    _ => outside.discharge = true,
                }
            }
        }
        outside
    }

    fn within_experiments(&self, stress: &Stress) -> Result<(), AgeingError> {
        let cell = self.cell.facts().name;
        self.limits(stress)
            .into_iter()
            .find(|(_, value, low, high)| !(*low..=*high).contains(value))
            .map_or(Ok(()), |(field, value, low, high)| {
                Err(AgeingError::OutsideExperiment { cell, field, value, low, high })
            })
    }

    /// `(field, value, lowest, highest)`; a stretch without cycles has no depth that could be outside.
    fn limits(&self, stress: &Stress) -> [(&'static str, f64, f64, f64); 7] {
        // one part in 10^9 for sums of decimal fractions
        let slack = 1e-9;
        let valid = self.cell.facts().validity;
        let depth = if stress.depth > 0.0 { stress.depth } else { valid.depth.1 };
        [
            ("temp_c", stress.temp_c_range.0, valid.temp_c.0, valid.temp_c.1),
            ("temp_c", stress.temp_c_range.1, valid.temp_c.0, valid.temp_c.1),
            ("depth", depth, valid.depth.0 - slack, valid.depth.1 + slack),
            ("soc", stress.soc_range.0, valid.soc.0 - slack, valid.soc.1 + slack),
            ("soc", stress.soc_range.1, valid.soc.0 - slack, valid.soc.1 + slack),
            ("charge_c_rate", stress.charge_c_rate, 0.0, valid.charge_c_rate + slack),
            ("discharge_c_rate", stress.discharge_c_rate, 0.0, valid.discharge_c_rate + slack),
        ]
    }
}
