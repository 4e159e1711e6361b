//! Logs and diagnostics: what was asked for, and how far the upload is.
//!
//! Topic `log`: the record under the request's id, `diagnostics` for `GetDiagnostics` of OCPP 1.6, which has none, and
//! `latest`; notes `log` hold the history. The file itself, when it comes to us, is in the registry of files.

use serde_json::{Value as Json, json};
use voltwin_ocpp::{Answer, CallOutcome};

use super::payload::{number, text, without};
use crate::decide::Speaker;
use crate::log::recordable;
use crate::stations::{Events, patch};
use crate::{CentralSystem, CsmsError};

const TOPIC: &str = "log";
const LATEST: &str = "latest";
const DIAGNOSTICS: &str = "diagnostics";

impl CentralSystem {
    /// `DiagnosticsStatusNotification` and `LogStatusNotification`.
    pub(super) async fn log_status(
        &self,
        speaker: &Speaker<'_>,
        action: &str,
        payload: &Json,
    ) -> Result<Answer, CsmsError> {
        let now = self.inner.runtime.now();
        let status = text(payload, "status").unwrap_or_default();
        let request_id = number(payload, "requestId");
        let key = match (action, request_id) {
            (_, Some(id)) => Some(id.to_string()),
            ("DiagnosticsStatusNotification", None) => Some(DIAGNOSTICS.to_owned()),
            _ => None,
        };
        let mut value = match &key {
            Some(key) => self.log_record(speaker, key).await?,
            None => json!({}),
        };
        value["status"] = status.into();
        value["request_id"] = request_id.into();
        value["at"] = now.to_string().into();
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        if let Some(key) = key {
            events.state(speaker.station, now, TOPIC, &key, Some(value.clone()));
        }
        events.state(speaker.station, now, TOPIC, LATEST, Some(value));
        events.note(speaker.station, now, TOPIC, recordable(without(payload, &["customData"])));
        let mut values = vec![("diagnostics_status", status.into())];
        values.extend(self.log_maintenance(speaker, status).map(|word| ("maintenance", word.into())));
        events.add(speaker.station, now, patch(values, []));
        self.record(events).await?;
        Ok(Answer::Payload(json!({})))
    }

    /// An upload is a lesser kind of maintenance: one of the firmware stands.
    fn log_maintenance(&self, speaker: &Speaker<'_>, status: &str) -> Option<&'static str> {
        let now = self.inner.runtime.read(speaker.tenant, |graph| {
            let twin = graph.twin(speaker.station.as_str())?;
            Some(twin.get("maintenance")?.as_str()?.to_owned())
        });
        match (status, now.as_deref()) {
            ("Uploading", None | Some("None")) => Some("Diagnostics"),
            ("Uploading", _) => None,
            (_, Some("Diagnostics")) => Some("None"),
            _ => None,
        }
    }

    async fn log_record(&self, speaker: &Speaker<'_>, key: &str) -> Result<Json, CsmsError> {
        let store = self.inner.runtime.store().tenant(speaker.tenant);
        let record = store.record(speaker.station.as_str(), TOPIC, key).await?;
        Ok(record.map(|record| record.value).filter(Json::is_object).unwrap_or_else(|| json!({})))
    }

    /// The station answered `GetLog` or `GetDiagnostics`.
    pub(super) async fn log_asked(
        &self,
        speaker: &Speaker<'_>,
        payload: &Json,
        outcome: &CallOutcome,
    ) -> Result<(), CsmsError> {
        let now = self.inner.runtime.now();
        let key = number(payload, "requestId").map_or_else(|| DIAGNOSTICS.to_owned(), |id| id.to_string());
        let mut value = self.log_record(speaker, &key).await?;
        match outcome {
            CallOutcome::Answer(answer) => {
                value["answer"] = text(answer, "status").unwrap_or("Accepted").into();
                value["filename"] = text(answer, "filename").or(text(answer, "fileName")).into();
            }
            CallOutcome::Error { code, .. } => value["answer"] = code.as_str().into(),
            CallOutcome::Timeout | CallOutcome::Disconnected => value["answer"] = "NoAnswer".into(),
        }
        value["request_id"] = number(payload, "requestId").into();
        value["log_type"] = text(payload, "logType").into();
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        events.state(speaker.station, now, TOPIC, &key, Some(value));
        self.record(events).await
    }
}
