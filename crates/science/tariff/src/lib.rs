//! What a charging session costs: tariffs with restrictions, in exact decimals.
//!
//! A [`Tariff`] is a list of elements, each with price components (energy, charging time, idle time, flat) and
//! restrictions that say when it is active. At any moment the first active element that has a component of a kind
//! gives the price of that kind, as in OCPI 2.2.1, to which the model maps one to one. [`cost`] prices a session,
//! given as [`Span`]s of even power, and says line by line how it comes to its total.
//!
//! # Rules
//! - **Local time**: days, dates and times of day are those of the site's time zone, also while clocks change. A
//!   time that occurs twice counts both times, one that does not occur has no effect.
//! - **Even power inside a span**: where a restriction begins or ends inside a span, the energy is shared by time.
//! - **Steps**: the volume of each kind is rounded up once per session to the `step` of the component that was used
//!   last; what is added is billed at that component's price.
//! - **Flat**: one flat fee a session, of the element that is active at its start, else of the first that becomes so.
//! - **Idle**: time that is not charging. The first `idle_grace_s` of each stretch of it are free.
//! - **Rounding**: half away from zero to the minor unit of the currency, by line (the default: net and tax of each line,
//!   and totals are their exact sums) or in total (lines stay exact, totals are rounded once).
//! - **Minimum and maximum** hold for the total without tax and, where given, for the total with tax.
//! - **Changes**: a session may get another tariff while it runs; each prices what happened while it held. Energy and
//!   duration count from the begin of the session, steps and the flat fee stay those of one session.
//! - **Reservations**: elements for reservations price the time from the reservation to the begin of the session, and nothing
//!   else.
//!
//! # Invariants
//! - **Pure**: no clock, no I/O; the same tariff, zone and spans give the same cost.
//! - Money and energy are decimals; nothing here is a float.
//! - Nothing that passes [`Tariff::check`] makes [`cost`] panic; what cannot be computed is an error.
//!
//! # Example
//! ```
//! use voltwin_core::{Decimal, Timestamp};
//! use voltwin_tariff::{Component, Element, Kind, Span, Tariff, cost};
//!
//! let energy = Component::new(Kind::Energy, Decimal::new(45, 2)).taxed(Decimal::from(19));
//! let tariff = Tariff::new("EUR".parse()?, vec![Element::of(vec![energy])]);
//! let from: Timestamp = "2026-11-21T08:00:00Z".parse()?;
//! let to: Timestamp = "2026-11-21T09:00:00Z".parse()?;
//! let cost = cost(&tariff, &jiff::tz::TimeZone::UTC, &[Span::charging(from, to, Decimal::from(20_000))])?;
//! assert_eq!((cost.net.to_string(), cost.gross.to_string()), ("9.00".to_owned(), "10.71".to_owned()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cost;
mod currency;
mod error;
mod limit;
mod meter;
mod prices;
mod restrict;
mod session;
mod tariff;
mod usage;

#[cfg(test)]
mod oracle_tests;
#[cfg(test)]
mod session_tests;
#[cfg(test)]
mod tests;

pub use cost::{Cost, Line, LineKind, Period, cost, cost_of};
pub use currency::Currency;
pub use error::TariffError;
pub use prices::{Prices, Situation};
pub use session::{CHANGES_MAX, Session};
pub use tariff::{
    Component, Day, Element, Kind, Limit, LocalTime, Reservation, Restrictions, Rounding, Tariff, Text,
};
pub use usage::{SESSION_DAYS_MAX, SPANS_MAX, Span};
