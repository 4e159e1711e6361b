//! What devices of an Azure IoT Hub say, delivered by Event Grid.

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::options;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use voltwin_iot_hub::{Happening, HubEvent, Incoming, IotHubError, events};
use voltwin_security::Permission;

use super::telemetry::{Ingested, TelemetryItem, ingest};
use crate::auth::{Guard, Principal};
use crate::http::{Json, Problem, Trace};
use crate::state::AppState;

/// Event Grid sends 1 MB at once, and what it sends is not compressed.
const BODY_MAX_BYTES: usize = 2 * 1024 * 1024;
/// By which CloudEvents asks whether it may deliver.
const ORIGIN: &str = "webhook-request-origin";
/// Deliveries worked on at once.
const REQUESTS_MAX: usize = 32;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    let ingest = Guard::needs(Permission::IngestTelemetry).body_limit(BODY_MAX_BYTES).at_once(REQUESTS_MAX);
    OpenApiRouter::new().routes(ingest.on(routes!(receive))).route("/iot-hub/events", options(agree))
}

/// That we take CloudEvents of an origin, which Event Grid asks before it delivers any. It shows nothing by which we could
/// know it, and gets nothing by the answer: each delivery shows a key.
///
/// Source: "HTTP 1.1 Web Hooks for Event Delivery" of CloudEvents, 4.
async fn agree(headers: HeaderMap) -> Result<Response, Problem> {
    let origin = headers.get(ORIGIN).filter(|origin| (1..=253).contains(&origin.len()));
    let Some(origin) = origin else {
        let detail =
            "the header `WebHook-Request-Origin` must name who wants to deliver, in 1 to 253 characters";
        return Err(Problem::field("WebHook-Request-Origin", detail));
    };
    let mut answer = StatusCode::OK.into_response();
    let told = answer.headers_mut();
    told.insert(header::ALLOW, HeaderValue::from_static("OPTIONS, POST"));
    told.insert("webhook-allowed-origin", origin.clone());
    if headers.contains_key("webhook-request-rate") {
        told.insert("webhook-allowed-rate", HeaderValue::from_static("*"));
    }
    Ok(answer)
}

/// That we want the events of a subscription.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct IotHubValidated {
    /// The code that Event Grid sent.
    validation_response: String,
}

/// Take events of an Azure IoT Hub, as Event Grid delivers them (its own schema or CloudEvents). Telemetry becomes values of
/// the twin with the device's id, under the component that the message names; when a device came or left is passed over.
/// Each event is judged by itself, and `index` of what is rejected is its place in the delivery.
#[utoipa::path(post, path = "/iot-hub/events", tag = "telemetry",
    request_body(content = Vec<serde_json::Value>, content_type = "application/json"),
    responses((status = 200, body = IotHubValidated, description = "The answer to a validation."),
        (status = 202, body = Ingested), (status = 413, body = Problem,
        content_type = "application/problem+json", description = "More than 2 MiB.")))]
async fn receive(
    State(state): State<AppState>,
    principal: Principal,
    trace: Trace,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let body = body.map_err(|_| Problem::too_large(BODY_MAX_BYTES))?;
    let (found, rejected) = match events(&body).map_err(problem)? {
        Incoming::Validation { code } => {
            return Ok(Json(IotHubValidated { validation_response: code }).into_response());
        }
        Incoming::Events { found, rejected } => (found, rejected),
    };
    let rejected = rejected.into_iter().map(|(place, error)| (place, Err(error.to_string())));
    let items = found.into_iter().filter_map(item).chain(rejected);
    let ingested = ingest(&state, &principal, trace, items).await?;
    Ok((StatusCode::ACCEPTED, Json(ingested)).into_response())
}

fn item(event: HubEvent) -> Option<(usize, Result<TelemetryItem, String>)> {
    let Happening::Telemetry(message) = event.happening else { return None };
    let at = message.at().unwrap_or(event.at);
    let item = message.telemetry().map_err(|error| error.to_string()).map(|values| {
        let under = message.component.as_ref().map_or_else(String::new, |component| format!("{component}."));
        let values = values.into_iter().map(|(name, value)| (format!("{under}{name}"), value));
        TelemetryItem::new(event.device, Some(at), values)
    });
    Some((event.place, item))
}

fn problem(error: IotHubError) -> Problem {
    match error {
        IotHubError::Field { field, reason } => {
            let detail = format!("`{field}` {reason}");
            Problem::field(&field, detail)
        }
        other => Problem::field("body", other.to_string()),
    }
}
