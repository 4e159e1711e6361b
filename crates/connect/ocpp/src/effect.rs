//! What a [`crate::Session`] wants done by the task that drives it.

use serde_json::Value;
use voltwin_core::CommandId;

use crate::{Fact, Violation};

/// A command under way; its text is the message id on the wire.
pub type CallId = CommandId;

/// A call of the station that waits for [`crate::Session::answer`]; unique within the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// One thing to do, in the order given.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Send this text frame.
    Send(String),
    /// Decide on this fact and hand the answer to [`crate::Session::answer`].
    Ask {
        /// What to answer with.
        ticket: Ticket,
        /// The action that says it.
        action: &'static str,
        /// What the station says.
        fact: Fact,
        /// What was wrong and forgiven; empty when strict.
        violations: Vec<Violation>,
    },
    /// The station says something that is never answered (2.1 SEND).
    Tell {
        /// What it says.
        fact: Fact,
    },
    /// The station could not read our answer to a call of its own (2.1).
    AnswerRejected {
        /// The message id of its call.
        message_id: String,
        /// The action that was answered; `None` when it is not remembered.
        action: Option<&'static str>,
        /// Its error code.
        code: String,
        /// Its description.
        description: String,
    },
    /// A command is finished.
    CallDone {
        /// The command.
        id: CallId,
        /// How.
        outcome: CallOutcome,
    },
    /// For the message log.
    Log(FrameLog),
    /// The station broke the protocol; for its record.
    Violation(Violation),
    /// Close the socket and end the session.
    Close {
        /// The WebSocket close code.
        code: u16,
        /// For the close frame, at most 123 bytes.
        reason: String,
    },
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq)]
pub enum CallOutcome {
    /// The station's own answer payload.
    Answer(Value),
    /// The station's error frame.
    Error {
        /// Its code.
        code: String,
        /// Its description.
        description: String,
    },
    /// No answer in time.
    Timeout,
    /// The connection ended first.
    Disconnected,
}

/// One frame, for the message log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameLog {
    /// Which way.
    pub direction: Direction,
    /// What it is.
    pub kind: FrameKind,
    /// Its action; for answers, of the call that they answer, when known.
    pub action: Option<String>,
    /// Its message id, when readable.
    pub message_id: Option<String>,
    /// The whole frame as text, clipped to 64 KiB.
    pub text: String,
    /// `ok`, or the error code, or what became of it (`late`, `unknown id`).
    pub outcome: String,
}

/// Which way a frame went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the station.
    In,
    /// To the station.
    Out,
}

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FrameKind {
    /// A question (type 2).
    Call,
    /// An answer (type 3).
    Result,
    /// An error instead of an answer (type 4, and type 5 of 2.1).
    Error,
    /// A message without answer (type 6 of 2.1).
    Send,
    /// Not readable.
    Malformed,
}

impl FrameKind {
    /// `call`, `result`, `error`, `send` or `malformed`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Result => "result",
            Self::Error => "error",
            Self::Send => "send",
            Self::Malformed => "malformed",
        }
    }
}
