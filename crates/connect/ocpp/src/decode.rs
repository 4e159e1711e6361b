//! From the payload of a station's call to a neutral [`Fact`].
//!
//! A payload is first checked against its type; then the fact is read from the text itself. Under
//! [`Validation::Lenient`] a payload that fails the check is still read: when the essential fields are there
//! the fact stands, and what was wrong is listed.

mod v16;
mod v2;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use voltwin_core::{MeterSample, Timestamp};

use crate::{
    ErrorCode, Fact, MAX_CONNECTOR, MAX_SAMPLES, OcppError, SignedReading, Version, Violation,
    messages::{self, Origin},
    version::clip,
};

/// How strictly the calls of a station are held to the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Validation {
    /// Any violation is answered with its error code.
    #[default]
    Strict,
    /// A call whose essential fields are good is accepted and its violations are recorded: unknown
    /// enumeration values, over-long texts, wrong types of fields that nothing depends on, single bad
    /// samples.
    Lenient,
    /// As lenient; and what the station says is believed only where money depends on it. The decision on the
    /// fact is the central system's.
    Quarantine,
}

impl Validation {
    /// `strict`, `lenient` or `quarantine`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Lenient => "lenient",
            Self::Quarantine => "quarantine",
        }
    }
}

impl std::fmt::Display for Validation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Validation {
    type Err = OcppError;
    fn from_str(text: &str) -> Result<Self, OcppError> {
        [Self::Strict, Self::Lenient, Self::Quarantine]
            .into_iter()
            .find(|policy| policy.as_str() == text)
            .ok_or_else(|| OcppError::Word {
                what: "validation policy (strict, lenient, quarantine)",
                text: clip(text),
            })
    }
}

/// A station's call, understood.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The action.
    pub action: &'static str,
    /// What it says.
    pub fact: Fact,
    /// What was wrong and forgiven; empty when strict.
    pub violations: Vec<Violation>,
}

/// Understands the payload of a station's call.
///
/// # Errors
/// The first [`Violation`] that cannot be forgiven under `validation`; its code is the answer.
pub fn decode_call(
    version: Version,
    action: &str,
    payload: &RawValue,
    validation: Validation,
) -> Result<Call, Violation> {
    let origins = [Origin::Station, Origin::Both];
    let action = messages::name_of(version, action, &origins)?;
    let typed = messages::check_request(version, action, payload.get(), &origins).err();
    // Text that is not well formed, or that repeats a field, is ambiguous: there is no fact to save.
    if let Some(violation) = typed.as_ref().filter(|found| found.code == ErrorCode::FormatViolation) {
        return Err(violation.clone());
    }
    let strange = messages::strange_in_request(version, action, payload.get());
    let mut violations = messages::together(typed, strange);
    if validation == Validation::Strict && !violations.is_empty() {
        return Err(violations.swap_remove(0));
    }
    let mut reader = Reader { violations };
    let fact = match version {
        Version::V16 => v16::fact(&mut reader, action, payload.get()),
        Version::V201 | Version::V21 => v2::fact(&mut reader, action, payload.get()),
    };
    let mut violations = reader.violations;
    // what is missing from a value that is of another type is missing for that reason
    let cause = |refused: Violation| {
        let below = |outer: &&Violation| {
            refused.field.strip_prefix(&outer.field).is_some_and(|rest| rest.starts_with(['.', '[']))
        };
        violations.iter().find(below).cloned().unwrap_or(refused)
    };
    let fact = fact.map_err(cause)?;
    if validation == Validation::Strict && !violations.is_empty() {
        return Err(violations.swap_remove(0));
    }
    Ok(Call { action, fact, violations })
}

type Raw<'a> = Option<&'a RawValue>;

/// Reads fields, and keeps the violations of those that nothing depends on (at most 32).
struct Reader {
    violations: Vec<Violation>,
}

impl Reader {
    fn note(&mut self, violation: Violation) {
        let known = self.violations.iter().any(|v| v.field == violation.field);
        if !known && self.violations.len() < 32 {
            self.violations.push(violation);
        }
    }

    /// The fields of an object.
    fn object<'a, T: Deserialize<'a>>(&self, json: &'a str, field: &str) -> Result<T, Violation> {
        serde_json::from_str(json).map_err(|_| wrong_type(field, "an object"))
    }

    /// A text that nothing depends on, cut to `max` characters.
    fn text(&mut self, raw: Raw<'_>, field: &str, max: usize) -> Option<String> {
        let raw = raw?;
        match serde_json::from_str::<String>(raw.get()) {
            Ok(text) if text.chars().count() <= max => Some(text),
            Ok(text) => {
                let detail = format!("expected at most {max} characters, got {}", text.chars().count());
                self.note(Violation::new(ErrorCode::PropertyConstraintViolation, field, detail));
                Some(text.chars().take(max).collect())
            }
            Err(_) => {
                self.note(wrong_type(field, "a string"));
                None
            }
        }
    }

    /// A number or truth value that nothing depends on.
    fn plain<T: for<'de> Deserialize<'de>>(&mut self, raw: Raw<'_>, field: &str, what: &str) -> Option<T> {
        let raw = raw?;
        let value = serde_json::from_str(raw.get()).ok();
        if value.is_none() {
            self.note(wrong_type(field, what));
        }
        value
    }

    /// A time that nothing depends on.
    fn time(&mut self, raw: Raw<'_>, field: &str) -> Option<Timestamp> {
        match need_time(Some(raw?), field) {
            Ok((at, forgiven)) => {
                forgiven.into_iter().for_each(|v| self.note(v));
                Some(at)
            }
            Err(violation) => {
                self.note(violation);
                None
            }
        }
    }

    /// A time without which there is no fact.
    fn need_time(&mut self, raw: Raw<'_>, field: &str) -> Result<Timestamp, Violation> {
        let (at, forgiven) = need_time(raw, field)?;
        forgiven.into_iter().for_each(|v| self.note(v));
        Ok(at)
    }
}

/// The samples of one message.
#[derive(Default)]
struct Samples {
    plain: Vec<MeterSample>,
    signed: Vec<SignedReading>,
}

impl Samples {
    fn room(&self, field: &str) -> Result<(), Violation> {
        if self.plain.len() + self.signed.len() < MAX_SAMPLES {
            return Ok(());
        }
        let detail = format!("expected at most {MAX_SAMPLES} samples in one message");
        Err(Violation::new(ErrorCode::OccurrenceConstraintViolation, field, detail))
    }
}

fn wrong_type(field: &str, what: &str) -> Violation {
    Violation::new(ErrorCode::TypeConstraintViolation, field, format!("expected {what}"))
}

fn missing(field: &str) -> Violation {
    Violation::new(ErrorCode::OccurrenceConstraintViolation, field, "the field is missing")
}

fn need<'a>(raw: Raw<'a>, field: &str) -> Result<&'a RawValue, Violation> {
    raw.ok_or_else(|| missing(field))
}

/// A text without which there is no fact: 1 to 255 characters.
fn need_text(raw: Raw<'_>, field: &str) -> Result<String, Violation> {
    let text: String =
        serde_json::from_str(need(raw, field)?.get()).map_err(|_| wrong_type(field, "a string"))?;
    if text.chars().count() > 255 {
        let detail = "expected at most 255 characters";
        return Err(Violation::new(ErrorCode::PropertyConstraintViolation, field, detail));
    }
    Ok(text)
}

fn need_int(raw: Raw<'_>, field: &str) -> Result<i64, Violation> {
    let text = need(raw, field)?.get();
    // A whole number written as 5.0 is one to JSON, and to stations whose language has one kind of number.
    let whole = |text: &str| text.trim_end_matches('0').strip_suffix('.').and_then(|text| text.parse().ok());
    serde_json::from_str(text).ok().or_else(|| whole(text)).ok_or_else(|| wrong_type(field, "an integer"))
}

/// An EVSE or connector number.
fn need_number(raw: Raw<'_>, field: &str) -> Result<u32, Violation> {
    let number = need_int(raw, field)?;
    u32::try_from(number).ok().filter(|n| *n <= MAX_CONNECTOR).ok_or_else(|| {
        let detail = format!("expected 0 to {MAX_CONNECTOR}, got {number}");
        Violation::new(ErrorCode::PropertyConstraintViolation, field, detail)
    })
}

fn need_time(raw: Raw<'_>, field: &str) -> Result<(Timestamp, Option<Violation>), Violation> {
    let text = need_text(raw, field)?;
    if let Ok(at) = text.parse() {
        return Ok((at, None));
    }
    // A station that leaves out the zone means UTC, which OCPP recommends throughout.
    let error = Violation::new(
        ErrorCode::TypeConstraintViolation,
        field,
        format!("`{}` is not an RFC 3339 date-time of the years 1970 to 9999", clip(&text)),
    );
    match format!("{text}Z").parse() {
        Ok(at) => Ok((at, Some(error))),
        Err(_) => Err(error),
    }
}
