//! Which events go to which endpoint.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use voltwin_core::Timestamp;
use voltwin_security::Permission;
use voltwin_store::{EVENT_ROUTES_MAX, EventRoute as Record};

use crate::auth::{Guard, Principal};
use crate::http::{Json, Page, PageQuery, Problem, Query};
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    let (read, manage) = (Guard::needs(Permission::Read), Guard::needs(Permission::ManageAccess));
    OpenApiRouter::new()
        .routes(read.on(routes!(list)))
        .routes(read.on(routes!(show)))
        .routes(manage.on(routes!(put)))
        .routes(manage.on(routes!(remove)))
}

/// Which events go to an endpoint.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventRoute {
    id: String,
    /// The endpoint.
    endpoint: String,
    /// Which events, in the language of route filters.
    #[schema(example = "type = 'Microsoft.DigitalTwins.Twin.Update'")]
    filter: String,
    /// The number of the event after which it takes events.
    since: u64,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    created_by: String,
    #[schema(value_type = String, format = DateTime)]
    changed_at: Timestamp,
}

impl From<Record> for EventRoute {
    fn from(route: Record) -> Self {
        Self {
            id: route.id,
            endpoint: route.endpoint,
            filter: route.filter,
            since: route.since,
            created_at: route.created_at,
            created_by: route.created_by,
            changed_at: route.changed_at,
        }
    }
}

/// Which events are to go to an endpoint.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewEventRoute {
    /// The endpoint.
    endpoint: String,
    /// Which events; all when not said.
    #[serde(default = "everything")]
    #[schema(default = "true")]
    filter: String,
}

fn everything() -> String {
    "true".to_owned()
}

/// Routes by id.
#[utoipa::path(get, path = "/event-routes", tag = "events", params(PageQuery),
    responses((status = 200, body = Page<EventRoute>)))]
async fn list(
    State(state): State<AppState>,
    principal: Principal,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<EventRoute>>, Problem> {
    let limit = query.limit.get()?;
    let page = state.registry(&principal.tenant).event_routes(query.cursor.as_deref(), limit).await?;
    Ok(Json(Page::from_store(page, EventRoute::from)))
}

fn missing(id: &str) -> Problem {
    Problem::not_found(format!("there is no event route `{}`", id.chars().take(80).collect::<String>()))
}

async fn find(state: &AppState, principal: &Principal, id: &str) -> Result<EventRoute, Problem> {
    let found = state.registry(&principal.tenant).event_route(id).await?;
    found.map(EventRoute::from).ok_or_else(|| missing(id))
}

/// One route.
#[utoipa::path(get, path = "/event-routes/{id}", tag = "events",
    params(("id" = String, Path, description = "The route.")),
    responses((status = 200, body = EventRoute), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such route.")))]
async fn show(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<Json<EventRoute>, Problem> {
    Ok(Json(find(&state, &principal, &id).await?))
}

/// Add or change a route; it takes events from now on. At most 64.
#[utoipa::path(put, path = "/event-routes/{id}", tag = "events", request_body = NewEventRoute,
    params(("id" = String, Path, description = "1 to 128 letters, digits and - . _ :")),
    responses((status = 200, body = EventRoute), (status = 201, body = EventRoute), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such endpoint.")))]
async fn put(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<String>,
    Json(body): Json<NewEventRoute>,
) -> Result<(StatusCode, Json<EventRoute>), Problem> {
    let route = (id.as_str(), body.endpoint.as_str(), body.filter.as_str());
    let added = state.events.put_route(&principal.tenant, route, EVENT_ROUTES_MAX, &principal.name).await?;
    let status = if added { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(find(&state, &principal, &id).await?)))
}

/// Remove a route.
#[utoipa::path(delete, path = "/event-routes/{id}", tag = "events",
    params(("id" = String, Path, description = "The route.")),
    responses((status = 204), (status = 404, body = Problem, content_type = "application/problem+json",
        description = "No such route.")))]
async fn remove(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    match state.events.remove_route(&principal.tenant, &id, &principal.name).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(missing(&id)),
    }
}
