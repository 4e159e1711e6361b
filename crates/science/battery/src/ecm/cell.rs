use serde::{Deserialize, Serialize};

use super::model::{C_RATE_MAX, Drive, Lane, SOC_MARGIN, Shown, with_pairs};
use super::parameters::within;
use super::{EcmModel, PAIRS_MAX, StepTable};
use crate::BatteryError;

/// Everything that a cell remembers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EcmState {
    /// Mean state of charge, 0 to 1 (5 % beyond is let pass).
    pub soc: f64,
    /// Voltage of each voltage pair in V; those that the model has not are 0.
    pub pair_v: [f64; PAIRS_MAX],
    /// Lag of each diffusion pair, in state of charge.
    pub lag: [f64; PAIRS_MAX],
    /// Hysteresis, -1 (discharged to here) to 1 (charged).
    pub hysteresis: f64,
    /// Temperature in °C.
    pub temp_c: f64,
}

impl EcmState {
    /// At rest.
    #[must_use]
    pub fn resting(soc: f64, temp_c: f64) -> Self {
        Self { soc, pair_v: [0.0; PAIRS_MAX], lag: [0.0; PAIRS_MAX], hysteresis: 0.0, temp_c }
    }
}

/// In what one cell differs from its type.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CellFactors {
    /// Capacity over that of the type, 0.1 to 2.
    pub capacity: f64,
    /// Resistance over that of the type, 0.1 to 10.
    pub resistance: f64,
}

impl Default for CellFactors {
    fn default() -> Self {
        Self { capacity: 1.0, resistance: 1.0 }
    }
}

impl CellFactors {
    /// # Errors
    /// [`BatteryError::Parameter`] when outside of its range.
    pub fn check(&self) -> Result<(), BatteryError> {
        within("capacity factor", self.capacity, 0.1, 2.0, "0.1 to 2")?;
        within("resistance factor", self.resistance, 0.1, 10.0, "0.1 to 10")
    }
}

/// What a step shows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EcmOutput {
    /// Terminal voltage at the end of the step in V.
    pub voltage_v: f64,
    /// Open-circuit voltage of the mean state of charge then, in V.
    pub ocv_v: f64,
    /// Heat over the step in W.
    pub heat_w: f64,
}

impl From<Shown> for EcmOutput {
    fn from(shown: Shown) -> Self {
        Self { voltage_v: shown.voltage_v, ocv_v: shown.ocv_v, heat_w: shown.heat_w }
    }
}

impl EcmModel {
    /// Moves `state` by one step of constant current (A, charging positive); exact for it but for the parameters,
    /// which are those of the state of charge at the end and the temperature at the start.
    ///
    /// # Errors
    /// [`BatteryError::Outside`] when the current passes 100C, the state of charge leaves `-0.05..=1.05` or the
    /// temperature the valid range; `state` is then as before.
    pub fn step(
        &self,
        step: &StepTable,
        state: &mut EcmState,
        factors: CellFactors,
        ambient_c: f64,
        current_a: f64,
    ) -> Result<EcmOutput, BatteryError> {
        let capacity_as = self.capacity_as * factors.capacity;
        outside("current_a", current_a, self.current_max_a())?;
        let [low_c, high_c] = self.parameters().valid_c;
        between("ambient_c", ambient_c, low_c, high_c)?;
        between("soc", state.soc + current_a * step.dt_s() / capacity_as, -SOC_MARGIN, 1.0 + SOC_MARGIN)?;
        let mut next = *state;
        let drive = Drive { capacity_as, resistance_factor: factors.resistance, ambient_c, current_a };
        let output = self.step_unchecked(step, &mut next, drive);
        between("temp_c", next.temp_c, low_c, high_c)?;
        *state = next;
        Ok(output)
    }

    /// The largest current, A.
    #[must_use]
    pub fn current_max_a(&self) -> f64 {
        C_RATE_MAX * self.capacity_as / 3_600.0
    }

    /// The step with the state of charge held at the ends of its range instead of an error.
    pub(crate) fn step_unchecked(&self, step: &StepTable, state: &mut EcmState, drive: Drive) -> EcmOutput {
        with_pairs!(self, scalar(self, step, state, drive))
    }

    /// Like [`EcmModel::step`] for estimators, which must go on whatever a sensor says: inputs are held inside of the
    /// valid ranges.
    pub fn step_clamped(
        &self,
        step: &StepTable,
        state: &mut EcmState,
        factors: CellFactors,
        ambient_c: f64,
        current_a: f64,
    ) -> EcmOutput {
        let [low_c, high_c] = self.parameters().valid_c;
        let most_a = self.current_max_a();
        let hold =
            |value: f64, low: f64, high: f64| if value.is_nan() { low } else { value.clamp(low, high) };
        let drive = Drive {
            capacity_as: self.capacity_as * hold(factors.capacity, 0.1, 2.0),
            resistance_factor: hold(factors.resistance, 0.1, 10.0),
            ambient_c: hold(ambient_c, low_c, high_c),
            current_a: hold(current_a, -most_a, most_a),
        };
        let output = self.step_unchecked(step, state, drive);
        state.temp_c = hold(state.temp_c, low_c, high_c);
        output
    }
}

fn scalar<const N: usize, const M: usize>(
    model: &EcmModel,
    step: &StepTable,
    state: &mut EcmState,
    drive: Drive,
) -> EcmOutput {
    let mut lane = Lane::<N, M> {
        soc: state.soc,
        pair_v: std::array::from_fn(|pair| state.pair_v[pair]),
        lag: std::array::from_fn(|pair| state.lag[pair]),
        hysteresis: state.hysteresis,
        temp_c: state.temp_c,
    };
    let shown = model.advance(step, &mut lane, drive);
    state.soc = lane.soc;
    state.pair_v[..N].copy_from_slice(&lane.pair_v);
    state.lag[..M].copy_from_slice(&lane.lag);
    state.hysteresis = lane.hysteresis;
    state.temp_c = lane.temp_c;
    shown.into()
}

pub(crate) fn between(field: &'static str, value: f64, low: f64, high: f64) -> Result<(), BatteryError> {
    if (low..=high).contains(&value) {
        Ok(())
    } else {
        Err(BatteryError::Outside { field, value, low, high })
    }
}

fn outside(field: &'static str, value: f64, most: f64) -> Result<(), BatteryError> {
    between(field, value, -most, most)
}
