//! The graph on disk: written now and then, read at start, so that a start need not replay the whole journal.
//!
//! Some older snapshots stay, from which the past is folded: the newest that telemetry is kept behind, a few after it,
//! and one a day for a week. Telemetry is removed from the journal up to the first of these, so that every moment
//! since then can be had whole.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::RwLock;
use tokio_util::sync::CancellationToken;
use voltwin_core::{Seq, TenantId, Timestamp};
use voltwin_graph::{Graph, Limits};
use voltwin_ontology::Ontology;
use voltwin_store::{SnapshotInfo, Store};

use crate::fold::{Faults, Folded, fold};
use crate::packed::pack;
use crate::watch::{WatchList, Watched};
use crate::{Inner, RuntimeError, SharedGraph};

/// From this many twins on, a snapshot is folded beside the live graphs. Below, it is made of them, which holds writers
/// up for a moment.
const FOLDED_FROM: usize = 50_000;

/// The graphs as they were, and the newest events with what they found.
pub(crate) struct Restored {
    pub(crate) graphs: HashMap<TenantId, SharedGraph>,
    pub(crate) faults: Faults,
    pub(crate) head: Seq,
    /// Everything after `floor`, of which the reader of watched events has not seen all.
    pub(crate) recent: VecDeque<Watched>,
    pub(crate) floor: Seq,
}

/// Rebuilds the graphs. At most `keep` events are kept of those that the reader of watched events has not seen.
pub(crate) async fn restore(
    store: &Store,
    ontology: &Arc<Ontology>,
    limits: Limits,
    watched: &WatchList,
    keep: usize,
) -> Result<Restored, RuntimeError> {
    let begun = Instant::now();
    let Folded { graphs, faults, from, head, recent, floor } =
        fold(store, ontology, Some((watched, keep))).await?;
    let twins: usize = graphs.values().map(Graph::len).sum();
    let took_ms = begun.elapsed().as_millis() as u64;
    tracing::info!(twins, snapshot = from.0, replayed = head.0 - from.0, took_ms, "graph restored");
    for (tenant, fault) in &faults {
        tracing::error!(%tenant, reason = fault.reason, "a tenant cannot be read; its data stays as it is");
    }
    let shared =
        |(tenant, graph): (TenantId, Graph)| (tenant, Arc::new(RwLock::new(graph.with_limits(limits))));
    Ok(Restored { graphs: graphs.into_iter().map(shared).collect(), faults, head, recent, floor })
}

/// Writes a snapshot each `every` events and at the end, and then prunes telemetry that it covers. A large graph has
/// one after half as many events as it has twins: a snapshot costs in proportion to its size, and a graph that grows
/// must not be folded all the time.
pub(crate) async fn run(inner: Arc<Inner>, every: u64, keep_s: f64, cancel: CancellationToken) {
    let mut last = inner.feed.head();
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    loop {
        let ending = tokio::select! {
            () = cancel.cancelled() => true,
            _ = tick.tick() => false,
        };
        let head = inner.feed.head();
        let due = || head.0 - last.0 >= every.max(twins(&graphs(&inner)) as u64 / 2);
        if head > last && (ending || due()) {
            let written = tokio::select! {
                written = write(&inner, ending) => written,
                // the last one, of the live graphs, takes its place
                () = cancel.cancelled(), if !ending => continue,
            };
            match written {
                Ok((seq, pinned)) => {
                    last = seq;
                    if let Err(error) = tidy(&inner, keep_s, &pinned).await {
                        tracing::warn!(%error, "could not tidy snapshots and journal");
                    }
                }
                Err(error) => tracing::error!(%error, "could not write a snapshot of the graph"),
            }
        }
        if ending {
            return;
        }
    }
}

fn graphs(inner: &Inner) -> Vec<(TenantId, SharedGraph)> {
    inner.graphs.read().iter().map(|(tenant, graph)| (tenant.clone(), graph.clone())).collect()
}

fn twins(graphs: &[(TenantId, SharedGraph)]) -> usize {
    graphs.iter().map(|(_, graph)| graph.read().len()).sum()
}

/// Writes one, without the tenants that cannot be read. Says its place, and those of the snapshots that they need.
async fn write(inner: &Arc<Inner>, ending: bool) -> Result<(Seq, BTreeSet<Seq>), RuntimeError> {
    // every event up to here is applied; later ones that slip in are applied again harmlessly at a restart
    let seq = inner.feed.head();
    let graphs = graphs(inner);
    let mut pinned = pins(&inner.faults);
    let (seq, packed) = if twins(&graphs) < FOLDED_FROM || ending {
        let out: Vec<TenantId> = inner.faults.keys().cloned().collect();
        let live =
            move || pack(graphs.iter().map(|(tenant, graph)| (tenant, graph.read().snapshot_bytes())), &out);
        (seq, tokio::task::spawn_blocking(live).await)
    } else {
        let Folded { graphs, faults, head, .. } = fold(&inner.store, &inner.ontology, None).await?;
        pinned.extend(pins(&faults));
        let out: Vec<TenantId> = faults.into_keys().collect();
        let folded =
            move || pack(graphs.iter().map(|(tenant, graph)| (tenant, graph.snapshot_bytes())), &out);
        (head, tokio::task::spawn_blocking(folded).await)
    };
    let info = SnapshotInfo { seq, taken: Some(inner.clock.now()) };
    inner.store.save_snapshot(info, packed.map_err(|_| RuntimeError::Stopped)?).await?;
    Ok((seq, pinned))
}

fn pins(faults: &Faults) -> BTreeSet<Seq> {
    faults.values().map(|fault| fault.base).collect()
}

/// Removes the snapshots that nobody needs, and the telemetry that is older than what is kept. Those that are `pinned`
/// stay with all telemetry after them.
async fn tidy(inner: &Inner, keep_s: f64, pinned: &BTreeSet<Seq>) -> Result<(), RuntimeError> {
    let now = inner.clock.now();
    let kept = Kept::of(&inner.store.snapshots().await?, now, keep_s);
    for seq in kept.useless.into_iter().filter(|seq| !pinned.contains(seq)) {
        inner.store.remove_snapshot(seq).await?;
    }
    let covered = kept.anchor.map(|anchor| pinned.first().map_or(anchor, |first| anchor.min(*first)));
    if let Some(covered) = covered.filter(|covered| *covered > Seq(0)) {
        let rows = inner.store.journal().prune_telemetry(covered, now.plus_seconds(-keep_s)).await?;
        if rows > 0 {
            tracing::info!(rows, "pruned telemetry from the journal");
        }
    }
    Ok(())
}

/// Snapshots that stay whatever their age: the second serves where the first is damaged.
const NEWEST_KEPT: usize = 2;
/// Snapshots between the newest and the one that telemetry is kept behind.
const BETWEEN_KEPT: f64 = 4.0;
const DAY_S: f64 = 86_400.0;
const DAYS_KEPT: f64 = 7.0;

/// What becomes of snapshots.
#[derive(Debug, PartialEq, Eq)]
struct Kept {
    /// The newest that is as old as telemetry must be to be removed.
    anchor: Option<Seq>,
    useless: Vec<Seq>,
}

impl Kept {
    /// `infos` stand newest first.
    fn of(infos: &[SnapshotInfo], now: Timestamp, keep_s: f64) -> Self {
        let age_s = |info: &SnapshotInfo| info.taken.map(|taken| now.seconds_since(taken));
        let anchor =
            infos.iter().find(|info| age_s(info).is_some_and(|age| age >= keep_s)).map(|info| info.seq);
        // Of each span of time, the oldest stays: so what stays once stays until the span is too old.
        let span = |info: &SnapshotInfo| {
            let second = info.taken?.as_micros() as f64 / 1e6;
            let length_s = if age_s(info)? < keep_s { (keep_s / BETWEEN_KEPT).max(1.0) } else { DAY_S };
            Some(((second / length_s).floor() as i64, length_s as i64))
        };
        let of_span = |index: usize, info: &SnapshotInfo| {
            let own = span(info);
            let older = infos.get(index + 1).and_then(span);
            own.is_some()
                && own != older
                && age_s(info).is_some_and(|age| age < (DAYS_KEPT * DAY_S).max(keep_s))
        };
        let useless = infos.iter().enumerate().filter(|(index, info)| {
            *index >= NEWEST_KEPT && Some(info.seq) != anchor && !of_span(*index, info)
        });
        Self { anchor, useless: useless.map(|(_, info)| info.seq).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: f64) -> Timestamp {
        Timestamp::from_millis(1_795_000_000_000).plus_seconds(hours * 3_600.0)
    }

    /// A snapshot every six minutes for ten days, tidied each time.
    #[test]
    fn snapshots_thin_out_and_every_moment_that_is_kept_has_one_before_it() {
        let mut infos: Vec<SnapshotInfo> = Vec::new();
        for step in 0..2_400u64 {
            let now = at(step as f64 / 10.0);
            infos.insert(0, SnapshotInfo { seq: Seq(step + 1), taken: Some(now) });
            let kept = Kept::of(&infos, now, 3_600.0);
            infos.retain(|info| !kept.useless.contains(&info.seq));
            let anchor = infos.iter().find(|info| Some(info.seq) == kept.anchor);
            if step > 20 {
                let age_s = anchor.and_then(|info| info.taken).map(|taken| now.seconds_since(taken)).unwrap();
                assert!((3_600.0..3_600.0 + 900.0 + 360.0).contains(&age_s), "step {step}: {age_s}");
            }
            assert!(infos.len() <= 2 + 1 + 5 + 8, "{}", infos.len());
        }
        let oldest = infos.last().and_then(|info| info.taken).unwrap();
        assert!(at(239.9).seconds_since(oldest) > 6.0 * DAY_S);
    }

    #[test]
    fn snapshots_that_do_not_say_when_are_kept_as_the_newest_only() {
        let infos = [4, 3, 2, 1].map(|seq| SnapshotInfo { seq: Seq(seq), taken: None });
        let kept = Kept::of(&infos, at(0.0), 3_600.0);
        assert_eq!(kept, Kept { anchor: None, useless: vec![Seq(2), Seq(1)] });
    }
}
