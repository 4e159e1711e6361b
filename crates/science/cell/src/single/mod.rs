//! Single-particle models: one particle stands for each electrode.
//!
//! - **SPM**: both particles, kinetics, no electrolyte.
//! - **SPMe**: besides, the salt across the cell, in the composite asymptotic form of Marquis, Sulzer, Timms, Please and
//!   Chapman, J. Electrochem. Soc. 166 (2019) A3693: concentration and ohmic overpotentials of the electrolyte at its
//!   mean concentration, ohmic ones of the solids, reaction overpotentials averaged over each electrode.

mod batch;
mod electrode;
mod model;
mod salt;

pub use batch::Batch;
pub use model::{ParticleSection, Resolution, Section, SingleParticle, State};
