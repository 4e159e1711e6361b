//! A higher security profile for a station that is connected (OCPP 2.0.1 use case A05, 1.6 security section 3.6).
//!
//! The station is told to come with the higher profile, and until it has, the lower one still lets it in: a station
//! that fails at it is not lost. Once it has come with the higher one it is held to it.

use std::time::Duration;

use serde_json::{Value as Json, json};
use voltwin_core::{CommandState, TenantId, TwinId};
use voltwin_ocpp::Version;
use voltwin_store::Command;

use crate::{CentralSystem, CommandRequest, CsmsError};

/// The most network profiles of a station that are told apart.
const SLOTS_MAX: u32 = 100;
/// Seconds that a station is to wait for an answer of ours.
const MESSAGE_TIMEOUT_S: u32 = 30;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpgradeRequest {
    /// The profile, 2 or 3, higher than the station has.
    pub profile: u8,
    /// Where the station is to connect, `wss://…` without its identity; a station of 1.6 keeps its address.
    pub url: Option<String>,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Upgrade {
    /// The station has been told all it needs and will come with the higher profile; the lower one counts until then.
    Ordered,
    /// The station did not take this message; nothing has changed.
    Refused {
        /// The message.
        action: String,
        /// What it said, or that it said nothing.
        reason: String,
    },
}

impl CentralSystem {
    /// Brings a connected station to a higher security profile.
    ///
    /// # Errors
    /// [`CsmsError::NoStation`], [`CsmsError::Missing`] when an address is needed, [`CsmsError::Conflict`] when it
    /// is not connected, has that profile already or lacks the certificate that profile 3 needs.
    pub async fn upgrade_profile(
        &self,
        tenant: &TenantId,
        station: &TwinId,
        wanted: &UpgradeRequest,
        by: &str,
    ) -> Result<Upgrade, CsmsError> {
        let store = self.inner.runtime.store().tenant(tenant);
        if store.station(station.as_str()).await?.is_none() {
            return Err(CsmsError::NoStation(station.to_string()));
        }
        let has = store.station_security(station.as_str()).await?.profile;
        if wanted.profile <= has || !(2..=3).contains(&wanted.profile) {
            let detail = format!("security profile {} is not above {has} and at most 3", wanted.profile);
            return Err(CsmsError::Conflict(detail));
        }
        let now = self.inner.runtime.now();
        if wanted.profile == 3 {
            let known = store.certificates(Some(station.as_str()), None, 100).await?.items;
            if !known.iter().any(|known| known.revoked_at.is_none() && known.not_after > now) {
                let detail = "the station has no certificate yet; let it ask for one first";
                return Err(CsmsError::Conflict(detail.to_owned()));
            }
        }
        let Some(entry) = self.inner.directory.get(tenant, station) else {
            let detail = "the station is offline; its profile is changed over its own connection";
            return Err(CsmsError::Conflict(detail.to_owned()));
        };
        // remembered first: the station may come back before its answer has been read
        store.set_next_profile(station.as_str(), Some(wanted.profile), by, now).await?;
        let order = Order { csms: self, tenant, station, by };
        let done = match entry.version {
            Version::V16 => order.by_configuration(wanted.profile).await,
            version => order.by_network_profile(version, wanted).await,
        };
        match done {
            Ok(None) => Ok(Upgrade::Ordered),
            Ok(Some(refused)) => {
                store.set_next_profile(station.as_str(), None, by, self.inner.runtime.now()).await?;
                Ok(refused)
            }
            Err(error) => {
                store.set_next_profile(station.as_str(), None, by, self.inner.runtime.now()).await?;
                Err(error)
            }
        }
    }
}

/// One station that is being told.
struct Order<'a> {
    csms: &'a CentralSystem,
    tenant: &'a TenantId,
    station: &'a TwinId,
    by: &'a str,
}

impl Order<'_> {
    /// 1.6: the station goes over to TLS, with its certificate for 3, at the address that it has.
    async fn by_configuration(&self, profile: u8) -> Result<Option<Upgrade>, CsmsError> {
        let payload = json!({"key": "SecurityProfile", "value": profile.to_string()});
        let command = self.send("ChangeConfiguration", payload).await?;
        Ok(match status(&command, "/status") {
            Some("Accepted" | "RebootRequired") => None,
            _ => Some(refused(&command, "/status")),
        })
    }

    /// 2.x: a network profile in a free slot, put before the others, and a reset.
    async fn by_network_profile(
        &self,
        version: Version,
        wanted: &UpgradeRequest,
    ) -> Result<Option<Upgrade>, CsmsError> {
        let Some(url) = wanted.url.as_deref().filter(|url| url.starts_with("wss://")) else {
            let detail = "the station must be told where to connect, as wss://…".to_owned();
            return Err(CsmsError::Missing { field: "url", detail });
        };
        let variable = json!({
            "component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "NetworkConfigurationPriority"},
        });
        let asked = self.send("GetVariables", json!({"getVariableData": [variable]})).await?;
        let path = "/getVariableResult/0/attributeStatus";
        let known =
            asked.answer.as_ref().and_then(|answer| answer.pointer("/getVariableResult/0/attributeValue"));
        let (Some("Accepted"), Some(order)) = (status(&asked, path), known.and_then(Json::as_str)) else {
            return Ok(Some(refused(&asked, path)));
        };
        let slot = free_slot(order);
        let (speaks, through) = match version {
            Version::V21 => ("OCPP21", "Any"),
            _ => ("OCPP20", "Wired0"),
        };
        let connection = json!({
            "ocppVersion": speaks, "ocppTransport": "JSON", "ocppCsmsUrl": url, "ocppInterface": through,
            "messageTimeout": MESSAGE_TIMEOUT_S, "securityProfile": wanted.profile,
        });
        let payload = json!({"configurationSlot": slot, "connectionData": connection});
        let set = self.send("SetNetworkProfile", payload).await?;
        if status(&set, "/status") != Some("Accepted") {
            return Ok(Some(refused(&set, "/status")));
        }
        let mut first = variable;
        first["attributeValue"] = json!(format!("{slot},{order}"));
        let ordered = self.send("SetVariables", json!({"setVariableData": [first]})).await?;
        let path = "/setVariableResult/0/attributeStatus";
        if !matches!(status(&ordered, path), Some("Accepted" | "RebootRequired")) {
            return Ok(Some(refused(&ordered, path)));
        }
        let reset = self.send("Reset", json!({"type": "OnIdle"})).await?;
        Ok(match status(&reset, "/status") {
            Some("Accepted" | "Scheduled") => None,
            _ => Some(refused(&reset, "/status")),
        })
    }

    async fn send(&self, action: &str, payload: Json) -> Result<Command, CsmsError> {
        let wait = Duration::from_secs(u64::from(self.csms.inner.config.call_timeout_s) + 5);
        let request = CommandRequest::Raw { action: action.to_owned(), payload };
        self.csms.command(self.tenant, self.station, request, self.by, wait).await
    }
}

fn status<'a>(command: &'a Command, path: &str) -> Option<&'a str> {
    let answered = matches!(command.state, CommandState::Accepted | CommandState::Rejected);
    command.answer.as_ref().filter(|_| answered)?.pointer(path)?.as_str()
}

fn refused(command: &Command, path: &str) -> Upgrade {
    let silent = || command.reason.clone().unwrap_or_else(|| "the station did not answer".to_owned());
    let reason = status(command, path).map_or_else(silent, str::to_owned);
    Upgrade::Refused { action: command.action.clone(), reason }
}

/// The lowest slot from 1 on that is not in use by an order such as `1,2`.
fn free_slot(order: &str) -> u32 {
    let used: Vec<u32> = order.split(',').filter_map(|slot| slot.trim().parse().ok()).collect();
    (1..SLOTS_MAX).find(|slot| !used.contains(slot)).unwrap_or(SLOTS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_network_profile_takes_a_slot_that_is_free() {
        assert_eq!([free_slot("1"), free_slot("1,2"), free_slot("0, 2"), free_slot("")], [2, 3, 1, 1]);
    }
}
