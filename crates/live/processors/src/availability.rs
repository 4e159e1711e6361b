//! Writes down when stations were reachable and connectors in service, for a year and longer.
//!
//! Property changes leave the journal after an hour; what uptime is computed from must not. This reader keeps one row
//! a change of availability, together with its own place in the feed, so that nothing is missed or written twice. It
//! goes by the time at which we heard of a change: a station's clock may be wrong, and being reachable is our view.
//!
//! While the server is down nobody watches. That time, and the minutes after it in which stations reconnect, is
//! written down as a gap: it says nothing about a station.

use std::collections::HashMap;
use std::time::Duration;

use voltwin_core::{Event, EventBody, PropertyName, Seq, TenantId, Timestamp, Value};
use voltwin_graph::Graph;
use voltwin_runtime::{Runtime, RuntimeError};
use voltwin_store::{StatusChange, StoreError};

const STATION: &str = "dtmi:voltwin:ChargingStation;1";
const CONNECTOR: &str = "dtmi:voltwin:Connector;1";

/// The pause after a failure.
const RETRY: Duration = Duration::from_secs(1);
/// How often it is written down that somebody watches.
const ALIVE_PERIOD: Duration = Duration::from_secs(30);
/// A silence shorter than this is no gap, in seconds.
const SILENCE_S: f64 = 90.0;
/// How long stations may take to come back after a restart, in seconds.
const RECONNECT_S: f64 = 300.0;
/// How long the history is kept, in seconds: the rule's twelve months and a month to look back.
const KEEP_S: f64 = 400.0 * 86_400.0;
/// How often the old is looked for.
const PRUNE_PERIOD: Duration = Duration::from_secs(24 * 3_600);

/// Watches until the runtime stops. Trouble with the disk delays it and does not end it.
pub async fn watch_availability(runtime: Runtime) {
    let stopping = runtime.stopping();
    // later on the feed is read again from where it was left, and nothing was missed
    let mut started = Some(runtime.now());
    loop {
        let ended = tokio::select! {
            () = stopping.cancelled() => return,
            ended = watch(&runtime, &mut started) => ended,
        };
        match ended {
            Err(RuntimeError::Stopped) => return,
            Err(error) => tracing::warn!(%error, "the status history could not be written; trying again"),
            Ok(()) => {}
        }
        tokio::time::sleep(RETRY).await;
    }
}

async fn watch(runtime: &Runtime, started: &mut Option<Timestamp>) -> Result<(), RuntimeError> {
    let store = runtime.store();
    let (states, place) = store.availability().await?;
    let mut watcher = Watcher { states, changes: Vec::new() };
    let now = runtime.now();
    if let Some(start) = *started {
        let until = store.watched_until().await?;
        if let Some(until) = until.filter(|until| start.seconds_since(*until) > SILENCE_S) {
            store.add_watch_gap(until, start.plus_seconds(RECONNECT_S)).await?;
        }
        *started = None;
    }
    let place = match place {
        Some(place) => place,
        None => {
            let head = runtime.head();
            for tenant in store.tenants().await? {
                runtime.read(&tenant.tenant, |graph| watcher.begin(&tenant.tenant, graph, now));
            }
            watcher.write(runtime, head).await?;
            head
        }
    };
    let mut reader = runtime.feed(place);
    let mut alive = tokio::time::interval(ALIVE_PERIOD);
    alive.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut prune = tokio::time::interval(PRUNE_PERIOD);
    loop {
        tokio::select! {
            batch = reader.next() => {
                for sequenced in batch? {
                    watcher.see(runtime, &sequenced.event);
                }
                if !watcher.changes.is_empty() {
                    watcher.write(runtime, reader.place()).await?;
                }
            }
            _ = alive.tick() => watcher.write(runtime, reader.place()).await?,
            _ = prune.tick() => {
                store.prune_availability(runtime.now().plus_seconds(-KEEP_S)).await?;
            }
        }
    }
}

struct Watcher {
    states: HashMap<(TenantId, String), String>,
    changes: Vec<(TenantId, StatusChange)>,
}

impl Watcher {
    /// Everything as it stands, for the first time.
    fn begin(&mut self, tenant: &TenantId, graph: &Graph, now: Timestamp) {
        for (model, name) in [(STATION, "online"), (CONNECTOR, "status")] {
            for twin in graph.twins_of(model) {
                if let Some(state) = twin.get(name).and_then(|value| state_of(name, &value)) {
                    self.set(tenant, twin.id().as_str(), now, state);
                }
            }
        }
    }

    fn see(&mut self, runtime: &Runtime, event: &Event) {
        let values: Vec<(&PropertyName, Option<&Value>)> = match &event.body {
            EventBody::Patched { values } | EventBody::Retyped { values, .. } => {
                values.iter().map(|(name, value)| (name, value.as_ref())).collect()
            }
            EventBody::Created { properties, .. } => {
                properties.iter().map(|(name, value)| (name, Some(value))).collect()
            }
            EventBody::Deleted => {
                let key = (event.tenant.clone(), event.twin.to_string());
                if self.states.contains_key(&key) {
                    self.set(&event.tenant, event.twin.as_str(), event.received, "gone");
                }
                return;
            }
            _ => return,
        };
        for (name, value) in values {
            let model = match name.as_str() {
                "online" => STATION,
                "status" => CONNECTOR,
                _ => continue,
            };
            let Some(state) = value.and_then(|value| state_of(name.as_str(), value)) else { continue };
            let key = (event.tenant.clone(), event.twin.to_string());
            let known = self.states.get(&key);
            // a vehicle and an EVSE have a status too
            if known.map(String::as_str) == Some(state) || (known.is_none() && !is_a(runtime, event, model)) {
                continue;
            }
            // a station's own status is not its reachability
            if model == CONNECTOR && known.is_some_and(|known| matches!(known.as_str(), "online" | "offline"))
            {
                continue;
            }
            self.set(&event.tenant, event.twin.as_str(), event.received, state);
        }
    }

    fn set(&mut self, tenant: &TenantId, twin: &str, at: Timestamp, state: &'static str) {
        self.states.insert((tenant.clone(), twin.to_owned()), state.to_owned());
        let change = StatusChange { twin: twin.to_owned(), at, state: state.to_owned() };
        self.changes.push((tenant.clone(), change));
    }

    async fn write(&mut self, runtime: &Runtime, upto: Seq) -> Result<(), StoreError> {
        runtime.store().add_status_changes(&self.changes, upto, runtime.now()).await?;
        self.changes.clear();
        Ok(())
    }
}

fn is_a(runtime: &Runtime, event: &Event, model: &str) -> bool {
    runtime.read(&event.tenant, |graph| {
        graph
            .twin(event.twin.as_str())
            .is_some_and(|twin| graph.ontology().is_a(twin.model().as_str(), model))
    })
}

/// The state of availability that a value of `online` or `status` stands for.
fn state_of(name: &str, value: &Value) -> Option<&'static str> {
    if name == "online" {
        return value.as_bool().map(|online| if online { "online" } else { "offline" });
    }
    Some(match value.as_str()? {
        "Faulted" => "Faulted",
        "Unavailable" => "Unavailable",
        _ => "up",
    })
}
