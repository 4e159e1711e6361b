//! Decisions: what the model is for.

mod compare;
mod fit;
mod optimise;
mod sensitivity;
mod siting;

pub use compare::{Comparison, Difference, comparable, compare};
pub use fit::{Arrival, Fit, HourTest, fit};
pub use optimise::{Candidate, Plan, Search, optimise};
pub use sensitivity::{Swing, sensitivity};
pub use siting::{DemandPoint, Site, site};
