//! The few twins whose every property a client follows.

use std::collections::BTreeMap;

use voltwin_core::{PropertyName, Seq, TwinId, Value};
use voltwin_graph::{Graph, TwinRef};

use super::protocol::Message;
use super::traces::{Follower, Known, Traces};

/// One followed twin and what the client knows of it.
#[derive(Debug)]
struct Followed {
    id: TwinId,
    follower: Follower,
    seen: Option<Seq>,
    /// It was left for the next call, because the feed had not told yet where its newest value came from.
    waited: bool,
    values: BTreeMap<PropertyName, Value>,
}

/// The followed twins of one client.
#[derive(Debug, Default)]
pub(super) struct Focus {
    twins: Vec<Followed>,
}

impl Focus {
    /// Follows these twins from now on; texts that are no twin ids are left out. What is known of twins that stay
    /// is kept.
    pub(super) fn set(&mut self, ids: &[String], traces: &Traces) {
        let mut old = std::mem::take(&mut self.twins);
        for id in ids.iter().filter_map(|id| TwinId::new(id).ok()) {
            if self.twins.iter().any(|followed| followed.id == id) {
                continue;
            }
            let known = old.iter().position(|followed| followed.id == id).map(|at| old.swap_remove(at));
            self.twins.push(known.unwrap_or_else(|| Followed::new(id, traces)));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.twins.is_empty()
    }

    /// What changed since the last call, one message a twin.
    pub(super) fn changes(&mut self, graph: &Graph) -> Vec<String> {
        self.twins
            .iter_mut()
            .filter_map(|followed| followed.change(&graph.twin(followed.id.as_str())?))
            .collect()
    }
}

impl Followed {
    fn new(id: TwinId, traces: &Traces) -> Self {
        Self { follower: traces.follow(&id), id, seen: None, waited: false, values: BTreeMap::new() }
    }

    fn change(&mut self, twin: &TwinRef<'_>) -> Option<String> {
        if self.seen == Some(twin.changed_seq()) {
            return None;
        }
        let known = self.follower.trace(twin.changed_seq());
        // what was there before it was followed has no trace to wait for
        if known == Known::NotYet && self.seen.is_some() && !self.waited {
            self.waited = true;
            return None;
        }
        self.waited = false;
        self.seen = Some(twin.changed_seq());
        let mut gone = std::mem::take(&mut self.values);
        let (mut values, mut at) = (serde_json::Map::new(), None);
        for property in twin.properties() {
            if gone.remove(property.name).as_ref() != Some(&property.value) {
                values.insert(property.name.to_string(), property.value.to_json());
                at = at.max(Some(property.source));
            }
            self.values.insert(property.name.clone(), property.value);
        }
        values.extend(gone.into_keys().map(|name| (name.to_string(), serde_json::Value::Null)));
        let at = at.unwrap_or_else(|| twin.updated()).to_string();
        let trace = if let Known::Trace(trace) = known { trace } else { None };
        (!values.is_empty()).then(|| Message::Focus { twin: self.id.as_str(), at, values, trace }.text())
    }
}
