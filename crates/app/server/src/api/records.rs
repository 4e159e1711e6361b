//! What is known of a twin beyond its properties: statements by topic and key, and notes in their order.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use voltwin_core::{Timestamp, TwinId};
use voltwin_security::Permission;
use voltwin_store::NoteFilter;

use crate::auth::{Guard, Principal};
use crate::http::{Id, Json, Page, PageLimit, Problem, Query};
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(Guard::needs(Permission::Read).on(routes!(records)))
        .routes(Guard::needs(Permission::Read).on(routes!(notes)))
}

/// The newest statement under a topic and key.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Record {
    /// What it is about within the topic.
    #[schema(example = "OCPPCommCtrlr//HeartbeatInterval//Actual")]
    key: String,
    /// The statement.
    value: serde_json::Value,
    /// When its source made it.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

/// One entry of a twin's notebook.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Note {
    /// Its number; later ones are greater.
    id: i64,
    twin: String,
    /// When it happened, by its source.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// When we heard of it.
    #[schema(value_type = String, format = DateTime)]
    received: Timestamp,
    /// What happened.
    detail: serde_json::Value,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct TopicQuery {
    /// The kind of statement or note.
    #[param(example = "variable")]
    topic: String,
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 500, default = 100)]
    limit: PageLimit,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// What is known of a twin under a topic, by key.
#[utoipa::path(get, path = "/twins/{id}/records", tag = "twins",
    params(("id" = String, Path, description = "The twin."), TopicQuery),
    responses((status = 200, body = Page<Record>)))]
async fn records(
    State(state): State<AppState>,
    principal: Principal,
    Id(twin): Id<TwinId>,
    Query(query): Query<TopicQuery>,
) -> Result<Json<Page<Record>>, Problem> {
    let limit = query.limit.get()?;
    let registry = state.registry(&principal.tenant);
    let page = registry.records(twin.as_str(), &query.topic, query.cursor.as_deref(), limit).await?;
    Ok(Json(Page::from_store(page, Record::from)))
}

/// The notebook of a twin under a topic, newest first.
#[utoipa::path(get, path = "/twins/{id}/notes", tag = "twins",
    params(("id" = String, Path, description = "The twin."), TopicQuery),
    responses((status = 200, body = Page<Note>)))]
async fn notes(
    State(state): State<AppState>,
    principal: Principal,
    Id(twin): Id<TwinId>,
    Query(query): Query<TopicQuery>,
) -> Result<Json<Page<Note>>, Problem> {
    let limit = query.limit.get()?;
    let filter = NoteFilter { topic: query.topic, twin: Some(twin.to_string()) };
    let page = state.registry(&principal.tenant).notes(&filter, query.cursor.as_deref(), limit).await?;
    Ok(Json(Page::from_store(page, Note::from)))
}

impl From<voltwin_store::Record> for Record {
    fn from(record: voltwin_store::Record) -> Self {
        Self { key: record.key, value: record.value, at: record.at }
    }
}

impl From<voltwin_store::Note> for Note {
    fn from(note: voltwin_store::Note) -> Self {
        Self { id: note.id, twin: note.twin, at: note.at, received: note.received, detail: note.detail }
    }
}
