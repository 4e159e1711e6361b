use std::path::PathBuf;

use thiserror::Error;

/// Why a certificate could not be made, read or believed. No variant holds a key.
#[derive(Debug, Error)]
pub enum PkiError {
    /// The bytes are not what they should be.
    #[error("{what} cannot be read: {reason}")]
    Format {
        /// What it should be.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A signing request is refused.
    #[error("the signing request is refused: {reason}")]
    Request {
        /// The rule that it breaks.
        reason: String,
    },
    /// There is no authority yet, or one already.
    #[error("{reason} in {path}")]
    Authority {
        /// Which of the two.
        reason: &'static str,
        /// Where it was looked for.
        path: PathBuf,
    },
    /// A file could not be read or written.
    #[error("cannot {operation} {path}: {source}")]
    File {
        /// What was tried.
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The command of the operator failed.
    #[error("{reason}")]
    Command {
        /// How.
        reason: String,
    },
    /// Signing failed.
    #[error("signing failed: {reason}")]
    Signing {
        /// What was said.
        reason: String,
    },
}

impl PkiError {
    pub(crate) fn format(what: &'static str, reason: impl std::fmt::Display) -> Self {
        Self::Format { what, reason: reason.to_string() }
    }

    pub(crate) fn command(reason: impl std::fmt::Display) -> Self {
        Self::Command { reason: reason.to_string() }
    }

    pub(crate) fn signing(reason: impl std::fmt::Display) -> Self {
        Self::Signing { reason: reason.to_string() }
    }
}
