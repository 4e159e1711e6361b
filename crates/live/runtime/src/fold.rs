//! The graphs at the head of the journal: the newest snapshot, and the events after it.
//!
//! A tenant that this release cannot read is a fault of its own: the others are there, and what is stored of it stays as
//! it is, until a release reads it. Before it comes to that, older snapshots are tried, as long as the journal has
//! everything since; then the journal from its beginning.

use std::collections::{BTreeMap, HashMap, VecDeque, btree_map::Entry};
use std::sync::Arc;

use voltwin_core::{EventBody, ModelsFact, Seq, Sequenced, TenantId};
use voltwin_graph::{Applied, Graph};
use voltwin_ontology::Ontology;
use voltwin_store::{SnapshotInfo, Store};

use crate::RuntimeError;
use crate::packed::{Part, unpack, unpack_one};
use crate::watch::{WATCH_CURSOR, WatchList, Watched};

const REPLAY_BATCH: usize = 10_000;

/// Why a tenant cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) reason: String,
    /// The snapshot that has it; with the journal after it, nothing of the tenant is missing.
    pub(crate) base: Seq,
}

/// The tenants that cannot be read.
pub(crate) type Faults = BTreeMap<TenantId, Fault>;

/// All graphs at the head of the journal.
pub(crate) struct Folded {
    pub(crate) graphs: HashMap<TenantId, Graph>,
    pub(crate) faults: Faults,
    /// The snapshot that they were folded from.
    pub(crate) from: Seq,
    pub(crate) head: Seq,
    pub(crate) recent: VecDeque<Watched>,
    pub(crate) floor: Seq,
}

/// With `watched`, the newest events that their reader has not seen are kept with what they found, so many at most.
pub(crate) async fn fold(
    store: &Store,
    ontology: &Arc<Ontology>,
    watched: Option<(&WatchList, usize)>,
) -> Result<Folded, RuntimeError> {
    let Bases { mut graphs, mut faults, from, older } = Bases::newest(store, ontology).await?;
    let journal = store.journal();
    let mut place = from;
    let keep = watched.map_or(0, |(_, keep)| keep);
    let mut recent = VecDeque::new();
    let mut floor = match watched {
        Some((watched, _)) if !watched.is_empty() => {
            store.cursor(WATCH_CURSOR).await?.map(|seen| seen.max(place))
        }
        _ => None,
    };
    loop {
        let batch = journal.read_after(place, REPLAY_BATCH).await?;
        let Some(last) = batch.last() else { break };
        place = last.seq;
        for sequenced in batch {
            let (tenant, sequenced) = (sequenced.event.tenant.clone(), Arc::new(sequenced));
            let unseen = floor.is_some_and(|floor| floor < sequenced.seq);
            let event = if let Entry::Vacant(sound) = faults.entry(tenant.clone()) {
                let graph = graphs.entry(tenant.clone()).or_insert_with(|| Graph::new(ontology.clone()));
                let look = unseen && watched.is_some_and(|(watched, _)| watched.has(&tenant));
                let (event, applied) = Watched::fold(sequenced.clone(), graph, look);
                if let Some(reason) = broken(graph, &sequenced, applied) {
                    graphs.remove(&tenant);
                    let base = older.get(&tenant).copied().unwrap_or(from);
                    sound.insert(Fault { reason, base });
                }
                event
            } else {
                Watched::unseen(Sequenced::clone(&sequenced))
            };
            if unseen {
                recent.push_back(event);
            }
            if recent.len() > keep {
                floor = recent.pop_front().map(|event| event.sequenced.seq);
            }
        }
    }
    let head = journal.head().await?.max(place);
    let floor = floor.filter(|_| !recent.is_empty()).unwrap_or(head);
    Ok(Folded { graphs, faults, from, head, recent, floor })
}

/// Models that were taken once and do not fit any more, with what is wrong: twins of them could not be there.
fn broken(graph: &Graph, sequenced: &Sequenced, applied: Applied) -> Option<String> {
    let (EventBody::Models(ModelsFact::Added { models }), Applied::Inapplicable(_)) =
        (&sequenced.event.body, applied)
    else {
        return None;
    };
    let texts: Vec<Arc<str>> = models.iter().map(|model| model.text.clone()).collect();
    let error = graph.ontology().with_again(&texts, sequenced.event.received).err()?;
    Some(format!("its models: {error}"))
}

/// What events are folded onto.
struct Bases {
    graphs: HashMap<TenantId, Graph>,
    faults: Faults,
    from: Seq,
    /// Those that come from a snapshot before this one.
    older: HashMap<TenantId, Seq>,
}

impl Bases {
    /// By the newest snapshot that is whole; without one, nothing.
    async fn newest(store: &Store, ontology: &Arc<Ontology>) -> Result<Self, RuntimeError> {
        let none =
            Self { graphs: HashMap::new(), faults: Faults::new(), from: Seq(0), older: HashMap::new() };
        let infos = store.snapshots().await?;
        for (at, info) in infos.iter().enumerate() {
            let Some(bytes) = store.load_snapshot(info.seq).await? else { continue };
            let known = ontology.clone();
            let unpacked = tokio::task::spawn_blocking(move || unpack(&bytes, &known)).await;
            let parts = match unpacked.map_err(|_| RuntimeError::Stopped)? {
                Ok(parts) => parts,
                Err(reason) => {
                    tracing::warn!(seq = %info.seq, reason, "passing over a snapshot that is damaged");
                    continue;
                }
            };
            let mut bases = Self { from: info.seq, ..none };
            for (tenant, part) in parts {
                let reason = match part {
                    Part::Graph(graph) => {
                        bases.graphs.insert(tenant, *graph);
                        continue;
                    }
                    Part::Unreadable(reason) => Some(reason),
                    Part::LeftOut => None,
                };
                let search = Search { store, ontology, tenant: &tenant, until: info.seq };
                match search.older(&infos[at + 1..], reason).await? {
                    Ok((graph, base)) => {
                        bases.older.insert(tenant.clone(), base);
                        bases.graphs.insert(tenant, graph);
                    }
                    Err(fault) => {
                        bases.faults.insert(tenant, fault);
                    }
                }
            }
            return Ok(bases);
        }
        Ok(none)
    }
}

/// The search for a tenant that the newest snapshot does not give.
struct Search<'a> {
    store: &'a Store,
    ontology: &'a Arc<Ontology>,
    tenant: &'a TenantId,
    /// The place of the newest snapshot.
    until: Seq,
}

impl Search<'_> {
    /// By the snapshots before, newest first, and then by the journal alone; with the place of what it was folded from.
    /// `reason` says why the newest cannot be read, where it has the tenant at all.
    async fn older(
        &self,
        infos: &[SnapshotInfo],
        reason: Option<String>,
    ) -> Result<Result<(Graph, Seq), Fault>, RuntimeError> {
        let pruned = self.store.journal().pruned().await?;
        let mut fault = reason.map(|reason| Fault { reason, base: self.until });
        let before = infos.iter().map(|info| Some(info.seq)).chain([None]);
        for seq in before {
            let place = seq.unwrap_or(Seq(0));
            let found = match seq {
                Some(seq) => self.part(seq).await?,
                None => Some(Part::Graph(Box::new(Graph::new(self.ontology.clone())))),
            };
            let reason = match found {
                Some(Part::Graph(graph)) if pruned <= place => match self.replay(*graph, place).await? {
                    Ok(graph) => return Ok(Ok((graph, place))),
                    Err(reason) => reason,
                },
                // values that were removed from the journal since would be missing
                Some(Part::Graph(_)) => continue,
                Some(Part::Unreadable(reason)) => reason,
                Some(Part::LeftOut) | None => continue,
            };
            fault.get_or_insert(Fault { reason, base: place });
        }
        let nowhere = || Fault { reason: "it is in none of the snapshots".to_owned(), base: Seq(0) };
        Ok(Err(fault.unwrap_or_else(nowhere)))
    }

    /// What a snapshot has of it; `None` where it cannot be read at all.
    async fn part(&self, seq: Seq) -> Result<Option<Part>, RuntimeError> {
        let Some(bytes) = self.store.load_snapshot(seq).await? else { return Ok(None) };
        let (tenant, ontology) = (self.tenant.clone(), self.ontology.clone());
        let read = tokio::task::spawn_blocking(move || match unpack_one(&bytes, &tenant, &ontology) {
            Ok(found) => Some(found.unwrap_or_else(|| Part::Graph(Box::new(Graph::new(ontology))))),
            Err(_) => None,
        });
        read.await.map_err(|_| RuntimeError::Stopped)
    }

    /// Folds in what happened up to the newest snapshot, or says which models do not fit.
    async fn replay(&self, mut graph: Graph, after: Seq) -> Result<Result<Graph, String>, RuntimeError> {
        let mut place = after;
        loop {
            let batch = self.store.journal().read_tenant_after(self.tenant, place, REPLAY_BATCH).await?;
            let Some(last) = batch.last() else { break };
            place = last.seq;
            for sequenced in batch.iter().filter(|sequenced| sequenced.seq <= self.until) {
                let applied = graph.apply(&sequenced.event, sequenced.seq);
                if let Some(reason) = broken(&graph, sequenced, applied) {
                    return Ok(Err(reason));
                }
            }
            if place >= self.until {
                break;
            }
        }
        Ok(Ok(graph))
    }
}
