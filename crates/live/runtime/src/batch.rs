//! What a shard takes at once: judged one by one, recorded together.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use tokio::sync::{mpsc, oneshot};
use voltwin_core::{Event, EventBody, RelationshipId, Seq, TenantId, TwinId};
use voltwin_graph::{Graph, GraphError};

use crate::committer::{Commit, Recorded};
use crate::shard::{Job, Task, link_of};
use crate::{Inner, Precondition, Receipt, RuntimeError};

type Answers = Vec<Option<Result<Receipt, RuntimeError>>>;
type Key = (TenantId, TwinId);

/// Events that were checked and wait for their commit, with the place of each answer.
pub(crate) struct Batch<'a> {
    inner: &'a Arc<Inner>,
    commits: &'a mpsc::Sender<Commit>,
    pending: Vec<Event>,
    places: Vec<(usize, usize)>,
    touched: Touched,
}

/// What the events that wait will change.
#[derive(Default)]
struct Touched {
    twins: FxHashSet<Key>,
    links: FxHashMap<Key, FxHashSet<RelationshipId>>,
}

impl Touched {
    fn add(&mut self, event: &Event) {
        let key = (event.tenant.clone(), event.twin.clone());
        match link_of(event) {
            Some(link) => drop(self.links.entry(key).or_default().insert(link.clone())),
            None => drop(self.twins.insert(key)),
        }
    }

    /// Whether what a task is about is among it: relationships of one twin do not concern each other.
    fn concerns(&self, key: &Key, link: Option<&RelationshipId>) -> bool {
        let links = self.links.get(key);
        let concerned = match link {
            Some(link) => links.is_some_and(|links| links.contains(link)),
            None => links.is_some(),
        };
        concerned || self.twins.contains(key)
    }

    fn links_of(&self, key: &Key) -> usize {
        self.links.get(key).map_or(0, FxHashSet::len)
    }
}

impl<'a> Batch<'a> {
    pub(crate) fn new(inner: &'a Arc<Inner>, commits: &'a mpsc::Sender<Commit>) -> Self {
        Self { inner, commits, pending: Vec::new(), places: Vec::new(), touched: Touched::default() }
    }

    pub(crate) async fn run(mut self, jobs: Vec<Job>) {
        let mut answers: Vec<Answers> = Vec::with_capacity(jobs.len());
        let mut replies = Vec::with_capacity(jobs.len());
        for (index, job) in jobs.into_iter().enumerate() {
            answers.push(vec![None; job.tasks.len()]);
            replies.push(job.reply);
            for (position, task) in job.tasks.into_iter().enumerate() {
                match self.admit(&task, &job.precondition, &mut answers).await {
                    Ok(Some(event)) => {
                        self.touched.add(&event);
                        self.pending.push(event);
                        self.places.push((index, position));
                    }
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

    /// Judges one task and answers what is to be recorded. One that depends on what still waits sends the batch off
    /// first, so that it is judged by what is really there.
    async fn admit(
        &mut self,
        task: &Task,
        precondition: &Precondition,
        answers: &mut [Answers],
    ) -> Result<Option<Event>, RuntimeError> {
        let key = (task.tenant().clone(), task.twin().clone());
        let waits = self.touched.concerns(&key, task.link());
        let graph = self.inner.graph(task.tenant());
        let by_what_is_there = *precondition != Precondition::Any || matches!(task, Task::Decide(_));
        if waits && by_what_is_there {
            self.flush(answers).await;
        }
        let judged = judge(task, precondition, &graph.read());
        let too_early = match &judged {
            Ok(Some(event)) => self.may_be_full(event, &key, &graph.read()),
            Ok(None) => false,
            Err(error) => (waits && !by_what_is_there) || self.waits_for_target(error, task.tenant()),
        };
        if !too_early {
            return judged;
        }
        self.flush(answers).await;
        judge(task, precondition, &graph.read())
    }

    /// Whether the relationships that wait may leave no room for one more.
    fn may_be_full(&self, event: &Event, key: &Key, graph: &Graph) -> bool {
        let EventBody::Linked { name, .. } = &event.body else { return false };
        let waiting = self.touched.links_of(key);
        waiting > 0 && graph.room_for_links(event.twin.as_str(), name.as_str()) <= waiting
    }

    fn waits_for_target(&self, error: &RuntimeError, tenant: &TenantId) -> bool {
        let RuntimeError::Rejected(error) = error else { return false };
        match &**error {
            GraphError::MissingTarget { target } => {
                self.touched.twins.contains(&(tenant.clone(), target.clone()))
            }
            _ => false,
        }
    }

    async fn flush(&mut self, answers: &mut [Answers]) {
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
