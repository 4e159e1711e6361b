//! Writes numbers that twins took to the history, from the feed.
//!
//! The history keeps its own place in the feed, in the same transaction as the values, so nothing is missed or
//! written twice across a restart. While it cannot be written, the writer waits and reads no further: the journal
//! holds what is to come.

use std::time::Duration;

use tokio::time::Instant;
use voltwin_core::{EventBody, PropertyName, Seq, Sequenced, Value};
use voltwin_history::Point;
use voltwin_runtime::RuntimeError;

use crate::state::AppState;

/// Points of one append, about; and how long the first of them may wait for company.
const POINTS: usize = 8_192;
const GATHER: Duration = Duration::from_millis(500);
/// The pause after a failure.
const RETRY: Duration = Duration::from_secs(1);
/// How often the older part is sealed, and how much stays hot.
const SEAL_PERIOD: Duration = Duration::from_secs(3_600);
const HOT_S: f64 = 2.0 * 3_600.0;

/// Writes until the runtime stops. What was gathered by then and not written is read again at the next start.
pub(crate) async fn run(state: AppState) {
    // ends by itself on the same signal
    state.tasks.spawn(seal(state.clone()));
    loop {
        let stopping = state.runtime.stopping();
        let ended = tokio::select! {
            ended = write(&state) => ended,
            () = stopping.cancelled() => break,
        };
        match ended {
            Err(RuntimeError::Stopped) => break,
            Err(error) => tracing::warn!(%error, "the history could not read the feed"),
            Ok(()) => {}
        }
        tokio::time::sleep(RETRY).await;
    }
}

async fn write(state: &AppState) -> Result<(), RuntimeError> {
    let place = match state.history.cursor().await {
        Ok(place) => place,
        Err(error) => {
            tracing::warn!(%error, "the history cannot be read");
            return Ok(());
        }
    };
    let mut reader = state.runtime.feed(place);
    loop {
        let mut points = Vec::new();
        reader.next().await?.iter().for_each(|event| gather(event, &mut points));
        let due = Instant::now() + GATHER;
        while points.len() < POINTS {
            match tokio::time::timeout_at(due, reader.next()).await {
                Ok(batch) => batch?.iter().for_each(|event| gather(event, &mut points)),
                Err(_) => break,
            }
        }
        append(state, &points, reader.place()).await;
        metrics::gauge!("voltwin_feed_lag", "reader" => "history").set(reader.lag() as f64);
    }
}

/// Tries until it is written.
async fn append(state: &AppState, points: &[Point], upto: Seq) {
    while let Err(error) = state.history.append(points, upto).await {
        metrics::counter!("voltwin_history_failures_total").increment(1);
        tracing::warn!(%error, points = points.len(), "could not write to the history; trying again");
        tokio::time::sleep(RETRY).await;
    }
    metrics::counter!("voltwin_history_points_total").increment(points.len() as u64);
}

fn gather(sequenced: &Sequenced, points: &mut Vec<Point>) {
    let event = &sequenced.event;
    let mut add = |property: &PropertyName, value: Option<&Value>| {
        if let Some(value) = value.and_then(Value::as_f64) {
            let at = event.source_of(property.as_str());
            let (tenant, twin, property) = (event.tenant.clone(), event.twin.clone(), property.clone());
            points.push(Point { tenant, twin, property, at, value });
        }
    };
    match &event.body {
        EventBody::Patched { values } | EventBody::Retyped { values, .. } => {
            values.iter().for_each(|(name, value)| add(name, value.as_ref()));
        }
        EventBody::Created { properties, .. } => {
            properties.iter().for_each(|(name, value)| add(name, Some(value)));
        }
        _ => {}
    }
}

async fn seal(state: AppState) {
    let stopping = state.runtime.stopping();
    let mut tick = tokio::time::interval(SEAL_PERIOD);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stopping.cancelled() => return,
            _ = tick.tick() => {}
        }
        match state.history.seal(state.runtime.now().plus_seconds(-HOT_S)).await {
            Ok(report) if report.rows > 0 => {
                tracing::info!(rows = report.rows, segments = report.segments, "sealed history");
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "could not seal the history"),
        }
    }
}
