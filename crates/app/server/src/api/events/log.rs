//! The event log of the tenant.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use voltwin_security::Permission;

use crate::auth::{Guard, Principal};
use crate::http::{Json, Problem};
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    let (read, manage) = (Guard::needs(Permission::Read), Guard::needs(Permission::ManageAccess));
    OpenApiRouter::new()
        .routes(read.on(routes!(show)))
        .routes(manage.on(routes!(set)))
        .routes(manage.on(routes!(end)))
}

/// How the event log is kept, and what is in it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventLog {
    /// Seconds that an event stays.
    keep_s: u32,
    /// Whether the tables of data history are written.
    history: bool,
    /// The host name in `source` of the events.
    #[schema(example = "demo.voltwin")]
    source: String,
    /// The number of the oldest event that can be read; one after `head` when there is none.
    first: u64,
    /// The number of the newest event; 0 before the first.
    head: u64,
    /// Where the tables of data history are, within the data folder.
    #[schema(example = "events/demo/history")]
    history_folder: String,
    /// These tables, as they were when they were last written; none before that.
    history_tables: Vec<HistoryTable>,
}

/// A table of data history.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HistoryTable {
    /// Its name, which is that of its folder too.
    #[schema(example = "property_updates")]
    name: String,
    /// Bytes of its files.
    bytes: u64,
}

/// How the event log is to be kept.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewEventLog {
    /// Seconds that an event stays: 3,600 (an hour) to 2,678,400 (31 days), 604,800 (a week) when not said.
    #[schema(minimum = 3_600, maximum = 2_678_400)]
    keep_s: Option<u32>,
    /// Whether the tables of data history are written.
    #[serde(default)]
    history: bool,
}

async fn shown(state: &AppState, principal: &Principal) -> Result<EventLog, Problem> {
    let settings = state.registry(&principal.tenant).event_log().await?;
    let settings = settings.ok_or_else(|| {
        Problem::not_found(
            "the tenant keeps no event log (PUT /event-log, an endpoint, or GET /events begins one)",
        )
    })?;
    let log = state.events.log(&principal.tenant, &principal.name).await?;
    let tables = state.events.history_tables(&principal.tenant).into_iter();
    Ok(EventLog {
        keep_s: settings.keep_s,
        history: settings.history,
        source: state.events.source(&principal.tenant),
        first: log.first(),
        head: log.head(),
        history_folder: voltwin_delivery::history_folder(&principal.tenant),
        history_tables: tables
            .map(|table| HistoryTable { name: table.name.to_owned(), bytes: table.bytes })
            .collect(),
    })
}

/// How the event log is kept, and what is in it.
#[utoipa::path(get, path = "/event-log", tag = "events", responses((status = 200, body = EventLog),
    (status = 404, body = Problem, content_type = "application/problem+json", description = "There is none.")))]
async fn show(State(state): State<AppState>, principal: Principal) -> Result<Json<EventLog>, Problem> {
    Ok(Json(shown(&state, &principal).await?))
}

/// Begin to keep an event log, or change how it is kept.
#[utoipa::path(put, path = "/event-log", tag = "events", request_body = NewEventLog,
    responses((status = 200, body = EventLog)))]
async fn set(
    State(state): State<AppState>,
    principal: Principal,
    Json(body): Json<NewEventLog>,
) -> Result<Json<EventLog>, Problem> {
    let keep_s = body.keep_s.unwrap_or(voltwin_delivery::KEEP_S);
    state.events.set_log(&principal.tenant, keep_s, body.history, &principal.name).await?;
    Ok(Json(shown(&state, &principal).await?))
}

/// End the event log. What it holds stays on the disk, and its numbers go on when it begins again.
#[utoipa::path(delete, path = "/event-log", tag = "events", responses((status = 204),
    (status = 404, body = Problem, content_type = "application/problem+json", description = "There is none."),
    (status = 409, body = Problem, content_type = "application/problem+json",
        description = "There are endpoints that need it.")))]
async fn end(State(state): State<AppState>, principal: Principal) -> Result<StatusCode, Problem> {
    match state.events.end_log(&principal.tenant, &principal.name).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Problem::not_found("the tenant keeps no event log")),
    }
}
