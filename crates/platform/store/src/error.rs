use std::{io, path::PathBuf};

use thiserror::Error;

/// Why the store could not do what was asked. After any of these the store is as it was before the call.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Another process works on this data folder.
    #[error("the data folder {} is in use by process {pid}; stop it or choose another folder", dir.display())]
    Locked {
        /// The data folder.
        dir: PathBuf,
        /// The process id written in the lock file, or `unknown`.
        pid: String,
    },
    /// The data folder cannot be created, read or written.
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
    #[error("{} has schema {found}, newer than the {known} that this version knows; use the newer version", path.display())]
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
    /// Something of this name exists already.
    #[error("{what} `{id}` exists already")]
    Conflict {
        /// What kind of thing.
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// Nothing of this name exists.
    #[error("there is no {what} `{id}`")]
    NotFound {
        /// What kind of thing.
        what: &'static str,
        /// The id that was asked for.
        id: String,
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
    /// There would be more than is allowed.
    #[error("at most {limit} {what} are allowed")]
    Limit {
        /// Of what.
        what: &'static str,
        /// How many.
        limit: u64,
    },
    /// The database refused for another reason.
    #[error("the database failed to {operation}: {source}")]
    Database {
        /// What was tried.
        operation: &'static str,
        /// What the database said.
        #[source]
        source: sqlx::Error,
    },
}

/// SQLite's primary result codes, the low byte of the extended ones. A write or sync that finds the disk full
/// (`ENOSPC`) is `SQLITE_FULL` too.
const SQLITE_CORRUPT: i32 = 11;
const SQLITE_FULL: i32 = 13;
const SQLITE_NOTADB: i32 = 26;

fn sqlite_code(error: &sqlx::Error) -> Option<i32> {
    error.as_database_error()?.code()?.parse().ok()
}

impl StoreError {
    /// Maps a database error: full disk and damage apart from the rest.
    pub(crate) fn database(operation: &'static str) -> impl Fn(sqlx::Error) -> Self {
        move |source| {
            if sqlite_code(&source).is_some_and(|code| code & 0xff == SQLITE_FULL) {
                Self::DiskFull
            } else {
                Self::Database { operation, source }
            }
        }
    }

    /// Maps an error while the database file at `path` is opened.
    pub(crate) fn opening(path: PathBuf, source: sqlx::Error) -> Self {
        match sqlite_code(&source).map(|code| code & 0xff) {
            Some(SQLITE_NOTADB) => Self::Corrupt { path, reason: "it is not a SQLite database".into() },
            Some(SQLITE_CORRUPT) => Self::Corrupt { path, reason: source.to_string() },
            Some(SQLITE_FULL) => Self::DiskFull,
            _ => Self::Database { operation: "open", source },
        }
    }

    /// Maps a file error; `ENOSPC` and `EDQUOT` become [`StoreError::DiskFull`].
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

    /// An argument out of range.
    pub(crate) fn invalid(field: &'static str, value: &str, rule: &'static str) -> Self {
        Self::Invalid { field, value: value.chars().take(80).collect(), rule }
    }
}
