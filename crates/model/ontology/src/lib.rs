//! The kinds of twin that a tenant has: the built-in ones and its own, compiled from DTDL.
//!
//! The texts are read and judged by `voltwin_dtdl`; what stands here is flat, as the twin graph needs it: each
//! [`Model`] with everything that it inherits and the properties of its components, each property with the [`Schema`]
//! that checks its values. Commands keep their names taken and are otherwise left out.
//!
//! # Invariants
//! - An [`Ontology`] never changes after it is made; a change makes another one that shares what stays. So it is shared
//!   by [`Arc`].
//! - Every model that another extends or has as a component is there; a relationship's target need not be.
//! - What is built in stays as it is.
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
//!
//! let van = r#"{ "@context": "dtmi:dtdl:context;3", "@id": "dtmi:example:Van;1", "@type": "Interface",
//!                "extends": "dtmi:voltwin:Vehicle;1" }"#;
//! let (own, _) = ontology.with(&[van.into()], "2026-11-21T08:00:00Z".parse()?)?;
//! assert!(own.is_a("dtmi:example:Van;1", "dtmi:voltwin:Vehicle;1"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use voltwin_core::Dtmi;

mod again;
mod built_in;
mod change;
mod compile;
mod error;
mod geo;
mod model;
mod schema;

pub use error::{Dtdl, OntologyError};
pub use model::{Model, PropertySpec, RelationshipSpec, Stored};
pub use schema::{EnumValue, Geometry, Mismatch, Schema};

/// Every model that is known, by id. Cheap to clone.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ontology {
    models: BTreeMap<Dtmi, Arc<Model>>,
}

impl Ontology {
    /// The models of the folder `ontology/`, which is part of the program.
    ///
    /// # Panics
    /// Never in a build that passed its tests: they read the same embedded files.
    #[must_use]
    pub fn built_in() -> Arc<Self> {
        static BUILT_IN: OnceLock<Arc<Ontology>> = OnceLock::new();
        let parse = || match Self::parse(built_in::FILES.iter().copied()) {
            Ok(ontology) => Arc::new(ontology),
            Err(error) => panic!("the embedded ontology does not load: {error}"),
        };
        BUILT_IN.get_or_init(parse).clone()
    }

    /// One model, deleted ones that still type twins included.
    #[must_use]
    pub fn model(&self, id: &str) -> Option<&Arc<Model>> {
        self.models.get(id)
    }

    /// Every model that is not deleted, in the order of their ids.
    pub fn models(&self) -> impl Iterator<Item = &Arc<Model>> {
        self.models.values().filter(|model| !model.deleted)
    }

    /// Every model that is not built in, deleted ones that still type twins included, in the order of their ids.
    pub fn own(&self) -> impl Iterator<Item = &Arc<Model>> {
        self.models.values().filter(|model| model.uploaded.is_some())
    }

    /// Whether `model` is `base` or extends it, directly or not. False when `model` is not known.
    #[must_use]
    pub fn is_a(&self, model: &str, base: &str) -> bool {
        self.model(model).is_some_and(|m| m.id.as_str() == base || m.bases.iter().any(|b| b.as_str() == base))
    }
}

#[cfg(test)]
mod tests;
