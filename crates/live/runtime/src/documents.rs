//! Twins and relationships as JSON documents: what somebody asks for is decided at its turn.

use std::sync::Arc;

use serde_json::Value as Json;
use voltwin_core::{Event, EventBody, RelationshipId, Seq, TenantId, Timestamp, TraceId, TwinId};
use voltwin_document::{self as document, DocumentError, Draft};
use voltwin_graph::{Graph, GraphError, TwinRef};

use crate::task::{Decision, Task};
use crate::{Precondition, Receipt, Runtime, RuntimeError};

/// Where a request comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Origin {
    /// The trace of the request.
    pub trace: Option<TraceId>,
}

/// That a twin or relationship is written, durably.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// The place in the journal; 0 where there was nothing to do.
    pub seq: Seq,
    /// The entity tag after it.
    pub etag: String,
    /// What is there now; `null` after a patch, which answers none.
    pub document: Json,
}

/// One entry of an import. Cheap to clone, for whoever has to try again.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry {
    /// A twin, by its document; `$dtId` is its id.
    Twin(Arc<Json>),
    /// A relationship, by its document; `$sourceId` and `$relationshipId` are its address.
    Relationship(Arc<Json>),
}

impl Runtime {
    /// Creates a twin, or replaces it, by its document.
    ///
    /// # Errors
    /// [`RuntimeError::Document`], [`RuntimeError::Rejected`], [`RuntimeError::PreconditionFailed`], and those of
    /// [`Runtime::submit`].
    pub async fn put_twin(
        &self,
        tenant: &TenantId,
        id: &str,
        document: Json,
        precondition: Precondition,
        origin: Origin,
    ) -> Result<Written, RuntimeError> {
        let twin = twin_id(id, "$dtId")?;
        let decide = move |graph: &Graph| document::created(graph, &twin, &document).map(Some);
        let receipt = self.decide(tenant, id, None, precondition, origin, decide).await?;
        Ok(self.written(tenant, id, &receipt, |twin| (twin.etag(), document::twin(twin))))
    }

    /// Changes a twin by a JSON Patch.
    ///
    /// # Errors
    /// As [`Runtime::put_twin`].
    pub async fn patch_twin(
        &self,
        tenant: &TenantId,
        id: &str,
        patch: Json,
        precondition: Precondition,
        origin: Origin,
    ) -> Result<Written, RuntimeError> {
        let twin = twin_id(id, "$dtId")?;
        let decide = move |graph: &Graph| document::patched(existing(graph, &twin)?, &patch);
        let receipt = self.decide(tenant, id, None, precondition, origin, decide).await?;
        Ok(self.patched(tenant, id, &receipt, |twin| Some(twin.etag())))
    }

    /// Changes a component of a twin by a JSON Patch.
    ///
    /// # Errors
    /// As [`Runtime::put_twin`].
    pub async fn patch_component(
        &self,
        tenant: &TenantId,
        id: &str,
        component: &str,
        patch: Json,
        precondition: Precondition,
        origin: Origin,
    ) -> Result<Written, RuntimeError> {
        let (twin, component) = (twin_id(id, "$dtId")?, component.to_owned());
        let decide =
            move |graph: &Graph| document::component_patched(existing(graph, &twin)?, &component, &patch);
        let receipt = self.decide(tenant, id, None, precondition, origin, decide).await?;
        Ok(self.patched(tenant, id, &receipt, |twin| Some(twin.etag())))
    }

    /// Deletes a twin that has no relationships.
    ///
    /// # Errors
    /// As [`Runtime::put_twin`].
    pub async fn delete_twin(
        &self,
        tenant: &TenantId,
        id: &str,
        precondition: Precondition,
        origin: Origin,
    ) -> Result<Seq, RuntimeError> {
        let twin = twin_id(id, "$dtId")?;
        let decide = move |graph: &Graph| document::deleted(existing(graph, &twin)?).map(Some);
        Ok(self.decide(tenant, id, None, precondition, origin, decide).await?.seq)
    }

    /// Creates a relationship, or replaces its properties, by its document.
    ///
    /// # Errors
    /// As [`Runtime::put_twin`]; the precondition is of the relationship.
    pub async fn put_relationship(
        &self,
        tenant: &TenantId,
        source: &str,
        id: &str,
        document: Json,
        precondition: Precondition,
        origin: Origin,
    ) -> Result<Written, RuntimeError> {
        let (twin, link) = (twin_id(source, "$sourceId")?, link_id(id)?);
        let about = Some(link.clone());
        let decide =
            move |graph: &Graph| document::linked(existing(graph, &twin)?, &link, &document).map(Some);
        let receipt = self.decide(tenant, source, about, precondition, origin, decide).await?;
        let found = self.read(tenant, |graph| {
            let link = graph.twin(source)?.link(id)?;
            Some((link.etag(), document::link(&link)))
        });
        let (etag, document) = found.unwrap_or_else(|| (etag(receipt.seq), Json::Null));
        Ok(Written { seq: receipt.seq, etag, document })
    }

    /// Changes the properties of a relationship by a JSON Patch.
    ///
    /// # Errors
    /// As [`Runtime::put_relationship`].
    pub async fn patch_relationship(
        &self,
        tenant: &TenantId,
        source: &str,
        id: &str,
        patch: Json,
        precondition: Precondition,
        origin: Origin,
    ) -> Result<Written, RuntimeError> {
        let (twin, link) = (twin_id(source, "$sourceId")?, link_id(id)?);
        let about = Some(link.clone());
        let decide = move |graph: &Graph| {
            let found = existing(graph, &twin)?.link(link.as_str());
            let found =
                found.ok_or_else(|| GraphError::UnknownLink { twin: twin.clone(), id: link.clone() })?;
            document::link_patched(&found, &patch)
        };
        let receipt = self.decide(tenant, source, about, precondition, origin, decide).await?;
        Ok(self.patched(tenant, source, &receipt, |twin| twin.link(id).map(|link| link.etag())))
    }

    /// Deletes a relationship.
    ///
    /// # Errors
    /// As [`Runtime::put_relationship`].
    pub async fn delete_relationship(
        &self,
        tenant: &TenantId,
        source: &str,
        id: &str,
        precondition: Precondition,
        origin: Origin,
    ) -> Result<Seq, RuntimeError> {
        let (link, about) = (link_id(id)?, Some(link_id(id)?));
        let decide = move |_: &Graph| Ok(Some(EventBody::Unlinked { id: link.clone() }.into()));
        twin_id(source, "$sourceId")?;
        Ok(self.decide(tenant, source, about, precondition, origin, decide).await?.seq)
    }

    /// Creates or replaces many twins and relationships, each judged by itself; twins come before relationships. The
    /// answers stand in the order of the entries, and all that succeeded is durable when this returns.
    pub async fn import(
        &self,
        tenant: &TenantId,
        entries: Vec<Entry>,
        origin: Origin,
    ) -> Vec<Result<Seq, RuntimeError>> {
        let now = self.now();
        let mut results: Vec<Result<Seq, RuntimeError>> =
            entries.iter().map(|_| Err(RuntimeError::Stopped)).collect();
        let (mut twins, mut links) = (Vec::new(), Vec::new());
        for (index, entry) in entries.into_iter().enumerate() {
            let of_twin = matches!(entry, Entry::Twin(_));
            match import_task(tenant, entry, origin, now) {
                Ok(task) if of_twin => twins.push((index, task)),
                Ok(task) => links.push((index, task)),
                Err(error) => results[index] = Err(error),
            }
        }
        for part in [twins, links] {
            let (places, tasks): (Vec<usize>, Vec<Task>) = part.into_iter().unzip();
            for (place, result) in places.into_iter().zip(self.run_all(tasks).await) {
                results[place] = result.map(|receipt| receipt.seq);
            }
        }
        results
    }

    /// Lets `decide` say what happens to a twin, by the graph as it is at its turn; `None` where nothing does.
    pub(crate) async fn decide(
        &self,
        tenant: &TenantId,
        twin: &str,
        link: Option<RelationshipId>,
        precondition: Precondition,
        origin: Origin,
        decide: impl Fn(&Graph) -> Result<Option<Draft>, DocumentError> + Send + Sync + 'static,
    ) -> Result<Receipt, RuntimeError> {
        let task = decision(tenant, twin_id(twin, "$dtId")?, link, origin, self.now(), decide);
        self.run(task, precondition).await
    }

    fn written(
        &self,
        tenant: &TenantId,
        id: &str,
        receipt: &Receipt,
        look: impl FnOnce(TwinRef<'_>) -> (String, Json),
    ) -> Written {
        let found = self.read(tenant, |graph| graph.twin(id).map(look));
        let (etag, document) = found.unwrap_or_else(|| (etag(receipt.seq), Json::Null));
        Written { seq: receipt.seq, etag, document }
    }

    /// After a patch that asked for nothing, the tag is that of what stands there.
    fn patched(
        &self,
        tenant: &TenantId,
        id: &str,
        receipt: &Receipt,
        look: impl FnOnce(TwinRef<'_>) -> Option<String>,
    ) -> Written {
        let held = || self.read(tenant, |graph| graph.twin(id).and_then(look));
        let nothing_done = receipt.seq == Seq(0);
        let held = nothing_done.then(held).flatten();
        Written { seq: receipt.seq, etag: held.unwrap_or_else(|| etag(receipt.seq)), document: Json::Null }
    }
}

fn decision(
    tenant: &TenantId,
    twin: TwinId,
    link: Option<RelationshipId>,
    origin: Origin,
    now: Timestamp,
    decide: impl Fn(&Graph) -> Result<Option<Draft>, DocumentError> + Send + Sync + 'static,
) -> Task {
    let (owner, subject) = (tenant.clone(), twin.clone());
    let decide = move |graph: &Graph| -> Result<Option<Event>, RuntimeError> {
        let Some(draft) = decide(graph)? else { return Ok(None) };
        let event = Event { trace: origin.trace, ..draft.into_event(owner.clone(), subject.clone(), now) };
        // Models were compiled to be decided about; everything else is checked now.
        if matches!(&event.body, EventBody::Models(voltwin_core::ModelsFact::Added { .. })) {
            return Ok(Some(event));
        }
        Ok(Some(graph.check(&event)?))
    };
    Task::Decide(Decision { tenant: tenant.clone(), twin, link, decide: Box::new(decide) })
}

fn import_task(
    tenant: &TenantId,
    entry: Entry,
    origin: Origin,
    now: Timestamp,
) -> Result<Task, RuntimeError> {
    let text = |document: &Json, name: &str| {
        let text = document.get(name).and_then(Json::as_str).map(str::to_owned);
        text.ok_or_else(|| form(name, "a text must stand here"))
    };
    match entry {
        Entry::Twin(document) => {
            let twin = twin_id(&text(&document, "$dtId")?, "$dtId")?;
            let id = twin.clone();
            let decide = move |graph: &Graph| document::created(graph, &id, &document).map(Some);
            Ok(decision(tenant, twin, None, origin, now, decide))
        }
        Entry::Relationship(document) => {
            let twin = twin_id(&text(&document, "$sourceId")?, "$sourceId")?;
            let link = link_id(&text(&document, "$relationshipId")?)?;
            let (source, about) = (twin.clone(), Some(link.clone()));
            let decide =
                move |graph: &Graph| document::linked(existing(graph, &source)?, &link, &document).map(Some);
            Ok(decision(tenant, twin, about, origin, now, decide))
        }
    }
}

fn existing<'g>(graph: &'g Graph, twin: &TwinId) -> Result<TwinRef<'g>, DocumentError> {
    Ok(graph.twin(twin.as_str()).ok_or_else(|| GraphError::UnknownTwin { twin: twin.clone() })?)
}

fn twin_id(id: &str, name: &str) -> Result<TwinId, RuntimeError> {
    TwinId::new(id).map_err(|e| form(name, &e.to_string()))
}

fn link_id(id: &str) -> Result<RelationshipId, RuntimeError> {
    RelationshipId::new(id).map_err(|e| form("$relationshipId", &e.to_string()))
}

fn form(name: &str, reason: &str) -> RuntimeError {
    DocumentError::Form { path: format!("/{name}"), reason: reason.to_owned() }.into()
}

fn etag(seq: Seq) -> String {
    format!("W/\"{:x}\"", seq.0)
}
