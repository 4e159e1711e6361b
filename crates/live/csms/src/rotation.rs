//! A new password for a station that is connected: both count until it has come with the new one.

use std::time::Duration;

use serde_json::{Value as Json, json};
use voltwin_core::{CommandState, TenantId, TwinId};
use voltwin_ocpp::Version;
use voltwin_security::PasswordHash;

use crate::{CentralSystem, CommandRequest, CsmsError};

/// What became of a new password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// The station took it; the old one counts until it has come with the new one.
    Taken,
    /// The station refused it; only the old one counts.
    Refused,
    /// The station did not answer: it may have taken it, so both count.
    Unanswered,
}

impl CentralSystem {
    /// Gives a connected station a new password, which nobody else gets to see.
    ///
    /// # Errors
    /// [`CsmsError::NoStation`] when it is not registered, [`CsmsError::Conflict`] when it is not connected, and what
    /// else keeps a command from being given.
    pub async fn rotate_password(
        &self,
        tenant: &TenantId,
        station: &TwinId,
        by: &str,
    ) -> Result<Rotation, CsmsError> {
        let store = self.inner.runtime.store().tenant(tenant);
        if store.station(station.as_str()).await?.is_none() {
            return Err(CsmsError::NoStation(station.to_string()));
        }
        let Some(entry) = self.inner.directory.get(tenant, station) else {
            let detail = "the station is offline; a password is changed over its own connection";
            return Err(CsmsError::Conflict(detail.to_owned()));
        };
        let (password, hash) = match entry.version {
            Version::V16 => PasswordHash::generate_key()?,
            Version::V201 | Version::V21 => PasswordHash::generate()?,
        };
        // remembered before it is sent: a station that has it must not find itself locked out
        store.set_next_password(station.as_str(), Some(&hash), by, self.inner.runtime.now()).await?;
        let (action, payload) = order(entry.version, password.expose());
        let request = CommandRequest::Raw { action: action.to_owned(), payload };
        let wait = Duration::from_secs(u64::from(self.inner.config.call_timeout_s) + 5);
        let command = self.command(tenant, station, request, by, wait).await?;
        let rotation = match command.state {
            CommandState::Accepted if taken(entry.version, command.answer.as_ref()) => Rotation::Taken,
            CommandState::Accepted | CommandState::Rejected => Rotation::Refused,
            CommandState::Requested | CommandState::Sent | CommandState::Failed => Rotation::Unanswered,
        };
        if rotation == Rotation::Refused {
            store.set_next_password(station.as_str(), None, by, self.inner.runtime.now()).await?;
        }
        Ok(rotation)
    }
}

fn order(version: Version, password: &str) -> (&'static str, Json) {
    match version {
        Version::V16 => ("ChangeConfiguration", json!({"key": "AuthorizationKey", "value": password})),
        Version::V201 | Version::V21 => {
            let variable = json!({
                "component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"},
                "attributeValue": password,
            });
            ("SetVariables", json!({"setVariableData": [variable]}))
        }
    }
}

/// 2.x answers for each variable.
fn taken(version: Version, answer: Option<&Json>) -> bool {
    let status = match version {
        Version::V16 => answer.and_then(|answer| answer.get("status")),
        Version::V201 | Version::V21 => {
            answer.and_then(|answer| answer.pointer("/setVariableResult/0/attributeStatus"))
        }
    };
    matches!(status.and_then(Json::as_str), Some("Accepted" | "RebootRequired"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_station_of_any_version_says_whether_it_took_the_password() {
        let each = |status: &str| json!({"setVariableResult": [{"attributeStatus": status}]});
        assert!(taken(Version::V16, Some(&json!({"status": "Accepted"}))));
        assert!(taken(Version::V16, Some(&json!({"status": "RebootRequired"}))));
        assert!(!taken(Version::V16, Some(&json!({"status": "NotSupported"}))));
        assert!(taken(Version::V201, Some(&each("Accepted"))));
        assert!(!taken(Version::V21, Some(&each("Rejected"))));
        assert!(!taken(Version::V21, None));
    }
}
