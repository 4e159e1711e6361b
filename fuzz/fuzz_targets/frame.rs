//! Any frames of a station: the session survives them, answers every call exactly once and nothing else, and is no
//! stricter when it is lenient.
//!
//! The first bytes choose the version, the policy and what comes: text as it is; or, for each frame, a message of that
//! version built from its own description, so that most of it is right, with a few things changed.
#![no_main]

use std::collections::BTreeSet;

use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use voltwin_core::{CommandId, Timestamp};
use voltwin_ocpp::{
    ActionDescription, Answer, BootStatus, Command, Effect, Fact, Kind, Session, SessionConfig, Validation, Version,
    decode_call, describe_actions, judge,
};

/// Frames of one input.
const FRAMES_MAX: usize = 12;
/// How deep generated payloads nest.
const DEPTH_MAX: usize = 8;

/// Reads small things from the fuzzer's bytes; zeros when they are used up.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn one_in(&mut self, n: u8) -> bool {
        self.byte() % n == n - 1
    }

    fn pick<'t, T>(&mut self, from: &'t [T]) -> Option<&'t T> {
        let at = usize::from(self.byte()) | usize::from(self.byte()) << 8;
        from.get(at % from.len().max(1))
    }

    /// A text of the input itself.
    fn text(&mut self) -> String {
        let length = usize::from(self.byte()).min(self.0.len());
        let (text, rest) = self.0.split_at(length);
        self.0 = rest;
        String::from_utf8_lossy(text).into_owned()
    }

    /// A value that a schema allows, or nearly.
    fn value(&mut self, schema: &Value, depth: usize) -> Value {
        if depth > DEPTH_MAX || self.one_in(48) {
            return self.anything();
        }
        if let Some(words) = schema["enum"].as_array() {
            return self.pick(words).cloned().unwrap_or_default();
        }
        match schema["type"].as_str() {
            Some("object") => self.object(schema, depth),
            Some("array") => {
                let count = usize::from(self.byte() % 4);
                Value::Array((0..count).map(|_| self.value(&schema["items"], depth + 1)).collect())
            }
            Some("boolean") => json!(self.one_in(2)),
            Some("integer") => json!(i64::from(self.byte()) - i64::from(self.byte() / 4)),
            Some("number") => json!(f64::from(self.byte()) / 8.0),
            Some("string") => match schema["format"].as_str() {
                Some("date-time") => {
                    json!(format!("2026-11-{:02}T{:02}:00:00Z", self.byte() % 32, self.byte() % 25))
                }
                _ if self.one_in(3) => json!(self.text()),
                _ => json!(self.byte().to_string()),
            },
            _ => self.anything(),
        }
    }

    fn object(&mut self, schema: &Value, depth: usize) -> Value {
        let mut made = Map::new();
        let required: BTreeSet<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        for (name, child) in schema["properties"].as_object().into_iter().flatten() {
            let wanted = if required.contains(name.as_str()) { !self.one_in(64) } else { self.one_in(3) };
            if wanted {
                made.insert(name.clone(), self.value(child, depth + 1));
            }
        }
        if self.one_in(64) {
            made.insert(self.text(), self.anything());
        }
        Value::Object(made)
    }

    fn anything(&mut self) -> Value {
        match self.byte() % 9 {
            0 => Value::Null,
            1 => json!(true),
            2 => json!(i64::MIN),
            3 => json!(1e300),
            4 => json!("x".repeat(usize::from(self.byte()) * 30)),
            5 => json!([[], {}]),
            6 => json!({"a": [null]}),
            7 => json!("λ\u{0}\u{1F600}".repeat(usize::from(self.byte() % 40))),
            _ => json!(self.text()),
        }
    }
}

fn version(byte: u8) -> Version {
    [Version::V16, Version::V201, Version::V21][usize::from(byte % 3)]
}

/// A decision as a central system could make it, or one that does not fit.
fn decision(fact: &Fact, bytes: &mut Bytes<'_>, now: Timestamp) -> Answer {
    if bytes.one_in(16) {
        return Answer::Payload(bytes.anything());
    }
    match fact {
        Fact::Boot { .. } => Answer::Boot { status: BootStatus::Accepted, interval_s: 60, now },
        Fact::Heartbeat => Answer::Heartbeat { now },
        Fact::Status { .. } => Answer::Status,
        Fact::MeterValues { .. } => Answer::MeterValues,
        Fact::Transaction(_) => {
            Answer::Transaction { transaction_id: Some(7), token: None, total_cost: None }
        }
        _ => Answer::Other,
    }
}

/// The number of answers among effects; questions are decided as they come.
fn answers(session: &mut Session, effects: Vec<Effect>, bytes: &mut Bytes<'_>, now: Timestamp) -> usize {
    let mut count = 0;
    let mut open = effects;
    while let Some(effect) = open.pop() {
        match effect {
            Effect::Send(text) => {
                let frame: Value = serde_json::from_str(&text).expect("what is sent is JSON");
                let kind = frame[0].as_i64().expect("a message has a type");
                assert!(matches!(kind, 2..=5), "{text}");
                count += usize::from(matches!(kind, 3 | 4));
            }
            Effect::Ask { ticket, fact, .. } => {
                let answer = decision(&fact, bytes, now);
                open.extend(session.answer(ticket, answer, now));
            }
            _ => {}
        }
    }
    count
}

/// What strict takes, the judge finds nothing wrong with, and lenient takes the same way.
fn policies_agree(version: Version, action: &str, payload: &RawValue) {
    let strict = decode_call(version, action, payload, Validation::Strict);
    let lenient = decode_call(version, action, payload, Validation::Lenient);
    if let Ok(strict) = strict {
        let lenient = lenient.expect("lenient takes what strict takes");
        assert_eq!(strict, lenient);
        let judged = judge(version, action, Kind::Request, payload, Validation::Strict);
        assert!(judged.valid, "{judged:?}");
    } else if let Ok(lenient) = lenient {
        assert!(!lenient.violations.is_empty(), "lenient forgives and says what");
    }
}

fuzz_target!(|data: &[u8]| {
    let mut bytes = Bytes(data);
    let version = version(bytes.byte());
    let policy = [Validation::Strict, Validation::Lenient, Validation::Quarantine][usize::from(bytes.byte() % 3)];
    let now = Timestamp::from_millis(1_795_248_000_000);
    let config =
        SessionConfig { validation: policy, boot_accepted: !bytes.one_in(4), ..SessionConfig::new(version) };
    let mut session = Session::new(config, now);
    if bytes.one_in(4) {
        if let Ok(text) = std::str::from_utf8(bytes.0) {
            let effects = session.on_text(text, now);
            let mut none = Bytes(&[]);
            assert!(answers(&mut session, effects, &mut none, now) <= 1, "one frame has one answer at most");
        }
        return;
    }
    let actions: &'static [ActionDescription] = describe_actions(version);
    for number in 0..FRAMES_MAX {
        if bytes.0.is_empty() {
            break;
        }
        let chosen = bytes.byte();
        let Some(action) = actions.get(usize::from(chosen) % actions.len()) else { break };
        let kind = bytes.byte() % 8;
        let schema = if kind == 6 { &action.answer } else { &action.request };
        let payload = bytes.value(schema, 0);
        let raw = RawValue::from_string(payload.to_string()).expect("a value is JSON");
        if payload.is_object() {
            policies_agree(version, action.action, &raw);
            let _ = judge(version, action.action, Kind::Response, &raw, policy);
        }
        let id = format!("m{number}");
        let (text, expected) = match kind {
            6 => {
                // an answer to a command of ours, when there is one under way
                let command = Command::Raw { action: action.action.to_owned(), payload: bytes.value(&action.request, 0) };
                let call = CommandId(uuid::Uuid::from_u128(number as u128 + 1));
                let effects = session.call(call, &command, now).unwrap_or_default();
                assert_eq!(answers(&mut session, effects, &mut bytes, now), 0, "a command is no answer");
                (format!("[3,\"{call}\",{raw}]"), Some(0))
            }
            7 => (format!("[6,\"{id}\",\"NotifyPeriodicEventStream\",{raw}]"), None),
            _ => (format!("[2,\"{id}\",\"{}\",{raw}]", action.action), Some(1)),
        };
        let effects = session.on_text(&text, now);
        let count = answers(&mut session, effects, &mut bytes, now);
        if let Some(expected) = expected.filter(|_| text.len() <= 65_536) {
            assert_eq!(count, expected, "{text}");
        }
        if text.len() > 65_536 {
            break;
        }
    }
});
