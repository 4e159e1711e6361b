//! What a battery is and how it is: parameters from tests, state from telemetry, both with bounds.

mod circuit_cell;
mod error;
pub mod identify;
pub mod least_squares;
pub mod live;
mod record;

pub use circuit_cell::CircuitCell;
pub use error::EstimationError;
pub use record::{Record, Trace};
