//! What a battery is and how it is: parameters from tests, state from telemetry, both with bounds.
//!
//! - [`identify`] finds the equivalent circuit of a cell in its tests: bounded least squares, a standard deviation for
//!   every parameter, and the misfit on tests that were left out beside that of the fit.
//! - [`live`] follows a pack: state of charge, capacity, resistance, temperature and the current sensor's bias with 95 %
//!   intervals, the residual, and whether the twin follows its pack at all.
//! - [`CircuitCell`] is the circuit of a parameter set of `voltwin_cell`, driven by the same protocols as the physics.
//!
//! # Invariants
//! - **Pure**: no clock, no I/O, no randomness. The same inputs give the same results, bit for bit.
//! - **Charging is positive.**
//! - The memory of a pack is a plain value: written down and read again, it goes on with the same bits.
//! - No reading, however wrong, makes a number that is none.
//!
//! # Example
//! ```
//! use std::sync::Arc;
//! use voltwin_battery::ecm::{EcmModel, EcmParameters, Surface, Thermal};
//! use voltwin_estimation::live::{Estimator, LiveConfig, Reading};
//!
//! let cell = EcmParameters {
//!     name: "a cell".into(),
//!     capacity_ah: 5.0,
//!     ocv_soc: vec![0.0, 1.0],
//!     ocv_v: vec![3.0, 4.2],
//!     reference_c: 25.0,
//!     entropic_v_per_k: vec![],
//!     r0_ohm: Surface::constant(0.02),
//!     pairs: vec![],
//!     diffusion: vec![],
//!     exchange_a: None,
//!     hysteresis: None,
//!     thermal: Thermal { heat_capacity_j_per_k: 70.0, conductance_w_per_k: 0.1 },
//!     limits_v: [2.5, 4.2],
//!     valid_c: [-20.0, 60.0],
//! };
//! let config = LiveConfig { cells_series: 96, cells_parallel: 2, ..LiveConfig::default() };
//! let estimator = Estimator::new(Arc::new(EcmModel::new(cell)?), config)?;
//! let mut memory = estimator.start(None);
//! let reading = Reading { t_s: 0.0, voltage_v: Some(96.0 * 3.84), ..Reading::default() };
//! let estimate = estimator.update(&mut memory, &reading);
//! assert!((estimate.soc.value - 0.7).abs() < 0.02, "{}", estimate.soc.value);
//! assert!(estimate.soc.low < 0.7 && 0.7 < estimate.soc.high);
//! # Ok::<(), voltwin_estimation::EstimationError>(())
//! ```
#![allow(
    clippy::needless_range_loop,
    reason = "matrices and parallel columns read as in the formulas by index"
)]

mod circuit_cell;
mod error;
pub mod identify;
pub mod least_squares;
pub mod live;
mod record;

pub use circuit_cell::CircuitCell;
pub use error::EstimationError;
pub use record::{Record, Trace};
