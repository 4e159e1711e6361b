//! Twins of every kind.

use std::collections::{BTreeMap, BinaryHeap};

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use voltwin_core::{
    AuditFact, Dtmi, EventBody, PropertyMap, PropertyName, RelationshipId, Timestamp, TwinId, Value,
};
use voltwin_graph::TwinRef;
use voltwin_runtime::{Precondition, RuntimeError};
use voltwin_security::Permission;

use super::history;
use crate::auth::{Guard, Principal};
use crate::http::{Id, Json, Page, PageLimit, Problem, Query, Trace};
use crate::network::out_of_range;
use crate::state::AppState;

/// Relationships that one request may carry.
const LINKS_MAX: usize = 1_000;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(Guard::needs(Permission::Read).on(routes!(list)))
        .routes(Guard::needs(Permission::Read).on(routes!(get)))
        .routes(Guard::needs(Permission::WriteTwins).on(routes!(put, patch, delete)))
        .routes(Guard::needs(Permission::Read).on(routes!(history::get)))
}

/// A twin.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Twin {
    id: String,
    /// The DTDL model that types it.
    #[schema(example = "dtmi:voltwin:Vehicle;1")]
    model: String,
    /// Changes with the twin; to be given in `If-Match`.
    etag: String,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    /// Values by name.
    #[schema(value_type = BTreeMap<String, serde_json::Value>)]
    properties: BTreeMap<String, serde_json::Value>,
    /// When each value was taken.
    metadata: BTreeMap<String, Metadata>,
    /// Relationships from this twin.
    relationships: Vec<Outgoing>,
    /// Relationships to this twin.
    incoming: Vec<Incoming>,
}

/// When a value was taken.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Metadata {
    /// When we heard of it.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    /// When the source says that it took it.
    #[schema(value_type = String, format = DateTime)]
    source_time: Timestamp,
}

/// A relationship from a twin.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Outgoing {
    id: String,
    /// Its name in the model.
    #[schema(example = "hasPack")]
    name: String,
    target: String,
}

/// A relationship to a twin.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Incoming {
    id: String,
    name: String,
    source: String,
}

impl Twin {
    fn of(twin: &TwinRef<'_>) -> Self {
        let (mut properties, mut metadata) = (BTreeMap::new(), BTreeMap::new());
        for property in twin.properties() {
            let name = property.name.to_string();
            metadata.insert(
                name.clone(),
                Metadata { updated_at: property.received, source_time: property.source },
            );
            properties.insert(name, property.value.to_json());
        }
        let outgoing = twin.outgoing().map(|link| Outgoing {
            id: link.id.to_string(),
            name: link.name.to_string(),
            target: link.target.to_string(),
        });
        let incoming = twin.incoming().map(|link| Incoming {
            id: link.id.to_string(),
            name: link.name.to_string(),
            source: link.source.to_string(),
        });
        Self {
            id: twin.id().to_string(),
            model: twin.model().to_string(),
            etag: twin.etag(),
            updated_at: twin.updated(),
            properties,
            metadata,
            relationships: outgoing.collect(),
            incoming: incoming.collect(),
        }
    }

    fn answer(self, status: StatusCode) -> Response {
        let etag = HeaderValue::from_str(&self.etag).ok();
        let mut response = (status, Json(self)).into_response();
        if let Some(etag) = etag {
            response.headers_mut().insert(header::ETAG, etag);
        }
        response
    }
}

/// The `count` twins with the smallest ids after `cursor`, in order, without sorting all of them.
pub(super) fn after<'g>(
    twins: impl Iterator<Item = TwinRef<'g>>,
    cursor: Option<&str>,
    count: usize,
) -> Vec<TwinRef<'g>> {
    let mut smallest: BinaryHeap<(&TwinId, u32)> = BinaryHeap::with_capacity(count + 1);
    let mut found: BTreeMap<u32, TwinRef<'g>> = BTreeMap::new();
    for twin in twins.filter(|twin| cursor.is_none_or(|cursor| twin.id().as_str() > cursor)) {
        if smallest.len() == count && smallest.peek().is_some_and(|(largest, _)| *largest <= twin.id()) {
            continue;
        }
        smallest.push((twin.id(), twin.row()));
        found.insert(twin.row(), twin);
        if smallest.len() > count
            && let Some((_, row)) = smallest.pop()
        {
            found.remove(&row);
        }
    }
    smallest.into_sorted_vec().into_iter().filter_map(|(_, row)| found.remove(&row)).collect()
}

fn missing(id: &TwinId) -> Problem {
    Problem::not_found(format!("there is no twin `{id}`"))
}

fn is_there(state: &AppState, principal: &Principal, id: &TwinId) -> Result<(), Problem> {
    match state.runtime.read(&principal.tenant, |graph| graph.twin(id.as_str()).is_some()) {
        true => Ok(()),
        false => Err(missing(id)),
    }
}

fn one(state: &AppState, principal: &Principal, id: &TwinId) -> Result<Twin, Problem> {
    let found =
        state.runtime.read(&principal.tenant, |graph| graph.twin(id.as_str()).map(|twin| Twin::of(&twin)));
    found.ok_or_else(|| missing(id))
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
    /// Only of this model.
    #[param(value_type = Option<String>, example = "dtmi:voltwin:Vehicle;1")]
    model: Option<Dtmi>,
}

/// Twins in the order of their ids.
#[utoipa::path(get, path = "/twins", tag = "twins", params(ListQuery),
    responses((status = 200, body = Page<Twin>)))]
async fn list(
    State(state): State<AppState>,
    principal: Principal,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<Twin>>, Problem> {
    let limit = query.limit.get()?;
    let cursor = query.cursor.as_deref();
    Ok(Json(state.runtime.read(&principal.tenant, |graph| {
        let twins = match &query.model {
            Some(model) => after(graph.twins_of(model.as_str()), cursor, limit + 1),
            None => after(graph.twins(), cursor, limit + 1),
        };
        Page::of(twins.iter().map(Twin::of), limit, |twin| twin.id.clone())
    })))
}

/// One twin with its relationships, both ways.
#[utoipa::path(get, path = "/twins/{id}", tag = "twins",
    params(("id" = String, Path, description = "The twin.")),
    responses((status = 200, body = Twin, headers(("ETag" = String))), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such twin.")))]
async fn get(
    State(state): State<AppState>,
    principal: Principal,
    Id(id): Id<TwinId>,
) -> Result<Response, Problem> {
    Ok(one(&state, &principal, &id)?.answer(StatusCode::OK))
}

/// A relationship to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRelationship {
    /// Its id within the twin; name and target joined by `-` when left out.
    #[schema(value_type = Option<String>)]
    id: Option<RelationshipId>,
    /// Its name in the model.
    #[schema(value_type = String, example = "hasPack")]
    name: PropertyName,
    #[schema(value_type = String)]
    target: TwinId,
    /// Its own properties.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, serde_json::Value>)]
    properties: BTreeMap<PropertyName, serde_json::Value>,
}

impl NewRelationship {
    fn id(&self) -> Result<RelationshipId, Problem> {
        match &self.id {
            Some(id) => Ok(id.clone()),
            None => Ok(RelationshipId::new(&format!("{}-{}", self.name, self.target))?),
        }
    }

    fn linked(self) -> Result<EventBody, Problem> {
        let id = self.id()?;
        let properties = self.properties.into_iter().map(|(name, json)| (name, Value::from(json))).collect();
        Ok(EventBody::Linked { id, name: self.name, target: self.target, properties })
    }
}

/// A whole twin.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewTwin {
    /// The DTDL model that types it.
    #[schema(value_type = String, example = "dtmi:voltwin:Zone;1")]
    model: Dtmi,
    /// Its values by name.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, serde_json::Value>)]
    properties: BTreeMap<PropertyName, serde_json::Value>,
    /// All its relationships, at most 1000; left out, those that there are stay.
    relationships: Option<Vec<NewRelationship>>,
}

/// Create a twin or replace it. With `If-Match` only if it is still that one, with `If-None-Match: *` only if there
/// is none.
#[utoipa::path(put, path = "/twins/{id}", tag = "twins", request_body = NewTwin,
    params(("id" = String, Path, description = "The twin."), ("If-Match" = Option<String>, Header,
        description = "The ETag that the twin must have.")),
    responses((status = 200, body = Twin, description = "Replaced."), (status = 201, body = Twin,
        description = "Created."), (status = 412, body = Problem, content_type = "application/problem+json",
        description = "Somebody changed it before.")))]
async fn put(
    State(state): State<AppState>,
    principal: Principal,
    trace: Trace,
    Id(id): Id<TwinId>,
    headers: HeaderMap,
    Json(body): Json<NewTwin>,
) -> Result<Response, Problem> {
    check_ranges(&body.properties)?;
    let replace_links = body.relationships.is_some();
    let links = body.relationships.unwrap_or_default();
    limit_links(links.len())?;
    let (exists, old_links) = state.runtime.read(&principal.tenant, |graph| match graph.twin(id.as_str()) {
        Some(twin) => (true, twin.outgoing().map(|link| link.id.clone()).collect::<Vec<_>>()),
        None => (false, Vec::new()),
    });
    let properties: PropertyMap =
        body.properties.into_iter().map(|(name, json)| (name, Value::from(json))).collect();
    let created = EventBody::Created { model: body.model, properties };
    let kept: Vec<RelationshipId> = links.iter().map(NewRelationship::id).collect::<Result<_, _>>()?;
    let mut changes = Vec::new();
    if replace_links {
        let gone = old_links.into_iter().filter(|id| !kept.contains(id));
        changes.extend(gone.map(|id| EventBody::Unlinked { id }));
    }
    for link in links {
        changes.push(link.linked()?);
    }
    submit(&state, &principal, &id, trace, precondition(&headers)?, created, changes).await?;
    note(&state, &principal, trace, if exists { "twin.replace" } else { "twin.create" }, &id).await?;
    let status = if exists { StatusCode::OK } else { StatusCode::CREATED };
    Ok(one(&state, &principal, &id)?.answer(status))
}

/// Changes to a twin.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TwinPatch {
    /// New values by name; null removes one.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, serde_json::Value>, example = json!({"name": "Harbour", "level": null}))]
    properties: BTreeMap<PropertyName, serde_json::Value>,
    /// Relationships to make or replace, at most 1000.
    #[serde(default)]
    relationships: Vec<NewRelationship>,
    /// Ids of relationships to remove, at most 1000.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    remove_relationships: Vec<RelationshipId>,
}

/// Change some properties and relationships of a twin.
#[utoipa::path(patch, path = "/twins/{id}", tag = "twins", request_body = TwinPatch,
    params(("id" = String, Path, description = "The twin."), ("If-Match" = Option<String>, Header,
        description = "The ETag that the twin must have.")),
    responses((status = 200, body = Twin), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such twin."), (status = 412, body = Problem,
        content_type = "application/problem+json", description = "Somebody changed it before.")))]
async fn patch(
    State(state): State<AppState>,
    principal: Principal,
    trace: Trace,
    Id(id): Id<TwinId>,
    headers: HeaderMap,
    Json(body): Json<TwinPatch>,
) -> Result<Response, Problem> {
    is_there(&state, &principal, &id)?;
    check_ranges(&body.properties)?;
    limit_links(body.relationships.len())?;
    limit_links(body.remove_relationships.len())?;
    let value = |(name, json): (PropertyName, serde_json::Value)| {
        (name, (!json.is_null()).then(|| Value::from(json)))
    };
    let patched = EventBody::Patched { values: body.properties.into_iter().map(value).collect() };
    let mut changes: Vec<EventBody> =
        body.remove_relationships.into_iter().map(|id| EventBody::Unlinked { id }).collect();
    for link in body.relationships {
        changes.push(link.linked()?);
    }
    submit(&state, &principal, &id, trace, precondition(&headers)?, patched, changes).await?;
    note(&state, &principal, trace, "twin.change", &id).await?;
    Ok(one(&state, &principal, &id)?.answer(StatusCode::OK))
}

/// Remove a twin and the relationships from it.
#[utoipa::path(delete, path = "/twins/{id}", tag = "twins",
    params(("id" = String, Path, description = "The twin."), ("If-Match" = Option<String>, Header,
        description = "The ETag that the twin must have.")),
    responses((status = 204), (status = 404, body = Problem, content_type = "application/problem+json",
        description = "No such twin."), (status = 409, body = Problem, content_type = "application/problem+json",
        description = "The twin of a registered station, which is removed with the station."), (status = 412, body = Problem,
        content_type = "application/problem+json", description = "Somebody changed it before.")))]
async fn delete(
    State(state): State<AppState>,
    principal: Principal,
    trace: Trace,
    Id(id): Id<TwinId>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    is_there(&state, &principal, &id)?;
    let expected = precondition(&headers)?;
    if state.registry(&principal.tenant).station(id.as_str()).await?.is_some() {
        let detail = format!("`{id}` is a registered station: `DELETE /api/v1/stations/{id}` removes it");
        return Err(Problem::conflict(detail));
    }
    submit(&state, &principal, &id, trace, expected, EventBody::Deleted, Vec::new()).await?;
    note(&state, &principal, trace, "twin.delete", &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Records `first` under its precondition, then the rest; the first that does not fit is the answer.
async fn submit(
    state: &AppState,
    principal: &Principal,
    twin: &TwinId,
    trace: Trace,
    expected: Precondition,
    first: EventBody,
    rest: Vec<EventBody>,
) -> Result<(), Problem> {
    let event = |body| state.event(&principal.tenant, twin.clone(), body, trace);
    state.runtime.submit_if(event(first), expected).await?;
    let results = state.runtime.submit_all(rest.into_iter().map(event).collect()).await;
    results.into_iter().collect::<Result<Vec<_>, RuntimeError>>()?;
    Ok(())
}

/// # Errors
/// 400 for the first number that its property cannot have.
fn check_ranges(properties: &BTreeMap<PropertyName, serde_json::Value>) -> Result<(), Problem> {
    for (name, value) in properties {
        if let Some(detail) = out_of_range(name.as_str(), value) {
            return Err(Problem::field(format!("properties.{name}"), detail));
        }
    }
    Ok(())
}

/// Writes down who changed a twin, in a commit that others wait for too.
async fn note(
    state: &AppState,
    principal: &Principal,
    trace: Trace,
    action: &str,
    twin: &TwinId,
) -> Result<(), Problem> {
    let fact = AuditFact { by: principal.name.clone(), action: action.to_owned(), detail: String::new() };
    let event = state.event(&principal.tenant, twin.clone(), EventBody::Audit(fact), trace);
    state.runtime.submit(event).await?;
    Ok(())
}

fn limit_links(count: usize) -> Result<(), Problem> {
    if count <= LINKS_MAX {
        return Ok(());
    }
    let detail = format!("`relationships` has {count} entries; it may have {LINKS_MAX}");
    Err(Problem::field("relationships", detail).limit(LINKS_MAX))
}

fn precondition(headers: &HeaderMap) -> Result<Precondition, Problem> {
    let text = |name| headers.get(name).map(|value: &HeaderValue| value.to_str().unwrap_or_default().trim());
    match (text(header::IF_MATCH), text(header::IF_NONE_MATCH)) {
        (None, None) | (Some("*"), None) => Ok(Precondition::Any),
        (Some(etag), None) if !etag.contains(',') => Ok(Precondition::Match(etag.to_owned())),
        (None, Some("*")) => Ok(Precondition::NoneExists),
        (None, Some(_)) => Err(Problem::field("If-None-Match", "`If-None-Match` must be `*`")),
        _ => Err(Problem::field("If-Match", "`If-Match` must be one ETag, alone")),
    }
}
