//! From the feed to the event logs.
//!
//! The writer keeps its place in the store's cursors, and each log knows the journal place of its newest event. So a
//! place that is saved late only means that events are read again, and none is written twice.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;
use voltwin_core::{Seq, TenantId};
use voltwin_routes::{Before, CloudEvent, changes, history};
use voltwin_runtime::{FeedReader, Finding, RuntimeError, WATCH_CURSOR, Watched};

use crate::log::{Entry, EventLog};
use crate::{Inner, Tenant, Told};

/// The pause after a failure.
const RETRY: Duration = Duration::from_secs(1);
/// How often the place is saved, and files that are too old are removed.
const SAVE_EVERY: Duration = Duration::from_secs(1);
const PRUNE_EVERY: Duration = Duration::from_secs(60);
/// Messages of telemetry that are written at once.
const TELEMETRY_BATCH: usize = 256;
/// Bytes of the log of one tenant at most.
const LOG_BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// Writes until the runtime has stopped and everything is written.
pub(crate) async fn run(inner: Arc<Inner>, mut told: mpsc::Receiver<Told>) {
    let place = loop {
        // nobody has missed anything
        if inner.tenants.read().is_empty() {
            break inner.runtime.head();
        }
        match inner.runtime.store().cursor(WATCH_CURSOR).await {
            Ok(place) => break place.unwrap_or_else(|| inner.runtime.head()),
            Err(error) => tracing::warn!(%error, "the place of the event logs cannot be read"),
        }
        if wait(&inner).await {
            return;
        }
    };
    let mut reader = inner.runtime.feed(place);
    let (mut saved, mut pruned) = ((place, Instant::now()), Instant::now());
    let mut stopped = false;
    loop {
        let next = tokio::select! {
            next = tokio::time::timeout(SAVE_EVERY, reader.next_watched()) => next,
            Some(first) = told.recv() => {
                let mut all = vec![first];
                while all.len() < TELEMETRY_BATCH && let Ok(more) = told.try_recv() {
                    all.push(more);
                }
                say(&inner, all).await;
                continue;
            }
            () = inner.runtime.stopped(), if !stopped => {
                stopped = true;
                continue;
            }
        };
        match next {
            Ok(Ok(batch)) => write(&inner, batch).await,
            Ok(Err(RuntimeError::Stopped)) => break,
            Ok(Err(error)) => {
                tracing::warn!(%error, "the event logs could not read the feed");
                tokio::time::sleep(RETRY).await;
            }
            Err(_) => {}
        }
        let place = reader.place();
        let ending = stopped && reader.lag() == 0;
        let watching = !inner.tenants.read().is_empty();
        if watching && place > saved.0 && (ending || saved.1.elapsed() >= SAVE_EVERY) {
            save(&inner, &reader).await;
            saved = (place, Instant::now());
        }
        if ending {
            break;
        }
        if pruned.elapsed() >= PRUNE_EVERY {
            prune(&inner).await;
            pruned = Instant::now();
        }
    }
}

/// Whether the runtime began to stop during a pause.
async fn wait(inner: &Inner) -> bool {
    let stopping = inner.runtime.stopping();
    tokio::select! {
        () = stopping.cancelled() => true,
        () = tokio::time::sleep(RETRY) => false,
    }
}

async fn save(inner: &Inner, reader: &FeedReader) {
    if let Err(error) = inner.runtime.store().save_cursor(WATCH_CURSOR, reader.place()).await {
        tracing::warn!(%error, "could not save the place of the event logs");
    }
    metrics::gauge!("voltwin_feed_lag", "reader" => "events").set(reader.lag() as f64);
}

/// Writes the events of a batch to the logs of their tenants; tries until they are on the disk.
async fn write(inner: &Inner, batch: Vec<Watched>) {
    let mut parts: HashMap<TenantId, (Tenant, Vec<Watched>)> = HashMap::new();
    {
        let tenants = inner.tenants.read();
        if tenants.is_empty() {
            return;
        }
        for watched in batch {
            let tenant = &watched.sequenced.event.tenant;
            let Some(known) = tenants.get(tenant) else { continue };
            parts.entry(tenant.clone()).or_insert_with(|| (known.clone(), Vec::new())).1.push(watched);
        }
    }
    for (id, (tenant, events)) in parts {
        let entries = entries(inner, &id, &tenant, events);
        metrics::counter!("voltwin_events_logged_total").increment(entries.len() as u64);
        append(&tenant.log, entries).await;
    }
}

/// Writes telemetry to the logs of its tenants and tells who waits for it.
async fn say(inner: &Inner, all: Vec<Told>) {
    let mut parts: HashMap<TenantId, Vec<Told>> = HashMap::new();
    all.into_iter().for_each(|told| parts.entry(told.tenant.clone()).or_default().push(told));
    for (id, part) in parts {
        let tenant = inner.tenants.read().get(&id).cloned();
        let mut waiting = Vec::new();
        if let Some(Tenant { log, .. }) = tenant {
            let ((journal, _), mut sequence, source) = (log.known(), log.head(), inner.source(&id));
            let mut entries = Vec::new();
            for told in part {
                sequence += 1;
                let event = CloudEvent::of_telemetry(told.telemetry, &id, &source, sequence);
                entries.push(Entry { journal, event, rows: Vec::new() });
                waiting.push(told.reply);
            }
            append(&log, entries).await;
        } else {
            waiting.extend(part.into_iter().map(|told| told.reply));
        }
        for reply in waiting {
            let _ = reply.send(());
        }
    }
}

fn entries(inner: &Inner, id: &TenantId, tenant: &Tenant, events: Vec<Watched>) -> Vec<Entry> {
    let ((known, told), mut sequence) = (tenant.log.known(), tenant.log.head());
    let source = inner.source(id);
    let mut entries = Vec::new();
    for watched in events.into_iter().filter(|watched| watched.sequenced.seq >= known) {
        let sequenced = &watched.sequenced;
        let all = match &watched.finding {
            Finding::Unchanged => Vec::new(),
            Finding::Before(before) => changes(sequenced, before),
            Finding::Unknown => {
                let later = inner.runtime.read(id, |graph| Before::later(graph, &sequenced.event));
                changes(sequenced, &later)
            }
        };
        // of the event that stood last in the log when it was torn off, what is there is not told again
        let there = if sequenced.seq == known { told } else { 0 };
        for change in all.into_iter().skip(there) {
            sequence += 1;
            let journal: Seq = change.seq;
            let rows = if tenant.history { history::rows(&change) } else { Vec::new() };
            entries.push(Entry {
                journal,
                event: CloudEvent::of_change(change, id, &source, sequence),
                rows,
            });
        }
    }
    entries
}

async fn append(log: &EventLog, entries: Vec<Entry>) {
    if entries.is_empty() {
        return;
    }
    let entries: Arc<[Arc<Entry>]> = entries.into_iter().map(Arc::new).collect();
    loop {
        let (log, entries) = (log.clone(), entries.clone());
        match tokio::task::spawn_blocking(move || log.append(&entries)).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => tracing::error!(%error, "an event log could not be written; trying again"),
            Err(error) => tracing::error!(%error, "an event log could not be written; trying again"),
        }
        tokio::time::sleep(RETRY).await;
    }
}

async fn prune(inner: &Inner) {
    let tenants: Vec<Tenant> = inner.tenants.read().values().cloned().collect();
    for tenant in tenants {
        let work = move || tenant.log.prune(tenant.keep, LOG_BYTES_MAX);
        match tokio::task::spawn_blocking(work).await {
            Ok(Err(error)) => tracing::warn!(%error, "an event log could not be pruned"),
            Err(error) => tracing::warn!(%error, "an event log could not be pruned"),
            Ok(Ok(())) => {}
        }
    }
}
