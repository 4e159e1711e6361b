//! Networks of battery-swap stations.
mod error;
mod extras;
mod kpis;
mod model;
mod scenario;
mod validate;
pub use error::*;
pub use extras::*;
pub use kpis::*;
pub use model::*;
pub use scenario::*;
