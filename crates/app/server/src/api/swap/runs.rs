//! Runs of battery-swap networks: one scenario, or several side by side on the same chance.

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use voltwin_core::Timestamp;
use voltwin_security::Permission;
use voltwin_store::{StoreError, SwapBlock, SwapRun};
use voltwin_swap::{Comparison, Model, Runs, Scenario, SwapError, comparable, kpis_json};

use super::{ARRIVALS_MAX, BODY_MAX, faults, scenarios};
use crate::auth::{Guard, Principal};
use crate::http::{Fault, Json, Page, PageQuery, Problem, Query};
use crate::state::AppState;
use crate::studies::{Design, Spec, replications, state as words};

const REPLICATIONS_MAX: u64 = 10_000;
/// Replications times stations, over all scenarios of a run: what is kept of each is about 100 bytes.
const ROWS_MAX: u64 = 500_000;
/// Vehicles that a run may expect.
const VEHICLES_MAX: f64 = 40.0 * ARRIVALS_MAX;
const DESIGNS_MAX: usize = 8;
const LABEL_MAX: usize = 120;
/// Runs of a tenant that have not ended.
const UNFINISHED_MAX: u64 = 8;
/// Runs of a tenant that have ended and are kept.
const KEPT_MAX: u64 = 200;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    let read = Guard::needs(Permission::Read);
    let write = Guard::needs(Permission::CommandStations);
    OpenApiRouter::new()
        .routes(write.body_limit(BODY_MAX).at_once(4).on(routes!(start)))
        .routes(read.on(routes!(list)))
        .routes(read.at_once(4).on(routes!(get)))
        .routes(write.on(routes!(cancel)))
        .routes(write.on(routes!(delete)))
}

/// What a run does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SwapRunKind {
    /// The figures of one scenario.
    Run,
    /// Scenarios side by side: differences by pairs, and a verdict.
    Compare,
}

/// What to simulate. A scenario is one of the form swap-scenario/1, or `{"name": "north"}` for one that is kept.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewSwapRun {
    kind: SwapRunKind,
    /// With `run`.
    #[schema(value_type = Option<Object>)]
    scenario: Option<Value>,
    /// With `compare`: 2 to 8, on the seed of the first.
    #[schema(value_type = Option<Vec<Object>>)]
    scenarios: Option<Vec<Value>>,
    /// 1 to 10,000; what the first scenario says when left out.
    #[schema(minimum = 1, maximum = 10_000)]
    replications: Option<u64>,
    /// Up to 120 characters.
    #[serde(default)]
    label: String,
}

/// A run.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SwapRunRow {
    #[schema(example = "0199f1d0-7c5e-7a52-9d0b-1f2e3d4c5b6a")]
    id: String,
    #[schema(example = "run")]
    kind: String,
    label: String,
    /// `queued`, `running`, `cancelling`, `cancelled`, `done` or `failed`. After a restart it goes on from what is done.
    #[schema(example = "running")]
    state: String,
    /// Replications that are done, of all its scenarios.
    done: i64,
    wanted: i64,
    /// Why it failed.
    error: Option<String>,
    by: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    started_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Timestamp>,
}

/// A run with its figures.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SwapRunFigures {
    #[serde(flatten)]
    run: SwapRunRow,
    /// The figures so far (docs/swap.md): of `run` the form swap-kpis/1, of `compare` its names, the figures of each, the
    /// differences and the verdict. Null before there are any.
    #[schema(value_type = Option<Object>)]
    result: Option<Value>,
}

impl From<SwapRun> for SwapRunRow {
    fn from(of: SwapRun) -> Self {
        Self {
            id: of.id,
            kind: of.kind,
            label: of.label,
            state: of.state,
            done: of.done,
            wanted: of.wanted,
            error: of.error,
            by: of.created_by,
            created_at: of.created_at,
            started_at: of.started_at,
            ended_at: of.ended_at,
        }
    }
}

/// Start a run. A tenant has up to 8 that have not ended; of those that have, the newest 200 are kept.
#[utoipa::path(post, path = "/swap/runs", tag = "swap networks", request_body = NewSwapRun,
    responses((status = 202, body = SwapRunRow), (status = 400, body = Problem,
        content_type = "application/problem+json", description = "Something is out of its limits; `problems` names it."),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "No such scenario."),
        (status = 429, body = Problem, content_type = "application/problem+json",
            description = "Eight have not ended yet.")))]
async fn start(
    State(state): State<AppState>,
    principal: Principal,
    Json(body): Json<NewSwapRun>,
) -> Result<Response, Problem> {
    let (kind, label) = (body.kind, body.label.clone());
    let spec = spec(&state, &principal, body).await?;
    let run = SwapRun {
        id: uuid::Uuid::now_v7().to_string(),
        kind: if kind == SwapRunKind::Run { "run" } else { "compare" }.to_owned(),
        label,
        state: words::QUEUED.to_owned(),
        wanted: (spec.replications * spec.designs.len() as u64) as i64,
        done: 0,
        error: None,
        created_by: principal.name.clone(),
        created_at: state.runtime.now(),
        started_at: None,
        ended_at: None,
    };
    let text = serde_json::to_string(&spec).map_err(|error| Problem::internal(&error))?;
    let filed = state.registry(&principal.tenant).add_swap_run(&run, &text, (UNFINISHED_MAX, KEPT_MAX)).await;
    filed.map_err(|error| match error {
        StoreError::Limit { .. } => Problem::throttled(error.to_string(), 10).limit(UNFINISHED_MAX),
        other => other.into(),
    })?;
    state.studies.start(&principal.tenant, &run.id, false);
    let place = format!("/api/v1/swap/runs/{}", run.id);
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, place)], Json(SwapRunRow::from(run))).into_response())
}

async fn spec(state: &AppState, principal: &Principal, body: NewSwapRun) -> Result<Spec, Problem> {
    let (field, given) = match (body.kind, body.scenario, body.scenarios) {
        (SwapRunKind::Run, Some(one), None) => ("scenario", vec![one]),
        (SwapRunKind::Compare, None, Some(several)) => ("scenarios", several),
        (SwapRunKind::Run, ..) => {
            return Err(Problem::field("scenario", "`run` wants `scenario`, and only that"));
        }
        (SwapRunKind::Compare, ..) => {
            return Err(Problem::field("scenarios", "`compare` wants `scenarios`, and only that"));
        }
    };
    if body.kind == SwapRunKind::Compare && !(2..=DESIGNS_MAX).contains(&given.len()) {
        let detail = format!("{} scenarios; there must be 2 to {DESIGNS_MAX}", given.len());
        return Err(Problem::field(field, detail).limit(DESIGNS_MAX));
    }
    if body.label.chars().count() > LABEL_MAX {
        let detail = format!("`label` must have at most {LABEL_MAX} characters");
        return Err(Problem::field("label", detail).limit(LABEL_MAX));
    }
    let (mut designs, mut broken) = (Vec::new(), Vec::new());
    for (number, value) in given.into_iter().enumerate() {
        let at = if body.kind == SwapRunKind::Run { field.to_owned() } else { format!("{field}[{number}]") };
        let design = design(state, principal, value, &at, number).await?;
        broken.extend(faults(&design.scenario, &format!("{at}.")));
        designs.push(design);
    }
    Problem::faults(broken)?;
    let replications = body.replications.unwrap_or(u64::from(designs[0].scenario.replications));
    if !(1..=REPLICATIONS_MAX).contains(&replications) {
        let detail = format!("`replications` is {replications}; it must be 1 to {REPLICATIONS_MAX}");
        return Err(Problem::field("replications", detail).limit(REPLICATIONS_MAX));
    }
    let seed = designs[0].scenario.seed;
    designs.iter_mut().for_each(|design| design.scenario.seed = seed);
    if body.kind == SwapRunKind::Compare {
        let (scenarios, names) = apart(&designs);
        comparable(&scenarios, &names, replications)
            .map_err(|error| Problem::field("scenarios", error.to_string()))?;
    }
    let spec = Spec { designs, replications };
    affordable(&spec)?;
    Ok(spec)
}

async fn design(
    state: &AppState,
    principal: &Principal,
    value: Value,
    at: &str,
    number: usize,
) -> Result<Design, Problem> {
    let kept = value.get("name").and_then(Value::as_str).filter(|_| value.get("schema").is_none());
    let (name, scenario) = match kept {
        Some(name) => {
            let (row, text) = scenarios::find(state, principal, name).await?;
            (Some(row.name), Scenario::from_json(&text))
        }
        None => (None, Scenario::from_json(&value.to_string())),
    };
    let scenario = match scenario {
        Ok(scenario) => scenario,
        Err(SwapError::Form { field, what }) => return Err(Problem::field(format!("{at}.{field}"), what)),
        Err(SwapError::Fields(problems)) => {
            let told = problems
                .into_iter()
                .take(200)
                .map(|one| Fault { field: format!("{at}.{}", one.field), what: one.what });
            Problem::faults(told.collect())?;
            return Err(Problem::field(at, "it is no scenario"));
        }
        Err(other) => return Err(Problem::field(at, other.to_string())),
    };
    let own = || Some(scenario.name.clone()).filter(|name| !name.is_empty());
    let name = name.or_else(own).unwrap_or_else(|| format!("design {}", number + 1));
    Ok(Design { name, scenario })
}

/// Whether a run is of a size that one tenant may ask of the server.
fn affordable(spec: &Spec) -> Result<(), Problem> {
    let stations: usize = spec.designs.iter().map(|design| design.scenario.stations.len()).sum();
    let rows = stations as u64 * spec.replications;
    if rows > ROWS_MAX {
        let detail = format!("{rows} stations times replications; there may be {ROWS_MAX}");
        return Err(Problem::field("replications", detail).limit(ROWS_MAX));
    }
    let arrivals: f64 = spec.designs.iter().map(|design| design.scenario.expected_arrivals()).sum();
    let vehicles = arrivals * spec.replications as f64;
    if vehicles > VEHICLES_MAX {
        let detail =
            format!("about {vehicles:.0} vehicles over all replications; there may be {VEHICLES_MAX:.0}");
        return Err(Problem::field("replications", detail).limit(VEHICLES_MAX));
    }
    Ok(())
}

fn apart(designs: &[Design]) -> (Vec<Scenario>, Vec<String>) {
    designs.iter().map(|design| (design.scenario.clone(), design.name.clone())).unzip()
}

/// Runs, newest first.
#[utoipa::path(get, path = "/swap/runs", tag = "swap networks", params(PageQuery),
    responses((status = 200, body = Page<SwapRunRow>)))]
async fn list(
    State(state): State<AppState>,
    principal: Principal,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<SwapRunRow>>, Problem> {
    let limit = query.limit.get()?;
    let page = state.registry(&principal.tenant).swap_runs(query.cursor.as_deref(), limit).await?;
    Ok(Json(Page::from_store(page, SwapRunRow::from)))
}

/// One run with its figures so far.
#[utoipa::path(get, path = "/swap/runs/{id}", tag = "swap networks",
    params(("id" = String, Path, description = "The run.")),
    responses((status = 200, body = SwapRunFigures), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such run.")))]
async fn get(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<Json<SwapRunFigures>, Problem> {
    let run = find(&state, &principal, &id).await?;
    let registry = state.registry(&principal.tenant);
    let blocks = registry.swap_blocks(&id).await?;
    let result = match registry.swap_run_spec(&id).await? {
        Some(spec) if !blocks.is_empty() => {
            let compared = run.kind == "compare";
            let figures = tokio::task::spawn_blocking(move || figures(&spec, &blocks, compared));
            let figures = figures.await.map_err(|error| Problem::internal(&error))?;
            figures.map_err(|error| Problem::internal(&error))?
        }
        _ => None,
    };
    Ok(Json(SwapRunFigures { run: run.into(), result }))
}

/// The figures of what is kept.
fn figures(spec: &str, blocks: &[SwapBlock], compared: bool) -> Result<Option<Value>, serde_json::Error> {
    let spec: Spec = serde_json::from_str(spec)?;
    let rows = replications(&spec, blocks);
    // only what all scenarios have can be compared
    let whole = rows.iter().map(Vec::len).min().unwrap_or(0);
    if whole < if compared { 2 } else { 1 } {
        return Ok(None);
    }
    let (scenarios, names) = apart(&spec.designs);
    let (mut runs, mut forms) = (Vec::new(), Vec::new());
    for (scenario, rows) in scenarios.iter().zip(&rows) {
        let mut one = Runs::default();
        one.extend(&rows[..whole]);
        forms.push(kpis_json(&scenario.name, &Model::new(scenario).network, &one));
        runs.push(one);
    }
    if !compared {
        return Ok(forms.pop());
    }
    let comparison = Comparison::of(&scenarios, &names, runs);
    Ok(Some(json!({
        "names": names,
        "runs": forms,
        "differences": comparison.differences,
        "verdict": comparison.verdict,
    })))
}

/// Stop a run. What is done stays.
#[utoipa::path(post, path = "/swap/runs/{id}/cancel", tag = "swap networks",
    params(("id" = String, Path, description = "The run.")),
    responses((status = 202, body = SwapRunRow), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such run."),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "It has ended.")))]
async fn cancel(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    find(&state, &principal, &id).await?;
    let registry = state.registry(&principal.tenant);
    if !registry.cancel_swap_run(&id, &principal.name, state.runtime.now()).await? {
        return Err(Problem::conflict(format!("the run `{id}` has ended")));
    }
    state.studies.stop(&principal.tenant, &id);
    let run = find(&state, &principal, &id).await?;
    Ok((StatusCode::ACCEPTED, Json(SwapRunRow::from(run))).into_response())
}

/// Forget a run that has ended, with its figures.
#[utoipa::path(delete, path = "/swap/runs/{id}", tag = "swap networks",
    params(("id" = String, Path, description = "The run.")),
    responses((status = 204), (status = 404, body = Problem, content_type = "application/problem+json",
        description = "No such run."), (status = 409, body = Problem,
        content_type = "application/problem+json", description = "It has not ended.")))]
async fn delete(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    find(&state, &principal, &id).await?;
    let registry = state.registry(&principal.tenant);
    if registry.delete_swap_run(&id, &principal.name, state.runtime.now()).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::conflict(format!("the run `{id}` has not ended")))
    }
}

async fn find(state: &AppState, principal: &Principal, id: &str) -> Result<SwapRun, Problem> {
    let found = state.registry(&principal.tenant).swap_run(id).await?;
    found.ok_or_else(|| {
        let shown: String = id.chars().take(80).collect();
        Problem::not_found(format!("there is no swap run `{shown}`"))
    })
}
