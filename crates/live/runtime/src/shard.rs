//! A single writer: events of one twin pass through one shard, in order, checked one by one.

use std::collections::hash_map::Entry;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use voltwin_core::{Event, EventBody, RelationshipId, Seq, TenantId, TwinId};
use voltwin_graph::{Graph, GraphError};

use crate::committer::{Commit, Recorded};
use crate::task::Task;
use crate::touched::Touched;
use crate::{Inner, Precondition, Receipt, RuntimeError};

pub(crate) struct Job {
    pub(crate) tasks: Vec<Task>,
    pub(crate) precondition: Precondition,
    pub(crate) reply: oneshot::Sender<Vec<Result<Receipt, RuntimeError>>>,
}

/// A submission whose tasks are not all answered.
struct Open {
    precondition: Precondition,
    answers: Vec<Option<Result<Receipt, RuntimeError>>>,
    missing: usize,
    reply: oneshot::Sender<Vec<Result<Receipt, RuntimeError>>>,
}

/// The number of the submission, and the place of the task in it.
type Place = (u64, usize);

/// What becomes of a task at its turn.
enum Admitted {
    Event(Event),
    Nothing,
    Refused(RuntimeError),
    /// It depends on an event of the same twin that waits for its commit.
    Later(Task),
}

pub(crate) async fn run(
    inner: Arc<Inner>,
    mut queue: mpsc::Receiver<Job>,
    commits: mpsc::Sender<Commit>,
    batch: usize,
    cancel: CancellationToken,
) {
    let mut shard = Shard::new(&inner, &commits);
    loop {
        if shard.waiting.is_empty() {
            let first = tokio::select! {
                biased;
                job = queue.recv() => job,
                () = cancel.cancelled() => {
                    // what was submitted before the stop is still recorded
                    queue.close();
                    queue.recv().await
                }
            };
            let Some(first) = first else { return };
            shard.take(first);
        }
        while shard.waiting.len() < batch {
            let Ok(job) = queue.try_recv() else { break };
            shard.take(job);
        }
        shard.round().await;
    }
}

/// Works in rounds of one commit each. A task that has to see what another has done to its twin waits for the next round,
/// and so does what comes after it for this twin: a hundred submissions whose tasks build on one another cost as many
/// commits as one of them, and a twin that many write holds nobody up but them until as many wait for it as a batch holds.
struct Shard<'a> {
    inner: &'a Arc<Inner>,
    commits: &'a mpsc::Sender<Commit>,
    open: FxHashMap<u64, Open>,
    next: u64,
    /// Tasks for the next round, in their order.
    waiting: Vec<(Place, Task)>,
    /// Events of this round that were checked, with the place of each answer.
    pending: Vec<Event>,
    places: Vec<Place>,
    touched: Touched,
}

impl<'a> Shard<'a> {
    fn new(inner: &'a Arc<Inner>, commits: &'a mpsc::Sender<Commit>) -> Self {
        Self {
            inner,
            commits,
            open: FxHashMap::default(),
            next: 0,
            waiting: Vec::new(),
            pending: Vec::new(),
            places: Vec::new(),
            touched: Touched::default(),
        }
    }

    fn take(&mut self, job: Job) {
        let missing = job.tasks.len();
        if missing == 0 {
            let _ = job.reply.send(Vec::new());
            return;
        }
        let number = self.next;
        self.next += 1;
        self.waiting.extend(job.tasks.into_iter().enumerate().map(|(place, task)| ((number, place), task)));
        let answers = vec![None; missing];
        self.open.insert(number, Open { precondition: job.precondition, answers, missing, reply: job.reply });
    }

    /// Judges what can be judged now, and makes it durable.
    async fn round(&mut self) {
        let mut held = FxHashSet::default();
        for (place, task) in std::mem::take(&mut self.waiting) {
            let key = (task.tenant().clone(), task.twin().clone());
            let admitted = if held.contains(&key) {
                Admitted::Later(task)
            } else {
                self.admit(place.0, task).unwrap_or_else(Admitted::Refused)
            };
            match admitted {
                Admitted::Event(event) => {
                    self.touched.add(&event);
                    self.pending.push(event);
                    self.places.push(place);
                }
                Admitted::Nothing => self.answer(place, Ok(NOTHING)),
                Admitted::Refused(error) => self.answer(place, Err(error)),
                Admitted::Later(task) => {
                    held.insert(key);
                    self.waiting.push((place, task));
                }
            }
        }
        self.commit().await;
    }

    /// Answers one task, and its submission once it was the last.
    fn answer(&mut self, (number, place): Place, answer: Result<Receipt, RuntimeError>) {
        let Entry::Occupied(mut open) = self.open.entry(number) else { return };
        open.get_mut().answers[place] = Some(answer);
        open.get_mut().missing -= 1;
        if open.get().missing == 0 {
            let open = open.remove();
            let answers = open.answers.into_iter().map(|answer| answer.unwrap_or(Err(RuntimeError::Stopped)));
            // a submitter that no longer waits has its event recorded all the same
            let _ = open.reply.send(answers.collect());
        }
    }

    /// Judges one task by what is there.
    fn admit(&self, number: u64, task: Task) -> Result<Admitted, RuntimeError> {
        let precondition = self.open.get(&number).map_or(&Precondition::Any, |open| &open.precondition);
        let key = (task.tenant().clone(), task.twin().clone());
        let waits = self.touched.concerns(&key, task.link());
        let by_what_is_there = *precondition != Precondition::Any || matches!(task, Task::Decide(_));
        if waits && by_what_is_there {
            return Ok(Admitted::Later(task));
        }
        let graph = self.inner.graph(task.tenant());
        let graph = graph.read();
        match judge(&task, precondition, &graph) {
            Ok(Some(event)) if self.may_be_full(&event, &key, &graph) => Ok(Admitted::Later(task)),
            Ok(Some(event)) => Ok(Admitted::Event(event)),
            Ok(None) => Ok(Admitted::Nothing),
            Err(_) if waits => Ok(Admitted::Later(task)),
            Err(error) if self.waits_for_target(&error, task.tenant()) => Ok(Admitted::Later(task)),
            Err(error) => Err(error),
        }
    }

    /// Whether the relationships that wait may leave no room for one more.
    fn may_be_full(&self, event: &Event, key: &(TenantId, TwinId), graph: &Graph) -> bool {
        let EventBody::Linked { name, .. } = &event.body else { return false };
        let waiting = self.touched.links_of(key);
        waiting > 0 && graph.room_for_links(event.twin.as_str(), name.as_str()) <= waiting
    }

    fn waits_for_target(&self, error: &RuntimeError, tenant: &TenantId) -> bool {
        let RuntimeError::Rejected(error) = error else { return false };
        match &**error {
            GraphError::MissingTarget { target } => self.touched.twin(&(tenant.clone(), target.clone())),
            _ => false,
        }
    }

    async fn commit(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        self.touched = Touched::default();
        let (reply, answer) = oneshot::channel();
        let commit = Commit { events: std::mem::take(&mut self.pending), reply };
        let outcome = match self.commits.send(commit).await {
            Ok(()) => answer.await.unwrap_or(Err(RuntimeError::Stopped)),
            Err(_) => Err(RuntimeError::Stopped),
        };
        let places = std::mem::take(&mut self.places);
        match outcome {
            Ok(recorded) => {
                for (place, recorded) in places.into_iter().zip(recorded) {
                    self.answer(place, receipt(recorded));
                }
            }
            Err(error) => {
                for place in places {
                    self.answer(place, Err(error.clone()));
                }
            }
        }
    }
}

/// Judges a task by its precondition and by the graph.
fn judge(task: &Task, precondition: &Precondition, graph: &Graph) -> Result<Option<Event>, RuntimeError> {
    let expected = check(precondition, graph, task.twin(), task.link());
    // Where nothing is there, what is asked for says best what is missing.
    let missing = matches!(&expected, Err(RuntimeError::PreconditionFailed { found, .. }) if found == ABSENT);
    if !missing {
        expected.clone()?;
    }
    let judged = task.judge(graph)?;
    expected.map(|()| judged)
}

/// The receipt of what did not have to be recorded.
const NOTHING: Receipt = Receipt { seq: Seq(0), duplicate: false, transaction_id: None };
const ABSENT: &str = "nothing";

fn receipt(recorded: Recorded) -> Result<Receipt, RuntimeError> {
    match recorded {
        Recorded::New(seq) => Ok(Receipt { seq, duplicate: false, transaction_id: None }),
        Recorded::Duplicate { transaction_id } => {
            Ok(Receipt { seq: Seq(0), duplicate: true, transaction_id })
        }
        Recorded::Overtaken(reason) => Err(RuntimeError::Overtaken { reason }),
    }
}

fn check(
    precondition: &Precondition,
    graph: &Graph,
    twin: &TwinId,
    link: Option<&RelationshipId>,
) -> Result<(), RuntimeError> {
    if *precondition == Precondition::Any {
        return Ok(());
    }
    let found = graph.twin(twin.as_str());
    let etag = match link {
        Some(id) => found.and_then(|twin| twin.link(id.as_str())).map(|link| link.etag()),
        None => found.map(|twin| twin.etag()),
    };
    let failed = |expected: &str| RuntimeError::PreconditionFailed {
        what: link.map_or_else(|| twin.to_string(), |link| format!("{twin}/{link}")),
        expected: expected.to_owned(),
        found: etag.clone().unwrap_or_else(|| ABSENT.to_owned()),
    };
    match precondition {
        Precondition::NoneExists if etag.is_some() => Err(failed(ABSENT)),
        Precondition::Match(expected) if etag.as_ref() != Some(expected) => Err(failed(expected)),
        _ => Ok(()),
    }
}
