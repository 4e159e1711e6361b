//! The physics of one lithium-ion cell.
//!
//! A [`ParameterSet`] holds the numbers and functions of a cell, each with its source. A [`CellModel`] turns a set
//! into a voltage and a temperature under a current. A [`Protocol`] says what is done to the cell, and a [`Run`]
//! drives any model through any protocol, with exact ends.
//!
//! # Invariants
//! - **Pure**: no clock, no I/O, no randomness. The same inputs give the same trace, bit for bit.
//! - **Charging is positive** in every value here. Only the two table forms, [`Protocol::from_csv`] and [`Trace::csv`],
//!   are discharge-positive, as battery data are published.
//! - SI units with the unit in the name; a state of charge is 0 to 1 of the charge between the voltage limits at rest.
//! - Outside of a set's validity there is an error that names the field and its limits, never a NaN.

pub mod constants;
mod error;
mod model;
pub mod particle;
mod protocol;
mod run;
pub mod set;
mod single;
mod table;
mod trace;

pub use error::CellError;
pub use model::{CellModel, Ramp, Surroundings};
pub use protocol::{Load, Protocol, Stage, Stop};
pub use run::Run;
pub use set::ParameterSet;
pub use single::{Batch, ParticleSection, Resolution, Section, SingleParticle, State};
pub use table::HermiteTable;
pub use trace::{Ending, Row, Trace};
