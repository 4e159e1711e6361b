//! The graph of a tenant as it was: folded from the newest snapshot before that moment and the journal after it.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use voltwin_core::{Seq, TenantId, Timestamp};
use voltwin_graph::Graph;

use crate::packed::{Part, unpack_one};
use crate::{Runtime, RuntimeError};

/// Graphs of the past that are remembered, whosever they are.
const REMEMBERED: usize = 4;
/// Events read from the journal at a time.
const BATCH: usize = 10_000;
/// Events come into the journal in the order of their arrival, but for what waited in a queue meanwhile.
const DISORDER_S: f64 = 60.0;

/// The graph of a tenant at a moment.
#[derive(Debug, Clone)]
pub struct Past {
    /// Everything that had been received by then.
    pub graph: Arc<Graph>,
    /// Whether nothing is missing. Of moments before telemetry was removed from the journal, values of patches are those
    /// of the snapshot before.
    pub whole: bool,
}

/// Past graphs, the one asked for last at the end.
#[derive(Default)]
pub(crate) struct Pasts {
    remembered: Mutex<VecDeque<(TenantId, Timestamp, Past)>>,
    /// One is folded at a time, so that memory is bounded.
    turn: tokio::sync::Mutex<()>,
}

impl Pasts {
    fn find(&self, tenant: &TenantId, at: Timestamp) -> Option<Past> {
        let mut remembered = self.remembered.lock();
        let found = remembered.iter().position(|(owner, moment, _)| owner == tenant && *moment == at)?;
        let entry = remembered.remove(found)?;
        let past = entry.2.clone();
        remembered.push_back(entry);
        Some(past)
    }

    fn remember(&self, tenant: &TenantId, at: Timestamp, past: &Past) {
        let mut remembered = self.remembered.lock();
        if remembered.len() >= REMEMBERED {
            remembered.pop_front();
        }
        remembered.push_back((tenant.clone(), at, past.clone()));
    }
}

impl Runtime {
    /// The graph of a tenant as it was at a moment. A few of them are remembered; others are folded one at a time.
    ///
    /// # Errors
    /// [`RuntimeError::NotYet`], [`RuntimeError::Store`].
    pub async fn as_of(&self, tenant: &TenantId, at: Timestamp) -> Result<Past, RuntimeError> {
        let now = self.now();
        if at > now {
            return Err(RuntimeError::NotYet { asked: at, now });
        }
        self.readable(tenant)?;
        let pasts = &self.inner.pasts;
        if let Some(past) = pasts.find(tenant, at) {
            return Ok(past);
        }
        let _turn = pasts.turn.lock().await;
        if let Some(past) = pasts.find(tenant, at) {
            return Ok(past);
        }
        let past = self.fold_until(tenant, at).await?;
        // What has only just happened may still be on its way into the journal.
        if now.seconds_since(at) > DISORDER_S {
            pasts.remember(tenant, at, &past);
        }
        Ok(past)
    }

    async fn fold_until(&self, tenant: &TenantId, at: Timestamp) -> Result<Past, RuntimeError> {
        let journal = self.store().journal();
        let (mut graph, from) = self.base(tenant, at).await?;
        let whole = journal.pruned().await? <= from;
        let (mut place, mut beyond) = (from, false);
        while !beyond {
            let batch = journal.read_tenant_after(tenant, place, BATCH).await?;
            let Some(last) = batch.last() else { break };
            place = last.seq;
            for sequenced in &batch {
                if sequenced.event.received <= at {
                    graph.apply(&sequenced.event, sequenced.seq);
                }
                beyond |= sequenced.event.received.seconds_since(at) > DISORDER_S;
            }
        }
        Ok(Past { graph: Arc::new(graph), whole })
    }

    /// The newest snapshot of before a moment, and the place in the journal after which events must be folded in.
    async fn base(&self, tenant: &TenantId, at: Timestamp) -> Result<(Graph, Seq), RuntimeError> {
        let store = self.store();
        for info in store.snapshots().await? {
            if info.taken.is_none_or(|taken| taken > at) {
                continue;
            }
            let Some(bytes) = store.load_snapshot(info.seq).await? else { continue };
            let (owner, ontology) = (tenant.clone(), self.inner.ontology.clone());
            let unpack = move || unpack_one(&bytes, &owner, &ontology);
            match tokio::task::spawn_blocking(unpack).await.map_err(|_| RuntimeError::Stopped)? {
                Ok(None) => return Ok((self.inner.empty_graph(), info.seq)),
                Ok(Some(Part::Graph(graph))) => return Ok((*graph, info.seq)),
                Ok(Some(Part::LeftOut)) => {}
                Ok(Some(Part::Unreadable(reason))) | Err(reason) => {
                    tracing::warn!(seq = %info.seq, reason, "passing over a snapshot that does not fit");
                }
            }
        }
        Ok((self.inner.empty_graph(), Seq(0)))
    }
}
