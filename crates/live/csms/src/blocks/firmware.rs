//! Firmware: what was asked for, how far the station is, and what came of it.
//!
//! Topic `firmware`: the record under the request's id, and `latest` for the newest of the station (the only one for
//! an OCPP 1.6 update, which has no id); notes `firmware` hold the history. A campaign over many stations reads the
//! record of its request: `{status, request_id, at, …}`, where `status` is a word of OCPP or `Requested` until the
//! station has answered. Topic `published_firmware` is what a local controller offers to others.

use serde_json::{Value as Json, json};
use voltwin_core::Timestamp;
use voltwin_ocpp::{Answer, CallOutcome};

use super::payload::{list, number, text, without};
use crate::decide::Speaker;
use crate::log::recordable;
use crate::stations::{Events, patch};
use crate::{CentralSystem, CsmsError};

const TOPIC: &str = "firmware";
const PUBLISHED: &str = "published_firmware";
const LATEST: &str = "latest";

/// The words during which the station works on its firmware.
const WORKING: [&str; 6] =
    ["Downloading", "Downloaded", "SignatureVerified", "Installing", "InstallRebooting", "DownloadPaused"];
/// The words after which a new version at boot means that the installation went well.
const INSTALLING: [&str; 3] = ["Installing", "InstallRebooting", "Downloaded"];

impl CentralSystem {
    /// `FirmwareStatusNotification` of every version and `SignedFirmwareStatusNotification`.
    pub(super) async fn firmware_status(
        &self,
        speaker: &Speaker<'_>,
        payload: &Json,
    ) -> Result<Answer, CsmsError> {
        let status = text(payload, "status").unwrap_or_default().to_owned();
        self.firmware_is(speaker, &status, number(payload, "requestId"), json!({})).await?;
        Ok(Answer::Payload(json!({})))
    }

    async fn firmware_is(
        &self,
        speaker: &Speaker<'_>,
        status: &str,
        request_id: Option<i64>,
        more: Json,
    ) -> Result<(), CsmsError> {
        let now = self.inner.runtime.now();
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        let latest = self.firmware_record(speaker, LATEST).await?.unwrap_or_else(|| json!({}));
        // 1.6 does not say which update it means; it is the newest
        let same = request_id.is_none() || number(&latest, "request_id") == request_id;
        let request_id = request_id.or_else(|| number(&latest, "request_id"));
        let base = if same { latest } else { json!({}) };
        let mut value = match request_id {
            Some(id) => self.firmware_record(speaker, &id.to_string()).await?.unwrap_or(base),
            None => base,
        };
        value["status"] = status.into();
        value["at"] = now.to_string().into();
        if let Some(id) = request_id {
            value["request_id"] = id.into();
            events.state(speaker.station, now, TOPIC, &id.to_string(), Some(value.clone()));
        }
        events.state(speaker.station, now, TOPIC, LATEST, Some(value));
        let mut note = more;
        note["status"] = status.into();
        note["request_id"] = request_id.into();
        events.note(speaker.station, now, TOPIC, note);
        let maintenance = if WORKING.contains(&status) { "FirmwareUpdate" } else { "None" };
        let values = [("firmware_status", status.into()), ("maintenance", maintenance.into())];
        events.add(speaker.station, now, patch(values, []));
        self.record(events).await
    }

    async fn firmware_record(&self, speaker: &Speaker<'_>, key: &str) -> Result<Option<Json>, CsmsError> {
        let store = self.inner.runtime.store().tenant(speaker.tenant);
        let record = store.record(speaker.station.as_str(), TOPIC, key).await?;
        Ok(record.map(|record| record.value).filter(Json::is_object))
    }

    /// An update is about to be asked for.
    pub(super) async fn firmware_asking(
        &self,
        speaker: &Speaker<'_>,
        action: &str,
        payload: &Json,
    ) -> Result<(), CsmsError> {
        self.firmware_request(speaker, action, payload, "Requested", self.inner.runtime.now(), None).await
    }

    /// The station answered the request. What it has reported since of its progress is newer and stands.
    pub(super) async fn firmware_asked(
        &self,
        speaker: &Speaker<'_>,
        action: &str,
        payload: &Json,
        outcome: &CallOutcome,
    ) -> Result<(), CsmsError> {
        let (status, detail) = match outcome {
            CallOutcome::Answer(answer) => (text(answer, "status").unwrap_or("Accepted"), answer.clone()),
            CallOutcome::Error { code, description } => {
                ("Rejected", json!({"error": code, "description": description}))
            }
            CallOutcome::Timeout => ("NoAnswer", Json::Null),
            CallOutcome::Disconnected => ("NoAnswer", json!({"error": "disconnected"})),
        };
        let key = number(payload, "requestId").map_or_else(|| LATEST.to_owned(), |id| id.to_string());
        let asked = self.firmware_record(speaker, &key).await?;
        let asked_at: Option<Timestamp> =
            asked.as_ref().and_then(|asked| text(asked, "asked_at")?.parse().ok());
        // just after the question: older than any report on it
        let at = asked_at.unwrap_or_else(|| self.inner.runtime.now());
        let at = Timestamp::from_micros(at.as_micros().saturating_add(1));
        self.firmware_request(speaker, action, payload, status, at, Some(detail)).await
    }

    async fn firmware_request(
        &self,
        speaker: &Speaker<'_>,
        action: &str,
        payload: &Json,
        status: &str,
        at: Timestamp,
        answer: Option<Json>,
    ) -> Result<(), CsmsError> {
        let request_id = number(payload, "requestId");
        let asked_at = if answer.is_none() { at } else { Timestamp::from_micros(at.as_micros() - 1) };
        let value = json!({
            "status": status,
            "request_id": request_id,
            "at": at.to_string(),
            "asked_at": asked_at.to_string(),
            "action": action,
            "asked": recordable(without(payload, &["requestId", "customData"])),
            "answer": answer,
        });
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        if let Some(id) = request_id {
            events.state(speaker.station, at, TOPIC, &id.to_string(), Some(value.clone()));
        }
        events.state(speaker.station, at, TOPIC, LATEST, Some(value.clone()));
        events.note(speaker.station, at, TOPIC, value);
        self.record(events).await
    }

    /// A boot: another version than before ends an installation that the station did not end itself.
    pub(crate) async fn firmware_booted(
        &self,
        speaker: &Speaker<'_>,
        before: Option<&str>,
        now: Option<&str>,
    ) -> Result<(), CsmsError> {
        let (Some(before), Some(now)) = (before, now) else { return Ok(()) };
        if before == now {
            return Ok(());
        }
        let change = json!({"from": before, "to": now});
        let latest = self.firmware_record(speaker, LATEST).await?;
        let status = latest.as_ref().and_then(|latest| text(latest, "status"));
        if status.is_some_and(|status| INSTALLING.contains(&status)) {
            let mut more = change;
            more["inferred"] = "the station came back with another version".into();
            return self.firmware_is(speaker, "Installed", None, more).await;
        }
        let mut note = change;
        note["status"] = "VersionChanged".into();
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        events.note(speaker.station, self.inner.runtime.now(), TOPIC, note);
        self.record(events).await
    }

    /// `PublishFirmwareStatusNotification` of a local controller.
    pub(super) async fn publish_status(
        &self,
        speaker: &Speaker<'_>,
        payload: &Json,
    ) -> Result<Answer, CsmsError> {
        let now = self.inner.runtime.now();
        let request_id = number(payload, "requestId").unwrap_or(0);
        let store = self.inner.runtime.store().tenant(speaker.tenant);
        let key = request_id.to_string();
        let known = store.record(speaker.station.as_str(), PUBLISHED, &key).await?;
        let mut value = known.map(|known| known.value).filter(Json::is_object).unwrap_or_else(|| json!({}));
        value["request_id"] = request_id.into();
        value["status"] = text(payload, "status").unwrap_or_default().into();
        value["locations"] = list(payload, "location").iter().take(32).cloned().collect();
        value["at"] = now.to_string().into();
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        events.state(speaker.station, now, PUBLISHED, &key, Some(value.clone()));
        events.note(speaker.station, now, PUBLISHED, value);
        self.record(events).await?;
        Ok(Answer::Payload(json!({})))
    }

    /// A local controller is about to be asked to offer a firmware.
    pub(super) async fn publish_asking(
        &self,
        speaker: &Speaker<'_>,
        payload: &Json,
    ) -> Result<(), CsmsError> {
        let Some(request_id) = number(payload, "requestId") else { return Ok(()) };
        let now = self.inner.runtime.now();
        let mut value = recordable(without(payload, &["requestId", "customData"]));
        value["request_id"] = request_id.into();
        value["status"] = "Requested".into();
        value["at"] = now.to_string().into();
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        events.state(speaker.station, now, PUBLISHED, &request_id.to_string(), Some(value));
        self.record(events).await
    }

    /// A local controller offers the firmware with this checksum no longer.
    pub(super) async fn unpublished(
        &self,
        speaker: &Speaker<'_>,
        payload: &Json,
        answer: &Json,
    ) -> Result<(), CsmsError> {
        if !matches!(text(answer, "status"), Some("Unpublished" | "NoFirmware")) {
            return Ok(());
        }
        let Some(checksum) = text(payload, "checksum") else { return Ok(()) };
        let store = self.inner.runtime.store().tenant(speaker.tenant);
        let known = store.records(speaker.station.as_str(), PUBLISHED, None, 500).await?.items;
        let now = self.inner.runtime.now();
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        for record in known.iter().filter(|record| text(&record.value, "checksum") == Some(checksum)) {
            events.state(speaker.station, now, PUBLISHED, &record.key, None);
        }
        self.record(events).await
    }
}
