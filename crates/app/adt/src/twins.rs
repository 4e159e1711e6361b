//! Twins and their components.

use axum::body::Body;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::Value as Json;
use voltwin_core::TwinId;
use voltwin_graph::Graph;

use crate::call::{Call, tagged};
use crate::error::{AdtError, Code};
use crate::limits::Rate;

pub(crate) fn twin_id(text: &str) -> Result<TwinId, AdtError> {
    Ok(TwinId::new(text)?)
}

pub(crate) fn no_twin(id: &TwinId) -> AdtError {
    AdtError::new(Code::DigitalTwinNotFound, format!("there is no twin `{id}`"))
}

/// A JSON object without the members that the request says otherwise, or that we make.
pub(crate) fn object(json: Json, without: &[&str]) -> Result<Json, AdtError> {
    let Json::Object(mut members) = json else {
        return Err(AdtError::argument("the body must be a JSON object"));
    };
    members.retain(|name, _| !without.contains(&name.as_str()));
    Ok(Json::Object(members))
}

impl Call {
    pub(crate) fn look<R>(&self, look: impl FnOnce(&Graph) -> R) -> R {
        self.adt.runtime.read(self.tenant(), look)
    }

    pub(crate) fn etag_of(&self, twin: &TwinId) -> Option<String> {
        self.look(|graph| graph.twin(twin.as_str()).map(|twin| twin.etag()))
    }

    /// A registered station is more than a twin: it is removed where it is registered.
    async fn check_removable(&self, twin: &TwinId) -> Result<(), AdtError> {
        let registry = self.adt.runtime.store().tenant(self.tenant());
        if registry.station(twin.as_str()).await?.is_none() {
            return Ok(());
        }
        let message = format!("`{twin}` is a registered station: DELETE /api/v1/stations/{twin} removes it");
        Err(AdtError::new(Code::OperationNotAllowed, message))
    }
}

pub(crate) async fn get(call: Call, Path(id): Path<String>) -> Result<Response, AdtError> {
    call.spend(Rate::Reads)?;
    let id = twin_id(&id)?;
    let found = call.look(|graph| {
        let twin = graph.twin(id.as_str())?;
        Some((twin.etag(), voltwin_document::twin(twin)))
    });
    let (etag, document) = found.ok_or_else(|| no_twin(&id))?;
    Ok(tagged(StatusCode::OK, &etag, Some(document)))
}

pub(crate) async fn put(call: Call, Path(id): Path<String>, body: Body) -> Result<Response, AdtError> {
    let id = twin_id(&id)?;
    call.spend_write(Rate::Lives, id.as_str())?;
    let precondition = call.if_none_match()?;
    let document = object(call.json(body, Code::InvalidArgument).await?, &["$dtId", "$etag"])?;
    let runtime = &call.adt.runtime;
    let written = runtime.put_twin(call.tenant(), id.as_str(), document, precondition, call.origin()).await?;
    call.note("twin.put", &id, "").await?;
    Ok(tagged(StatusCode::OK, &written.etag, Some(written.document)))
}

pub(crate) async fn patch(call: Call, Path(id): Path<String>, body: Body) -> Result<Response, AdtError> {
    let id = twin_id(&id)?;
    call.spend_write(Rate::Patches, id.as_str())?;
    let precondition = call.if_match(|| call.etag_of(&id))?;
    let patch = call.json(body, Code::JsonPatchInvalid).await?;
    let runtime = &call.adt.runtime;
    let written = runtime.patch_twin(call.tenant(), id.as_str(), patch, precondition, call.origin()).await?;
    Ok(tagged(StatusCode::NO_CONTENT, &written.etag, None))
}

pub(crate) async fn delete(call: Call, Path(id): Path<String>) -> Result<StatusCode, AdtError> {
    let id = twin_id(&id)?;
    call.spend_write(Rate::Lives, id.as_str())?;
    let precondition = call.if_match(|| call.etag_of(&id))?;
    call.check_removable(&id).await?;
    call.adt.runtime.delete_twin(call.tenant(), id.as_str(), precondition, call.origin()).await?;
    call.note("twin.delete", &id, "").await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn get_component(
    call: Call,
    Path((id, component)): Path<(String, String)>,
) -> Result<Response, AdtError> {
    call.spend(Rate::Reads)?;
    let id = twin_id(&id)?;
    let found = call.look(|graph| {
        let twin = graph.twin(id.as_str())?;
        Some((twin.etag(), voltwin_document::component(twin, &component)))
    });
    let (etag, document) = found.ok_or_else(|| no_twin(&id))?;
    let document = document.ok_or_else(|| {
        let shown: String = component.chars().take(80).collect();
        AdtError::new(Code::ComponentNotFound, format!("twin `{id}` has no component `{shown}`"))
    })?;
    Ok(tagged(StatusCode::OK, &etag, Some(document)))
}

pub(crate) async fn patch_component(
    call: Call,
    Path((id, component)): Path<(String, String)>,
    body: Body,
) -> Result<Response, AdtError> {
    let id = twin_id(&id)?;
    call.spend_write(Rate::Patches, id.as_str())?;
    let precondition = call.if_match(|| call.etag_of(&id))?;
    let patch = call.json(body, Code::JsonPatchInvalid).await?;
    let (runtime, tenant) = (&call.adt.runtime, call.tenant());
    let written =
        runtime.patch_component(tenant, id.as_str(), &component, patch, precondition, call.origin()).await?;
    Ok(tagged(StatusCode::NO_CONTENT, &written.etag, None))
}
