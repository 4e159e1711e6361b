//! The graph on disk: written now and then, read at start, so that a start need not replay the whole journal.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::RwLock;
use tokio_util::sync::CancellationToken;
use voltwin_core::{Seq, TenantId};
use voltwin_graph::Graph;
use voltwin_ontology::Ontology;
use voltwin_store::Store;

use crate::watch::{WATCH_CURSOR, WatchList, Watched};
use crate::{Inner, RuntimeError, SharedGraph};

const REPLAY_BATCH: usize = 4_096;

/// The graphs as they were, and the newest events with what they found.
pub(crate) struct Restored {
    pub(crate) graphs: HashMap<TenantId, SharedGraph>,
    pub(crate) head: Seq,
    /// Everything after `floor`, of which the reader of watched events has not seen all.
    pub(crate) recent: VecDeque<Watched>,
    pub(crate) floor: Seq,
}

/// Rebuilds the graphs. At most `keep` events are kept of those that the reader of watched events has not seen.
pub(crate) async fn restore(
    store: &Store,
    ontology: &Arc<Ontology>,
    watched: &WatchList,
    keep: usize,
) -> Result<Restored, RuntimeError> {
    let begun = Instant::now();
    let mut graphs: HashMap<TenantId, Graph> = HashMap::new();
    let mut place = Seq(0);
    if let Some((seq, bytes)) = store.load_snapshot().await? {
        match unpack(&bytes, ontology) {
            Ok(unpacked) => (graphs, place) = (unpacked, seq),
            // an ontology that changed its mind about a property, say; telemetry older than the journal is lost
            Err(reason) => {
                tracing::warn!(%seq, reason, "the snapshot does not fit; replaying the whole journal");
            }
        }
    }
    let (journal, from) = (store.journal(), place);
    let mut recent = VecDeque::new();
    let mut floor = store.cursor(WATCH_CURSOR).await?.map(|seen| seen.max(place));
    loop {
        let batch = journal.read_after(place, REPLAY_BATCH).await?;
        let Some(last) = batch.last() else { break };
        place = last.seq;
        for sequenced in batch {
            let tenant = &sequenced.event.tenant;
            let graph = graphs.entry(tenant.clone()).or_insert_with(|| Graph::new(ontology.clone()));
            let unseen = floor.is_some_and(|floor| floor < sequenced.seq);
            let watched = unseen && watched.has(tenant);
            let event = Watched::fold(Arc::new(sequenced), graph, watched);
            if unseen {
                recent.push_back(event);
            }
            if recent.len() > keep {
                floor = recent.pop_front().map(|event| event.sequenced.seq);
            }
        }
    }
    let head = journal.head().await?.max(place);
    let twins: usize = graphs.values().map(Graph::len).sum();
    let took_ms = begun.elapsed().as_millis() as u64;
    tracing::info!(twins, snapshot = from.0, replayed = head.0 - from.0, took_ms, "graph restored");
    let shared = |(tenant, graph)| (tenant, Arc::new(RwLock::new(graph)));
    let graphs = graphs.into_iter().map(shared).collect();
    let floor = floor.filter(|_| !recent.is_empty()).unwrap_or(head);
    Ok(Restored { graphs, head, recent, floor })
}

/// Writes a snapshot each `every` events and at the end, and then prunes telemetry that it covers.
pub(crate) async fn run(inner: Arc<Inner>, every: u64, keep_s: f64, cancel: CancellationToken) {
    let mut last = inner.feed.head();
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    loop {
        let ending = tokio::select! {
            () = cancel.cancelled() => true,
            _ = tick.tick() => false,
        };
        let head = inner.feed.head();
        if head > last && (ending || head.0 - last.0 >= every) {
            match write(&inner).await {
                Ok(seq) => {
                    last = seq;
                    prune(&inner, seq, keep_s).await;
                }
                Err(error) => tracing::error!(%error, "could not write a snapshot of the graph"),
            }
        }
        if ending {
            return;
        }
    }
}

async fn write(inner: &Arc<Inner>) -> Result<Seq, RuntimeError> {
    // every event up to here is applied; later ones that slip in are applied again harmlessly at a restart
    let seq = inner.feed.head();
    let graphs: Vec<(TenantId, SharedGraph)> =
        inner.graphs.read().iter().map(|(tenant, graph)| (tenant.clone(), graph.clone())).collect();
    let packed =
        tokio::task::spawn_blocking(move || pack(&graphs)).await.map_err(|_| RuntimeError::Stopped)?;
    inner.store.save_snapshot(seq, packed).await?;
    Ok(seq)
}

async fn prune(inner: &Inner, seq: Seq, keep_s: f64) {
    let before = inner.clock.now().plus_seconds(-keep_s);
    match inner.store.journal().prune_telemetry(seq, before).await {
        Ok(0) => {}
        Ok(rows) => tracing::info!(rows, "pruned telemetry from the journal"),
        Err(error) => tracing::warn!(%error, "could not prune the journal"),
    }
}

fn pack(graphs: &[(TenantId, SharedGraph)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (tenant, graph) in graphs {
        let graph = graph.read().snapshot_bytes();
        bytes.extend_from_slice(&(tenant.as_str().len() as u64).to_le_bytes());
        bytes.extend_from_slice(tenant.as_str().as_bytes());
        bytes.extend_from_slice(&(graph.len() as u64).to_le_bytes());
        bytes.extend_from_slice(&graph);
    }
    bytes
}

fn unpack(mut bytes: &[u8], ontology: &Arc<Ontology>) -> Result<HashMap<TenantId, Graph>, String> {
    fn part<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8], String> {
        let cut = || "it is cut short".to_owned();
        let (length, rest) = bytes.split_first_chunk::<8>().ok_or_else(cut)?;
        let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| cut())?;
        let (part, rest) = rest.split_at_checked(length).ok_or_else(cut)?;
        *bytes = rest;
        Ok(part)
    }
    let mut graphs = HashMap::new();
    while !bytes.is_empty() {
        let tenant = std::str::from_utf8(part(&mut bytes)?).map_err(|e| e.to_string())?;
        let tenant = TenantId::new(tenant).map_err(|e| e.to_string())?;
        let graph = Graph::from_snapshot(ontology.clone(), part(&mut bytes)?).map_err(|e| e.to_string())?;
        graphs.insert(tenant, graph);
    }
    Ok(graphs)
}
