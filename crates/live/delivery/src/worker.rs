//! One endpoint: reads the log from its place, sends what its routes take, and remembers how far it has come.
//!
//! Events of one twin are sent one after the other, those of different twins beside each other. The place moves on when
//! a whole batch was taken or given up, so that after a crash some events are sent again and none is left out.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use parking_lot::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use voltwin_core::{TenantId, Timestamp};
use voltwin_routes::{CloudEvent, Filter};
use voltwin_runtime::Runtime;

use crate::dead::{DeadLetter, DeadLetters};
use crate::endpoint::Retry;
use crate::log::{Entry, EventLog};
use crate::sink::{SendError, Sink};

/// Events of one batch at most, and events that are on their way at once.
const BATCH: usize = 64;
const LANES: usize = 8;
/// How often the place is saved while it moves.
const SAVE_EVERY: Duration = Duration::from_secs(1);
/// The pause after our own disk failed.
const TROUBLE: Duration = Duration::from_secs(1);

/// How an endpoint does.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EndpointStatus {
    /// Events up to here were taken, given up or not meant for it.
    pub place: u64,
    /// Events that it took since the server started.
    pub delivered: u64,
    /// Attempts that failed since the server started.
    pub failed_attempts: u64,
    /// Events that were given up since the server started.
    pub dead: u64,
    /// Events that the log no longer had when their turn came.
    pub lost: u64,
    /// When it last took one.
    pub last_success: Option<Timestamp>,
    /// When an attempt last failed, and why.
    pub last_error: Option<(Timestamp, String)>,
    /// Whether the last attempt failed.
    pub retrying: bool,
}

/// What a worker works with.
pub(crate) struct Work {
    pub(crate) runtime: Runtime,
    pub(crate) tenant: TenantId,
    pub(crate) endpoint: String,
    pub(crate) retry: Retry,
    /// The filters of the routes, each with the place after which it takes events.
    pub(crate) routes: Vec<(u64, Filter)>,
    pub(crate) sink: Arc<dyn Sink>,
    pub(crate) dead: Arc<DeadLetters>,
    /// Where what is given up goes first, when that is an endpoint.
    pub(crate) dead_sink: Option<Arc<dyn Sink>>,
    pub(crate) status: Arc<Mutex<EndpointStatus>>,
}

/// Works until `cancel`.
pub(crate) async fn run(work: Work, log: EventLog, place: u64, cancel: CancellationToken) {
    let mut reader = log.reader(place);
    let mut saved = (place, Instant::now());
    work.status.lock().place = place;
    loop {
        let next = tokio::select! {
            () = cancel.cancelled() => break,
            next = tokio::time::timeout(SAVE_EVERY, reader.next(BATCH)) => next,
        };
        match next {
            Err(_) => {}
            Ok(Err(error)) => {
                tracing::warn!(tenant = %work.tenant, endpoint = work.endpoint, %error, "an event log cannot be read");
                tokio::time::sleep(TROUBLE).await;
            }
            Ok(Ok(batch)) => {
                let done = tokio::select! {
                    // what was on its way is sent again
                    () = cancel.cancelled() => break,
                    () = work.deliver(&batch) => reader.place(),
                };
                let mut status = work.status.lock();
                status.place = done;
                status.lost = reader.lost();
            }
        }
        let place = work.status.lock().place;
        work.gauge(log.head().saturating_sub(place));
        if place > saved.0 && saved.1.elapsed() >= SAVE_EVERY {
            work.save(place).await;
            saved = (place, Instant::now());
        }
    }
    let place = work.status.lock().place;
    work.save(place).await;
}

impl Work {
    async fn save(&self, place: u64) {
        let saved = self.runtime.store().tenant(&self.tenant).save_event_place(&self.endpoint, place).await;
        if let Err(error) = saved {
            tracing::warn!(endpoint = self.endpoint, %error, "could not save the place of an event endpoint");
        }
    }

    fn gauge(&self, lag: u64) {
        let labels = [("tenant", self.tenant.to_string()), ("endpoint", self.endpoint.clone())];
        metrics::gauge!("voltwin_event_lag", &labels).set(lag as f64);
    }

    fn takes(&self, event: &CloudEvent) -> bool {
        self.routes.iter().any(|(since, filter)| event.sequence > *since && filter.matches(event))
    }

    async fn deliver(&self, batch: &[Arc<Entry>]) {
        let mut lanes: Vec<Vec<&CloudEvent>> = vec![Vec::new(); LANES];
        for entry in batch.iter().filter(|entry| self.takes(&entry.event)) {
            lanes[lane(&entry.event)].push(&entry.event);
        }
        let lanes = lanes.into_iter().filter(|lane| !lane.is_empty());
        join_all(lanes.map(|lane| async move {
            for event in lane {
                self.hand_over(event).await;
            }
        }))
        .await;
    }

    /// Tries until the event is taken or given up.
    async fn hand_over(&self, event: &CloudEvent) {
        let mut attempts = 0;
        loop {
            attempts += 1;
            let Err(error) = attempt(&*self.sink, event, self.retry.timeout_s).await else {
                self.note(None);
                return;
            };
            self.note(Some(&error.text));
            let now = self.runtime.now();
            let age_s = event.time.map_or(0.0, |time| now.seconds_since(time));
            let late = age_s >= f64::from(self.retry.ttl_s);
            if error.is_final || late || attempts >= self.retry.attempts_max {
                let letter = DeadLetter {
                    sequence: event.sequence,
                    at: now,
                    attempts,
                    reason: error.text,
                    event: event.clone(),
                };
                return self.give_up(letter).await;
            }
            tokio::time::sleep(pause(&self.retry, attempts, error.retry_after)).await;
        }
    }

    fn note(&self, failure: Option<&str>) {
        let outcome = if failure.is_some() { "failed" } else { "delivered" };
        metrics::counter!("voltwin_event_attempts_total", "outcome" => outcome).increment(1);
        let now = self.runtime.now();
        let mut status = self.status.lock();
        status.retrying = failure.is_some();
        match failure {
            None => {
                status.delivered += 1;
                status.last_success = Some(now);
            }
            Some(text) => {
                status.failed_attempts += 1;
                status.last_error = Some((now, text.to_owned()));
            }
        }
    }

    /// Hands the event to the endpoint for dead letters, or writes it down here; tries until one of them has it.
    async fn give_up(&self, letter: DeadLetter) {
        tracing::warn!(
            tenant = %self.tenant, endpoint = self.endpoint, sequence = letter.sequence, reason = letter.reason,
            "an event was given up"
        );
        metrics::counter!("voltwin_event_dead_letters_total").increment(1);
        self.status.lock().dead += 1;
        if let Some(sink) = &self.dead_sink
            && attempt(&**sink, &letter.event, self.retry.timeout_s).await.is_ok()
        {
            return;
        }
        loop {
            let (dead, copy) = (self.dead.clone(), letter.clone());
            let added = tokio::task::spawn_blocking(move || dead.add(&copy)).await;
            match added {
                Ok(Ok(())) => return,
                Ok(Err(error)) => tracing::error!(%error, "a dead letter could not be written down"),
                Err(error) => tracing::error!(%error, "a dead letter could not be written down"),
            }
            tokio::time::sleep(TROUBLE).await;
        }
    }
}

/// One attempt within its time.
pub(crate) async fn attempt(sink: &dyn Sink, event: &CloudEvent, timeout_s: u32) -> Result<(), SendError> {
    let limit = Duration::from_secs(timeout_s.into());
    tokio::time::timeout(limit, sink.send(event))
        .await
        .unwrap_or_else(|_| Err(SendError::again(format!("no answer within {timeout_s} s"))))
}

/// The lane of the twin that an event is of.
fn lane(event: &CloudEvent) -> usize {
    let graph = event.subject.as_deref().filter(|_| event.kind != voltwin_routes::Kind::Telemetry.name());
    let twin = match graph {
        Some(subject) => subject.split_once("/relationships/").map_or(subject, |(twin, _)| twin),
        // telemetry names its twin at the end of its source
        None => event.source.rsplit_once('/').map_or(event.source.as_str(), |(_, twin)| twin),
    };
    let mut hasher = DefaultHasher::new();
    twin.hash(&mut hasher);
    (hasher.finish() % LANES as u64) as usize
}

/// The pause after a number of failed attempts: doubled each time, by a random half of itself shorter, so that many
/// events do not come back at one moment, and never shorter than the endpoint asks for.
fn pause(retry: &Retry, attempts: u32, retry_after: Option<Duration>) -> Duration {
    let doubled = retry.pause_s * 2f64.powi(i32::try_from(attempts.min(30)).unwrap_or(30) - 1);
    let longest = doubled.min(f64::from(retry.pause_max_s));
    let chance = f64::from(getrandom::u32().unwrap_or(0)) / f64::from(u32::MAX);
    let pause = Duration::from_secs_f64(longest * (0.5 + 0.5 * chance));
    retry_after.map_or(pause, |asked| asked.max(pause))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_their_limit_and_obey_the_receiver() {
        let retry = Retry { pause_s: 1.0, pause_max_s: 60, ..Retry::default() };
        for (attempts, longest) in [(1, 1.0), (2, 2.0), (5, 16.0), (7, 60.0), (1_000, 60.0)] {
            let pause = pause(&retry, attempts, None).as_secs_f64();
            assert!((longest / 2.0..=longest).contains(&pause), "{attempts}: {pause}");
        }
        assert_eq!(pause(&retry, 1, Some(Duration::from_secs(90))), Duration::from_secs(90));
    }

    #[test]
    fn events_of_a_twin_share_a_lane() {
        let event = |kind: &str, source: &str, subject: Option<&str>| CloudEvent {
            id: String::new(),
            source: source.into(),
            kind: kind.into(),
            subject: subject.map(Into::into),
            time: None,
            dataschema: None,
            traceparent: None,
            sequence: 1,
            data: serde_json::Value::Null,
        };
        let own = lane(&event("Microsoft.DigitalTwins.Twin.Update", "h", Some("EV-7")));
        let related = event("Microsoft.DigitalTwins.Relationship.Create", "h", Some("EV-7/relationships/a"));
        assert_eq!(lane(&related), own);
        assert_eq!(lane(&event("microsoft.iot.telemetry", "h/EV-7", Some("pack"))), own);
    }
}
