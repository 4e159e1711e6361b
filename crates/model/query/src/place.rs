//! What a path means: a collection of the query, and what is read of it.

use std::borrow::Cow;

use serde_json::json;
use voltwin_document as rows;
use voltwin_graph::{ColumnRef, Graph, Link, TableRef, TwinRef};

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
    Property(Name),
    LinkId,
    LinkName,
    SourceId,
    TargetId,
    /// A name with a dollar that nobody has: always missing.
    Nothing,
}

/// A property, or something in one; or a component, or something in one. Which it is differs from model to model.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Name {
    first: String,
    /// Fields of objects in the property.
    inner: Vec<String>,
    /// The property of a component that the first two names make.
    within: Option<String>,
}

/// What a [`Name`] means for the twins of one model.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Meaning<'r> {
    /// A property, and fields of objects in it.
    Property(ColumnRef<'r>, &'r [String]),
    /// A component, or its `$metadata`.
    Component,
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
            (name, _) => return Self::Property(Name::new(name, owned(rest))),
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
            Self::Property(name) => name.of_twin(twin),
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
            Self::Property(Name { first, inner, .. }) => {
                link.properties.get(first.as_str()).map_or(Val::Missing, Val::of_value).inner(inner)
            }
            Self::TwinId | Self::Metadata(_) | Self::Nothing => Val::Missing,
        }
    }
}

impl Name {
    fn new(first: &str, inner: Vec<String>) -> Self {
        let second = inner.first().filter(|second| !second.starts_with('$'));
        let within = second.map(|second| format!("{first}.{second}"));
        Self { first: first.to_owned(), inner, within }
    }

    /// What it means for the twins of a table of a graph.
    pub(crate) fn meaning<'r>(&'r self, graph: &Graph, table: TableRef<'r>) -> Meaning<'r> {
        if let Some(column) = table.column(&self.first) {
            return Meaning::Property(column, &self.inner);
        }
        match &self.within {
            Some(within) => match table.column(within) {
                Some(column) => Meaning::Property(column, self.inner.get(1..).unwrap_or_default()),
                None => Meaning::Nothing,
            },
            // said here once for all twins, a name that most models do not have costs nothing
            None => match graph.ontology().model(table.model().as_str()) {
                Some(model) if model.components.keys().any(|name| name.as_str() == self.first) => {
                    Meaning::Component
                }
                _ => Meaning::Nothing,
            },
        }
    }

    /// As [`Name::meaning`], read of one twin.
    pub(crate) fn of_twin<'g>(&self, twin: TwinRef<'g>) -> Val<'g> {
        if let Some(value) = twin.value(&self.first) {
            return Val::of_ref(value).inner(&self.inner);
        }
        match &self.within {
            Some(within) => {
                let value = twin.value(within).map_or(Val::Missing, Val::of_ref);
                value.inner(self.inner.get(1..).unwrap_or_default())
            }
            None => match rows::component(twin, &self.first) {
                Some(component) => Val::Json(Cow::Owned(component)).inner(&self.inner),
                None => Val::Missing,
            },
        }
    }
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
