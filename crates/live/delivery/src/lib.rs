//! Events for programs outside.
//!
//! # The idea
//! A tenant that wants events has an **event log** ([`EventLog`]): every change of its twins and relationships as a
//! CloudEvent, numbered without gaps, on the disk. One writer fills it from the feed, at the only moment at which it
//! is known what an event found. Everything outwards reads the log, each reader at its own place: an **endpoint** takes
//! what its **routes** let through, a program reads it by number over HTTP. A slow endpoint delays itself and nobody
//! else, and what it missed is there when it comes back.
//!
//! # Invariants
//! - An event is sent at least once, and those of one twin in their order, until it is taken, or given up after the
//!   attempts or the time that the endpoint sets; what is given up is a dead letter.
//! - The same event has the same id however often it is sent.
//! - The log is bounded by age and bytes, a batch in memory by number, a dead letter box by bytes.
//! - An endpoint's address must be of the public network, or be named by the operator.
//! - A tenant that never asked for events costs nothing.

mod dead;
mod endpoint;
mod error;
mod history;
mod log;
mod outside;
mod reader;
mod sink;
mod supervisor;
mod tail;
mod worker;
mod writer;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use rustls_pki_types::CertificateDer;
use serde_json::{Value as Json, json};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;
use voltwin_core::{TenantId, Timestamp};
use voltwin_routes::{CloudEvent, Filter, Telemetry};
use voltwin_runtime::Runtime;
use voltwin_security::Secret;
use voltwin_store::{EventEndpoint, EventLogSettings, EventRoute, StoreError, TenantStore};

use dead::DeadLetters;
use outside::Outside;
use sink::{Means, Sink};

pub use dead::DeadLetter;
pub use endpoint::{Mode, Mqtt, MqttVersion, Nats, Retry, Settings, Target, Validation, Webhook};
pub use error::EventsError;
pub use history::{HistoryTable, history_folder};
pub use log::{Entry, EventLog};
pub use reader::{Gap, LogReader};
pub use worker::EndpointStatus;

/// Seconds that an event stays in the log where nothing else is said, and at most.
pub const KEEP_S: u32 = 7 * 86_400;
/// The most seconds that can be set: 31 days.
pub const KEEP_S_MAX: u32 = 31 * 86_400;
/// The least.
pub const KEEP_S_MIN: u32 = 3_600;
/// The type of the event that a test sends.
pub const TEST_KIND: &str = "Voltwin.Events.Test";
/// Letters that one call sends again at most.
const REDELIVER_MAX: usize = 500;

/// What can be set.
#[derive(Debug, Clone, Default)]
pub struct EventsConfig {
    /// The host name of this server; the source of a tenant's events is `TENANT.HOST`. `voltwin` where it is empty.
    pub host: String,
    /// `host` or `host:port` that events may be sent to though they are not on the public network.
    pub hosts: Vec<String>,
    /// Authorities that are believed beside those of the machine.
    pub authorities: Vec<CertificateDer<'static>>,
}

/// The events of one installation. Cheap to clone.
#[derive(Clone)]
pub struct Events {
    inner: Arc<Inner>,
    telemetry: mpsc::Sender<Told>,
}

/// Telemetry on its way into a log, and who waits for it to be there.
pub(crate) struct Told {
    tenant: TenantId,
    telemetry: Telemetry,
    reply: oneshot::Sender<()>,
}

/// Telemetry that may wait for the disk; more makes the sender wait.
const TELEMETRY_WAITING: usize = 1_024;

type Key = (TenantId, String);

pub(crate) struct Inner {
    runtime: Runtime,
    host: String,
    folder: PathBuf,
    means: Means,
    tenants: RwLock<HashMap<TenantId, Tenant>>,
    statuses: RwLock<HashMap<Key, Arc<Mutex<EndpointStatus>>>>,
    dead: RwLock<HashMap<Key, Arc<DeadLetters>>>,
    /// The tables of data history, as they were when they were last written.
    histories: RwLock<HashMap<TenantId, Vec<HistoryTable>>>,
    changed: Notify,
    /// Whoever opens a log does so alone.
    opening: tokio::sync::Mutex<()>,
}

/// A tenant that keeps a log.
#[derive(Debug, Clone)]
pub(crate) struct Tenant {
    log: EventLog,
    keep: Duration,
    history: bool,
}

impl Inner {
    fn source(&self, tenant: &TenantId) -> String {
        format!("{tenant}.{}", self.host)
    }

    fn folder(&self, tenant: &TenantId) -> PathBuf {
        self.folder.join(tenant.as_str())
    }

    fn registry(&self, tenant: &TenantId) -> TenantStore {
        self.runtime.store().tenant(tenant)
    }

    fn status(&self, key: &Key) -> Arc<Mutex<EndpointStatus>> {
        self.statuses.write().entry(key.clone()).or_default().clone()
    }

    fn dead(&self, key: &Key) -> Arc<DeadLetters> {
        let fresh = || Arc::new(DeadLetters::new(self.folder(&key.0).join("dead").join(&key.1)));
        self.dead.write().entry(key.clone()).or_insert_with(fresh).clone()
    }

    fn sink(&self, tenant: &TenantId, endpoint: &EventEndpoint) -> Result<Arc<dyn Sink>, EventsError> {
        let settings = Settings::read(&endpoint.settings)?;
        let folder = self.folder(tenant).join("out").join(&endpoint.name);
        Ok(sink::sink(&settings, endpoint.secret.as_ref(), &self.means, &folder))
    }

    /// Opens the log of a tenant, or takes over how it is kept now.
    async fn open(&self, settings: &EventLogSettings) -> Result<EventLog, EventsError> {
        let _turn = self.opening.lock().await;
        let keep = Duration::from_secs(settings.keep_s.into());
        let known = self.tenants.read().get(&settings.tenant).map(|tenant| tenant.log.clone());
        let log = match known {
            Some(log) => log,
            None => {
                let folder = self.folder(&settings.tenant).join("log");
                // a log that begins now is of what happens from now on, also when we fall before its first event
                let head = self.runtime.head();
                let journal = if folder.exists() { voltwin_core::Seq(0) } else { head };
                if self.tenants.read().is_empty() && journal == head {
                    self.runtime.store().save_cursor(voltwin_runtime::WATCH_CURSOR, head).await?;
                }
                let open = move || EventLog::open(&folder, journal);
                tokio::task::spawn_blocking(open).await.map_err(|_| EventsError::Stopped)??
            }
        };
        let tenant = Tenant { log: log.clone(), keep, history: settings.history };
        let watched = {
            let mut tenants = self.tenants.write();
            tenants.insert(settings.tenant.clone(), tenant);
            tenants.keys().cloned().collect()
        };
        self.runtime.watch(watched);
        Ok(log)
    }

    fn close(&self, tenant: &TenantId) {
        let mut tenants = self.tenants.write();
        tenants.remove(tenant);
        self.runtime.watch(tenants.keys().cloned().collect());
    }
}

impl Events {
    /// Starts what runs behind: the writer of the logs and a worker an endpoint, as `tasks`. They end when `runtime`
    /// stops.
    #[must_use]
    pub fn start(runtime: Runtime, config: EventsConfig, tasks: &TaskTracker) -> Self {
        let folder = runtime.store().dir().join("events");
        let host = if config.host.is_empty() { "voltwin".to_owned() } else { config.host };
        let means = Means { outside: Outside::new(config.hosts), authorities: Arc::new(config.authorities) };
        let inner = Arc::new(Inner {
            runtime,
            host,
            folder,
            means,
            tenants: RwLock::default(),
            statuses: RwLock::default(),
            dead: RwLock::default(),
            histories: RwLock::default(),
            changed: Notify::new(),
            opening: tokio::sync::Mutex::default(),
        });
        let (telemetry, told) = mpsc::channel(TELEMETRY_WAITING);
        let behind = inner.clone();
        tasks.spawn(async move {
            if supervisor::open_all(&behind).await {
                let written = CancellationToken::new();
                let write = async {
                    writer::run(behind.clone(), told).await;
                    written.cancel();
                };
                let history = history::run(behind.clone(), written.clone());
                tokio::join!(write, history, supervisor::run(behind.clone()));
            }
        });
        Self { inner, telemetry }
    }

    /// Must be called after the registry was changed past these functions.
    pub fn changed(&self) {
        self.inner.changed.notify_one();
    }

    /// The host name under which a tenant's events leave.
    #[must_use]
    pub fn source(&self, tenant: &TenantId) -> String {
        self.inner.source(tenant)
    }

    /// The log of a tenant; it begins now where there is none.
    ///
    /// # Errors
    /// [`EventsError::File`], [`EventsError::Store`].
    pub async fn log(&self, tenant: &TenantId, by: &str) -> Result<EventLog, EventsError> {
        if let Some(known) = self.inner.tenants.read().get(tenant) {
            return Ok(known.log.clone());
        }
        let settings = match self.inner.registry(tenant).event_log().await? {
            Some(settings) => settings,
            None => self.write_log(tenant, KEEP_S, false, by).await?,
        };
        self.inner.open(&settings).await
    }

    /// The log of a tenant, when it keeps one.
    #[must_use]
    pub fn open_log(&self, tenant: &TenantId) -> Option<EventLog> {
        self.inner.tenants.read().get(tenant).map(|tenant| tenant.log.clone())
    }

    /// The tables of data history, as they were when they were last written; none that were not since the start.
    #[must_use]
    pub fn history_tables(&self, tenant: &TenantId) -> Vec<HistoryTable> {
        self.inner.histories.read().get(tenant).cloned().unwrap_or_default()
    }

    /// Begins to keep a log, or changes how it is kept.
    ///
    /// # Errors
    /// [`EventsError::Invalid`] for a time to keep outside [`KEEP_S_MIN`] to [`KEEP_S_MAX`].
    pub async fn set_log(
        &self,
        tenant: &TenantId,
        keep_s: u32,
        history: bool,
        by: &str,
    ) -> Result<EventLogSettings, EventsError> {
        if !(KEEP_S_MIN..=KEEP_S_MAX).contains(&keep_s) {
            let rule = format!("must be {KEEP_S_MIN} to {KEEP_S_MAX}");
            return Err(EventsError::invalid("keep_s", rule));
        }
        let settings = self.write_log(tenant, keep_s, history, by).await?;
        self.inner.open(&settings).await?;
        self.changed();
        Ok(settings)
    }

    async fn write_log(
        &self,
        tenant: &TenantId,
        keep_s: u32,
        history: bool,
        by: &str,
    ) -> Result<EventLogSettings, EventsError> {
        let changed_at = self.now();
        let settings = EventLogSettings { tenant: tenant.clone(), keep_s, history, changed_at };
        self.inner.registry(tenant).set_event_log(&settings, by).await?;
        Ok(settings)
    }

    /// Ends the log; what it holds stays on the disk and its numbers go on when it begins again.
    ///
    /// # Errors
    /// [`EventsError::Store`] with a conflict while there are endpoints.
    pub async fn end_log(&self, tenant: &TenantId, by: &str) -> Result<bool, EventsError> {
        let ended = self.inner.registry(tenant).end_event_log(by, self.now()).await?;
        if ended {
            self.inner.close(tenant);
        }
        Ok(ended)
    }

    /// Tells what a twin said; it is in the log when this returns. Nothing is kept for a tenant without a log.
    ///
    /// # Errors
    /// [`EventsError::Stopped`] while the server stops.
    pub async fn telemetry(&self, tenant: &TenantId, telemetry: Telemetry) -> Result<(), EventsError> {
        if self.open_log(tenant).is_none() {
            return Ok(());
        }
        let (reply, there) = oneshot::channel();
        let told = Told { tenant: tenant.clone(), telemetry, reply };
        self.telemetry.send(told).await.map_err(|_| EventsError::Stopped)?;
        there.await.map_err(|_| EventsError::Stopped)
    }

    /// Adds or changes an endpoint, after a webhook has said that it wants events; says whether it is new. One that
    /// exists keeps its place and, where none is given, its secret.
    ///
    /// # Errors
    /// [`EventsError::Invalid`], [`EventsError::Handshake`], [`EventsError::Endpoint`], [`EventsError::NotFound`] for
    /// an endpoint for dead letters, [`EventsError::Store`].
    pub async fn put_endpoint(
        &self,
        tenant: &TenantId,
        name: &str,
        settings: &Json,
        secret: Option<Secret>,
        enabled: bool,
        by: &str,
    ) -> Result<(EventEndpoint, bool), EventsError> {
        let mut settings = Settings::read(settings)?;
        let registry = self.inner.registry(tenant);
        let old = registry.event_endpoint(name).await?;
        if let Some(other) = &settings.dead_letter_endpoint {
            if other == name {
                return Err(EventsError::invalid("dead_letter_endpoint", "must be another endpoint"));
            }
            self.needed(tenant, other).await?;
        }
        let now = self.now();
        let secret_now = secret.clone().or_else(|| old.as_ref()?.secret.clone());
        if let Target::Webhook(webhook) = &mut settings.target {
            let source = self.source(tenant);
            let allowed =
                sink::validate(webhook, secret_now.as_ref(), &self.inner.means, &source, now).await?;
            webhook.calls_a_minute = allowed.calls_a_minute.or(webhook.calls_a_minute);
        }
        let log = self.log(tenant, by).await?;
        let endpoint = EventEndpoint {
            name: name.to_owned(),
            settings: settings.write(),
            secret,
            enabled,
            place: log.head(),
            created_at: now,
            created_by: by.to_owned(),
            changed_at: now,
        };
        let added = registry.put_event_endpoint(&endpoint, by).await?;
        self.changed();
        Ok((self.needed(tenant, name).await?, added))
    }

    async fn needed(&self, tenant: &TenantId, name: &str) -> Result<EventEndpoint, EventsError> {
        let found = self.inner.registry(tenant).event_endpoint(name).await?;
        found.ok_or_else(|| EventsError::NotFound { what: "event endpoint", id: clip(name) })
    }

    /// Removes an endpoint and its dead letters; `false` when there is none.
    ///
    /// # Errors
    /// [`EventsError::Store`] with a conflict while routes lead to it.
    pub async fn remove_endpoint(
        &self,
        tenant: &TenantId,
        name: &str,
        by: &str,
    ) -> Result<bool, EventsError> {
        let removed = self.inner.registry(tenant).remove_event_endpoint(name, by, self.now()).await?;
        if removed {
            let key = (tenant.clone(), name.to_owned());
            self.inner.statuses.write().remove(&key);
            self.inner.dead.write().remove(&key);
            remove_folder(self.inner.folder(tenant).join("dead").join(name)).await?;
            self.changed();
        }
        Ok(removed)
    }

    /// Adds or changes a route and says whether it is new; it takes events from now on. `limit` is how many the tenant
    /// may have.
    ///
    /// # Errors
    /// [`EventsError::Filter`], [`EventsError::Store`]: invalid for its id, not found for its endpoint, limit for one
    /// route too many.
    pub async fn put_route(
        &self,
        tenant: &TenantId,
        (id, endpoint, filter): (&str, &str, &str),
        limit: u64,
        by: &str,
    ) -> Result<bool, EventsError> {
        Filter::parse(filter)?;
        let (now, registry) = (self.now(), self.inner.registry(tenant));
        let route = EventRoute {
            id: id.to_owned(),
            endpoint: endpoint.to_owned(),
            filter: filter.to_owned(),
            since: self.open_log(tenant).map_or(0, |log| log.head()),
            created_at: now,
            created_by: by.to_owned(),
            changed_at: now,
        };
        let added = registry.put_event_route(&route, limit, by).await?;
        self.changed();
        Ok(added)
    }

    /// Removes a route; `false` when there is none.
    ///
    /// # Errors
    /// [`EventsError::Store`].
    pub async fn remove_route(&self, tenant: &TenantId, id: &str, by: &str) -> Result<bool, EventsError> {
        let removed = self.inner.registry(tenant).remove_event_route(id, by, self.now()).await?;
        self.changed();
        Ok(removed)
    }

    /// How an endpoint does, and the bytes of its dead letters.
    #[must_use]
    pub fn status(&self, tenant: &TenantId, endpoint: &EventEndpoint) -> (EndpointStatus, u64) {
        let key = (tenant.clone(), endpoint.name.clone());
        let known = self.inner.statuses.read().get(&key).map(|status| status.lock().clone());
        let mut status = known.unwrap_or_default();
        status.place = status.place.max(endpoint.place);
        (status, self.inner.dead(&key).bytes())
    }

    /// Sends one event to an endpoint, past its routes and its place, in one attempt.
    ///
    /// # Errors
    /// [`EventsError::NotFound`], [`EventsError::Endpoint`] with what the endpoint said.
    pub async fn test(&self, tenant: &TenantId, name: &str) -> Result<(), EventsError> {
        let endpoint = self.needed(tenant, name).await?;
        let event = CloudEvent {
            id: Uuid::now_v7().to_string(),
            source: self.source(tenant),
            kind: TEST_KIND.to_owned(),
            subject: Some(name.to_owned()),
            time: Some(self.now()),
            dataschema: None,
            traceparent: None,
            sequence: 0,
            data: json!({"endpoint": name}),
        };
        self.send(tenant, &endpoint, &event).await
    }

    async fn send(
        &self,
        tenant: &TenantId,
        endpoint: &EventEndpoint,
        event: &CloudEvent,
    ) -> Result<(), EventsError> {
        let timeout_s = Settings::read(&endpoint.settings)?.retry.timeout_s;
        let sink = self.inner.sink(tenant, endpoint)?;
        let sent = worker::attempt(&*sink, event, timeout_s).await;
        sent.map_err(|error| EventsError::Endpoint(error.text))
    }

    /// Dead letters of an endpoint with a number above `after`, at most `limit`.
    ///
    /// # Errors
    /// [`EventsError::NotFound`], [`EventsError::File`].
    pub async fn dead_letters(
        &self,
        tenant: &TenantId,
        name: &str,
        after: u64,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, EventsError> {
        self.needed(tenant, name).await?;
        let dead = self.inner.dead(&(tenant.clone(), name.to_owned()));
        blocking(move || dead.list(after, limit)).await
    }

    /// Sends dead letters again, those with these numbers or else the first 500, in order, until one fails; those that
    /// are taken are no dead letters any more. Answers how many were taken.
    ///
    /// # Errors
    /// [`EventsError::NotFound`]; [`EventsError::Endpoint`] when not even the first is taken.
    pub async fn redeliver(
        &self,
        tenant: &TenantId,
        name: &str,
        numbers: Option<&[u64]>,
    ) -> Result<usize, EventsError> {
        let endpoint = self.needed(tenant, name).await?;
        let mut letters = self.dead_letters(tenant, name, 0, usize::MAX).await?;
        if let Some(numbers) = numbers {
            letters.retain(|letter| numbers.contains(&letter.sequence));
        }
        letters.truncate(REDELIVER_MAX);
        let (mut taken, mut failure) = (Vec::new(), None);
        for letter in &letters {
            match self.send(tenant, &endpoint, &letter.event).await {
                Ok(()) => taken.push(letter.sequence),
                Err(error) => {
                    failure = Some(error);
                    break;
                }
            }
        }
        let count = taken.len();
        let dead = self.inner.dead(&(tenant.clone(), name.to_owned()));
        blocking(move || dead.remove(&taken)).await?;
        match failure {
            Some(error) if count == 0 => Err(error),
            _ => Ok(count),
        }
    }

    fn now(&self) -> Timestamp {
        self.inner.runtime.now()
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, EventsError> + Send + 'static,
) -> Result<T, EventsError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| EventsError::Stopped)?
}

async fn remove_folder(folder: PathBuf) -> Result<(), EventsError> {
    let gone = |folder: &Path| match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(EventsError::file("remove", folder)(error))
        }
        _ => Ok(()),
    };
    blocking(move || gone(&folder)).await
}

fn clip(text: &str) -> String {
    text.chars().take(80).collect()
}

/// All pages of a list that the registry bounds.
pub(crate) async fn all<T, F: Future<Output = Result<voltwin_store::Page<T>, StoreError>>>(
    mut page: impl FnMut(Option<String>) -> F,
) -> Result<Vec<T>, StoreError> {
    let (mut items, mut cursor) = (Vec::new(), None);
    loop {
        let page = page(cursor).await?;
        items.extend(page.items);
        cursor = page.next;
        if cursor.is_none() {
            return Ok(items);
        }
    }
}
