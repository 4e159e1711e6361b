//! The models of a tenant, read and changed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Deserialize;
use voltwin_core::{CoreError, Dtmi, EventBody, MODELS_TWIN, ModelsFact, TenantId, Timestamp};
use voltwin_graph::{Graph, GraphError};
use voltwin_ontology::Model;

use crate::{Origin, Precondition, Runtime, RuntimeError};

/// One model of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelRecord {
    /// Its id.
    pub id: Dtmi,
    /// Its name for people, by language.
    pub display_names: BTreeMap<String, String>,
    /// What it is, for people, by language.
    pub descriptions: BTreeMap<String, String>,
    /// The DTDL text.
    pub document: Arc<str>,
    /// When it was uploaded; `None` for what is built in.
    pub uploaded: Option<Timestamp>,
    /// Whether no new twins may be made of it.
    pub decommissioned: bool,
    /// Every model that it extends, directly or not.
    pub bases: Vec<Dtmi>,
    /// The models of its components.
    pub components: Vec<Dtmi>,
}

/// What of a DTDL text says which model it is.
#[derive(Deserialize)]
struct Head {
    #[serde(rename = "@id")]
    id: String,
}

impl From<&Arc<Model>> for ModelRecord {
    fn from(model: &Arc<Model>) -> Self {
        let components: BTreeSet<&Dtmi> = model.components.values().collect();
        Self {
            id: model.id.clone(),
            display_names: model.display_names.clone(),
            descriptions: model.descriptions.clone(),
            document: model.document.clone(),
            uploaded: model.uploaded,
            decommissioned: model.decommissioned,
            bases: model.bases.clone(),
            components: components.into_iter().cloned().collect(),
        }
    }
}

impl Runtime {
    /// Every model of a tenant, built-in ones included, in the order of their ids.
    #[must_use]
    pub fn models(&self, tenant: &TenantId) -> Vec<ModelRecord> {
        self.read(tenant, |graph| graph.ontology().models().map(ModelRecord::from).collect())
    }

    /// One model of a tenant.
    #[must_use]
    pub fn model(&self, tenant: &TenantId, id: &str) -> Option<ModelRecord> {
        self.read(tenant, |graph| {
            graph.ontology().model(id).filter(|model| !model.deleted).map(ModelRecord::from)
        })
    }

    /// Models and all that they extend or have as components, directly or not, in the order of their ids.
    ///
    /// # Errors
    /// [`RuntimeError::Rejected`] with [`GraphError::UnknownModel`] for the first that there is not.
    pub fn model_dependencies(
        &self,
        tenant: &TenantId,
        ids: &[String],
    ) -> Result<Vec<ModelRecord>, RuntimeError> {
        let ids: Vec<Dtmi> = ids.iter().map(|id| dtmi(id)).collect::<Result<_, _>>()?;
        self.read(tenant, |graph| {
            let mut found: BTreeMap<&Dtmi, &Arc<Model>> = BTreeMap::new();
            for id in &ids {
                if graph.ontology().model(id.as_str()).is_none_or(|model| model.deleted) {
                    return Err(GraphError::UnknownModel { model: id.clone() }.into());
                }
                found.extend(
                    graph.ontology().closure(id.as_str()).into_iter().map(|model| (&model.id, model)),
                );
            }
            Ok(found.into_values().map(ModelRecord::from).collect())
        })
    }

    /// Adds models, each text of one interface: all of them, or none. Answers them in the order of the texts.
    ///
    /// # Errors
    /// [`RuntimeError::Rejected`] with [`GraphError::Models`] or [`GraphError::TooManyModels`], and those of
    /// [`Runtime::submit`].
    pub async fn add_models(
        &self,
        tenant: &TenantId,
        texts: Vec<String>,
        origin: Origin,
    ) -> Result<Vec<ModelRecord>, RuntimeError> {
        let texts: Vec<Arc<str>> = texts.into_iter().map(Into::into).collect();
        let now = self.now();
        let added = texts.clone();
        self.change_models(tenant, origin, move |graph| graph.added(&added, now)).await?;
        let record = |text: &Arc<str>| self.model(tenant, &serde_json::from_str::<Head>(text).ok()?.id);
        Ok(texts.iter().filter_map(record).collect())
    }

    /// Says whether new twins may be made of a model.
    ///
    /// # Errors
    /// [`RuntimeError::Rejected`] with [`GraphError::Models`], and those of [`Runtime::submit`].
    pub async fn decommission_model(
        &self,
        tenant: &TenantId,
        id: &str,
        decommissioned: bool,
        origin: Origin,
    ) -> Result<(), RuntimeError> {
        let model = dtmi(id)?;
        let fact = ModelsFact::Decommissioned { model, decommissioned };
        self.change_models(tenant, origin, move |_| Ok(fact.clone())).await
    }

    /// Deletes a model. Twins of it stay, to be read and deleted.
    ///
    /// # Errors
    /// [`RuntimeError::Rejected`] with [`GraphError::Models`], and those of [`Runtime::submit`].
    pub async fn delete_model(
        &self,
        tenant: &TenantId,
        id: &str,
        origin: Origin,
    ) -> Result<(), RuntimeError> {
        let fact = ModelsFact::Deleted { model: dtmi(id)? };
        self.change_models(tenant, origin, move |_| Ok(fact.clone())).await
    }

    async fn change_models(
        &self,
        tenant: &TenantId,
        origin: Origin,
        change: impl Fn(&Graph) -> Result<ModelsFact, GraphError> + Send + Sync + 'static,
    ) -> Result<(), RuntimeError> {
        let decide = move |graph: &Graph| Ok(Some(EventBody::Models(change(graph)?).into()));
        self.decide(tenant, MODELS_TWIN, None, Precondition::Any, origin, decide).await.map(drop)
    }
}

fn dtmi(id: &str) -> Result<Dtmi, RuntimeError> {
    Dtmi::new(id).map_err(|error: CoreError| GraphError::Record(error).into())
}
