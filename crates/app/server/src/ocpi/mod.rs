//! OCPI 2.2.1 as a charge point operator: what partners ask of us, and what we tell them by ourselves.
//!
//! [`project`] reads the feed and keeps what partners may read as objects of their own, so that `last_updated` follows
//! what really changed; what changed goes to the outbox, which [`push`] empties. Everything under `/ocpi` belongs to
//! partners and their tokens; people manage partners under `/api/v1/ocpi`.

mod authority;
mod client;
mod clients;
mod commands;
mod envelope;
mod find;
mod partner;
mod profiles;
mod project;
mod push;
mod read;
mod register;
mod tokens;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn;
use axum::routing::{get, post, put};
use rustls_pki_types::CertificateDer;
use tokio::sync::Notify;
use voltwin_ocpi::VERSION;

use crate::state::AppState;

pub(crate) use authority::Authority;
pub(crate) use client::Client;
pub(crate) use clients::told as clients_of;
pub(crate) use find::gaps;
pub(crate) use register::{Failed, leave, register};

/// Bytes of a partner's body at most.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// What the parts of this share.
pub(crate) struct Ocpi {
    pub(crate) client: Client,
    /// Rung when settings or partners changed.
    pub(crate) changed: Arc<Notify>,
    /// Rung when there is something to send.
    pub(crate) outbox: Arc<Notify>,
}

impl Ocpi {
    /// One that asks partners whose certificates this machine's authorities or these have issued.
    pub(crate) fn new(authorities: &[CertificateDer<'static>]) -> Self {
        Self { client: Client::new(authorities), changed: Arc::default(), outbox: Arc::default() }
    }
}

/// Starts the tasks behind the routes; they end with the runtime.
pub(crate) fn start(state: &AppState) {
    state.csms.ask_partners(Arc::new(Authority::new(state.runtime.clone(), state.ocpi.client.clone())));
    state.tasks.spawn(project::run(state.clone()));
    state.tasks.spawn(push::run(state.clone()));
}

/// The routes of partners.
pub(crate) fn routes() -> Router<AppState> {
    let modules = Router::new()
        .route("/", get(register::details))
        .route(
            "/credentials",
            get(register::show).post(register::post).put(register::put).delete(register::delete),
        )
        .route("/{module}", get(read::list))
        .route("/{module}/{id}", get(read::object))
        .route("/locations/{id}/{evse}", get(read::evse))
        .route("/locations/{id}/{evse}/{connector}", get(read::connector))
        .route("/tokens/{country}/{party}/{uid}", put(tokens::put).patch(tokens::patch).get(tokens::get))
        .route("/hubclientinfo/{country}/{party}", put(clients::put).get(clients::get))
        .route("/commands/{command}", post(commands::take))
        .route("/chargingprofiles/{session}", put(profiles::put).get(profiles::get).delete(profiles::delete));
    let slashed = Router::new()
        .route("/ocpi/versions", get(register::versions))
        .nest(&format!("/ocpi/{VERSION}"), modules)
        .route("/ocpi/{*rest}", axum::routing::any(envelope::unknown));
    slashed.layer(DefaultBodyLimit::max(BODY_BYTES_MAX)).layer(from_fn(envelope::route))
}
