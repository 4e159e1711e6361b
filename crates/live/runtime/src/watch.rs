//! What events of watched tenants found.
//!
//! A program outside is told what a deleted twin was and whether a property is new, and neither stands in the event.
//! The only moment at which it is known is before the event is folded in, so it is looked at then, for the tenants that
//! somebody watches, and kept beside the event while the feed has it in memory.

use std::collections::HashSet;
use std::sync::Arc;

use parking_lot::RwLock;
use voltwin_core::{Sequenced, TenantId};
use voltwin_graph::{Applied, Graph};
use voltwin_routes::Before;

/// Under this name stands how far the reader of [`crate::FeedReader::next_watched`] has come, in the store's cursors.
pub const WATCH_CURSOR: &str = "events:log";

/// An event of the feed with what it found.
#[derive(Debug, Clone)]
pub struct Watched {
    /// The event.
    pub sequenced: Arc<Sequenced>,
    /// What it found.
    pub finding: Finding,
}

/// What an event found.
#[derive(Debug, Clone)]
pub enum Finding {
    /// Nobody looked: the tenant was not watched, or the event comes from the journal.
    Unknown,
    /// The event changed nothing in the graph.
    Unchanged,
    /// What was there before it.
    Before(Arc<Before>),
}

impl Watched {
    pub(crate) fn unseen(sequenced: Sequenced) -> Self {
        Self { sequenced: Arc::new(sequenced), finding: Finding::Unknown }
    }

    /// Folds the event into the graph and looks at what it finds there.
    pub(crate) fn fold(sequenced: Arc<Sequenced>, graph: &mut Graph, watched: bool) -> (Self, Applied) {
        let before = if watched { Before::of(graph, &sequenced.event) } else { None };
        let applied = graph.apply(&sequenced.event, sequenced.seq);
        let finding = match before {
            None => Finding::Unknown,
            Some(_) if applied != Applied::Changed => Finding::Unchanged,
            Some(before) => Finding::Before(Arc::new(before.then(graph, &sequenced.event))),
        };
        (Self { sequenced, finding }, applied)
    }
}

/// The tenants that somebody watches.
#[derive(Debug, Default)]
pub(crate) struct WatchList(RwLock<HashSet<TenantId>>);

impl WatchList {
    pub(crate) fn set(&self, tenants: HashSet<TenantId>) {
        *self.0.write() = tenants;
    }

    pub(crate) fn has(&self, tenant: &TenantId) -> bool {
        self.0.read().contains(tenant)
    }
}
