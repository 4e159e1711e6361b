//! Batteries as their live twins know them: state with bounds, warnings, and what becomes of them.

mod figures;
mod lists;
mod outlook;
mod predict;
mod view;
mod what_if;

use utoipa_axum::{router::OpenApiRouter, routes};
use voltwin_batteries::{BATTERY_PACK, Battery as Known, Facts, Outlook, PackKind};
use voltwin_core::TwinId;
use voltwin_graph::TwinRef;
use voltwin_security::Permission;

use crate::auth::{Guard, Principal};
use crate::http::Problem;
use crate::network::is_a;
use crate::state::AppState;

/// What-ifs that are computed at once: each takes a core for up to seconds.
const COMPUTED_AT_ONCE: usize = 2;
const PREDICT_BODY_MAX_BYTES: usize = 2 * 1024 * 1024;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    let read = || Guard::needs(Permission::Read);
    OpenApiRouter::new()
        .routes(read().on(routes!(lists::list)))
        .routes(read().on(routes!(lists::overview)))
        .routes(read().on(routes!(lists::compare)))
        .routes(read().on(routes!(lists::get)))
        .routes(read().on(routes!(lists::history)))
        .routes(read().on(routes!(outlook::forecast)))
        .routes(read().on(routes!(outlook::ageing)))
        .routes(read().on(routes!(outlook::advice)))
        .routes(read().at_once(COMPUTED_AT_ONCE).on(routes!(what_if::what_if)))
}

/// What stands outside of `/api/v1`.
pub(super) fn models() -> OpenApiRouter<AppState> {
    let predict = Guard::needs(Permission::Read).body_limit(PREDICT_BODY_MAX_BYTES).at_once(COMPUTED_AT_ONCE);
    OpenApiRouter::new().routes(predict.on(routes!(predict::predict)))
}

/// Reads a battery's twin and what is known of it.
fn with_battery<T>(
    state: &AppState,
    principal: &Principal,
    id: &TwinId,
    read: impl FnOnce(TwinRef<'_>, Known) -> T,
) -> Result<T, Problem> {
    let found = state.runtime.read(&principal.tenant, |graph| {
        let twin = graph.twin(id.as_str()).filter(|twin| is_a(graph, twin, BATTERY_PACK))?;
        let known = state.batteries.get(&principal.tenant, id).unwrap_or_default();
        Some(read(twin, known))
    });
    found.ok_or_else(|| Problem::not_found(format!("there is no battery `{id}`")))
}

/// The type of a battery; a battery that says too little of itself has no future to tell.
fn kind_of(id: &TwinId, twin: TwinRef<'_>, known: &Known) -> Result<std::sync::Arc<PackKind>, Problem> {
    let kind = match &known.kind {
        Some(kind) => kind.clone(),
        None => Facts::of(twin).and_then(PackKind::new),
    };
    kind.map_err(|reason| Problem::conflict(format!("the battery `{id}` is not followed: {reason}")))
}

/// What becomes of a battery from now on.
fn outlook_of(state: &AppState, principal: &Principal, id: &TwinId) -> Result<(Outlook, Known), Problem> {
    let (kind, known) = with_battery(state, principal, id, |twin, known| (kind_of(id, twin, &known), known))?;
    let (kind, estimate) = (kind?, known.live.estimate);
    let estimate = estimate
        .ok_or_else(|| Problem::conflict(format!("nothing has been read of the battery `{id}` yet")))?;
    let day = known.live.habit.day().map_err(|error| Problem::internal(&error))?;
    let outlook =
        Outlook::new(kind.ageing, estimate.soh, day, None).map_err(|error| Problem::internal(&error))?;
    Ok((outlook, known))
}

/// A number within its limits, or the problem that names it.
fn within(field: &str, value: f64, low: f64, high: f64) -> Result<f64, Problem> {
    if (low..=high).contains(&value) {
        return Ok(value);
    }
    let bound = if value < low { low } else { high };
    Err(Problem::field(field, format!("`{field}` is {value}; it must be {low} to {high}")).limit(bound))
}

/// Work that takes a while, away from what answers others.
async fn computed<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, voltwin_batteries::OutlookError> + Send + 'static,
) -> Result<T, Problem> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(|error| Problem::invalid(error.to_string())),
        Err(error) => Err(Problem::internal(&error)),
    }
}
