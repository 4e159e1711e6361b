//! Bulk commands: one command to all stations of a filter.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use voltwin_core::{Timestamp, TwinId};
use voltwin_csms::CommandRequest;
use voltwin_ocpp::Version;
use voltwin_operations::{BULK, BulkRequest, CONCURRENCY_MAX};
use voltwin_security::Permission;
use voltwin_store::{Job, JobStation};

use super::commands::NewCommand;
use crate::auth::{Guard, Principal};
use crate::fleet::{Chosen, Filter, choose};
use crate::http::{Json, Page, PageLimit, PageQuery, Problem, Query, one_of};
use crate::state::AppState;

const CONCURRENCY_DEFAULT: u32 = 16;
const STATION_STATES: [&str; 8] =
    ["pending", "running", "accepted", "rejected", "failed", "unanswered", "invalid", "not_sent"];
/// A body that names 20,000 stations.
const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Stations that the answer of a dry run names.
const SHOWN_MAX: usize = 500;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    let give = Guard::needs(Permission::CommandStations).body_limit(BODY_BYTES_MAX);
    OpenApiRouter::new()
        .routes(give.on(routes!(add)))
        .routes(Guard::needs(Permission::Read).on(routes!(list)))
        .routes(Guard::needs(Permission::Read).on(routes!(get)))
        .routes(Guard::needs(Permission::Read).on(routes!(stations)))
        .routes(Guard::needs(Permission::CommandStations).on(routes!(cancel)))
}

/// One command to many stations. The command is given as to one station: an OCPP `action` with its `payload`, or a
/// neutral `command` with its fields.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "describes the body, whose command is read by itself so that its errors name its fields"
)]
#[schema(example = json!({"filter": {"vendor": "ACME", "online": true}, "command": "reset", "concurrency": 16}))]
pub(crate) struct NewBulkCommand {
    filter: Filter,
    /// Stations asked at once.
    #[schema(minimum = 1, maximum = 256, default = 16)]
    concurrency: Option<u32>,
    /// Only tell whom it would reach, and whether they can understand it.
    #[schema(default = false)]
    dry_run: Option<bool>,
    #[serde(flatten)]
    #[schema(inline)]
    command: NewCommand,
}

/// What of the body is not the command.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Around {
    filter: Filter,
    concurrency: Option<u32>,
    #[serde(default)]
    dry_run: bool,
}

/// The body in its two parts.
fn parts(body: serde_json::Map<String, serde_json::Value>) -> Result<(Around, NewCommand), Problem> {
    let around = ["filter", "concurrency", "dry_run"];
    let (around, command): (serde_json::Map<_, _>, serde_json::Map<_, _>) =
        body.into_iter().partition(|(name, _)| around.contains(&name.as_str()));
    let text = |part: serde_json::Map<_, _>| serde_json::Value::Object(part).to_string();
    Ok((crate::http::json_body(text(around).as_bytes())?, crate::http::json_body(text(command).as_bytes())?))
}

/// What a dry run found.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct DryRun {
    /// Stations that the filter holds.
    matched: usize,
    /// How many of them are connected now.
    online: usize,
    /// How many speak each OCPP version; a station that never connected counts as 1.6.
    #[schema(value_type = std::collections::BTreeMap<String, u64>)]
    by_version: BTreeMap<String, u64>,
    /// Why stations of a version cannot be given the command, by version.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    problems: BTreeMap<String, String>,
    /// The first 500 of them, by id.
    stations: Vec<String>,
}

/// A job over many stations, and how far it has come.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct BulkCommand {
    #[schema(example = "0199f1d0-7c5e-7a52-9d0b-1f2e3d4c5b6a")]
    id: String,
    /// `running`, `cancelling`, `done`, `cancelled`, or `interrupted` by a restart of the server, after which nothing
    /// more is sent.
    #[schema(example = "running")]
    state: String,
    reason: Option<String>,
    /// What was asked, secrets masked: filter, command, concurrency.
    request: serde_json::Value,
    requested_by: String,
    #[schema(value_type = String, format = DateTime)]
    requested_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    finished_at: Option<Timestamp>,
    /// Stations in all.
    total: u64,
    /// Stations whose part is over.
    finished: u64,
    /// Stations by state: `pending`, `running`, `accepted`, `rejected`, `failed`, `unanswered` (its answer is still
    /// awaited by the command), `invalid` (it does not fit the station), `not_sent`.
    #[schema(value_type = std::collections::BTreeMap<String, u64>)]
    by_state: BTreeMap<String, u64>,
}

/// What became of one station.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct BulkStation {
    station: String,
    state: String,
    /// The command that it was given.
    command: Option<String>,
    /// Why it failed or was refused, for a person.
    detail: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    changed_at: Timestamp,
}

impl From<JobStation> for BulkStation {
    fn from(row: JobStation) -> Self {
        let JobStation { station, state, command, detail, changed_at, .. } = row;
        Self { station, state, command, detail, changed_at }
    }
}

/// Give one command to all stations of a filter. Answers at once; the job goes on by itself. A filter that holds no
/// station is refused.
#[utoipa::path(post, path = "/bulk-commands", tag = "bulk commands", request_body = NewBulkCommand,
    responses((status = 202, body = BulkCommand, description = "It has begun."),
        (status = 200, body = DryRun, description = "A dry run: what it would reach.")))]
async fn add(
    State(state): State<AppState>,
    principal: Principal,
    Json(body): Json<serde_json::Map<String, serde_json::Value>>,
) -> Result<axum::response::Response, Problem> {
    use axum::response::IntoResponse as _;
    let shown = voltwin_csms::without_secrets(serde_json::Value::Object(body.clone()));
    let (body, command) = parts(body)?;
    let concurrency = body.concurrency.unwrap_or(CONCURRENCY_DEFAULT);
    if !(1..=CONCURRENCY_MAX).contains(&concurrency) {
        let detail = format!("`concurrency` is {concurrency}; it must be 1 to {CONCURRENCY_MAX}");
        return Err(Problem::field("concurrency", detail).limit(CONCURRENCY_MAX));
    }
    let command = command.request()?;
    let chosen = choose(&state, &principal.tenant, &body.filter)?;
    if body.dry_run {
        return Ok(Json(dry_run(&chosen, &command)).into_response());
    }
    let stations: Vec<TwinId> = chosen.into_iter().map(|chosen| chosen.id).collect();
    let request = BulkRequest { command, stations, concurrency, spec: shown };
    let job = state.operations.bulk(&principal.tenant, request, &principal.name).await?;
    let job = show(&state, &principal, job).await?;
    Ok((StatusCode::ACCEPTED, Json(job)).into_response())
}

fn dry_run(chosen: &[Chosen], command: &CommandRequest) -> DryRun {
    let mut by_version = BTreeMap::new();
    let mut problems = BTreeMap::new();
    for station in chosen {
        let version = station.version.unwrap_or(Version::V16);
        *by_version.entry(version.to_string()).or_default() += 1;
        if let CommandRequest::Raw { action, payload } = command
            && !problems.contains_key(&version.to_string())
        {
            let raw = voltwin_ocpp::Command::Raw { action: action.clone(), payload: payload.clone() };
            if let Err(error) = raw.to_call(version) {
                problems.insert(version.to_string(), error.to_string());
            }
        }
    }
    DryRun {
        matched: chosen.len(),
        online: chosen.iter().filter(|station| station.online).count(),
        by_version,
        problems,
        stations: chosen.iter().take(SHOWN_MAX).map(|station| station.id.to_string()).collect(),
    }
}

/// Bulk commands, newest first. The newest 1,000 that have ended are kept.
#[utoipa::path(get, path = "/bulk-commands", tag = "bulk commands", params(PageQuery),
    responses((status = 200, body = Page<BulkCommand>)))]
async fn list(
    State(state): State<AppState>,
    principal: Principal,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<BulkCommand>>, Problem> {
    let limit = query.limit.get()?;
    let page = state.registry(&principal.tenant).jobs(BULK, query.cursor.as_deref(), limit).await?;
    let mut items = Vec::with_capacity(page.items.len());
    for job in page.items {
        items.push(show(&state, &principal, job).await?);
    }
    Ok(Json(Page { items, next: page.next }))
}

/// One bulk command.
#[utoipa::path(get, path = "/bulk-commands/{id}", tag = "bulk commands",
    params(("id" = String, Path, description = "The bulk command.")),
    responses((status = 200, body = BulkCommand), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such bulk command.")))]
async fn get(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<Json<BulkCommand>, Problem> {
    let job = find(&state, &principal, &id).await?;
    Ok(Json(show(&state, &principal, job).await?))
}

/// Which page of the stations of a job.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct StationsQuery {
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 500, default = 100)]
    pub(super) limit: PageLimit,
    /// `next` of the page before.
    pub(super) cursor: Option<String>,
    /// Only stations in this state.
    pub(super) state: Option<String>,
}

/// What became of each station, by id.
#[utoipa::path(get, path = "/bulk-commands/{id}/stations", tag = "bulk commands",
    params(("id" = String, Path, description = "The bulk command."), StationsQuery),
    responses((status = 200, body = Page<BulkStation>), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such bulk command.")))]
async fn stations(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<String>,
    Query(query): Query<StationsQuery>,
) -> Result<Json<Page<BulkStation>>, Problem> {
    let limit = query.limit.get()?;
    one_of("state", query.state.as_deref(), &STATION_STATES)?;
    find(&state, &principal, &id).await?;
    let registry = state.registry(&principal.tenant);
    let page = registry.job_stations(&id, query.state.as_deref(), query.cursor.as_deref(), limit).await?;
    Ok(Json(Page::from_store(page, BulkStation::from)))
}

/// Send no more of it. Answers that are under way are still awaited.
#[utoipa::path(post, path = "/bulk-commands/{id}/cancel", tag = "bulk commands",
    params(("id" = String, Path, description = "The bulk command.")),
    responses((status = 200, body = BulkCommand), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such bulk command."),
        (status = 409, body = Problem, content_type = "application/problem+json",
            description = "It has ended.")))]
async fn cancel(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<Json<BulkCommand>, Problem> {
    let job = state.operations.cancel_bulk(&principal.tenant, &id, &principal.name).await?;
    Ok(Json(show(&state, &principal, job).await?))
}

async fn find(state: &AppState, principal: &Principal, id: &str) -> Result<Job, Problem> {
    let found = state.registry(&principal.tenant).job(BULK, id).await?;
    found.ok_or_else(|| Problem::not_found(format!("there is no bulk command `{id}`")))
}

async fn show(state: &AppState, principal: &Principal, job: Job) -> Result<BulkCommand, Problem> {
    let counts = state.registry(&principal.tenant).job_counts(&job.id).await?;
    let by_state: BTreeMap<String, u64> = counts.into_iter().collect();
    let total = by_state.values().sum();
    let open = |state: &str| by_state.get(state).copied().unwrap_or(0);
    Ok(BulkCommand {
        finished: total - open("pending") - open("running"),
        total,
        by_state,
        id: job.id,
        state: job.state,
        reason: job.reason,
        request: job.spec,
        requested_by: job.created_by,
        requested_at: job.created_at,
        finished_at: job.finished_at,
    })
}
