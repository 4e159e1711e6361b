//! Events by their numbers: a stream that can be taken up again where it broke off.
//!
//! A client that is slower than its events is let be for a while and then dropped with the reason and the number to go
//! on from: between the log and the socket there is room for a few events and no more.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::Instant;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};
use voltwin_delivery::{Entry, LogReader};
use voltwin_routes::Filter;
use voltwin_security::Permission;

use crate::auth::{Guard, Principal, Standing};
use crate::http::{Problem, Query};
use crate::state::AppState;

/// Events read at once, and pieces that wait for the client at most.
const BATCH: usize = 64;
const WAITING: usize = 16;
/// How long a client may take no piece.
const PATIENCE: Duration = Duration::from_secs(30);
/// A sign of life when there is nothing to tell; and how often it is looked whether the key still holds.
const ALIVE_EVERY: Duration = Duration::from_secs(15);
/// Seconds that a request for lines may wait, and lines of one answer.
const WAIT_MAX_S: u32 = 25;
const LINES_MAX: u32 = 1_000;
/// Events looked through for one answer: where a filter lets few pass, the client goes on from the number it is told.
const LOOKED_AT_MAX: usize = 100_000;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(Guard::needs(Permission::Read).on(routes!(events)))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct EventsQuery {
    /// The number of the last event that the client has; 0 for everything that is kept. Without it and without the
    /// header `Last-Event-ID`, events from now on.
    after: Option<u64>,
    /// Which events, in the language of route filters; all when not said.
    filter: Option<String>,
    /// Of lines: seconds to wait for the first, 0 to 25.
    #[param(minimum = 0, maximum = 25, default = 0)]
    wait_s: Option<u32>,
    /// Of lines: how many at most, 1 to 1,000.
    #[param(minimum = 1, maximum = 1_000, default = 100)]
    limit: Option<u32>,
}

/// Changes of twins and relationships as CloudEvents, in order, from any number on.
///
/// With `Accept: text/event-stream` a stream of server-sent events whose ids are the numbers; with
/// `Accept: application/x-ndjson` the next lines, and in the header `X-Voltwin-Next` the number to go on from. Where the log
/// no longer keeps what comes next, a line of type `Voltwin.EventLog.Gap` says from which number to which. The first request
/// begins the event log of the tenant.
#[utoipa::path(get, path = "/events", tag = "events", params(EventsQuery),
    responses((status = 200, content((String = "text/event-stream"), (String = "application/x-ndjson")),
        description = "Events, each a CloudEvent in structured JSON."),
        (status = 503, body = Problem, content_type = "application/problem+json",
            description = "Too many streams.")))]
async fn events(
    State(state): State<AppState>,
    principal: Principal,
    headers: HeaderMap,
    Query(query): Query<EventsQuery>,
) -> Result<Response, Problem> {
    let filter = match &query.filter {
        Some(filter) => Filter::parse(filter).map_err(voltwin_delivery::EventsError::from)?,
        None => Filter::everything(),
    };
    let place = asked(&query, &headers)?;
    let log = state.events.log(&principal.tenant, &principal.name).await?;
    let head = log.head();
    let place = place.unwrap_or(head);
    if place > head {
        let detail = format!("`after` is {place}, and the newest event is {head}");
        return Err(Problem::field("after", detail).limit(head));
    }
    let reader = log.reader(place);
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if accepted.contains("ndjson") {
        return lines(reader, &filter, &query, &state.events.source(&principal.tenant)).await;
    }
    let limit = state.config.live_clients_max;
    let permit = state
        .event_streams
        .clone()
        .try_acquire_owned()
        .map_err(|_| Problem::busy(format!("{limit} event streams are open already")).limit(limit))?;
    let reader = match filter.subject() {
        Some(subject) => reader.about(subject),
        None => reader,
    };
    Ok(serve(&state, reader, filter, Standing::new(&headers, principal), permit))
}

/// The number that the client has, by the query or by what browsers send when they come back.
fn asked(query: &EventsQuery, headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(header) = headers.get("last-event-id") else { return Ok(query.after) };
    let number = header.to_str().ok().and_then(|text| text.trim().parse().ok());
    let number = number
        .ok_or_else(|| Problem::field("Last-Event-ID", "`Last-Event-ID` must be the number of an event"))?;
    Ok(Some(query.after.map_or(number, |after| after.max(number))))
}

async fn lines(
    mut reader: LogReader,
    filter: &Filter,
    query: &EventsQuery,
    source: &str,
) -> Result<Response, Problem> {
    let (wait_s, limit) = (query.wait_s.unwrap_or(0), query.limit.unwrap_or(100));
    if wait_s > WAIT_MAX_S {
        let detail = format!("`wait_s` is {wait_s}; it must be 0 to {WAIT_MAX_S}");
        return Err(Problem::field("wait_s", detail).limit(WAIT_MAX_S));
    }
    if !(1..=LINES_MAX).contains(&limit) {
        let detail = format!("`limit` is {limit}; it must be 1 to {LINES_MAX}");
        return Err(Problem::field("limit", detail).limit(LINES_MAX));
    }
    let until = Instant::now() + Duration::from_secs(wait_s.into());
    let (mut text, mut count, mut next) = (String::new(), 0, reader.place());
    let mut looked_at = 0;
    'full: while count < limit && looked_at < LOOKED_AT_MAX {
        let mut batch = reader.ready(BATCH).await?;
        if batch.is_empty() {
            // what has been found is not held back
            if count > 0 {
                break;
            }
            let Ok(waited) = tokio::time::timeout_at(until, reader.next(BATCH)).await else { break };
            batch = waited?;
        }
        if let Some(gap) = reader.take_gap() {
            text.push_str(&gap.event(source).structured());
            text.push('\n');
        }
        for entry in batch {
            if filter.matches(&entry.event) {
                if count == limit {
                    break 'full;
                }
                text.push_str(&entry.event.structured());
                text.push('\n');
                count += 1;
            }
            next = entry.event.sequence;
            looked_at += 1;
        }
    }
    let mut response = text.into_response();
    let told = response.headers_mut();
    told.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    told.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    told.insert("x-voltwin-next", HeaderValue::from(next));
    Ok(response)
}

/// Why a stream ended, for its client.
type End = Arc<Mutex<Option<String>>>;

fn serve(
    state: &AppState,
    reader: LogReader,
    filter: Filter,
    standing: Standing,
    permit: OwnedSemaphorePermit,
) -> Response {
    let (sender, receiver) = mpsc::channel(WAITING);
    let end = End::default();
    let source = Source { state: state.clone(), reader, filter, standing, sender };
    let told = end.clone();
    state.tasks.spawn(async move {
        let _permit = permit;
        let reason = source.run().await;
        *told.lock() = reason;
    });
    let pieces = stream::unfold((receiver, end), |(mut receiver, end)| async move {
        let piece: Option<Bytes> = match receiver.recv().await {
            Some(piece) => Some(piece),
            None => end.lock().take().map(Bytes::from),
        };
        Some((Ok::<_, Infallible>(piece?), (receiver, end)))
    });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, Body::from_stream(pieces)).into_response()
}

fn piece(batch: &[Arc<Entry>]) -> String {
    let event =
        |entry: &Arc<Entry>| format!("id: {}\ndata: {}\n\n", entry.event.sequence, entry.event.structured());
    batch.iter().map(event).collect()
}

/// What fills one stream.
struct Source {
    state: AppState,
    reader: LogReader,
    filter: Filter,
    standing: Standing,
    sender: mpsc::Sender<Bytes>,
}

impl Source {
    /// Runs until the client is gone or must go, and answers the last piece for it.
    async fn run(mut self) -> Option<String> {
        let closing = self.state.closing.clone();
        self.send(format!("id: {}\n: from here on\n\n", self.reader.place())).await.ok()?;
        loop {
            let next = tokio::select! {
                () = closing.cancelled() => return Some(self.farewell("the server is stopping")),
                () = self.sender.closed() => return None,
                next = tokio::time::timeout(ALIVE_EVERY, self.reader.next_where(BATCH, |event| self.filter.matches(event))) => next,
            };
            let piece = match next {
                Ok(Ok(batch)) => piece(&batch),
                Ok(Err(error)) => return Some(self.farewell(&error.to_string())),
                Err(_) => {
                    if !self.standing.holds(&self.state).await {
                        return Some(self.farewell("the key or session does not hold any more"));
                    }
                    format!("id: {}\n: alive\n\n", self.reader.place())
                }
            };
            if let Some(gap) = self.reader.take_gap() {
                self.send(format!("event: gap\ndata: {}\n\n", gap.data())).await.ok()?;
            }
            let before = self.reader.place();
            if self.send(piece).await.is_err() {
                if self.sender.is_closed() {
                    return None;
                }
                metrics::counter!("voltwin_event_streams_dropped_total").increment(1);
                let reason = format!("too slow: nothing was taken for {} s", PATIENCE.as_secs());
                tracing::info!(place = before, "an event stream was too slow and is dropped");
                return Some(self.farewell(&reason));
            }
        }
    }

    async fn send(&self, piece: String) -> Result<(), ()> {
        let sent = self.sender.send_timeout(Bytes::from(piece), PATIENCE).await;
        sent.map_err(|_| ())
    }

    /// The last piece. The client goes on after the last number that it got.
    fn farewell(&self, reason: &str) -> String {
        format!("event: end\ndata: {}\n\n", json!({"reason": reason}))
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use serde_json::Value as Json;
    use voltwin_core::Seq;
    use voltwin_delivery::{EventLog, Gap};

    use super::*;

    /// A log of which only the events 21 to 30 are left.
    fn cut(folder: &std::path::Path) -> EventLog {
        for first in [1u64, 11, 21] {
            let line = |number: u64| {
                let event = json!({"specversion": "1.0", "id": "x", "source": "s", "type": "t", "subject": "EV-1",
                    "datacontenttype": "application/json", "sequence": number.to_string(), "data": {}});
                format!("{}\n", json!({"journal": number, "event": event}))
            };
            let lines: String = (first..first + 10).map(line).collect();
            std::fs::write(folder.join(format!("{first:020}.ndjson")), lines).expect("a file");
        }
        let log = EventLog::open(folder, Seq(0)).expect("a log");
        log.prune(Duration::ZERO, u64::MAX).expect("a shorter log");
        log
    }

    #[tokio::test]
    async fn lines_say_from_where_to_where_events_are_missing() {
        let folder = tempfile::tempdir().expect("a folder");
        let log = cut(folder.path());
        let read = async |after: u64, filter: &str| {
            let query = EventsQuery { after: Some(after), filter: None, wait_s: None, limit: Some(2) };
            let filter = Filter::parse(filter).expect("a filter");
            let answer = lines(log.reader(after), &filter, &query, "north.voltwin").await.expect("lines");
            let next = answer.headers()["x-voltwin-next"].to_str().unwrap_or_default().to_owned();
            let body = to_bytes(answer.into_body(), usize::MAX).await.expect("a body");
            let read = |line: &str| serde_json::from_str(line).expect("JSON");
            let lines: Vec<Json> = String::from_utf8_lossy(&body).lines().map(read).collect();
            (lines, next)
        };
        let (found, next) = read(5, "true").await;
        assert_eq!((found.len(), next.as_str()), (3, "22"), "the gap is not one of the two");
        assert_eq!(
            (&found[0]["type"], &found[0]["source"]),
            (&json!("Voltwin.EventLog.Gap"), &json!("north.voltwin"))
        );
        assert_eq!(found[0]["data"], Gap { from: 6, to: 20, events: 15 }.data());
        assert_eq!((&found[0]["sequence"], &found[1]["sequence"]), (&json!("20"), &json!("21")));
        let (found, next) = read(0, "subject = 'nobody'").await;
        assert_eq!((found.len(), next.as_str()), (1, "30"), "a gap is told whatever the filter");
        assert_eq!(read(20, "true").await.0[0]["type"], "t");
    }
}
