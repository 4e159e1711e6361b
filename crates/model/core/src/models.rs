//! Changes of the models that a tenant brings.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::Dtmi;

/// The id under which changes of models stand in the journal. No twin can have it.
pub const MODELS_TWIN: &str = "$models";

/// What happened to the models of a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum ModelsFact {
    /// Models came, all or none; they may need each other.
    Added {
        /// The models.
        models: Vec<ModelDocument>,
    },
    /// No new twins may be made of a model, or they may again.
    Decommissioned {
        /// The model.
        model: Dtmi,
        /// Whether they may not.
        decommissioned: bool,
    },
    /// A model is gone. Twins of it stay, to be read and to be deleted.
    Deleted {
        /// The model.
        model: Dtmi,
    },
}

/// One model as somebody wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelDocument {
    /// Its id.
    pub id: Dtmi,
    /// The DTDL text, one interface.
    pub text: Arc<str>,
}
