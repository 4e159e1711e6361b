//! Telemetry in bulk, from gateways and simulators.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use voltwin_core::{Event, EventBody, PropertyName, Timestamp, TwinId, Value};
use voltwin_runtime::RuntimeError;
use voltwin_security::Permission;

use crate::auth::{Guard, Principal};
use crate::http::{Json, Problem, Trace};
use crate::network::{out_of_range, told_by_the_station};
use crate::state::AppState;

const ITEMS_MAX: usize = 10_000;
const BODY_MAX_BYTES: usize = 8 * 1024 * 1024;
/// Requests worked on at once: bounds the memory that bodies take to a quarter of a GiB.
const REQUESTS_MAX: usize = 32;
/// How far ahead of ours the clock of a source may be.
const AHEAD_MAX_S: f64 = 300.0;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    let ingest = Guard::needs(Permission::IngestTelemetry).body_limit(BODY_MAX_BYTES).at_once(REQUESTS_MAX);
    OpenApiRouter::new().routes(ingest.on(routes!(send)))
}

/// Values of many twins.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Telemetry {
    /// 1 to 10 000 items.
    #[schema(min_items = 1, max_items = 10_000)]
    items: Vec<TelemetryItem>,
}

/// Values that one twin took at one time.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TelemetryItem {
    #[schema(example = "V-17")]
    twin: String,
    /// When they were taken; now when left out. At most 5 minutes ahead.
    #[schema(format = DateTime)]
    at: Option<String>,
    /// The values by name; null removes one.
    #[schema(value_type = BTreeMap<String, serde_json::Value>, example = json!({"soc": 0.62, "speed_mps": 8.3}))]
    values: BTreeMap<String, serde_json::Value>,
}

/// What became of them.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Ingested {
    /// Items that are recorded.
    accepted: usize,
    /// Items that do not fit, in the order of the request.
    rejected: Vec<RejectedItem>,
}

/// An item that does not fit.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RejectedItem {
    /// Its place in `items`, from 0.
    index: usize,
    /// Why.
    detail: String,
}

impl TelemetryItem {
    /// Values of a twin at a moment; now without one.
    pub(super) fn new(
        twin: String,
        at: Option<Timestamp>,
        values: impl IntoIterator<Item = (String, serde_json::Value)>,
    ) -> Self {
        Self { twin, at: at.map(|at| at.to_string()), values: values.into_iter().collect() }
    }

    fn event(
        self,
        state: &AppState,
        principal: &Principal,
        trace: Trace,
        now: Timestamp,
    ) -> Result<Event, String> {
        let twin = TwinId::new(&self.twin).map_err(|error| error.to_string())?;
        let at = match self.at {
            Some(text) => text.parse::<Timestamp>().map_err(|error| error.to_string())?,
            None => now,
        };
        if at.seconds_since(now) > AHEAD_MAX_S {
            return Err(format!("`at` is {at}, more than {AHEAD_MAX_S} s ahead of {now}"));
        }
        if self.values.is_empty() {
            return Err("`values` is empty".to_owned());
        }
        let value = |(name, json): (String, serde_json::Value)| {
            let name = PropertyName::new(&name).map_err(|error| error.to_string())?;
            if let Some(detail) = out_of_range(name.as_str(), &json) {
                return Err(detail);
            }
            Ok((name, (!json.is_null()).then(|| Value::from(json))))
        };
        let values = self.values.into_iter().map(value).collect::<Result<Vec<_>, String>>()?;
        let told = state.runtime.read(&principal.tenant, |graph| {
            let twin = graph.twin(twin.as_str())?;
            let mut names = values.iter().map(|(name, _)| name.as_str());
            names.find(|name| told_by_the_station(graph, &twin, name)).map(str::to_owned)
        });
        if let Some(name) = told {
            return Err(format!("`{name}` of `{twin}` is what the station itself tells by OCPP"));
        }
        let event = state.event(&principal.tenant, twin, EventBody::Patched { values }, trace);
        Ok(Event { at, ..event })
    }
}

/// Record values of many twins. Each item is judged by itself; those accepted are durable when this answers.
#[utoipa::path(post, path = "/telemetry", tag = "telemetry", request_body = Telemetry,
    responses((status = 202, body = Ingested), (status = 413, body = Problem,
        content_type = "application/problem+json", description = "More than 8 MiB."), (status = 507,
        body = Problem, content_type = "application/problem+json", description = "The disk is full.")))]
async fn send(
    State(state): State<AppState>,
    principal: Principal,
    trace: Trace,
    Json(body): Json<Telemetry>,
) -> Result<(StatusCode, Json<Ingested>), Problem> {
    let count = body.items.len();
    if !(1..=ITEMS_MAX).contains(&count) {
        let detail = format!("`items` has {count} entries; it must have 1 to {ITEMS_MAX}");
        return Err(Problem::field("items", detail).limit(ITEMS_MAX));
    }
    let items = body.items.into_iter().map(Ok).enumerate();
    Ok((StatusCode::ACCEPTED, Json(ingest(&state, &principal, trace, items).await?)))
}

/// Records items, each with its place in what was sent; one that is none says why.
pub(super) async fn ingest(
    state: &AppState,
    principal: &Principal,
    trace: Trace,
    items: impl Iterator<Item = (usize, Result<TelemetryItem, String>)>,
) -> Result<Ingested, Problem> {
    let now = state.runtime.now();
    let (mut events, mut places, mut rejected) = (Vec::new(), Vec::new(), Vec::new());
    for (index, item) in items {
        match item.and_then(|item| item.event(state, principal, trace, now)) {
            Ok(event) => {
                events.push(event);
                places.push(index);
            }
            Err(detail) => rejected.push(RejectedItem { index, detail }),
        }
    }
    let mut accepted = 0;
    for (index, result) in places.into_iter().zip(state.runtime.submit_all(events).await) {
        match result {
            Ok(_) => accepted += 1,
            Err(RuntimeError::Rejected(reason)) => {
                rejected.push(RejectedItem { index, detail: reason.to_string() });
            }
            // not the item's fault: the client must send all of it again
            Err(error) => return Err(error.into()),
        }
    }
    rejected.sort_by_key(|item| item.index);
    metrics::counter!("voltwin_telemetry_items_total", "outcome" => "accepted").increment(accepted as u64);
    metrics::counter!("voltwin_telemetry_items_total", "outcome" => "rejected")
        .increment(rejected.len() as u64);
    Ok(Ingested { accepted, rejected })
}
