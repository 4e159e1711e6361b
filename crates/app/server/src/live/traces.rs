//! Which frame or request brought what a client last saw of a twin that it follows.
//!
//! Only followed twins are noted, so an event of another one costs a look into a small map, and rows of the binary
//! columns carry no trace at all.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use voltwin_core::{Seq, Sequenced, TraceId, TwinId};

/// The followed twins of one tenant, each with its newest event. Bounded by the clients and by what each may follow.
#[derive(Debug, Default, Clone)]
pub(super) struct Traces {
    twins: Arc<Mutex<HashMap<TwinId, Noted>>>,
}

#[derive(Debug, Default)]
struct Noted {
    /// How often it is followed.
    followers: usize,
    newest: Option<(Seq, Option<TraceId>)>,
}

/// As long as it lives, events of its twin are noted.
#[derive(Debug)]
pub(super) struct Follower {
    traces: Traces,
    id: TwinId,
}

impl Traces {
    pub(super) fn follow(&self, id: &TwinId) -> Follower {
        self.twins.lock().entry(id.clone()).or_default().followers += 1;
        Follower { traces: self.clone(), id: id.clone() }
    }

    /// Notes which frame or request each event came from.
    pub(super) fn note(&self, events: &[&Arc<Sequenced>]) {
        let mut twins = self.twins.lock();
        if twins.is_empty() {
            return;
        }
        for sequenced in events {
            if let Some(noted) = twins.get_mut(&sequenced.event.twin) {
                noted.newest = Some((sequenced.seq, sequenced.event.trace));
            }
        }
    }
}

impl Follower {
    /// The trace of the event that changed the twin last. Where that was before anybody followed it there is none, and
    /// while the graph is a moment ahead of the feed it is not known yet: no trace is better than another value's.
    pub(super) fn trace(&self, changed: Seq) -> Known {
        let newest = self.traces.twins.lock().get(&self.id).and_then(|noted| noted.newest);
        match newest {
            Some((seq, trace)) if seq == changed => Known::Trace(trace),
            _ => Known::NotYet,
        }
    }
}

/// What is known of where a value came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    Trace(Option<TraceId>),
    NotYet,
}

impl Drop for Follower {
    fn drop(&mut self) {
        let mut twins = self.traces.twins.lock();
        if let Some(noted) = twins.get_mut(&self.id) {
            noted.followers -= 1;
            if noted.followers == 0 {
                twins.remove(&self.id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_twin_is_forgotten_with_its_last_follower() {
        let traces = Traces::default();
        let id = TwinId::new("P-1").unwrap();
        let (first, second) = (traces.follow(&id), traces.follow(&id));
        drop(first);
        assert!(traces.twins.lock().contains_key(&id));
        drop(second);
        assert!(traces.twins.lock().is_empty());
    }
}
