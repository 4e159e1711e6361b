//! The query language against plain JSON: what it takes, what it means, and 10,000 random queries.

#![allow(clippy::unwrap_used)]

mod language;
mod naive;
mod paging;
mod random;
mod render;
mod semantics;
mod world;
