//! How well a charging network serves: uptime by the 97 % rule, time between faults, balance.
//!
//! # Uptime
//! The United States require of public chargers, for each charging port over twelve months (23 CFR 680.116 (b)):
//!
//! ```text
//! uptime % = (525 600 − (T_outage − T_excluded)) / 525 600 × 100     minutes, 525 600 = one year
//! ```
//!
//! [`uptime`] is this formula over any window. A port that has been watched for less than the window is measured over
//! the time that it has been watched; whoever shows the figure says so. Time in which nobody watched (the central
//! system itself was down) cannot be called an outage; it is counted as `unobserved_s` beside the figure.
//!
//! # Balance
//! [`gini`] and [`peak_to_mean`] say how evenly a load is spread.
//!
//! ```
//! use voltwin_core::Timestamp;
//! use voltwin_reliability::{Port, Span, Watched, uptime};
//!
//! let at = |s: i64| Timestamp::from_millis(1_000 * s);
//! let watched = Watched {
//!     window: Span { from: at(0), to: at(1_000) },
//!     station: &[(at(0), true)],
//!     port: &[(at(0), Port::Up), (at(900), Port::Faulted), (at(930), Port::Up)],
//!     exclusions: &[],
//!     unobserved: &[],
//! };
//! assert_eq!(uptime(&watched).percent(), Some(97.0));
//! ```

mod balance;
mod uptime;

pub use balance::{gini, peak_to_mean};
pub use uptime::{Cause, Interval, Port, Span, Uptime, Watched, uptime};
