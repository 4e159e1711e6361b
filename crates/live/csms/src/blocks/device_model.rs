//! The device model: what a station says of its variables, by report, by answer or by event.
//!
//! Topic `variable`. OCPP 2.x tells them in `NotifyReport` (in parts) and in the answers to `GetVariables` and
//! `SetVariables`, OCPP 1.6 in the answers to `GetConfiguration` and `ChangeConfiguration`. Whatever the way, the
//! same record holds the newest value.

use std::collections::HashSet;

use serde_json::{Value as Json, json};
use voltwin_core::Timestamp;
use voltwin_ocpp::Answer;

use super::payload::{clip, list, text};
use super::reports::{Kind, Part};
use super::variable::{ACTUAL, CONFIGURATION, Variable, VariableName};
use crate::decide::Speaker;
use crate::stations::Events;
use crate::{CentralSystem, CsmsError};

const TOPIC: &str = "variable";
/// Entries of one answer that are read; no station has more keys.
const ENTRIES_MAX: usize = 5_000;

impl CentralSystem {
    /// A part of a report on the device model.
    pub(super) async fn notify_report(
        &self,
        speaker: &Speaker<'_>,
        payload: &Json,
    ) -> Result<Answer, CsmsError> {
        let mut part = self.part(speaker, Kind::Inventory, payload).await?;
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        if part.new {
            for entry in list(payload, "reportData") {
                self.report_entry(speaker, &mut part, &mut events, entry).await?;
            }
        }
        if self.part_done(speaker, &part, events).await? && part.progress.full {
            self.inventory_complete(speaker, part.progress.items).await?;
        }
        Ok(Answer::Payload(json!({})))
    }

    async fn report_entry(
        &self,
        speaker: &Speaker<'_>,
        part: &mut Part,
        events: &mut Events<'_>,
        entry: &Json,
    ) -> Result<(), CsmsError> {
        let Some(name) = VariableName::read(entry) else {
            part.skip();
            return Ok(());
        };
        for attribute in list(entry, "variableAttribute") {
            let kind = text(attribute, "type").unwrap_or(ACTUAL);
            let Some(key) = name.key(kind) else {
                part.skip();
                continue;
            };
            if self.fits(speaker, part, &key).await? {
                let mut known = Variable::new(name.clone(), kind);
                known.describe(attribute, entry.get("variableCharacteristics"));
                events.state(speaker.station, part.now, TOPIC, &key, Some(known.to_json()));
            }
        }
        Ok(())
    }

    /// The answer to `GetVariables`.
    pub(super) async fn variables_read(&self, speaker: &Speaker<'_>, answer: &Json) -> Result<(), CsmsError> {
        let now = self.inner.runtime.now();
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        for result in list(answer, "getVariableResult").iter().take(ENTRIES_MAX) {
            let kind = text(result, "attributeType").unwrap_or(ACTUAL);
            let Some((name, key)) = named(result, kind) else { continue };
            match text(result, "attributeStatus") {
                Some("Accepted") => {
                    let mut known = self.variable(speaker, name, kind, &key).await?;
                    known.set(text(result, "attributeValue"));
                    events.state(speaker.station, now, TOPIC, &key, Some(known.to_json()));
                }
                Some("UnknownComponent" | "UnknownVariable" | "NotSupportedAttributeType") => {
                    events.state(speaker.station, now, TOPIC, &key, None);
                }
                _ => {}
            }
        }
        self.record(events).await
    }

    /// The answer to `SetVariables`: what was accepted is the new value.
    pub(super) async fn variables_set(
        &self,
        speaker: &Speaker<'_>,
        payload: &Json,
        answer: &Json,
    ) -> Result<(), CsmsError> {
        let now = self.inner.runtime.now();
        let asked: Vec<(String, &Json)> = list(payload, "setVariableData")
            .iter()
            .filter_map(|data| {
                let kind = text(data, "attributeType").unwrap_or(ACTUAL);
                Some((named(data, kind)?.1, data))
            })
            .collect();
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        for result in list(answer, "setVariableResult").iter().take(ENTRIES_MAX) {
            let kind = text(result, "attributeType").unwrap_or(ACTUAL);
            let Some((name, key)) = named(result, kind) else { continue };
            let status = text(result, "attributeStatus");
            let reboot = status == Some("RebootRequired");
            let Some((_, data)) = asked.iter().find(|(asked, _)| *asked == key) else { continue };
            if status == Some("Accepted") || reboot {
                let value = text(data, "attributeValue");
                self.now_set_to(speaker, &mut events, (name, kind, &key), value, reboot, now).await?;
            }
        }
        self.record(events).await
    }

    async fn now_set_to(
        &self,
        speaker: &Speaker<'_>,
        events: &mut Events<'_>,
        (name, kind, key): (VariableName, &str, &str),
        value: Option<&str>,
        reboot_required: bool,
        now: Timestamp,
    ) -> Result<(), CsmsError> {
        let mut known = self.variable(speaker, name, kind, key).await?;
        known.set(value);
        known.reboot_required = reboot_required;
        events.state(speaker.station, now, TOPIC, key, Some(known.to_json()));
        Ok(())
    }

    /// The answer to `GetConfiguration`. One that was asked for every key takes back those it does not name.
    pub(super) async fn configuration_read(
        &self,
        speaker: &Speaker<'_>,
        payload: &Json,
        answer: &Json,
    ) -> Result<(), CsmsError> {
        let now = self.inner.runtime.now();
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        let mut named = HashSet::new();
        for entry in list(answer, "configurationKey").iter().take(ENTRIES_MAX) {
            let Some(name) = text(entry, "key").map(VariableName::configuration) else { continue };
            let Some(key) = name.key(ACTUAL) else { continue };
            let mut known = Variable::new(name, ACTUAL);
            known.read_only = entry.get("readonly").and_then(Json::as_bool);
            known.set(text(entry, "value"));
            events.state(speaker.station, now, TOPIC, &key, Some(known.to_json()));
            named.insert(key);
        }
        for unknown in list(answer, "unknownKey").iter().filter_map(Json::as_str).take(ENTRIES_MAX) {
            if let Some(key) = VariableName::configuration(unknown).key(ACTUAL) {
                events.state(speaker.station, now, TOPIC, &key, None);
            }
        }
        self.record(events).await?;
        if list(payload, "key").is_empty() && !named.is_empty() {
            self.take_back_configuration(speaker, &named).await?;
            self.inventory_complete(speaker, named.len() as u64).await?;
        }
        Ok(())
    }

    async fn take_back_configuration(
        &self,
        speaker: &Speaker<'_>,
        named: &HashSet<String>,
    ) -> Result<(), CsmsError> {
        let store = self.inner.runtime.store().tenant(speaker.tenant);
        let now = self.inner.runtime.now();
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        let mut cursor = Some(format!("{CONFIGURATION}/"));
        while let Some(after) = cursor {
            let page = store.records(speaker.station.as_str(), TOPIC, Some(&after), 500).await?;
            let ours =
                |key: &str| key.starts_with(CONFIGURATION) && key[CONFIGURATION.len()..].starts_with('/');
            for record in page.items.iter().filter(|record| ours(&record.key) && !named.contains(&record.key))
            {
                events.state(speaker.station, now, TOPIC, &record.key, None);
            }
            cursor = page.next;
        }
        self.record(events).await
    }

    /// The answer to `ChangeConfiguration`.
    pub(super) async fn configuration_changed(
        &self,
        speaker: &Speaker<'_>,
        payload: &Json,
        answer: &Json,
    ) -> Result<(), CsmsError> {
        let status = text(answer, "status");
        let reboot = status == Some("RebootRequired");
        if status != Some("Accepted") && !reboot {
            return Ok(());
        }
        let Some(name) = text(payload, "key").map(VariableName::configuration) else { return Ok(()) };
        let Some(key) = name.key(ACTUAL) else { return Ok(()) };
        let now = self.inner.runtime.now();
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        let value = text(payload, "value");
        self.now_set_to(speaker, &mut events, (name, ACTUAL, &key), value, reboot, now).await?;
        self.record(events).await
    }

    /// What is known of a variable so far.
    pub(super) async fn variable(
        &self,
        speaker: &Speaker<'_>,
        name: VariableName,
        kind: &str,
        key: &str,
    ) -> Result<Variable, CsmsError> {
        let known = self.known_variable(speaker, key).await?;
        Ok(known.unwrap_or_else(|| Variable::new(name, &clip(kind, 20))))
    }

    pub(super) async fn known_variable(
        &self,
        speaker: &Speaker<'_>,
        key: &str,
    ) -> Result<Option<Variable>, CsmsError> {
        let store = self.inner.runtime.store().tenant(speaker.tenant);
        let record = store.record(speaker.station.as_str(), TOPIC, key).await?;
        Ok(record.and_then(|record| serde_json::from_value(record.value).ok()))
    }
}

fn named(json: &Json, kind: &str) -> Option<(VariableName, String)> {
    let name = VariableName::read(json)?;
    let key = name.key(kind)?;
    Some((name, key))
}
