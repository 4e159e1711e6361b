//! Keeps a worker an endpoint, as the registry has it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use voltwin_core::{TenantId, Timestamp};
use voltwin_routes::Filter;
use voltwin_store::{EventEndpoint, EventRoute};

use crate::worker::{self, Work};
use crate::{EventsError, Inner, Key, Settings, all};

/// How often the registry is looked at when nobody says that it changed.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// The pause after the registry could not be read.
const RETRY: Duration = Duration::from_secs(1);

struct Running {
    plan: Plan,
    cancel: CancellationToken,
    task: JoinHandle<()>,
}

/// What makes a worker another one.
#[derive(Clone, PartialEq, Eq)]
struct Plan {
    changed: Timestamp,
    routes: Vec<EventRoute>,
    /// When the endpoint for dead letters was last changed.
    dead_changed: Option<Timestamp>,
}

/// Opens the logs of all tenants that keep one; `false` when the runtime stops before.
pub(crate) async fn open_all(inner: &Inner) -> bool {
    let stopping = inner.runtime.stopping();
    loop {
        match try_open_all(inner).await {
            Ok(()) => return true,
            Err(error) => tracing::error!(%error, "the event logs could not be opened; trying again"),
        }
        tokio::select! {
            () = stopping.cancelled() => return false,
            () = tokio::time::sleep(RETRY) => {}
        }
    }
}

async fn try_open_all(inner: &Inner) -> Result<(), EventsError> {
    for settings in inner.runtime.store().event_logs().await? {
        inner.open(&settings).await?;
    }
    Ok(())
}

/// Works until the runtime stops, and then until every worker has saved its place.
pub(crate) async fn run(inner: Arc<Inner>) {
    let stopping = inner.runtime.stopping();
    let mut workers: HashMap<Key, Running> = HashMap::new();
    loop {
        if let Err(error) = look(&inner, &mut workers).await {
            tracing::warn!(%error, "the event endpoints cannot be read");
        }
        tokio::select! {
            () = stopping.cancelled() => break,
            () = inner.changed.notified() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
    for (_, worker) in workers {
        end(worker).await;
    }
}

async fn end(worker: Running) {
    worker.cancel.cancel();
    if let Err(error) = worker.task.await {
        tracing::error!(%error, "an event worker failed");
    }
}

async fn look(inner: &Arc<Inner>, workers: &mut HashMap<Key, Running>) -> Result<(), EventsError> {
    let tenants: Vec<TenantId> = inner.tenants.read().keys().cloned().collect();
    let mut wanted = HashMap::new();
    for tenant in tenants {
        let registry = inner.registry(&tenant);
        let endpoints = all(async |cursor| registry.event_endpoints(cursor.as_deref(), 100).await);
        let endpoints: Vec<EventEndpoint> = endpoints.await?;
        let routes = all(async |cursor| registry.event_routes(cursor.as_deref(), 100).await);
        let routes: Vec<EventRoute> = routes.await?;
        for endpoint in endpoints.iter().filter(|endpoint| endpoint.enabled) {
            let dead =
                Settings::read(&endpoint.settings).ok().and_then(|settings| settings.dead_letter_endpoint);
            let dead = dead.and_then(|name| endpoints.iter().find(|other| other.name == name).cloned());
            let plan = Plan {
                changed: endpoint.changed_at,
                routes: routes.iter().filter(|route| route.endpoint == endpoint.name).cloned().collect(),
                dead_changed: dead.as_ref().map(|dead| dead.changed_at),
            };
            wanted.insert((tenant.clone(), endpoint.name.clone()), (plan, dead));
        }
    }
    let stale: Vec<Key> = workers
        .iter()
        .filter(|(key, running)| {
            running.task.is_finished() || wanted.get(*key).is_none_or(|(plan, _)| *plan != running.plan)
        })
        .map(|(key, _)| key.clone())
        .collect();
    for key in stale {
        if let Some(worker) = workers.remove(&key) {
            end(worker).await;
        }
    }
    for (key, (plan, dead)) in wanted {
        if workers.contains_key(&key) {
            continue;
        }
        // read again: the worker before has saved its place
        let Some(endpoint) = inner.registry(&key.0).event_endpoint(&key.1).await? else { continue };
        match start(inner, &key, plan, &endpoint, dead.as_ref()) {
            Ok(Some(running)) => {
                workers.insert(key, running);
            }
            Ok(None) => {}
            Err(error) => {
                tracing::error!(tenant = %key.0, endpoint = key.1, %error, "an event endpoint cannot be used");
            }
        }
    }
    Ok(())
}

fn start(
    inner: &Arc<Inner>,
    key: &Key,
    plan: Plan,
    endpoint: &EventEndpoint,
    dead: Option<&EventEndpoint>,
) -> Result<Option<Running>, EventsError> {
    let Some(log) = inner.tenants.read().get(&key.0).map(|tenant| tenant.log.clone()) else {
        return Ok(None);
    };
    let settings = Settings::read(&endpoint.settings)?;
    let filter = |route: &EventRoute| Ok((route.since, Filter::parse(&route.filter)?));
    let work = Work {
        runtime: inner.runtime.clone(),
        tenant: key.0.clone(),
        endpoint: key.1.clone(),
        retry: settings.retry,
        routes: plan.routes.iter().map(filter).collect::<Result<_, EventsError>>()?,
        sink: inner.sink(&key.0, endpoint)?,
        dead: inner.dead(key),
        dead_sink: dead.map(|dead| inner.sink(&key.0, dead)).transpose()?,
        status: inner.status(key),
    };
    let cancel = CancellationToken::new();
    let task = tokio::spawn(worker::run(work, log, endpoint.place, cancel.clone()));
    Ok(Some(Running { plan, cancel, task }))
}
