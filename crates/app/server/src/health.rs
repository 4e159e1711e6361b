//! For those who watch over the process: is it up, can it work, how does it fare.

use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;

use crate::http::Problem;
use crate::state::AppState;

/// How often the disk is asked at most, however often we are.
const PROBE_PERIOD: Duration = Duration::from_secs(2);

pub(crate) fn routes() -> Router<AppState> {
    Router::new().route("/healthz", get(up)).route("/readyz", get(ready)).route("/metrics", get(metrics))
}

#[derive(Serialize)]
struct Health {
    status: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<String>,
    /// Tenants that are shut while the others are served.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unreadable_tenants: Vec<Unreadable>,
}

/// A tenant that this release cannot read.
#[derive(Serialize)]
struct Unreadable {
    tenant: String,
    reason: String,
}

async fn up() -> Json<Health> {
    Json(Health { status: "up", reasons: Vec::new(), unreadable_tenants: Vec::new() })
}

/// The newest answer of the disk.
#[derive(Default)]
pub(crate) struct Probe {
    newest: tokio::sync::Mutex<Option<(Instant, Option<String>)>>,
}

impl Probe {
    /// Why nothing can be written, if so.
    async fn trouble(&self, state: &AppState) -> Option<String> {
        let mut newest = self.newest.lock().await;
        if let Some((at, trouble)) = &*newest
            && at.elapsed() < PROBE_PERIOD
        {
            return trouble.clone();
        }
        let written = state.runtime.store().save_cursor("probe:ready", state.runtime.head()).await;
        let trouble = written.err().map(|error| error.to_string());
        *newest = Some((Instant::now(), trouble.clone()));
        trouble
    }
}

/// The graph was rebuilt before the server began, so what can be missing is the disk, a rule that ended, or that we
/// stop.
async fn ready(State(state): State<AppState>) -> Response {
    let mut reasons = Vec::new();
    if state.closing.is_cancelled() || state.runtime.stopping().is_cancelled() {
        reasons.push("the server is stopping".to_owned());
    } else {
        reasons.extend(state.probe.trouble(&state).await);
        if reasons.is_empty() && !state.runtime.ready() {
            // the disk takes writes again, and the next event will show it
            reasons.push("the last events could not be recorded".to_owned());
        }
        let stopped = state.runtime.stopped_processors();
        reasons.extend(stopped.iter().map(|name| format!("`{name}` has stopped; the log says why")));
    }
    let ready = reasons.is_empty();
    let unreadable = state.runtime.unreadable();
    let unreadable_tenants = unreadable
        .map(|(tenant, reason)| Unreadable { tenant: tenant.to_string(), reason: reason.to_owned() })
        .collect();
    let status = if ready { "ready" } else { "not ready" };
    let health = Json(Health { status, reasons, unreadable_tenants });
    if ready { health.into_response() } else { (StatusCode::SERVICE_UNAVAILABLE, health).into_response() }
}

async fn metrics(State(state): State<AppState>) -> Response {
    let Some(handle) = &state.metrics else {
        return Problem::unavailable("another recorder collects the metrics of this process").into_response();
    };
    metrics::gauge!("voltwin_stations_online").set(state.csms.online_count() as f64);
    metrics::gauge!("voltwin_journal_head").set(state.runtime.head().0 as f64);
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], handle.render()).into_response()
}
