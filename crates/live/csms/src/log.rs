//! The newest frames of each station, for a person who asks what it said.

use std::collections::{HashMap, VecDeque};

use serde::Serialize;
use voltwin_core::{TenantId, Timestamp, TwinId};

/// Characters of a payload that are kept.
const PAYLOAD_MAX: usize = 4_096;

/// Fields whose values never reach a log.
const SECRETS: [&str; 4] = ["AuthorizationKey", "BasicAuthPassword", "password", "apn"];

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

/// The payload as it may be shown: a frame that carries a secret loses its payload, and a long one its end.
pub(crate) fn presentable(payload: &str) -> String {
    if SECRETS.iter().any(|secret| payload.contains(secret)) {
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
        assert_eq!(presentable(&"é".repeat(5_000)).chars().count(), PAYLOAD_MAX + 1);
        assert_eq!(presentable("{}"), "{}");
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
