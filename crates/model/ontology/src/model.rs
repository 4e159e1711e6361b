use std::collections::BTreeMap;

use voltwin_core::{Dtmi, PropertyName};

use crate::Schema;

/// One kind of twin, with everything that it inherits.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// Its id.
    pub id: Dtmi,
    /// Its name for people; the last segment of the id where the file gives none.
    pub display_name: String,
    /// What it is, for people; may be empty.
    pub description: String,
    /// Every model that it extends, directly or not: direct ones first, each once.
    pub bases: Vec<Dtmi>,
    /// Its own and inherited properties.
    pub properties: BTreeMap<PropertyName, PropertySpec>,
    /// Its own and inherited relationships.
    pub relationships: BTreeMap<PropertyName, RelationshipSpec>,
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
    pub properties: BTreeMap<PropertyName, PropertySpec>,
}
