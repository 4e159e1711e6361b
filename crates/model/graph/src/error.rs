use thiserror::Error;
use voltwin_core::{Dtmi, PropertyName, RelationshipId, TwinId};

/// Bytes of a twin's properties at most, as compact JSON (any number counted as 12 bytes).
pub const TWIN_BYTES_MAX: usize = 32 * 1024;
/// Bytes of one text value at most, also within arrays, objects and maps.
pub const TEXT_BYTES_MAX: usize = 4 * 1024;
/// Properties in one event at most.
pub const PROPERTIES_MAX: usize = 1_000;

/// Why an event does not fit the model or the graph, or a snapshot cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum GraphError {
    /// The ontology has no such model.
    #[error("model: there is no model `{model}`")]
    UnknownModel {
        /// The model.
        model: Dtmi,
    },
    /// The twin exists and is of another model.
    #[error("model: twin `{twin}` is a `{is}` and cannot become a `{given}`")]
    OtherModel {
        /// The twin.
        twin: TwinId,
        /// Its model.
        is: Dtmi,
        /// The model given.
        given: Dtmi,
    },
    /// There is no such twin.
    #[error("there is no twin `{twin}`")]
    UnknownTwin {
        /// The twin.
        twin: TwinId,
    },
    /// The model has no such property.
    #[error("{property}: `{model}` has no such property")]
    UnknownProperty {
        /// The model, or the relationship as `model/name`.
        model: String,
        /// The property.
        property: PropertyName,
    },
    /// A value does not fit the schema of its property.
    #[error("{property}: {reason}")]
    Value {
        /// The property.
        property: PropertyName,
        /// What was expected and what was found.
        reason: String,
    },
    /// A text is too long.
    #[error("{property}: a text of {bytes} bytes is longer than {limit}", limit = TEXT_BYTES_MAX)]
    TextTooLong {
        /// The property.
        property: PropertyName,
        /// Its length.
        bytes: usize,
    },
    /// The twin would become too large.
    #[error("twin `{twin}` would hold {bytes} bytes, more than {limit}", limit = TWIN_BYTES_MAX)]
    TwinTooLarge {
        /// The twin.
        twin: TwinId,
        /// Its size.
        bytes: usize,
    },
    /// Too many properties in one event.
    #[error("{count} properties are more than {limit}", limit = PROPERTIES_MAX)]
    TooManyProperties {
        /// How many.
        count: usize,
    },
    /// The model has no such relationship.
    #[error("name: `{model}` has no relationship `{name}`")]
    UnknownRelationship {
        /// The model.
        model: Dtmi,
        /// The relationship.
        name: PropertyName,
    },
    /// The twin has no relationship of this id.
    #[error("id: twin `{twin}` has no relationship `{id}`")]
    UnknownLink {
        /// The twin.
        twin: TwinId,
        /// The id.
        id: RelationshipId,
    },
    /// The target of a relationship does not exist.
    #[error("target: there is no twin `{target}`")]
    MissingTarget {
        /// The target.
        target: TwinId,
    },
    /// The target of a relationship is of a model that the relationship does not take.
    #[error("target: `{target}` is a `{is}`, but `{name}` takes a `{wanted}`")]
    WrongTarget {
        /// The relationship.
        name: PropertyName,
        /// The target.
        target: TwinId,
        /// Its model.
        is: Dtmi,
        /// The model called for.
        wanted: Dtmi,
    },
    /// A relationship would point at its own source.
    #[error("target: `{twin}` cannot be related to itself")]
    SelfLink {
        /// The twin.
        twin: TwinId,
    },
    /// The twin already has as many relationships of this name as its model allows.
    #[error("name: twin `{twin}` already has {limit} of `{name}`, the most that its model allows")]
    TooManyLinks {
        /// The twin.
        twin: TwinId,
        /// The relationship.
        name: PropertyName,
        /// The limit.
        limit: u32,
    },
    /// A record or note is not of the form that one has.
    #[error(transparent)]
    Record(#[from] voltwin_core::CoreError),
    /// A snapshot cannot be read, or does not fit the ontology.
    #[error("snapshot: {reason}")]
    Snapshot {
        /// What is wrong.
        reason: String,
    },
}

impl GraphError {
    /// The part of the event that is wrong: a property, or `model`, `name`, `id`, `target`.
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::UnknownProperty { property, .. }
            | Self::Value { property, .. }
            | Self::TextTooLong { property, .. } => Some(property.as_str()),
            Self::UnknownModel { .. } | Self::OtherModel { .. } => Some("model"),
            Self::UnknownRelationship { .. } | Self::TooManyLinks { .. } => Some("name"),
            Self::UnknownLink { .. } => Some("id"),
            Self::MissingTarget { .. } | Self::WrongTarget { .. } | Self::SelfLink { .. } => Some("target"),
            Self::Record(voltwin_core::CoreError::Record { part, .. }) => Some(part),
            Self::UnknownTwin { .. }
            | Self::Record(_)
            | Self::TwinTooLarge { .. }
            | Self::TooManyProperties { .. }
            | Self::Snapshot { .. } => None,
        }
    }

    /// The limit that is exceeded, where one is.
    #[must_use]
    pub fn limit(&self) -> Option<u64> {
        match self {
            Self::TextTooLong { .. } => Some(TEXT_BYTES_MAX as u64),
            Self::TwinTooLarge { .. } => Some(TWIN_BYTES_MAX as u64),
            Self::TooManyProperties { .. } => Some(PROPERTIES_MAX as u64),
            Self::TooManyLinks { limit, .. } => Some(u64::from(*limit)),
            _ => None,
        }
    }
}
