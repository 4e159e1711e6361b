use std::sync::Arc;

use thiserror::Error;
use voltwin_graph::GraphError;
use voltwin_store::StoreError;

/// Why an event was not recorded or the feed could not be read.
#[derive(Debug, Clone, Error)]
pub enum RuntimeError {
    /// The event does not fit the model or the graph.
    #[error("{0}")]
    Rejected(#[source] Arc<GraphError>),
    /// The twin is not as the submitter expected.
    #[error("the twin `{twin}` has changed: expected {expected}, found {found}")]
    PreconditionFailed {
        /// The twin.
        twin: String,
        /// The ETag or absence that was expected.
        expected: String,
        /// What stands there.
        found: String,
    },
    /// It could not be made durable, or the journal could not be read.
    #[error("{0}")]
    Store(#[source] Arc<StoreError>),
    /// The runtime is shutting down.
    #[error("the server is shutting down")]
    Stopped,
}

impl From<StoreError> for RuntimeError {
    fn from(error: StoreError) -> Self {
        Self::Store(Arc::new(error))
    }
}

impl From<GraphError> for RuntimeError {
    fn from(error: GraphError) -> Self {
        Self::Rejected(Arc::new(error))
    }
}
