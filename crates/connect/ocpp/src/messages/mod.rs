//! The table of actions of each version, and the check of a payload against its type.
//!
//! This is the only module that knows `ocpp-types`: whatever replaces it has to offer [`check_request`],
//! [`check_answer`] and the three tables. The neutral facts are read from the text by [`crate::decode`], so
//! that a decimal never passes through a float and a station with a small fault can still be understood.
//!
//! The check of a type accepts properties that the protocol does not know; `strange` finds those. Known
//! properties may not repeat.

mod describe;
mod path;
mod shape;
mod strange;
mod v16;
mod v201;
mod v21;

use ocpp_types::{
    Action,
    validate::{ConstraintClass, Validate},
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{ErrorCode, Version, Violation};

pub use describe::{ActionDescription, describe_actions};
use shape::Shape;
pub(crate) use strange::{strange_in_answer, strange_in_request, strange_in_send};

/// Who may send an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// The station.
    Station,
    /// The central system.
    System,
    /// Either.
    Both,
}

type Check = fn(&str) -> Result<(), Violation>;

/// One action of one version.
struct Entry {
    action: &'static str,
    origin: Origin,
    request: Check,
    answer: Check,
    request_shape: fn() -> Shape,
    answer_shape: fn() -> Shape,
}

const fn entry<Q, A>(origin: Origin) -> Entry
where
    Q: Action + DeserializeOwned + Validate,
    A: DeserializeOwned + Validate,
{
    Entry {
        action: Q::ACTION,
        origin,
        request: check::<Q>,
        answer: check::<A>,
        request_shape: Shape::of::<Q>,
        answer_shape: Shape::of::<A>,
    }
}

fn table(version: Version) -> &'static [Entry] {
    match version {
        Version::V16 => v16::ACTIONS,
        Version::V201 => v201::ACTIONS,
        Version::V21 => v21::ACTIONS,
    }
}

fn find(version: Version, action: &str) -> Option<&'static Entry> {
    table(version).iter().find(|entry| entry.action == action)
}

/// Every action of `version` with who may send it.
pub fn known_actions(version: Version) -> impl Iterator<Item = (&'static str, Origin)> {
    table(version).iter().map(|entry| (entry.action, entry.origin))
}

/// Checks a call that the central system wants to send: any action of that version that it may send.
///
/// # Errors
/// The first [`Violation`], `NotImplemented` when the version has no such action and `NotSupported` when it is
/// one that only stations send.
pub fn validate_call(version: Version, action: &str, payload: &Value) -> Result<(), Violation> {
    let sent_by_system = [Origin::System, Origin::Both];
    check_request(version, action, &payload.to_string(), &sent_by_system).map(|_| ())
}

/// Checks the payload of a call against its type, and that one of `origins` may send it. Returns the action's
/// name with static lifetime.
pub(crate) fn check_request(
    version: Version,
    action: &str,
    payload: &str,
    origins: &[Origin],
) -> Result<&'static str, Violation> {
    let entry = entry_of(version, action, origins)?;
    (entry.request)(payload).map(|()| entry.action)
}

/// The static name of an action that one of `origins` may send.
pub(crate) fn name_of(version: Version, action: &str, origins: &[Origin]) -> Result<&'static str, Violation> {
    entry_of(version, action, origins).map(|entry| entry.action)
}

fn entry_of(version: Version, action: &str, origins: &[Origin]) -> Result<&'static Entry, Violation> {
    let Some(entry) = find(version, action) else {
        let detail = format!("OCPP {version} has no action `{}`", crate::version::clip(action));
        return Err(Violation::new(ErrorCode::NotImplemented, "", detail));
    };
    if !origins.contains(&entry.origin) {
        let detail = format!("{} goes the other way", entry.action);
        return Err(Violation::new(ErrorCode::NotSupported, "", detail));
    }
    Ok(entry)
}

/// Checks the payload of an answer to `action`.
pub(crate) fn check_answer(version: Version, action: &str, payload: &str) -> Result<(), Violation> {
    match find(version, action) {
        Some(entry) => (entry.answer)(payload),
        None => Err(Violation::new(ErrorCode::NotImplemented, "", format!("no action `{action}`"))),
    }
}

/// As [`check_answer`], and finds what the type alone would let pass.
pub(crate) fn check_answer_strictly(version: Version, action: &str, payload: &str) -> Result<(), Violation> {
    check_answer(version, action, payload)?;
    strange_in_answer(version, action, payload).into_iter().next().map_or(Ok(()), Err)
}

/// Checks the payload of the one SEND of OCPP 2.1.
pub(crate) fn check_send(action: &str, payload: &str) -> Result<(), Violation> {
    use ocpp_types::v21::NotifyPeriodicEventStream;
    if action == <NotifyPeriodicEventStream as Action>::ACTION {
        check::<NotifyPeriodicEventStream>(payload)
    } else {
        Err(Violation::new(ErrorCode::NotImplemented, "", "no such message without an answer"))
    }
}

fn check<T: DeserializeOwned + Validate>(text: &str) -> Result<(), Violation> {
    match check_bytes::<T>(text) {
        // The types count a short text's bytes where the protocol means its characters: with one byte for each
        // character the same text fits if it may.
        Err(violation) if violation.code == ErrorCode::PropertyConstraintViolation && !text.is_ascii() => {
            let narrow: String = text.chars().map(|c| if c.is_ascii() { c } else { '?' }).collect();
            check_bytes::<T>(&narrow)
        }
        checked => checked,
    }
}

fn check_bytes<T: DeserializeOwned + Validate>(text: &str) -> Result<(), Violation> {
    // Boxed because the largest messages of 2.1 take 11 kB each.
    let typed: Box<T> = serde_json::from_str(text).map_err(|e| syntax(text, &e))?;
    typed.validate().map_err(|error| {
        let code = match error.kind().constraint_class() {
            ConstraintClass::Property => ErrorCode::PropertyConstraintViolation,
            ConstraintClass::Occurrence => ErrorCode::OccurrenceConstraintViolation,
        };
        let shown = error.to_string();
        let kind = error.kind().to_string();
        let field = shown.strip_suffix(&kind).unwrap_or_default().trim_end_matches([':', ' ']).to_owned();
        Violation::new(code, field, kind)
    })
}

/// Turns a reader's error into the code and field of the protocol. The reader tells kinds of error apart by
/// their wording only, which the tests of this module pin down.
fn syntax(text: &str, error: &serde_json::Error) -> Violation {
    let message = error.to_string();
    let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(before, _)| before);
    let mut field = path::at(text, offset(text, error.line(), error.column()));
    let quoted = || message.split('`').nth(1).unwrap_or_default();
    let code = if !error.is_data() {
        // A number beyond the range of a double is well formed, and wrong in its value.
        if message.contains("number out of range") {
            ErrorCode::TypeConstraintViolation
        } else {
            ErrorCode::FormatViolation
        }
    } else if message.starts_with("missing field") {
        path::join(&mut field, quoted());
        ErrorCode::OccurrenceConstraintViolation
    } else if message.starts_with("duplicate field") {
        ErrorCode::FormatViolation
    } else if message.starts_with("unknown variant") || message.starts_with("invalid value") {
        ErrorCode::PropertyConstraintViolation
    } else if message.starts_with("invalid length") {
        // Fixed-capacity strings and lists report their overflow so; a list's element is not at fault.
        if message.ends_with("a sequence") {
            if field.ends_with(']') {
                field.truncate(field.rfind('[').unwrap_or_default());
            }
            ErrorCode::OccurrenceConstraintViolation
        } else {
            ErrorCode::PropertyConstraintViolation
        }
    } else {
        ErrorCode::TypeConstraintViolation
    };
    Violation::new(code, field, message.chars().take(200).collect::<String>())
}

/// The byte offset of a line and column, both from 1.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let start = match line {
        0 | 1 => 0,
        _ => text.match_indices('\n').nth(line - 2).map_or(text.len(), |(i, _)| i + 1),
    };
    (start + column).min(text.len())
}
