//! How lithium-ion cells age: semi-empirical models per chemistry, exact under changing conditions.
//!
//! A stretch of history becomes a [`Stress`]: time, charge moved, depth by rainflow counting, current, and a quadrature
//! over state of charge and temperature. A [`Cell`] turns it into growth laws `y = k x^p` or their sigmoid; an
//! [`Ageing`] cell steps them by *virtual time*, `y <- k((y/k)^(1/p) + dx)^p`, which is exact for any sequence of
//! conditions. Rates are averaged over a stretch, as the fits behind them were made, so a stretch should be about a day
//! or a cycle.
//!
//! # Invariants
//! - **Pure**: no clock, no I/O, no randomness.
//! - Losses never shrink. Capacity is relative to new; it may touch zero and no less.
//! - Every model knows the range of its experiments: [`Ageing::advance`] flags what is outside,
//!   [`Ageing::advance_within`] refuses it.
//! - Resistance is given only where the fit behind it holds over a life.
//! - Forecasts with these models need an interval: cells of one chemistry differ by more than any detail here.
//!
//! # Example
//! ```
//! use voltwin_ageing::{Ageing, Anchor, Cell, Profile, live};
//!
//! // full in the morning, two drives, charged at night
//! let day = Profile::day(&[(0.0, 0.9), (7.0, 0.9), (8.0, 0.7), (17.0, 0.7), (18.0, 0.5), (22.0, 0.5), (24.0, 0.9)], 25.0)?;
//! let mut cell = Ageing::new(Cell::LfpPrismatic250Ah);
//! live(&mut cell, &day, Anchor::default(), 3650.0, |_| {})?;
//! assert!((0.90..0.93).contains(&cell.capacity()));
//! assert!(cell.extrapolation().depth, "its experiments cycled 80 % and more");
//! # Ok::<(), voltwin_ageing::AgeingError>(())
//! ```

mod ageing;
mod cells;
mod error;
mod graphite;
mod history;
mod knee;
mod law;
mod life;
mod rainflow;
mod wear;

pub use ageing::{Ageing, Extrapolation, Scales, State};
pub use cells::{Cell, Chemistry, Facts, Validity};
pub use error::AgeingError;
pub use graphite::graphite_potential_v;
pub use history::{Anchor, Profile, Sample, Stress, TEMP_C_LIMITS};
pub use knee::{Knee, knee};
pub use life::{Point, days_until, live};
pub use rainflow::{Cycle, Rainflow, rainflow, rainflow_repeating, weighted_depth};
pub use wear::{PackValue, Segment, WearCurve, WearHabit, marginal_wear};
