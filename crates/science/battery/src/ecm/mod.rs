//! One cell as an equivalent circuit: open-circuit voltage, resistors, up to three RC pairs, up to three diffusion
//! pairs, charge transfer, hysteresis and one temperature.
//!
//! Parameters are tables over state of charge and temperature. A step of constant current is exact in every linear
//! part: `v <- R i + (v - R i) exp(-dt/tau)`, likewise for lag, hysteresis and temperature.

mod batch;
mod cell;
mod model;
mod parameters;
#[cfg(test)]
mod tests;

pub use batch::EcmBatch;
pub use cell::{CellFactors, EcmOutput, EcmState};
pub use model::{C_RATE_MAX, EcmModel, SOC_MARGIN, STEP_MAX_S, StepTable};
pub use parameters::{
    DiffusionPair, EcmParameters, FARADAY, GAS_CONSTANT, Hysteresis, PAIRS_MAX, Surface, Thermal,
    VoltagePair, ZERO_CELSIUS_K,
};
