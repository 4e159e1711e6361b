use thiserror::Error;
use voltwin_core::{RelationshipId, TwinId};
use voltwin_graph::GraphError;

/// Why a document or a patch cannot be taken. Paths are JSON pointers into what was sent.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DocumentError {
    /// It is not of the form of a twin, a component or a relationship.
    #[error("{path}: {reason}")]
    Form {
        /// Where.
        path: String,
        /// What is wrong there, and what is expected.
        reason: String,
    },
    /// It is no JSON Patch, or has an operation that cannot be done.
    #[error("operation {index}, `{path}`: {reason}")]
    Patch {
        /// Which operation, counted from 0.
        index: usize,
        /// The path of the operation.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The twin has no such component.
    #[error("twin `{twin}` has no component `{component}`")]
    UnknownComponent {
        /// The twin.
        twin: TwinId,
        /// The component.
        component: String,
    },
    /// There is a relationship of this id that has another name or leads elsewhere.
    #[error("twin `{twin}` has a relationship `{id}` already, of another name or to another target")]
    LinkExists {
        /// The twin.
        twin: TwinId,
        /// The relationship.
        id: RelationshipId,
    },
    /// A twin that has relationships cannot be deleted.
    #[error("twin `{twin}` has relationships; delete them first")]
    HasRelationships {
        /// The twin.
        twin: TwinId,
    },
    /// It does not fit the models or the graph.
    #[error(transparent)]
    Graph(#[from] GraphError),
}

pub(crate) fn form<T>(path: impl Into<String>, reason: impl Into<String>) -> Result<T, DocumentError> {
    Err(DocumentError::Form { path: path.into(), reason: reason.into() })
}
