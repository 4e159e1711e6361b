//! Parameter sets: one cell as numbers and functions, each with its source.

mod curve;
mod electrolyte;
mod equilibrium;
mod library;
mod parameters;
mod thermal;

pub use curve::Curve;
pub use electrolyte::{CONCENTRATION_MIN_MOL_M3, Factor, TransportAt, TransportLaw, cubic};
pub use equilibrium::{Stoichiometry, Window, asymptote};
pub use library::{named, names};
pub use parameters::{
    Cell, Chemistry, Diffusivity, Electrode, Electrolyte, Exchange, ParameterSet, Separator, Validity,
    regularised_power,
};
pub use thermal::{Layer, Thermal};
