//! Files: logs that stations sent, firmware that they can fetch.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;
use voltwin_core::{Timestamp, TwinId};
use voltwin_security::Permission;
use voltwin_store::{FileFilter, FileKind, FileRecord, FileState, NewFile};

use crate::auth::{Guard, Principal};
use crate::files::{content, shown_name, store_body};
use crate::http::{Id, Json, Page, PageLimit, PageQuery, Problem, Query};
use crate::state::AppState;

/// How long the upload of a firmware may take.
const UPLOAD: std::time::Duration = std::time::Duration::from_secs(3_600);

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(Guard::needs(Permission::Read).on(routes!(list)))
        .routes(Guard::needs(Permission::ManageStations).timeout(UPLOAD).on(routes!(upload)))
        .routes(Guard::needs(Permission::Read).on(routes!(get)))
        .routes(Guard::needs(Permission::ManageStations).on(routes!(remove)))
        .routes(Guard::needs(Permission::Read).on(routes!(download)))
        .routes(Guard::needs(Permission::Read).on(routes!(of_station)))
}

/// A file, without its bytes.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct StoredFile {
    id: String,
    /// `log` or `firmware`.
    #[schema(value_type = String, example = "log")]
    kind: FileKind,
    /// `expected` until its last byte is here, then `stored`.
    #[schema(value_type = String, example = "stored")]
    state: FileState,
    /// The station that it is of.
    station: Option<String>,
    name: String,
    /// The request that it answers.
    request_id: Option<i64>,
    /// Its size; 0 while it is to come.
    bytes: u64,
    /// SHA-256 of its bytes, in hexadecimal.
    sha256: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    created_by: String,
    #[schema(value_type = Option<String>, format = DateTime)]
    stored_at: Option<Timestamp>,
}

impl From<FileRecord> for StoredFile {
    fn from(file: FileRecord) -> Self {
        Self {
            id: file.id,
            kind: file.kind,
            state: file.state,
            station: file.station,
            name: file.name,
            request_id: file.request_id,
            bytes: file.bytes,
            sha256: file.sha256,
            created_at: file.created_at,
            created_by: file.created_by,
            stored_at: file.stored_at,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 500, default = 100)]
    limit: PageLimit,
    /// `next` of the page before.
    cursor: Option<String>,
    /// Of this station only.
    station: Option<String>,
    /// `log` or `firmware`.
    #[param(value_type = Option<String>)]
    kind: Option<FileKind>,
}

/// Files, newest first.
#[utoipa::path(get, path = "/files", tag = "files", params(ListQuery),
    responses((status = 200, body = Page<StoredFile>)))]
async fn list(
    State(state): State<AppState>,
    principal: Principal,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<StoredFile>>, Problem> {
    let filter = FileFilter { station: query.station, kind: query.kind };
    let limit = query.limit.get()?;
    let page = state.registry(&principal.tenant).files(&filter, query.cursor.as_deref(), limit).await?;
    Ok(Json(Page::from_store(page, StoredFile::from)))
}

/// The files of one station, newest first.
#[utoipa::path(get, path = "/stations/{id}/files", tag = "files",
    params(("id" = String, Path, description = "The station."), PageQuery),
    responses((status = 200, body = Page<StoredFile>), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such station.")))]
async fn of_station(
    State(state): State<AppState>,
    principal: Principal,
    Id(station): Id<TwinId>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<StoredFile>>, Problem> {
    super::stations::must_exist(&state, &principal, &station)?;
    let filter = FileFilter { station: Some(station.to_string()), kind: None };
    let limit = query.limit.get()?;
    let page = state.registry(&principal.tenant).files(&filter, query.cursor.as_deref(), limit).await?;
    Ok(Json(Page::from_store(page, StoredFile::from)))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct UploadQuery {
    /// What to call it, 1 to 100 characters.
    name: String,
}

/// Upload a firmware: its bytes are the body. A station gets an address of its own when it is asked to install it.
#[utoipa::path(post, path = "/files", tag = "files", params(UploadQuery),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 201, body = StoredFile), (status = 413, body = Problem,
        content_type = "application/problem+json", description = "It has too many bytes."),
        (status = 507, body = Problem, content_type = "application/problem+json",
        description = "The files of this tenant take all the room that they may.")))]
async fn upload(
    State(state): State<AppState>,
    principal: Principal,
    Query(query): Query<UploadQuery>,
    request: Request,
) -> Result<(StatusCode, Json<StoredFile>), Problem> {
    let name = shown_name(&query.name)
        .ok_or_else(|| Problem::field("name", "`name` must have 1 to 100 characters and be no path"))?;
    let registry = state.registry(&principal.tenant);
    let now = state.runtime.now();
    let file = NewFile {
        id: Uuid::now_v7().to_string(),
        kind: FileKind::Firmware,
        station: None,
        name,
        request_id: None,
    };
    let file = registry.expect_file(&file, &principal.name, now).await?;
    match store_body(&state, &principal.tenant, &file, None, request).await {
        Ok(file) => Ok((StatusCode::CREATED, Json(file.into()))),
        Err(problem) => {
            registry.remove_file(&file.id, &principal.name, now).await?;
            Err(problem)
        }
    }
}

async fn found(state: &AppState, principal: &Principal, id: &str) -> Result<FileRecord, Problem> {
    let file = state.registry(&principal.tenant).file(id).await?;
    file.ok_or_else(|| Problem::not_found("there is no such file"))
}

/// One file, without its bytes.
#[utoipa::path(get, path = "/files/{id}", tag = "files",
    params(("id" = String, Path, description = "The file.")),
    responses((status = 200, body = StoredFile), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such file.")))]
async fn get(
    State(state): State<AppState>,
    principal: Principal,
    Id(id): Id<TwinId>,
) -> Result<Json<StoredFile>, Problem> {
    Ok(Json(found(&state, &principal, id.as_str()).await?.into()))
}

/// The bytes of a file; `Range` is heeded.
#[utoipa::path(get, path = "/files/{id}/content", tag = "files",
    params(("id" = String, Path, description = "The file.")),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>),
        (status = 404, body = Problem, content_type = "application/problem+json",
        description = "No such file, or it has not come yet.")))]
async fn download(
    State(state): State<AppState>,
    principal: Principal,
    Id(id): Id<TwinId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let file = found(&state, &principal, id.as_str()).await?;
    content(&state, &principal.tenant, &file, &headers).await
}

/// Remove a file, and the addresses under which it could be sent or fetched.
#[utoipa::path(delete, path = "/files/{id}", tag = "files",
    params(("id" = String, Path, description = "The file.")),
    responses((status = 204), (status = 404, body = Problem, content_type = "application/problem+json",
        description = "No such file.")))]
async fn remove(
    State(state): State<AppState>,
    principal: Principal,
    Id(id): Id<TwinId>,
) -> Result<StatusCode, Problem> {
    let registry = state.registry(&principal.tenant);
    found(&state, &principal, id.as_str()).await?;
    registry.remove_file(id.as_str(), &principal.name, state.runtime.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}
