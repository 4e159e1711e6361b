use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why a table could not be read or written. It is then as it was before.
#[derive(Debug, Error)]
pub enum DeltaError {
    /// A file cannot be read or written.
    #[error("cannot {operation} {}: {source}", path.display())]
    File {
        /// What was tried.
        operation: &'static str,
        /// On what.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The log holds something else than we write.
    #[error("{} is no table of ours: {reason}", path.display())]
    Foreign {
        /// The table.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// Rows cannot be written as Parquet.
    #[error("the rows cannot be written: {0}")]
    Parquet(#[from] parquet::errors::ParquetError),
    /// Another process writes the table.
    #[error("commit {version} of {} was made by somebody else", path.display())]
    Taken {
        /// The table.
        path: PathBuf,
        /// The number of the commit.
        version: u64,
    },
}

impl DeltaError {
    pub(crate) fn file(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::File { operation, path: path.to_owned(), source }
    }
}
