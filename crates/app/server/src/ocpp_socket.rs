//! The OCPP endpoint: a thin task between a WebSocket and a [`Link`], which decides everything.
//!
//! `/ocpp/{station}` finds the tenant by the station's credentials, `/ocpp/{tenant}/{station}` names it. Reads go
//! through a 4 KiB buffer, so that an idle station costs a few kilobytes.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{ConnectInfo, Extension, Path, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use voltwin_core::{TenantId, TwinId};
use voltwin_csms::{Admission, Arrival, CentralSystem, Link, Outgoing, Peer, Refusal};
use voltwin_ocpp::{StationIdentity, Version, negotiate};
use voltwin_security::Secret;

/// A peer that takes a frame no faster than this is gone.
const SEND_WITHIN: Duration = Duration::from_secs(30);
/// Messages a second that one station may send on and on, and how many at once after a silence: all that it kept
/// while it was offline. What comes faster stays in the network until its turn; nothing is dropped or refused.
const PACE_PER_S: f64 = 200.0;
const PACE_BURST: f64 = 2_000.0;
/// The largest frame that is read at all; a larger one closes the connection with 1009. Only some messages may be so
/// long, which the session knows.
const FRAME_MAX: usize = voltwin_ocpp::REPORT_MAX_BYTES;
/// The most that waits to be written to a station.
const WRITE_MAX: usize = 128 * 1024;

#[derive(Clone)]
struct Socket {
    csms: CentralSystem,
    stopping: CancellationToken,
    open: TaskTracker,
    /// The server's own ping; two without any sign of life end the connection.
    ping_every: Duration,
}

/// What a station without a common sub-protocol is told.
const OFFER: &str = "offer one of the sub-protocols ocpp2.1, ocpp2.0.1, ocpp1.6";

/// The endpoint's routes. Connections close with 1001 when `stopping` is cancelled; `open` knows when all have.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>(
    csms: CentralSystem,
    stopping: CancellationToken,
    open: TaskTracker,
    ping_every: Duration,
) -> Router<S> {
    Router::new()
        .route("/ocpp/{station}", any(by_credentials))
        .route("/ocpp/{tenant}/{station}", any(by_tenant))
        .with_state(Socket { csms, stopping, open, ping_every })
}

async fn by_credentials(
    State(socket): State<Socket>,
    peer: Option<Extension<Peer>>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    uri: Uri,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Response {
    accept(socket, None, last_segment(&uri), &from(peer, address), &headers, upgrade).await
}

async fn by_tenant(
    State(socket): State<Socket>,
    peer: Option<Extension<Peer>>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    Path((tenant, _)): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Response {
    match TenantId::new(&tenant) {
        Ok(tenant) => {
            accept(socket, Some(tenant), last_segment(&uri), &from(peer, address), &headers, upgrade).await
        }
        Err(error) => refuse(StatusCode::NOT_FOUND, &error.to_string()),
    }
}

/// Who knocks; the accept loop says so.
fn from(peer: Option<Extension<Peer>>, address: SocketAddr) -> Peer {
    peer.map_or_else(|| Peer::plain(address.ip()), |Extension(peer)| peer)
}

/// The station's identity as it stands in the path, still percent-encoded.
fn last_segment(uri: &Uri) -> &str {
    uri.path().rsplit('/').next().unwrap_or_default()
}

async fn accept(
    socket: Socket,
    tenant: Option<TenantId>,
    station: &str,
    peer: &Peer,
    headers: &HeaderMap,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Response {
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => return rejection.into_response(),
    };
    let station = match StationIdentity::from_path_segment(station) {
        Ok(identity) => identity.twin_id().clone(),
        Err(error) => return refuse(StatusCode::NOT_FOUND, &error.to_string()),
    };
    let offered: Vec<&str> = headers
        .get_all(header::SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .collect();
    // Who offers something else is answered as OCPP-J says, below; who offers nothing at all does not speak OCPP-J.
    if offered.is_empty() {
        return refuse(StatusCode::BAD_REQUEST, OFFER);
    }
    let version = negotiate(offered.iter().copied());
    let password = match basic_password(headers, &station) {
        Ok(password) => password,
        Err(detail) => return unauthorized(detail),
    };
    let protocol = version.map_or_else(|| "none".to_owned(), |version| version.to_string());
    let admitted = socket.csms.admit(tenant.as_ref(), &station, password.as_ref(), peer, &protocol).await;
    let admission = match admitted {
        Ok(admission) => admission,
        Err(refusal @ Refusal::Unauthorized) => return unauthorized(&refusal.to_string()),
        Err(refusal @ Refusal::Profile { .. }) => return refuse(StatusCode::FORBIDDEN, &refusal.to_string()),
        Err(refusal @ Refusal::Throttled { retry_after_s }) => {
            let mut response = refuse(StatusCode::TOO_MANY_REQUESTS, &refusal.to_string());
            response.headers_mut().insert(header::RETRY_AFTER, retry_after_s.into());
            return response;
        }
        Err(refusal @ Refusal::Unavailable) => {
            return refuse(StatusCode::SERVICE_UNAVAILABLE, &refusal.to_string());
        }
    };
    let upgrade = upgrade
        .read_buffer_size(4 * 1024)
        .write_buffer_size(0)
        .max_write_buffer_size(WRITE_MAX)
        .max_frame_size(FRAME_MAX)
        .max_message_size(FRAME_MAX);
    match version {
        Some(version) => {
            let arrival = socket.csms.arrive().await;
            upgrade.protocols([version.subprotocol()]).on_upgrade(move |ws| {
                socket.open.clone().track_future(run(socket, admission, arrival, version, ws))
            })
        }
        // OCPP-J: without a common protocol the handshake is completed and the connection closed at once
        None => upgrade.on_upgrade(|mut ws| async move {
            close(&mut ws, 1002, OFFER).await;
        }),
    }
}

/// The password of the Basic header, if there is one; its user must be the station.
fn basic_password(headers: &HeaderMap, station: &TwinId) -> Result<Option<Secret>, &'static str> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let encoded = value
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"))
        .map(|(_, encoded)| encoded.trim())
        .ok_or("the Authorization header must be of the scheme Basic")?;
    let decoded = BASE64_STANDARD.decode(encoded).map_err(|_| "the Basic credentials are not base64")?;
    let colon = decoded.iter().position(|byte| *byte == b':').ok_or("the Basic credentials lack a colon")?;
    let (user, password) = (&decoded[..colon], &decoded[colon + 1..]);
    if user != station.as_str().as_bytes() {
        return Err("the Basic user must be the station's identity");
    }
    // 1.6 passwords may be raw bytes; those that are no text are taken by their hexadecimal form
    let password = match std::str::from_utf8(password) {
        Ok(text) => text.to_owned(),
        Err(_) => password.iter().map(|byte| format!("{byte:02x}")).collect(),
    };
    Ok(Some(Secret::new(password)))
}

fn unauthorized(detail: &str) -> Response {
    let mut response = refuse(StatusCode::UNAUTHORIZED, detail);
    let challenge = header::HeaderValue::from_static("Basic realm=\"voltwin\", charset=\"UTF-8\"");
    response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    response
}

fn refuse(status: StatusCode, detail: &str) -> Response {
    (status, format!("{detail}\n")).into_response()
}

async fn run(socket: Socket, admission: Admission, arrival: Arrival, version: Version, mut ws: WebSocket) {
    let station = admission.station.clone();
    // what is not always under way is on the heap, so that an idle station costs no room for it
    let mut link = match Box::pin(socket.csms.link(admission, version)).await {
        Ok(link) => link,
        Err(error) => {
            tracing::warn!(%station, %error, "a station could not be taken on");
            return close(&mut ws, 1013, "the central system cannot take stations now; try again later")
                .await;
        }
    };
    drive(&mut ws, &mut link, Some(arrival), &socket).await;
    Box::pin(link.close()).await;
}

/// Carries frames both ways until either side ends.
async fn drive(ws: &mut WebSocket, link: &mut Link, mut arrival: Option<Arrival>, socket: &Socket) {
    let mut ping = interval(socket.ping_every);
    ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut silent_pings = 0;
    let mut pace = Pace::new(Instant::now());
    loop {
        let turn = pace.turn(Instant::now());
        let outgoing = tokio::select! {
            message = async {
                if !turn.is_zero() {
                    tokio::time::sleep(turn).await;
                }
                ws.recv().await
            } => {
                silent_pings = 0;
                pace.count(Instant::now());
                match message {
                    Some(Ok(Message::Text(text))) => Box::pin(link.on_text(text.as_str())).await,
                    Some(Ok(Message::Binary(_))) => Box::pin(link.on_binary()).await,
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                    // the answer to the station's own close leaves with the next read
                    Some(Ok(Message::Close(_))) => return drain(ws).await,
                    None => return,
                    Some(Err(error)) => return close_after(ws, &error).await,
                }
            }
            outgoing = link.next() => outgoing,
            _ = ping.tick() => {
                silent_pings += 1;
                if silent_pings > 2 {
                    return close(ws, 1001, "no sign of life for two pings").await;
                }
                if send(ws, Message::Ping(Bytes::new())).await.is_err() {
                    return;
                }
                continue;
            }
            () = socket.stopping.cancelled() => return close(ws, 1001, "the central system is restarting").await,
        };
        if !outgoing.is_empty()
            && let Some(arrival) = arrival.take()
        {
            arrival.done();
        }
        for item in outgoing {
            match item {
                Outgoing::Text(text) => {
                    if send(ws, Message::Text(text.into())).await.is_err() {
                        return;
                    }
                }
                Outgoing::Close { code, reason } => return close(ws, code, &reason).await,
            }
        }
    }
}

/// How many messages a station may send before it has to wait.
struct Pace {
    left: f64,
    since: Instant,
}

impl Pace {
    fn new(now: Instant) -> Self {
        Self { left: PACE_BURST, since: now }
    }

    /// How long to wait before the next message is read.
    fn turn(&mut self, now: Instant) -> Duration {
        let gained = now.duration_since(self.since).as_secs_f64() * PACE_PER_S;
        self.left = (self.left + gained).min(PACE_BURST);
        self.since = now;
        if self.left >= 1.0 {
            Duration::ZERO
        } else {
            Duration::from_secs_f64((1.0 - self.left) / PACE_PER_S)
        }
    }

    fn count(&mut self, now: Instant) {
        self.turn(now);
        self.left -= 1.0;
    }
}

async fn send(ws: &mut WebSocket, message: Message) -> Result<(), ()> {
    match timeout(SEND_WITHIN, ws.send(message)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(()),
    }
}

/// A frame that breaks the WebSocket itself is answered with the close code that names the breach.
async fn close_after(ws: &mut WebSocket, error: &axum::Error) {
    let text = error.to_string();
    if text.contains("too long") || text.contains("too large") || text.contains("Space limit") {
        metrics::counter!("voltwin_ocpp_oversized_total").increment(1);
        close(ws, 1009, &format!("a frame may hold {FRAME_MAX} bytes at most")).await;
    } else if text.contains("UTF-8") || text.contains("utf-8") {
        close(ws, 1007, "a text frame must be UTF-8").await;
    } else {
        close(ws, 1002, "protocol error").await;
    }
}

async fn close(ws: &mut WebSocket, code: u16, reason: &str) {
    let frame = CloseFrame { code, reason: reason.into() };
    if send(ws, Message::Close(Some(frame))).await.is_ok() {
        // let the peer's own close arrive, so that ours is not lost in a reset
        drain(ws).await;
    }
}

/// Reads until the connection has ended on both sides.
async fn drain(ws: &mut WebSocket) {
    let drained = async { while let Some(Ok(_)) = ws.recv().await {} };
    let _ = timeout(Duration::from_secs(2), drained).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, value.parse().unwrap());
        headers
    }

    #[test]
    fn a_flood_is_slowed_and_a_replay_is_not() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        for _ in 0..2_000 {
            assert_eq!(pace.turn(start), Duration::ZERO);
            pace.count(start);
        }
        let turn = pace.turn(start);
        assert!((4..=5).contains(&turn.as_millis()), "{turn:?}");
        let mut now = start;
        let mut sent = 0;
        while now < start + Duration::from_secs(10) {
            now += pace.turn(now);
            pace.count(now);
            sent += 1;
        }
        assert!((1_990..=2_010).contains(&sent), "{sent} in ten seconds");
        assert_eq!(pace.turn(now + Duration::from_secs(60)), Duration::ZERO);
    }

    #[test]
    fn only_the_stations_own_basic_credentials_are_taken() {
        let station = TwinId::new("ST-1").unwrap();
        let basic = |text: &str| format!("Basic {}", BASE64_STANDARD.encode(text));
        let password = |header: &str| basic_password(&with(header), &station);
        let taken = password(&basic("ST-1:se:cret")).unwrap().unwrap();
        assert_eq!(taken.expose(), "se:cret");
        assert!(basic_password(&HeaderMap::new(), &station).unwrap().is_none());
        assert!(password(&basic("ST-2:secret")).unwrap_err().contains("identity"));
        assert!(password(&basic("ST-1")).unwrap_err().contains("colon"));
        assert!(password("Bearer x").unwrap_err().contains("Basic"));
        assert!(password("Basic ***").unwrap_err().contains("base64"));
    }
}
