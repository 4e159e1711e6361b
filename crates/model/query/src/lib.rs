//! The query language of the twin graph: that of Azure Digital Twins with its own semantics, and more.
//!
//! A text becomes a statement (`parser`), its names get their meaning (`bind`), a graph gives it a plan (`plan`), and
//! a walk over columns and adjacency (`walk`, `block`) gives rows. A page ends with a token that holds the query and
//! where its answer stands, so that nobody keeps anything between pages. The language is described in
//! `docs/query.md`.
//!
//! A moment of the past is a [`Graph`](voltwin_graph::Graph) as the present is: for `AS OF`, ask the graph that is
//! folded up to [`Query::as_of`].
//!
//! # Invariants
//! - No text makes it panic; what is nested, listed, joined and walked is bounded.
//! - A condition is true, false, or unknown where a value is missing; only true gives a row. So an unknown property
//!   gives an empty answer, with `NOT` before it too.
//! - The plan changes how long an answer takes and in which order its rows come, and nothing else.
//! - What [`Dialect::StrictAdt`] takes means the same in [`Dialect::Superset`].
//! - It reads one graph that does not change meanwhile: an answer shows all that was folded in before.
//!
//! # Example
//! ```
//! use voltwin_core::{Event, EventBody, PropertyName, Seq, Value};
//! use voltwin_graph::Graph;
//! use voltwin_ontology::Ontology;
//! use voltwin_query::{Budget, Dialect, Query};
//!
//! let mut graph = Graph::new(Ontology::built_in());
//! let at = "2026-11-21T08:00:00Z".parse()?;
//! let properties = [(PropertyName::new("soc")?, Value::from(0.15))].into();
//! let created = EventBody::Created { model: "dtmi:voltwin:Vehicle;1".parse()?, properties };
//! let event = Event::new("demo".parse()?, "EV-1".parse()?, at, at, created);
//! graph.apply(&graph.check(&event)?, Seq(1));
//!
//! let text = "SELECT T.$dtId, T.soc FROM DIGITALTWINS T WHERE T.soc < 0.2";
//! let page = Query::parse(text, Dialect::StrictAdt)?.page(&graph, 100, Budget::default())?;
//! assert_eq!(page.rows, [serde_json::json!({ "$dtId": "EV-1", "soc": 0.15 })]);
//! assert_eq!(page.token, None);
//!
//! let wrong = Query::parse("SELECT * FROM DIGITALTWINS WHERE soc <", Dialect::Superset).unwrap_err();
//! assert_eq!(wrong.to_string(), "line 1, column 39: expected a value or a name, found the end");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod ast;
mod bind;
mod block;
mod dialect;
mod error;
mod eval;
mod group;
mod lexer;
mod models;
mod order;
mod parser;
mod place;
mod plan;
mod query;
mod token;
mod value;
mod walk;

pub use dialect::{DEPTH_MAX, Dialect, GROUPS_MAX, Limits, ORDERED_ROWS_MAX};
pub use error::{Position, QueryError};
pub use query::{Budget, Page, Query};
