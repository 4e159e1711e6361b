//! A client of the data plane of Azure Digital Twins, and the two-way synchronisation of a tenant of Voltwin with an
//! instance of Azure Digital Twins.
//!
//! # The idea
//! Voltwin speaks the data plane of Azure, so both ends are the same to everything here but the order of two lists: which
//! changes are told by whom. What both ends last agreed on is kept in a file of its own, the state. Something that is not
//! as it was agreed on is read at both ends, merged value by value with what was agreed on ([`merge`]), and written where
//! it differs, on the condition that it still is what was read.
//!
//! # Invariants
//! - Lists and events only say **where to look**: a query of Azure may be seconds old, so nothing is ever decided by it.
//! - Every write is conditional (`If-Match`, `If-None-Match`); 412 means to read and merge again.
//! - What is sent is written down before, what was agreed on after: a crash between the two neither loses nor doubles.
//! - Everything is bounded: attempts, pauses, bodies, what is asked in a second, what may be deleted at once.
//! - What proves who we are goes to its own end, over https or within this machine, and into no log.

mod budget;
mod client;
mod content;
mod credential;
mod engine;
mod error;
mod follow;
mod merge;
mod models;
mod one;
mod plane;
mod progress;
mod report;
mod scope;
mod settle;
mod state;

pub use crate::budget::Rates;
pub use crate::client::EndSettings;
pub use crate::content::Key;
pub use crate::credential::{AUDIENCE, Method, Proof, Source};
pub use crate::engine::{Direction, Mode, Outcome, Planned, Settings, Synchronisation};
pub use crate::error::SyncError;
pub use crate::merge::{Policy, Side};
pub use crate::progress::{Counts, Progress};
