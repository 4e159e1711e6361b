//! Where events go.

use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use voltwin_core::Timestamp;
use voltwin_delivery::DeadLetter as Letter;
use voltwin_security::{Permission, Secret};
use voltwin_store::EventEndpoint as Record;

use crate::auth::{Guard, Principal};
use crate::http::{Json, Page, PageLimit, PageQuery, Problem, Query};
use crate::state::AppState;

/// How long a request that asks the endpoint itself may take.
const ASK_TIMEOUT: Duration = Duration::from_secs(75);
/// How long sending letters again may take.
const REDELIVER_TIMEOUT: Duration = Duration::from_secs(300);

pub(super) fn routes() -> OpenApiRouter<AppState> {
    let (read, manage) = (Guard::needs(Permission::Read), Guard::needs(Permission::ManageAccess));
    OpenApiRouter::new()
        .routes(read.on(routes!(list)))
        .routes(read.on(routes!(show)))
        .routes(manage.timeout(ASK_TIMEOUT).on(routes!(put)))
        .routes(manage.on(routes!(remove)))
        .routes(manage.timeout(ASK_TIMEOUT).on(routes!(test)))
        .routes(read.on(routes!(letters)))
        .routes(manage.timeout(REDELIVER_TIMEOUT).on(routes!(redeliver)))
}

/// Where events go, and how it does.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventEndpoint {
    name: String,
    /// What it is and how hard it is tried, without secrets.
    #[schema(value_type = Object)]
    settings: Value,
    /// Whether there is a secret.
    has_secret: bool,
    /// Whether events are sent to it.
    enabled: bool,
    status: EndpointStatus,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    created_by: String,
    #[schema(value_type = String, format = DateTime)]
    changed_at: Timestamp,
}

/// How an endpoint does. Counts begin with the server.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EndpointStatus {
    /// Every event up to this number was taken, given up, or is not meant for it.
    place: u64,
    /// Events of the log after `place`.
    lag: u64,
    /// Events that it took.
    delivered: u64,
    /// Attempts that failed.
    failed_attempts: u64,
    /// Events that were given up.
    dead: u64,
    /// Events that the log no longer had when their turn came.
    lost: u64,
    /// Whether the last attempt failed.
    retrying: bool,
    /// Bytes of dead letters.
    dead_letter_bytes: u64,
    #[schema(value_type = Option<String>, format = DateTime)]
    last_success_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    last_error_at: Option<Timestamp>,
    /// Why an attempt last failed.
    last_error: Option<String>,
}

fn shown(state: &AppState, principal: &Principal, endpoint: Record) -> EventEndpoint {
    let (status, dead_letter_bytes) = state.events.status(&principal.tenant, &endpoint);
    let head = state.events.open_log(&principal.tenant).map_or(0, |log| log.head());
    let (last_error_at, last_error) = status.last_error.unzip();
    EventEndpoint {
        name: endpoint.name,
        settings: endpoint.settings,
        has_secret: endpoint.secret.is_some(),
        enabled: endpoint.enabled,
        status: EndpointStatus {
            place: status.place,
            lag: head.saturating_sub(status.place),
            delivered: status.delivered,
            failed_attempts: status.failed_attempts,
            dead: status.dead,
            lost: status.lost,
            retrying: status.retrying,
            dead_letter_bytes,
            last_success_at: status.last_success,
            last_error_at,
            last_error,
        },
        created_at: endpoint.created_at,
        created_by: endpoint.created_by,
        changed_at: endpoint.changed_at,
    }
}

/// Where events are to go.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewEventEndpoint {
    /// `target` says what it is, `retry` how hard it is tried, `dead_letter_endpoint` who gets what is given up.
    #[schema(value_type = Object, example = json!({"target": {"kind": "webhook", "url": "https://hook.example/events"}}))]
    settings: Value,
    /// What we present to it, such as `Bearer …`; kept as it is when not given. 1 to 4,096 printable characters.
    #[schema(value_type = Option<String>)]
    secret: Option<Secret>,
    /// Whether events are sent to it; while they are not, they wait in the log.
    #[serde(default = "on")]
    #[schema(default = true)]
    enabled: bool,
}

fn on() -> bool {
    true
}

/// Endpoints by name.
#[utoipa::path(get, path = "/event-endpoints", tag = "events", params(PageQuery),
    responses((status = 200, body = Page<EventEndpoint>)))]
async fn list(
    State(state): State<AppState>,
    principal: Principal,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<EventEndpoint>>, Problem> {
    let limit = query.limit.get()?;
    let page = state.registry(&principal.tenant).event_endpoints(query.cursor.as_deref(), limit).await?;
    Ok(Json(Page::from_store(page, |endpoint| shown(&state, &principal, endpoint))))
}

fn missing(name: &str) -> Problem {
    Problem::not_found(format!("there is no event endpoint `{}`", name.chars().take(80).collect::<String>()))
}

/// One endpoint and how it does.
#[utoipa::path(get, path = "/event-endpoints/{name}", tag = "events",
    params(("name" = String, Path, description = "The endpoint.")),
    responses((status = 200, body = EventEndpoint), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such endpoint.")))]
async fn show(
    State(state): State<AppState>,
    principal: Principal,
    Path(name): Path<String>,
) -> Result<Json<EventEndpoint>, Problem> {
    let found = state.registry(&principal.tenant).event_endpoint(&name).await?;
    Ok(Json(shown(&state, &principal, found.ok_or_else(|| missing(&name))?)))
}

/// Add or change an endpoint. A webhook is asked first whether it wants events. At most 64.
#[utoipa::path(put, path = "/event-endpoints/{name}", tag = "events", request_body = NewEventEndpoint,
    params(("name" = String, Path, description = "2 to 49 letters, digits and hyphens.")),
    responses((status = 200, body = EventEndpoint), (status = 201, body = EventEndpoint),
        (status = 409, body = Problem, content_type = "application/problem+json",
            description = "The webhook does not want events, or cannot be reached.")))]
async fn put(
    State(state): State<AppState>,
    principal: Principal,
    Path(name): Path<String>,
    Json(body): Json<NewEventEndpoint>,
) -> Result<(StatusCode, Json<EventEndpoint>), Problem> {
    if let Some(secret) = &body.secret {
        let text = secret.expose();
        let printable = text.bytes().all(|b| (0x20..0x7f).contains(&b));
        if text.is_empty() || text.len() > 4_096 || !printable {
            return Err(Problem::field("secret", "`secret` must be 1 to 4096 printable characters"));
        }
    }
    let (endpoint, added) = state
        .events
        .put_endpoint(&principal.tenant, &name, &body.settings, body.secret, body.enabled, &principal.name)
        .await
        .map_err(|error| match error {
            voltwin_delivery::EventsError::Invalid { field, reason } => {
                Problem::field(format!("settings.{field}"), format!("settings.{field} {reason}"))
            }
            other => other.into(),
        })?;
    let status = if added { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(shown(&state, &principal, endpoint))))
}

/// Remove an endpoint with its dead letters.
#[utoipa::path(delete, path = "/event-endpoints/{name}", tag = "events",
    params(("name" = String, Path, description = "The endpoint.")),
    responses((status = 204), (status = 404, body = Problem, content_type = "application/problem+json",
        description = "No such endpoint."), (status = 409, body = Problem,
        content_type = "application/problem+json", description = "Routes lead to it.")))]
async fn remove(
    State(state): State<AppState>,
    principal: Principal,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    match state.events.remove_endpoint(&principal.tenant, &name, &principal.name).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(missing(&name)),
    }
}

/// Send one event of type `Voltwin.Events.Test` to the endpoint, in one attempt.
#[utoipa::path(post, path = "/event-endpoints/{name}/test", tag = "events",
    params(("name" = String, Path, description = "The endpoint.")),
    responses((status = 204, description = "The endpoint took it."), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such endpoint."),
        (status = 409, body = Problem, content_type = "application/problem+json",
        description = "The endpoint did not take it, and why.")))]
async fn test(
    State(state): State<AppState>,
    principal: Principal,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    state.events.test(&principal.tenant, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// An event that an endpoint did not take.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeadLetter {
    /// The number of the event.
    sequence: u64,
    /// When it was given up.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Attempts that were made.
    attempts: u32,
    /// Why the last one failed.
    reason: String,
    /// The event, as a CloudEvent.
    #[schema(value_type = Object)]
    event: Value,
}

impl From<Letter> for DeadLetter {
    fn from(letter: Letter) -> Self {
        let event = serde_json::to_value(&letter.event).unwrap_or_default();
        Self {
            sequence: letter.sequence,
            at: letter.at,
            attempts: letter.attempts,
            reason: letter.reason,
            event,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct LettersQuery {
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 500, default = 100)]
    limit: PageLimit,
    /// `next` of the page before.
    cursor: Option<u64>,
}

/// Events that the endpoint did not take, by their numbers.
#[utoipa::path(get, path = "/event-endpoints/{name}/dead-letters", tag = "events",
    params(("name" = String, Path, description = "The endpoint."), LettersQuery),
    responses((status = 200, body = Page<DeadLetter>), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such endpoint.")))]
async fn letters(
    State(state): State<AppState>,
    principal: Principal,
    Path(name): Path<String>,
    Query(query): Query<LettersQuery>,
) -> Result<Json<Page<DeadLetter>>, Problem> {
    let limit = query.limit.get()?;
    let after = query.cursor.unwrap_or(0);
    let letters = state.events.dead_letters(&principal.tenant, &name, after, limit + 1).await?;
    let letters = letters.into_iter().map(DeadLetter::from);
    Ok(Json(Page::of(letters, limit, |letter| letter.sequence.to_string())))
}

/// Which letters are sent again.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Redeliver {
    /// Their numbers; the first 500 of all when not said.
    sequences: Option<Vec<u64>>,
}

/// What was sent again.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Redelivered {
    /// Letters that were taken, and are letters no more.
    events: usize,
}

/// Send dead letters again, in order, until one is not taken.
#[utoipa::path(post, path = "/event-endpoints/{name}/dead-letters/redeliver", tag = "events", request_body = Redeliver,
    params(("name" = String, Path, description = "The endpoint.")),
    responses((status = 200, body = Redelivered), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such endpoint."),
        (status = 409, body = Problem, content_type = "application/problem+json",
        description = "The endpoint did not take the first, and why.")))]
async fn redeliver(
    State(state): State<AppState>,
    principal: Principal,
    Path(name): Path<String>,
    Json(body): Json<Redeliver>,
) -> Result<Json<Redelivered>, Problem> {
    let events = state.events.redeliver(&principal.tenant, &name, body.sequences.as_deref()).await?;
    Ok(Json(Redelivered { events }))
}
