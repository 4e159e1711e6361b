//! One connection of one station, without its socket: text in, text out.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Interval, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use voltwin_core::TraceId;
use voltwin_ocpp::{
    CallId, CallOutcome, Direction, Effect, Fact, Session, SessionConfig, Validation, Version, Violation,
};
use voltwin_runtime::RuntimeError;

use crate::decide::Speaker;
use crate::directory::{Dispatch, Entry, LINK_QUEUE};
use crate::log::presentable;
use crate::validation::{Make, Place};
use crate::{Admission, CentralSystem};

/// How often a link looks whether a command went unanswered too long, while one is under way.
const TICK: Duration = Duration::from_secs(1);
/// How often otherwise: ten thousand silent stations must not wake up every second.
const IDLE_TICK: Duration = Duration::from_secs(20);

/// What the socket task must do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outgoing {
    /// Send this text frame.
    Text(String),
    /// Send what is waiting, then close with this code and reason.
    Close {
        /// The WebSocket close code.
        code: u16,
        /// The reason, at most 123 bytes.
        reason: String,
    },
}

/// One connection. Its owner feeds it what the socket reads ([`Link::on_text`]), waits for what it has to say by
/// itself ([`Link::next`]), and ends it with [`Link::close`].
pub struct Link {
    csms: CentralSystem,
    who: Admission,
    version: Version,
    generation: u64,
    session: Session,
    commands: mpsc::Receiver<Box<Dispatch>>,
    replaced: CancellationToken,
    waiting: HashMap<CallId, oneshot::Sender<CallOutcome>>,
    /// What the station says it is.
    make: Make,
    /// Calls that broke nothing, since the connection began.
    good_calls: u64,
    tick: Interval,
}

impl CentralSystem {
    /// Takes over the connection of an admitted station; an older one is told to close.
    ///
    /// # Errors
    /// When it cannot be recorded that the station is online.
    pub async fn link(&self, who: Admission, version: Version) -> Result<Link, RuntimeError> {
        let generation = self.inner.generation.fetch_add(1, Ordering::Relaxed);
        let (sender, commands) = mpsc::channel(LINK_QUEUE);
        let replaced = CancellationToken::new();
        let entry = Entry { generation, version, commands: sender, replaced: replaced.clone() };
        // taken over first: an older connection that ends from here on does not mark the station offline
        self.inner.directory.enter(&who.tenant, &who.station, entry);
        if let Err(error) = self.mark_online(&who.tenant, &who.station, version).await {
            self.inner.directory.leave(&who.tenant, &who.station, generation);
            return Err(error);
        }
        let boot_accepted = self.inner.runtime.read(&who.tenant, |graph| {
            let status = graph.twin(who.station.as_str())?.get("boot_status")?;
            Some(status.as_str() == Some("Accepted"))
        });
        let make = self.make_of(&who.tenant, &who.station);
        let config = SessionConfig {
            version,
            validation: self.validation_for(&who.tenant, &who.station, &make),
            max_frame_bytes: self.inner.config.max_frame_bytes,
            max_report_bytes: self.inner.config.max_report_bytes,
            call_timeout_s: f64::from(self.inner.config.call_timeout_s),
            boot_accepted: boot_accepted.unwrap_or(false),
        };
        let session = Session::new(config, self.inner.runtime.now());
        self.plan_return(&who.tenant, &who.station);
        self.inner.recordings.opened(&who.tenant, &who.station, self.inner.runtime.now(), version);
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        Ok(Link {
            csms: self.clone(),
            who,
            version,
            generation,
            session,
            commands,
            replaced,
            waiting: HashMap::new(),
            make,
            good_calls: 0,
            tick,
        })
    }
}

impl Link {
    /// Takes one text frame; returns what to send after its events are durable.
    pub async fn on_text(&mut self, text: &str) -> Vec<Outgoing> {
        let begun = Instant::now();
        metrics::counter!("voltwin_ocpp_frames_total", "direction" => "in").increment(1);
        self.session.set_validation(self.policy());
        let effects = self.session.on_text(text, self.csms.inner.runtime.now());
        let outgoing = self.perform(effects).await;
        metrics::histogram!("voltwin_frame_to_answer_seconds").record(begun.elapsed().as_secs_f64());
        outgoing
    }

    /// Takes a binary frame, which OCPP-J does not have.
    pub async fn on_binary(&mut self) -> Vec<Outgoing> {
        let effects = self.session.on_binary(self.csms.inner.runtime.now());
        self.perform(effects).await
    }

    /// Waits until the central system has something to say by itself: a command, a timeout, a takeover. Cancelling
    /// it loses nothing. What it does then is on the heap, so that a station that is silent costs no room for it.
    pub async fn next(&mut self) -> Vec<Outgoing> {
        tokio::select! {
            biased;
            () = self.replaced.cancelled() => {
                let reason = "replaced by a newer connection of this station".to_owned();
                vec![Outgoing::Close { code: 1008, reason }]
            }
            Some(dispatch) = self.commands.recv() => {
                self.tick.reset_after(TICK);
                Box::pin(self.dispatch(*dispatch)).await
            }
            _ = self.tick.tick() => {
                let outgoing = Box::pin(self.look_around()).await;
                if self.session.next_deadline().is_none() {
                    self.tick.reset_after(IDLE_TICK);
                }
                outgoing
            }
        }
    }

    async fn look_around(&mut self) -> Vec<Outgoing> {
        self.csms.calm_violations(&(self.who.tenant.clone(), self.who.station.clone())).await;
        self.pass_time().await
    }

    /// Lets time pass without waiting for it: a command that went unanswered too long ends.
    pub(crate) async fn pass_time(&mut self) -> Vec<Outgoing> {
        let effects = self.session.tick(self.csms.inner.runtime.now());
        self.perform(effects).await
    }

    /// Ends the connection: calls in flight fail, and the station is offline unless a newer connection has it.
    pub async fn close(mut self) {
        let effects = self.session.closed();
        self.perform(effects).await;
        self.waiting.clear();
        let at = self.csms.inner.runtime.now();
        // one that a newer connection has replaced is not the one that is recorded
        if self
            .csms
            .inner
            .directory
            .get(&self.who.tenant, &self.who.station)
            .is_some_and(|entry| entry.generation == self.generation)
        {
            self.csms.inner.recordings.closed(&self.who.tenant, &self.who.station, at);
        }
        if self.csms.inner.directory.leave(&self.who.tenant, &self.who.station, self.generation) {
            let (tenant, station) = (&self.who.tenant, &self.who.station);
            self.csms.mark_offline(tenant, station).await;
            // one that came meanwhile may have been recorded before
            if let Some(newer) = self.csms.inner.directory.get(tenant, station)
                && let Err(error) = self.csms.mark_online(tenant, station, newer.version).await
            {
                tracing::warn!(%station, %error, "could not record that the station is online");
            }
        }
    }

    async fn dispatch(&mut self, dispatch: Dispatch) -> Vec<Outgoing> {
        let id = dispatch.id;
        match self.session.call(id, &dispatch.command, self.csms.inner.runtime.now()) {
            Ok(effects) => {
                self.waiting.insert(id, dispatch.outcome);
                self.perform(effects).await
            }
            Err(error) => {
                let outcome =
                    CallOutcome::Error { code: "NotSent".to_owned(), description: error.to_string() };
                let _ = dispatch.outcome.send(outcome);
                Vec::new()
            }
        }
    }

    async fn perform(&mut self, effects: Vec<Effect>) -> Vec<Outgoing> {
        let trace = CentralSystem::trace();
        let mut outgoing = Vec::new();
        // the frame that the effects after it are about
        let mut heard = (String::new(), "malformed", None);
        let mut effects = VecDeque::from(effects);
        while let Some(effect) = effects.pop_front() {
            match effect {
                Effect::Send(text) => {
                    metrics::counter!("voltwin_ocpp_frames_total", "direction" => "out").increment(1);
                    outgoing.push(Outgoing::Text(text));
                }
                Effect::Ask { ticket, action, fact, violations } => {
                    if let Fact::Boot { vendor, model, firmware_version, .. } = &fact {
                        let firmware = firmware_version.clone().unwrap_or_default();
                        self.make = Make { vendor: vendor.clone(), model: model.clone(), firmware };
                    }
                    if violations.is_empty() {
                        self.good_calls += 1;
                    } else {
                        let id = self.session.asked(ticket);
                        self.file((action, "call", id), &violations, trace).await;
                    }
                    let answer = self.ask(action, fact, trace).await;
                    effects.extend(self.session.answer(ticket, answer, self.csms.inner.runtime.now()));
                }
                // the one message without an answer that there is
                Effect::Tell { fact } => drop(self.ask("NotifyPeriodicEventStream", fact, trace).await),
                Effect::AnswerRejected { message_id, action, code, description } => {
                    let rejected = serde_json::json!({
                        "message_id": message_id,
                        "action": action,
                        "code": code,
                        "description": description,
                    });
                    let (tenant, station) = (&self.who.tenant, &self.who.station);
                    let speaker =
                        Speaker { tenant, station, version: self.version, trace, quarantined: false };
                    self.csms.answer_rejected(&speaker, rejected).await;
                }
                Effect::CallDone { id, outcome } => {
                    if let Some(waiting) = self.waiting.remove(&id) {
                        let _ = waiting.send(outcome);
                    }
                }
                Effect::Log(frame) => {
                    if frame.direction == Direction::In {
                        let action = frame.action.clone().unwrap_or_default();
                        heard = (action, frame.kind.as_str(), frame.message_id.clone());
                    }
                    self.log(frame, trace);
                }
                Effect::Violation(violation) => {
                    let (action, kind, id) = &heard;
                    self.file((action, kind, id.as_deref()), &[violation], trace).await;
                }
                Effect::Close { code, reason } => outgoing.push(Outgoing::Close { code, reason }),
            }
        }
        outgoing
    }

    fn policy(&self) -> Validation {
        self.csms.validation_for(&self.who.tenant, &self.who.station, &self.make)
    }

    async fn file(
        &self,
        (action, kind, message_id): (&str, &'static str, Option<&str>),
        violations: &[Violation],
        trace: TraceId,
    ) {
        let who = (self.who.tenant.clone(), self.who.station.clone());
        let place = Place { make: &self.make, action, kind, message_id, good_calls: self.good_calls };
        self.csms.file_violations(&who, &place, violations, trace).await;
    }

    async fn ask(&self, action: &'static str, fact: Fact, trace: TraceId) -> voltwin_ocpp::Answer {
        tracing::debug!(station = %self.who.station, %trace, ?fact, "station fact");
        let (tenant, station) = (&self.who.tenant, &self.who.station);
        let quarantined = self.policy() == Validation::Quarantine;
        let speaker = Speaker { tenant, station, version: self.version, trace, quarantined };
        if quarantined {
            return self.csms.decide_in_quarantine(&speaker, action, fact, &self.make).await;
        }
        self.csms.decide(&speaker, fact).await
    }

    fn log(&self, frame: voltwin_ocpp::FrameLog, trace: TraceId) {
        let at = self.csms.inner.runtime.now();
        self.csms.inner.recordings.frame((&self.who.tenant, &self.who.station), at, &frame);
        self.csms.inner.messages.push(voltwin_messages::Frame {
            tenant: self.who.tenant.clone(),
            station: self.who.station.clone(),
            at,
            direction: match frame.direction {
                Direction::In => "in",
                Direction::Out => "out",
            },
            kind: frame.kind.as_str(),
            action: frame.action,
            id: frame.message_id,
            payload: presentable(&frame.text),
            outcome: Some(frame.outcome).filter(|outcome| !matches!(outcome.as_str(), "" | "ok")),
            trace: Some(trace),
        });
    }
}
