//! Subscribers of the stream of events, and the account of what they were owed.
//!
//! The stream is the one that can be taken up again by number, so each acknowledged change of a watched twin must come
//! to its subscriber once and in order, however late. A stream that ends is taken up after the last number that came.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::{Method, header};
use serde_json::Value as Json;
use tokio::sync::Barrier;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{Calls, GraphConfig, WITHIN};
use crate::load::histogram::Histogram;
use crate::telemetry::{Connection, Endpoint};

/// Bytes of one line of a stream at most.
const LINE_BYTES_MAX: usize = 1024 * 1024;
/// The pause before a stream is taken up again.
const AGAIN: Duration = Duration::from_millis(200);

/// What one subscriber got.
#[derive(Default)]
pub(super) struct Watched {
    /// The number of its twin.
    pub(super) twin: u64,
    /// The values of its events, as they came.
    values: Vec<u64>,
    /// Events whose number was not above the one before.
    pub(super) disordered: u64,
    /// Events that the server said it no longer had.
    pub(super) gone: u64,
    /// Times that it did not get in, or was dropped.
    pub(super) errors: u64,
    pub(super) after_answer: Histogram,
    pub(super) after_sending: Histogram,
}

/// The account of all subscribers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Account {
    /// Acknowledged changes of watched twins.
    pub(super) owed: u64,
    /// Of those, how many never came.
    pub(super) missing: u64,
    /// Events that came.
    pub(super) seen: u64,
    /// Events that had come before.
    pub(super) twice: u64,
}

impl Account {
    /// `acknowledged` are the values that were acknowledged for each twin.
    pub(super) fn of(acknowledged: &HashMap<u64, Vec<u64>>, watched: &[Watched]) -> Self {
        let mut account =
            Self { owed: acknowledged.values().map(|values| values.len() as u64).sum(), ..Self::default() };
        account.missing = account.owed;
        for one in watched {
            let came: HashSet<u64> = one.values.iter().copied().collect();
            account.seen += one.values.len() as u64;
            account.twice += (one.values.len() - came.len()) as u64;
            let owed = acknowledged.get(&one.twin).into_iter().flatten();
            account.missing -= owed.filter(|value| came.contains(*value)).count() as u64;
        }
        account
    }
}

/// One subscriber, that watches one twin until the run is over.
pub(super) async fn watch(
    config: &GraphConfig,
    endpoint: &Endpoint,
    calls: &Calls,
    twin: u64,
    ready: &Barrier,
    ended: &CancellationToken,
) -> Watched {
    let mut watched = Watched { twin, ..Watched::default() };
    let mut last = None;
    let mut opened = open(config, endpoint, twin, last).await;
    ready.wait().await;
    loop {
        match opened {
            Ok((_connection, mut body)) => {
                let mut lines = Lines { last, ..Lines::default() };
                let over = read(&mut body, &mut lines, config, calls, &mut watched, ended).await;
                last = lines.last;
                if over {
                    return watched;
                }
                tracing::warn!(twin, last, "a subscriber was dropped");
            }
            Err(error) => tracing::warn!(twin, error, "a subscriber did not get in"),
        }
        watched.errors += 1;
        tokio::select! {
            () = ended.cancelled() => return watched,
            () = tokio::time::sleep(AGAIN) => {}
        }
        opened = open(config, endpoint, twin, last).await;
    }
}

/// Reads a stream until it breaks, or until the run is over: then the answer is `true`.
async fn read(
    body: &mut Incoming,
    lines: &mut Lines,
    config: &GraphConfig,
    calls: &Calls,
    watched: &mut Watched,
    ended: &CancellationToken,
) -> bool {
    loop {
        let frame = tokio::select! {
            () = ended.cancelled() => return true,
            frame = body.frame() => frame,
        };
        let Some(Ok(frame)) = frame else { return false };
        let now_us = calls.now_us();
        let Ok(data) = frame.into_data() else { continue };
        let since = |us: u64| Duration::from_micros(now_us.saturating_sub(us));
        let told = lines.take(&data, &config.property);
        watched.disordered += told.disordered;
        watched.gone += told.gone;
        for value in told.values {
            // an event may be here before the answer to its call
            watched.after_answer.add(since(calls.noted(&calls.answered, value).unwrap_or(now_us)));
            if let Some(sent) = calls.noted(&calls.sent, value) {
                watched.after_sending.add(since(sent));
            }
            watched.values.push(value);
            calls.saw();
        }
    }
}

async fn open(
    config: &GraphConfig,
    endpoint: &Endpoint,
    twin: u64,
    last: Option<u64>,
) -> Result<(Connection, Incoming), String> {
    let opened = timeout(WITHIN, subscribe(config, endpoint, twin, last)).await;
    opened.map_err(|_| "timed out".to_owned()).and_then(|opened| opened)
}

async fn subscribe(
    config: &GraphConfig,
    endpoint: &Endpoint,
    twin: u64,
    last: Option<u64>,
) -> Result<(Connection, Incoming), String> {
    let mut connection = endpoint.connect().await?;
    let filter = format!("subject = '{}{twin}'", config.prefix).replace(' ', "%20").replace('\'', "%27");
    let after = last.map(|last| format!("&after={last}")).unwrap_or_default();
    let request = endpoint.request(Method::GET, &format!("/api/v1/events?filter={filter}{after}"));
    let request = request.header(header::ACCEPT, "text/event-stream").body(Full::<Bytes>::default());
    let response = connection.send_request(request.map_err(|e| e.to_string())?).await;
    let response = response.map_err(|e| e.to_string())?;
    if !response.status().is_success() {
        return Err(response.status().to_string());
    }
    Ok((connection, response.into_body()))
}

/// What some bytes of a stream told.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    /// The whole numbers that the property took.
    values: Vec<u64>,
    disordered: u64,
    gone: u64,
}

/// Lines of a stream that come in pieces.
#[derive(Default)]
struct Lines {
    rest: Vec<u8>,
    /// The number to go on from.
    last: Option<u64>,
    /// The number of the event whose lines are being read.
    number: Option<u64>,
}

impl Lines {
    fn take(&mut self, piece: &[u8], property: &str) -> Told {
        self.rest.extend_from_slice(piece);
        let mut told = Told::default();
        let mut begin = 0;
        while let Some(length) = self.rest[begin..].iter().position(|byte| *byte == b'\n') {
            let line = begin..begin + length;
            begin += length + 1;
            let line = &self.rest[line];
            if let Some(number) = line.strip_prefix(b"id: ") {
                self.number = std::str::from_utf8(number).ok().and_then(|number| number.trim().parse().ok());
            } else if let Some(data) = line.strip_prefix(b"data: ") {
                let event: Json = serde_json::from_slice(data).unwrap_or_default();
                told.gone += event["events"].as_u64().unwrap_or(0);
                let patch = event["data"]["patch"].as_array().into_iter().flatten();
                let own = |change: &&Json| {
                    change["path"].as_str().and_then(|path| path.strip_prefix('/')) == Some(property)
                };
                told.values
                    .extend(patch.filter(own).filter_map(|change| Some(change["value"].as_f64()? as u64)));
                if self.number.is_some_and(|number| self.last.is_some_and(|last| number <= last)) {
                    told.disordered += 1;
                }
            } else if line.is_empty() {
                // as browsers do: a number counts once its event is complete
                self.last = self.number.take().or(self.last);
            }
        }
        self.rest.drain(..begin);
        if self.rest.len() > LINE_BYTES_MAX {
            self.rest.clear();
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(value: u64) -> Json {
        json!({"data": {"patch": [{"op": "replace", "path": "/odometer_m", "value": value},
                                  {"op": "replace", "path": "/soc", "value": 1}]}})
    }

    #[test]
    fn values_and_numbers_are_read_out_of_events_in_pieces() {
        let text = format!(
            "id: 1\n: from here on\n\nid: 2\ndata: {}\n\nevent: gap\ndata: {}\n\nid: 9\ndata: {}\n\nid: 9\ndata: {}\n\nid: 12",
            event(7),
            json!({"events": 6}),
            event(8),
            event(8)
        );
        for size in [1, 5, 10_000] {
            let (mut lines, mut told) = (Lines::default(), Told::default());
            for piece in text.as_bytes().chunks(size) {
                let more = lines.take(piece, "odometer_m");
                told.values.extend(more.values);
                told.disordered += more.disordered;
                told.gone += more.gone;
            }
            assert_eq!(told, Told { values: vec![7, 8, 8], disordered: 1, gone: 6 });
            assert_eq!(lines.last, Some(9), "the event after it is not complete");
        }
    }

    #[test]
    fn what_was_acknowledged_and_did_not_come_is_missing() {
        let acknowledged = HashMap::from([(0, vec![1, 2, 3]), (1, vec![2])]);
        let one = |twin, values| Watched { twin, values, ..Watched::default() };
        // 9 was done though its answer was lost
        let account = Account::of(&acknowledged, &[one(0, vec![1, 9, 3, 3]), one(1, Vec::new())]);
        assert_eq!(account, Account { owed: 4, missing: 2, seen: 4, twice: 1 });
    }
}
