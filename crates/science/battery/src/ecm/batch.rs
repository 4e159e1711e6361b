use std::sync::Arc;

use super::cell::between;
use super::model::{Drive, Lane, with_pairs};
use super::{CellFactors, EcmModel, EcmState, PAIRS_MAX, StepTable};
use crate::BatteryError;

/// Many cells of one type, each quantity in a row of its own.
///
/// A step gives the very bits of [`EcmModel::step`] on each cell.
#[derive(Debug, Clone)]
pub struct EcmBatch {
    model: Arc<EcmModel>,
    step: Option<StepTable>,
    soc: Vec<f64>,
    pair_v: [Vec<f64>; PAIRS_MAX],
    lag: [Vec<f64>; PAIRS_MAX],
    hysteresis: Vec<f64>,
    temp_c: Vec<f64>,
    capacity_as: Vec<f64>,
    resistance_factor: Vec<f64>,
    voltage_v: Vec<f64>,
}

impl EcmBatch {
    /// Cells at their states.
    ///
    /// # Errors
    /// Names the first factor or state out of range.
    pub fn new(model: Arc<EcmModel>, cells: &[(EcmState, CellFactors)]) -> Result<Self, BatteryError> {
        let [low_c, high_c] = model.parameters().valid_c;
        for (state, factors) in cells {
            factors.check()?;
            between("soc", state.soc, 0.0, 1.0)?;
            between("temp_c", state.temp_c, low_c, high_c)?;
            let rest = state.pair_v.iter().chain(&state.lag).chain([&state.hysteresis]);
            rest.copied().try_for_each(|value| between("state", value, -20.0, 20.0))?;
        }
        let column =
            |read: &dyn Fn(&(EcmState, CellFactors)) -> f64| cells.iter().map(read).collect::<Vec<_>>();
        let used = |count: usize, pair: usize, read: &dyn Fn(&(EcmState, CellFactors)) -> f64| {
            if pair < count { column(read) } else { Vec::new() }
        };
        let (pairs, diffusion) = (model.parameters().pairs.len(), model.parameters().diffusion.len());
        Ok(Self {
            soc: column(&|cell| cell.0.soc),
            pair_v: std::array::from_fn(|pair| used(pairs, pair, &|cell| cell.0.pair_v[pair])),
            lag: std::array::from_fn(|pair| used(diffusion, pair, &|cell| cell.0.lag[pair])),
            hysteresis: column(&|cell| cell.0.hysteresis),
            temp_c: column(&|cell| cell.0.temp_c),
            capacity_as: column(&|cell| model.capacity_as * cell.1.capacity),
            resistance_factor: column(&|cell| cell.1.resistance),
            voltage_v: vec![0.0; cells.len()],
            step: None,
            model,
        })
    }

    /// How many cells.
    #[must_use]
    pub fn len(&self) -> usize {
        self.soc.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.soc.is_empty()
    }

    /// Moves every cell by `dt_s` at its current (A, charging positive) in its surroundings (°C). A state of charge
    /// is held within `-0.05..=1.05`.
    ///
    /// # Errors
    /// Names the first input out of range; nothing has moved then.
    pub fn step(&mut self, dt_s: f64, current_a: &[f64], ambient_c: &[f64]) -> Result<(), BatteryError> {
        let count = self.len();
        if current_a.len() != count || ambient_c.len() != count {
            return Err(BatteryError::Shape {
                field: "current_a and ambient_c",
                rule: "one value for each cell",
            });
        }
        let [low_c, high_c] = self.model.parameters().valid_c;
        let most_a = self.model.current_max_a();
        if !current_a.iter().fold(true, |good, a| good & (a.abs() <= most_a)) {
            current_a.iter().try_for_each(|a| between("current_a", *a, -most_a, most_a))?;
        }
        if !ambient_c.iter().fold(true, |good, c| good & (*c >= low_c) & (*c <= high_c)) {
            ambient_c.iter().try_for_each(|c| between("ambient_c", *c, low_c, high_c))?;
        }
        let step = match self.step.take() {
            Some(step) if step.dt_s().to_bits() == dt_s.to_bits() => step,
            _ => self.model.step_table(dt_s)?,
        };
        let model = Arc::clone(&self.model);
        with_pairs!(model, sweep(&model, &step, self, current_a, ambient_c));
        self.step = Some(step);
        Ok(())
    }

    /// Terminal voltages after the last step in V.
    #[must_use]
    pub fn voltage_v(&self) -> &[f64] {
        &self.voltage_v
    }

    /// States of charge.
    #[must_use]
    pub fn soc(&self) -> &[f64] {
        &self.soc
    }

    /// Temperatures in °C.
    #[must_use]
    pub fn temp_c(&self) -> &[f64] {
        &self.temp_c
    }

    /// The whole state of a cell, if there is one of this number.
    #[must_use]
    pub fn state(&self, cell: usize) -> Option<EcmState> {
        let of = |column: &Vec<f64>| column.get(cell).copied().unwrap_or(0.0);
        Some(EcmState {
            soc: *self.soc.get(cell)?,
            pair_v: std::array::from_fn(|pair| of(&self.pair_v[pair])),
            lag: std::array::from_fn(|pair| of(&self.lag[pair])),
            hysteresis: of(&self.hysteresis),
            temp_c: of(&self.temp_c),
        })
    }
}

fn sweep<const N: usize, const M: usize>(
    model: &EcmModel,
    step: &StepTable,
    batch: &mut EcmBatch,
    current_a: &[f64],
    ambient_c: &[f64],
) {
    let count = batch.soc.len();
    // Slices of one known length let the compiler drop the bounds checks of the loop.
    let (current_a, ambient_c) = (&current_a[..count], &ambient_c[..count]);
    let (capacity_as, resistance) = (&batch.capacity_as[..count], &batch.resistance_factor[..count]);
    let (soc, temp_c) = (&mut batch.soc[..count], &mut batch.temp_c[..count]);
    let (hysteresis, voltage_v) = (&mut batch.hysteresis[..count], &mut batch.voltage_v[..count]);
    let mut pair_columns = batch.pair_v.iter_mut();
    let pair_v: [&mut [f64]; N] =
        std::array::from_fn(|_| pair_columns.next().map_or(&mut [][..], |column| &mut column[..count]));
    let mut lag_columns = batch.lag.iter_mut();
    let lag: [&mut [f64]; M] =
        std::array::from_fn(|_| lag_columns.next().map_or(&mut [][..], |column| &mut column[..count]));
    for cell in 0..count {
        let mut lane = Lane::<N, M> {
            soc: soc[cell],
            pair_v: std::array::from_fn(|pair| pair_v[pair][cell]),
            lag: std::array::from_fn(|pair| lag[pair][cell]),
            hysteresis: hysteresis[cell],
            temp_c: temp_c[cell],
        };
        let drive = Drive {
            capacity_as: capacity_as[cell],
            resistance_factor: resistance[cell],
            ambient_c: ambient_c[cell],
            current_a: current_a[cell],
        };
        let shown = model.advance(step, &mut lane, drive);
        soc[cell] = lane.soc;
        for pair in 0..N {
            pair_v[pair][cell] = lane.pair_v[pair];
        }
        for pair in 0..M {
            lag[pair][cell] = lane.lag[pair];
        }
        hysteresis[cell] = lane.hysteresis;
        temp_c[cell] = lane.temp_c;
        voltage_v[cell] = shown.voltage_v;
    }
}
