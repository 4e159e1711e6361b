//! Where rules and science meet the feed.

use std::collections::BTreeMap;
use std::time::Duration;

use voltwin_core::{Event, Sequenced, Timestamp};
use voltwin_graph::Graph;
use voltwin_store::ProcessorState;

use crate::{Runtime, RuntimeError};

/// A rule that turns what happened into what follows from it.
///
/// It sees every event of the feed and a tick a second, and answers with events (patches, alarms, …). It must
/// derive everything, identifiers included, from what it is given, so that a replay gives the same answer, and it
/// must bear seeing an event twice: its place is saved after its answers are durable.
pub trait Processor: Send + 'static {
    /// Names its place in the store; never changes.
    fn name(&self) -> &'static str;
    /// What follows from `event`. `graph` is the tenant's graph, at or after the event.
    fn on_event(&mut self, event: &Sequenced, graph: &Graph) -> Vec<Event>;
    /// What follows from the passing of time.
    fn on_tick(&mut self, _now: Timestamp) -> Vec<Event> {
        Vec::new()
    }
    /// What it must remember beside its place, of the twins that changed since it was asked last; both are written
    /// together, and it is given back by [`Store::processor_states`](voltwin_store::Store::processor_states). `None`
    /// where the place is to be written later: what came since is then seen again after a restart.
    fn remember(&mut self, _now: Timestamp) -> Option<Vec<ProcessorState>> {
        Some(Vec::new())
    }
}

/// The pause after the feed could not be read.
const RETRY: Duration = Duration::from_secs(1);

/// Tells the runtime when a processor ends, by whatever way.
struct Running {
    runtime: Runtime,
    name: &'static str,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.runtime.processor_stopped(self.name);
    }
}

/// Runs a processor until the runtime stops. Trouble with the disk delays it and does not end it.
///
/// # Errors
/// When its place cannot be read at the start.
pub async fn run_processor(runtime: Runtime, mut processor: impl Processor) -> Result<(), RuntimeError> {
    let name = processor.name();
    let _running = Running { runtime: runtime.clone(), name };
    let mut saved = runtime.store().cursor(name).await?.unwrap_or_else(|| runtime.head());
    let mut unsaved = BTreeMap::new();
    let mut reader = runtime.feed(saved);
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let stopping = runtime.stopping();
    loop {
        let answers = tokio::select! {
            () = stopping.cancelled() => return Ok(()),
            batch = reader.next() => {
                let batch = match batch {
                    Err(RuntimeError::Stopped) => return Ok(()),
                    Err(error) => {
                        tracing::warn!(processor = name, %error, "a processor could not read the feed; trying again");
                        tokio::time::sleep(RETRY).await;
                        continue;
                    }
                    Ok(batch) => batch,
                };
                let answer = |event: &std::sync::Arc<Sequenced>| {
                    runtime.read(&event.event.tenant, |graph| processor.on_event(event, graph))
                };
                batch.iter().flat_map(answer).collect()
            }
            _ = tick.tick() => {
                let place = reader.place();
                metrics::gauge!("voltwin_feed_lag", "reader" => name).set(reader.lag() as f64);
                if saved < place && let Some(more) = processor.remember(runtime.now()) {
                    // of one twin the newest state counts, also over one that could not be written
                    unsaved.extend(more.into_iter().map(|state| ((state.tenant.clone(), state.twin.clone()), state)));
                    let states: Vec<ProcessorState> = unsaved.values().cloned().collect();
                    // a place that is not saved only means that events are seen again after a restart
                    match runtime.store().save_processor(name, place, &states).await {
                        Ok(()) => (saved, unsaved) = (place, BTreeMap::new()),
                        Err(error) => {
                            tracing::warn!(processor = name, %error, "could not save the place of a processor");
                        }
                    }
                }
                processor.on_tick(runtime.now())
            }
        };
        submit(&runtime, name, answers).await;
    }
}

/// Makes the answers durable. Those that do not fit are counted and given up; while nothing can be written, the rest
/// waits, because the processor has gone on as if they were recorded.
async fn submit(runtime: &Runtime, name: &'static str, mut answers: Vec<Event>) {
    while !answers.is_empty() {
        let results = runtime.submit_all(answers.clone()).await;
        let mut left = Vec::new();
        for (answer, result) in answers.into_iter().zip(results) {
            match result {
                Ok(_) => {}
                Err(RuntimeError::Store(error)) => {
                    tracing::warn!(processor = name, %error, "an answer of a processor waits for the disk");
                    left.push(answer);
                }
                Err(RuntimeError::Stopped) => return,
                Err(error) => {
                    metrics::counter!("voltwin_processor_rejected_total", "processor" => name).increment(1);
                    tracing::warn!(processor = name, %error, "an answer of a processor was not recorded");
                }
            }
        }
        answers = left;
        if !answers.is_empty() {
            let stopping = runtime.stopping();
            tokio::select! {
                () = stopping.cancelled() => return,
                () = tokio::time::sleep(RETRY) => {}
            }
        }
    }
}
