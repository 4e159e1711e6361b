//! The twin graph in memory: typed columns, adjacency, update times and ETags.
use std::sync::Arc;

use voltwin_core::{Dtmi, Event, PropertyMap, PropertyName, RelationshipId, Seq, Timestamp, TwinId, Value};
use voltwin_ontology::Ontology;

/// The graph of one tenant.
#[derive(Debug)]
pub struct Graph {
    ontology: Arc<Ontology>,
    seq: Seq,
}

/// Why an event does not fit.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum GraphError {
    /// No twin of this id.
    #[error("there is no twin `{twin}`")]
    UnknownTwin {
        /// The twin.
        twin: TwinId,
    },
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// The graph changed.
    Changed,
    /// The event was folded before.
    Known,
    /// Nothing to change: a fact that the graph does not hold, or only values older than those held.
    Unchanged,
    /// The event does not fit and changed nothing.
    Inapplicable(&'static str),
}

/// One twin, read in place.
#[derive(Clone, Copy)]
pub struct TwinRef<'g> {
    graph: &'g Graph,
    row: u32,
}

/// One property of one twin.
#[derive(Debug, Clone, PartialEq)]
pub struct Property<'g> {
    /// Its name.
    pub name: &'g PropertyName,
    /// Its value.
    pub value: Value,
    /// When the source says it took it.
    pub source: Timestamp,
    /// When we heard of it.
    pub received: Timestamp,
}

/// One relationship, read in place.
#[derive(Debug, Clone, Copy)]
pub struct Link<'g> {
    /// Its id within the source.
    pub id: &'g RelationshipId,
    /// Its name in the model.
    pub name: &'g PropertyName,
    /// From.
    pub source: &'g TwinId,
    /// To; may not exist any more.
    pub target: &'g TwinId,
    /// Its own properties.
    pub properties: &'g PropertyMap,
    /// Sequence of its last change.
    pub changed: Seq,
}

#[allow(unused, clippy::unimplemented, missing_docs)]
impl Graph {
    pub fn new(ontology: Arc<Ontology>) -> Self {
        Self { ontology, seq: Seq(0) }
    }
    pub fn check(&self, event: &Event) -> Result<Event, GraphError> {
        unimplemented!()
    }
    pub fn apply(&mut self, event: &Event, seq: Seq) -> Applied {
        unimplemented!()
    }
    pub fn ontology(&self) -> &Arc<Ontology> {
        &self.ontology
    }
    pub fn seq(&self) -> Seq {
        self.seq
    }
    pub fn len(&self) -> usize {
        unimplemented!()
    }
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    pub fn twin(&self, id: &str) -> Option<TwinRef<'_>> {
        unimplemented!()
    }
    pub fn twins(&self) -> impl Iterator<Item = TwinRef<'_>> {
        std::iter::empty()
    }
    pub fn twins_of<'g>(&'g self, dtmi: &str) -> impl Iterator<Item = TwinRef<'g>> + use<'g> {
        std::iter::empty()
    }
    pub fn count_of(&self, dtmi: &str) -> usize {
        unimplemented!()
    }
    pub fn snapshot_bytes(&self) -> Vec<u8> {
        unimplemented!()
    }
    pub fn from_snapshot(ontology: Arc<Ontology>, bytes: &[u8]) -> Result<Self, GraphError> {
        unimplemented!()
    }
}

#[allow(unused, clippy::unimplemented, missing_docs)]
impl<'g> TwinRef<'g> {
    pub fn row(self) -> u32 {
        self.row
    }
    pub fn id(self) -> &'g TwinId {
        unimplemented!()
    }
    pub fn model(self) -> &'g Dtmi {
        unimplemented!()
    }
    pub fn etag(self) -> String {
        unimplemented!()
    }
    pub fn changed_seq(self) -> Seq {
        unimplemented!()
    }
    pub fn updated(self) -> Timestamp {
        unimplemented!()
    }
    pub fn get(self, name: &str) -> Option<Value> {
        unimplemented!()
    }
    pub fn f64(self, name: &str) -> Option<f64> {
        unimplemented!()
    }
    pub fn i64(self, name: &str) -> Option<i64> {
        unimplemented!()
    }
    pub fn bool(self, name: &str) -> Option<bool> {
        unimplemented!()
    }
    pub fn text(self, name: &str) -> Option<&'g str> {
        unimplemented!()
    }
    pub fn times(self, name: &str) -> Option<(Timestamp, Timestamp)> {
        unimplemented!()
    }
    pub fn properties(self) -> impl Iterator<Item = Property<'g>> + use<'g> {
        std::iter::empty()
    }
    pub fn outgoing(self) -> impl Iterator<Item = Link<'g>> + use<'g> {
        std::iter::empty()
    }
    pub fn incoming(self) -> impl Iterator<Item = Link<'g>> + use<'g> {
        std::iter::empty()
    }
    pub fn link(self, id: &str) -> Option<Link<'g>> {
        unimplemented!()
    }
    pub fn related(self, name: &str) -> impl Iterator<Item = TwinRef<'g>> + use<'g> {
        std::iter::empty()
    }
}
