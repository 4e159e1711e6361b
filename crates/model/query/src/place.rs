//! What a path means: a collection of the query, and what is read of it.

use std::borrow::Cow;

use serde_json::json;
use voltwin_graph::{Link, TwinRef};

use crate::rows;
use crate::value::Val;

/// A path with its meaning.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Place {
    /// The collection, as a number.
    pub(crate) slot: usize,
    pub(crate) field: Field,
}

/// What is read of a twin or a relationship.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Field {
    /// All of it.
    Whole,
    TwinId,
    ETag,
    /// `$metadata`, and what is in it. Relationships have none.
    Metadata(Metadata),
    Property {
        name: String,
        /// Fields of objects in the property.
        inner: Vec<String>,
    },
    LinkId,
    LinkName,
    SourceId,
    TargetId,
    /// A name with a dollar that nobody has: always missing.
    Nothing,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Metadata {
    Whole,
    Model,
    Updated,
    /// Of one property: all, or what `inner` names.
    Of {
        property: String,
        inner: Vec<String>,
    },
}

/// What stands in a collection of a row.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Thing<'g> {
    Twin(TwinRef<'g>),
    Link(Link<'g>),
}

impl Field {
    /// Of the names that follow the collection; `of_link` where it holds relationships.
    pub(crate) fn new(names: &[&str], of_link: bool) -> Self {
        let Some((first, rest)) = names.split_first() else { return Self::Whole };
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<String>>();
        let scalar = match (*first, of_link) {
            ("$dtId", false) => Self::TwinId,
            ("$etag", _) => Self::ETag,
            ("$relationshipId", true) => Self::LinkId,
            ("$relationshipName", true) => Self::LinkName,
            ("$sourceId", true) => Self::SourceId,
            ("$targetId", true) => Self::TargetId,
            ("$metadata", false) => return Self::Metadata(Metadata::new(rest)),
            (name, _) if name.starts_with('$') => Self::Nothing,
            (name, _) => return Self::Property { name: name.to_owned(), inner: owned(rest) },
        };
        if rest.is_empty() { scalar } else { Self::Nothing }
    }

    /// What a twin or relationship has there.
    pub(crate) fn read<'g>(&self, thing: Thing<'g>) -> Val<'g> {
        match thing {
            Thing::Twin(twin) => self.of_twin(twin),
            Thing::Link(link) => self.of_link(&link),
        }
    }

    fn of_twin<'g>(&self, twin: TwinRef<'g>) -> Val<'g> {
        match self {
            Self::Whole => Val::Json(Cow::Owned(rows::twin(twin))),
            Self::TwinId => Val::text(twin.id().as_str()),
            Self::ETag => Val::Text(twin.etag().into()),
            Self::Metadata(metadata) => metadata.of(twin),
            Self::Property { name, inner } => property(twin, name).inner(inner),
            Self::LinkId | Self::LinkName | Self::SourceId | Self::TargetId | Self::Nothing => Val::Missing,
        }
    }

    fn of_link<'g>(&self, link: &Link<'g>) -> Val<'g> {
        match self {
            Self::Whole => Val::Json(Cow::Owned(rows::link(link))),
            Self::ETag => Val::Text(link.etag().into()),
            Self::LinkId => Val::text(link.id.as_str()),
            Self::LinkName => Val::text(link.name.as_str()),
            Self::SourceId => Val::text(link.source.as_str()),
            Self::TargetId => Val::text(link.target.as_str()),
            Self::Property { name, inner } => {
                link.properties.get(name.as_str()).map_or(Val::Missing, Val::of_value).inner(inner)
            }
            Self::TwinId | Self::Metadata(_) | Self::Nothing => Val::Missing,
        }
    }
}

fn property<'g>(twin: TwinRef<'g>, name: &str) -> Val<'g> {
    twin.value(name).map_or(Val::Missing, Val::of_ref)
}

impl Metadata {
    fn new(names: &[&str]) -> Self {
        match names {
            [] => Self::Whole,
            ["$model"] => Self::Model,
            ["$lastUpdateTime"] => Self::Updated,
            [property, rest @ ..] => Self::Of {
                property: (*property).to_owned(),
                inner: rest.iter().map(|name| (*name).to_owned()).collect(),
            },
        }
    }

    fn of<'g>(&self, twin: TwinRef<'g>) -> Val<'g> {
        match self {
            Self::Whole => Val::Json(Cow::Owned(rows::metadata(twin).into())),
            Self::Model => Val::text(twin.model().as_str()),
            Self::Updated => Val::Text(rows::instant(twin.updated()).into()),
            Self::Of { property, inner } => {
                let Some((source, received)) = twin.times(property) else { return Val::Missing };
                match inner.as_slice() {
                    [one] if one == "lastUpdateTime" => Val::Text(rows::instant(received).into()),
                    [one] if one == "sourceTime" => Val::Text(rows::instant(source).into()),
                    [] => Val::Json(Cow::Owned(json!(rows::times(source, received)))),
                    _ => Val::Missing,
                }
            }
        }
    }
}
