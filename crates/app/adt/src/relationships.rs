//! Relationships, from their source and from their target.

use axum::body::Body;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::Value as Json;
use voltwin_core::{RelationshipId, TwinId};

use crate::call::{Call, tagged};
use crate::error::{AdtError, Code};
use crate::limits::Rate;
use crate::paging::smallest;
use crate::twins::{no_twin, object, twin_id};

/// Separates the two ids that a list of incoming relationships is in order of; no id holds it.
const BETWEEN: char = '\n';

fn ids(source: &str, relationship: &str) -> Result<(TwinId, RelationshipId), AdtError> {
    Ok((twin_id(source)?, RelationshipId::new(relationship)?))
}

impl Call {
    fn etag_of_link(&self, source: &TwinId, id: &RelationshipId) -> Option<String> {
        self.look(|graph| Some(graph.twin(source.as_str())?.link(id.as_str())?.etag()))
    }
}

pub(crate) async fn get(
    call: Call,
    Path((source, id)): Path<(String, String)>,
) -> Result<Response, AdtError> {
    call.spend(Rate::Reads)?;
    let (source, id) = ids(&source, &id)?;
    let found = call.look(|graph| {
        let twin = graph.twin(source.as_str())?;
        Some(twin.link(id.as_str()).map(|link| (link.etag(), voltwin_document::link(&link))))
    });
    let (etag, document) = found.ok_or_else(|| no_twin(&source))?.ok_or_else(|| {
        let message = format!("twin `{source}` has no relationship `{id}`");
        AdtError::new(Code::RelationshipNotFound, message)
    })?;
    Ok(tagged(StatusCode::OK, &etag, Some(document)))
}

pub(crate) async fn put(
    call: Call,
    Path((source, id)): Path<(String, String)>,
    body: Body,
) -> Result<Response, AdtError> {
    let (source, id) = ids(&source, &id)?;
    call.spend_write(Rate::Lives, source.as_str())?;
    let precondition = call.if_none_match()?;
    let members = ["$sourceId", "$relationshipId", "$etag"];
    let document = object(call.json(body, Code::InvalidArgument).await?, &members)?;
    let (runtime, tenant) = (&call.adt.runtime, call.tenant());
    let written = runtime
        .put_relationship(tenant, source.as_str(), id.as_str(), document, precondition, call.origin())
        .await?;
    call.note("relationship.put", &source, id.as_str()).await?;
    Ok(tagged(StatusCode::OK, &written.etag, Some(written.document)))
}

pub(crate) async fn patch(
    call: Call,
    Path((source, id)): Path<(String, String)>,
    body: Body,
) -> Result<Response, AdtError> {
    let (source, id) = ids(&source, &id)?;
    call.spend_write(Rate::Patches, source.as_str())?;
    let precondition = call.if_match(|| call.etag_of_link(&source, &id))?;
    let patch = call.json(body, Code::JsonPatchInvalid).await?;
    let (runtime, tenant) = (&call.adt.runtime, call.tenant());
    let written = runtime
        .patch_relationship(tenant, source.as_str(), id.as_str(), patch, precondition, call.origin())
        .await?;
    Ok(tagged(StatusCode::NO_CONTENT, &written.etag, None))
}

pub(crate) async fn delete(
    call: Call,
    Path((source, id)): Path<(String, String)>,
) -> Result<StatusCode, AdtError> {
    let (source, id) = ids(&source, &id)?;
    call.spend_write(Rate::Lives, source.as_str())?;
    let precondition = call.if_match(|| call.etag_of_link(&source, &id))?;
    let (runtime, tenant) = (&call.adt.runtime, call.tenant());
    runtime.delete_relationship(tenant, source.as_str(), id.as_str(), precondition, call.origin()).await?;
    call.note("relationship.delete", &source, id.as_str()).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn list(call: Call, Path(id): Path<String>) -> Result<axum::Json<Json>, AdtError> {
    call.spend(Rate::Reads)?;
    let (id, page) = (twin_id(&id)?, call.page()?);
    let name = call.parameter("relationshipName");
    let after = page.after.as_deref().unwrap_or_default();
    let items = call.look(|graph| {
        let links = graph.twin(id.as_str())?.outgoing();
        let links = links.filter(|link| name.as_deref().is_none_or(|name| link.name.as_str() == name));
        let links = links.filter(|link| link.id.as_str() > after).map(|link| (link.id, link));
        let found = smallest(links, page.limit + 1).into_iter();
        Some(found.map(|(id, link)| (id.to_string(), voltwin_document::link(&link))).collect())
    });
    Ok(axum::Json(page.render(&call.uri, items.ok_or_else(|| no_twin(&id))?)))
}

pub(crate) async fn incoming(call: Call, Path(id): Path<String>) -> Result<axum::Json<Json>, AdtError> {
    call.spend(Rate::Reads)?;
    let (id, page) = (twin_id(&id)?, call.page()?);
    let after = page.after.as_deref().and_then(|key| key.split_once(BETWEEN)).unwrap_or_default();
    let items = call.look(|graph| {
        let links = graph.twin(id.as_str())?.incoming();
        let links = links.map(|link| ((link.source.as_str(), link.id.as_str()), link));
        let found = smallest(links.filter(|(key, _)| *key > after), page.limit + 1).into_iter();
        Some(
            found
                .map(|((source, id), link)| {
                    (format!("{source}{BETWEEN}{id}"), voltwin_document::incoming(&link))
                })
                .collect(),
        )
    });
    Ok(axum::Json(page.render(&call.uri, items.ok_or_else(|| no_twin(&id))?)))
}
