//! Optimal schedules of storages behind shared meters.
//!
//! A [`Program`] has [`Storage`]s (vehicles, batteries), each connected for a window of slots, and a tree of [`Meter`]s
//! (phases, zones, a site) through which their power flows, with limits, prices and charges on the highest power. All
//! costs are linear or convex and quadratic. [`solve`] finds the least cost with a primal-dual interior point that knows
//! this structure: the rows of a storage are tridiagonal, and storages meet only in the meters. One iteration costs
//! `O(Σ window²)` for the storages, side by side on all threads, and one Cholesky factor of the meters, whose matrix is
//! kept as a skyline, so that zones behind a site and days of a month cost what they cost alone.
//!
//! # Invariants
//! - **Pure**: no clock, no I/O. Threads share the work, but the order of every sum is fixed: the same program gives the
//!   same bits at any number of threads.
//! - A wrong program is an error that names the field; a program without room gives a point and says that it is not
//!   optimal. Nothing panics.
//!
//! # Sources
//! Mehrotra, SIAM J. Optimization 2 (1992): predictor and corrector. Takahashi, Fagan, Chen (1973): inverse of a sparse
//! factor. George, Liu (1981): envelopes.
//!
//! # Example
//! ```
//! use voltwin_optimise::{Floor, Meter, Program, Settings, Storage, solve};
//!
//! // 10 kWh within four hours of one hour each, cheap in the third
//! let car = Storage {
//!     start: 0, slots: 4, meters: vec![(0, 1.0)],
//!     energy_start: 20.0, charge_gain: 1.0, discharge_loss: 1.0,
//!     charge_min: 0.0.into(), charge_max: 7.0.into(), discharge_max: 0.0.into(), energy_min: 0.0.into(), energy_max: 50.0.into(),
//!     charge_cost: 0.0.into(), discharge_cost: 0.0.into(), energy_cost: 0.0.into(),
//!     power_curvature: 0.0, energy_curvature: 0.0,
//!     floors: vec![Floor { slot: 3, energy: 30.0, cost: 10.0, curvature: 0.0 }],
//! };
//! let site = Meter {
//!     parent: None, base: 0.0.into(), in_max: 20.0.into(), out_max: 0.0.into(),
//!     in_cost: vec![0.3, 0.2, 0.1, 0.3].into(), out_cost: 0.0.into(), in_curvature: 0.0,
//!     spill: None, shed: None, demands: vec![],
//! };
//! let program = Program { slots: 4, storages: vec![car], meters: vec![site] };
//! let found = solve(&program, &Settings::default())?;
//! assert!((found.objective - (7.0 * 0.1 + 3.0 * 0.2)).abs() < 1e-6);
//! # Ok::<(), voltwin_optimise::OptimiseError>(())
//! ```

mod barrier;
mod block;
mod error;
mod gate;
mod program;
mod skyline;
mod solution;
mod solve;

pub use error::OptimiseError;
pub use program::{Demand, Floor, Meter, Profile, Program, Storage};
pub use solution::{Flow, Schedule, Solution, Status};
pub use solve::{Settings, solve};
