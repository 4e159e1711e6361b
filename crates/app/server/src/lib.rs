//! What clients reach: HTTP API, OCPP endpoint, live stream, web app, metrics.
//!
//! Handlers are thin: parse, authorise, call, render. What a route needs of its caller stands beside the route
//! (`auth`), errors leave as problem documents (`http`), and the description of the API is generated from the
//! code ([`openapi_json`]).
//!
//! # Invariants
//! - Every route under `/api` names a permission or says that it is public; nothing is reachable by omission.
//! - A caller sees one tenant, the one of its key or session; ids of others do not exist for it.
//! - Bodies, headers, requests at once, live streams and their frames are bounded.
//! - Secrets are shown once where they are made, and never logged.
//!
//! # Example
//! ```no_run
//! # async fn start(
//! #     runtime: voltwin_runtime::Runtime,
//! #     csms: voltwin_csms::CentralSystem,
//! #     history: voltwin_history::History,
//! # ) -> Result<(), Box<dyn std::error::Error>> {
//! use tokio_util::sync::CancellationToken;
//! use voltwin_server::{Server, ServerConfig};
//!
//! let server = Server::new(ServerConfig::default(), runtime, csms, history);
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
//! server.serve(listener, CancellationToken::new()).await?;
//! # Ok(())
//! # }
//! ```

mod adt;
mod api;
mod auth;
mod config;
mod error;
mod files;
mod fleet;
mod health;
mod history_writer;
mod http;
mod live;
mod metrics;
mod network;
mod ocpi;
mod ocpp_socket;
mod overview;
mod registered;
mod responders;
mod server;
mod state;
mod studies;
mod web;

pub use api::openapi_json;
pub use config::ServerConfig;
pub use error::ServerError;
pub use http::{Tls, TlsFiles, authorities, serve, serve_on, serve_tls};
pub use server::{Listeners, Server};
