//! A single writer: events of one twin pass through one shard, in order, checked one by one.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use voltwin_core::{Event, EventBody, RelationshipId, TenantId, TwinId};
use voltwin_graph::Graph;

use crate::batch::Batch;
use crate::committer::Commit;
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
type Decide = Box<dyn Fn(&Graph) -> Result<Option<Event>, RuntimeError> + Send + Sync>;

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

    /// The relationship that it is about, where it is about one and not about the twin.
    pub(crate) fn link(&self) -> Option<&RelationshipId> {
        match self {
            Self::Record(event) => link_of(event),
            Self::Decide(decision) => decision.link.as_ref(),
        }
    }

    /// Judges it by the graph and answers the checked event, or `None` where there is nothing to record.
    pub(crate) fn judge(&self, graph: &Graph) -> Result<Option<Event>, RuntimeError> {
        match self {
            Self::Record(event) => Ok(Some(graph.check(event)?)),
            Self::Decide(decision) => (decision.decide)(graph),
        }
    }
}

/// The relationship that an event is about.
pub(crate) fn link_of(event: &Event) -> Option<&RelationshipId> {
    match &event.body {
        EventBody::Linked { id, .. } | EventBody::Unlinked { id } => Some(id),
        _ => None,
    }
}

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
