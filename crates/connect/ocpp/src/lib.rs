//! OCPP-J 1.6, 2.0.1 and 2.1: typed messages and a session without I/O.
//!
//! A station's frame becomes a neutral [`Fact`], a decision becomes an [`Answer`], a wish becomes a
//! [`Command`]; which version carries them matters only in here.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`envelope`] | the JSON array around every message, and its errors |
//! | `messages` | one table of actions a version: who sends it, the types of question and answer |
//! | `decode`, `encode` | from payload to [`Fact`], from [`Answer`] to payload |
//! | `meter` | defaults, units and exact decimals of meter values |
//! | `session` | the central-system side of one connection: order, limits, timeouts |
//! | [`station`] | the other end, for virtual stations |
//!
//! A new functional block of the protocol is a variant of [`Fact`] and [`Answer`], its reading in
//! `decode::{v16, v2}` and its answer in `encode`; until then its messages arrive as [`Fact::Other`], already
//! checked against their types.
//!
//! # Invariants
//! - No I/O, no clock, no randomness: time and command ids come in, [`Effect`]s go out.
//! - Every call gets exactly one answer; nothing but a call is ever answered with an error (and a SEND never
//!   with anything).
//! - Every queue has an end: [`INBOX_LIMIT`], [`OUTBOX_LIMIT`], [`MAX_SAMPLES`], the frame size.
//! - Energy is exact: a decimal goes from its text to [`voltwin_core::Decimal`] and never through a float.
//!
//! # Example
//! ```
//! use voltwin_core::Timestamp;
//! use voltwin_ocpp::{Answer, BootStatus, Effect, Fact, Session, SessionConfig, Version, negotiate};
//!
//! let version = negotiate(["ocpp1.6", "ocpp2.0.1"].into_iter()).unwrap_or(Version::V16);
//! let now: Timestamp = "2026-11-21T08:00:00Z".parse()?;
//! let mut session = Session::new(SessionConfig::new(version), now);
//!
//! let frame = r#"[2,"19","BootNotification",
//!     {"reason":"PowerUp","chargingStation":{"vendorName":"Acme","model":"DC-150"}}]"#;
//! for effect in session.on_text(frame, now) {
//!     if let Effect::Ask { ticket, fact: Fact::Boot { vendor, .. }, .. } = effect {
//!         assert_eq!(vendor, "Acme");
//!         let accepted = Answer::Boot { status: BootStatus::Accepted, interval_s: 300, now };
//!         let effects = session.answer(ticket, accepted, now);
//!         assert!(effects.iter().any(|e| matches!(e, Effect::Send(text) if text.starts_with(r#"[3,"19","#))));
//!     }
//! }
//! assert!(session.boot_accepted());
//! # Ok::<(), voltwin_core::CoreError>(())
//! ```

mod answer;
mod command;
mod decode;
mod effect;
mod encode;
pub mod envelope;
mod error;
mod fact;
mod judge;
mod messages;
mod meter;
mod session;
pub mod station;
mod version;

pub use answer::{Answer, BootStatus, ContractStatus, TokenInfo, TokenStatus};
pub use command::{Command, ResetKind, accepted};
pub use decode::{Call, Validation, decode_call};
pub use effect::{CallId, CallOutcome, Direction, Effect, FrameKind, FrameLog, Ticket};
pub use encode::{json_number, token_info};
pub use envelope::{DEFAULT_MAX_BYTES, REPORT_MAX_BYTES};
pub use error::{CommandError, ErrorCode, OcppError, Violation};
pub use fact::{ConnectorStatus, ContractProof, Fact, MAX_CONNECTOR, MAX_SAMPLES, TransactionReport};
pub use judge::{Kind, Verdict, judge};
pub use messages::{
    ActionDescription, Origin, describe_actions, known_actions, known_sends, validate_answer, validate_call,
};
pub use session::{INBOX_LIMIT, OUTBOX_LIMIT, Session, SessionConfig};
pub use version::{StationIdentity, Version, negotiate};
pub use voltwin_core::SignedReading;
