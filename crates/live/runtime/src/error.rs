use std::sync::Arc;

use thiserror::Error;
use voltwin_core::{TenantId, Timestamp};
use voltwin_document::DocumentError;
use voltwin_graph::GraphError;
use voltwin_store::StoreError;

/// Why something was not recorded or could not be read.
#[derive(Debug, Clone, Error)]
pub enum RuntimeError {
    /// The event does not fit the model or the graph.
    #[error("{0}")]
    Rejected(#[source] Arc<GraphError>),
    /// The document or the patch cannot be taken.
    #[error("{0}")]
    Document(#[source] Arc<DocumentError>),
    /// The twin or relationship is not as the submitter expected.
    #[error("`{what}` has changed: expected {expected}, found {found}")]
    PreconditionFailed {
        /// The twin, or the relationship as `twin/relationship`.
        what: String,
        /// The ETag or absence that was expected.
        expected: String,
        /// What stands there.
        found: String,
    },
    /// Another change came between the judgement and the record: it changed nothing.
    #[error("another change came between: {reason}")]
    Overtaken {
        /// Why it does not apply any more.
        reason: &'static str,
    },
    /// It could not be made durable, or the journal could not be read.
    #[error("{0}")]
    Store(#[source] Arc<StoreError>),
    /// The moment is in the future.
    #[error("{asked} has not come yet: it is {now}")]
    NotYet {
        /// The moment asked for.
        asked: Timestamp,
        /// The present.
        now: Timestamp,
    },
    /// This release cannot read what is stored of the tenant.
    #[error("tenant `{tenant}` cannot be read by this release, and is left as it is: {reason}")]
    Unreadable {
        /// The tenant.
        tenant: TenantId,
        /// What does not fit.
        reason: String,
    },
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

impl From<DocumentError> for RuntimeError {
    fn from(error: DocumentError) -> Self {
        match error {
            DocumentError::Graph(error) => error.into(),
            error => Self::Document(Arc::new(error)),
        }
    }
}
