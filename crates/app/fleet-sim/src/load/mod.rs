//! Load for benchmarks: many stations at once, as external processes would bring it.
//!
//! - [`run_load`]: stations that send one message after the other, in closed loop or at a rate;
//! - [`run_storm`]: all connections break at once and come back, round after round;
//! - [`run_chaos`]: transactions told twice, late, out of order and by clocks that are wrong;
//! - [`run_graph`]: patches, reads and queries of twins over HTTP, and subscribers that watch;
//! - [`run_hostile`]: peers that hold handshakes open, trickle bytes, send huge frames or flood.
//!
//! What is drawn at random comes from the identity of each station, so that a run can be repeated.

mod caller;
mod chaos;
mod graph;
mod histogram;
mod hostile;
mod steady;
mod storm;

use voltwin_ocpp::Version;

pub use chaos::{Anomaly, ChaosConfig, ChaosReport, run_chaos};
pub use graph::{GraphConfig, GraphReport, GraphWork, run_graph};
pub use hostile::{HostileConfig, HostileReport, Hostility, run_hostile};
pub use steady::{LoadConfig, LoadReport, run_load};
pub use storm::{StormConfig, StormReport, StormRound, run_storm};

use crate::FleetError;
use crate::station::{Passwords, StationConfig, Target, Trust};

/// The stations of one run.
#[derive(Clone)]
pub struct Crowd {
    /// Endpoint of the central system.
    pub url: String,
    /// Tenant to name in the path; absent when the credentials decide.
    pub tenant: Option<String>,
    /// Version that all speak.
    pub version: Version,
    /// Identities of the stations, 1 to 20,000.
    pub stations: Vec<String>,
    /// Password of a station by its identity.
    pub password: Passwords,
    /// Whose certificates they believe; with it they speak TLS, without it they do not.
    pub trust: Option<Trust>,
}

impl Crowd {
    /// Where each station connects.
    fn targets(&self) -> Result<Vec<Target>, FleetError> {
        if !(1..=20_000).contains(&self.stations.len()) {
            let value = self.stations.len().to_string();
            return Err(FleetError::Setting { field: "stations", value, rule: "1 to 20000" });
        }
        self.stations.iter().map(|identity| self.target(identity, self.version)).collect()
    }

    fn target(&self, identity: &str, version: Version) -> Result<Target, FleetError> {
        let mut station = StationConfig::new(&self.url, identity, version);
        station.tenant.clone_from(&self.tenant);
        station.password = (self.password)(identity);
        station.trust.clone_from(&self.trust);
        Target::new(&station)
    }
}

/// A fraction from 0 to 1 that depends on the words only.
fn fraction(identity: &str, purpose: &str, round: u64) -> f64 {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut hasher = DefaultHasher::new();
    (identity, purpose, round).hash(&mut hasher);
    (hasher.finish() >> 11) as f64 / (1u64 << 53) as f64
}
