//! What can be wrong, and how each version spells it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Version;

/// A misuse of this crate or a text that cannot be accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OcppError {
    /// Not a version that we speak.
    #[error("`{text}` is not an OCPP version; 1.6, 2.0.1 and 2.1 are")]
    Version {
        /// What was given.
        text: String,
    },
    /// Not a station identity.
    #[error("station identity `{text}` is refused: {reason}")]
    Identity {
        /// What was given, clipped.
        text: String,
        /// The rule that was broken.
        reason: &'static str,
    },
    /// Not a word of a closed alphabet.
    #[error("`{text}` is not a {what}")]
    Word {
        /// The alphabet.
        what: &'static str,
        /// What was given, clipped.
        text: String,
    },
}

/// Why a command was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// The payload is not what the action of that version asks for.
    #[error("the command does not hold to OCPP {version}: {violation}")]
    Invalid {
        /// The version of the connection.
        version: Version,
        /// What is wrong with it.
        violation: Violation,
    },
    /// The station's version has no such message.
    #[error("OCPP {version} has no {what}")]
    Unsupported {
        /// The version of the connection.
        version: Version,
        /// What it lacks.
        what: String,
    },
    /// Too many commands wait already.
    #[error("the station has {limit} commands waiting already")]
    Busy {
        /// How many may wait.
        limit: usize,
    },
    /// The station's boot has not been accepted; until then only a trigger may be sent.
    #[error("the station's boot has not been accepted, so {action} may not be sent yet")]
    NotBooted {
        /// The action that was asked for.
        action: String,
    },
    /// A call with the same id is under way.
    #[error("call {id} is under way already")]
    Duplicate {
        /// The id.
        id: String,
    },
    /// The connection is closed.
    #[error("the connection is closed")]
    Closed,
}

/// The error codes of OCPP-J, version-independent; [`ErrorCode::as_str`] spells them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ErrorCode {
    /// The payload is not well formed (1.6: `FormationViolation`).
    FormatViolation,
    /// Anything else.
    GenericError,
    /// We failed.
    InternalError,
    /// The message type number is not one of the version (2.x; in 1.6 such a frame is ignored).
    MessageTypeNotSupported,
    /// The action is not one of the version.
    NotImplemented,
    /// The action is known and not handled by this side.
    NotSupported,
    /// A field is missing, or a list is too short or too long (1.6 spells it `Occurence…`).
    OccurrenceConstraintViolation,
    /// A field holds a value that is not allowed: out of range, over-long, not of the enumeration.
    PropertyConstraintViolation,
    /// The message may not be sent now, or is incomplete.
    ProtocolError,
    /// The frame is no message at all (2.x; 1.6: `FormationViolation`).
    RpcFrameworkError,
    /// Refused for security reasons, such as a call before the boot was accepted.
    SecurityError,
    /// A field is of the wrong type.
    TypeConstraintViolation,
}

impl ErrorCode {
    /// The code as `version` spells it on the wire.
    #[must_use]
    pub fn as_str(self, version: Version) -> &'static str {
        match self {
            Self::FormatViolation | Self::RpcFrameworkError if version == Version::V16 => {
                "FormationViolation"
            }
            Self::MessageTypeNotSupported if version == Version::V16 => "GenericError",
            Self::OccurrenceConstraintViolation if version == Version::V16 => "OccurenceConstraintViolation",
            Self::FormatViolation => "FormatViolation",
            Self::GenericError => "GenericError",
            Self::InternalError => "InternalError",
            Self::MessageTypeNotSupported => "MessageTypeNotSupported",
            Self::NotImplemented => "NotImplemented",
            Self::NotSupported => "NotSupported",
            Self::OccurrenceConstraintViolation => "OccurrenceConstraintViolation",
            Self::PropertyConstraintViolation => "PropertyConstraintViolation",
            Self::ProtocolError => "ProtocolError",
            Self::RpcFrameworkError => "RpcFrameworkError",
            Self::SecurityError => "SecurityError",
            Self::TypeConstraintViolation => "TypeConstraintViolation",
        }
    }
}

/// One way in which a message breaks the protocol.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// The code that answers it.
    pub code: ErrorCode,
    /// The path of the field, such as `meterValue[0].sampledValue[1].value`; empty for the whole message.
    pub field: String,
    /// What is wrong, for a person; at most about 200 characters.
    pub detail: String,
}

impl Violation {
    /// A violation of one field.
    #[must_use]
    pub fn new(code: ErrorCode, field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { code, field: field.into(), detail: detail.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.field.is_empty() {
            f.write_str(&self.detail)
        } else {
            write!(f, "{}: {}", self.field, self.detail)
        }
    }
}
