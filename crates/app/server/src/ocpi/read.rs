//! What partners read of us.

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value as Json;
use voltwin_ocpi::{Connector, Evse, Location, PAGE_MAX, PageQuery, VERSION};
use voltwin_store::{OcpiObject, OcpiRange};

use super::envelope::{Refusal, Success, unknown};
use super::partner::Partner;
use super::register::our_url;
use crate::state::AppState;

/// The modules that partners read, and what one object of each is called.
const READABLE: [(&str, &str); 4] =
    [("locations", "location"), ("sessions", "session"), ("cdrs", "CDR"), ("tariffs", "tariff")];

async fn name_of(module: &str) -> Result<&'static str, Refusal> {
    match READABLE.iter().find(|(readable, _)| *readable == module) {
        Some((_, name)) => Ok(name),
        None => Err(unknown().await),
    }
}

pub(super) async fn list(
    State(state): State<AppState>,
    Partner(partner): Partner,
    Path(module): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    name_of(&module).await?;
    let pairs = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(
        &format!("/?{}", query.unwrap_or_default()).parse().unwrap_or_default(),
    );
    let pairs = pairs.map(|pairs| pairs.0).unwrap_or_default();
    let page = PageQuery::read(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())))?;
    let range = OcpiRange {
        from: page.from.map(|at| at.0),
        to: page.to.map(|at| at.0),
        offset: page.offset,
        limit: page.limit,
    };
    let registry = partner.registry(&state);
    let (objects, total) = registry.ocpi_objects(&module, &partner.party.id, range).await?;
    let url = our_url(&partner.settings, &format!("{VERSION}/{module}"))?;
    let bodies: Vec<Json> = objects.into_iter().map(|object| object.body).collect();
    let mut response = Success(bodies).into_response();
    let headers = response.headers_mut();
    headers.insert(HeaderName::from_static("x-total-count"), HeaderValue::from(total));
    headers.insert(HeaderName::from_static("x-limit"), HeaderValue::from(PAGE_MAX));
    if let Some(link) = page.link(url.as_str(), total).and_then(|link| HeaderValue::from_str(&link).ok()) {
        headers.insert(header::LINK, link);
    }
    Ok(response)
}

async fn find(state: &AppState, partner: &Partner, module: &str, id: &str) -> Result<OcpiObject, Refusal> {
    let name = name_of(module).await?;
    let found = partner.0.registry(state).ocpi_object(module, id).await?;
    found
        .filter(|object| object.owner.is_empty() || object.owner == partner.0.party.id)
        .ok_or_else(|| Refusal::missing(name, id))
}

pub(super) async fn object(
    State(state): State<AppState>,
    partner: Partner,
    Path((module, id)): Path<(String, String)>,
) -> Result<Success<Json>, Refusal> {
    Ok(Success(find(&state, &partner, &module, &id).await?.body))
}

async fn find_evse(state: &AppState, partner: &Partner, id: &str, evse: &str) -> Result<Evse, Refusal> {
    let object = find(state, partner, "locations", id).await?;
    let location: Location = serde_json::from_value(object.body)?;
    location.evses.into_iter().find(|e| e.uid.is(evse)).ok_or_else(|| Refusal::missing("EVSE", evse))
}

pub(super) async fn evse(
    State(state): State<AppState>,
    partner: Partner,
    Path((id, evse)): Path<(String, String)>,
) -> Result<Success<Evse>, Refusal> {
    Ok(Success(find_evse(&state, &partner, &id, &evse).await?))
}

pub(super) async fn connector(
    State(state): State<AppState>,
    partner: Partner,
    Path((id, evse, connector)): Path<(String, String, String)>,
) -> Result<Success<Connector>, Refusal> {
    let evse = find_evse(&state, &partner, &id, &evse).await?;
    let found = evse.connectors.into_iter().find(|c| c.id.is(&connector));
    found.map(Success).ok_or_else(|| Refusal::missing("connector", &connector))
}
