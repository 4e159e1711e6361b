//! Charging profiles, and what all of them together allow: the composite schedule of OCPP 1.6, 2.0.1 and 2.1.
//!
//! # The idea
//! A [`Profile`] says how much may be drawn over time. A station holds many, of several purposes and stack levels;
//! [`compose`] works out the one schedule that they add up to, so that the central system can check what a station
//! says of itself. It looks only at the moments at which a profile begins or ceases to say something, so that a month
//! costs little; the tests work every second out by itself and must agree.
//!
//! # Invariants
//! - No I/O and no clock: the window and the start of a session come in.
//! - Bounded: [`PROFILES_MAX`], [`PERIODS_MAX`], [`EVSES_MAX`], [`WINDOW_S_MAX`], [`CHANGES_MAX`].
//! - Days and weeks are of UTC.
//!
//! # Example
//! ```
//! use voltwin_profiles::{
//!     Charging, Kind, Period, Profile, Purpose, Question, Schedule, Supply, Target, Unit, Window, compose,
//! };
//!
//! let at_most_16_a = Profile {
//!     id: 1,
//!     evse: 0,
//!     purpose: Purpose::TxDefault,
//!     stack_level: 0,
//!     kind: Kind::Relative,
//!     valid_from: None,
//!     valid_to: None,
//!     transaction_id: None,
//!     schedule: Schedule {
//!         unit: Unit::Ampere,
//!         start: None,
//!         duration_s: None,
//!         min_rate: None,
//!         periods: vec![
//!             Period { start_s: 0, limit: Some(16.0), ..Period::default() },
//!             Period { start_s: 600, limit: Some(10.0), phases: Some(1), ..Period::default() },
//!         ],
//!     },
//! };
//! let question = Question {
//!     window: Window { start: "2026-11-26T08:00:00Z".parse()?, duration_s: 3_600 },
//!     unit: Unit::Watt,
//!     supply: Supply { voltage_v: 230.0, phases: 3 },
//!     target: Target::Evse(1, Charging::default()),
//! };
//! let slots = compose(&[at_most_16_a], &question)?;
//! assert_eq!((slots[0].start_s, slots[0].limit), (0, Some(11_040.0)));
//! assert_eq!((slots[1].start_s, slots[1].limit), (600, Some(2_300.0)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod compose;
mod difference;
mod error;
mod profile;

pub use compose::{
    CHANGES_MAX, Charging, EVSES_MAX, PROFILES_MAX, Question, Slot, Supply, Target, WINDOW_S_MAX, Window,
    compose,
};
pub use difference::{Difference, differences};
pub use error::ProfileError;
pub use profile::{Kind, PERIODS_MAX, Period, Profile, Purpose, Schedule, Unit};
