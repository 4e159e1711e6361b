//! The accept loop.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use axum::serve::{Listener, ListenerExt};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

/// Seconds that a client may take to send the head of a request; also how long an idle connection is kept.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes of a request head, and of what is read at once.
const READ_BUFFER_BYTES: usize = 16 * 1024;
/// Header lines of one request.
const HEADERS_MAX: usize = 64;
/// Connections at once; more wait in the listener's backlog.
const CONNECTIONS_MAX: usize = 65_536;
/// How long open requests may go on after the shutdown began.
const DRAIN: Duration = Duration::from_secs(20);

/// Serves `router` on `listener` until `cancel`, then lets open requests end for up to 20 seconds. WebSockets end
/// by themselves: their tasks watch the runtime.
pub async fn serve(listener: TcpListener, router: Router, cancel: CancellationToken) {
    // small frames of the live stream must not wait for the client's acknowledgements
    let prompt = listener.tap_io(|socket| {
        if let Err(error) = socket.set_nodelay(true) {
            tracing::debug!(%error, "could not set TCP_NODELAY");
        }
    });
    serve_on(prompt, router, cancel).await;
}

/// As [`serve`], on a listener of any kind, such as one that speaks TLS.
pub async fn serve_on<L>(mut listener: L, router: Router, cancel: CancellationToken)
where
    L: Listener<Addr = SocketAddr>,
{
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let tasks = TaskTracker::new();
    loop {
        let accepted = async {
            // the semaphore is never closed
            let place = places.clone().acquire_owned().await.ok();
            (place, listener.accept().await)
        };
        let (place, (io, address)) = tokio::select! {
            () = cancel.cancelled() => break,
            accepted = accepted => accepted,
        };
        let (router, cancel) = (router.clone(), cancel.clone());
        tasks.spawn(async move {
            connection(io, address, router, cancel).await;
            drop(place);
        });
    }
    drop(listener);
    tasks.close();
    if tokio::time::timeout(DRAIN, tasks.wait()).await.is_err() {
        tracing::warn!(connections = tasks.len(), "closing connections that did not end in 20 s");
    }
}

async fn connection<I>(io: I, address: SocketAddr, router: Router, cancel: CancellationToken)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request: Request<Incoming>| {
        let router = router.clone();
        async move {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(address));
            Ok::<_, Infallible>(router.oneshot(request).await.unwrap_or_else(|never| match never {}))
        }
    });
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(READ_BUFFER_BYTES)
        .max_headers(HEADERS_MAX);
    let connection = http.serve_connection(TokioIo::new(io), service).with_upgrades();
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = cancel.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%address, %error, "a connection ended early");
    }
}
