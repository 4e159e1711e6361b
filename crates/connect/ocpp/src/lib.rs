//! OCPP-J 1.6, 2.0.1 and 2.1: typed messages and a session without I/O.
//!
//! # The surface
//! ```text
//! Session::new(SessionConfig { version, validation, max_frame_bytes, call_timeout_s, boot_accepted }, now)
//! session.on_text(&str, now) / on_binary(now) / tick(now) / closed()      -> Vec<Effect>
//! session.answer(Ticket, Answer, now)                                     -> Vec<Effect>
//! session.call(CallId, &Command, now)                                     -> Result<Vec<Effect>, CommandError>
//! Command::to_call(&self, Version) -> Result<(String, serde_json::Value), CommandError>
//! accepted(Version, action: &str, answer: &Value) -> Option<bool>
//! validate_call(Version, action: &str, &Value) -> Result<(), Violation>,  known_actions(Version)
//!
//! station::StationMessage::to_call(&self, Version) -> Result<(&'static str, Value), Violation>
//! station::read_answer(Version, action: &str, payload: &Value) -> Result<StationAnswer, Violation>
//! station::read_call(Version, action: &str, payload: &Value) -> Result<StationCall, Violation>
//! station::write_reply(Version, message_id: &str, &StationReply) -> String
//! envelope::parse(text, Version, max_bytes) -> Result<Frame, FrameError>
//! envelope::call(message_id, action, &Value) -> String,  envelope::error(..) -> String
//! ```

mod answer;
mod command;
mod decode;
mod effect;
mod encode;
pub mod envelope;
mod error;
mod fact;
mod messages;
mod meter;
mod session;
pub mod station;
mod version;

pub use answer::{Answer, BootStatus, TokenStatus};
pub use command::{Command, ResetKind, accepted};
pub use decode::{Call, Validation, decode_call};
pub use effect::{CallId, CallOutcome, Direction, Effect, FrameKind, FrameLog, Ticket};
pub use encode::encode_answer;
pub use error::{CommandError, ErrorCode, OcppError, Violation};
pub use fact::{ConnectorStatus, Fact, MAX_CONNECTOR, MAX_SAMPLES, SignedReading, TransactionReport};
pub use messages::{Origin, known_actions, validate_call};
pub use session::{INBOX_LIMIT, OUTBOX_LIMIT, Session, SessionConfig};
pub use version::{StationIdentity, Version, negotiate};
