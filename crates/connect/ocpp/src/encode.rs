//! From a neutral [`Answer`] to the frame of a version.

use serde_json::{Value, json};
use voltwin_core::{Decimal, Timestamp};

use crate::{Answer, ErrorCode, TokenStatus, Version, Violation, envelope, messages};

/// Writes the answer to the call `action` with the id `message_id`. An answer that does not fit the action
/// becomes `InternalError`.
#[must_use]
pub fn encode_answer(version: Version, message_id: &str, action: &str, answer: Answer) -> String {
    match answer_payload(version, action, answer) {
        Ok(payload) => envelope::result(message_id, &payload),
        Err(refusal) => envelope::error(version, message_id, refusal.code, &refusal.detail),
    }
}

/// The payload of the answer, or the error that stands in for it.
pub(crate) fn answer_payload(version: Version, action: &str, answer: Answer) -> Result<Value, Violation> {
    match (action, answer) {
        (_, Answer::Refused { code, detail }) => Err(Violation::new(code, "", detail)),
        ("BootNotification", Answer::Boot { status, interval_s, now }) => {
            Ok(json!({"currentTime": time(now), "interval": interval_s, "status": status.as_str()}))
        }
        ("Heartbeat", Answer::Heartbeat { now }) => Ok(json!({"currentTime": time(now)})),
        ("StatusNotification", Answer::Status)
        | ("MeterValues", Answer::MeterValues | Answer::Transaction { .. }) => Ok(json!({})),
        ("Authorize", Answer::Authorize { status }) => Ok(token(version, status)),
        ("StartTransaction", Answer::Transaction { transaction_id: Some(id), token: status, .. }) => {
            let mut payload = token(version, status.unwrap_or(TokenStatus::Accepted));
            payload["transactionId"] = id.into();
            Ok(payload)
        }
        ("StopTransaction" | "TransactionEvent", Answer::Transaction { token: status, total_cost, .. }) => {
            let mut payload = status.map_or_else(|| json!({}), |status| token(version, status));
            if let Some(cost) =
                total_cost.and_then(|cost| json_number(cost).filter(|_| version != Version::V16))
            {
                payload["totalCost"] = cost.into();
            }
            Ok(payload)
        }
        (action, Answer::Payload(payload)) => {
            messages::check_answer(version, action, &payload.to_string()).map_err(|violation| {
                let detail = format!("the central system's answer is not one: {violation}");
                Violation::new(ErrorCode::InternalError, "", detail)
            })?;
            Ok(payload)
        }
        (action, Answer::Other) => other(version, action).ok_or_else(|| {
            let detail = format!("{action} is not handled by this central system");
            Violation::new(ErrorCode::NotSupported, "", detail)
        }),
        _ => Err(Violation::new(ErrorCode::InternalError, "", "the central system has no answer")),
    }
}

/// The JSON number that writes an exact amount; `None` beyond what JSON numbers are read as.
#[must_use]
pub fn json_number(amount: Decimal) -> Option<serde_json::Number> {
    amount.normalize().to_string().parse().ok()
}

/// `idTagInfo` of 1.6, `idTokenInfo` of 2.x.
fn token(version: Version, status: TokenStatus) -> Value {
    match version {
        Version::V16 => json!({"idTagInfo": {"status": status.as_v16()}}),
        Version::V201 | Version::V21 => json!({"idTokenInfo": {"status": status.as_str()}}),
    }
}

/// The smallest answer that is valid and true for an action that nothing here handles: that we have heard it,
/// or that we do not do what it asks for. `None` where the protocol has no such answer.
fn other(version: Version, action: &str) -> Option<Value> {
    match action {
        "ClearedChargingLimit"
        | "ClosePeriodicEventStream"
        | "BatterySwap"
        | "DiagnosticsStatusNotification"
        | "FirmwareStatusNotification"
        | "LogStatusNotification"
        | "NotifyChargingLimit"
        | "NotifyCustomerInformation"
        | "NotifyDERAlarm"
        | "NotifyDERStartStop"
        | "NotifyDisplayMessages"
        | "NotifyEvent"
        | "NotifyMonitoringReport"
        | "NotifyPriorityCharging"
        | "NotifyReport"
        | "NotifySettlement"
        | "PublishFirmwareStatusNotification"
        | "ReportChargingProfiles"
        | "ReportDERControl"
        | "ReservationStatusUpdate"
        | "SecurityEventNotification"
        | "SignedFirmwareStatusNotification" => Some(json!({})),
        "DataTransfer" => Some(json!({"status": "UnknownVendorId"})),
        "NotifyEVChargingSchedule" => Some(json!({"status": "Accepted"})),
        "OpenPeriodicEventStream" | "SignCertificate" => Some(json!({"status": "Rejected"})),
        "NotifyEVChargingNeeds" if version == Version::V21 => Some(json!({"status": "NoChargingProfile"})),
        _ => None,
    }
}

/// Our clock in milliseconds: more digits than that upset small parsers.
fn time(now: Timestamp) -> String {
    Timestamp::from_millis(now.as_millis()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::Origin;

    #[test]
    fn every_small_answer_is_valid() {
        let mut answered = 0;
        for version in Version::PREFERRED {
            for (action, origin) in messages::known_actions(version) {
                if origin == Origin::System {
                    continue;
                }
                if let Some(payload) = other(version, action) {
                    messages::check_answer(version, action, &payload.to_string())
                        .unwrap_or_else(|v| panic!("{version} {action}: {v}"));
                    answered += 1;
                }
            }
        }
        assert!(answered > 40, "{answered}");
    }

    #[test]
    fn an_amount_is_written_as_it_is() {
        let text = |amount: &str| json_number(amount.parse().unwrap()).unwrap().to_string();
        assert_eq!([text("10.70"), text("3.00"), text("0.005")], ["10.7", "3", "0.005"]);
        let total = |version, cost| {
            let answer = Answer::Transaction { transaction_id: None, token: None, total_cost: Some(cost) };
            answer_payload(version, "TransactionEvent", answer).unwrap().to_string()
        };
        assert_eq!(total(Version::V201, Decimal::new(1_071, 2)), r#"{"totalCost":10.71}"#);
        assert_eq!(total(Version::V21, Decimal::ZERO), r#"{"totalCost":0}"#);
    }

    #[test]
    fn every_token_status_is_valid_everywhere() {
        for version in Version::PREFERRED {
            for status in TokenStatus::ALL {
                let payload = token(version, status);
                messages::check_answer(version, "Authorize", &payload.to_string()).unwrap();
            }
        }
    }
}
