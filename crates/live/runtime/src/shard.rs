//! A single writer: events of one twin pass through one shard, in order, checked one by one.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use voltwin_core::{Event, EventBody, RelationshipId, Seq, TenantId, TwinId};
use voltwin_graph::Graph;

use crate::committer::{Commit, Recorded};
use crate::{Inner, Precondition, Receipt, RuntimeError};

pub(crate) struct Job {
    pub(crate) tasks: Vec<Task>,
    pub(crate) precondition: Precondition,
    pub(crate) reply: oneshot::Sender<Vec<Result<Receipt, RuntimeError>>>,
}

/// What a shard has to do for one twin.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all of them are events, which would only move to the heap"
)]
pub(crate) enum Task {
    /// To check and record an event.
    Record(Event),
    /// To find out at its turn what is to be recorded.
    Decide(Decision),
}

/// Answers a checked event, or `None` where there is nothing to do.
type Decide = Box<dyn FnOnce(&Graph) -> Result<Option<Event>, RuntimeError> + Send>;

/// What happens to a twin depends on what the twin is when its turn comes.
pub(crate) struct Decision {
    pub(crate) tenant: TenantId,
    pub(crate) twin: TwinId,
    /// The relationship that it is about, where it is about one.
    pub(crate) link: Option<RelationshipId>,
    pub(crate) decide: Decide,
}

impl Task {
    pub(crate) fn tenant(&self) -> &TenantId {
        match self {
            Self::Record(event) => &event.tenant,
            Self::Decide(decision) => &decision.tenant,
        }
    }

    pub(crate) fn twin(&self) -> &TwinId {
        match self {
            Self::Record(event) => &event.twin,
            Self::Decide(decision) => &decision.twin,
        }
    }
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
/// commits as one of them, and a twin that many write holds nobody up but them.
struct Shard<'a> {
    inner: &'a Arc<Inner>,
    commits: &'a mpsc::Sender<Commit>,
    open: HashMap<u64, Open>,
    next: u64,
    /// Tasks for the next round, in their order.
    waiting: Vec<(Place, Task)>,
    /// Events of this round that were checked, with the place of each answer.
    pending: Vec<Event>,
    places: Vec<Place>,
    touched: HashSet<(TenantId, TwinId)>,
}

impl<'a> Shard<'a> {
    fn new(inner: &'a Arc<Inner>, commits: &'a mpsc::Sender<Commit>) -> Self {
        Self {
            inner,
            commits,
            open: HashMap::new(),
            next: 0,
            waiting: Vec::new(),
            pending: Vec::new(),
            places: Vec::new(),
            touched: HashSet::new(),
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
        let mut held = HashSet::new();
        for (place, task) in std::mem::take(&mut self.waiting) {
            let key = (task.tenant().clone(), task.twin().clone());
            let admitted = if held.contains(&key) {
                Admitted::Later(task)
            } else {
                self.admit(place.0, task).unwrap_or_else(Admitted::Refused)
            };
            match admitted {
                Admitted::Event(event) => {
                    self.touched.insert(key);
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

    /// Checks one task against what is there.
    fn admit(&self, number: u64, task: Task) -> Result<Admitted, RuntimeError> {
        let precondition = self.open.get(&number).map_or(&Precondition::Any, |open| &open.precondition);
        let waits = self.touched.contains(&(task.tenant().clone(), task.twin().clone()));
        let graph = self.inner.graph(task.tenant());
        if waits && (*precondition != Precondition::Any || matches!(task, Task::Decide(_))) {
            return Ok(Admitted::Later(task));
        }
        let event = match task {
            Task::Decide(decision) => {
                let graph = graph.read();
                let found = check(precondition, &graph, &decision.twin, decision.link.as_ref());
                // Nothing there is told apart from something else there, as the decision itself finds it missing.
                let missing =
                    matches!(&found, Err(RuntimeError::PreconditionFailed { found, .. }) if found == ABSENT);
                if !missing {
                    found.clone()?;
                }
                let decided = (decision.decide)(&graph)?;
                return found.map(|()| decided.map_or(Admitted::Nothing, Admitted::Event));
            }
            Task::Record(event) => event,
        };
        if *precondition != Precondition::Any {
            let link = match &event.body {
                EventBody::Linked { id, .. } | EventBody::Unlinked { id } => Some(id),
                _ => None,
            };
            check(precondition, &graph.read(), &event.twin, link)?;
        }
        let checked = graph.read().check(&event);
        match checked {
            Ok(event) => Ok(Admitted::Event(event)),
            Err(_) if waits => Ok(Admitted::Later(Task::Record(event))),
            Err(error) => Err(error.into()),
        }
    }

    async fn commit(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        self.touched.clear();
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
