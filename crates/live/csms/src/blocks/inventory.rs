//! The first report: a station whose device model nobody has asked for is asked once, after its boot is accepted.
//!
//! Not at once: when a thousand stations come back together, reports must not come with them. Each waits its own
//! time within the range of [`crate::CsmsConfig::first_report_s`]. Record `inventory` under `report` says what became
//! of it; one that refused is asked again only with another firmware.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use serde_json::{Value as Json, json};
use voltwin_core::{CommandState, TenantId, TwinId};
use voltwin_ocpp::Version;

use crate::decide::Speaker;
use crate::stations::Events;
use crate::{CentralSystem, CommandRequest, CsmsError};

const TOPIC: &str = "inventory";
const KEY: &str = "report";
/// Who asks, in the list of commands.
const BY: &str = "voltwin";

impl CentralSystem {
    /// Sees to it that the station will be asked, unless it has told already.
    pub(crate) fn plan_inventory(&self, speaker: &Speaker<'_>) {
        let Some((least_s, most_s)) = self.inner.config.first_report_s else { return };
        let key = (speaker.tenant.clone(), speaker.station.clone());
        if !self.inner.planned.lock().insert(key.clone()) {
            return;
        }
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        let spread_ms = u64::from(most_s.saturating_sub(least_s)) * 1_000 + 1;
        let wait = Duration::from_millis(u64::from(least_s) * 1_000 + hasher.finish() % spread_ms);
        let csms = self.clone();
        tokio::spawn(async move {
            let stopping = csms.inner.runtime.stopping();
            let woken = tokio::select! {
                () = tokio::time::sleep(wait) => true,
                () = stopping.cancelled() => false,
            };
            csms.inner.planned.lock().remove(&key);
            if woken && let Err(error) = csms.take_inventory(&key.0, &key.1).await {
                tracing::debug!(station = %key.1, %error, "could not ask for the first report");
            }
        });
    }

    async fn take_inventory(&self, tenant: &TenantId, station: &TwinId) -> Result<(), CsmsError> {
        let Some(entry) = self.inner.directory.get(tenant, station) else { return Ok(()) };
        let store = self.inner.runtime.store().tenant(tenant);
        let known = store.record(station.as_str(), TOPIC, KEY).await?;
        let firmware = self.firmware_version(tenant, station);
        if known.is_some_and(|known| known.value["firmware_version"].as_str() == firmware.as_deref()) {
            return Ok(());
        }
        let (action, payload) = match entry.version {
            Version::V16 => ("GetConfiguration", json!({})),
            Version::V201 | Version::V21 => {
                let request_id = self.inner.runtime.store().next_transaction_number().await? & 0x7fff_ffff;
                ("GetBaseReport", json!({"requestId": request_id, "reportBase": "FullInventory"}))
            }
        };
        let request = CommandRequest::Raw { action: action.to_owned(), payload };
        let command = self.command(tenant, station, request, BY, Duration::ZERO).await?;
        if command.state == CommandState::Failed {
            tracing::debug!(%station, reason = ?command.reason, "the first report could not be asked for");
        }
        Ok(())
    }

    /// The version that the station told at its last boot.
    pub(crate) fn firmware_version(&self, tenant: &TenantId, station: &TwinId) -> Option<String> {
        self.inner.runtime.read(tenant, |graph| {
            let twin = graph.twin(station.as_str())?;
            Some(twin.get("firmware_version")?.as_str()?.to_owned())
        })
    }

    /// The station told everything.
    pub(super) async fn inventory_complete(
        &self,
        speaker: &Speaker<'_>,
        variables: u64,
    ) -> Result<(), CsmsError> {
        self.inventory_is(speaker, json!({"state": "complete", "variables": variables})).await?;
        // only now is it known whether the station works out costs
        self.look_at_tariffs(speaker.tenant, speaker.station);
        Ok(())
    }

    /// The station will not tell, or is about to.
    pub(super) async fn inventory_is(&self, speaker: &Speaker<'_>, mut value: Json) -> Result<(), CsmsError> {
        value["firmware_version"] = self.firmware_version(speaker.tenant, speaker.station).into();
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        events.state(speaker.station, self.inner.runtime.now(), TOPIC, KEY, Some(value));
        self.record(events).await
    }
}
