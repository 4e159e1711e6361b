//! Files that are sent to us to be imported, where there is no blob to fetch: `PUT /jobs/uploads/{name}`, then an import
//! of `upload:{name}`.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use axum::body::Body;
use axum::extract::Path as InPath;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt as _;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use voltwin_core::TenantId;

use super::{KEPT_S, check_id};
use crate::call::Call;
use crate::error::{AdtError, Code};
use crate::state::Plane;

const SCHEME: &str = "upload:";
/// Files of one tenant at most, logs among them.
const FILES_MAX: usize = 1_000;
/// How long the next part of a file may take.
const PART_WITHIN: Duration = Duration::from_secs(60);

/// The name of an upload, where an address is that of one.
pub(crate) fn named(address: &str) -> Option<&str> {
    address.strip_prefix(SCHEME)
}

pub(crate) fn folder(adt: &Plane, tenant: &TenantId) -> PathBuf {
    adt.runtime.store().dir().join("imports").join(tenant.as_str())
}

pub(crate) fn file(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("upload-{name}.ndjson"))
}

pub(crate) async fn check_there(call: &Call, name: &str) -> Result<(), AdtError> {
    check_id(name)?;
    let there = tokio::fs::try_exists(file(&folder(&call.adt, call.tenant()), name)).await;
    if there.unwrap_or(false) {
        return Ok(());
    }
    let message = format!("inputBlobUri: there is no upload `{name}`: PUT /jobs/uploads/{name} makes it");
    Err(AdtError::new(Code::ValidationFailed, message))
}

pub(crate) async fn put(call: Call, InPath(name): InPath<String>, body: Body) -> Result<Response, AdtError> {
    check_id(&name)?;
    sweep(&call).await;
    let folder = folder(&call.adt, call.tenant());
    tokio::fs::create_dir_all(&folder).await.map_err(|error| unusable(&error))?;
    if count(&folder).await >= FILES_MAX {
        return Err(AdtError::new(Code::LimitExceeded, format!("there are {FILES_MAX} files already")));
    }
    let part = folder.join(format!("part-{}", uuid::Uuid::now_v7()));
    let received = receive(&part, body, call.adt.config.import_bytes_max).await;
    let placed = match received {
        Ok(bytes) => tokio::fs::rename(&part, file(&folder, &name))
            .await
            .map_err(|error| unusable(&error))
            .map(|()| bytes),
        Err(error) => Err(error),
    };
    if placed.is_err() {
        let _ = tokio::fs::remove_file(&part).await;
    }
    let answer = json!({ "inputBlobUri": format!("{SCHEME}{name}"), "bytes": placed? });
    Ok((StatusCode::CREATED, axum::Json(answer)).into_response())
}

pub(crate) async fn delete(call: Call, InPath(name): InPath<String>) -> Result<StatusCode, AdtError> {
    check_id(&name)?;
    match tokio::fs::remove_file(file(&folder(&call.adt, call.tenant()), &name)).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(_) => Err(AdtError::new(Code::NotFound, format!("there is no upload `{name}`"))),
    }
}

async fn receive(into: &Path, body: Body, limit: u64) -> Result<u64, AdtError> {
    let mut file = tokio::fs::File::create(into).await.map_err(|error| unusable(&error))?;
    let (mut parts, mut bytes) = (body.into_data_stream(), 0_u64);
    loop {
        let part = tokio::time::timeout(PART_WITHIN, parts.next()).await;
        let part =
            part.map_err(|_| AdtError::argument(format!("nothing came for {} s", PART_WITHIN.as_secs())))?;
        let Some(part) = part else { break };
        let part = part.map_err(|_| AdtError::argument("the file ended early"))?;
        bytes += part.len() as u64;
        if bytes > limit {
            return Err(AdtError::new(
                Code::RequestBodyTooLarge,
                format!("the file has more than {limit} bytes"),
            ));
        }
        file.write_all(&part).await.map_err(|error| unusable(&error))?;
    }
    file.sync_all().await.map_err(|error| unusable(&error))?;
    Ok(bytes)
}

async fn count(folder: &Path) -> usize {
    let mut count = 0;
    if let Ok(mut entries) = tokio::fs::read_dir(folder).await {
        while let Ok(Some(_)) = entries.next_entry().await {
            count += 1;
        }
    }
    count
}

/// Removes what is older than any job is kept.
pub(crate) async fn sweep(call: &Call) {
    let Ok(mut entries) = tokio::fs::read_dir(folder(&call.adt, call.tenant())).await else { return };
    let before = SystemTime::now().checked_sub(Duration::from_secs_f64(KEPT_S));
    while let Ok(Some(entry)) = entries.next_entry().await {
        let changed = entry.metadata().await.ok().and_then(|metadata| metadata.modified().ok());
        if changed.zip(before).is_some_and(|(changed, before)| changed < before) {
            let _ = tokio::fs::remove_file(entry.path()).await;
        }
    }
}

fn unusable(error: &std::io::Error) -> AdtError {
    let code = if error.kind() == std::io::ErrorKind::StorageFull {
        Code::InsufficientStorage
    } else {
        Code::InternalServerError
    };
    AdtError::new(code, format!("the file cannot be kept: {}", error.kind()))
}
