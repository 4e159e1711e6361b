//! The model: every rule of the form, in continuous time.

mod arrivals;
mod curve;
mod geo;
mod meter;
mod outages;
mod plan;
mod reserve;
mod root;
mod run;
mod share;
mod station;
mod tally;
mod vehicle;

pub use geo::haversine_km;
pub use plan::Network;
pub use run::{Replication, StationFigures, replication};
pub use vehicle::{EventKind, Everything, Outcome, VehicleRow, Vehicles, Watch};
