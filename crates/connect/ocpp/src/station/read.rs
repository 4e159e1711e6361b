//! What a station receives: answers and calls.

use serde_json::Value;
use voltwin_core::Timestamp;

use super::{BootResult, StationAnswer, StationCall};
use crate::{
    ErrorCode, ResetKind, TokenStatus, Version, Violation,
    messages::{self, validate_call},
};

/// Reads the answer to a message that was sent as `action`.
///
/// # Errors
/// The [`Violation`] when the answer does not hold to the version.
pub fn read_answer(version: Version, action: &str, payload: &Value) -> Result<StationAnswer, Violation> {
    messages::check_answer(version, action, &payload.to_string())?;
    Ok(match action {
        "BootNotification" => StationAnswer::Boot(BootResult {
            status: word(payload, "status")?,
            interval_s: payload["interval"]
                .as_i64()
                .map_or(0, |s| u32::try_from(s.max(0)).unwrap_or(u32::MAX)),
            now: time(payload, "currentTime")?,
        }),
        "Heartbeat" => StationAnswer::Heartbeat { now: time(payload, "currentTime")? },
        "Authorize" => {
            StationAnswer::Authorize { status: token(version, payload)?.unwrap_or(TokenStatus::Invalid) }
        }
        "StartTransaction" | "StopTransaction" | "TransactionEvent" => StationAnswer::Transaction {
            transaction_id: payload["transactionId"].as_i64().map(|id| id.to_string()),
            token: token(version, payload)?,
        },
        _ => StationAnswer::Empty,
    })
}

/// Reads a call of the central system.
///
/// # Errors
/// The [`Violation`] to answer with.
pub fn read_call(version: Version, action: &str, payload: &Value) -> Result<StationCall, Violation> {
    validate_call(version, action, payload)?;
    let number = |value: &Value| value.as_u64().and_then(|n| u32::try_from(n).ok());
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Ok(match (version, action) {
        (Version::V16, "RemoteStartTransaction") => StationCall::RemoteStart {
            evse: number(&payload["connectorId"]),
            id_token: text(&payload["idTag"]),
            token_type: None,
            remote_start_id: None,
        },
        (_, "RequestStartTransaction") => StationCall::RemoteStart {
            evse: number(&payload["evseId"]),
            id_token: text(&payload["idToken"]["idToken"]),
            token_type: Some(text(&payload["idToken"]["type"])),
            remote_start_id: payload["remoteStartId"].as_i64(),
        },
        (Version::V16, "RemoteStopTransaction") => {
            StationCall::RemoteStop { transaction_id: payload["transactionId"].to_string() }
        }
        (_, "RequestStopTransaction") => {
            StationCall::RemoteStop { transaction_id: text(&payload["transactionId"]) }
        }
        (_, "Reset") => StationCall::Reset {
            kind: match payload["type"].as_str() {
                Some("Soft" | "OnIdle") => ResetKind::Soft,
                _ => ResetKind::Hard,
            },
            evse: number(&payload["evseId"]),
        },
        (_, "TriggerMessage" | "ExtendedTriggerMessage") => StationCall::Trigger {
            message: text(&payload["requestedMessage"]),
            evse: number(&payload["connectorId"]).or_else(|| number(&payload["evse"]["id"])),
        },
        (Version::V16, "SetChargingProfile") => StationCall::SetChargingProfile {
            evse: number(&payload["connectorId"]).unwrap_or(0),
            profile: payload["csChargingProfiles"].clone(),
        },
        (_, "SetChargingProfile") => StationCall::SetChargingProfile {
            evse: number(&payload["evseId"]).unwrap_or(0),
            profile: payload["chargingProfile"].clone(),
        },
        _ => StationCall::Other { action: action.to_owned(), payload: payload.clone() },
    })
}

fn token(version: Version, payload: &Value) -> Result<Option<TokenStatus>, Violation> {
    let info = if version == Version::V16 { &payload["idTagInfo"] } else { &payload["idTokenInfo"] };
    if info.is_null() { Ok(None) } else { word(info, "status").map(Some) }
}

fn word<T: std::str::FromStr<Err = crate::OcppError>>(payload: &Value, field: &str) -> Result<T, Violation> {
    let text = payload[field].as_str().unwrap_or_default();
    text.parse().map_err(|e: crate::OcppError| {
        Violation::new(ErrorCode::PropertyConstraintViolation, field, e.to_string())
    })
}

fn time(payload: &Value, field: &str) -> Result<Timestamp, Violation> {
    let text = payload[field].as_str().unwrap_or_default();
    text.parse().map_err(|e: voltwin_core::CoreError| {
        Violation::new(ErrorCode::TypeConstraintViolation, field, e.to_string())
    })
}
