//! What a property was over time.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use voltwin_core::{PropertyName, Timestamp, TwinId};

use crate::auth::Principal;
use crate::http::{Id, Json, Problem, Query, in_order};
use crate::state::AppState;

const POINTS_DEFAULT: usize = 300;
const POINTS_MAX: usize = voltwin_history::BUCKETS_MAX;
/// What is shown where the request says no `from`.
const SPAN_DEFAULT_S: f64 = 3_600.0;

/// A property over time.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct PropertyHistory {
    #[schema(example = "power_w")]
    property: String,
    /// As DTDL spells it.
    #[schema(example = "watt")]
    unit: Option<String>,
    /// `[t_ms, min, mean, max, count]` of each span that has values: where it starts in milliseconds since 1970, the
    /// figures of its values, and how many there are.
    #[schema(value_type = Vec<Vec<f64>>, example = json!([[1_795_000_000_000_i64, 7000.0, 7350.5, 7400.0, 12]]))]
    points: Vec<(i64, f64, f64, f64, u64)>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct HistoryQuery {
    /// A numeric property.
    #[param(value_type = String, example = "power_w")]
    property: PropertyName,
    /// The start; an hour before the end when left out.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    /// The end, exclusive; now when left out.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<Timestamp>,
    /// Into how many equal spans the time is cut.
    #[param(minimum = 1, maximum = 2000, default = 300)]
    points: Option<usize>,
}

/// The span of time that is asked for, and into how many parts it is cut.
pub(super) fn window(
    state: &AppState,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    points: Option<usize>,
) -> Result<(Timestamp, Timestamp, usize), Problem> {
    let to = to.unwrap_or_else(|| state.runtime.now());
    let from = from.unwrap_or_else(|| to.plus_seconds(-SPAN_DEFAULT_S));
    in_order(Some(from), Some(to))?;
    let points = points.unwrap_or(POINTS_DEFAULT);
    if !(1..=POINTS_MAX).contains(&points) {
        let detail = format!("`points` is {points}; it must be 1 to {POINTS_MAX}");
        return Err(Problem::field("points", detail).limit(POINTS_MAX));
    }
    Ok((from, to, points))
}

/// A property of a twin over time. Also answers for a twin that is gone.
#[utoipa::path(get, path = "/twins/{id}/history", tag = "twins",
    params(("id" = String, Path, description = "The twin."), HistoryQuery),
    responses((status = 200, body = PropertyHistory), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such twin, and no history of one.")))]
pub(super) async fn get(
    State(state): State<AppState>,
    principal: Principal,
    Id(id): Id<TwinId>,
    Query(query): Query<HistoryQuery>,
) -> Result<Json<PropertyHistory>, Problem> {
    let (from, to, points) = window(&state, query.from, query.to, query.points)?;
    let model = state.runtime.read(&principal.tenant, |graph| {
        let twin = graph.twin(id.as_str())?;
        Some((twin.model().clone(), twin.kind().cloned()))
    });
    let spec = model.as_ref().and_then(|(_, kind)| kind.as_ref());
    if let Some(spec) = spec.as_ref().filter(|spec| !spec.properties.contains_key(&query.property)) {
        let detail = format!("`property` is `{}`, which {} does not have", query.property, spec.id);
        return Err(Problem::field("property", detail));
    }
    let unit = spec.and_then(|spec| spec.properties.get(&query.property)?.unit.clone());
    let buckets = state.history.downsample(&principal.tenant, &id, &query.property, from, to, points).await?;
    if model.is_none() && buckets.is_empty() {
        return Err(Problem::not_found(format!("there is no twin `{id}`")));
    }
    let points = buckets.into_iter().map(|b| (b.t.as_millis(), b.min, b.mean, b.max, b.count)).collect();
    Ok(Json(PropertyHistory { property: query.property.to_string(), unit, points }))
}
