//! What a shard may not judge by the graph, because events that change it wait for their commit.

use rustc_hash::{FxHashMap, FxHashSet};
use voltwin_core::{Event, RelationshipId, TenantId, TwinId};

use crate::task::link_of;

pub(crate) type Key = (TenantId, TwinId);

/// What the events that wait will change.
#[derive(Default)]
pub(crate) struct Touched {
    twins: FxHashSet<Key>,
    links: FxHashMap<Key, FxHashSet<RelationshipId>>,
}

impl Touched {
    pub(crate) fn add(&mut self, event: &Event) {
        let key = (event.tenant.clone(), event.twin.clone());
        match link_of(event) {
            Some(link) => drop(self.links.entry(key).or_default().insert(link.clone())),
            None => drop(self.twins.insert(key)),
        }
    }

    /// Whether what a task is about is among it: relationships of one twin do not concern each other.
    pub(crate) fn concerns(&self, key: &Key, link: Option<&RelationshipId>) -> bool {
        let links = self.links.get(key);
        let concerned = match link {
            Some(link) => links.is_some_and(|links| links.contains(link)),
            None => links.is_some(),
        };
        concerned || self.twins.contains(key)
    }

    pub(crate) fn links_of(&self, key: &Key) -> usize {
        self.links.get(key).map_or(0, FxHashSet::len)
    }

    /// Whether the twin itself is among it.
    pub(crate) fn twin(&self, key: &Key) -> bool {
        self.twins.contains(key)
    }
}
