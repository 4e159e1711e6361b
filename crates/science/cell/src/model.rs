//! What every model of a cell can do, so that one runner drives them all.

use crate::{CellError, ParameterSet};

/// Current over one step, linear in time, A. Charging is positive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ramp {
    /// At the start of the step.
    pub from_a: f64,
    /// At its end.
    pub to_a: f64,
}

impl Ramp {
    /// The same current throughout.
    #[must_use]
    pub fn constant(current_a: f64) -> Self {
        Self { from_a: current_a, to_a: current_a }
    }

    /// At a share `0..=1` of the step.
    #[must_use]
    pub fn at(self, share: f64) -> f64 {
        self.from_a + share * (self.to_a - self.from_a)
    }

    /// Mean over the step.
    #[must_use]
    pub fn mean_a(self) -> f64 {
        0.5 * (self.from_a + self.to_a)
    }
}

/// How a cell gives off its heat.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Surroundings {
    /// The cell keeps the temperature it starts with.
    Isothermal,
    /// One temperature for the cell, which cools to the ambient through its surface.
    Lumped {
        /// K.
        ambient_k: f64,
        /// W/(m² K), over the set's cooling area; the set's own value when absent.
        heat_transfer_w_m2_k: Option<f64>,
    },
}

/// A model of one cell: a function from state and current to the next state and the voltage.
///
/// States are plain values: a step reads one and writes another, so that a runner can try a step and take it back.
/// `&mut self` is for working memory only; the same arguments give the same result, bit for bit.
pub trait CellModel {
    /// What changes in time.
    type State: Clone;

    /// What it is made from.
    fn set(&self) -> &ParameterSet;

    /// The state of a cell that has rested for long, at a state of charge in `0..=1` and a temperature in K.
    ///
    /// # Errors
    /// Outside of the set's validity.
    fn rest(&self, soc: f64, temperature_k: f64) -> Result<Self::State, CellError>;

    /// Writes to `to` the state a step later.
    ///
    /// # Errors
    /// When the state leaves the model's range, or a solver fails.
    fn advance(
        &mut self,
        from: &Self::State,
        to: &mut Self::State,
        current: Ramp,
        step_s: f64,
    ) -> Result<(), CellError>;

    /// Voltage at the terminals in V, right after the current has become this (charging positive).
    ///
    /// # Errors
    /// When a solver fails.
    fn voltage_v(&mut self, state: &Self::State, current_a: f64) -> Result<f64, CellError>;

    /// Mean temperature of the cell, K.
    fn temperature_k(&self, state: &Self::State) -> f64;

    /// State of charge of the lithium that can cycle, about `0..=1`.
    fn soc(&self, state: &Self::State) -> f64;

    /// A step in s that keeps the model's own error small, when the current last jumped that long ago.
    fn step_s(&self, since_jump_s: f64) -> f64;
}
