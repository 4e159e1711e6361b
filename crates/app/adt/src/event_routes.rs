//! Event routes. Their registry belongs to whoever delivers the events.

use axum::body::Body;
use axum::extract::Path;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use voltwin_store::EVENT_ROUTES_MAX;

use crate::call::Call;
use crate::error::{AdtError, Code};
use crate::limits::Rate;
use crate::outlet::Route;

/// Routes of one tenant in the strict dialect.
const ROUTES_STRICT: u64 = voltwin_document::azure::EVENT_ROUTES;

fn document(route: &Route) -> Json {
    json!({ "id": route.id, "endpointName": route.endpoint, "filter": route.filter })
}

fn missing(id: &str) -> AdtError {
    let shown: String = id.chars().take(80).collect();
    AdtError::new(Code::EventRouteNotFound, format!("there is no event route `{shown}`"))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewRoute {
    endpoint_name: String,
    filter: String,
}

pub(crate) async fn put(call: Call, Path(id): Path<String>, body: Body) -> Result<StatusCode, AdtError> {
    call.spend(Rate::Routes)?;
    let bytes = call.body(body).await?;
    let new: NewRoute = serde_json::from_slice(&bytes).map_err(|error| {
        AdtError::argument(format!("the body must have endpointName and filter: {error}"))
    })?;
    let route = Route { id, endpoint: new.endpoint_name, filter: new.filter };
    let limit = if call.strict { ROUTES_STRICT } else { EVENT_ROUTES_MAX };
    call.adt.config.outlet.put_route(call.tenant(), route, limit, &call.caller.name).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn get(call: Call, Path(id): Path<String>) -> Result<axum::Json<Json>, AdtError> {
    call.spend(Rate::Routes)?;
    let route = call.adt.config.outlet.route(call.tenant(), &id).await?;
    Ok(axum::Json(document(&route.ok_or_else(|| missing(&id))?)))
}

pub(crate) async fn list(call: Call) -> Result<axum::Json<Json>, AdtError> {
    call.spend(Rate::Routes)?;
    let page = call.page()?;
    let found = call.adt.config.outlet.routes(call.tenant(), page.after.as_deref(), page.limit).await?;
    let items = found.routes.iter().map(|route| (route.id.clone(), document(route))).collect();
    Ok(axum::Json(page.render_known(&call.uri, items, found.more)))
}

pub(crate) async fn delete(call: Call, Path(id): Path<String>) -> Result<StatusCode, AdtError> {
    call.spend(Rate::Routes)?;
    if call.adt.config.outlet.remove_route(call.tenant(), &id, &call.caller.name).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(missing(&id))
}
