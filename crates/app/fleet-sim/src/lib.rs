//! Virtual stations and vehicles that speak real OCPP, and replay of recorded sessions.
//!
//! - [`VirtualStation`]: one charging station over a real WebSocket, in OCPP 1.6, 2.0.1 or 2.1, with an offline queue.
//! - [`City`] and [`Demo`]: a small city of vehicles that drive, queue and charge at such stations.
//! - [`read_sessions`] and [`Replay`]: recorded charging sessions told again through such stations.
//! - [`run_load`], [`run_storm`], [`run_hostile`]: many stations at once, for benchmarks; [`run_graph`]: the same for
//!   twins over HTTP; [`run_chaos`]: transactions
//!   told in every way that goes wrong, with a ledger of what they really came to.
//!
//! # Invariants
//! - The central system is spoken to through its sockets and its HTTP interface only, as any station or vehicle would.
//! - What a vehicle says of its pack has passed its sensors, faulty ones among them; the truth stays here ([`City::pack_truth`]).
//! - What is random comes from a seed and a named stream; [`City`] and the energy profiles are pure.
//! - A transaction message is kept until it is answered; every queue is bounded.
//! - Times in messages are the real time in the demonstration and the recorded time in a replay. A speed factor makes
//!   physics or the record run faster and never changes these.
//! - The energy of a replayed session is exact: decimals from the text of the file to the frame.
//!
//! # Example
//! ```
//! use voltwin_fleet_sim::{EnergyProfile, parse_sessions};
//!
//! let file = "arrival,departure,station_id,session_id,delivered_energy (kWh)\n\
//!             2019-05-01 08:00:00-07:00,2019-05-01 12:00:00-07:00,CA-305,s1,7.8340000000000005\n";
//! let sessions = parse_sessions(file.as_bytes())?;
//! let profile = EnergyProfile::of(&sessions[0]);
//! let end = profile.points().last().map(|point| point.energy_wh.to_string());
//! assert_eq!(end.as_deref(), Some("7834.0000000000005000"));
//! # Ok::<(), voltwin_fleet_sim::ReplayError>(())
//! ```

mod city;
mod demo;
mod error;
mod load;
mod replay;
mod station;
mod telemetry;

pub use city::{
    City, CityEvent, Flow, MAX_ENTRIES, MAX_SCENARIO_BYTES, MAX_VEHICLES, PackTruth, ScenarioError, TwinLink,
    TwinSeed, VehicleStatus,
};
pub use demo::{Demo, DemoConfig, DemoProgress};
pub use error::FleetError;
pub use load::{
    Anomaly, ChaosConfig, ChaosReport, Crowd, GraphConfig, GraphReport, GraphWork, HostileConfig,
    HostileReport, Hostility, LoadConfig, LoadReport, StormConfig, StormReport, StormRound, run_chaos,
    run_graph, run_hostile, run_load, run_storm,
};
pub use replay::{
    EnergyProfile, MAX_BYTES, MAX_ENERGY_KWH, MAX_LINE_BYTES, MAX_ROWS, ProfilePoint, RecordedSession,
    Replay, ReplayConfig, ReplayError, ReplayProgress, ReplayProtocol, ReplayReport, SessionReport,
    parse_sessions, read_sessions,
};
pub use station::{
    ConnectorConfig, EvseConfig, Passwords, PlugIn, Reading, SessionId, SessionOutcome, StationConfig,
    StationEvent, StationHandle, StationState, Trust, VirtualStation,
};
pub use telemetry::TelemetryCounts;
