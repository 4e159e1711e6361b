//! What changes look like to programs outside.
//!
//! A [`Change`] is what an event did to a twin, a relationship or the models, with what was there before. It becomes a
//! [`CloudEvent`] with the type names, subjects and bodies of Azure Digital Twins, and rows of the three tables of
//! data history ([`history`]). A [`Filter`] decides which events a route takes. [`handshake`] asks a webhook whether it
//! wants to be called. All of it is without I/O, clock and randomness.
//!
//! # Invariants
//! - The same event gives the same CloudEvent, its id included, so that a receiver knows a repeated one.
//! - A filter never fails on an event: what is not there is null, and what cannot be compared does not match.
//! - Filters are bounded in length and depth, and an error of one names its column.
//!
//! # Example
//! ```
//! use serde_json::json;
//! use voltwin_routes::{CloudEvent, Filter, Kind};
//!
//! let event = CloudEvent {
//!     id: "1".into(),
//!     source: "demo.voltwin".into(),
//!     kind: Kind::TwinUpdate.name().into(),
//!     subject: Some("EV-1".into()),
//!     time: Some("2026-11-21T08:00:00Z".parse()?),
//!     dataschema: None,
//!     traceparent: None,
//!     sequence: 1,
//!     data: json!({"modelId": "dtmi:voltwin:Vehicle;1", "patch": [{"op": "replace", "path": "/soc", "value": 0.8}]}),
//! };
//! let filter = Filter::parse("type = 'Microsoft.DigitalTwins.Twin.Update' AND STARTS_WITH(subject, 'EV-')")?;
//! assert!(filter.matches(&event));
//! let wrong = Filter::parse("type == 'x'").unwrap_err();
//! assert_eq!(wrong.column, 7);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod change;
mod cloud_event;
mod error;
mod filter;
pub mod handshake;
pub mod history;

pub use change::{Before, Change, ChangeKind, LinkKey, ModelChange, Operation, Telemetry, changes};
pub use cloud_event::{CloudEvent, Kind};
pub use error::FilterError;
pub use filter::{FILTER_BYTES_MAX, FILTER_DEPTH_MAX, Filter};
