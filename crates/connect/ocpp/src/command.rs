//! What the central system asks of a station, freed of the version in which it is asked.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{CommandError, Version, messages::validate_call};

/// One thing asked of a station.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Start a transaction.
    RemoteStart {
        /// EVSE number from 1 (1.6: connector number); absent = the station chooses.
        evse: Option<u32>,
        /// Connector of the EVSE; no version carries it, so it serves the caller's records only.
        connector: Option<u32>,
        /// Who charges; at most 20 characters in 1.6.
        id_token: String,
        /// Ties the station's report to this command (2.x).
        remote_start_id: i64,
    },
    /// Stop a transaction.
    RemoteStop {
        /// The shared id; a whole number in 1.6.
        transaction_id: String,
    },
    /// Restart.
    Reset {
        /// How.
        kind: ResetKind,
        /// One EVSE only (2.x).
        evse: Option<u32>,
    },
    /// Say something again.
    Trigger {
        /// The message, such as `StatusNotification`.
        message: String,
        /// Of which EVSE (1.6: connector).
        evse: Option<u32>,
    },
    /// Take into service or out of it; a transaction may finish first.
    ChangeAvailability {
        /// Into service.
        operative: bool,
        /// One EVSE only (1.6: connector).
        evse: Option<u32>,
        /// One connector of the EVSE only (2.x).
        connector: Option<u32>,
    },
    /// Let go of the plug.
    Unlock {
        /// The EVSE (1.6: connector).
        evse: u32,
        /// Its connector (2.x); the first when absent.
        connector: Option<u32>,
    },
    /// Forget the tokens that were authorised before.
    ClearCache,
    /// Any action that a central system may send in the station's version.
    Raw {
        /// The action.
        action: String,
        /// Its payload.
        payload: Value,
    },
}

/// How to restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ResetKind {
    /// Stop transactions in good order first (1.6 `Soft`; 2.x `OnIdle`: when no transaction is left).
    Soft,
    /// At once (1.6 `Hard`; 2.x `Immediate`).
    Hard,
}

impl Command {
    /// The action and payload in `version`, checked against the type of the action.
    ///
    /// # Errors
    /// [`CommandError::Unsupported`] when the version cannot say it, [`CommandError::Invalid`] when a value
    /// breaks a rule of the version.
    pub fn to_call(&self, version: Version) -> Result<(String, Value), CommandError> {
        let (action, payload) = self.spell(version)?;
        validate_call(version, &action, &payload)
            .map_err(|violation| CommandError::Invalid { version, violation })?;
        Ok((action, payload))
    }

    fn spell(&self, version: Version) -> Result<(String, Value), CommandError> {
        let unsupported = |what: &str| CommandError::Unsupported { version, what: what.to_owned() };
        let (action, payload) = match (self, version) {
            (Self::Raw { action, payload }, _) => return Ok((action.clone(), payload.clone())),
            (Self::RemoteStart { evse, id_token, .. }, Version::V16) => {
                ("RemoteStartTransaction", optional(json!({"idTag": id_token}), "connectorId", *evse))
            }
            (Self::RemoteStart { evse, id_token, remote_start_id, .. }, _) => {
                let token = json!({"idToken": id_token, "type": "Central"});
                let payload = json!({"idToken": token, "remoteStartId": remote_start_id});
                ("RequestStartTransaction", optional(payload, "evseId", *evse))
            }
            (Self::RemoteStop { transaction_id }, Version::V16) => {
                let id: i64 = transaction_id
                    .parse()
                    .map_err(|_| unsupported("transaction id that is not a whole number"))?;
                ("RemoteStopTransaction", json!({"transactionId": id}))
            }
            (Self::RemoteStop { transaction_id }, _) => {
                ("RequestStopTransaction", json!({"transactionId": transaction_id}))
            }
            (Self::Reset { evse: Some(_), .. }, Version::V16) => {
                return Err(unsupported("reset of a single EVSE"));
            }
            (Self::Reset { kind, .. }, Version::V16) => ("Reset", json!({"type": kind.as_v16()})),
            (Self::Reset { kind, evse }, _) => {
                ("Reset", optional(json!({"type": kind.as_v2()}), "evseId", *evse))
            }
            (Self::ChangeAvailability { connector: Some(_), .. }, Version::V16) => {
                return Err(unsupported("availability of a connector of an EVSE"));
            }
            (Self::ChangeAvailability { operative, evse, .. }, Version::V16) => {
                let kind = if *operative { "Operative" } else { "Inoperative" };
                ("ChangeAvailability", json!({"connectorId": evse.unwrap_or(0), "type": kind}))
            }
            (Self::ChangeAvailability { operative, evse, connector }, _) => {
                let status = if *operative { "Operative" } else { "Inoperative" };
                let evse = evse.map(|id| optional(json!({"id": id}), "connectorId", *connector));
                ("ChangeAvailability", optional(json!({"operationalStatus": status}), "evse", evse))
            }
            (Self::Unlock { connector: Some(_), .. }, Version::V16) => {
                return Err(unsupported("unlocking a connector of an EVSE"));
            }
            (Self::Unlock { evse, .. }, Version::V16) => ("UnlockConnector", json!({"connectorId": evse})),
            (Self::Unlock { evse, connector }, _) => {
                ("UnlockConnector", json!({"evseId": evse, "connectorId": connector.unwrap_or(1)}))
            }
            (Self::ClearCache, _) => ("ClearCache", json!({})),
            (Self::Trigger { message, evse }, Version::V16) => {
                let extended =
                    matches!(message.as_str(), "LogStatusNotification" | "SignChargePointCertificate");
                let action = if extended { "ExtendedTriggerMessage" } else { "TriggerMessage" };
                (action, optional(json!({"requestedMessage": message}), "connectorId", *evse))
            }
            (Self::Trigger { message, evse }, _) => {
                // of a status a connector must be named
                let connector = (message == "StatusNotification").then_some(1);
                let evse = evse.map(|id| optional(json!({"id": id}), "connectorId", connector));
                ("TriggerMessage", optional(json!({"requestedMessage": message}), "evse", evse))
            }
        };
        Ok((action.to_owned(), payload))
    }
}

impl ResetKind {
    /// The word of 1.6.
    #[must_use]
    pub fn as_v16(self) -> &'static str {
        match self {
            Self::Soft => "Soft",
            Self::Hard => "Hard",
        }
    }

    /// The word of 2.x.
    #[must_use]
    pub fn as_v2(self) -> &'static str {
        match self {
            Self::Soft => "OnIdle",
            Self::Hard => "Immediate",
        }
    }
}

fn optional(mut payload: Value, key: &str, value: Option<impl Into<Value>>) -> Value {
    if let Some(value) = value {
        payload[key] = value.into();
    }
    payload
}

/// Whether a station's answer to `action` says yes: its `status`, or for `SetVariables` the status of every
/// variable. `None` when the answer has no such word (`GetConfiguration`, `CostUpdated` …).
#[must_use]
pub fn accepted(version: Version, action: &str, answer: &Value) -> Option<bool> {
    let yes = |word: &str| {
        matches!(word, "Accepted" | "AcceptedCanceled" | "Scheduled" | "RebootRequired" | "Unlocked")
            // A firmware that is not there any more is what was asked for.
            || (version.is_v2() && action == "UnpublishFirmware" && matches!(word, "Unpublished" | "NoFirmware"))
    };
    if let Some(results) = answer.get("setVariableResult").and_then(Value::as_array) {
        return Some(results.iter().all(|r| r["attributeStatus"].as_str().is_some_and(yes)));
    }
    answer.get("status").and_then(Value::as_str).map(yes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_version_says_it_in_its_own_words() {
        let start = Command::RemoteStart {
            evse: Some(2),
            connector: None,
            id_token: "TAG".into(),
            remote_start_id: 7,
        };
        assert_eq!(
            start.to_call(Version::V16).unwrap(),
            ("RemoteStartTransaction".into(), json!({"connectorId": 2, "idTag": "TAG"}))
        );
        assert_eq!(
            start.to_call(Version::V21).unwrap().1,
            json!({"evseId": 2, "idToken": {"idToken": "TAG", "type": "Central"}, "remoteStartId": 7})
        );
        let reset = Command::Reset { kind: ResetKind::Soft, evse: None };
        assert_eq!(reset.to_call(Version::V16).unwrap().1, json!({"type": "Soft"}));
        assert_eq!(reset.to_call(Version::V201).unwrap().1, json!({"type": "OnIdle"}));
        let one = Command::Reset { kind: ResetKind::Hard, evse: Some(1) };
        assert!(matches!(one.to_call(Version::V16), Err(CommandError::Unsupported { .. })));
        assert_eq!(one.to_call(Version::V21).unwrap().1, json!({"type": "Immediate", "evseId": 1}));
        let stop = Command::RemoteStop { transaction_id: "abc".into() };
        assert!(stop.to_call(Version::V16).is_err());
        assert!(stop.to_call(Version::V201).is_ok());
        let log = Command::Trigger { message: "LogStatusNotification".into(), evse: None };
        assert_eq!(log.to_call(Version::V16).unwrap().0, "ExtendedTriggerMessage");
    }

    #[test]
    fn availability_unlocking_and_the_cache_in_each_version() {
        let out = Command::ChangeAvailability { operative: false, evse: Some(2), connector: None };
        assert_eq!(out.to_call(Version::V16).unwrap().1, json!({"connectorId": 2, "type": "Inoperative"}));
        let want = json!({"operationalStatus": "Inoperative", "evse": {"id": 2}});
        assert_eq!(out.to_call(Version::V201).unwrap().1, want);
        let all = Command::ChangeAvailability { operative: true, evse: None, connector: None };
        assert_eq!(all.to_call(Version::V16).unwrap().1, json!({"connectorId": 0, "type": "Operative"}));
        assert_eq!(all.to_call(Version::V21).unwrap().1, json!({"operationalStatus": "Operative"}));
        let unlock = Command::Unlock { evse: 1, connector: None };
        assert_eq!(unlock.to_call(Version::V16).unwrap().1, json!({"connectorId": 1}));
        assert_eq!(unlock.to_call(Version::V21).unwrap().1, json!({"evseId": 1, "connectorId": 1}));
        let second = Command::Unlock { evse: 1, connector: Some(2) };
        assert!(matches!(second.to_call(Version::V16), Err(CommandError::Unsupported { .. })));
        for version in Version::PREFERRED {
            assert_eq!(Command::ClearCache.to_call(version).unwrap(), ("ClearCache".into(), json!({})));
        }
    }

    #[test]
    fn every_message_that_a_version_lets_be_triggered() {
        let both = [
            "BootNotification",
            "FirmwareStatusNotification",
            "Heartbeat",
            "MeterValues",
            "StatusNotification",
        ];
        let v2 = [
            "LogStatusNotification",
            "TransactionEvent",
            "SignChargingStationCertificate",
            "SignV2GCertificate",
            "SignCombinedCertificate",
            "PublishFirmwareStatusNotification",
        ];
        let v16 = ["DiagnosticsStatusNotification", "LogStatusNotification", "SignChargePointCertificate"];
        let goes = |version: Version, message: &str, evse| {
            Command::Trigger { message: message.into(), evse }.to_call(version).is_ok()
        };
        assert!(both.iter().chain(&v16).all(|message| goes(Version::V16, message, None)));
        for version in [Version::V201, Version::V21] {
            assert!(both.iter().chain(&v2).all(|message| goes(version, message, Some(1))), "{version}");
        }
        assert!(
            goes(Version::V21, "SignV2G20Certificate", None)
                && !goes(Version::V201, "SignV2G20Certificate", None)
        );
        assert!(
            !goes(Version::V16, "TransactionEvent", None)
                && !goes(Version::V21, "DiagnosticsStatusNotification", None)
        );
        let status = Command::Trigger { message: "StatusNotification".into(), evse: Some(2) };
        assert_eq!(status.to_call(Version::V21).unwrap().1["evse"], json!({"id": 2, "connectorId": 1}));
    }

    #[test]
    fn a_raw_command_is_held_to_its_type() {
        let raw = |action: &str, payload: Value| {
            Command::Raw { action: action.into(), payload }.to_call(Version::V16).map_err(|e| e.to_string())
        };
        assert!(raw("ChangeConfiguration", json!({"key": "HeartbeatInterval", "value": "60"})).is_ok());
        let error = raw("ChangeConfiguration", json!({"key": "HeartbeatInterval"})).unwrap_err();
        assert!(error.contains("value"), "{error}");
        assert!(raw("SetVariables", json!({})).unwrap_err().contains("no action"));
        assert!(raw("BootNotification", json!({})).unwrap_err().contains("other way"));
    }

    #[test]
    fn what_counts_as_yes() {
        for (action, answer, want) in [
            ("Reset", json!({"status": "Accepted"}), Some(true)),
            ("Reset", json!({"status": "Scheduled"}), Some(true)),
            ("UnlockConnector", json!({"status": "UnlockFailed"}), Some(false)),
            ("GetConfiguration", json!({"configurationKey": []}), None),
            (
                "SetVariables",
                json!({"setVariableResult": [{"attributeStatus": "Accepted"}, {"attributeStatus": "Rejected"}]}),
                Some(false),
            ),
        ] {
            assert_eq!(accepted(Version::V201, action, &answer), want, "{action}");
        }
    }
}
