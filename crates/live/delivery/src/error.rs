use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;
use voltwin_delta::DeltaError;
use voltwin_routes::FilterError;
use voltwin_routes::handshake::HandshakeError;
use voltwin_store::StoreError;

/// Why events could not be kept, read or sent.
#[derive(Debug, Error)]
pub enum EventsError {
    /// A setting is out of its range.
    #[error("{field}: {reason}")]
    Invalid {
        /// Which.
        field: String,
        /// The rule that it breaks.
        reason: String,
    },
    /// The filter of a route is none.
    #[error(transparent)]
    Filter(#[from] FilterError),
    /// Nothing of this name exists.
    #[error("there is no {what} `{id}`")]
    NotFound {
        /// What kind of thing.
        what: &'static str,
        /// The id that was asked for.
        id: String,
    },
    /// The webhook does not want to be called.
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
    /// The endpoint cannot be reached or does not take the event.
    #[error("the endpoint cannot be used: {0}")]
    Endpoint(String),
    /// A file of the event log cannot be read or written.
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
    /// A table of data history cannot be read or written.
    #[error(transparent)]
    History(#[from] DeltaError),
    /// The registry failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The runtime is stopping.
    #[error("the server is stopping")]
    Stopped,
}

impl EventsError {
    pub(crate) fn file(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::File { operation, path: path.to_owned(), source }
    }

    pub(crate) fn invalid(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), reason: reason.into() }
    }
}
