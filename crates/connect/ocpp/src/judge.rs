//! The judge: what is wrong with one message, without a session around it.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::messages::{self, Origin};
use crate::{ErrorCode, Validation, Version, Violation, decode_call};

/// Which half of an exchange a payload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Of a call, or of a message without an answer.
    Request,
    /// Of the answer.
    Response,
}

/// What the judge says.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// Whether the message is taken under the policy.
    pub valid: bool,
    /// What is wrong with it, or was wrong and forgiven; the first one is what it is refused for.
    pub violations: Vec<Violation>,
}

/// Judges the payload of a message of either side. A lenient judge takes a call of a station when the essential
/// fields can be understood, and any other message when it is an object of an action that exists.
#[must_use]
pub fn judge(
    version: Version,
    action: &str,
    kind: Kind,
    payload: &RawValue,
    validation: Validation,
) -> Verdict {
    let text = payload.get();
    let send = kind == Kind::Request && messages::known_sends(version).contains(&action);
    let checked = match kind {
        _ if send => messages::check_send(action, text),
        Kind::Request => {
            let anybody = [Origin::Station, Origin::System, Origin::Both];
            messages::check_request(version, action, text, &anybody).map(drop)
        }
        Kind::Response => messages::check_answer(version, action, text),
    };
    let strange = match kind {
        _ if send => messages::strange_in_send(text),
        Kind::Request => messages::strange_in_request(version, action, text),
        Kind::Response => messages::strange_in_answer(version, action, text),
    };
    let mut violations = messages::together(checked.err(), strange);
    if violations.is_empty() || validation == Validation::Strict {
        return Verdict { valid: violations.is_empty(), violations };
    }
    let lost = |violation: &Violation| {
        violation.code == ErrorCode::NotImplemented
            || (violation.code == ErrorCode::FormatViolation && violation.field.is_empty())
    };
    let refused = match kind {
        Kind::Request if !send => decode_call(version, action, payload, validation)
            .err()
            .filter(|refused| refused.code != ErrorCode::NotSupported),
        _ => violations.first().filter(|first| lost(first) || !text.starts_with('{')).cloned(),
    };
    match refused {
        Some(refused) => {
            violations.retain(|known| *known != refused);
            violations.insert(0, refused);
            Verdict { valid: false, violations }
        }
        None => Verdict { valid: true, violations },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(action: &str, kind: Kind, payload: &str, validation: Validation) -> Verdict {
        let payload = RawValue::from_string(payload.to_owned()).unwrap();
        judge(Version::V16, action, kind, &payload, validation)
    }

    #[test]
    fn strict_names_the_fault_and_lenient_forgives_what_nothing_depends_on() {
        let extra = r#"{"connectorId":1,"errorCode":"NoError","status":"Available","colour":"red"}"#;
        let strict = verdict("StatusNotification", Kind::Request, extra, Validation::Strict);
        assert_eq!((strict.valid, strict.violations[0].field.as_str()), (false, "colour"));
        let lenient = verdict("StatusNotification", Kind::Request, extra, Validation::Lenient);
        assert!(lenient.valid && lenient.violations.len() == 1, "{lenient:?}");
        let lost = r#"{"errorCode":"NoError","status":"Available"}"#;
        let lenient = verdict("StatusNotification", Kind::Request, lost, Validation::Lenient);
        assert_eq!((lenient.valid, lenient.violations[0].field.as_str()), (false, "connectorId"));
        let answer = r#"{"status":"Perhaps"}"#;
        assert!(!verdict("Reset", Kind::Response, answer, Validation::Strict).valid);
        assert!(verdict("Reset", Kind::Response, answer, Validation::Lenient).valid);
        assert!(!verdict("MakeCoffee", Kind::Request, "{}", Validation::Lenient).valid);
    }
}
