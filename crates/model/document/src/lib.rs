//! Twins and relationships as the JSON documents of Azure Digital Twins, both ways.
//!
//! [`twin`], [`component`] and [`link`] write what a graph holds. [`created`], [`patched`] and their like read what
//! somebody wants, a document or a JSON Patch, against the graph as it is at that moment, and answer what the journal
//! has to record. They judge the form; whether values fit the model is for
//! [`Graph::check`](voltwin_graph::Graph::check) to say.
//!
//! # Invariants
//! - What is written is read again: a document that a graph gave makes the same twin in an empty graph of its models.
//! - A patch does all that it says, or nothing.
//!
//! # Example
//! ```
//! use serde_json::json;
//! use voltwin_core::{Event, Seq};
//! use voltwin_graph::Graph;
//! use voltwin_ontology::Ontology;
//!
//! let mut graph = Graph::new(Ontology::built_in());
//! let at = "2026-11-21T08:00:00Z".parse()?;
//! let document = json!({ "$metadata": { "$model": "dtmi:voltwin:Vehicle;1" }, "soc": 0.5 });
//! let draft = voltwin_document::created(&graph, &"EV-1".parse()?, &document)?;
//! let event = draft.into_event("demo".parse()?, "EV-1".parse()?, at);
//! graph.apply(&graph.check(&event)?, Seq(1));
//!
//! let vehicle = graph.twin("EV-1").ok_or("no such twin")?;
//! let patch = json!([{ "op": "replace", "path": "/soc", "value": 0.6 }]);
//! let draft = voltwin_document::patched(vehicle, &patch)?.ok_or("nothing to do")?;
//! let event = draft.into_event("demo".parse()?, "EV-1".parse()?, at);
//! graph.apply(&graph.check(&event)?, Seq(2));
//! assert_eq!(voltwin_document::twin(graph.twin("EV-1").ok_or("no such twin")?)["soc"], 0.6);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod azure;
mod draft;
mod error;
mod patch;
mod read;
mod write;

pub use draft::Draft;
pub use error::DocumentError;
pub use patch::{component_patched, link_patched, patched};
pub use read::{check_telemetry, created, deleted, linked};
pub use write::{component, incoming, instant, link, metadata, times, twin};

#[cfg(test)]
mod tests;
