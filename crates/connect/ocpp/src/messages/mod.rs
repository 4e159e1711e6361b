//! The table of actions of each version, and the check of a payload against its type.
//!
//! This is the only module that knows `ocpp-types`: whatever replaces it has to offer [`check_request`],
//! [`check_answer`] and the three tables. The neutral facts are read from the text by [`crate::decode`], so
//! that a decimal never passes through a float and a station with a small fault can still be understood.
//!
//! The check of a type accepts properties that the protocol does not know; `strange` finds those. Known
//! properties may not repeat.

mod describe;
mod errata;
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
use serde::de::{DeserializeOwned, IgnoredAny};
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

/// The messages of `version` that stations send and nobody answers.
#[must_use]
pub fn known_sends(version: Version) -> &'static [&'static str] {
    match version {
        Version::V16 | Version::V201 => &[],
        Version::V21 => &[<ocpp_types::v21::NotifyPeriodicEventStream as Action>::ACTION],
    }
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

/// Checks an answer that somebody gave us to pass on.
///
/// # Errors
/// The first [`Violation`], `NotImplemented` when the version has no such action.
pub fn validate_answer(version: Version, action: &str, payload: &Value) -> Result<(), Violation> {
    check_answer(version, action, &payload.to_string())
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
    errata::checked(version, entry.action, payload, entry.request).map(|()| entry.action)
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
        Some(entry) => errata::checked(version, entry.action, payload, entry.answer),
        None => Err(Violation::new(ErrorCode::NotImplemented, "", format!("no action `{action}`"))),
    }
}

/// As [`check_answer`], and finds what the type alone would let pass.
pub(crate) fn check_answer_strictly(version: Version, action: &str, payload: &str) -> Result<(), Violation> {
    let typed = check_answer(version, action, payload).err();
    together(typed, strange_in_answer(version, action, payload)).into_iter().next().map_or(Ok(()), Err)
}

/// What the type says is wrong, before what `strange` finds; but a list in an object's place is that fault, whatever
/// the type says of its items.
pub(crate) fn together(typed: Option<Violation>, mut strange: Vec<Violation>) -> Vec<Violation> {
    let Some(typed) = typed else { return strange };
    let below = |outer: &Violation| {
        outer.code == ErrorCode::TypeConstraintViolation
            && typed.field.strip_prefix(&outer.field).is_some_and(|rest| rest.starts_with('['))
    };
    if let Some(place) = strange.iter().position(below) {
        strange[..=place].rotate_right(1);
    } else {
        strange.retain(|known| known.field != typed.field);
        strange.insert(0, typed);
    }
    strange
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
        Err(violation) if violation.code == ErrorCode::PropertyConstraintViolation => match narrow(text) {
            Some(narrow) => check_bytes::<T>(&narrow),
            None => Err(violation),
        },
        checked => checked,
    }
}

/// The same JSON with one byte for each character of its texts, also of those that are escaped; nothing when it is so
/// already. Only lengths are to be read from it.
fn narrow(text: &str) -> Option<String> {
    if text.is_ascii() && !text.contains("\\u") {
        return None;
    }
    let mut narrow = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let (taken, wide) = match c {
            '\\' => escape(rest),
            _ => (c.len_utf8(), !c.is_ascii()),
        };
        let (one, after) = rest.split_at_checked(taken).unwrap_or((rest, ""));
        narrow.push_str(if wide { "?" } else { one });
        rest = after;
    }
    Some(narrow)
}

/// Of the escape at the start of `text`: its length, and whether it stands for a character of several bytes.
fn escape(text: &str) -> (usize, bool) {
    let unit = |at: usize| u16::from_str_radix(text.get(at..at + 6)?.strip_prefix("\\u")?, 16).ok();
    match (unit(0), unit(6)) {
        (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => (12, true),
        (Some(unit), _) => (6, unit >= 0x80),
        (None, _) => (2, false),
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
    let offset = offset(text, error.line(), error.column());
    let mut field = path::at(text, offset);
    let quoted = || message.split('`').nth(1).unwrap_or_default();
    let code = if !error.is_data() {
        // What is well formed and yet not read as JSON has a value of another type where a word is wanted, or a number
        // beyond the range of a double.
        if serde_json::from_str::<IgnoredAny>(text).is_ok() {
            // a list in a word's place: its first item is not at fault
            if text.get(..offset).is_some_and(|read| read.ends_with('[')) && field.ends_with("[0]") {
                field.truncate(field.len() - "[0]".len());
            }
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
    } else if message.starts_with("invalid length") && message.contains("expected struct ") {
        // the values of an object as a list without their names
        ErrorCode::TypeConstraintViolation
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
    // The reader calls them bytes; it was given one byte a character.
    let shown = message.replace(" bytes long", " characters long");
    Violation::new(code, field, shown.chars().take(200).collect::<String>())
}

/// The byte offset of a line and column, both from 1.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let start = match line {
        0 | 1 => 0,
        _ => text.match_indices('\n').nth(line - 2).map_or(text.len(), |(i, _)| i + 1),
    };
    (start + column).min(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_as_long_as_its_characters_however_they_are_written() {
        let check = |tag: &str| {
            let payload = format!(r#"{{"idTag":"{tag}"}}"#);
            check_request(Version::V16, "Authorize", &payload, &[Origin::Station]).map_err(|found| found.code)
        };
        for one in ["é", "\\u00e9", "\\ud83d\\ude00", "\\\"", "\\u0041"] {
            assert_eq!(check(&one.repeat(20)), Ok("Authorize"), "{one}");
            assert_eq!(check(&one.repeat(21)), Err(ErrorCode::PropertyConstraintViolation), "{one}");
        }
        let long = format!(r#"{{"idTag":"{}"}}"#, "a".repeat(21));
        let found = check_request(Version::V16, "Authorize", &long, &[Origin::Station]).unwrap_err();
        assert_eq!(found.detail, "invalid length 21, expected a string no more than 20 characters long");
    }

    #[test]
    fn another_type_for_a_word_is_a_fault_of_type_at_the_word() {
        for other in ["7", "true", "null", "[]", "{}", "[[1]]", "1e999"] {
            let payload = format!(r#"{{"connectorId":1,"errorCode":"NoError","status":{other}}}"#);
            let found = check_request(Version::V16, "StatusNotification", &payload, &[Origin::Station]);
            let found = found.map_err(|violation| (violation.code, violation.field));
            assert_eq!(found, Err((ErrorCode::TypeConstraintViolation, "status".to_owned())), "{other}");
            let payload = format!(r#"{{"requestId":1,"certificateType":[{other}]}}"#);
            let found =
                check_request(Version::V201, "GetInstalledCertificateIds", &payload, &[Origin::System]);
            assert_eq!(
                found.map_err(|violation| violation.field),
                Err("certificateType[0]".to_owned()),
                "{other}"
            );
        }
    }
}
