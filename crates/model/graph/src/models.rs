//! The models of the tenant, as they change under its twins.

use std::sync::Arc;

use voltwin_core::{Dtmi, ModelDocument, ModelsFact, Timestamp};

use crate::apply::Applied;
use crate::{Graph, GraphError};

impl Graph {
    /// What it means to add models by their texts, each of one interface.
    ///
    /// # Errors
    /// [`GraphError::TooManyModels`]; [`GraphError::Models`] with what is wrong with the texts.
    pub fn added(&self, texts: &[Arc<str>], at: Timestamp) -> Result<ModelsFact, GraphError> {
        self.has_room_for(texts)?;
        let (_, models) = self.ontology.with(texts, at)?;
        Ok(ModelsFact::Added { models })
    }

    /// Whether a change of models is one that can be made, and that change with the ids that its texts really define.
    pub(crate) fn check_models(&self, fact: &ModelsFact, at: Timestamp) -> Result<ModelsFact, GraphError> {
        Ok(match fact {
            ModelsFact::Added { models } => self.added(&texts(models), at)?,
            ModelsFact::Decommissioned { model, decommissioned } => {
                self.ontology.decommission(model, *decommissioned)?;
                fact.clone()
            }
            ModelsFact::Deleted { model } => {
                self.ontology.delete(model)?;
                fact.clone()
            }
        })
    }

    fn has_room_for(&self, texts: &[Arc<str>]) -> Result<(), GraphError> {
        let longest = texts.iter().map(|text| text.len()).max().unwrap_or(0);
        let bounds = [
            ("models at once", texts.len(), self.limits.models_at_once),
            ("models", self.ontology.own().count() + texts.len(), self.limits.models),
            ("bytes of one model", longest, self.limits.model_bytes),
            ("bytes at once", texts.iter().map(|text| text.len()).sum(), self.limits.upload_bytes),
        ];
        match bounds.into_iter().find(|(_, count, limit)| count > limit) {
            Some((what, count, limit)) => Err(GraphError::TooManyModels { what, count, limit }),
            None => Ok(()),
        }
    }

    pub(crate) fn change_models(&mut self, fact: &ModelsFact, received: Timestamp) -> Applied {
        let changed = match fact {
            ModelsFact::Added { models } => self.ontology.with_again(&texts(models), received),
            ModelsFact::Decommissioned { model, decommissioned } => {
                self.ontology.decommission(model, *decommissioned)
            }
            ModelsFact::Deleted { model } => self.ontology.delete(model),
        };
        let Ok(ontology) = changed else { return Applied::Inapplicable("models that do not fit") };
        self.ontology = Arc::new(ontology);
        match fact {
            ModelsFact::Added { models } => models.iter().for_each(|model| self.redefine(&model.id)),
            ModelsFact::Decommissioned { .. } => {}
            ModelsFact::Deleted { model } => self.forget_if_unused(model),
        }
        Applied::Changed
    }

    /// Twins of a model that was deleted are of the new one of the same id.
    fn redefine(&mut self, id: &Dtmi) {
        let table = self.table_of.get(id).and_then(|table| self.tables.get_mut(usize::from(*table)));
        if let (Some(table), Some(model)) = (table, self.ontology.model(id.as_str())) {
            table.redefine(model);
        }
    }

    /// Lets a deleted model go when it types no twin any more.
    pub(crate) fn forget_if_unused(&mut self, id: &Dtmi) {
        let table = self.table_of.get(id).and_then(|table| self.tables.get(usize::from(*table)));
        if table.is_some_and(|table| table.len() > 0)
            || self.ontology.model(id.as_str()).is_none_or(|m| !m.deleted)
        {
            return;
        }
        self.table_of.remove(id);
        self.ontology = Arc::new(self.ontology.without(id.as_str()));
    }
}

fn texts(models: &[ModelDocument]) -> Vec<Arc<str>> {
    models.iter().map(|model| model.text.clone()).collect()
}
