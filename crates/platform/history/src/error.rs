use std::{io, path::PathBuf};

use thiserror::Error;

/// Why the history could not do what was asked. What was written before is untouched.
#[derive(Debug, Error)]
pub enum HistoryError {
    /// A folder or file cannot be created, read or written.
    #[error("cannot {operation} {}: {source}", path.display())]
    Folder {
        /// What was tried.
        operation: &'static str,
        /// On what.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// A file holds something else than what was written.
    #[error("{} is damaged: {reason}", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The database was written by a newer version of this program.
    #[error("{} has schema {found}, newer than the {known} that this version knows", path.display())]
    NewerSchema {
        /// The database file.
        path: PathBuf,
        /// Its schema version.
        found: i64,
        /// The newest one known here.
        known: i64,
    },
    /// There is no space left.
    #[error("the data folder is full")]
    DiskFull,
    /// An argument is out of its range.
    #[error("{field} {value} is not valid: {rule}")]
    Invalid {
        /// Which argument.
        field: &'static str,
        /// Its value.
        value: String,
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// The database refused for another reason.
    #[error("the history database failed to {operation}: {source}")]
    Database {
        /// What was tried.
        operation: &'static str,
        /// What the database said.
        #[source]
        source: sqlx::Error,
    },
}

const SQLITE_FULL: i32 = 13;

impl HistoryError {
    pub(crate) fn database(operation: &'static str) -> impl Fn(sqlx::Error) -> Self {
        move |source| {
            let code = source.as_database_error().and_then(|e| e.code()?.parse::<i32>().ok());
            if code.is_some_and(|code| code & 0xff == SQLITE_FULL) {
                Self::DiskFull
            } else {
                Self::Database { operation, source }
            }
        }
    }

    pub(crate) fn folder(
        operation: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull,
            _ => Self::Folder { operation, path, source },
        }
    }

    pub(crate) fn corrupt<E: ToString>(path: impl Into<PathBuf>) -> impl FnOnce(E) -> Self {
        let path = path.into();
        move |reason| Self::Corrupt { path, reason: reason.to_string() }
    }
}
