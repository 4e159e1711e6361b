use std::fmt;
use std::sync::Arc;

use voltwin_core::{Dtmi, PropertyMap, PropertyName, RelationshipId, Seq, Timestamp, TwinId, Value};
use voltwin_ontology::Model;

use crate::Graph;
use crate::graph::Standing;
use crate::links::{LinkRecord, Way};
use crate::scan::{ColumnRef, Place, ValueRef};
use crate::table::{PropertyColumn, Table};

/// One twin, read in place. It is two words: pass it by value.
#[derive(Clone, Copy)]
pub struct TwinRef<'g> {
    pub(crate) graph: &'g Graph,
    pub(crate) row: u32,
    pub(crate) id: &'g TwinId,
    pub(crate) standing: &'g Standing,
}

/// One property of one twin.
#[derive(Debug, Clone, PartialEq)]
pub struct Property<'g> {
    /// Its name.
    pub name: &'g PropertyName,
    /// Its value.
    pub value: Value,
    /// When the source says that it took the value.
    pub source: Timestamp,
    /// When we heard of it.
    pub received: Timestamp,
}

/// One relationship, read in place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Link<'g> {
    /// Its id within the source.
    pub id: &'g RelationshipId,
    /// Its name in the model.
    pub name: &'g PropertyName,
    /// The twin that it begins at.
    pub source: &'g TwinId,
    /// The twin that it points to. It may be gone: ask [`Graph::twin`].
    pub target: &'g TwinId,
    /// Its own properties.
    pub properties: &'g PropertyMap,
    /// The journal sequence of its last change.
    pub changed: Seq,
    /// When we heard of its last change.
    pub updated: Timestamp,
}

impl Link<'_> {
    /// Its weak entity tag.
    #[must_use]
    pub fn etag(&self) -> String {
        etag(self.changed)
    }
}

fn etag(seq: Seq) -> String {
    format!("W/\"{:x}\"", seq.0)
}

impl<'g> TwinRef<'g> {
    /// Its row: stays the same while the twin lives, and goes to another twin afterwards.
    #[must_use]
    pub fn row(self) -> u32 {
        self.row
    }

    /// Where its properties are.
    #[must_use]
    pub fn place(self) -> Place {
        Place { table: self.standing.table, line: self.standing.line }
    }

    /// Its id.
    #[must_use]
    pub fn id(self) -> &'g TwinId {
        self.id
    }

    /// The graph that it is in.
    #[must_use]
    pub fn graph(self) -> &'g Graph {
        self.graph
    }

    /// What its model says, components and relationships included.
    #[must_use]
    pub fn kind(self) -> Option<&'g Arc<Model>> {
        self.graph.ontology.model(self.model().as_str())
    }

    /// The model that types it.
    #[must_use]
    pub fn model(self) -> &'g Dtmi {
        &self.table().model
    }

    /// Whether its model is `base` or extends it.
    #[must_use]
    pub fn is_a(self, base: &str) -> bool {
        self.graph.ontology().is_a(self.model().as_str(), base)
    }

    /// Its weak entity tag, `W/"…"` around the journal sequence of the last change in hexadecimal.
    /// Relationships have tags of their own and do not change it.
    #[must_use]
    pub fn etag(self) -> String {
        etag(self.standing.changed)
    }

    /// The journal sequence of the last change of its properties.
    #[must_use]
    pub fn changed_seq(self) -> Seq {
        self.standing.changed
    }

    /// When we heard of the last change of its properties.
    #[must_use]
    pub fn updated(self) -> Timestamp {
        self.standing.updated
    }

    /// The value of a property in place; `None` where [`TwinRef::get`] is.
    #[must_use]
    pub fn value(self, name: &str) -> Option<ValueRef<'g>> {
        ColumnRef { column: &self.property(name)?.column }.get(self.line())
    }

    /// The value of a property; `None` where the twin has none or the model knows no such property.
    #[must_use]
    pub fn get(self, name: &str) -> Option<Value> {
        self.property(name)?.column.get(self.line())
    }

    /// The value of a numeric property.
    #[must_use]
    pub fn f64(self, name: &str) -> Option<f64> {
        self.property(name)?.column.f64(self.line())
    }

    /// The value of an integer property.
    #[must_use]
    pub fn i64(self, name: &str) -> Option<i64> {
        self.property(name)?.column.i64(self.line())
    }

    /// The value of a boolean property.
    #[must_use]
    pub fn bool(self, name: &str) -> Option<bool> {
        self.property(name)?.column.bool(self.line())
    }

    /// The value of a text property: string, enumeration, date, time or duration.
    #[must_use]
    pub fn text(self, name: &str) -> Option<&'g str> {
        self.property(name)?.column.text(self.line())
    }

    /// The value of an array, object, map or geospatial property.
    #[must_use]
    pub fn json(self, name: &str) -> Option<&'g serde_json::Value> {
        self.property(name)?.column.json(self.line())
    }

    /// When the source says that a property took its value, and when we heard of it.
    #[must_use]
    pub fn times(self, name: &str) -> Option<(Timestamp, Timestamp)> {
        let when = self.property(name)?.column.when(self.line());
        (!when.is_absent()).then(|| (when.source(), when.received()))
    }

    /// The properties that have a value, in the order of their names.
    pub fn properties(self) -> impl Iterator<Item = Property<'g>> + use<'g> {
        let line = self.line();
        self.table().properties.iter().filter_map(move |property| {
            let value = property.column.get(line)?;
            let when = property.column.when(line);
            Some(Property { name: &property.name, value, source: when.source(), received: when.received() })
        })
    }

    /// Relationships that begin here, in no particular order.
    pub fn outgoing(self) -> impl Iterator<Item = Link<'g>> + use<'g> {
        let graph = self.graph;
        graph.links.outgoing(self.row).filter_map(|record| graph.link(record))
    }

    /// Relationships that point here, in no particular order.
    pub fn incoming(self) -> impl Iterator<Item = Link<'g>> + use<'g> {
        let graph = self.graph;
        graph.links.incoming(self.row).filter_map(|record| graph.link(record))
    }

    /// The relationship of that id that begins here.
    #[must_use]
    pub fn link(self, id: &str) -> Option<Link<'g>> {
        let id = RelationshipId::new(id).ok()?;
        self.graph.link(self.graph.links.find(self.row, &id)?)
    }

    /// The twins that relationships of that name point to; those that are gone are left out.
    pub fn related(self, name: &str) -> impl Iterator<Item = TwinRef<'g>> + use<'g> {
        let graph = self.graph;
        graph.named(self.row, Way::Out, name)
    }

    /// The twins whose relationships of that name point here.
    pub fn related_from(self, name: &str) -> impl Iterator<Item = TwinRef<'g>> + use<'g> {
        let graph = self.graph;
        graph.named(self.row, Way::In, name)
    }

    pub(crate) fn table(self) -> &'g Table {
        &self.graph.tables[usize::from(self.standing.table)]
    }

    pub(crate) fn line(self) -> u32 {
        self.standing.line
    }

    fn property(self, name: &str) -> Option<&'g PropertyColumn> {
        self.table().property(name)
    }
}

impl fmt::Debug for TwinRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.id, self.model())
    }
}

impl Graph {
    /// The twins at the other end of the relationships of that name.
    fn named<'g>(&'g self, row: u32, way: Way, name: &str) -> impl Iterator<Item = TwinRef<'g>> + use<'g> {
        let name = self.link_name(name);
        let hops = self.hops(row, way).iter().filter(move |hop| Some(hop.name) == name);
        hops.filter_map(|hop| self.at(hop.to))
    }

    pub(crate) fn link<'g>(&'g self, record: &'g LinkRecord) -> Option<Link<'g>> {
        Some(Link {
            id: &record.id,
            name: &record.name,
            source: self.id_at(record.source)?,
            target: self.id_at(record.target)?,
            properties: &record.properties,
            changed: record.changed,
            updated: record.updated,
        })
    }
}
