use std::path::PathBuf;

use thiserror::Error;

/// Why the message log could not do what was asked.
#[derive(Debug, Error)]
pub enum MessageLogError {
    /// The file holds something else than what was written.
    #[error("{} is damaged: {reason}; move it away to begin a new message log", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The file was written by a newer version of this program.
    #[error("{} has schema {found}, newer than the {known} that this version knows", path.display())]
    NewerSchema {
        /// The database file.
        path: PathBuf,
        /// Its schema version.
        found: i64,
        /// The newest one known here.
        known: i64,
    },
    /// An argument is out of its range.
    #[error("{field} `{value}` is not valid: {rule}")]
    Invalid {
        /// Which argument.
        field: &'static str,
        /// Its value, cut to 80 characters.
        value: String,
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// The database refused for another reason.
    #[error("the message log failed to {operation}: {source}")]
    Database {
        /// What was tried.
        operation: &'static str,
        /// What the database said.
        #[source]
        source: sqlx::Error,
    },
}

impl MessageLogError {
    pub(crate) fn database(operation: &'static str) -> impl Fn(sqlx::Error) -> Self {
        move |source| Self::Database { operation, source }
    }

    pub(crate) fn invalid(field: &'static str, value: &str, rule: &'static str) -> Self {
        Self::Invalid { field, value: value.chars().take(80).collect(), rule }
    }
}
