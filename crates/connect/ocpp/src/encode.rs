//! From a neutral [`Answer`] to the frame of a version.

use serde_json::{Value, json};
use voltwin_core::{Decimal, Timestamp};

use crate::{Answer, ErrorCode, TokenInfo, TokenStatus, Version, Violation, messages};

/// The longest token of 1.6, in characters.
const ID_TAG_MAX: usize = 20;
/// The longest token of 2.0.1, in characters; 2.1 has room for 255.
const ID_TOKEN_MAX: usize = 36;
/// The longest language tag of 2.x, in characters.
const LANGUAGE_MAX: usize = 8;

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
        ("Authorize", Answer::Authorize { token: info, certificate, tariff }) => {
            let mut payload = token(version, &info);
            if let Some(certificate) = certificate.filter(|_| version != Version::V16) {
                payload["certificateStatus"] = certificate.as_str().into();
            }
            if let Some(tariff) = tariff.filter(|_| version == Version::V21) {
                payload["tariff"] = *tariff;
            }
            Ok(payload)
        }
        ("StartTransaction", Answer::Transaction { transaction_id: Some(id), token: info, .. }) => {
            let mut payload = token(version, &info.unwrap_or(TokenStatus::Accepted.into()));
            payload["transactionId"] = id.into();
            Ok(payload)
        }
        ("StopTransaction" | "TransactionEvent", Answer::Transaction { token: info, total_cost, .. }) => {
            let mut payload = info.map_or_else(|| json!({}), |info| token(version, &info));
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

fn token(version: Version, info: &TokenInfo) -> Value {
    let name = if version == Version::V16 { "idTagInfo" } else { "idTokenInfo" };
    json!({ name: token_info(version, info) })
}

/// What a version can say of a token: `idTagInfo` of 1.6, `idTokenInfo` of 2.x.
#[must_use]
pub fn token_info(version: Version, info: &TokenInfo) -> Value {
    let fits = |text: &&String, max: usize| (1..=max).contains(&text.chars().count());
    let until = info.expires_at.map(time);
    if version == Version::V16 {
        let mut payload = json!({"status": info.status.as_v16()});
        if let Some(until) = until {
            payload["expiryDate"] = until.into();
        }
        if let Some(parent) = info.parent.as_ref().filter(|parent| fits(parent, ID_TAG_MAX)) {
            payload["parentIdTag"] = parent.as_str().into();
        }
        return payload;
    }
    let mut payload = json!({"status": info.status.as_str()});
    if let Some(until) = until {
        payload["cacheExpiryDateTime"] = until.into();
    }
    if let Some(parent) = info.parent.as_ref().filter(|parent| fits(parent, ID_TOKEN_MAX)) {
        // a group is known to the central system alone
        payload["groupIdToken"] = json!({"idToken": parent, "type": "Central"});
    }
    if let Some(language) = info.language.as_ref().filter(|language| fits(language, LANGUAGE_MAX)) {
        payload["language1"] = language.as_str().into();
    }
    if !info.evses.is_empty() {
        payload["evseId"] = json!(info.evses);
    }
    payload
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
    use crate::ContractStatus;
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
                let payload = token(version, &status.into());
                messages::check_answer(version, "Authorize", &payload.to_string()).unwrap();
            }
        }
    }

    #[test]
    fn every_status_of_a_contract_is_valid_where_there_are_contracts() {
        for version in Version::PREFERRED {
            for status in ContractStatus::ALL {
                let token = TokenStatus::Invalid.into();
                let answer = Answer::Authorize { token, certificate: Some(status), tariff: None };
                let payload = answer_payload(version, "Authorize", answer).unwrap();
                messages::check_answer(version, "Authorize", &payload.to_string()).unwrap();
                assert_eq!(payload.get("certificateStatus").is_some(), version != Version::V16);
            }
        }
    }

    #[test]
    fn only_2_1_has_a_tariff_beside_the_token() {
        let tariff =
            json!({"tariffId": "t:1", "currency": "EUR", "energy": {"prices": [{"priceKwh": 0.45}]}});
        for version in Version::PREFERRED {
            let answer = Answer::Authorize {
                token: TokenStatus::Accepted.into(),
                certificate: None,
                tariff: Some(Box::new(tariff.clone())),
            };
            let said = answer_payload(version, "Authorize", answer).unwrap();
            messages::check_answer(version, "Authorize", &said.to_string()).unwrap();
            assert_eq!(said.get("tariff"), (version == Version::V21).then_some(&tariff));
        }
    }

    #[test]
    fn each_version_says_of_a_token_what_it_has_words_for() {
        let info = TokenInfo {
            status: TokenStatus::NotAtThisLocation,
            expires_at: Some(Timestamp::from_millis(1_795_000_000_000)),
            parent: Some("FLEET".into()),
            language: Some("de".into()),
            evses: vec![2, 3],
        };
        let said = token(Version::V16, &info);
        messages::check_answer(Version::V16, "Authorize", &said.to_string()).unwrap();
        let until = time(Timestamp::from_millis(1_795_000_000_000));
        let want = json!({"status": "Invalid", "expiryDate": until, "parentIdTag": "FLEET"});
        assert_eq!(said["idTagInfo"], want);
        for version in [Version::V201, Version::V21] {
            let said = token(version, &info);
            messages::check_answer(version, "Authorize", &said.to_string()).unwrap();
            let said = &said["idTokenInfo"];
            assert_eq!(said["groupIdToken"]["idToken"], "FLEET");
            assert_eq!((&said["language1"], &said["evseId"]), (&json!("de"), &json!([2, 3])));
            assert_eq!(said["cacheExpiryDateTime"], until.as_str());
        }
        let long = TokenInfo { parent: Some("P".repeat(21)), ..info };
        assert!(
            token(Version::V16, &long)["idTagInfo"].get("parentIdTag").is_none(),
            "a cut group is another"
        );
        assert_eq!(token(Version::V201, &long)["idTokenInfo"]["groupIdToken"]["type"], "Central");
    }
}
