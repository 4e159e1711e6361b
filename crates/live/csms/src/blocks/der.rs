//! Distributed energy resources (2.1 block R): controls of the grid operator, and alarms about the grid.
//!
//! Topics: `der_control` (key = id), `der_request` (key = request id); notes `der_alarm`, `der_start_stop`.

use serde_json::{Value as Json, json};
use voltwin_core::{AlarmChange, AlarmFact, AlarmId, EventBody, Severity};

use super::fields::{list, text, time, whole, yes};
use crate::decide::Speaker;
use crate::stations::Events;
use crate::{CentralSystem, CsmsError};

const CONTROL: &str = "der_control";
const REQUEST: &str = "der_request";

/// The lists of a report, each with the kind of control that it holds; a curve says its kind itself.
const REPORTED: [(&str, &str); 8] = [
    ("curve", ""),
    ("enterService", "EnterService"),
    ("fixedPFAbsorb", "FixedPFAbsorb"),
    ("fixedPFInject", "FixedPFInject"),
    ("fixedVar", "FixedVar"),
    ("freqDroop", "FreqDroop"),
    ("gradient", "Gradients"),
    ("limitMaxDischarge", "LimitMaxDischarge"),
];

impl CentralSystem {
    /// The station took a control; those that it takes the place of are superseded.
    pub(super) async fn der_control_set(
        &self,
        speaker: &Speaker<'_>,
        payload: &Json,
        answer: &Json,
    ) -> Result<(), CsmsError> {
        let Some(id) = text(payload, "controlId") else { return Ok(()) };
        let mut value = payload.clone();
        value["superseded"] = false.into();
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        events.say(speaker, CONTROL, id, Some(value));
        self.supersede(speaker, list(answer, "supersededIds"), &mut events).await?;
        self.record(events).await
    }

    async fn supersede(
        &self,
        speaker: &Speaker<'_>,
        ids: &[Json],
        events: &mut Events<'_>,
    ) -> Result<(), CsmsError> {
        for id in ids.iter().filter_map(Json::as_str) {
            if let Some(mut known) = self.statement(speaker, CONTROL, id).await? {
                known["superseded"] = true.into();
                events.say(speaker, CONTROL, id, Some(known));
            }
        }
        Ok(())
    }

    /// Controls are gone: one by its id, or all of a kind, defaults or not.
    pub(super) async fn der_control_cleared(
        &self,
        speaker: &Speaker<'_>,
        payload: &Json,
    ) -> Result<(), CsmsError> {
        self.forget_controls(speaker, |key, value| asked_for(payload, key, value)).await
    }

    async fn forget_controls(
        &self,
        speaker: &Speaker<'_>,
        wanted: impl Fn(&str, &Json) -> bool,
    ) -> Result<(), CsmsError> {
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        for record in self.statements(speaker, CONTROL).await? {
            if wanted(&record.key, &record.value) {
                events.say(speaker, CONTROL, &record.key, None);
            }
        }
        self.record(events).await
    }

    /// Remembers what was asked for, to know at the end of the report what is not there any more.
    pub(super) async fn der_control_asked_for(
        &self,
        speaker: &Speaker<'_>,
        payload: &Json,
    ) -> Result<(), CsmsError> {
        let Some(request) = whole(payload, "requestId") else { return Ok(()) };
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        events.say(speaker, REQUEST, &request.to_string(), Some(payload.clone()));
        self.record(events).await
    }

    /// One part of a report of controls.
    pub(super) async fn report_der_control(
        &self,
        speaker: &Speaker<'_>,
        payload: &Json,
    ) -> Result<(), CsmsError> {
        let Some(request) = whole(payload, "requestId") else { return Ok(()) };
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        for (field, kind) in REPORTED {
            for control in list(payload, field) {
                let Some(id) = text(control, "id") else { continue };
                let kind = text(control, "curveType").unwrap_or(kind);
                let mut value = json!({
                    "controlId": id,
                    "controlType": kind,
                    "isDefault": yes(control, "isDefault"),
                    "superseded": yes(control, "isSuperseded"),
                    "report": request,
                });
                value[field] = control.get(field).cloned().unwrap_or(Json::Null);
                events.say(speaker, CONTROL, id, Some(value));
            }
        }
        self.record(events).await?;
        if yes(payload, "tbc") {
            return Ok(());
        }
        let Some(asked) = self.statement(speaker, REQUEST, &request.to_string()).await? else {
            return Ok(());
        };
        let gone = |key: &str, value: &Json| {
            whole(value, "report") != Some(request) && (everything(&asked) || asked_for(&asked, key, value))
        };
        self.forget_controls(speaker, gone).await?;
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        events.say(speaker, REQUEST, &request.to_string(), None);
        self.record(events).await
    }

    /// A control began or ceased to act.
    pub(super) async fn der_start_stop(
        &self,
        speaker: &Speaker<'_>,
        payload: &Json,
    ) -> Result<(), CsmsError> {
        let Some(id) = text(payload, "controlId") else { return Ok(()) };
        let at = time(payload, "timestamp").unwrap_or_else(|| self.inner.runtime.now());
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        events.note(speaker.station, at, "der_start_stop", payload.clone());
        if let Some(mut known) = self.statement(speaker, CONTROL, id).await? {
            known["started"] = yes(payload, "started").into();
            events.say(speaker, CONTROL, id, Some(known));
        }
        self.supersede(speaker, list(payload, "supersededIds"), &mut events).await?;
        self.record(events).await
    }

    /// A fault of the grid that a control reacts to: one alarm a kind, until the station says that it ended.
    pub(super) async fn der_alarm(&self, speaker: &Speaker<'_>, payload: &Json) -> Result<(), CsmsError> {
        let at = time(payload, "timestamp").unwrap_or_else(|| self.inner.runtime.now());
        let kind = text(payload, "controlType").unwrap_or("unknown control");
        let fault = text(payload, "gridEventFault");
        let code = format!("Der{}", fault.unwrap_or(kind));
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        events.note(speaker.station, at, "der_alarm", payload.clone());
        let store = self.inner.runtime.store().tenant(speaker.tenant);
        let open = store.open_alarm(speaker.station.as_str(), &code).await?;
        let fact = match (open, yes(payload, "alarmEnded")) {
            (Some(open), true) => Some(AlarmFact { id: open.id, change: AlarmChange::Cleared }),
            (None, false) => {
                let more = text(payload, "extraInfo").map(|info| format!(": {info}")).unwrap_or_default();
                let fault = fault.unwrap_or("a fault of the grid");
                let message = format!("the station reports {fault} to its control {kind}{more}");
                let id = AlarmId(uuid::Uuid::now_v7());
                Some(AlarmFact {
                    id,
                    change: AlarmChange::Raised { code, severity: Severity::Major, message },
                })
            }
            _ => None,
        };
        if let Some(fact) = fact {
            events.add(speaker.station, at, EventBody::Alarm(fact));
        }
        self.record(events).await
    }
}

/// Whether `ClearDERControl` or `GetDERControl` with this payload means it.
fn asked_for(asked: &Json, key: &str, value: &Json) -> bool {
    match text(asked, "controlId") {
        Some(id) => id == key,
        None => {
            let default = asked.get("isDefault").and_then(Json::as_bool);
            default.is_none_or(|default| default == yes(value, "isDefault"))
                && text(asked, "controlType").is_none_or(|kind| text(value, "controlType") == Some(kind))
        }
    }
}

fn everything(asked: &Json) -> bool {
    ["controlId", "controlType", "isDefault"].iter().all(|field| asked.get(*field).is_none())
}
