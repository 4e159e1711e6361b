//! Virtual stations and replay over real sockets.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod demo;
mod packs;
mod replay;
mod station;
mod support;
