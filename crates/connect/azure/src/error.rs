use thiserror::Error;

/// Why a synchronisation cannot go on.
#[derive(Debug, Error)]
pub enum SyncError {
    /// An option is wrong, and what it must be.
    #[error("{0}")]
    Setting(String),
    /// The file of the state cannot be used.
    #[error("the state file {path}: {reason}")]
    State {
        /// Which file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No token can be had.
    #[error("no token for Azure: {0}")]
    Token(String),
    /// An end lets nobody in, or is none.
    #[error("{end} refuses: {reason}")]
    Refused {
        /// `azure` or `voltwin`.
        end: &'static str,
        /// What it says.
        reason: String,
    },
    /// An end did not answer, after all attempts.
    #[error("{end} cannot be reached: {reason}")]
    Unreachable {
        /// `azure` or `voltwin`.
        end: &'static str,
        /// The last attempt's outcome.
        reason: String,
    },
    /// An end answers what it must not.
    #[error("{end} answers nonsense: {reason}")]
    Nonsense {
        /// `azure` or `voltwin`.
        end: &'static str,
        /// What it was.
        reason: String,
    },
    /// More would be deleted than `--deletes-max` allows.
    #[error(
        "{count} twins and relationships would be deleted, more than --deletes-max {most}: those that were found last are still there"
    )]
    Deletes {
        /// How many.
        count: usize,
        /// What is allowed.
        most: usize,
    },
    /// It was asked to end.
    #[error("stopped")]
    Stopped,
}

impl SyncError {
    /// Whether another try may do.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }
}
