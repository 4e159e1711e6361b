//! The server as its clients see it: a real listener, a real data folder.

mod access;
mod api;
mod live;
mod openapi;
mod stream;
mod web;
mod world;
