//! A single writer: events of one twin pass through one shard, in order, checked one by one.

use std::collections::HashSet;
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

type Answers = Vec<Option<Result<Receipt, RuntimeError>>>;

pub(crate) async fn run(
    inner: Arc<Inner>,
    mut queue: mpsc::Receiver<Job>,
    commits: mpsc::Sender<Commit>,
    batch: usize,
    cancel: CancellationToken,
) {
    loop {
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
        let mut size = first.tasks.len();
        let mut jobs = vec![first];
        while size < batch {
            let Ok(job) = queue.try_recv() else { break };
            size += job.tasks.len();
            jobs.push(job);
        }
        Batch::new(&inner, &commits).run(jobs).await;
    }
}

/// Events that were checked and wait for their commit, with the place of each answer.
struct Batch<'a> {
    inner: &'a Arc<Inner>,
    commits: &'a mpsc::Sender<Commit>,
    pending: Vec<Event>,
    places: Vec<(usize, usize)>,
    touched: HashSet<(TenantId, TwinId)>,
}

impl<'a> Batch<'a> {
    fn new(inner: &'a Arc<Inner>, commits: &'a mpsc::Sender<Commit>) -> Self {
        Self { inner, commits, pending: Vec::new(), places: Vec::new(), touched: HashSet::new() }
    }

    async fn run(mut self, jobs: Vec<Job>) {
        let mut answers: Vec<Answers> = Vec::with_capacity(jobs.len());
        let mut replies = Vec::with_capacity(jobs.len());
        for (index, job) in jobs.into_iter().enumerate() {
            answers.push(vec![None; job.tasks.len()]);
            replies.push(job.reply);
            for (position, task) in job.tasks.into_iter().enumerate() {
                let place = (index, position);
                match self.admit(task, &job.precondition, &mut answers).await {
                    Ok(Some(event)) => self.wait(event, place),
                    Ok(None) => answers[index][position] = Some(Ok(NOTHING)),
                    Err(error) => answers[index][position] = Some(Err(error)),
                }
            }
        }
        self.flush(&mut answers).await;
        for (reply, answers) in replies.into_iter().zip(answers) {
            let answers = answers.into_iter().map(|answer| answer.unwrap_or(Err(RuntimeError::Stopped)));
            // a submitter that no longer waits has its event recorded all the same
            let _ = reply.send(answers.collect());
        }
    }

    /// Checks one task and answers what is to be recorded. One that depends on a twin whose event still waits sends the
    /// batch off first, so that it is judged by what is really there.
    async fn admit(
        &mut self,
        task: Task,
        precondition: &Precondition,
        answers: &mut [Answers],
    ) -> Result<Option<Event>, RuntimeError> {
        let key = (task.tenant().clone(), task.twin().clone());
        let waits = self.touched.contains(&key);
        let graph = self.inner.graph(task.tenant());
        if waits && (*precondition != Precondition::Any || matches!(task, Task::Decide(_))) {
            self.flush(answers).await;
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
                return found.map(|()| decided);
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
        let mut checked = graph.read().check(&event);
        if checked.is_err() && waits {
            self.flush(answers).await;
            checked = graph.read().check(&event);
        }
        Ok(Some(checked?))
    }

    fn wait(&mut self, event: Event, place: (usize, usize)) {
        self.touched.insert((event.tenant.clone(), event.twin.clone()));
        self.pending.push(event);
        self.places.push(place);
    }

    async fn flush(&mut self, answers: &mut [Answers]) {
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
                for ((job, position), recorded) in places.into_iter().zip(recorded) {
                    answers[job][position] = Some(receipt(recorded));
                }
            }
            Err(error) => {
                for (job, position) in places {
                    answers[job][position] = Some(Err(error.clone()));
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
