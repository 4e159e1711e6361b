//! The routes of imports.

use axum::body::Body;
use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use voltwin_store::GraphJob;

use super::blob::parts;
use super::{Blobs, check_id, import, status, uploads};
use crate::call::Call;
use crate::error::{AdtError, Code};

/// What the registry calls these jobs.
pub(crate) const KIND: &str = "import";

/// What is asked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Spec {
    /// The address of a blob, or `upload:` and the name of a file that was sent to us.
    #[serde(rename = "inputBlobUri")]
    pub(crate) input: String,
    /// Where the log goes. It can be had from us all the same.
    #[serde(rename = "outputBlobUri", default, skip_serializing_if = "Option::is_none")]
    pub(crate) output: Option<String>,
}

fn document(job: &GraphJob) -> Json {
    let mut document = super::document(job);
    for name in ["inputBlobUri", "outputBlobUri"] {
        document[name] = job.spec[name].clone();
    }
    document["lastActionDateTime"] = voltwin_document::instant(job.acted_at).into();
    document
}

fn invalid(message: impl Into<String>) -> AdtError {
    AdtError::new(Code::ValidationFailed, message)
}

pub(crate) async fn add(call: Call, Path(id): Path<String>, body: Body) -> Result<Response, AdtError> {
    check_id(&id)?;
    let bytes = call.body(body).await?;
    let spec: Spec = serde_json::from_slice(&bytes)
        .map_err(|error| invalid(format!("the body must have inputBlobUri and outputBlobUri: {error}")))?;
    match uploads::named(&spec.input) {
        Some(name) => uploads::check_there(&call, name).await?,
        None => {
            Blobs::check(&spec.input).map_err(|why| invalid(format!("inputBlobUri: {why}")))?;
        }
    }
    match &spec.output {
        Some(output) => {
            Blobs::check(output).map_err(|why| invalid(format!("outputBlobUri: {why}")))?;
        }
        None if call.strict => return Err(invalid("outputBlobUri: it must be there")),
        None => {}
    }
    uploads::sweep(&call).await;
    let job = super::file(&call, KIND, id, json!(spec)).await?;
    Ok((StatusCode::CREATED, axum::Json(document(&job))).into_response())
}

async fn find(call: &Call, id: &str) -> Result<GraphJob, AdtError> {
    super::find(call, KIND, id, Code::ImportJobNotFound).await
}

pub(crate) async fn get(call: Call, Path(id): Path<String>) -> Result<axum::Json<Json>, AdtError> {
    Ok(axum::Json(document(&find(&call, &id).await?)))
}

pub(crate) async fn list(call: Call) -> Result<axum::Json<Json>, AdtError> {
    super::page_of(&call, KIND, document).await
}

/// Forgets a job that has ended, so that its id can be used again.
pub(crate) async fn delete(call: Call, Path(id): Path<String>) -> Result<StatusCode, AdtError> {
    let job = find(&call, &id).await?;
    let registry = call.adt.runtime.store().tenant(call.tenant());
    let ended = registry.delete_graph_job(KIND, &id, &call.caller.name, call.adt.now()).await?;
    if !ended {
        return Err(invalid(format!("the job is {}: it can be deleted when it has ended", job.status)));
    }
    let folder = uploads::folder(&call.adt, call.tenant());
    for file in [import::input_file(&folder, &id), import::log_file(&folder, &id)] {
        // one that is not there is gone already
        let _ = tokio::fs::remove_file(file).await;
    }
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn cancel(call: Call, Path(id): Path<String>) -> Result<axum::Json<Json>, AdtError> {
    let mut job = find(&call, &id).await?;
    if job.finished_at.is_some() {
        return Err(invalid(format!("the job has ended: it is {}", job.status)));
    }
    status::CANCELLING.clone_into(&mut job.status);
    job.acted_at = call.adt.now();
    let registry = call.adt.runtime.store().tenant(call.tenant());
    registry.move_graph_job(&job, None).await?;
    let key = (call.tenant().clone(), KIND.to_owned(), id.clone());
    if let Some(stop) = call.adt.jobs.stops.lock().get(&key) {
        stop.cancel();
    }
    Ok(axum::Json(document(&find(&call, &id).await?)))
}

/// The log, as far as it is written.
pub(crate) async fn log(call: Call, Path(id): Path<String>) -> Result<Response, AdtError> {
    let job = find(&call, &id).await?;
    let path = import::log_file(&uploads::folder(&call.adt, call.tenant()), &job.id);
    let headers = [(header::CONTENT_TYPE, "application/x-ndjson")];
    match tokio::fs::File::open(path).await {
        Ok(file) => Ok((headers, Body::from_stream(parts(file))).into_response()),
        Err(_) => Ok((headers, Body::empty()).into_response()),
    }
}
