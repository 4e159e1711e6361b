//! The central-system side of one connection, as a state machine without I/O.
//!
//! Text comes in by [`Session::on_text`], decisions by [`Session::answer`], commands by [`Session::call`] and
//! time by [`Session::tick`]; out come [`Effect`]s, to be carried out in order. Rules:
//!
//! - One call of the station is decided at a time. Up to [`INBOX_LIMIT`] more wait; a further one is answered
//!   with an error, after which a station sends its transaction messages again. One that repeats the id of a
//!   call that is still open is dropped: its answer is on the way.
//! - One command is under way at a time. Up to [`OUTBOX_LIMIT`] more wait; a further one is `Busy`.
//! - Before the boot is accepted the station may say nothing but `BootNotification` (`SecurityError`), except
//!   what a trigger or report request of ours asked for while the boot was pending.
//! - An answer to a command that has timed out, or that nobody asked, is logged, counted and ignored.

use std::collections::VecDeque;

use serde_json::{Value, value::RawValue};
use voltwin_core::Timestamp;

use crate::{
    Answer, BootStatus, CallId, CallOutcome, Command, CommandError, Direction, Effect, ErrorCode, Fact,
    FrameKind, FrameLog, Ticket, Validation, Version, Violation, decode_call, encode,
    envelope::{self, Frame, FrameError},
    messages,
};

/// How many calls of the station may wait behind the one being decided.
pub const INBOX_LIMIT: usize = 16;
/// How many commands may wait behind the one under way.
pub const OUTBOX_LIMIT: usize = 32;
/// The most text of one frame that goes into the message log, in bytes.
const LOG_BYTES: usize = envelope::REPORT_MAX_BYTES;
/// Calls that may be longer than others: reports, and what carries meter values, which are money: a station sends them until they are
/// taken.
const LONG: [&str; 10] = [
    "MeterValues",
    "NotifyCustomerInformation",
    "NotifyDisplayMessages",
    "NotifyEvent",
    "NotifyMonitoringReport",
    "NotifyReport",
    "ReportChargingProfiles",
    "ReportDERControl",
    "StopTransaction",
    "TransactionEvent",
];
/// How many timed-out message ids are remembered, to tell a late answer from an unknown one.
const LATE_IDS: usize = 16;

/// How a session is to behave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SessionConfig {
    /// The version that was negotiated.
    pub version: Version,
    /// How strictly the station is held to it.
    pub validation: Validation,
    /// The longest frame that is read; a longer one closes the connection with 1009.
    pub max_frame_bytes: usize,
    /// The longest frame of a message that may be long: a report, the end of a transaction with its meter values, the
    /// answer to the command under way. Longer ones close the connection with 1009.
    pub max_report_bytes: usize,
    /// How long a command may go unanswered, in seconds.
    pub call_timeout_s: f64,
    /// True when the station's boot was accepted on an earlier connection and still stands.
    pub boot_accepted: bool,
}

impl SessionConfig {
    /// Strict, 64 KiB (reports 1 MiB), 30 s, boot not accepted yet.
    #[must_use]
    pub fn new(version: Version) -> Self {
        Self {
            version,
            validation: Validation::Strict,
            max_frame_bytes: envelope::DEFAULT_MAX_BYTES,
            max_report_bytes: envelope::REPORT_MAX_BYTES,
            call_timeout_s: 30.0,
            boot_accepted: false,
        }
    }
}

/// What the boot of the station has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Boot {
    Unknown,
    Is(BootStatus),
}

/// A call of the station that has been understood.
#[derive(Debug)]
struct Inbound {
    message_id: String,
    call: crate::Call,
}

/// A command on its way.
#[derive(Debug)]
struct Outbound {
    id: CallId,
    action: String,
    payload: Value,
    deadline: Timestamp,
}

/// See the [module](self).
#[derive(Debug)]
pub struct Session {
    config: SessionConfig,
    boot: Boot,
    next_ticket: u64,
    deciding: Option<(Ticket, String, &'static str)>,
    inbox: VecDeque<Inbound>,
    under_way: Option<Outbound>,
    outbox: VecDeque<Outbound>,
    late: VecDeque<String>,
    answered: VecDeque<(String, &'static str)>,
    triggered: Vec<String>,
    unknown_answers: u64,
    last_in: Timestamp,
    closed: bool,
}

impl Session {
    /// A session that has just been connected.
    #[must_use]
    pub fn new(config: SessionConfig, now: Timestamp) -> Self {
        let boot = if config.boot_accepted { Boot::Is(BootStatus::Accepted) } else { Boot::Unknown };
        Self {
            config,
            boot,
            next_ticket: 0,
            deciding: None,
            inbox: VecDeque::new(),
            under_way: None,
            outbox: VecDeque::new(),
            late: VecDeque::new(),
            answered: VecDeque::new(),
            triggered: Vec::new(),
            unknown_answers: 0,
            last_in: now,
            closed: false,
        }
    }

    /// The version spoken.
    #[must_use]
    pub fn version(&self) -> Version {
        self.config.version
    }

    /// Whether the station may take part.
    #[must_use]
    pub fn boot_accepted(&self) -> bool {
        self.boot == Boot::Is(BootStatus::Accepted)
    }

    /// Holds the station to the protocol in another way, from the next frame on.
    pub fn set_validation(&mut self, validation: Validation) {
        self.config.validation = validation;
    }

    /// Answers that came too late or that nobody asked for, since the start of the session.
    #[must_use]
    pub fn unknown_answers(&self) -> u64 {
        self.unknown_answers
    }

    /// When the last frame of the station came, or the start of the session.
    #[must_use]
    pub fn last_in(&self) -> Timestamp {
        self.last_in
    }

    /// When [`Session::tick`] has something to do next.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.under_way.as_ref().map(|call| call.deadline)
    }

    /// A text frame of the station.
    pub fn on_text(&mut self, text: &str, now: Timestamp) -> Vec<Effect> {
        if self.closed {
            return Vec::new();
        }
        self.last_in = now;
        let mut effects = Vec::with_capacity(4);
        let longest = self.config.max_frame_bytes.max(self.config.max_report_bytes);
        let frame =
            envelope::parse(text, self.config.version, longest).and_then(|frame| self.measured(text, frame));
        match frame {
            Err(error) => self.on_malformed(text, error, now, &mut effects),
            Ok(Frame::Call { id, action, payload }) => {
                self.on_call(text, id, &action, payload, &mut effects);
            }
            Ok(Frame::Result { id, payload }) => self.on_result(text, &id, payload, now, &mut effects),
            Ok(Frame::Error { id, code, description }) => {
                let outcome = CallOutcome::Error { code: code.clone(), description };
                self.on_answered(text, &id, FrameKind::Error, outcome, &code, now, &mut effects);
            }
            Ok(Frame::ResultError { id, code, description }) => {
                log(&mut effects, Direction::In, FrameKind::Error, None, Some(&id), text, &code);
                let detail = format!("the station could not read the answer to {id}: {code} {description}");
                effects.push(Effect::Violation(Violation::new(ErrorCode::GenericError, "", detail)));
                let action =
                    self.answered.iter().rev().find(|(known, _)| *known == id).map(|(_, action)| *action);
                effects.push(Effect::AnswerRejected { message_id: id, action, code, description });
            }
            Ok(Frame::Send { id, action, payload }) => {
                self.on_send(text, &id, &action, payload, &mut effects);
            }
        }
        effects
    }

    /// The frame, when it may be as long as it is.
    fn measured<'a>(&self, text: &str, frame: Frame<'a>) -> Result<Frame<'a>, FrameError> {
        let may_be_long = match &frame {
            Frame::Call { action, .. } => LONG.contains(&action.as_str()),
            Frame::Result { id, .. } => {
                self.under_way.as_ref().is_some_and(|call| call.id.to_string() == *id)
            }
            _ => false,
        };
        let limit = self.config.max_frame_bytes;
        if may_be_long || text.len() <= limit {
            Ok(frame)
        } else {
            Err(FrameError::too_big(text.len(), limit))
        }
    }

    /// A binary frame of the station, which OCPP-J does not have: the connection is closed with 1003.
    pub fn on_binary(&mut self, now: Timestamp) -> Vec<Effect> {
        if self.closed {
            return Vec::new();
        }
        self.last_in = now;
        let violation = Violation::new(ErrorCode::RpcFrameworkError, "", "a binary frame, OCPP-J is text");
        let reason = violation.detail.clone();
        let mut effects = vec![Effect::Violation(violation), Effect::Close { code: 1003, reason }];
        effects.extend(self.closed());
        effects
    }

    /// The id of the message that an open [`Effect::Ask`] is about.
    #[must_use]
    pub fn asked(&self, ticket: Ticket) -> Option<&str> {
        self.deciding.as_ref().filter(|(open, ..)| *open == ticket).map(|(_, id, _)| id.as_str())
    }

    /// The decision on an [`Effect::Ask`]. A ticket that is not open is ignored.
    pub fn answer(&mut self, ticket: Ticket, answer: Answer, _now: Timestamp) -> Vec<Effect> {
        let Some((_, message_id, action)) = self.deciding.take_if(|(open, ..)| *open == ticket) else {
            return Vec::new();
        };
        if let Answer::Boot { status, .. } = answer {
            self.boot = Boot::Is(status);
            self.triggered.clear();
        }
        let mut effects = Vec::with_capacity(3);
        match encode::answer_payload(self.config.version, action, answer) {
            Ok(payload) => {
                let text = envelope::result(&message_id, &payload);
                send(&mut effects, FrameKind::Result, action, &message_id, text, "ok");
                if self.config.version == Version::V21 {
                    if self.answered.len() >= LATE_IDS {
                        self.answered.pop_front();
                    }
                    self.answered.push_back((message_id, action));
                }
            }
            Err(violation) => self.refuse(&message_id, action, &violation, &mut effects),
        }
        self.ask_next(&mut effects);
        effects
    }

    /// Sends a command, or queues it behind the one under way.
    ///
    /// # Errors
    /// [`CommandError`] when it is not valid in the version, may not be sent yet, or too many wait.
    pub fn call(
        &mut self,
        id: CallId,
        command: &Command,
        now: Timestamp,
    ) -> Result<Vec<Effect>, CommandError> {
        if self.closed {
            return Err(CommandError::Closed);
        }
        let (action, payload) = command.to_call(self.config.version)?;
        self.check_boot(&action, &payload)?;
        if self.outbox.iter().chain(&self.under_way).any(|call| call.id == id) {
            return Err(CommandError::Duplicate { id: id.to_string() });
        }
        if self.outbox.len() >= OUTBOX_LIMIT {
            return Err(CommandError::Busy { limit: OUTBOX_LIMIT });
        }
        self.outbox.push_back(Outbound { id, action, payload, deadline: now });
        let mut effects = Vec::new();
        self.send_next(now, &mut effects);
        Ok(effects)
    }

    /// Lets time pass: a command that went unanswered too long ends with a timeout and the next one is sent.
    pub fn tick(&mut self, now: Timestamp) -> Vec<Effect> {
        let mut effects = Vec::new();
        if let Some(call) = self.under_way.take_if(|call| call.deadline <= now) {
            if self.late.len() >= LATE_IDS {
                self.late.pop_front();
            }
            self.late.push_back(call.id.to_string());
            effects.push(Effect::CallDone { id: call.id, outcome: CallOutcome::Timeout });
            self.send_next(now, &mut effects);
        }
        effects
    }

    /// The connection is gone: every command ends with `Disconnected`, every open question is forgotten.
    pub fn closed(&mut self) -> Vec<Effect> {
        self.closed = true;
        self.deciding = None;
        self.inbox.clear();
        let calls = self.under_way.take().into_iter().chain(self.outbox.drain(..));
        calls.map(|call| Effect::CallDone { id: call.id, outcome: CallOutcome::Disconnected }).collect()
    }

    fn on_malformed(&mut self, text: &str, error: FrameError, now: Timestamp, effects: &mut Vec<Effect>) {
        let version = self.config.version;
        let id = error.message_id.as_deref();
        let code = error.code.as_str(version);
        log(effects, Direction::In, FrameKind::Malformed, None, id, text, code);
        effects.push(Effect::Violation(Violation::new(error.code, "", error.detail.clone())));
        if error.too_big {
            effects.push(Effect::Close { code: 1009, reason: error.detail });
            effects.extend(self.closed());
            return;
        }
        // A garbled answer still ends its command: waiting for the timeout would tell nobody more.
        if matches!(error.kind, Some(3 | 4))
            && let Some(call) = self.take_under_way(id)
        {
            let outcome = CallOutcome::Error { code: code.to_owned(), description: error.detail.clone() };
            effects.push(Effect::CallDone { id: call.id, outcome });
            if version == Version::V21 && error.kind == Some(3) {
                let text = envelope::result_error(version, &call.id.to_string(), error.code, &error.detail);
                send(effects, FrameKind::Error, &call.action, &call.id.to_string(), text, code);
            }
            self.send_next(now, effects);
        }
        if error.answer {
            let id = id.unwrap_or(envelope::UNKNOWN_ID);
            let text = envelope::error(version, id, error.code, &error.detail);
            log(effects, Direction::Out, FrameKind::Error, None, Some(id), &text, code);
            effects.push(Effect::Send(text));
        }
    }

    fn on_call(
        &mut self,
        text: &str,
        id: String,
        action: &str,
        payload: &RawValue,
        effects: &mut Vec<Effect>,
    ) {
        let open = self.deciding.as_ref().is_some_and(|(_, open, _)| *open == id)
            || self.inbox.iter().any(|waiting| waiting.message_id == id);
        if open {
            log(effects, Direction::In, FrameKind::Call, Some(action), Some(&id), text, "repeated");
            let detail = format!("the message id {id} is in use by a call that is not answered yet");
            effects.push(Effect::Violation(Violation::new(ErrorCode::ProtocolError, "", detail)));
            return;
        }
        let decoded = decode_call(self.config.version, action, payload, self.config.validation);
        let outcome = match &decoded {
            Ok(_) => "ok",
            Err(violation) => violation.code.as_str(self.config.version),
        };
        log(effects, Direction::In, FrameKind::Call, Some(action), Some(&id), text, outcome);
        match decoded {
            Err(violation) => {
                self.refuse(&id, action, &violation, effects);
                effects.push(Effect::Violation(violation));
            }
            Ok(_) if self.inbox.len() >= INBOX_LIMIT => {
                let detail = format!("more than {INBOX_LIMIT} calls wait for an answer");
                let violation = Violation::new(ErrorCode::GenericError, "", detail);
                self.refuse(&id, action, &violation, effects);
                effects.push(Effect::Violation(violation));
            }
            Ok(call) => {
                self.inbox.push_back(Inbound { message_id: id, call });
                self.ask_next(effects);
            }
        }
    }

    /// Hands out the next waiting call, unless one is being decided.
    fn ask_next(&mut self, effects: &mut Vec<Effect>) {
        while self.deciding.is_none() {
            let Some(Inbound { message_id, call }) = self.inbox.pop_front() else { return };
            let allowed = self.boot_accepted()
                || matches!(call.fact, Fact::Boot { .. })
                || self.triggered.iter().any(|action| action == call.action);
            if !allowed {
                let detail = format!("{} before the boot was accepted", call.action);
                let violation = Violation::new(ErrorCode::SecurityError, "", detail);
                self.refuse(&message_id, call.action, &violation, effects);
                effects.push(Effect::Violation(violation));
                continue;
            }
            let ticket = Ticket(self.next_ticket);
            self.next_ticket += 1;
            self.deciding = Some((ticket, message_id, call.action));
            let (action, fact, violations) = (call.action, call.fact, call.violations);
            effects.push(Effect::Ask { ticket, action, fact, violations });
        }
    }

    fn refuse(&self, id: &str, action: &str, violation: &Violation, effects: &mut Vec<Effect>) {
        let version = self.config.version;
        let text = envelope::error(version, id, violation.code, &violation.to_string());
        send(effects, FrameKind::Error, action, id, text, violation.code.as_str(version));
    }

    fn on_result(
        &mut self,
        text: &str,
        id: &str,
        payload: &RawValue,
        now: Timestamp,
        effects: &mut Vec<Effect>,
    ) {
        let version = self.config.version;
        let checked = self
            .under_way
            .as_ref()
            .filter(|call| call.id.to_string() == id)
            .map(|call| messages::check_answer_strictly(version, &call.action, payload.get()));
        let value = serde_json::from_str(payload.get()).unwrap_or(Value::Null);
        let code = match &checked {
            Some(Err(violation)) => violation.code.as_str(version),
            _ => "ok",
        };
        let action = self.under_way.as_ref().map(|call| call.action.clone());
        self.on_answered(text, id, FrameKind::Result, CallOutcome::Answer(value), code, now, effects);
        // The command has its answer all the same: what the station said is what whoever asked must see.
        if let (Some(Err(violation)), Some(action)) = (checked, action) {
            if version == Version::V21 {
                let text = envelope::result_error(version, id, violation.code, &violation.to_string());
                send(effects, FrameKind::Error, &action, id, text, code);
            }
            effects.push(Effect::Violation(violation));
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one frame and where its effects go")]
    fn on_answered(
        &mut self,
        text: &str,
        id: &str,
        kind: FrameKind,
        outcome: CallOutcome,
        code: &str,
        now: Timestamp,
        effects: &mut Vec<Effect>,
    ) {
        if let Some(call) = self.take_under_way(Some(id)) {
            log(effects, Direction::In, kind, Some(&call.action), Some(id), text, code);
            effects.push(Effect::CallDone { id: call.id, outcome });
            self.send_next(now, effects);
        } else {
            self.unknown_answers = self.unknown_answers.saturating_add(1);
            let why = if self.late.iter().any(|late| late == id) { "late" } else { "unknown id" };
            log(effects, Direction::In, kind, None, Some(id), text, why);
        }
    }

    fn on_send(&mut self, text: &str, id: &str, action: &str, payload: &RawValue, effects: &mut Vec<Effect>) {
        let checked = messages::check_send(action, payload.get());
        let code = checked.as_ref().err().map_or("ok", |v| v.code.as_str(self.config.version));
        log(effects, Direction::In, FrameKind::Send, Some(action), Some(id), text, code);
        match checked {
            Err(violation) if violation.code == ErrorCode::NotImplemented => {
                effects.push(Effect::Violation(violation));
            }
            Err(violation) => {
                let found = messages::together(Some(violation), messages::strange_in_send(payload.get()));
                effects.extend(found.into_iter().map(Effect::Violation));
            }
            // It cannot be refused, so that before the boot it is only not listened to.
            Ok(()) if !self.boot_accepted() => {}
            Ok(()) => {
                effects.extend(messages::strange_in_send(payload.get()).into_iter().map(Effect::Violation));
                let payload = serde_json::from_str(payload.get()).unwrap_or(Value::Null);
                effects.push(Effect::Tell {
                    fact: Fact::Other { action: "NotifyPeriodicEventStream", payload },
                });
            }
        }
    }

    fn take_under_way(&mut self, id: Option<&str>) -> Option<Outbound> {
        let id = id?;
        self.under_way.take_if(|call| call.id.to_string() == id)
    }

    fn send_next(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        if self.under_way.is_some() {
            return;
        }
        let Some(mut call) = self.outbox.pop_front() else { return };
        let id = call.id.to_string();
        let text = envelope::call(&id, &call.action, &call.payload);
        send(effects, FrameKind::Call, &call.action, &id, text, "ok");
        call.deadline = now.plus_seconds(self.config.call_timeout_s);
        call.payload = Value::Null;
        self.under_way = Some(call);
    }

    /// Before the boot is accepted only configuration and triggers may be sent, after a refusal nothing.
    fn check_boot(&mut self, action: &str, payload: &Value) -> Result<(), CommandError> {
        let configures = matches!(
            action,
            "TriggerMessage"
                | "ExtendedTriggerMessage"
                | "GetConfiguration"
                | "ChangeConfiguration"
                | "GetVariables"
                | "SetVariables"
                | "GetBaseReport"
                | "GetReport"
        );
        match self.boot {
            Boot::Is(BootStatus::Accepted) => return Ok(()),
            Boot::Is(BootStatus::Pending) | Boot::Unknown if configures => {}
            _ => return Err(CommandError::NotBooted { action: action.to_owned() }),
        }
        let asked = match action {
            "GetBaseReport" | "GetReport" => Some("NotifyReport"),
            _ => payload.get("requestedMessage").and_then(Value::as_str).map(asked_message),
        };
        if let Some(asked) = asked.filter(|_| self.boot == Boot::Is(BootStatus::Pending))
            && self.triggered.len() < OUTBOX_LIMIT
            && !self.triggered.iter().any(|known| known == asked)
        {
            self.triggered.push(asked.to_owned());
        }
        Ok(())
    }
}

/// The message that a trigger asks for: of all kinds of certificate there is one.
fn asked_message(requested: &str) -> &str {
    match requested {
        "SignChargePointCertificate"
        | "SignChargingStationCertificate"
        | "SignV2GCertificate"
        | "SignV2G20Certificate"
        | "SignCombinedCertificate" => "SignCertificate",
        other => other,
    }
}

fn send(effects: &mut Vec<Effect>, kind: FrameKind, action: &str, id: &str, text: String, outcome: &str) {
    log(effects, Direction::Out, kind, Some(action), Some(id), &text, outcome);
    effects.push(Effect::Send(text));
}

fn log(
    effects: &mut Vec<Effect>,
    direction: Direction,
    kind: FrameKind,
    action: Option<&str>,
    id: Option<&str>,
    text: &str,
    outcome: &str,
) {
    let mut end = text.len().min(LOG_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    effects.push(Effect::Log(FrameLog {
        direction,
        kind,
        action: action.map(|action| action.chars().take(64).collect()),
        message_id: id.map(str::to_owned),
        text: text[..end].to_owned(),
        outcome: outcome.chars().take(64).collect(),
    }));
}
