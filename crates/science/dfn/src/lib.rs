//! temp
mod blocks;
mod error;
mod grid;
mod kernel;
mod material;
mod model;
mod options;
mod particle;
mod profile;
mod run;
mod stepper;
mod tableau;

pub use error::DfnError;
pub use model::{Dfn, DfnState, Lithium};
pub use options::{Mesh, Tolerance};
pub use profile::{ElectrodeProfile, Profile};
pub use run::Output;
