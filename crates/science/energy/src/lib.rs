//! Smart charging.
//!
//! An [`Instance`] is a fleet behind one meter with prices, limits, load and generation. [`plan`] finds the cheapest
//! schedule that no limit forbids, says what binds and why energy lacks, and always has an answer: the optimum, else the
//! last point of the optimiser made safe, else least laxity first, else equal shares.
//!
//! In a [`run`] over days and months a [`Policy`] decides slot by slot: [`Horizon`] plans anew each time for those who are
//! there, with a [`budget`] for the highest power and with who may still come; [`Baseline`]s stand beside it.
//!
//! # Invariants
//! - **Pure**: no clock, no I/O; the same instance gives the same plan at any number of threads.
//! - No plan is above a limit of a vehicle or of the site; where load beside the fleet alone is, the plan says so.
//! - No vehicle charges and discharges at once, also where prices are negative.
//!
//! # Example
//! ```
//! use voltwin_energy::{Ev, Instance, plan};
//!
//! let instance = Instance {
//!     dt: 1.0, eta: 1.0, price: vec![Some(0.3), Some(0.1), Some(0.2)], sell: None, fee: 0.0, wear: 0.05,
//!     cap: 20.0, exp: 0.0, peak: 0.0, peak_paid: 0.0, rho: 0.0, load: vec![], pv: vec![], slack: 2.0, pmin: 0.0,
//!     evs: vec![Ev { a: 0, d: 3, cap: 50.0, e0: 20.0, et: 30.0, emin: 5.0, pc: 7.0, pd: 0.0 }],
//! };
//! let plan = plan(&instance)?;
//! assert!((plan.objective - (7.0 * 0.1 + 3.0 * 0.2)).abs() < 1e-6);
//! assert_eq!(plan.schedule.evs[0].charge_kw[1], 7.0);
//! # Ok::<(), voltwin_energy::EnergyError>(())
//! ```

mod baseline;
mod build;
mod closed_loop;
mod error;
mod explain;
mod heuristic;
mod horizon;
mod instance;
mod minimum;
mod plan;
mod schedule;
mod tariff;

pub use baseline::Baseline;
pub use closed_loop::{Health, Outcome, Plugged, Policy, Site, Stay, View, run};
pub use error::EnergyError;
pub use explain::Reasons;
pub use heuristic::{equal_share, least_laxity, water_fill};
pub use horizon::{Expected, Horizon, budget, hindsight};
pub use instance::{Ev, Instance, SLOTS_MAX, fill_prices};
pub use plan::{Plan, Rung, plan, plan_with};
pub use schedule::{EvSchedule, Prices, Schedule, base_kw, cost, energy_bounds, make_safe};
pub use tariff::{Days, Season, TimeOfUse};
