//! Twins in motion: shards, group commit, snapshot and replay, and the change feed.
//!
//! # The idea
//! [`Runtime::submit`] takes an [`Event`](voltwin_core::Event) and returns when it is durable. In between, the
//! event passes three hands:
//! 1. its **shard**, a single writer chosen by hash of tenant and twin, which checks it against the model and
//!    against any [`Precondition`];
//! 2. the **committer**, which gathers what all shards have ready into one journal transaction, applies it to the
//!    graph in journal order, and puts it on the feed;
//! 3. every **reader** of the [`Feed`], each with its own place; one that falls behind memory goes on from the
//!    journal.
//!
//! # Invariants
//! - The graph never shows what the journal does not hold: application follows the commit.
//! - Readers see events in journal order, each once, whatever the number of shards.
//! - Every queue is bounded; a full one makes the submitter wait.
//! - What is decided by what stands there ([`Runtime::patch_twin`], say) is decided at its turn in the shard: between
//!   the look and the record, nothing else happens to the twin.
//! - A commit that fails (a full disk, say) fails the submissions in it and nothing else; the runtime goes on.
//! - A tenant whose models or values this release cannot read is shut ([`Runtime::unreadable`]): what is stored of it stays
//!   whole for a release that can, and the other tenants do not notice.
//!
//! # Example
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use voltwin_core::{Event, EventBody, PropertyName, Value};
//! use voltwin_runtime::{Runtime, RuntimeConfig};
//!
//! # let folder = tempfile::tempdir()?;
//! let store = voltwin_store::Store::open(folder.path()).await?;
//! let runtime = Runtime::start(store, RuntimeConfig::default()).await?;
//! let (tenant, twin) = ("demo".parse()?, "Z-1".parse()?);
//! let now = runtime.now();
//! let body = EventBody::Created {
//!     model: "dtmi:voltwin:Zone;1".parse()?,
//!     properties: [(PropertyName::new("name")?, Value::from("Harbour"))].into(),
//! };
//! runtime.submit(Event::new(tenant, twin, now, now, body)).await?;
//! let name = runtime.read(&"demo".parse()?, |graph| graph.twin("Z-1").and_then(|twin| twin.get("name")));
//! assert_eq!(name, Some(Value::from("Harbour")));
//! runtime.stop().await;
//! # Ok(())
//! # }
//! ```

mod clock;
mod committer;
mod documents;
mod error;
mod feed;
mod fold;
mod models;
mod packed;
mod past;
mod processor;
mod shard;
mod snapshot;
mod task;
mod touched;
mod watch;

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Mutex, RwLock};
use tokio::sync::{mpsc, oneshot};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use voltwin_core::{Event, Seq, TenantId, Timestamp};
use voltwin_graph::{Graph, Limits};
use voltwin_ontology::Ontology;
use voltwin_store::Store;

use crate::fold::Faults;
use crate::snapshot::Restored;
use crate::watch::WatchList;
use task::Task;

pub use clock::{Clock, SystemClock};
pub use documents::{Entry, Origin, Written};
pub use error::RuntimeError;
pub use feed::{Feed, FeedReader};
pub use models::ModelRecord;
pub use past::Past;
pub use processor::{Processor, run_processor};
pub use watch::{Finding, WATCH_CURSOR, Watched};

/// What must hold for an event to be taken: of the relationship where the event is of one, else of the twin.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Precondition {
    /// Nothing.
    #[default]
    Any,
    /// It exists and its ETag is this one.
    Match(String),
    /// It does not exist.
    NoneExists,
}

/// That an event is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Its place in the journal; of a duplicate, the place of nothing (0).
    pub seq: Seq,
    /// True when the event had been recorded before and was not recorded again.
    pub duplicate: bool,
    /// Of a duplicate OCPP 1.6 start, the transaction id that the first one got.
    pub transaction_id: Option<String>,
}

/// Sizes and intervals. Every one has a default that suits one node.
#[derive(Clone)]
pub struct RuntimeConfig {
    /// Single writers that check in parallel.
    pub shards: usize,
    /// Submissions that may wait at one shard before submitters wait.
    pub queue: usize,
    /// Events that one commit holds at most.
    pub batch: usize,
    /// Events kept in memory for readers of the feed.
    pub feed: usize,
    /// Events between two snapshots of the graph.
    pub snapshot_every: u64,
    /// Seconds that telemetry stays in the journal, and longer until a snapshot of that age covers it; other events stay
    /// for good. So far back, every moment can be had whole.
    pub telemetry_keep_s: f64,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// The kinds of twin that every tenant has.
    pub ontology: Arc<Ontology>,
    /// How much the graph of a tenant takes.
    pub limits: Limits,
}

impl Default for RuntimeConfig {
    fn default() -> Self {
        Self {
            shards: std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 16),
            queue: 1_024,
            batch: 4_096,
            feed: 65_536,
            snapshot_every: 200_000,
            telemetry_keep_s: 3_600.0,
            clock: Arc::new(SystemClock),
            ontology: Ontology::built_in(),
            limits: Limits::default(),
        }
    }
}

/// The running twins of one installation. Cheap to clone.
#[derive(Clone)]
pub struct Runtime {
    inner: Arc<Inner>,
}

pub(crate) type SharedGraph = Arc<RwLock<Graph>>;

pub(crate) struct Inner {
    pub(crate) store: Store,
    pub(crate) ontology: Arc<Ontology>,
    pub(crate) limits: Limits,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) graphs: RwLock<HashMap<TenantId, SharedGraph>>,
    pub(crate) faults: Faults,
    pub(crate) feed: Feed,
    pub(crate) watched: WatchList,
    pub(crate) pasts: past::Pasts,
    shards: Vec<mpsc::Sender<shard::Job>>,
    failing: AtomicBool,
    stopped: Mutex<Vec<&'static str>>,
    cancel: CancellationToken,
    tasks: TaskTracker,
}

impl Inner {
    pub(crate) fn graph(&self, tenant: &TenantId) -> SharedGraph {
        if let Some(graph) = self.graphs.read().get(tenant) {
            return graph.clone();
        }
        let fresh = || Arc::new(RwLock::new(self.empty_graph()));
        self.graphs.write().entry(tenant.clone()).or_insert_with(fresh).clone()
    }

    pub(crate) fn empty_graph(&self) -> Graph {
        Graph::new(self.ontology.clone()).with_limits(self.limits)
    }

    pub(crate) fn set_failing(&self, failing: bool) {
        self.failing.store(failing, Ordering::Relaxed);
    }
}

impl Runtime {
    /// Rebuilds the graph from the newest good snapshot and the journal after it, then starts to take events.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn start(store: Store, config: RuntimeConfig) -> Result<Self, RuntimeError> {
        let watched = WatchList::default();
        watched.set(store.event_logs().await?.into_iter().map(|log| log.tenant).collect());
        let capacity = config.feed.max(1);
        let restored = snapshot::restore(&store, &config.ontology, config.limits, &watched, capacity).await?;
        let Restored { graphs, faults, head, recent, floor } = restored;
        let cancel = CancellationToken::new();
        let tasks = TaskTracker::new();
        let (commits, commit_queue) = mpsc::channel(config.shards.max(1) * 2);
        let mut shards = Vec::new();
        let mut queues = Vec::new();
        for _ in 0..config.shards.max(1) {
            let (sender, receiver) = mpsc::channel(config.queue.max(1));
            shards.push(sender);
            queues.push(receiver);
        }
        let inner = Arc::new(Inner {
            feed: Feed::new(store.journal(), (floor, head), recent, capacity),
            watched,
            store,
            ontology: config.ontology.clone(),
            limits: config.limits,
            clock: config.clock.clone(),
            graphs: RwLock::new(graphs),
            faults,
            pasts: past::Pasts::default(),
            shards,
            failing: AtomicBool::new(false),
            stopped: Mutex::default(),
            cancel: cancel.clone(),
            tasks: tasks.clone(),
        });
        for queue in queues {
            tasks.spawn(shard::run(
                inner.clone(),
                queue,
                commits.clone(),
                config.batch.max(1),
                cancel.clone(),
            ));
        }
        tasks.spawn(committer::run(inner.clone(), commit_queue, config.batch.max(1)));
        tasks.spawn(snapshot::run(
            inner.clone(),
            config.snapshot_every.max(1),
            config.telemetry_keep_s,
            cancel,
        ));
        tasks.close();
        Ok(Self { inner })
    }

    /// Records one event; durable when this returns.
    ///
    /// # Errors
    /// [`RuntimeError::Rejected`] when the event does not fit the model or the graph, [`RuntimeError::Store`] when
    /// it could not be made durable, [`RuntimeError::Stopped`] while shutting down.
    pub async fn submit(&self, event: Event) -> Result<Receipt, RuntimeError> {
        self.submit_if(event, Precondition::Any).await
    }

    /// Records one event if its precondition holds at its turn.
    ///
    /// # Errors
    /// Those of [`Runtime::submit`], and [`RuntimeError::PreconditionFailed`].
    pub async fn submit_if(&self, event: Event, precondition: Precondition) -> Result<Receipt, RuntimeError> {
        self.run(Task::Record(event), precondition).await
    }

    async fn run(&self, task: Task, precondition: Precondition) -> Result<Receipt, RuntimeError> {
        self.readable(task.tenant())?;
        let shard = self.shard_of(&task);
        let (reply, answer) = oneshot::channel();
        let job = shard::Job { tasks: vec![task], precondition, reply };
        self.inner.shards[shard].send(job).await.map_err(|_| RuntimeError::Stopped)?;
        let mut results = answer.await.map_err(|_| RuntimeError::Stopped)?;
        results.pop().unwrap_or(Err(RuntimeError::Stopped))
    }

    /// Records many events, each judged by itself; the order of events of one twin is kept. The answers stand in
    /// the order of the events, and all that succeeded are durable when this returns.
    pub async fn submit_all(&self, events: Vec<Event>) -> Vec<Result<Receipt, RuntimeError>> {
        self.run_all(events.into_iter().map(Task::Record).collect()).await
    }

    async fn run_all(&self, tasks: Vec<Task>) -> Vec<Result<Receipt, RuntimeError>> {
        let total = tasks.len();
        let mut parts: Vec<(Vec<usize>, Vec<Task>)> = Vec::new();
        parts.resize_with(self.inner.shards.len(), Default::default);
        let mut results: Vec<_> = (0..total).map(|_| Err(RuntimeError::Stopped)).collect();
        for (index, task) in tasks.into_iter().enumerate() {
            if let Err(unreadable) = self.readable(task.tenant()) {
                results[index] = Err(unreadable);
                continue;
            }
            let part = &mut parts[self.shard_of(&task)];
            part.0.push(index);
            part.1.push(task);
        }
        let mut waiting = Vec::new();
        for (shard, (indices, tasks)) in parts.into_iter().enumerate().filter(|(_, part)| !part.0.is_empty())
        {
            let (reply, answer) = oneshot::channel();
            let job = shard::Job { tasks, precondition: Precondition::Any, reply };
            let sent = self.inner.shards[shard].send(job).await.is_ok();
            waiting.push((indices, sent.then_some(answer)));
        }
        for (indices, answer) in waiting {
            let Some(answer) = answer else { continue };
            for (index, result) in indices.into_iter().zip(answer.await.unwrap_or_default()) {
                results[index] = result;
            }
        }
        results
    }

    /// The tenants that this release cannot read, each with what does not fit. Nothing is recorded of them, and their
    /// graphs look empty.
    pub fn unreadable(&self) -> impl Iterator<Item = (&TenantId, &str)> {
        self.inner.faults.iter().map(|(tenant, fault)| (tenant, fault.reason.as_str()))
    }

    /// Whether a tenant can be worked with.
    ///
    /// # Errors
    /// [`RuntimeError::Unreadable`].
    pub fn readable(&self, tenant: &TenantId) -> Result<(), RuntimeError> {
        match self.inner.faults.get(tenant) {
            None => Ok(()),
            Some(fault) => {
                let reason = fault.reason.clone();
                Err(RuntimeError::Unreadable { tenant: tenant.clone(), reason })
            }
        }
    }

    /// Holds the graph of one tenant to limits of its own from now on, or with `None` to those of all. What is there
    /// already stays.
    pub fn hold(&self, tenant: &TenantId, limits: Option<Limits>) {
        if self.readable(tenant).is_err() {
            return;
        }
        let (graph, limits) = (self.inner.graph(tenant), limits.unwrap_or(self.inner.limits));
        if *graph.read().limits() != limits {
            graph.write().hold(limits);
        }
    }

    /// Looks at a tenant's graph; a tenant without twins has an empty one. `look` holds a read lock and must not
    /// block or submit.
    pub fn read<R>(&self, tenant: &TenantId, look: impl FnOnce(&Graph) -> R) -> R {
        let graph = self.inner.graphs.read().get(tenant).cloned();
        match graph {
            Some(graph) => look(&graph.read()),
            None => look(&self.inner.empty_graph()),
        }
    }

    /// A reader of everything recorded after `after`.
    #[must_use]
    pub fn feed(&self, after: Seq) -> FeedReader {
        self.inner.feed.reader(after)
    }

    /// From now on it is looked at what events of these tenants find, and of no others.
    pub fn watch(&self, tenants: HashSet<TenantId>) {
        self.inner.watched.set(tenants);
    }

    /// The place of the newest event that readers can see.
    #[must_use]
    pub fn head(&self) -> Seq {
        self.inner.feed.head()
    }

    /// The present moment by the runtime's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// The store beneath.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// The kinds of twin that every tenant has; all that one tenant has are those of its graph.
    #[must_use]
    pub fn ontology(&self) -> &Arc<Ontology> {
        &self.inner.ontology
    }

    /// True while events can be made durable: not stopping, and the last commit did not fail.
    #[must_use]
    pub fn ready(&self) -> bool {
        !self.inner.cancel.is_cancelled() && !self.inner.failing.load(Ordering::Relaxed)
    }

    /// Processors that have ended although the runtime has not.
    #[must_use]
    pub fn stopped_processors(&self) -> Vec<&'static str> {
        self.inner.stopped.lock().clone()
    }

    pub(crate) fn processor_stopped(&self, name: &'static str) {
        if !self.inner.cancel.is_cancelled() {
            self.inner.stopped.lock().push(name);
        }
    }

    /// Ends when the runtime begins to stop.
    #[must_use]
    pub fn stopping(&self) -> CancellationToken {
        self.inner.cancel.clone()
    }

    /// Ends when everything that was submitted is recorded after the runtime began to stop.
    pub async fn stopped(&self) {
        self.inner.cancel.cancelled().await;
        self.inner.tasks.wait().await;
    }

    /// Commits what was submitted, writes a last snapshot and ends.
    pub async fn stop(&self) {
        self.inner.cancel.cancel();
        self.inner.tasks.wait().await;
    }

    fn shard_of(&self, task: &Task) -> usize {
        let mut hasher = DefaultHasher::new();
        (task.tenant().as_str(), task.twin().as_str()).hash(&mut hasher);
        (hasher.finish() % self.inner.shards.len() as u64) as usize
    }
}
