//! The live stream: `GET /live`.
//!
//! A [hub](hub) per tenant reads the feed and keeps the columns that clients see, one row a twin. A
//! [client](client) per WebSocket remembers the version of the columns that it has sent, and sends what changed
//! since at its own pace: rows at their newest value, so a slow reader gets fewer frames and never a backlog.
//!
//! Bounds: rows by the number of twins, messages by the length of [`hub::MESSAGES`], clients by
//! [`crate::ServerConfig::live_clients_max`], a client's frame by the rows of its topic.

mod alarms;
mod client;
mod focus;
mod hub;
mod protocol;
mod records;
mod tables;
mod traces;

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use voltwin_security::Permission;

pub(crate) use hub::Hubs;

use crate::auth::{Principal, Standing, same_origin};
use crate::http::Problem;
use crate::state::AppState;

/// Bytes of one message from a client; the largest sensible one names 64 twins.
const MESSAGE_MAX_BYTES: usize = 32 * 1024;

/// Clients say little: their side needs no large buffer.
const READ_BUFFER_BYTES: usize = 4 * 1024;

pub(crate) fn routes() -> axum::Router<AppState> {
    axum::Router::new().route("/live", get(open))
}

async fn open(
    State(state): State<AppState>,
    principal: Principal,
    request: Request,
) -> Result<Response, Problem> {
    principal.require(Permission::Read)?;
    if !same_origin(request.headers()) {
        return Err(Problem::forbidden("the page that opens the stream must come from this server"));
    }
    let (mut parts, _) = request.into_parts();
    let upgrade = match WebSocketUpgrade::from_request_parts(&mut parts, &state).await {
        Ok(upgrade) => upgrade,
        Err(rejection) if rejection.status() == StatusCode::METHOD_NOT_ALLOWED => {
            return Ok(rejection.into_response());
        }
        Err(rejection) => return Err(Problem::field("Upgrade", rejection.body_text())),
    };
    let place = state.hubs.enter(&state, &principal.tenant).await?;
    let standing = Standing::new(&parts.headers, principal);
    let sockets = state.sockets.clone();
    Ok(upgrade
        .read_buffer_size(READ_BUFFER_BYTES)
        .max_message_size(MESSAGE_MAX_BYTES)
        .max_frame_size(MESSAGE_MAX_BYTES)
        .on_upgrade(move |socket| sockets.track_future(client::run(socket, state, place, standing))))
}
