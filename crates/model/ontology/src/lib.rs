//! The kinds of twin Voltwin knows, read from DTDL files.
use std::collections::BTreeMap;
use std::sync::Arc;

use voltwin_core::{Dtmi, PropertyName, Value};

/// Every model, flattened through `extends`.
#[derive(Debug)]
pub struct Ontology {
    models: BTreeMap<Dtmi, Model>,
}

/// Why DTDL files cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum OntologyError {
    /// A rule is broken.
    #[error("{file}: {element}: {rule}")]
    Rule {
        /// The file.
        file: String,
        /// The element.
        element: String,
        /// The rule.
        rule: String,
    },
}

/// One kind of twin.
#[derive(Debug, Clone)]
pub struct Model {
    /// Its id.
    pub id: Dtmi,
    /// For people.
    pub display_name: String,
    /// For people.
    pub description: String,
    /// Every model that it extends, near ones first.
    pub bases: Vec<Dtmi>,
    /// Own and inherited.
    pub properties: BTreeMap<PropertyName, PropertySpec>,
    /// Own and inherited.
    pub relationships: BTreeMap<PropertyName, RelationshipSpec>,
}

/// A property.
#[derive(Debug, Clone)]
pub struct PropertySpec {
    /// What it can hold.
    pub schema: Schema,
    /// DTDL unit name.
    pub unit: Option<String>,
    /// Whether it can be written.
    pub writable: bool,
}

/// A relationship.
#[derive(Debug, Clone)]
pub struct RelationshipSpec {
    /// The model that the target must be or extend.
    pub target: Option<Dtmi>,
    /// How many of one name a twin may have.
    pub max: Option<u32>,
    /// Properties of the relationship itself.
    pub properties: BTreeMap<PropertyName, PropertySpec>,
}

/// What a property can hold.
#[derive(Debug, Clone, PartialEq)]
pub enum Schema {
    /// `boolean`
    Boolean,
}

impl Schema {
    /// Checks and coerces.
    ///
    /// # Errors
    /// The reason.
    pub fn check(&self, value: &Value) -> Result<Value, String> {
        Ok(value.clone())
    }
}

impl Ontology {
    /// The models of `ontology/`.
    #[must_use]
    pub fn built_in() -> Arc<Ontology> {
        Arc::new(Self { models: BTreeMap::new() })
    }

    /// One model.
    #[must_use]
    pub fn model(&self, id: &str) -> Option<&Model> {
        self.models.get(id)
    }

    /// Every model, in the order of their ids.
    pub fn models(&self) -> impl Iterator<Item = &Model> {
        self.models.values()
    }

    /// Whether `model` is `base` or extends it.
    #[must_use]
    pub fn is_a(&self, model: &str, base: &str) -> bool {
        model == base || self.model(model).is_some_and(|m| m.bases.iter().any(|b| b.as_str() == base))
    }
}
