//! Telemetry: goes to whoever delivers events, and changes no twin.

use axum::body::Body;
use axum::extract::Path;
use axum::http::StatusCode;
use voltwin_core::Timestamp;
use voltwin_document::DocumentError;

use crate::call::Call;
use crate::error::{AdtError, Code};
use crate::limits::Rate;
use crate::outlet::Message;
use crate::twins::{no_twin, twin_id};

/// Bytes of the id of a message at most.
const MESSAGE_ID_BYTES_MAX: usize = 128;

pub(crate) async fn of_twin(call: Call, Path(id): Path<String>, body: Body) -> Result<StatusCode, AdtError> {
    send(&call, &id, None, body).await
}

pub(crate) async fn of_component(
    call: Call,
    Path((id, component)): Path<(String, String)>,
    body: Body,
) -> Result<StatusCode, AdtError> {
    send(&call, &id, Some(&component), body).await
}

async fn send(call: &Call, id: &str, component: Option<&str>, body: Body) -> Result<StatusCode, AdtError> {
    call.spend(Rate::Patches)?;
    let id = twin_id(id)?;
    let message = message_id(call.header("message-id")?)?;
    let source_time = source_time(call.header("telemetry-source-time")?)?;
    let payload = call.json(body, Code::ValidationFailed).await?;
    let checked = call.look(|graph| {
        let twin = graph.twin(id.as_str())?;
        let fits = voltwin_document::check_telemetry(twin, component, &payload);
        Some(fits.map(|()| twin.model().clone()))
    });
    let model = checked.ok_or_else(|| no_twin(&id))?.map_err(|error| match error {
        DocumentError::Form { .. } => AdtError::new(Code::ValidationFailed, error.to_string()),
        other => AdtError::from(&other),
    })?;
    let message = Message {
        id: message,
        twin: id,
        component: component.map(str::to_owned),
        model,
        at: source_time.unwrap_or_else(|| call.adt.now()),
        trace: call.trace,
        data: payload,
    };
    call.adt.config.outlet.telemetry(call.tenant(), message).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn message_id(given: Option<&str>) -> Result<String, AdtError> {
    let text = given.map(str::trim).unwrap_or_default();
    if (1..=MESSAGE_ID_BYTES_MAX).contains(&text.len()) {
        return Ok(text.to_owned());
    }
    let message =
        format!("the header Message-Id must be there and have 1 to {MESSAGE_ID_BYTES_MAX} characters");
    Err(AdtError::argument(message))
}

fn source_time(given: Option<&str>) -> Result<Option<Timestamp>, AdtError> {
    let read = |text: &str| {
        text.trim().parse::<Timestamp>().map_err(|error| {
            AdtError::argument(format!("the header Telemetry-Source-Time must be an RFC 3339 time: {error}"))
        })
    };
    given.map(read).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_an_id_and_may_have_a_time() {
        assert_eq!(message_id(Some(" m-1 ")).unwrap(), "m-1");
        for bad in [None, Some(""), Some(" "), Some(&*"x".repeat(129))] {
            assert_eq!(message_id(bad).unwrap_err().code, Code::InvalidArgument);
        }
        assert_eq!(source_time(None).unwrap(), None);
        let time = source_time(Some("2026-11-27T01:00:00.1234567+01:00")).unwrap().unwrap();
        assert_eq!(time.to_string(), "2026-11-27T00:00:00.123456Z");
        assert!(source_time(Some("yesterday")).is_err());
    }
}
