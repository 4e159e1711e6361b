//! Group commit: one journal transaction for all that the shards have ready, then the graph, then the feed.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{mpsc, oneshot};
use voltwin_core::{Event, Seq, Sequenced};
use voltwin_graph::Applied;
use voltwin_store::{Committed, StoreError};

use crate::watch::Watched;
use crate::{Inner, RuntimeError};

pub(crate) struct Commit {
    pub(crate) events: Vec<Event>,
    pub(crate) reply: oneshot::Sender<Result<Vec<Recorded>, RuntimeError>>,
}

/// What became of one event.
pub(crate) enum Recorded {
    /// It has this place in the journal.
    New(Seq),
    /// It was recorded before.
    Duplicate {
        /// The transaction that it belongs to.
        transaction_id: Option<String>,
    },
    /// Somebody decided it, and it changed nothing: another event of the same commit came between.
    Overtaken(&'static str),
}

pub(crate) async fn run(inner: Arc<Inner>, mut queue: mpsc::Receiver<Commit>, batch: usize) {
    // ends when the last shard has gone, so nothing that a shard has accepted is lost
    while let Some(first) = queue.recv().await {
        let mut size = first.events.len();
        let mut group = vec![first];
        while size < batch {
            let Ok(commit) = queue.try_recv() else { break };
            size += commit.events.len();
            group.push(commit);
        }
        commit_group(&inner, group).await;
    }
}

async fn commit_group(inner: &Inner, group: Vec<Commit>) {
    let mut events = Vec::new();
    let mut parts = Vec::with_capacity(group.len());
    for commit in group {
        parts.push((commit.events.len(), commit.reply));
        events.extend(commit.events);
    }
    match commit(inner, &events).await {
        Ok(committed) => {
            inner.set_failing(false);
            let mut recorded = publish(inner, events, committed).into_iter();
            for (length, reply) in parts {
                let _ = reply.send(Ok(recorded.by_ref().take(length).collect()));
            }
        }
        // one bad submission must not fail its neighbours, unless the trouble is the disk's
        Err(error) if parts.len() > 1 && !matches!(error, StoreError::DiskFull) => {
            let mut rest = events.into_iter();
            for (length, reply) in parts {
                let own: Vec<Event> = rest.by_ref().take(length).collect();
                let outcome = commit(inner, &own).await;
                let outcome = outcome.map(|committed| publish(inner, own, committed));
                let _ = reply.send(outcome.map_err(RuntimeError::from));
            }
        }
        Err(error) => {
            inner.set_failing(matches!(error, StoreError::DiskFull));
            tracing::error!(%error, events = events.len(), "could not commit to the journal");
            let error = RuntimeError::from(error);
            for (_, reply) in parts {
                let _ = reply.send(Err(error.clone()));
            }
        }
    }
}

async fn commit(inner: &Inner, events: &[Event]) -> Result<Vec<Committed>, StoreError> {
    let begun = Instant::now();
    let committed = inner.store.journal().commit(events).await;
    metrics::histogram!("voltwin_journal_commit_seconds").record(begun.elapsed().as_secs_f64());
    metrics::histogram!("voltwin_journal_commit_events").record(events.len() as f64);
    if committed.is_err() {
        metrics::counter!("voltwin_journal_commit_failures_total").increment(1);
    }
    committed
}

/// Applies what was recorded to the graphs, in journal order, and shows it to the readers of the feed.
fn publish(inner: &Inner, events: Vec<Event>, committed: Vec<Committed>) -> Vec<Recorded> {
    let mut outcome = Vec::with_capacity(committed.len());
    let mut fresh: Vec<(usize, Arc<Sequenced>)> = Vec::with_capacity(committed.len());
    for (event, committed) in events.into_iter().zip(committed) {
        match committed {
            Committed::New(seq) => {
                fresh.push((outcome.len(), Arc::new(Sequenced { seq, event })));
                outcome.push(Recorded::New(seq));
            }
            Committed::Duplicate { transaction_id } => outcome.push(Recorded::Duplicate { transaction_id }),
        }
    }
    let mut seen = Vec::with_capacity(fresh.len());
    for run in fresh.chunk_by(|(_, a), (_, b)| a.event.tenant == b.event.tenant) {
        let tenant = &run[0].1.event.tenant;
        let (graph, watching) = (inner.graph(tenant), inner.watched.has(tenant));
        let mut graph = graph.write();
        for (place, sequenced) in run {
            let (event, applied) = Watched::fold(sequenced.clone(), &mut graph, watching);
            seen.push(event);
            if let Applied::Inapplicable(reason) = applied
                && sequenced.event.decided
            {
                outcome[*place] = Recorded::Overtaken(reason);
            }
        }
    }
    metrics::counter!("voltwin_events_total").increment(fresh.len() as u64);
    inner.feed.push(seen);
    outcome
}
