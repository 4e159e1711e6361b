//! Monitors on variables, and the events that they and the station raise.
//!
//! Topic `monitor`, by the monitor's number; notes `monitor_event`. An event also tells the variable's value, and
//! from OCPP 2.1 on stands in for the status notification of a connector.

use serde_json::{Value as Json, json};
use voltwin_ocpp::{Answer, ConnectorStatus, MAX_CONNECTOR};

use super::payload::{list, number, text, time, without};
use super::reports::Kind;
use super::variable::{ACTUAL, VariableName};
use crate::decide::Speaker;
use crate::log::{MASK, recordable};
use crate::stations::Events;
use crate::{CentralSystem, CsmsError};

const TOPIC: &str = "monitor";
const NOTES: &str = "monitor_event";
/// Events of one message that are taken.
const EVENTS_MAX: usize = 500;

impl CentralSystem {
    /// A part of a report on monitors.
    pub(super) async fn notify_monitoring_report(
        &self,
        speaker: &Speaker<'_>,
        payload: &Json,
    ) -> Result<Answer, CsmsError> {
        let mut part = self.part(speaker, Kind::Monitoring, payload).await?;
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        let entries = if part.new { list(payload, "monitor") } else { &[] };
        for entry in entries {
            for monitor in list(entry, "variableMonitoring") {
                let (Some(id), Some(name)) = (number(monitor, "id"), VariableName::read(entry)) else {
                    part.skip();
                    continue;
                };
                let key = id.to_string();
                if self.fits(speaker, &mut part, &key).await? {
                    events.state(speaker.station, part.now, TOPIC, &key, Some(statement(&name, monitor)));
                }
            }
        }
        self.part_done(speaker, &part, events).await?;
        Ok(Answer::Payload(json!({})))
    }

    /// The answer to `SetVariableMonitoring`, whose results stand in the order of what was asked.
    pub(super) async fn monitors_set(
        &self,
        speaker: &Speaker<'_>,
        payload: &Json,
        answer: &Json,
    ) -> Result<(), CsmsError> {
        let now = self.inner.runtime.now();
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        let asked = list(payload, "setMonitoringData");
        for (result, data) in list(answer, "setMonitoringResult").iter().zip(asked) {
            let (Some("Accepted"), Some(id)) = (text(result, "status"), number(result, "id")) else {
                continue;
            };
            let Some(name) = VariableName::read(data) else { continue };
            let mut value = statement(&name, data);
            value["id"] = id.into();
            value["custom"] = true.into();
            events.state(speaker.station, now, TOPIC, &id.to_string(), Some(value));
        }
        self.record(events).await
    }

    /// The answer to `ClearVariableMonitoring`.
    pub(super) async fn monitors_cleared(
        &self,
        speaker: &Speaker<'_>,
        answer: &Json,
    ) -> Result<(), CsmsError> {
        let now = self.inner.runtime.now();
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        for result in list(answer, "clearMonitoringResult") {
            if let (Some("Accepted" | "NotFound"), Some(id)) = (text(result, "status"), number(result, "id"))
            {
                events.state(speaker.station, now, TOPIC, &id.to_string(), None);
            }
        }
        self.record(events).await
    }

    /// `SetMonitoringBase` to the factory's or the hard-wired monitors removes those that we set.
    pub(super) async fn monitoring_base_set(
        &self,
        speaker: &Speaker<'_>,
        payload: &Json,
    ) -> Result<(), CsmsError> {
        if !matches!(text(payload, "monitoringBase"), Some("FactoryDefault" | "HardWiredOnly")) {
            return Ok(());
        }
        let store = self.inner.runtime.store().tenant(speaker.tenant);
        let now = self.inner.runtime.now();
        let mut cursor: Option<String> = None;
        loop {
            let page = store.records(speaker.station.as_str(), TOPIC, cursor.as_deref(), 500).await?;
            let mut events = Events::new(self, speaker.tenant, speaker.trace);
            for record in page.items.iter().filter(|record| record.value["custom"] == true) {
                events.state(speaker.station, now, TOPIC, &record.key, None);
            }
            self.record(events).await?;
            cursor = page.next;
            if cursor.is_none() {
                return Ok(());
            }
        }
    }

    /// Events of monitors and of the station itself.
    pub(super) async fn notify_event(
        &self,
        speaker: &Speaker<'_>,
        payload: &Json,
    ) -> Result<Answer, CsmsError> {
        let now = self.inner.runtime.now();
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        let mut statuses = Vec::new();
        for event in list(payload, "eventData").iter().take(EVENTS_MAX) {
            let at = time(event, "timestamp").unwrap_or(now);
            let mut detail = without(event, &["customData"]);
            let Some(name) = VariableName::read(event) else {
                events.note(speaker.station, at, NOTES, recordable(detail));
                continue;
            };
            let value = text(event, "actualValue");
            if let Some(key) = name.key(ACTUAL)
                && let Some(mut known) = self.known_variable(speaker, &key).await?
            {
                known.set(value);
                if known.secret {
                    detail["actualValue"] = MASK.into();
                }
                events.state(speaker.station, now, "variable", &key, Some(known.to_json()));
            }
            if name.is_secret() {
                detail["actualValue"] = MASK.into();
            }
            events.note(speaker.station, at, NOTES, recordable(detail));
            statuses.extend(connector_status(&name, value).map(|status| (status, at)));
        }
        self.record(events).await?;
        for ((place, status), at) in statuses {
            self.status(speaker, place, status, None, at).await?;
        }
        Ok(Answer::Payload(json!({})))
    }
}

/// A monitor and the variable that it watches.
fn statement(name: &VariableName, monitor: &Json) -> Json {
    let mut value = serde_json::to_value(name).unwrap_or_default();
    for (field, out) in [
        ("id", "id"),
        ("transaction", "transaction"),
        ("value", "value"),
        ("type", "type"),
        ("severity", "severity"),
        ("eventNotificationType", "event_notification_type"),
        ("periodicEventStream", "periodic_event_stream"),
    ] {
        if let Some(found) = monitor.get(field) {
            value[out] = found.clone();
        }
    }
    value
}

/// The status of a connector that an event on its availability tells.
fn connector_status(name: &VariableName, value: Option<&str>) -> Option<((u32, u32), ConnectorStatus)> {
    if (name.component.as_str(), name.variable.as_str()) != ("Connector", "AvailabilityState") {
        return None;
    }
    let within = |n: Option<i64>| u32::try_from(n?).ok().filter(|n| (1..=MAX_CONNECTOR).contains(n));
    Some(((within(name.evse)?, within(name.connector)?), value?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_connector_that_can_exist_has_a_status() {
        let status = |evse, connector, value| {
            let json = json!({"component": {"name": "Connector", "evse": {"id": evse, "connectorId": connector}},
                "variable": {"name": "AvailabilityState"}});
            connector_status(&VariableName::read(&json).unwrap(), Some(value))
        };
        assert_eq!(status(1, 2, "Occupied"), Some(((1, 2), ConnectorStatus::Occupied)));
        assert_eq!(status(0, 1, "Occupied"), None);
        assert_eq!(status(1, 1_634_030_126, "Occupied"), None);
        assert_eq!(status(1, 1, "Sideways"), None);
    }
}
