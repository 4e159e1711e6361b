//! Every battery of the feed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use parking_lot::Mutex;
use voltwin_core::{Event, EventBody, PropertyName, Sequenced, TenantId, Timestamp, TwinId, Value};
use voltwin_graph::{Graph, TwinRef};
use voltwin_runtime::{Processor, Runtime, RuntimeError, run_processor};
use voltwin_store::ProcessorState;

use crate::kind::{Facts, PackKind};
use crate::live::{Live, Measured, STALE_S, Status};

/// The kind of twin that is followed.
pub const BATTERY_PACK: &str = "dtmi:voltwin:BatteryPack;1";

const NAME: &str = "processor:batteries";
/// Between two writings of what is remembered, s.
const REMEMBER_S: f64 = 10.0;
/// Properties that say what a pack is, and not how.
const TYPE: [&str; 3] = ["chemistry", "capacity_wh", "cells_in_series"];
/// Types that are kept; beyond, they are made again.
const KINDS_MAX: usize = 1_000;

/// A battery that is followed.
#[derive(Debug, Clone, Default)]
pub struct Battery {
    /// What it is, or what is missing to know that.
    pub kind: Option<Result<Arc<PackKind>, String>>,
    /// How it is.
    pub live: Live,
}

type Key = (TenantId, TwinId);

/// What is known of every battery, for readers in this process. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Batteries(Arc<Mutex<BTreeMap<Key, Battery>>>);

impl Batteries {
    /// One battery; `None` of one that has never said anything.
    #[must_use]
    pub fn get(&self, tenant: &TenantId, twin: &TwinId) -> Option<Battery> {
        self.0.lock().get(&(tenant.clone(), twin.clone())).cloned()
    }

    /// Looks at batteries one after the other without a copy; feed and other readers wait meanwhile.
    pub fn look<T>(
        &self,
        tenant: &TenantId,
        read: impl FnOnce(&dyn Fn(&TwinId) -> Option<Battery>) -> T,
    ) -> T {
        let all = self.0.lock();
        read(&|twin| all.get(&(tenant.clone(), twin.clone())).cloned())
    }
}

/// Follows every battery of the feed.
pub struct BatteryProcessor {
    batteries: Batteries,
    kinds: Vec<Arc<PackKind>>,
    changed: BTreeSet<Key>,
    remembered: Option<Timestamp>,
}

impl BatteryProcessor {
    /// A processor that goes on from what it remembers. What cannot be read of it is begun anew.
    pub fn new(batteries: Batteries, remembered: impl IntoIterator<Item = ProcessorState>) -> Self {
        for ProcessorState { tenant, twin, state } in remembered {
            match serde_json::from_str(state.as_deref().unwrap_or_default()) {
                Ok(live) => {
                    batteries.0.lock().insert((tenant, twin), Battery { kind: None, live });
                }
                Err(error) => tracing::warn!(%tenant, %twin, %error, "a battery is followed anew"),
            }
        }
        Self { batteries, kinds: Vec::new(), changed: BTreeSet::new(), remembered: None }
    }

    fn kind(&mut self, twin: TwinRef<'_>) -> Result<Arc<PackKind>, String> {
        let facts = Facts::of(twin)?;
        if let Some(kind) = self.kinds.iter().find(|kind| kind.facts == facts) {
            return Ok(kind.clone());
        }
        let kind = PackKind::new(facts)?;
        if self.kinds.len() >= KINDS_MAX {
            self.kinds.clear();
        }
        self.kinds.push(kind.clone());
        Ok(kind)
    }

    fn follow(&mut self, event: &Event, twin: TwinRef<'_>, read: Measured) -> Option<Event> {
        let key = (event.tenant.clone(), event.twin.clone());
        let known = self.batteries.0.lock().get(&key).and_then(|battery| battery.kind.clone());
        let kind = match known.filter(|kind| kind.is_ok() && !retypes(&event.body)) {
            Some(kind) => kind,
            None => self.kind(twin),
        };
        let batteries = self.batteries.clone();
        let mut batteries = batteries.0.lock();
        let battery = batteries.entry(key.clone()).or_default();
        battery.kind = Some(kind.clone());
        self.changed.insert(key.clone());
        match kind {
            Ok(kind) => {
                // one from before the newest changes nothing
                battery.live.read(&kind, event.at, event.received, read).ok()?;
            }
            Err(reason) => battery.live.become_status(event.received, Status::Unknown, Some(reason)),
        }
        let at = battery.live.at.unwrap_or(event.received);
        let told = tell(key, at, event.received, &mut battery.live)?;
        Some(Event { trace: event.trace, ..told })
    }
}

/// Whether a change says what a pack is.
fn retypes(body: &EventBody) -> bool {
    match body {
        EventBody::Patched { values } => values.iter().any(|(name, _)| TYPE.contains(&name.as_str())),
        EventBody::Created { .. } | EventBody::Retyped { .. } => true,
        _ => false,
    }
}

fn tell((tenant, twin): Key, at: Timestamp, received: Timestamp, live: &mut Live) -> Option<Event> {
    let values = live.tell(at)?;
    let named = |(name, value): (&str, Value)| Some((PropertyName::new(name).ok()?, Some(value)));
    let body = EventBody::Patched { values: values.into_iter().filter_map(named).collect() };
    Some(Event::new(tenant, twin, at, received, body))
}

impl Processor for BatteryProcessor {
    fn name(&self) -> &'static str {
        NAME
    }

    fn on_event(&mut self, sequenced: &Sequenced, graph: &Graph) -> Vec<Event> {
        let event = &sequenced.event;
        if let EventBody::Deleted = event.body {
            let key = (event.tenant.clone(), event.twin.clone());
            if self.batteries.0.lock().remove(&key).is_some() {
                self.changed.insert(key);
            }
            return Vec::new();
        }
        let Some(read) = Measured::of(&event.body) else { return Vec::new() };
        let Some(twin) = graph.twin(event.twin.as_str()).filter(|twin| twin.is_a(BATTERY_PACK)) else {
            return Vec::new();
        };
        self.follow(event, twin, read).into_iter().collect()
    }

    fn on_tick(&mut self, now: Timestamp) -> Vec<Event> {
        let mut answers = Vec::new();
        for (key, battery) in self.batteries.0.lock().iter_mut() {
            let live = &mut battery.live;
            let silent = live.at.is_some_and(|at| now.seconds_since(at) > STALE_S);
            if silent && !matches!(live.status, Status::Stale | Status::Unknown) {
                live.become_status(
                    now,
                    Status::Stale,
                    Some("there has been no reading for 5 minutes".to_owned()),
                );
                self.changed.insert(key.clone());
                answers.extend(tell(key.clone(), now, now, live));
            }
        }
        answers
    }

    fn remember(&mut self, now: Timestamp) -> Option<Vec<ProcessorState>> {
        if self.remembered.is_some_and(|last| now.seconds_since(last) < REMEMBER_S) {
            return None;
        }
        self.remembered = Some(now);
        let batteries = self.batteries.0.lock();
        let state = |key: Key| {
            let state = batteries.get(&key).and_then(|battery| serde_json::to_string(&battery.live).ok());
            let (tenant, twin) = key;
            ProcessorState { tenant, twin, state }
        };
        Some(std::mem::take(&mut self.changed).into_iter().map(state).collect())
    }
}

/// Follows every battery until the runtime stops.
///
/// # Errors
/// When what is remembered cannot be read at the start.
pub async fn run_batteries(runtime: Runtime, batteries: Batteries) -> Result<(), RuntimeError> {
    let remembered = runtime.store().processor_states(NAME).await?;
    run_processor(runtime, BatteryProcessor::new(batteries, remembered)).await
}
