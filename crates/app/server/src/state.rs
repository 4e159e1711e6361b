//! What every handler can reach.

use std::ops::Deref;
use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusHandle;
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use voltwin_batteries::Batteries;
use voltwin_core::{Event, EventBody, TenantId, TwinId};
use voltwin_csms::CentralSystem;
use voltwin_delivery::Events;
use voltwin_history::History;
use voltwin_operations::Operations;
use voltwin_runtime::Runtime;
use voltwin_store::TenantStore;

use crate::ServerConfig;
use crate::auth::Throttle;
use crate::files::Transfers;
use crate::health::Probe;
use crate::http::Trace;
use crate::live::Hubs;
use crate::ocpi::Ocpi;
use crate::overview::Overviews;
use crate::studies::Studies;

/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct AppState(Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) config: ServerConfig,
    pub(crate) runtime: Runtime,
    pub(crate) csms: CentralSystem,
    pub(crate) history: History,
    pub(crate) operations: Operations,
    pub(crate) ocpi: Ocpi,
    pub(crate) events: Events,
    /// Places of event streams.
    pub(crate) event_streams: Arc<Semaphore>,
    pub(crate) batteries: Batteries,
    pub(crate) studies: Studies,
    pub(crate) throttle: Mutex<Throttle>,
    pub(crate) overviews: Overviews,
    pub(crate) hubs: Hubs,
    pub(crate) transfers: Transfers,
    pub(crate) requests: Semaphore,
    pub(crate) probe: Probe,
    pub(crate) metrics: Option<PrometheusHandle>,
    /// Cancelled when connections should end.
    pub(crate) closing: CancellationToken,
    /// WebSockets, which outlive the HTTP connections that they came on.
    pub(crate) sockets: TaskTracker,
    /// Readers of the feed.
    pub(crate) tasks: TaskTracker,
}

impl Deref for AppState {
    type Target = Shared;
    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl AppState {
    pub(crate) fn new(shared: Shared) -> Self {
        Self(Arc::new(shared))
    }

    /// The registry of one tenant.
    pub(crate) fn registry(&self, tenant: &TenantId) -> TenantStore {
        self.runtime.store().tenant(tenant)
    }

    /// An event that a request brings, now.
    pub(crate) fn event(&self, tenant: &TenantId, twin: TwinId, body: EventBody, trace: Trace) -> Event {
        let now = self.runtime.now();
        Event::new(tenant.clone(), twin, now, now, body).traced(trace.0)
    }
}
