use std::collections::BTreeMap;
use std::sync::Arc;

use voltwin_core::{Dtmi, PropertyName, Timestamp};

use crate::Schema;

/// One kind of twin, with everything that it inherits.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// Its id.
    pub id: Dtmi,
    /// Its name for people, by language; may be empty.
    pub display_names: BTreeMap<String, String>,
    /// What it is, for people, by language; may be empty.
    pub descriptions: BTreeMap<String, String>,
    /// Every model that it extends, directly or not: direct ones first, each once.
    pub bases: Vec<Dtmi>,
    /// The models that it itself names: those that it extends and those of its own components.
    pub references: Vec<Dtmi>,
    /// Its own and inherited properties, and those of its components under `component.property`.
    pub properties: BTreeMap<PropertyName, Arc<PropertySpec>>,
    /// Its own and inherited relationships.
    pub relationships: BTreeMap<PropertyName, Arc<RelationshipSpec>>,
    /// Its own and inherited components, each with its model.
    pub components: BTreeMap<PropertyName, Dtmi>,
    /// Its own and inherited telemetry, and that of its components under `component.telemetry`.
    pub telemetry: BTreeMap<PropertyName, Schema>,
    /// The DTDL text.
    pub document: Arc<str>,
    /// When it was uploaded; `None` for what is built in.
    pub uploaded: Option<Timestamp>,
    /// Whether no new twins may be made of it.
    pub decommissioned: bool,
    /// Whether it was deleted: it types only the twins that are still there.
    pub deleted: bool,
    /// The texts of what a deleted model references, as they were when it was deleted.
    pub(crate) kept: Vec<Arc<str>>,
}

/// A model that is not built in, as it is written down: all that [`Ontology::restore`](crate::Ontology::restore) needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The DTDL text.
    pub document: Arc<str>,
    /// When it was uploaded.
    pub uploaded: Timestamp,
    /// Whether no new twins may be made of it.
    pub decommissioned: bool,
    /// Of a deleted model, the texts of what it references.
    pub deleted: Option<Vec<Arc<str>>>,
}

impl Model {
    /// Its name for people: the English one, else any, else the last segment of its id.
    #[must_use]
    pub fn display_name(&self) -> &str {
        words(&self.display_names).unwrap_or_else(|| self.id.short_name())
    }

    /// Number of its contents, with those of bases and components.
    #[must_use]
    pub fn contents(&self) -> usize {
        self.properties.len() + self.relationships.len() + self.components.len() + self.telemetry.len()
    }

    /// What it is, for people; may be empty.
    #[must_use]
    pub fn description(&self) -> &str {
        words(&self.descriptions).unwrap_or_default()
    }
}

/// A property of a model or of a relationship.
#[derive(Debug, Clone, PartialEq)]
pub struct PropertySpec {
    /// Its name for people; the name itself where the file gives none.
    pub display_name: String,
    /// What it means, for people; may be empty.
    pub description: String,
    /// What it can hold.
    pub schema: Schema,
    /// The quantitative type, such as `Power`.
    pub semantic_type: Option<String>,
    /// The DTDL name of its unit, such as `watt`.
    pub unit: Option<String>,
    /// Whether DTDL lets an application write it; sources of truth write it either way.
    pub writable: bool,
}

/// A relationship of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct RelationshipSpec {
    /// Its name for people; the name itself where the file gives none.
    pub display_name: String,
    /// What it means, for people; may be empty.
    pub description: String,
    /// The model that a target must be or extend; any where absent. It need not be loaded: then nothing can be
    /// its target.
    pub target: Option<Dtmi>,
    /// The most relationships of this name that one twin may have (`maxMultiplicity`).
    pub max: Option<u32>,
    /// Properties of the relationship itself.
    pub properties: BTreeMap<PropertyName, Arc<PropertySpec>>,
}

pub(crate) fn words(by_language: &BTreeMap<String, String>) -> Option<&str> {
    by_language.get("en").or_else(|| by_language.values().next()).map(String::as_str)
}
