//! What becomes of a battery: capacity forecasts with tested intervals, warnings with a cause, advice with its effect.
//!
//! - [`Track`] follows a capacity series cycle by cycle when nothing is known of its use.
//! - [`Pack`] carries the ageing model of its chemistry, learns how fast *this* pack ages from the measurements that
//!   come in, and forecasts hours to end of life under a given use.
//! - [`EarlyLife`] tells a cycle life from the first hundred cycles.
//! - [`Watch`] raises warnings that name their cause, each at a false-alarm rate that is set and not hoped for.
//! - [`advise`] reruns the ageing model with another habit and gives the difference in points and money.
//!
//! # Invariants
//! - **Pure**: no clock, no I/O, no randomness; the same inputs give the same forecasts, bit for bit.
//! - A forecast without an interval does not leave this crate; intervals are calibrated on units that were not fitted.
//! - Capacities are relative to nominal or new, 0..=2.
//!
//! # Example
//! ```
//! use voltwin_prognosis::{Track, TrackCharacter};
//!
//! let mut track = Track::begin(TrackCharacter::default(), 1.0)?;
//! for cycle in 1..50 {
//!     track.cycle(Some(1.0 - 0.002 * f64::from(cycle)))?;
//! }
//! let month = track.forecast(30);
//! assert!((month.mean - (1.0 - 0.002 * 79.0)).abs() < 0.02 && month.sd > 0.0);
//! # Ok::<(), voltwin_prognosis::PrognosisError>(())
//! ```

mod advice;
mod early;
mod error;
mod fit;
mod interval;
mod pack;
mod statistics;
mod track;
mod warning;

pub use advice::{Advice, Lever, advise};
pub use early::{EarlyLife, EarlyRecord, FEATURES};
pub use error::PrognosisError;
pub use fit::{WARM_UP_CYCLES, backtest, fit_character, mean_error};
pub use interval::{Interval, Promise};
pub use pack::{HORIZONS_DAYS, Pack, PackPrior, ScaleBelief};
pub use track::{Belief, Track, TrackCharacter};
pub use warning::{Cause, KNEE_SAMPLES, PackSample, Sensitivity, Warning, Watch};
