//! The twin graph in memory: typed columns, adjacency, update times and entity tags.
//!
//! A [`Graph`] holds the twins of one tenant. It is the fold of the tenant's events: [`Graph::check`] says whether
//! an event fits, [`Graph::apply`] folds it in, and a [`TwinRef`] reads a twin in place.
//!
//! Ids are interned to rows. The twins of a model share a table with one column a property, in cells of the
//! property's own type, each with the time at its source and the time of its arrival. Relationships are listed at
//! both ends. The models that type the twins are part of the graph: they change by events too.
//!
//! # Invariants
//! - The same events in the same order give the same graph, whatever snapshots were taken between.
//! - An event is folded in once: its sequence must be greater than [`Graph::seq`].
//! - A value in a column is of the schema of its property. No number is infinite or not a number.
//! - No operation is slower the more relationships a twin has, except to list them and to delete the twin.
//!
//! # Example
//! ```
//! use voltwin_core::{Event, EventBody, PropertyMap, Seq, Value};
//! use voltwin_graph::{Applied, Graph};
//! use voltwin_ontology::Ontology;
//!
//! let mut graph = Graph::new(Ontology::built_in());
//! let at = "2026-11-21T08:00:00Z".parse()?;
//! let created = EventBody::Created { model: "dtmi:voltwin:Vehicle;1".parse()?, properties: PropertyMap::new() };
//! let event = Event::new("demo".parse()?, "EV-1".parse()?, at, at, created);
//! assert_eq!(graph.apply(&graph.check(&event)?, Seq(1)), Applied::Changed);
//!
//! let patch = Event { body: EventBody::patch([("soc", Value::from(0.8))]), ..event };
//! graph.apply(&graph.check(&patch)?, Seq(2));
//! let vehicle = graph.twin("EV-1").ok_or("no such twin")?;
//! assert_eq!(vehicle.f64("soc"), Some(0.8));
//! assert_eq!(vehicle.etag(), "W/\"2\"");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod apply;
mod check;
mod codec;
mod column;
mod error;
mod graph;
mod limits;
mod links;
mod models;
mod scan;
mod snapshot;
mod table;
mod twin;

pub use apply::Applied;
pub use error::GraphError;
pub use graph::Graph;
pub use limits::Limits;
pub use links::{Hop, LinkName, Way};
pub use scan::{Cells, ColumnRef, Lines, Place, TableRef, ValueRef};
pub use twin::{Link, Property, TwinRef};

#[cfg(test)]
mod tests;
