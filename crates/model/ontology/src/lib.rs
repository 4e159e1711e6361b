//! The kinds of twin Voltwin knows, read from DTDL files.
//!
//! DTDL versions 2 and 3 come in as JSON; what comes out is flat: each [`Model`] with everything that it inherits,
//! each property with the [`Schema`] that checks its values. What the twin graph does not hold (telemetry,
//! commands, components) keeps its name taken and is otherwise left out.
//!
//! # Invariants
//! - An [`Ontology`] never changes after it is made; it is shared by [`Arc`].
//! - Every model that another extends is there; a relationship's target need not be.
//! - A value that passed [`Schema::check`] is finite, of the schema's variant, and passes again unchanged.
//!
//! # Example
//! ```
//! use voltwin_core::Value;
//! use voltwin_ontology::Ontology;
//!
//! let ontology = Ontology::built_in();
//! let vehicle = ontology.model("dtmi:voltwin:Vehicle;1").ok_or("no such model")?;
//! let soc = &vehicle.properties["soc"];
//! assert_eq!(soc.schema.check(&Value::from(1)), Ok(Value::from(1.0)));
//! assert!(ontology.is_a("dtmi:voltwin:Vehicle;1", "dtmi:digitaltwins:ngsi_ld:cim:energy:ElectricVehicle;1"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use voltwin_core::Dtmi;

mod built_in;
mod error;
mod flatten;
mod geo;
mod model;
mod parse;
mod schema;
mod text;

pub use error::OntologyError;
pub use model::{Model, PropertySpec, RelationshipSpec};
pub use schema::{EnumValue, Geometry, Mismatch, Schema};

/// Every model that is known, by id.
#[derive(Debug, Clone, PartialEq)]
pub struct Ontology {
    models: BTreeMap<Dtmi, Model>,
}

impl Ontology {
    /// The models of the folder `ontology/`, which is part of the program.
    ///
    /// # Panics
    /// Never in a build that passed its tests: they parse the same embedded files.
    #[must_use]
    pub fn built_in() -> Arc<Self> {
        static BUILT_IN: OnceLock<Arc<Ontology>> = OnceLock::new();
        let parse = || match Self::parse(built_in::FILES.iter().copied()) {
            Ok(ontology) => Arc::new(ontology),
            Err(error) => panic!("the embedded ontology does not load: {error}"),
        };
        BUILT_IN.get_or_init(parse).clone()
    }

    /// Reads files, given as name and text, each with one interface or an array of interfaces.
    ///
    /// # Errors
    /// [`OntologyError`] naming the file, the element and the rule of the first thing found wrong.
    pub fn parse<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, OntologyError> {
        let mut interfaces = Vec::new();
        for (name, text) in files {
            interfaces.extend(parse::file(name, text)?);
        }
        Ok(Self { models: flatten::flatten(interfaces)? })
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

    /// Whether `model` is `base` or extends it, directly or not. False when `model` is not known.
    #[must_use]
    pub fn is_a(&self, model: &str, base: &str) -> bool {
        self.model(model).is_some_and(|m| m.id.as_str() == base || m.bases.iter().any(|b| b.as_str() == base))
    }
}

#[cfg(test)]
mod tests;
