//! Whether a webhook wants to be called: the validation of CloudEvents over HTTP, and that of Azure Event Grid.
//!
//! Without it anybody could have our events thrown at a stranger's server. CloudEvents asks by `OPTIONS` with
//! `WebHook-Request-Origin`, and the receiver allows the origin in a header. Event Grid posts an event with a code,
//! and the receiver sends the code back.

use serde_json::{Value as Json, json};
use thiserror::Error;
use voltwin_core::Timestamp;

/// Why a webhook is not called.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HandshakeError {
    /// The answer is no success.
    #[error("the webhook answers the validation request with HTTP {0}")]
    Status(u16),
    /// The answer allows nobody.
    #[error(
        "the webhook does not allow calls: its answer to `OPTIONS` has no header `WebHook-Allowed-Origin`"
    )]
    Silent,
    /// The answer allows somebody else.
    #[error("the webhook allows calls from `{allowed}` and not from `{origin}`")]
    Origin {
        /// Who is allowed.
        allowed: String,
        /// Who we are.
        origin: String,
    },
    /// The rate is none.
    #[error("the webhook allows `{0}` calls a minute, which is neither a number from 1 nor `*`")]
    Rate(String),
    /// The code did not come back.
    #[error("the webhook does not send the validation code back as `validationResponse`")]
    Code,
}

/// What a webhook allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowed {
    /// Calls a minute; `None` without a limit.
    pub calls_a_minute: Option<u32>,
}

/// The headers of the `OPTIONS` request; `origin` is the host name that asks.
#[must_use]
pub fn request_headers(origin: &str) -> [(&'static str, String); 2] {
    [("webhook-request-origin", origin.to_owned()), ("webhook-request-rate", "*".to_owned())]
}

/// Judges the answer to the `OPTIONS` request.
///
/// # Errors
/// Why the webhook must not be called.
pub fn judge(
    origin: &str,
    status: u16,
    allowed_origin: Option<&str>,
    allowed_rate: Option<&str>,
) -> Result<Allowed, HandshakeError> {
    if !(200..300).contains(&status) {
        return Err(HandshakeError::Status(status));
    }
    let allowed = allowed_origin.ok_or(HandshakeError::Silent)?.trim();
    let fits = |one: &str| one == "*" || one.eq_ignore_ascii_case(origin);
    if !allowed.split(',').map(str::trim).any(fits) {
        return Err(HandshakeError::Origin { allowed: clip(allowed), origin: origin.to_owned() });
    }
    let calls_a_minute = match allowed_rate.map(str::trim) {
        None | Some("*") => None,
        Some(rate) => {
            let number = rate.parse().ok().filter(|rate| *rate > 0);
            Some(number.ok_or_else(|| HandshakeError::Rate(clip(rate)))?)
        }
    };
    Ok(Allowed { calls_a_minute })
}

/// The name and value of the header beside Event Grid's validation event.
pub const EVENT_GRID_HEADER: (&str, &str) = ("aeg-event-type", "SubscriptionValidation");

/// The body of Event Grid's validation request.
#[must_use]
pub fn event_grid_request(code: &str, topic: &str, at: Timestamp) -> Json {
    json!([{
        "id": code,
        "topic": topic,
        "subject": "",
        "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
        "eventTime": at.to_string(),
        "data": {"validationCode": code},
        "dataVersion": "2",
        "metadataVersion": "1",
    }])
}

/// Judges the answer to Event Grid's validation request.
///
/// # Errors
/// Why the webhook must not be called.
pub fn judge_event_grid(code: &str, status: u16, body: &[u8]) -> Result<Allowed, HandshakeError> {
    if !(200..300).contains(&status) {
        return Err(HandshakeError::Status(status));
    }
    let answer: Json = serde_json::from_slice(body).map_err(|_| HandshakeError::Code)?;
    if answer.get("validationResponse").and_then(Json::as_str) == Some(code) {
        Ok(Allowed { calls_a_minute: None })
    } else {
        Err(HandshakeError::Code)
    }
}

fn clip(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_answer_that_allows_us_is_a_yes() {
        let host = "demo.voltwin";
        let judge = |status, origin, rate| judge(host, status, origin, rate);
        assert_eq!(judge(200, Some("demo.voltwin"), None), Ok(Allowed { calls_a_minute: None }));
        assert_eq!(judge(204, Some("*"), Some("120")), Ok(Allowed { calls_a_minute: Some(120) }));
        assert_eq!(judge(200, Some("*"), Some("*")), Ok(Allowed { calls_a_minute: None }));
        assert_eq!(judge(405, Some("*"), None), Err(HandshakeError::Status(405)));
        assert_eq!(judge(200, None, None), Err(HandshakeError::Silent));
        let other = judge(200, Some("other.example"), None).unwrap_err().to_string();
        assert!(other.contains("other.example") && other.contains(host), "{other}");
        for rate in ["0", "-1", "many"] {
            assert_eq!(judge(200, Some("*"), Some(rate)), Err(HandshakeError::Rate(rate.into())));
        }
    }

    #[test]
    fn event_grid_wants_its_code_back() {
        let at = Timestamp::from_micros(0);
        let asked = event_grid_request("c-1", "demo.voltwin", at);
        assert_eq!(asked[0]["eventType"], "Microsoft.EventGrid.SubscriptionValidationEvent");
        assert_eq!(asked[0]["data"]["validationCode"], "c-1");
        assert!(judge_event_grid("c-1", 200, br#"{"validationResponse":"c-1"}"#).is_ok());
        assert_eq!(
            judge_event_grid("c-1", 200, br#"{"validationResponse":"c-2"}"#),
            Err(HandshakeError::Code)
        );
        assert_eq!(judge_event_grid("c-1", 200, b""), Err(HandshakeError::Code));
        assert_eq!(judge_event_grid("c-1", 500, b"{}"), Err(HandshakeError::Status(500)));
    }
}
