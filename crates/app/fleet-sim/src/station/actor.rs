//! The task of one station: requests in, frames out, answers and calls in.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use serde_json::Value;
use tokio::sync::{broadcast, mpsc};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use voltwin_battery::Stream;
use voltwin_core::{Timestamp, TransactionPhase};
use voltwin_ocpp::station::{StationAnswer, StationMessage, StationTransaction, read_answer};
use voltwin_ocpp::{BootStatus, TokenStatus, Version, envelope};

use super::link::{FRAME_MAX, Link, LinkError, Target};
use super::outbox::{ATTEMPTS, Entry, Outbox};
use super::session::{Evse, Session};
use super::tell::exact_frame;
use super::{Request, SessionId, SessionOutcome, StationConfig, StationEvent, StationState};

/// Used when the central system leaves the heartbeat interval to us.
const HEARTBEAT: Duration = Duration::from_secs(60);
/// Longest heartbeat interval and boot wait that we believe.
const INTERVAL_S_MAX: u32 = 86_400;

/// What was sent and waits for its answer.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Sent {
    Boot,
    Heartbeat,
    /// The first entry of the outbox.
    Queued,
}

struct InFlight {
    id: String,
    action: &'static str,
    what: Sent,
    deadline: Instant,
}

pub(super) struct Actor {
    pub(super) config: StationConfig,
    pub(super) target: Target,
    inbox: mpsc::Receiver<Request>,
    events: broadcast::Sender<StationEvent>,
    stream: Stream,
    pub(super) run: Uuid,
    pub(super) evses: Vec<Evse>,
    pub(super) sessions: BTreeMap<SessionId, Session>,
    pub(super) next_session: u64,
    pub(super) outbox: Outbox,
    refused: u64,
    next_message: u64,
    in_flight: Option<InFlight>,
    pub(super) connected: bool,
    pub(super) accepted: bool,
    boot_at: Instant,
    boot_reason: Option<String>,
    heartbeat: Duration,
    heartbeat_at: Instant,
    pub(super) meter_at: Instant,
    retry_at: Instant,
    /// Set by a reset: the connection is to be dropped.
    pub(super) restart: bool,
    /// Set by a reset that waits for the transactions to end.
    pub(super) restart_when_idle: bool,
}

/// Wall-clock time, microseconds.
pub(crate) fn wall_clock() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::default() + since
}

impl Actor {
    pub(super) fn new(
        config: StationConfig,
        target: Target,
        inbox: mpsc::Receiver<Request>,
        events: broadcast::Sender<StationEvent>,
    ) -> Self {
        let now = Instant::now();
        let stream = Stream::named(config.seed, "station", &config.identity);
        // Transaction ids must differ between runs, and be the same for the same seed, station and start.
        let name = format!("{}|{}|{}", config.identity, config.seed, wall_clock());
        Self {
            evses: config.evses.iter().map(|_| Evse::new()).collect(),
            outbox: Outbox::new(config.outbox_limit),
            run: Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()),
            config,
            target,
            inbox,
            events,
            stream,
            sessions: BTreeMap::new(),
            next_session: 1,
            refused: 0,
            next_message: 0,
            in_flight: None,
            connected: false,
            accepted: false,
            boot_at: now,
            boot_reason: None,
            heartbeat: HEARTBEAT,
            heartbeat_at: now,
            meter_at: now,
            retry_at: now,
            restart: false,
            restart_when_idle: false,
        }
    }

    pub(super) async fn run(mut self, cancel: CancellationToken) {
        let mut failures: u32 = 0;
        while !cancel.is_cancelled() {
            let Some(opened) = self.open(&cancel).await else { break };
            let was_accepted = match opened {
                Ok(link) => self.online(link, &cancel).await,
                Err(error) => {
                    self.tell(StationEvent::Disconnected { reason: error.to_string() });
                    false
                }
            };
            failures = if was_accepted { 1 } else { failures.saturating_add(1) };
            let wait = self.backoff(failures);
            if !self.wait(Instant::now() + wait, &cancel).await {
                break;
            }
        }
    }

    /// Exponential, less up to half at random, so that a thousand stations do not return in one instant.
    fn backoff(&mut self, failures: u32) -> Duration {
        let factor = 2_u32.saturating_pow(failures.saturating_sub(1).min(16));
        let full = self.config.backoff_min.saturating_mul(factor).min(self.config.backoff_max);
        full.mul_f64(1.0 - 0.5 * self.stream.uniform())
    }

    /// Connects while requests go on. `None` when it is over.
    async fn open(&mut self, cancel: &CancellationToken) -> Option<Result<Link, LinkError>> {
        let target = self.target.clone();
        let opening = Link::open(&target);
        tokio::pin!(opening);
        loop {
            let meter_at = self.next_meter();
            tokio::select! {
                () = cancel.cancelled() => return None,
                opened = &mut opening => return Some(opened),
                request = self.inbox.recv() => self.request(request?),
                () = sleep_until(meter_at) => self.take_meter_values(),
            }
        }
    }

    /// Stays offline until `until` while requests go on. False when it is over.
    async fn wait(&mut self, until: Instant, cancel: &CancellationToken) -> bool {
        loop {
            let meter_at = self.next_meter();
            tokio::select! {
                () = cancel.cancelled() => return false,
                () = sleep_until(until) => return true,
                request = self.inbox.recv() => match request {
                    Some(request) => self.request(request),
                    None => return false,
                },
                () = sleep_until(meter_at) => self.take_meter_values(),
            }
        }
    }

    /// Serves one connection to its end; true when its boot was accepted.
    async fn online(&mut self, mut link: Link, cancel: &CancellationToken) -> bool {
        self.tell(StationEvent::Connected);
        (self.connected, self.accepted, self.restart) = (true, false, false);
        self.in_flight = None;
        self.boot_at = Instant::now();
        self.outbox.drop_passing();
        self.outbox.mark_offline();
        let ended = loop {
            if let Err(error) = self.pump(&mut link).await {
                break error.to_string();
            }
            if self.restart {
                break "restart".to_owned();
            }
            let wake_at = self.wake_at();
            tokio::select! {
                () = cancel.cancelled() => break "ended".to_owned(),
                request = self.inbox.recv() => match request {
                    Some(request) => self.request(request),
                    None => break "ended".to_owned(),
                },
                frame = link.receive() => match frame {
                    Ok(text) => if let Some(reply) = self.frame(&text)
                        && let Err(error) = link.send(reply).await
                    {
                        break error.to_string();
                    },
                    Err(error) => break error.to_string(),
                },
                () = sleep_until(wake_at) => if self.timed_out() {
                    break "an answer took too long".to_owned();
                },
            }
            self.take_meter_values();
        };
        link.close().await;
        self.connected = false;
        self.in_flight = None;
        self.tell(StationEvent::Disconnected { reason: ended });
        std::mem::take(&mut self.accepted)
    }

    fn wake_at(&self) -> Instant {
        let mut at = self.next_meter();
        match &self.in_flight {
            Some(call) => at = at.min(call.deadline),
            None if !self.accepted => at = at.min(self.boot_at),
            None if self.outbox.front().is_some() => at = at.min(self.retry_at),
            None => at = at.min(self.heartbeat_at),
        }
        at
    }

    fn timed_out(&self) -> bool {
        self.in_flight.as_ref().is_some_and(|call| call.deadline <= Instant::now())
    }

    /// Sends what is next, one call at a time.
    async fn pump(&mut self, link: &mut Link) -> Result<(), LinkError> {
        while self.in_flight.is_none() {
            let now = Instant::now();
            let (what, message) = if !self.accepted {
                if now < self.boot_at {
                    return Ok(());
                }
                (Sent::Boot, self.boot())
            } else if let Some(entry) = self.outbox.front() {
                if now < self.retry_at {
                    return Ok(());
                }
                match self.message_of(entry) {
                    Some(message) => (Sent::Queued, message),
                    None => {
                        // Its start was given up, so there is no transaction to tell of.
                        self.give_up();
                        continue;
                    }
                }
            } else if now >= self.heartbeat_at {
                self.heartbeat_at = now + self.heartbeat;
                (Sent::Heartbeat, StationMessage::Heartbeat)
            } else {
                return Ok(());
            };
            self.call(link, what, &message).await?;
        }
        Ok(())
    }

    async fn call(&mut self, link: &mut Link, what: Sent, message: &StationMessage) -> Result<(), LinkError> {
        match message.to_call(self.config.version) {
            Ok((action, payload)) => {
                self.next_message += 1;
                let id = format!("{:x}", self.next_message);
                let text = exact_frame(&id, action, payload, message);
                let deadline = Instant::now() + self.config.call_timeout;
                self.in_flight = Some(InFlight { id, action, what, deadline });
                link.send(text).await
            }
            Err(violation) => {
                tracing::warn!(station = self.config.identity, %violation, "a message cannot be said");
                match what {
                    Sent::Queued => self.give_up(),
                    Sent::Boot => self.boot_at = Instant::now() + HEARTBEAT,
                    Sent::Heartbeat => {}
                }
                Ok(())
            }
        }
    }

    fn boot(&self) -> StationMessage {
        StationMessage::Boot {
            vendor: self.config.vendor.clone(),
            model: self.config.model.clone(),
            serial_number: Some(self.config.serial_number.clone()),
            firmware_version: Some(self.config.firmware_version.clone()),
            reason: self.boot_reason.clone(),
        }
    }

    /// The message of an entry as it is to be sent now; in 1.6 the transaction id comes from the answered start.
    fn message_of(&self, entry: &Entry) -> Option<StationMessage> {
        match entry {
            Entry::Passing(message) => Some(message.clone()),
            Entry::Transaction { session, message } => {
                let mut message = message.clone();
                if message.phase != TransactionPhase::Started {
                    message.transaction_id = self.sessions.get(session)?.transaction_id.clone()?;
                }
                Some(StationMessage::Transaction(message))
            }
        }
    }

    /// A frame came in; answers with the reply to send, if any.
    fn frame(&mut self, text: &str) -> Option<String> {
        let version = self.config.version;
        let parse = |raw: &str| serde_json::from_str::<Value>(raw).unwrap_or(Value::Null);
        match envelope::parse(text, version, FRAME_MAX) {
            Ok(envelope::Frame::Call { id, action, payload }) => {
                Some(self.answer_call(&id, &action, &parse(payload.get())))
            }
            Ok(envelope::Frame::Result { id, payload }) => {
                if let Some(call) = self.in_flight.take_if(|call| call.id == id) {
                    self.answered(&call, read_answer(version, call.action, &parse(payload.get())));
                }
                None
            }
            Ok(envelope::Frame::Error { id, code, description }) => {
                if let Some(call) = self.in_flight.take_if(|call| call.id == id) {
                    tracing::debug!(
                        station = self.config.identity,
                        call.action,
                        code,
                        description,
                        "refused"
                    );
                    self.refused_by_error(&call);
                }
                None
            }
            Ok(_) => None,
            Err(error) if error.answer => {
                let id = error.message_id.as_deref().unwrap_or(envelope::UNKNOWN_ID);
                Some(envelope::error(version, id, error.code, &error.detail))
            }
            Err(_) => None,
        }
    }

    fn answered(&mut self, call: &InFlight, answer: Result<StationAnswer, voltwin_ocpp::Violation>) {
        match (call.what, answer) {
            (Sent::Boot, Ok(StationAnswer::Boot(result))) => {
                self.tell(StationEvent::Booted { status: result.status });
                let interval = match result.interval_s {
                    0 => HEARTBEAT,
                    s => Duration::from_secs(u64::from(s.min(INTERVAL_S_MAX))),
                };
                if result.status == BootStatus::Accepted {
                    self.accepted = true;
                    self.boot_reason = None;
                    self.heartbeat = interval;
                    self.heartbeat_at = Instant::now() + interval;
                    self.tell_statuses();
                } else {
                    self.boot_at = Instant::now() + interval;
                }
            }
            (Sent::Boot, _) => self.boot_at = Instant::now() + HEARTBEAT,
            (Sent::Heartbeat, _) => {}
            (Sent::Queued, answer) => {
                // An answer that breaks its schema still says that the message arrived.
                let answer = answer.unwrap_or(StationAnswer::Empty);
                if let Some(Entry::Transaction { session, message }) = self.outbox.pop() {
                    self.acknowledged(session, &message, answer);
                }
            }
        }
    }

    fn acknowledged(&mut self, id: SessionId, message: &StationTransaction, answer: StationAnswer) {
        let StationAnswer::Transaction { transaction_id, token } = answer else {
            if message.phase != TransactionPhase::Updated
                && let Some(session) = self.sessions.get_mut(&id)
            {
                session.intact &= session.transaction_id.is_some();
            }
            return self.finish(id, message.phase);
        };
        if message.phase == TransactionPhase::Started
            && let Some(session) = self.sessions.get_mut(&id)
        {
            if self.config.version == Version::V16 {
                session.transaction_id = transaction_id;
            }
            let evse = session.evse;
            let transaction_id = session.transaction_id.clone().unwrap_or_default();
            self.tell(StationEvent::Started { evse, session: id, transaction_id });
        }
        let refused = token.is_some_and(|status| status != TokenStatus::Accepted);
        if refused && self.config.stop_on_invalid_id && message.phase != TransactionPhase::Ended {
            self.stop(id, "DeAuthorized", None);
        }
        self.finish(id, message.phase);
    }

    fn refused_by_error(&mut self, call: &InFlight) {
        match call.what {
            Sent::Boot => self.boot_at = Instant::now() + HEARTBEAT,
            Sent::Heartbeat => {}
            Sent::Queued => {
                self.outbox.attempts += 1;
                let kept = matches!(self.outbox.front(), Some(Entry::Transaction { .. }));
                if kept && self.outbox.attempts < ATTEMPTS {
                    self.retry_at = Instant::now() + Duration::from_secs(1) * self.outbox.attempts;
                } else {
                    self.give_up();
                }
            }
        }
    }

    /// Drops the first entry.
    fn give_up(&mut self) {
        let Some(Entry::Transaction { session: id, message }) = self.outbox.pop() else { return };
        self.refused += 1;
        if message.phase != TransactionPhase::Updated
            && let Some(session) = self.sessions.get_mut(&id)
        {
            session.intact = false;
        }
        self.finish(id, message.phase);
    }

    /// The end of a transaction is settled: nobody asks for it again.
    fn finish(&mut self, id: SessionId, phase: TransactionPhase) {
        if phase != TransactionPhase::Ended {
            return;
        }
        let Some(mut session) = self.sessions.remove(&id) else { return };
        let outcome: SessionOutcome = session.outcome(id);
        if let Some(waiter) = session.waiter.take() {
            // Nobody may be waiting any more.
            let _ = waiter.send(outcome.clone());
        }
        self.tell(StationEvent::Ended(outcome));
    }

    pub(super) fn tell(&self, event: StationEvent) {
        // Without a reader there is nobody to tell.
        let _ = self.events.send(event);
    }

    fn next_meter(&self) -> Instant {
        if self.config.meter_interval.is_some() {
            self.meter_at
        } else {
            Instant::now() + Duration::from_secs(3_600)
        }
    }

    pub(super) fn set_boot_reason(&mut self, reason: &str) {
        self.boot_reason = Some(reason.to_owned());
    }

    pub(super) fn boot_now(&mut self) {
        self.boot_at = Instant::now();
        self.accepted = false;
    }

    pub(super) fn heartbeat_now(&mut self) {
        self.heartbeat_at = Instant::now();
    }

    pub(super) fn state(&self) -> StationState {
        StationState {
            online: self.connected && self.accepted,
            queued: self.outbox.len(),
            dropped: self.outbox.dropped,
            refused: self.refused,
            evses: self.evses.iter().map(|e| e.status).collect(),
        }
    }
}
