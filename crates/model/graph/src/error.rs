use thiserror::Error;
use voltwin_core::{Dtmi, PropertyName, RelationshipId, TwinId};
use voltwin_ontology::OntologyError;

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
    #[error("{property}: a text of {bytes} bytes is longer than {limit}")]
    TextTooLong {
        /// The property.
        property: PropertyName,
        /// Its length.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// The twin would become too large.
    #[error("twin `{twin}` would hold {bytes} bytes, more than {limit}")]
    TwinTooLarge {
        /// The twin.
        twin: TwinId,
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// Too many properties in one event.
    #[error("{count} properties are more than {limit}")]
    TooManyProperties {
        /// How many.
        count: usize,
        /// The limit.
        limit: usize,
    },
    /// The tenant has as many twins as it may have.
    #[error("the tenant already has {limit} twins, the most that it may have")]
    TooManyTwins {
        /// The limit.
        limit: usize,
    },
    /// A twin has as many relationships, one way, as it may have.
    #[error("{end}: twin `{twin}` already has {limit} relationships that way, the most that it may have")]
    TooManyRelationships {
        /// The twin.
        twin: TwinId,
        /// `source` or `target`: which end of the relationship it would be.
        end: &'static str,
        /// The limit.
        limit: usize,
    },
    /// Too many models, or too long ones.
    #[error("models: {count} {what} are more than {limit}")]
    TooManyModels {
        /// What is counted.
        what: &'static str,
        /// How much there would be.
        count: usize,
        /// The limit.
        limit: usize,
    },
    /// No new twins may be made of the model.
    #[error("model: `{model}` is decommissioned")]
    Decommissioned {
        /// The model.
        model: Dtmi,
    },
    /// The models cannot be taken, changed or deleted.
    #[error(transparent)]
    Models(#[from] OntologyError),
    /// The id is set aside.
    #[error("id: `{twin}` cannot be the id of a twin")]
    Reserved {
        /// The id.
        twin: TwinId,
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
            Self::UnknownModel { .. } | Self::OtherModel { .. } | Self::Decommissioned { .. } => {
                Some("model")
            }
            Self::TooManyRelationships { end, .. } => Some(end),
            Self::TooManyModels { .. } => Some("models"),
            Self::UnknownRelationship { .. } | Self::TooManyLinks { .. } => Some("name"),
            Self::UnknownLink { .. } | Self::Reserved { .. } => Some("id"),
            Self::MissingTarget { .. } | Self::WrongTarget { .. } | Self::SelfLink { .. } => Some("target"),
            Self::Record(voltwin_core::CoreError::Record { part, .. }) => Some(part),
            Self::UnknownTwin { .. }
            | Self::Record(_)
            | Self::TwinTooLarge { .. }
            | Self::TooManyProperties { .. }
            | Self::TooManyTwins { .. }
            | Self::Models(_)
            | Self::Snapshot { .. } => None,
        }
    }

    /// The limit that is exceeded, where one is.
    #[must_use]
    pub fn limit(&self) -> Option<u64> {
        match self {
            Self::TextTooLong { limit, .. }
            | Self::TwinTooLarge { limit, .. }
            | Self::TooManyProperties { limit, .. }
            | Self::TooManyTwins { limit }
            | Self::TooManyRelationships { limit, .. }
            | Self::TooManyModels { limit, .. } => Some(*limit as u64),
            Self::TooManyLinks { limit, .. } => Some(u64::from(*limit)),
            _ => None,
        }
    }
}
