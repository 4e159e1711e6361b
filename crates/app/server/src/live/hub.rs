//! One tenant's columns, kept true by the feed, for any number of clients.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::extract::ws::Utf8Bytes;
use parking_lot::RwLock;
use tokio::sync::{broadcast, watch};
use tokio::time::MissedTickBehavior;
use voltwin_core::{Sequenced, TenantId};
use voltwin_runtime::FeedReader;
use voltwin_store::StoreError;

use super::alarms::{AlarmBook, owner};
use super::protocol::Message;
use super::records::Changed;
use super::tables::{Dirty, Tables};
use super::traces::Traces;
use crate::http::Problem;
use crate::state::AppState;

/// Messages that a client may be behind; one that is further behind is told how many it missed.
pub(super) const MESSAGES: usize = 1_024;
/// How often the figures of the overview are sent.
const KPI_PERIOD: Duration = Duration::from_secs(1);
/// How long the columns are kept when nobody looks.
const IDLE: Duration = Duration::from_secs(300);
/// The pause after a failure, before it begins anew.
const RETRY: Duration = Duration::from_secs(1);

/// The hubs of all tenants that somebody looks at.
#[derive(Default)]
pub(crate) struct Hubs {
    tenants: tokio::sync::Mutex<HashMap<TenantId, Arc<Hub>>>,
}

pub(crate) struct Hub {
    pub(super) tenant: TenantId,
    pub(super) tables: RwLock<Tables>,
    pub(super) traces: Traces,
    pub(super) messages: broadcast::Sender<Utf8Bytes>,
    pub(super) kpi: watch::Sender<Utf8Bytes>,
    clients: AtomicUsize,
}

/// A client's place at a hub; leaving it frees the place.
pub(crate) struct Place {
    pub(super) hub: Arc<Hub>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.hub.clients.fetch_sub(1, Ordering::Relaxed);
        metrics::gauge!("voltwin_live_clients").decrement(1);
    }
}

impl Hubs {
    /// A place at the tenant's hub, which begins when it is the first.
    pub(super) async fn enter(&self, state: &AppState, tenant: &TenantId) -> Result<Place, Problem> {
        let limit = state.config.live_clients_max;
        let mut tenants = self.tenants.lock().await;
        let hub = match tenants.get(tenant) {
            Some(hub) => hub.clone(),
            None => {
                let hub = Hub::begin(state, tenant).await?;
                tenants.insert(tenant.clone(), hub.clone());
                hub
            }
        };
        if hub.clients.load(Ordering::Relaxed) >= limit {
            return Err(Problem::busy(format!("{limit} live streams are open already")).limit(limit));
        }
        hub.clients.fetch_add(1, Ordering::Relaxed);
        metrics::gauge!("voltwin_live_clients").increment(1);
        Ok(Place { hub })
    }

    /// Forgets a hub that nobody looks at; false when somebody came.
    async fn forget(&self, hub: &Hub) -> bool {
        let mut tenants = self.tenants.lock().await;
        let idle = hub.clients.load(Ordering::Relaxed) == 0;
        if idle {
            tenants.remove(&hub.tenant);
        }
        idle
    }
}

impl Hub {
    async fn begin(state: &AppState, tenant: &TenantId) -> Result<Arc<Self>, StoreError> {
        // the seed of row numbers differs between runs, so that a client never takes old rows for new ones
        let epoch = (state.runtime.now().as_millis() / 1_000) as u32;
        let (reader, tables) = build(state, tenant, epoch).await?;
        let hub = Arc::new(Self {
            tenant: tenant.clone(),
            tables: RwLock::new(tables),
            traces: Traces::default(),
            messages: broadcast::Sender::new(MESSAGES),
            kpi: watch::Sender::new(Utf8Bytes::default()),
            clients: AtomicUsize::new(0),
        });
        state.tasks.spawn(run(state.clone(), hub.clone(), reader));
        Ok(hub)
    }

    fn apply(&self, state: &AppState, events: &[&Arc<Sequenced>], journal_seq: u64) {
        self.traces.note(events);
        state.runtime.read(&self.tenant, |graph| {
            let mut tables = self.tables.write();
            let mut dirty = Dirty::default();
            for sequenced in events {
                tables.note(graph, &sequenced.event, &mut dirty);
            }
            if !dirty.is_empty() {
                tables.refresh(graph, &dirty);
            }
            tables.journal_seq = journal_seq;
        });
    }

    async fn tell(&self, state: &AppState, changed: Changed) {
        if self.messages.receiver_count() == 0 {
            return;
        }
        match changed.messages(&state.registry(&self.tenant)).await {
            Ok(messages) => messages.into_iter().for_each(|message| drop(self.messages.send(message))),
            Err(error) => {
                tracing::warn!(tenant = %self.tenant, %error, "could not read records for the live stream");
            }
        }
    }

    async fn tell_kpi(&self, state: &AppState) {
        match state.overview(&self.tenant).await {
            Ok(overview) => drop(self.kpi.send_replace(Message::Kpi(&overview).text().into())),
            Err(error) => tracing::warn!(tenant = %self.tenant, %error, "could not compute the overview"),
        }
    }
}

/// Columns of everything there is, and a reader of what comes after. What is recorded between the two is seen
/// twice, which does no harm: rows are read from the graph, and alarms are counted by id.
async fn build(state: &AppState, tenant: &TenantId, epoch: u32) -> Result<(FeedReader, Tables), StoreError> {
    let head = state.runtime.head();
    let open = state.open_alarms(tenant).await?;
    let now_ms = state.runtime.now().as_millis();
    let tables = state.runtime.read(tenant, |graph| {
        let mut alarms = AlarmBook::default();
        for alarm in open.into_iter().filter(|alarm| alarm.cleared_at.is_none()) {
            if let Some(owner) = owner(graph, &alarm.twin) {
                alarms.insert(alarm.id, owner, alarm.severity, alarm.acknowledged_at.is_some());
            }
        }
        Tables::new(epoch, now_ms, head.0, graph, alarms)
    });
    Ok((state.runtime.feed(head), tables))
}

/// Follows the feed until the server stops or nobody has looked for a while.
async fn run(state: AppState, hub: Arc<Hub>, mut reader: FeedReader) {
    let stopping = state.runtime.stopping();
    let mut tick = tokio::time::interval(KPI_PERIOD);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut seen = Instant::now();
    loop {
        tokio::select! {
            () = stopping.cancelled() => return,
            batch = reader.next() => match batch {
                Ok(batch) => {
                    let own: Vec<_> = batch.iter().filter(|event| event.event.tenant == hub.tenant).collect();
                    hub.apply(&state, &own, reader.place().0);
                    hub.tell(&state, Changed::of(own.into_iter())).await;
                    metrics::gauge!("voltwin_feed_lag", "reader" => "live").set(reader.lag() as f64);
                }
                Err(error) => {
                    tracing::warn!(tenant = %hub.tenant, %error, "the live stream could not read the feed");
                    tokio::time::sleep(RETRY).await;
                    rebuild(&state, &hub, &mut reader).await;
                }
            },
            _ = tick.tick() => {
                if hub.clients.load(Ordering::Relaxed) > 0 {
                    seen = Instant::now();
                    hub.tell_kpi(&state).await;
                } else if seen.elapsed() > IDLE && state.hubs.forget(&hub).await {
                    return;
                }
                let stale = hub.tables.read().stale(state.runtime.now().as_millis());
                if stale {
                    rebuild(&state, &hub, &mut reader).await;
                }
            }
        }
    }
}

/// Begins anew with another epoch; clients see it and take a snapshot.
async fn rebuild(state: &AppState, hub: &Hub, reader: &mut FeedReader) {
    let epoch = hub.tables.read().epoch.wrapping_add(1);
    match build(state, &hub.tenant, epoch).await {
        Ok((fresh, tables)) => {
            *reader = fresh;
            *hub.tables.write() = tables;
        }
        Err(error) => tracing::warn!(tenant = %hub.tenant, %error, "the live stream could not begin anew"),
    }
}
