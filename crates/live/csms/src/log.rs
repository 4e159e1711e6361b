//! The newest frames of each station, for a person who asks what it said.

use std::collections::{HashMap, VecDeque};

use serde::Serialize;
use serde_json::Value as Json;
use voltwin_core::{TenantId, Timestamp, TwinId};

/// Characters of a payload that are kept.
const PAYLOAD_MAX: usize = 4_096;

/// Parts of the names of keys, variables and fields whose values never reach a log, in lower case.
const SECRETS: [&str; 2] = ["authorizationkey", "password"];

/// Fields that hold what a key or variable is set to.
const VALUES: [&str; 2] = ["value", "attributeValue"];

/// Stands where a secret was.
const MASK: &str = "***";

/// One OCPP frame as it passed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LoggedFrame {
    /// When it passed.
    pub at: Timestamp,
    /// `in` from the station, `out` to it.
    pub direction: &'static str,
    /// `call`, `result`, `error`, `send`, or `malformed` for one that could not be read.
    pub kind: &'static str,
    /// The OCPP action, of the call that it answers if it is an answer.
    pub action: Option<String>,
    /// The message id.
    pub id: Option<String>,
    /// The payload as JSON text, cut to 4 096 characters, secrets masked.
    pub payload: String,
    /// What was wrong with it, if anything.
    pub outcome: Option<String>,
}

pub(crate) struct Logs {
    frames: HashMap<(TenantId, TwinId), VecDeque<LoggedFrame>>,
    keep: usize,
}

impl Logs {
    pub(crate) fn new(keep: usize) -> Self {
        Self { frames: HashMap::new(), keep: keep.max(1) }
    }

    pub(crate) fn push(&mut self, tenant: &TenantId, station: &TwinId, frame: LoggedFrame) {
        let frames = self.frames.entry((tenant.clone(), station.clone())).or_default();
        if frames.len() == self.keep {
            frames.pop_front();
        }
        frames.push_back(frame);
    }

    pub(crate) fn of(&self, tenant: &TenantId, station: &TwinId) -> Vec<LoggedFrame> {
        let frames = self.frames.get(&(tenant.clone(), station.clone()));
        frames.map(|frames| frames.iter().cloned().collect()).unwrap_or_default()
    }
}

/// Whether a text holds the name of a secret; OCPP 1.6 keys and 2.x variables do not care about case.
fn names_secret(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    SECRETS.iter().any(|secret| text.contains(secret))
}

/// A command's payload or answer as it may be recorded: what it sets a secret to is masked, the rest stays.
pub(crate) fn recordable(json: Json) -> Json {
    match json {
        Json::Object(fields) => {
            let names = |value: &Json| match value {
                Json::String(name) => names_secret(name),
                Json::Object(variable) => {
                    variable.get("name").and_then(Json::as_str).is_some_and(names_secret)
                }
                _ => false,
            };
            let of_secret = ["key", "variable"].iter().any(|name| fields.get(*name).is_some_and(names));
            let of_vpn = fields.contains_key("server") && fields.contains_key("user");
            let masked = |name: &str| {
                names_secret(name)
                    || (of_secret && VALUES.contains(&name))
                    || name.eq_ignore_ascii_case("simPin")
                    || (of_vpn && name == "key")
            };
            let field = |(name, value): (String, Json)| match value {
                Json::Null | Json::Object(_) | Json::Array(_) => (name, recordable(value)),
                _ if masked(&name) => (name, Json::from(MASK)),
                _ => (name, value),
            };
            Json::Object(fields.into_iter().map(field).collect())
        }
        Json::Array(items) => Json::Array(items.into_iter().map(recordable).collect()),
        other => other,
    }
}

/// The payload as it may be shown: a frame that carries a secret loses its payload, and a long one its end.
pub(crate) fn presentable(payload: &str) -> String {
    if names_secret(payload) || payload.contains("\"apn\"") {
        return "\"(holds a secret and is not shown)\"".to_owned();
    }
    match payload.char_indices().nth(PAYLOAD_MAX) {
        Some((end, _)) => format!("{}…", &payload[..end]),
        None => payload.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_and_floods_do_not_reach_the_log() {
        let change = r#"{"key":"AuthorizationKey","value":"0123456789abcdef"}"#;
        assert!(!presentable(change).contains("0123"));
        assert!(!presentable(&change.to_lowercase()).contains("0123"));
        assert_eq!(presentable(&"é".repeat(5_000)).chars().count(), PAYLOAD_MAX + 1);
        assert_eq!(presentable("{}"), "{}");
    }

    #[test]
    fn secrets_are_masked_where_a_command_is_recorded() {
        let secret = "0123456789abcdef";
        let set = |name: &str| {
            serde_json::json!({"setVariableData": [
                {"component": {"name": "C"}, "variable": {"name": name}, "attributeValue": secret}]})
        };
        let network = serde_json::json!({"connectionData": {
            "apn": {"apn": "internet", "apnPassword": secret, "simPin": 1234},
            "vpn": {"server": "s", "user": "u", "password": secret, "key": secret}}});
        let all = [
            serde_json::json!({"key": "authorizationKEY", "value": secret}),
            serde_json::json!({"configurationKey": [{"key": "AuthorizationKey", "readonly": false, "value": secret}]}),
            set("BasicAuthPassword"),
            network,
        ];
        for json in all {
            let recorded = recordable(json).to_string();
            assert!(!recorded.contains("0123") && !recorded.contains("1234"), "{recorded}");
            assert!(recorded.contains(MASK), "{recorded}");
        }
        let harmless =
            [set("HeartbeatInterval"), serde_json::json!({"key": "HeartbeatInterval", "value": "60"})];
        for json in harmless {
            assert_eq!(recordable(json.clone()), json);
        }
    }

    #[test]
    fn a_station_keeps_only_its_newest_frames() {
        let (tenant, station) = (TenantId::new("t").unwrap(), TwinId::new("S").unwrap());
        let mut logs = Logs::new(2);
        for id in ["1", "2", "3"] {
            let frame = LoggedFrame {
                at: Timestamp::from_micros(0),
                direction: "in",
                kind: "call",
                action: None,
                id: Some(id.to_owned()),
                payload: "{}".to_owned(),
                outcome: None,
            };
            logs.push(&tenant, &station, frame);
        }
        let ids: Vec<_> = logs.of(&tenant, &station).into_iter().filter_map(|frame| frame.id).collect();
        assert_eq!(ids, ["2", "3"]);
    }
}
