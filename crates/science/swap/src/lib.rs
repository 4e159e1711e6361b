//! Networks of battery-swap stations: an exact discrete-event model, and what to decide with it.
//!
//! A [`Scenario`] (the form `swap-scenario/1`) says which stations there are, when vehicles come and what they bring. A
//! [`Model`] of it runs replications; [`Runs`] hold their figures ([`Kpi`], the form `swap-kpis/1`). [`replication`] runs
//! one and lets a [`Watch`] see every vehicle or every event. The rules stand in docs/swap.md. Decisions stand on top:
//! [`compare`], [`sensitivity`], [`optimise`], [`fit`] and [`site`].
//!
//! # Invariants
//! - **Exact in continuous time**: no time step. Charges, reservations and shared power are closed forms between events;
//!   instants at which they cross a limit are roots, found to about a nanosecond.
//! - **Pure and repeatable**: replication r of a seed is one fixed sample path, to the bit, at any number of threads.
//! - **Chance has names**: a vehicle's numbers depend on seed, replication, station and its point in the demand. A design
//!   that is changed meets the same vehicles; more demand adds vehicles and moves none.
//! - **Runs can be kept**: a [`Block`] holds replications to the bit; figures do not depend on where a run was stopped.
//! - **Every field is checked**: a scenario that passes [`Scenario::check`] runs; one that does not names each field.
//!
//! # Example
//! ```
//! use voltwin_swap::{Control, Kpi, Model, Scenario};
//!
//! let scenario = Scenario::from_json(r#"{
//!   "schema": "swap-scenario/1", "horizon_s": 86400, "warmup_s": 0, "meter_s": 900, "seed": 1, "replications": 20,
//!   "battery": {"capacity_kwh": 75, "soh0": 1, "fade_per_efc": 0, "swap_min_soc": 0.9},
//!   "charge": {"p_max_kw": 60, "soc_cv": 0.8, "target_soc": 0.99, "efficiency": 0.95, "cooldown_s": 60},
//!   "grid": {"policy": "admission"}, "swap": 90, "arrival_soc": 0.2,
//!   "service": {"on_stockout": "wait"},
//!   "demand": {"profile_per_h": [8,8,8,8,8,8,8,8,8,8,8,8,8,8,8,8,8,8,8,8,8,8,8,8], "dow": [1,1,1,1,1,1,1],
//!              "rate_jitter_cv": 0, "arrival_jitter_s": 0},
//!   "stations": [{"id": "S", "lat": 0, "lon": 0, "bays": 1, "batteries": 60, "chargers": 60, "grid_kw": null, "demand_scale": 1}]
//! }"#)?;
//! let runs = Model::new(&scenario).run(0..20, &Control::default())?;
//! // never short of packs, one bay, 90 s constant, 8 an hour: M/D/1 with a load of 0.2 and a mean wait of 11.25 s
//! assert!((runs.summary(Kpi::WaitMeanS).mean - 11.25).abs() < 3.0);
//! # Ok::<(), voltwin_swap::SwapError>(())
//! ```

mod block;
mod decide;
mod economics;
mod error;
mod extras;
mod kpis;
mod model;
mod report;
mod runs;
mod scenario;
mod validate;

pub use block::{Block, BlockError, Key};
pub use decide::{
    Arrival, Candidate, Comparison, DemandPoint, Difference, Fit, HourTest, Plan, Search, Site, Swing,
    comparable, compare, fit, optimise, sensitivity, site,
};
pub use economics::{MONEY, Money, MoneyOf, capital};
pub use error::{Problem, SwapError};
pub use extras::{Capital, Derating, Economics, Failures, Hours, Reliability};
pub use kpis::{Figure, Kpi, KpiRow};
pub use model::{
    EventKind, Everything, Network, Outcome, Replication, StationFigures, VehicleRow, Vehicles, Watch,
    haversine_km, replication,
};
pub use report::{kpis_json, plain, vehicles_json};
pub use runs::{Control, Model, RunRow, Runs};
pub use scenario::{
    Battery, Charge, Demand, Grid, OnStockout, Policy, Reroute, SCHEMA, Scenario, Service, Station, TraceRow,
};

/// Version of the way in which chance is drawn: results of one seed can be compared within one version.
pub const SAMPLER: u32 = 1;
