//! Posts the latest state of twins to `POST /api/v1/telemetry`.
//!
//! One keep-alive connection. What waits is one entry per twin, at its newest values: a slow server gets fewer, newer
//! values and never a backlog.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, Request, header};
use hyper_util::rt::TokioIo;
use serde_json::{Map, Value, json};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use voltwin_core::Timestamp;

use crate::FleetError;
use crate::station::host_and_port;

/// Items of one request; the server takes 10,000.
const BATCH: usize = 5_000;
const WITHIN: Duration = Duration::from_secs(15);
const ANSWER_MAX: usize = 4 * 1024 * 1024;

pub(crate) type Connection = SendRequest<Full<Bytes>>;

/// Where to post.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    authority: String,
    address: String,
    authorization: Option<String>,
}

impl Endpoint {
    /// `base_url` is `http://host[:port]`.
    pub(crate) fn new(base_url: &str, api_key: Option<&str>) -> Result<Self, FleetError> {
        let bad = |reason| FleetError::Address { text: base_url.to_owned(), reason };
        let rest = base_url.strip_prefix("http://").ok_or_else(|| bad("it must begin with http://"))?;
        let authority = rest.trim_end_matches('/');
        if authority.contains('/') {
            return Err(bad("it must be http://host:port without a path"));
        }
        let address = host_and_port(authority, 80).ok_or_else(|| bad("it must name a host"))?;
        let authorization = api_key.map(|key| format!("Bearer {key}"));
        Ok(Self { authority: authority.to_owned(), address, authorization })
    }

    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    /// A connection that takes one request after the other.
    pub(crate) async fn connect(&self) -> Result<Connection, String> {
        let stream = TcpStream::connect(&self.address).await.map_err(|e| e.to_string())?;
        stream.set_nodelay(true).map_err(|e| e.to_string())?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(|e| e.to_string())?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection to the server ended");
            }
        });
        Ok(sender)
    }

    /// The head of a request, with the key.
    pub(crate) fn request(&self, method: Method, path: &str) -> hyper::http::request::Builder {
        let request = Request::builder().method(method).uri(path).header(header::HOST, &self.authority);
        match &self.authorization {
            Some(authorization) => request.header(header::AUTHORIZATION, authorization),
            None => request,
        }
    }
}

/// Counters of what was posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TelemetryCounts {
    /// Items that the server accepted.
    pub accepted: u64,
    /// Items that the server rejected.
    pub rejected: u64,
    /// Values that were replaced by newer ones before they were sent.
    pub coalesced: u64,
    /// Requests that failed and were tried again.
    pub failures: u64,
}

#[derive(Debug, Clone)]
struct Item {
    at: Timestamp,
    values: Map<String, Value>,
}

#[derive(Debug, Default)]
pub(crate) struct Telemetry {
    waiting: Mutex<BTreeMap<String, Item>>,
    counts: Mutex<TelemetryCounts>,
    wake: Notify,
}

/// A lock that a panic elsewhere has poisoned still holds plain data.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl Telemetry {
    pub(crate) fn put(&self, twin: &str, at: Timestamp, values: Map<String, Value>) {
        let mut waiting = lock(&self.waiting);
        match waiting.get_mut(twin) {
            Some(item) => {
                item.at = at;
                item.values.extend(values);
                lock(&self.counts).coalesced += 1;
            }
            None => {
                waiting.insert(twin.to_owned(), Item { at, values });
            }
        }
    }

    pub(crate) fn flush(&self) {
        self.wake.notify_one();
    }

    pub(crate) fn counts(&self) -> TelemetryCounts {
        *lock(&self.counts)
    }

    fn take(&self) -> Vec<(String, Item)> {
        let mut waiting = lock(&self.waiting);
        if waiting.len() <= BATCH {
            return std::mem::take(&mut *waiting).into_iter().collect();
        }
        std::iter::from_fn(|| waiting.pop_first()).take(BATCH).collect()
    }

    /// Puts back what could not be sent, under what came since.
    fn restore(&self, batch: Vec<(String, Item)>) {
        let mut waiting = lock(&self.waiting);
        for (twin, old) in batch {
            match waiting.get_mut(&twin) {
                Some(newer) => {
                    for (name, value) in old.values {
                        newer.values.entry(name).or_insert(value);
                    }
                }
                None => {
                    waiting.insert(twin, old);
                }
            }
        }
    }

    /// Posts until `cancel`.
    pub(crate) async fn run(&self, endpoint: Endpoint, cancel: CancellationToken) {
        let mut connection = None;
        let mut pause = Duration::from_millis(200);
        loop {
            let batch = self.take();
            if batch.is_empty() {
                tokio::select! {
                    () = cancel.cancelled() => return,
                    () = self.wake.notified() => continue,
                }
            }
            let sent = tokio::select! {
                () = cancel.cancelled() => return,
                sent = post(&endpoint, &mut connection, &batch) => sent,
            };
            match sent {
                Ok((accepted, rejected)) => {
                    let mut counts = lock(&self.counts);
                    counts.accepted += accepted;
                    counts.rejected += rejected;
                    pause = Duration::from_millis(200);
                }
                Err(error) => {
                    tracing::warn!(error, "telemetry was not taken, trying again");
                    lock(&self.counts).failures += 1;
                    connection = None;
                    self.restore(batch);
                    tokio::select! {
                        () = cancel.cancelled() => return,
                        () = sleep(pause) => {}
                    }
                    pause = (pause * 2).min(Duration::from_secs(10));
                }
            }
        }
    }
}

async fn post(
    endpoint: &Endpoint,
    connection: &mut Option<Connection>,
    batch: &[(String, Item)],
) -> Result<(u64, u64), String> {
    let items: Vec<Value> = batch
        .iter()
        .map(|(twin, item)| json!({"twin": twin, "at": item.at, "values": item.values}))
        .collect();
    let body = serde_json::to_vec(&json!({"items": items})).map_err(|e| e.to_string())?;
    let request = endpoint.request(Method::POST, "/api/v1/telemetry");
    let request = request.header(header::CONTENT_TYPE, "application/json");
    let request = request.body(Full::new(Bytes::from(body))).map_err(|e| e.to_string())?;
    let exchange = async {
        let sender = match connection.take().filter(|c| !c.is_closed()) {
            Some(sender) => connection.insert(sender),
            None => connection.insert(endpoint.connect().await?),
        };
        sender.ready().await.map_err(|e| e.to_string())?;
        let response = sender.send_request(request).await.map_err(|e| e.to_string())?;
        let status = response.status();
        let body = Limited::new(response.into_body(), ANSWER_MAX).collect().await;
        let body = body.map_err(|e| e.to_string())?.to_bytes();
        if status.is_success() {
            let answer: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
            let rejected = answer["rejected"].as_array().map_or(0, Vec::len) as u64;
            if let Some(first) = answer["rejected"].get(0) {
                tracing::warn!(%first, rejected, "some telemetry was rejected");
            }
            Ok((answer["accepted"].as_u64().unwrap_or(0), rejected))
        } else if status.is_client_error() && status.as_u16() != 429 && status.as_u16() != 401 {
            // The same text would be refused again: it counts as rejected and the next batch goes on.
            let detail: String = String::from_utf8_lossy(&body).chars().take(200).collect();
            tracing::warn!(%status, detail, "telemetry was refused");
            Ok((0, batch.len() as u64))
        } else {
            Err(format!("status {status}"))
        }
    };
    timeout(WITHIN, exchange).await.map_err(|_| "timed out".to_owned())?
}
