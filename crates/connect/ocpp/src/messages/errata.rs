//! Where the types differ from the standard, each place with its reason.
//!
//! They were found by holding this module's tables to the official schemas (`tests/clients/differential.py`), which
//! says when one of these places is needed no more. Limits that the types lack are put into the shapes that `strange`
//! looks at; what the types refuse and the standard allows is written in a way that they read, and asked again.

use std::borrow::Cow;

use serde_json::Value;

use super::Check;
use super::shape::Shape;
use crate::{Version, Violation};

/// The longest `exiResponse` of OCPP 2.0.1 since its second edition; of the first, which the types know, 5,600.
const EXI_RESPONSE_MAX: usize = 7_500;

/// Checks a payload by its type, and where that is stricter than the standard, by the standard.
pub(super) fn checked(version: Version, action: &str, text: &str, check: Check) -> Result<(), Violation> {
    let Err(violation) = check(text) else { return Ok(()) };
    match allowed(version, action, text, &violation) {
        Some(same) => check(&same),
        None => Err(violation),
    }
}

/// The payload in words that the type knows, when the standard allows what the type has refused.
fn allowed<'t>(version: Version, action: &str, text: &'t str, refused: &Violation) -> Option<Cow<'t, str>> {
    match (version, action) {
        // The unit of the measurand Frequency, which edition 1 of 1.6 names in a remark and its errata in the list.
        (Version::V16, "MeterValues" | "StopTransaction")
            if refused.field.ends_with(".unit") && refused.detail.starts_with("unknown variant `Hertz`") =>
        {
            Some(Cow::Owned(without_hertz(text)))
        }
        (Version::V201, "Get15118EVCertificate") if refused.field == "exiResponse" => {
            let mut payload: Value = serde_json::from_str(text).ok()?;
            let response = payload.get_mut("exiResponse")?;
            let length = response.as_str()?.chars().count();
            *response = Value::from("");
            (length <= EXI_RESPONSE_MAX).then(|| Cow::Owned(payload.to_string()))
        }
        _ => None,
    }
}

/// The same text, of the same length, with another unit wherever the unit is hertz.
fn without_hertz(text: &str) -> String {
    const HERTZ: &str = "\"Hertz\"";
    let mut written = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(HERTZ) {
        let before = &rest[..at];
        let key = before.trim_end().strip_suffix(':').map(str::trim_end);
        written.push_str(before);
        written.push_str(if key.is_some_and(|key| key.ends_with("\"unit\"")) { "\"Wh\"   " } else { HERTZ });
        rest = &rest[at + HERTZ.len()..];
    }
    written.push_str(rest);
    written
}

/// Puts limits into the shapes of an action that the types lack.
pub(super) fn amend(version: Version, action: &str, request: &mut Shape, answer: &mut Shape) {
    if version != Version::V16 {
        return;
    }
    match action {
        // One or more, says the message's table; the first edition of the schemas forgot it.
        "MeterValues" => {
            at_least_one(request, &["meterValue"]);
            at_least_one(request, &["meterValue", "sampledValue"]);
        }
        // The security whitepaper: a list that would be empty is left out, and the event's type has 50 characters.
        "GetInstalledCertificateIds" => at_least_one(answer, &["certificateHashData"]),
        "SecurityEventNotification" => {
            if let Some(Shape::Text { max, .. }) = property(request, "type") {
                *max = Some(50);
            }
        }
        _ => {}
    }
}

fn at_least_one(shape: &mut Shape, path: &[&str]) {
    let Some((name, deeper)) = path.split_first() else { return };
    if let Some(Shape::List { item, min, .. }) = property(shape, name) {
        if deeper.is_empty() {
            *min = Some(1);
        } else {
            at_least_one(item, deeper);
        }
    }
}

fn property<'s>(shape: &'s mut Shape, name: &str) -> Option<&'s mut Shape> {
    let Shape::Object { fields, .. } = shape else { return None };
    fields.iter_mut().find(|field| field.name == name).map(|field| &mut field.shape)
}

#[cfg(test)]
mod tests {
    use crate::messages::{Origin, check_answer, check_request, strange_in_answer, strange_in_request};
    use crate::{ErrorCode, Version};

    fn call(action: &str, payload: &str) -> Result<(), ErrorCode> {
        check_request(Version::V16, action, payload, &[Origin::Station]).map_err(|found| found.code)?;
        strange_in_request(Version::V16, action, payload).first().map_or(Ok(()), |found| Err(found.code))
    }

    #[test]
    fn hertz_is_a_unit_and_only_where_a_unit_stands() {
        let sample = |sample: &str| {
            let values = format!(r#"[{{"timestamp":"2026-11-21T08:00:00Z","sampledValue":[{sample}]}}]"#);
            call("MeterValues", &format!(r#"{{"connectorId":1,"meterValue":{values}}}"#))
        };
        assert_eq!(sample(r#"{"value":"50","measurand":"Frequency","unit":"Hertz"}"#), Ok(()));
        assert_eq!(sample(r#"{"unit" : "Hertz","value":"50"},{"unit":"Hertz","value":"Hertz"}"#), Ok(()));
        let wrong = Err(ErrorCode::PropertyConstraintViolation);
        assert_eq!(sample(r#"{"unit":"Hertz","value":"50","context":"Hertz"}"#), wrong);
        assert_eq!(sample(r#"{"unit":"Hertz","value":"50"},{"unit":"Megahertz","value":"50"}"#), wrong);
    }

    #[test]
    fn limits_that_the_types_lack_are_found() {
        let none = Err(ErrorCode::OccurrenceConstraintViolation);
        assert_eq!(call("MeterValues", r#"{"connectorId":1,"meterValue":[]}"#), none);
        let empty =
            r#"{"connectorId":1,"meterValue":[{"timestamp":"2026-11-21T08:00:00Z","sampledValue":[]}]}"#;
        assert_eq!(call("MeterValues", empty), none);
        let event = |kind: &str| {
            let payload = format!(r#"{{"type":"{kind}","timestamp":"2026-11-21T08:00:00Z"}}"#);
            call("SecurityEventNotification", &payload)
        };
        assert_eq!(event(&"é".repeat(50)), Ok(()));
        assert_eq!(event(&"x".repeat(51)), Err(ErrorCode::PropertyConstraintViolation));
        let answer = r#"{"status":"Accepted","certificateHashData":[]}"#;
        assert_eq!(strange_in_answer(Version::V16, "GetInstalledCertificateIds", answer).len(), 1);
    }

    #[test]
    fn an_exi_response_is_as_long_as_the_second_edition_says() {
        let answer = |length: usize| {
            let payload = format!(r#"{{"status":"Accepted","exiResponse":"{}"}}"#, "x".repeat(length));
            check_answer(Version::V201, "Get15118EVCertificate", &payload)
        };
        assert!(answer(7_500).is_ok());
        assert_eq!(answer(7_501).map_err(|found| found.field), Err("exiResponse".to_owned()));
    }
}
