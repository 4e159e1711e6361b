//! The process-wide recorder of metrics.

use std::sync::OnceLock;
use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio_util::sync::CancellationToken;

/// Bounds of the buckets of durations, in seconds: from a read in memory to a command that waits for a station.
const SECONDS: [f64; 13] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];
/// Bounds of the buckets of batch sizes.
const COUNTS: [f64; 8] = [1.0, 4.0, 16.0, 64.0, 256.0, 1024.0, 4096.0, 16384.0];
/// How often observations are gathered, so that they do not pile up when nobody asks for them.
const UPKEEP: Duration = Duration::from_secs(5);

/// The recorder, installed by the first who asks; `None` where the program brought its own.
pub(crate) fn recorder() -> Option<PrometheusHandle> {
    static HANDLE: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
    HANDLE.get_or_init(install).clone()
}

fn install() -> Option<PrometheusHandle> {
    let suffix = |text: &str| Matcher::Suffix(text.to_owned());
    let installed = PrometheusBuilder::new()
        .set_buckets_for_metric(suffix("_seconds"), &SECONDS)
        .and_then(|builder| builder.set_buckets_for_metric(suffix("_events"), &COUNTS))
        .and_then(PrometheusBuilder::install_recorder);
    let handle = installed.inspect_err(|error| tracing::warn!(%error, "metrics are not collected")).ok()?;
    describe();
    Some(handle)
}

fn describe() {
    metrics::describe_histogram!("voltwin_http_request_seconds", "Time to answer an HTTP request, by route.");
    metrics::describe_gauge!("voltwin_live_clients", "Live streams open now.");
    metrics::describe_counter!("voltwin_live_bytes_total", "Bytes of binary frames sent to live streams.");
    metrics::describe_counter!(
        "voltwin_live_messages_missed_total",
        "Records not sent to clients that read too slowly."
    );
    metrics::describe_counter!(
        "voltwin_live_stalled_total",
        "Live streams closed because they took nothing for 30 s."
    );
    metrics::describe_gauge!(
        "voltwin_feed_lag",
        "Journal places between a reader of the feed and the newest event."
    );
    metrics::describe_counter!("voltwin_sign_ins_total", "Sign-ins by outcome.");
    metrics::describe_counter!(
        "voltwin_telemetry_items_total",
        "Telemetry items received over HTTP, by outcome."
    );
    metrics::describe_gauge!("voltwin_stations_online", "Charging stations connected now.");
    metrics::describe_gauge!("voltwin_journal_head", "The place of the newest event in the journal.");
}

/// Gathers observations until the server stops.
pub(crate) async fn upkeep(handle: PrometheusHandle, stopping: CancellationToken) {
    let mut tick = tokio::time::interval(UPKEEP);
    loop {
        tokio::select! {
            () = stopping.cancelled() => return,
            _ = tick.tick() => handle.run_upkeep(),
        }
    }
}
