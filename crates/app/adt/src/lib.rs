//! The data plane of Azure Digital Twins over the twin graph: its 32 operations, with its codes, headers and documents.
//!
//! [`Adt`] is the whole of it: a router over the runtime and the registry. Who asks is found out by a [`Doorkeeper`] of
//! whoever mounts it; which requests are meant for it and for which tenant is told by [`claim`]. Models, twins,
//! relationships and telemetry are one module each, which reads a request, asks the runtime and renders the answer;
//! imports and deletions are jobs that outlive a restart. What differs from Azure stands in
//! `docs/azure-digital-twins.md`.
//!
//! # Invariants
//! - Every operation names what it needs of its caller in one place ([`Need`]); the instance of another is not there.
//! - Every refusal has one of Azure's codes, with the status that belongs to the code, in body and header.
//! - An answer shows all that was acknowledged before; ETags are judged at the turn of the write.
//! - Bodies, pages, queries, jobs, files and waiting are bounded; a tenant that holds to Azure's limits is held to
//!   Azure's rates too.

mod access;
mod call;
mod error;
mod event_routes;
mod jobs;
mod limits;
mod models;
mod mount;
mod outlet;
mod paging;
mod query;
mod relationships;
mod state;
mod telemetry;
mod twins;

pub use access::{Admission, Caller, Doorkeeper, Need, Refusal};
pub use mount::{Claimed, claim};
pub use outlet::{Message, NoOutlet, Outlet, OutletAnswer, Route, RouteError, RoutePage};
pub use state::{Adt, AdtConfig, Secure};
