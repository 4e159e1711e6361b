//! The wire of stations, recorded to be played again.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use voltwin_core::{Timestamp, TwinId};
use voltwin_csms::{RECORDING_FRAMES_MAX, RECORDING_S_MAX};
use voltwin_security::Permission;

use crate::auth::{Guard, Principal};
use crate::http::{Id, Json, Page, PageLimit, Problem, Query};
use crate::state::AppState;

const S_DEFAULT: u32 = 600;
const FRAMES_DEFAULT: u32 = 10_000;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(Guard::needs(Permission::CommandStations).on(routes!(begin)))
        .routes(Guard::needs(Permission::Read).on(routes!(list)))
        .routes(Guard::needs(Permission::Read).on(routes!(get)))
        .routes(Guard::needs(Permission::CommandStations).on(routes!(stop)))
        .routes(Guard::needs(Permission::CommandStations).on(routes!(file)))
        .routes(Guard::needs(Permission::CommandStations).on(routes!(delete)))
}

/// The recorded wire of one station.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Recording {
    #[schema(example = "0199f1d0-7c5e-7a52-9d0b-1f2e3d4c5b6a")]
    id: String,
    station: String,
    /// `recording`, `stopped`, `full` (its time, frames or 64 MiB are used up), or `interrupted` by the end of the
    /// server.
    #[schema(example = "recording")]
    state: String,
    /// Who began it.
    by: String,
    #[schema(value_type = String, format = DateTime)]
    started_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Timestamp>,
    max_s: u32,
    max_frames: u32,
    /// Frames in it; known when it has ended.
    frames: u64,
    bytes: u64,
    /// Lines that were lost because the disk was too slow.
    dropped: u64,
}

impl From<voltwin_csms::Recording> for Recording {
    fn from(recording: voltwin_csms::Recording) -> Self {
        let voltwin_csms::Recording { id, station, state, by, started_at, ended_at, .. } = recording;
        let voltwin_csms::Recording { max_s, max_frames, frames, bytes, dropped, .. } = recording;
        Self { id, station, state, by, started_at, ended_at, max_s, max_frames, frames, bytes, dropped }
    }
}

/// How much to record.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRecording {
    #[schema(minimum = 1, maximum = 86400, default = 600)]
    max_s: Option<u32>,
    #[schema(minimum = 1, maximum = 100000, default = 10000)]
    max_frames: Option<u32>,
}

/// Begin to record the wire of a station: every frame from now on, after the state that its twins are in now.
#[utoipa::path(post, path = "/stations/{id}/recordings", tag = "recordings", request_body = NewRecording,
    params(("id" = String, Path, description = "The station.")),
    responses((status = 201, body = Recording), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such station."),
        (status = 409, body = Problem, content_type = "application/problem+json",
            description = "It is being recorded already, or too much is.")))]
async fn begin(
    State(state): State<AppState>,
    principal: Principal,
    Id(station): Id<TwinId>,
    Json(body): Json<NewRecording>,
) -> Result<(StatusCode, Json<Recording>), Problem> {
    super::stations::must_exist(&state, &principal, &station)?;
    let (max_s, max_frames) = (body.max_s.unwrap_or(S_DEFAULT), body.max_frames.unwrap_or(FRAMES_DEFAULT));
    for (field, value, limit) in
        [("max_s", max_s, RECORDING_S_MAX), ("max_frames", max_frames, RECORDING_FRAMES_MAX)]
    {
        if !(1..=limit).contains(&value) {
            let detail = format!("`{field}` is {value}; it must be 1 to {limit}");
            return Err(Problem::field(field, detail).limit(limit));
        }
    }
    let begun = state.csms.record_wire(&principal.tenant, &station, (max_s, max_frames), &principal.name);
    Ok((StatusCode::CREATED, Json(begun.await?.into())))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 500, default = 100)]
    limit: PageLimit,
    /// Only of this station.
    station: Option<String>,
}

/// Recordings, newest first; a tenant keeps 100 at most.
#[utoipa::path(get, path = "/recordings", tag = "recordings", params(ListQuery),
    responses((status = 200, body = Page<Recording>)))]
async fn list(
    State(state): State<AppState>,
    principal: Principal,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<Recording>>, Problem> {
    let limit = query.limit.get()?;
    let all = state.csms.recordings(&principal.tenant).await?.into_iter();
    let wanted = all.filter(|one| query.station.as_ref().is_none_or(|station| *station == one.station));
    Ok(Json(Page { items: wanted.take(limit).map(Recording::from).collect(), next: None }))
}

/// One recording.
#[utoipa::path(get, path = "/recordings/{id}", tag = "recordings",
    params(("id" = String, Path, description = "The recording.")),
    responses((status = 200, body = Recording), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such recording.")))]
async fn get(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<Json<Recording>, Problem> {
    Ok(Json(state.csms.recording(&principal.tenant, &id).await?.into()))
}

/// End a recording.
#[utoipa::path(post, path = "/recordings/{id}/stop", tag = "recordings",
    params(("id" = String, Path, description = "The recording.")),
    responses((status = 200, body = Recording), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such recording.")))]
async fn stop(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<Json<Recording>, Problem> {
    Ok(Json(state.csms.stop_recording(&principal.tenant, &id).await?.into()))
}

/// The file of a recording, for `voltwin wire replay`. Secrets are masked in it; id tokens are not.
#[utoipa::path(get, path = "/recordings/{id}/file", tag = "recordings",
    params(("id" = String, Path, description = "The recording.")),
    responses((status = 200, description = "NDJSON, a header and then a line a frame.", body = String,
        content_type = "application/x-ndjson"), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such recording.")))]
async fn file(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    use futures_util::stream::try_unfold;
    use tokio::io::AsyncReadExt as _;

    let path = state.csms.recording_file(&principal.tenant, &id).await?;
    let missing = |_| Problem::not_found(format!("there is no file of recording `{id}`"));
    let file = tokio::fs::File::open(path).await.map_err(missing)?;
    let chunks = try_unfold(file, |mut file| async move {
        let mut chunk = bytes::BytesMut::with_capacity(64 * 1024);
        let read = file.read_buf(&mut chunk).await?;
        Ok::<_, std::io::Error>((read > 0).then(|| (chunk.freeze(), file)))
    });
    let name = format!("attachment; filename=\"{id}.ndjson\"");
    let headers =
        [(header::CONTENT_TYPE, "application/x-ndjson".to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, Body::from_stream(chunks)).into_response())
}

/// Remove a recording that has ended.
#[utoipa::path(delete, path = "/recordings/{id}", tag = "recordings",
    params(("id" = String, Path, description = "The recording.")),
    responses((status = 204), (status = 404, body = Problem, content_type = "application/problem+json",
        description = "No such recording."), (status = 409, body = Problem,
        content_type = "application/problem+json", description = "It is running.")))]
async fn delete(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    state.csms.delete_recording(&principal.tenant, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
