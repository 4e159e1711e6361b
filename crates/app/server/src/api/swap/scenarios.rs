//! Scenarios of battery-swap networks.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use voltwin_core::Timestamp;
use voltwin_security::Permission;
use voltwin_store::{StoreError, SwapScenario};
use voltwin_swap::Scenario;

use super::{BODY_MAX, faults, sound};
use crate::auth::{Guard, Principal};
use crate::http::{Fault, Json, Page, PageQuery, Problem, Query};
use crate::state::AppState;

/// Scenarios that a tenant keeps.
const KEPT_MAX: u64 = 200;
const NAME_MAX: usize = 64;

const PRESETS: [(&str, &str, &str, &str); 4] = [
    (
        "commuters",
        "Commuters",
        "Six stations, a morning and an evening peak, vehicles that try elsewhere.",
        include_str!("../../../../../../scenarios/swap/commuters.json"),
    ),
    (
        "urban-plateau",
        "Urban plateau",
        "One busy station with an even day.",
        include_str!("../../../../../../scenarios/swap/urban-plateau.json"),
    ),
    (
        "highway",
        "Highway",
        "One station, few vehicles, days that differ.",
        include_str!("../../../../../../scenarios/swap/highway.json"),
    ),
    (
        "scooters",
        "Scooters",
        "Packs of 1.7 kWh, 16 slots, with prices.",
        include_str!("../../../../../../scenarios/swap/scooters.json"),
    ),
];

pub(super) fn routes() -> OpenApiRouter<AppState> {
    let read = Guard::needs(Permission::Read);
    let write = Guard::needs(Permission::CommandStations);
    OpenApiRouter::new()
        .routes(read.on(routes!(presets)))
        .routes(write.body_limit(BODY_MAX).at_once(8).on(routes!(check)))
        .routes(read.on(routes!(list)))
        .routes(read.on(routes!(get)))
        .routes(write.body_limit(BODY_MAX).at_once(8).on(routes!(put)))
        .routes(write.on(routes!(delete)))
}

/// A scenario to begin with.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SwapPreset {
    #[schema(value_type = String, example = "commuters")]
    id: &'static str,
    #[schema(value_type = String)]
    name: &'static str,
    /// What it is like.
    #[schema(value_type = String)]
    says: &'static str,
    stations: usize,
    /// The form `swap-scenario/1` (docs/swap.md).
    scenario: Value,
}

/// Scenarios to begin with.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SwapPresets {
    items: Vec<SwapPreset>,
}

/// What is wrong with a scenario, and how large it is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SwapCheck {
    ok: bool,
    /// Up to 200.
    problems: Vec<Fault>,
    /// Vehicles that a replication may expect; null where something is wrong.
    expected_arrivals: Option<f64>,
}

/// A scenario as it is listed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SwapScenarioRow {
    #[schema(example = "north")]
    name: String,
    /// How often it was written.
    version: i64,
    stations: i64,
    by: String,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

/// A scenario.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StoredSwapScenario {
    #[serde(flatten)]
    row: SwapScenarioRow,
    /// The form `swap-scenario/1` (docs/swap.md).
    scenario: Value,
}

/// What was written.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SwapScenarioVersion {
    name: String,
    version: i64,
}

impl From<SwapScenario> for SwapScenarioRow {
    fn from(of: SwapScenario) -> Self {
        Self {
            name: of.name,
            version: of.version,
            stations: of.stations,
            by: of.updated_by,
            updated_at: of.updated_at,
        }
    }
}

/// Scenarios of battery-swap networks to begin with.
#[utoipa::path(get, path = "/swap/presets", tag = "swap networks", responses((status = 200, body = SwapPresets)))]
async fn presets() -> Result<Json<SwapPresets>, Problem> {
    let read = |(id, name, says, text): (&'static str, &'static str, &'static str, &str)| {
        let scenario: Value = serde_json::from_str(text).map_err(|error| Problem::internal(&error))?;
        let stations = scenario["stations"].as_array().map_or(0, Vec::len);
        Ok(SwapPreset { id, name, says, stations, scenario })
    };
    Ok(Json(SwapPresets { items: PRESETS.into_iter().map(read).collect::<Result<_, Problem>>()? }))
}

/// What is wrong with a scenario: every field, with its limit. Nothing is kept.
#[utoipa::path(post, path = "/swap/check", tag = "swap networks", request_body = Object,
    responses((status = 200, body = SwapCheck), (status = 400, body = Problem,
        content_type = "application/problem+json", description = "It is not of the form swap-scenario/1.")))]
async fn check(Json(scenario): Json<Scenario>) -> Json<SwapCheck> {
    let problems = faults(&scenario, "");
    let ok = problems.is_empty();
    Json(SwapCheck { ok, problems, expected_arrivals: ok.then(|| scenario.expected_arrivals()) })
}

/// Scenarios of the tenant by name.
#[utoipa::path(get, path = "/swap/scenarios", tag = "swap networks", params(PageQuery),
    responses((status = 200, body = Page<SwapScenarioRow>)))]
async fn list(
    State(state): State<AppState>,
    principal: Principal,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<SwapScenarioRow>>, Problem> {
    let limit = query.limit.get()?;
    let page = state.registry(&principal.tenant).swap_scenarios(query.cursor.as_deref(), limit).await?;
    Ok(Json(Page::from_store(page, SwapScenarioRow::from)))
}

/// One scenario.
#[utoipa::path(get, path = "/swap/scenarios/{name}", tag = "swap networks",
    params(("name" = String, Path, description = "The scenario.")),
    responses((status = 200, body = StoredSwapScenario), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such scenario.")))]
async fn get(
    State(state): State<AppState>,
    principal: Principal,
    Path(name): Path<String>,
) -> Result<Json<StoredSwapScenario>, Problem> {
    let (row, text) = find(&state, &principal, &name).await?;
    let scenario = serde_json::from_str(&text).map_err(|error| Problem::internal(&error))?;
    Ok(Json(StoredSwapScenario { row: row.into(), scenario }))
}

/// Write a scenario; with `If-Match` only if it is still that version. A tenant keeps 200.
#[utoipa::path(put, path = "/swap/scenarios/{name}", tag = "swap networks", request_body = Object,
    params(("name" = String, Path, description = "1 to 64 lower-case letters, digits and hyphens."),
        ("If-Match" = Option<String>, Header, description = "The version that it replaces, in quotes.")),
    responses((status = 200, body = SwapScenarioVersion), (status = 201, body = SwapScenarioVersion),
        (status = 400, body = Problem, content_type = "application/problem+json",
            description = "Fields are out of their limits; `problems` names each."),
        (status = 412, body = Problem, content_type = "application/problem+json",
            description = "It is another version by now.")))]
async fn put(
    State(state): State<AppState>,
    principal: Principal,
    Path(name): Path<String>,
    headers: HeaderMap,
    Json(scenario): Json<Scenario>,
) -> Result<Response, Problem> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if !(1..=NAME_MAX).contains(&name.len()) || !name.bytes().all(plain) {
        let detail = format!("`name` must be 1 to {NAME_MAX} lower-case letters, digits and hyphens");
        return Err(Problem::field("name", detail).limit(NAME_MAX));
    }
    sound(&scenario)?;
    let text = serde_json::to_string(&scenario).map_err(|error| Problem::internal(&error))?;
    let expected = headers.get(header::IF_MATCH).map(expected_version).transpose()?;
    let registry = state.registry(&principal.tenant);
    let written = registry.put_swap_scenario(
        &name,
        (&text, scenario.stations.len()),
        (expected, KEPT_MAX),
        (&principal.name, state.runtime.now()),
    );
    let version = written.await.map_err(|error| match error {
        StoreError::Conflict { .. } => {
            Problem::precondition_failed(format!("the scenario `{name}` is another version by now"))
        }
        other => other.into(),
    })?;
    let status = if version == 1 { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(SwapScenarioVersion { name, version })).into_response())
}

fn expected_version(value: &axum::http::HeaderValue) -> Result<i64, Problem> {
    let number = value.to_str().ok().and_then(|text| text.trim_matches('"').parse().ok());
    number.ok_or_else(|| Problem::field("If-Match", "`If-Match` must be a version in quotes, as \"3\""))
}

/// Forget a scenario. Runs keep their own copy.
#[utoipa::path(delete, path = "/swap/scenarios/{name}", tag = "swap networks",
    params(("name" = String, Path, description = "The scenario.")),
    responses((status = 204), (status = 404, body = Problem, content_type = "application/problem+json",
        description = "No such scenario.")))]
async fn delete(
    State(state): State<AppState>,
    principal: Principal,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    let registry = state.registry(&principal.tenant);
    if registry.delete_swap_scenario(&name, &principal.name, state.runtime.now()).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(missing(&name))
    }
}

/// A scenario of the tenant with its text.
pub(super) async fn find(
    state: &AppState,
    principal: &Principal,
    name: &str,
) -> Result<(SwapScenario, String), Problem> {
    let found = state.registry(&principal.tenant).swap_scenario(name).await?;
    found.ok_or_else(|| missing(name))
}

fn missing(name: &str) -> Problem {
    let shown: String = name.chars().take(80).collect();
    Problem::not_found(format!("there is no swap scenario `{shown}`"))
}
