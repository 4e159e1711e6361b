//! The accept loop, with and without TLS.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
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
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;
use voltwin_csms::Peer;
use voltwin_pki::Certificate;

use super::Tls;

/// Seconds that a client may take to shake hands.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Seconds that a client may take to send the head of a request; also how long an idle connection is kept.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// Connections of one address that have not sent the head of their first request; more are dropped. A whole region
/// of stations may come back from behind one address at once.
const HALF_OPEN_PER_ADDRESS_MAX: u32 = 4_096;
/// Bytes that TLS holds back for a client that does not read.
const TLS_BUFFER_BYTES: usize = 64 * 1024;
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
    let prompt = listener.tap_io(set_nodelay);
    serve_on(prompt, router, cancel).await;
}

/// As [`serve`], on a listener of any kind.
pub async fn serve_on<L>(listener: L, router: Router, cancel: CancellationToken)
where
    L: Listener<Addr = SocketAddr>,
{
    let serve_one = |io, address: SocketAddr, waiting, cancel| {
        let router = router.clone();
        async move { connection(io, address, Peer::plain(address.ip()), router, waiting, cancel).await }
    };
    accept_all(listener, cancel, serve_one).await;
}

/// As [`serve`], over TLS.
pub async fn serve_tls(listener: TcpListener, tls: Tls, router: Router, cancel: CancellationToken) {
    let fresh = tls.watch(cancel.clone());
    let serve_one = |io: TcpStream, address: SocketAddr, waiting, cancel| {
        let (acceptor, router) = (TlsAcceptor::from(tls.config()), router.clone());
        async move {
            let shaken = tokio::time::timeout(HANDSHAKE_TIMEOUT, acceptor.accept(io)).await;
            let mut io = match shaken {
                Ok(Ok(io)) => io,
                Ok(Err(error)) => {
                    metrics::counter!("voltwin_tls_handshakes_failed_total").increment(1);
                    tracing::info!(%address, %error, "a TLS handshake failed");
                    return;
                }
                Err(_) => {
                    metrics::counter!("voltwin_tls_handshakes_failed_total").increment(1);
                    return;
                }
            };
            let session = io.get_mut().1;
            session.set_buffer_limit(Some(TLS_BUFFER_BYTES));
            let shown = session.peer_certificates().and_then(<[_]>::first);
            let certificate = match shown.map(|shown| Certificate::from_der(shown)).transpose() {
                Ok(certificate) => certificate.map(Arc::new),
                Err(error) => {
                    tracing::info!(%address, %error, "a client certificate cannot be read");
                    return;
                }
            };
            let peer = Peer { address: address.ip(), tls: true, certificate };
            connection(io, address, peer, router, waiting, cancel).await;
        }
    };
    let prompt = listener.tap_io(set_nodelay);
    tokio::join!(accept_all(prompt, cancel, serve_one), fresh);
}

fn set_nodelay(socket: &mut TcpStream) {
    if let Err(error) = socket.set_nodelay(true) {
        tracing::debug!(%error, "could not set TCP_NODELAY");
    }
}

async fn accept_all<L, F>(
    mut listener: L,
    cancel: CancellationToken,
    serve_one: impl Fn(L::Io, SocketAddr, HalfOpen, CancellationToken) -> F,
) where
    L: Listener<Addr = SocketAddr>,
    F: Future<Output = ()> + Send + 'static,
{
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let (tasks, addresses) = (TaskTracker::new(), Addresses::default());
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
        let Some(waiting) = addresses.enter(address.ip()) else {
            metrics::counter!("voltwin_connections_dropped_total").increment(1);
            continue;
        };
        let served = serve_one(io, address, waiting, cancel.clone());
        tasks.spawn(async move {
            served.await;
            drop(place);
        });
    }
    drop(listener);
    tasks.close();
    if tokio::time::timeout(DRAIN, tasks.wait()).await.is_err() {
        tracing::warn!(connections = tasks.len(), "closing connections that did not end in 20 s");
    }
}

/// Connections by address that have not sent the head of a request yet.
#[derive(Clone, Default)]
struct Addresses(Arc<Mutex<HashMap<IpAddr, u32>>>);

impl Addresses {
    fn enter(&self, address: IpAddr) -> Option<HalfOpen> {
        let mut counts = self.0.lock();
        let count = counts.entry(address).or_default();
        if *count >= HALF_OPEN_PER_ADDRESS_MAX {
            return None;
        }
        *count += 1;
        drop(counts);
        Some(HalfOpen { addresses: self.clone(), address })
    }
}

/// One of them, until dropped.
struct HalfOpen {
    addresses: Addresses,
    address: IpAddr,
}

impl Drop for HalfOpen {
    fn drop(&mut self) {
        let mut counts = self.addresses.0.lock();
        if let Some(count) = counts.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}

async fn connection<I>(
    io: I,
    address: SocketAddr,
    peer: Peer,
    router: Router,
    waiting: HalfOpen,
    cancel: CancellationToken,
) where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let waiting = Mutex::new(Some(waiting));
    let service = service_fn(move |request: Request<Incoming>| {
        drop(waiting.lock().take());
        let (router, peer) = (router.clone(), peer.clone());
        async move {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(address));
            request.extensions_mut().insert(peer);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_so_many_half_open_connections_and_no_more() {
        let addresses = Addresses::default();
        let (one, other): (IpAddr, IpAddr) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        let mut open: Vec<_> =
            (0..HALF_OPEN_PER_ADDRESS_MAX).map(|_| addresses.enter(one).unwrap()).collect();
        assert!(addresses.enter(one).is_none());
        assert!(addresses.enter(other).is_some(), "others are served");
        open.pop();
        assert!(addresses.enter(one).is_some());
        open.clear();
        assert!(addresses.0.lock().is_empty(), "nothing is kept of an address that is gone");
    }
}
