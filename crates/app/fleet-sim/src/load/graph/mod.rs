//! Load for the twin graph: patches, reads and queries over HTTP in closed loop or at a rate, and subscribers that watch.

mod watch;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{Method, header};
use serde_json::{Value as Json, json};
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use self::watch::{Account, Watched, watch};
use super::histogram::Histogram;
use crate::FleetError;
use crate::telemetry::{Connection, Endpoint};

/// The version of the data plane that is spoken.
const VERSION: &str = "api-version=2023-10-31";
const WITHIN: Duration = Duration::from_secs(60);
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Subscribers wait for what was acknowledged while anything comes, and this long after.
const QUIET: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Calls whose acknowledgement subscribers can look up.
const NOTED_CALLS_MAX: usize = 4_000_000;

/// What is asked of the graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GraphWork {
    /// One property of one twin by a JSON Patch, a twin a call, over the data plane of Azure Digital Twins.
    Patch,
    /// One property of one twin over our own API, a twin a call.
    Change,
    /// One property each of so many twins in one call (`POST /api/v1/telemetry`), 1 to 10,000.
    Batch(usize),
    /// One twin.
    Read,
    /// A query; `{twin}` in it is the id of a twin.
    Query(String),
}

/// How much load.
#[derive(Debug, Clone)]
pub struct GraphConfig {
    /// `http://host[:port]`.
    pub server: String,
    /// The key of an API.
    pub key: Option<String>,
    /// What each call does.
    pub work: GraphWork,
    /// The property that is written, a number.
    pub property: String,
    /// Ids of twins are this and a number from 0.
    pub prefix: String,
    /// How many twins there are to choose from.
    pub twins: u64,
    /// Connections, each with one call at a time, 1 to 1,000.
    pub connections: usize,
    /// Calls per second of all connections together; 0 = as fast as answers come.
    pub rate: f64,
    /// How long.
    pub duration: Duration,
    /// Streams of events, up to 5,000; each watches the one twin of its number.
    pub subscribers: usize,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GraphReport {
    /// Calls that were answered with success.
    pub calls: u64,
    /// What they did, twin by twin.
    pub items: u64,
    /// Calls that failed, and subscribers that did not get in or were dropped; those try again.
    pub errors: u64,
    /// Why the first call failed, where no call at all was answered with success.
    pub failure: Option<String>,
    /// Items per second.
    pub items_per_s: f64,
    /// Half of the answers took at most this, in ms; and 99 of 100, and all of them.
    pub p50_ms: f64,
    /// See `p50_ms`.
    pub p99_ms: f64,
    /// See `p50_ms`.
    pub max_ms: f64,
    /// Changes of the watched twins that were acknowledged.
    pub owed: u64,
    /// Of those, how many never came to their subscriber, though it waited until nothing came for 10 s.
    pub missing: u64,
    /// Events that subscribers got: more than were owed where the answer to a change was lost.
    pub seen: u64,
    /// Events that a subscriber got again, and those out of order.
    pub twice: u64,
    /// See `twice`.
    pub disordered: u64,
    /// Events that the server told subscribers it no longer had.
    pub gone: u64,
    /// From the acknowledgement to the subscriber, in ms; 0 where the event was there first.
    pub seen_p50_ms: f64,
    /// See `seen_p50_ms`.
    pub seen_p99_ms: f64,
    /// From the sending of the call to the subscriber, in ms.
    pub sent_p50_ms: f64,
    /// See `sent_p50_ms`.
    pub sent_p99_ms: f64,
}

/// When each call was sent and answered, in microseconds of the run; a call's number is the value that it writes.
struct Calls {
    begun: Instant,
    next: AtomicU64,
    sent: Vec<AtomicU64>,
    answered: Vec<AtomicU64>,
    /// Of each watched twin the values that were acknowledged.
    acknowledged: Mutex<HashMap<u64, Vec<u64>>>,
    owed: AtomicU64,
    seen: AtomicU64,
}

impl Calls {
    fn new(noted: usize) -> Self {
        let times = || (0..noted).map(|_| AtomicU64::new(0)).collect();
        Self {
            begun: Instant::now(),
            next: AtomicU64::new(1),
            sent: times(),
            answered: times(),
            acknowledged: Mutex::default(),
            owed: AtomicU64::new(0),
            seen: AtomicU64::new(0),
        }
    }

    /// A call was acknowledged that changed watched twins.
    fn owe(&self, number: u64, twins: impl Iterator<Item = u64>) {
        let mut acknowledged = self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner);
        for twin in twins {
            acknowledged.entry(twin).or_default().push(number);
            self.owed.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn saw(&self) {
        self.seen.fetch_add(1, Ordering::Relaxed);
    }

    /// Waits until as many events were seen as are owed, or until none came for [`QUIET`].
    async fn settle(&self) {
        let mut newest = (0, Instant::now());
        loop {
            let seen = self.seen.load(Ordering::Relaxed);
            if seen != newest.0 {
                newest = (seen, Instant::now());
            }
            if seen >= self.owed.load(Ordering::Relaxed) || newest.1.elapsed() >= QUIET {
                return;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    fn now_us(&self) -> u64 {
        self.begun.elapsed().as_micros() as u64
    }

    fn note(&self, times: &[AtomicU64], number: u64) {
        if let Some(time) = times.get(number as usize) {
            time.store(self.now_us(), Ordering::Release);
        }
    }

    fn noted(&self, times: &[AtomicU64], number: u64) -> Option<u64> {
        times.get(number as usize).map(|time| time.load(Ordering::Acquire)).filter(|us| *us > 0)
    }
}

#[derive(Default)]
struct Tally {
    calls: u64,
    items: u64,
    errors: u64,
    /// Why its first call failed.
    failure: Option<String>,
    times: Histogram,
}

/// Brings the load, and watches meanwhile where there are subscribers.
///
/// # Errors
/// [`FleetError`] when the configuration cannot work; what fails on the way is counted instead.
pub async fn run_graph(config: &GraphConfig, cancel: CancellationToken) -> Result<GraphReport, FleetError> {
    let endpoint = Arc::new(checked(config)?);
    let config = Arc::new(config.clone());
    let calls = Arc::new(Calls::new(if config.subscribers > 0 { NOTED_CALLS_MAX } else { 0 }));
    let all = config.connections + config.subscribers;
    let ready = Arc::new(Barrier::new(all));
    let ended = CancellationToken::new();
    let senders: JoinSet<Tally> = (0..config.connections)
        .map(|number| {
            let (config, endpoint, calls) = (config.clone(), endpoint.clone(), calls.clone());
            let (ready, cancel) = (ready.clone(), cancel.clone());
            async move { send(&config, &endpoint, &calls, number as u64, &ready, &cancel).await }
        })
        .collect();
    let watchers: JoinSet<Watched> = (0..config.subscribers)
        .map(|number| {
            let (config, endpoint, calls) = (config.clone(), endpoint.clone(), calls.clone());
            let (ready, ended) = (ready.clone(), ended.clone());
            async move { watch(&config, &endpoint, &calls, number as u64, &ready, &ended).await }
        })
        .collect();
    let tallies = senders.join_all().await;
    if config.subscribers > 0 {
        calls.settle().await;
    }
    ended.cancel();
    let watched = watchers.join_all().await;
    Ok(report(&tallies, &watched, &calls, config.duration))
}

fn checked(config: &GraphConfig) -> Result<Endpoint, FleetError> {
    let items = if let GraphWork::Batch(items) = config.work { items } else { 1 };
    let bounds = [
        ("connections", config.connections, 1, 1_000, "1 to 1000"),
        ("items", items, 1, 10_000, "1 to 10000"),
        ("subscribers", config.subscribers, 0, 5_000, "0 to 5000"),
        (
            "twins",
            usize::try_from(config.twins).unwrap_or(usize::MAX),
            items.max(1),
            usize::MAX,
            "as many as items",
        ),
    ];
    if let Some((field, value, _, _, rule)) =
        bounds.into_iter().find(|(_, value, least, most, _)| !(least..=most).contains(&value))
    {
        return Err(FleetError::Setting { field, value: value.to_string(), rule });
    }
    if !(0.0..=1e7).contains(&config.rate) {
        return Err(FleetError::Setting {
            field: "rate",
            value: config.rate.to_string(),
            rule: "0 to 10000000",
        });
    }
    Endpoint::new(&config.server, config.key.as_deref())
}

fn report(tallies: &[Tally], watched: &[Watched], calls: &Calls, duration: Duration) -> GraphReport {
    let merged = |times: &mut dyn Iterator<Item = &Histogram>| {
        let mut all = Histogram::new();
        times.for_each(|times| all.merge(times));
        all
    };
    let times = merged(&mut tallies.iter().map(|tally| &tally.times));
    let after_answer = merged(&mut watched.iter().map(|one| &one.after_answer));
    let after_sending = merged(&mut watched.iter().map(|one| &one.after_sending));
    let sum = |pick: fn(&Tally) -> u64| tallies.iter().map(pick).sum::<u64>();
    let told = |pick: fn(&Watched) -> u64| watched.iter().map(pick).sum::<u64>();
    let acknowledged = calls.acknowledged.lock().unwrap_or_else(PoisonError::into_inner);
    let account = Account::of(&acknowledged, watched);
    let items = sum(|tally| tally.items);
    let failure = tallies.iter().find_map(|tally| tally.failure.clone());
    GraphReport {
        calls: sum(|tally| tally.calls),
        items,
        errors: sum(|tally| tally.errors) + told(|one| one.errors),
        failure: failure.filter(|_| times.is_empty()),
        items_per_s: items as f64 / duration.as_secs_f64().max(1e-3),
        p50_ms: times.quantile_ms(0.5),
        p99_ms: times.quantile_ms(0.99),
        max_ms: times.quantile_ms(1.0),
        owed: account.owed,
        missing: account.missing,
        seen: account.seen,
        twice: account.twice,
        disordered: told(|one| one.disordered),
        gone: told(|one| one.gone),
        seen_p50_ms: after_answer.quantile_ms(0.5),
        seen_p99_ms: after_answer.quantile_ms(0.99),
        sent_p50_ms: after_sending.quantile_ms(0.5),
        sent_p99_ms: after_sending.quantile_ms(0.99),
    }
}

/// One connection with one call at a time.
async fn send(
    config: &GraphConfig,
    endpoint: &Endpoint,
    calls: &Calls,
    number: u64,
    ready: &Barrier,
    cancel: &CancellationToken,
) -> Tally {
    let mut tally = Tally::default();
    let connection = endpoint.connect().await;
    ready.wait().await;
    let mut connection = match connection {
        Ok(connection) => connection,
        Err(error) => {
            tracing::warn!(error, "no connection");
            tally.errors += 1;
            tally.failure = Some(format!("no connection: {error}"));
            return tally;
        }
    };
    let pace = (config.rate > 0.0).then(|| Duration::from_secs_f64(config.connections as f64 / config.rate));
    let mut due = Instant::now()
        + pace.map_or(Duration::ZERO, |pace| pace.mul_f64(number as f64 / config.connections as f64));
    let end = Instant::now() + config.duration;
    let mut round = number << 32;
    while Instant::now() < end && !cancel.is_cancelled() {
        if let Some(pace) = pace {
            sleep_until(due.min(end)).await;
            // One that is late sends at once and does not try to catch up in a burst.
            due = (due + pace).max(Instant::now());
        }
        round += 1;
        let call = Call::new(config, calls.next.fetch_add(1, Ordering::Relaxed), round);
        let Some(request) = call.request(config, endpoint) else {
            tally.errors += 1;
            return tally;
        };
        calls.note(&calls.sent, call.number);
        let sent = Instant::now();
        let answer = timeout(WITHIN, exchange(&mut connection, request)).await;
        match answer.map_err(|_| "timed out".to_owned()).and_then(|answer| answer) {
            Ok(answer) => {
                calls.note(&calls.answered, call.number);
                // what was begun within the time counts as far as it was answered within it
                if Instant::now() <= end {
                    tally.calls += 1;
                    tally.items += call.done(config, &answer);
                }
                tally.times.add(sent.elapsed());
                calls.owe(call.number, call.watched(config));
            }
            Err(error) => {
                // the first says what is wrong; the report counts the others
                if tally.failure.is_none() {
                    tracing::warn!(error, "a call failed");
                    tally.failure = Some(error);
                }
                tally.errors += 1;
                match endpoint.connect().await {
                    Ok(fresh) => connection = fresh,
                    Err(_) => return tally,
                }
            }
        }
    }
    tally
}

async fn exchange(
    connection: &mut Connection,
    request: hyper::Request<Full<Bytes>>,
) -> Result<Bytes, String> {
    connection.ready().await.map_err(|e| e.to_string())?;
    let response = connection.send_request(request).await.map_err(|e| e.to_string())?;
    let status = response.status();
    let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
    let body = body.map_err(|e| e.to_string())?.to_bytes();
    if status.is_success() {
        return Ok(body);
    }
    Err(format!("{status}: {}", String::from_utf8_lossy(&body).chars().take(200).collect::<String>()))
}

/// One call: which twins, and the value that they get.
struct Call {
    number: u64,
    first: u64,
    items: u64,
}

impl Call {
    fn new(config: &GraphConfig, number: u64, round: u64) -> Self {
        let items = if let GraphWork::Batch(items) = config.work { items as u64 } else { 1 };
        Self { number, first: mixed(round) % config.twins, items }
    }

    fn twins(&self, config: &GraphConfig) -> impl Iterator<Item = u64> {
        let (first, twins) = (self.first, config.twins);
        (0..self.items).map(move |step| (first + step) % twins)
    }

    fn id(&self, config: &GraphConfig) -> String {
        format!("{}{}", config.prefix, self.first)
    }

    fn request(&self, config: &GraphConfig, endpoint: &Endpoint) -> Option<hyper::Request<Full<Bytes>>> {
        let (property, value) = (&config.property, self.number);
        let (method, path, body) = match &config.work {
            GraphWork::Patch => {
                let patch = format!(r#"[{{"op":"add","path":"/{property}","value":{value}}}]"#);
                (Method::PATCH, format!("/digitaltwins/{}?{VERSION}", self.id(config)), patch)
            }
            GraphWork::Change => {
                let change = format!(r#"{{"properties":{{"{property}":{value}}}}}"#);
                (Method::PATCH, format!("/api/v1/twins/{}", self.id(config)), change)
            }
            GraphWork::Batch(_) => {
                let item = |twin| {
                    format!(r#"{{"twin":"{}{twin}","values":{{"{property}":{value}}}}}"#, config.prefix)
                };
                let items: Vec<String> = self.twins(config).map(item).collect();
                (
                    Method::POST,
                    "/api/v1/telemetry".to_owned(),
                    format!(r#"{{"items":[{}]}}"#, items.join(",")),
                )
            }
            GraphWork::Read => {
                (Method::GET, format!("/digitaltwins/{}?{VERSION}", self.id(config)), String::new())
            }
            GraphWork::Query(text) => {
                let query = text.replace("{twin}", &self.id(config));
                (Method::POST, format!("/query?{VERSION}"), json!({ "query": query }).to_string())
            }
        };
        let request = endpoint.request(method, &path).header(header::CONTENT_TYPE, "application/json");
        let request = request.body(Full::new(Bytes::from(body)));
        request.inspect_err(|error| tracing::warn!(%error, "the call cannot be made")).ok()
    }

    /// How many items an answer says were done.
    fn done(&self, config: &GraphConfig, answer: &[u8]) -> u64 {
        if !matches!(config.work, GraphWork::Batch(_)) {
            return 1;
        }
        let answer: Json = serde_json::from_slice(answer).unwrap_or_default();
        if let Some(first) = answer["rejected"].get(0) {
            tracing::warn!(%first, "an item was rejected");
        }
        answer["accepted"].as_u64().unwrap_or(0)
    }

    /// The twins that it changes and somebody watches.
    fn watched(&self, config: &GraphConfig) -> impl Iterator<Item = u64> {
        let changes = !matches!(config.work, GraphWork::Read | GraphWork::Query(_));
        let subscribers = if changes { config.subscribers as u64 } else { 0 };
        self.twins(config).filter(move |twin| *twin < subscribers)
    }
}

/// Spreads numbers over all 64 bits (the finaliser of SplitMix64).
fn mixed(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_names_each_twin_once() {
        let config = GraphConfig {
            server: "http://127.0.0.1:1".to_owned(),
            key: None,
            work: GraphWork::Batch(10),
            property: "soc".to_owned(),
            prefix: "V-".to_owned(),
            twins: 12,
            connections: 1,
            rate: 0.0,
            duration: Duration::from_secs(1),
            subscribers: 12,
        };
        for round in 0..100 {
            let call = Call::new(&config, 1, round);
            let twins: std::collections::HashSet<u64> = call.twins(&config).collect();
            assert_eq!((twins.len(), call.watched(&config).count()), (10, 10));
        }
        assert!(checked(&config).is_ok());
        assert!(checked(&GraphConfig { twins: 9, ..config }).is_err());
    }
}
