//! The server as its clients see it: a real listener, a real data folder.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it must be")]

mod access;
mod adt;
mod api;
mod batteries;
mod desk;
mod events;
mod example_city;
mod files;
mod live;
mod money;
mod ocpi;
mod ocpp;
mod openapi;
mod shut;
mod stream;
mod swap;
mod tls;
mod tokens;
mod truth;
mod validation;
mod web;
mod world;
