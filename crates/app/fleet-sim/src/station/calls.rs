//! What the owner asks of a station, and what the central system does.

use serde_json::{Value, json};
use tokio::time::Instant;
use voltwin_core::{Timestamp, TransactionPhase};
use voltwin_ocpp::station::{StationCall, StationMessage, StationReply, read_call, write_reply};
use voltwin_ocpp::{ConnectorStatus, ErrorCode, ResetKind, Version};

use super::actor::{Actor, wall_clock};
use super::outbox::Entry;
use super::session::{PendingStart, samples};
use super::{PlugIn, Reading, Request, SessionId, StationEvent};
use crate::FleetError;

/// The shortest password that a station takes, in characters (OCPP 2.x `BasicAuthPassword`).
const PASSWORD_MIN: usize = 16;

impl Actor {
    pub(super) fn request(&mut self, request: Request) {
        // A caller that no longer waits for its answer is not an error.
        match request {
            Request::PlugIn(plug, reply) => drop(reply.send(self.plug_in(plug))),
            Request::Reading { evse, reading } => {
                if let Some(slot) = self.evses.get_mut((evse as usize).wrapping_sub(1)) {
                    slot.reading = reading;
                }
            }
            Request::Sample { evse, at, reading, reply } => drop(reply.send(self.sample(evse, at, reading))),
            Request::Suspend { evse, at, reply } => drop(reply.send(self.suspend(evse, at))),
            Request::Unplug { evse, at, reason, reply } => {
                let answer = self.unplug(evse, at, &reason);
                drop(reply.send(answer));
            }
            Request::Fault { evse, code, info, reply } => drop(reply.send(self.fault(evse, code, &info))),
            Request::ClearFault { evse, reply } => drop(reply.send(self.clear_fault(evse))),
            Request::State(reply) => drop(reply.send(self.state())),
        }
    }

    fn check_evse(&self, evse: u32) -> Result<usize, FleetError> {
        let evses = self.evses.len();
        match (evse as usize).checked_sub(1).filter(|index| *index < evses) {
            Some(index) => Ok(index),
            None => Err(FleetError::NoEvse { station: self.config.identity.clone(), evse, evses }),
        }
    }

    fn busy<T>(&self, evse: u32, reason: &'static str) -> Result<T, FleetError> {
        let status = self.evses[evse as usize - 1].status.to_string();
        Err(FleetError::Busy { station: self.config.identity.clone(), evse, status, reason })
    }

    fn plug_in(&mut self, plug: PlugIn) -> Result<SessionId, FleetError> {
        let index = self.check_evse(plug.evse)?;
        let slot = &mut self.evses[index];
        if slot.plugged || slot.fault.is_some() || !slot.operative {
            return self.busy(plug.evse, "it must be free to plug in");
        }
        let pending = slot.pending.take().filter(|start| start.until > Instant::now());
        self.start(plug, pending)
    }

    fn running(&self, evse: u32) -> Result<SessionId, FleetError> {
        let index = self.check_evse(evse)?;
        match self.evses[index].session {
            Some(session) => Ok(session),
            None => self.busy(evse, "no transaction runs there"),
        }
    }

    fn sample(&mut self, evse: u32, at: Timestamp, reading: Reading) -> Result<(), FleetError> {
        let session = self.running(evse)?;
        self.evses[evse as usize - 1].reading = reading;
        self.update(session, at);
        Ok(())
    }

    fn suspend(&mut self, evse: u32, at: Option<Timestamp>) -> Result<(), FleetError> {
        let session = self.running(evse)?;
        let at = at.unwrap_or_else(wall_clock);
        let reading = &mut self.evses[evse as usize - 1].reading;
        (reading.power_w, reading.current_a) = (0.0, None);
        let values = samples(reading, at, "Other");
        if self.config.version.is_v2() {
            self.event(session, TransactionPhase::Updated, at, |event| {
                event.trigger = Some("ChargingStateChanged".into());
                event.charging_state = Some("SuspendedEV".into());
                event.samples = values;
            });
        }
        self.set_status(evse, ConnectorStatus::SuspendedEV, at);
        Ok(())
    }

    fn unplug(
        &mut self,
        evse: u32,
        at: Option<Timestamp>,
        reason: &str,
    ) -> Result<Option<tokio::sync::oneshot::Receiver<super::SessionOutcome>>, FleetError> {
        let index = self.check_evse(evse)?;
        if !self.evses[index].plugged {
            return self.busy(evse, "nothing is plugged in");
        }
        let at = at.unwrap_or_else(wall_clock);
        let waiter = self.evses[index].session.map(|id| {
            let (sender, receiver) = tokio::sync::oneshot::channel();
            if let Some(session) = self.sessions.get_mut(&id) {
                session.waiter = Some(sender);
            }
            self.end(id, reason, at);
            receiver
        });
        if waiter.is_some() && self.config.version == Version::V16 {
            self.set_status(evse, ConnectorStatus::Finishing, at);
        }
        let slot = &mut self.evses[index];
        slot.plugged = false;
        (slot.reading.power_w, slot.reading.soc) = (0.0, None);
        let status = slot.idle_status();
        self.set_status(evse, status, at);
        Ok(waiter)
    }

    fn fault(&mut self, evse: u32, code: String, info: &str) -> Result<(), FleetError> {
        let index = self.check_evse(evse)?;
        let info = info.chars().take(50).collect();
        self.evses[index].fault = Some((code, info));
        match self.evses[index].session {
            Some(session) => self.stop(session, "Other", None),
            None => self.set_status(evse, ConnectorStatus::Faulted, wall_clock()),
        }
        Ok(())
    }

    fn clear_fault(&mut self, evse: u32) -> Result<(), FleetError> {
        let index = self.check_evse(evse)?;
        self.evses[index].fault = None;
        if self.evses[index].session.is_none() {
            let status = self.evses[index].idle_status();
            self.set_status(evse, status, wall_clock());
        }
        Ok(())
    }

    /// Answers a call of the central system.
    pub(super) fn answer_call(&mut self, id: &str, action: &str, payload: &Value) -> String {
        let version = self.config.version;
        let reply = match read_call(version, action, payload) {
            Ok(call) => self.obey(call),
            Err(violation) => StationReply::Error { code: violation.code, detail: violation.to_string() },
        };
        write_reply(version, id, &reply)
    }

    fn obey(&mut self, call: StationCall) -> StationReply {
        match call {
            StationCall::RemoteStart { evse, id_token, token_type, remote_start_id } => {
                self.remote_start(evse, id_token, token_type, remote_start_id)
            }
            StationCall::RemoteStop { transaction_id } => self.remote_stop(&transaction_id),
            StationCall::Reset { kind, evse: None } => self.reset(kind),
            StationCall::Reset { .. } => status("Rejected"),
            StationCall::Trigger { message, evse } => self.trigger(&message, evse),
            StationCall::SetChargingProfile { .. } => not_supported("SetChargingProfile"),
            StationCall::Other { action, payload } => self.other(&action, &payload),
        }
    }

    fn remote_start(
        &mut self,
        evse: Option<u32>,
        id_token: String,
        token_type: Option<String>,
        remote_start_id: Option<i64>,
    ) -> StationReply {
        let free = |slot: &super::session::Evse| {
            slot.session.is_none() && slot.fault.is_none() && slot.operative && slot.pending.is_none()
        };
        let now = Instant::now();
        for slot in &mut self.evses {
            slot.pending.take_if(|start| start.until <= now);
        }
        let chosen = match evse {
            Some(number) => self.check_evse(number).ok().filter(|index| free(&self.evses[*index])),
            None => self.evses.iter().position(free),
        };
        let Some(index) = chosen else { return status("Rejected") };
        let number = index as u32 + 1;
        let until = now + self.config.connection_timeout;
        let start = PendingStart { id_token: id_token.clone(), token_type, remote_start_id, until };
        let slot = &mut self.evses[index];
        let session = if slot.plugged || self.config.plug_on_remote_start {
            let (connector, reading) = (slot.connector, slot.reading);
            let plug = PlugIn {
                evse: number,
                connector,
                id_token: id_token.clone(),
                at: None,
                reading,
                transaction_id: None,
            };
            match self.start(plug, Some(start)) {
                Ok(session) => Some(session),
                Err(_) => return status("Rejected"),
            }
        } else {
            slot.pending = Some(start);
            None
        };
        self.tell(StationEvent::RemoteStart { evse: number, id_token, session });
        status("Accepted")
    }

    fn remote_stop(&mut self, transaction_id: &str) -> StationReply {
        let found = self
            .sessions
            .iter()
            .find(|(_, s)| !s.ended && s.transaction_id.as_deref() == Some(transaction_id))
            .map(|(id, _)| *id);
        match found {
            Some(session) => {
                self.stop(session, "Remote", None);
                status("Accepted")
            }
            None => status("Rejected"),
        }
    }

    fn reset(&mut self, kind: ResetKind) -> StationReply {
        let running: Vec<SessionId> = self.evses.iter().filter_map(|e| e.session).collect();
        let v2 = self.config.version.is_v2();
        self.tell(StationEvent::Reset);
        self.set_boot_reason("RemoteReset");
        if v2 && kind == ResetKind::Soft && !running.is_empty() {
            self.restart_when_idle = true;
            return status("Scheduled");
        }
        let reason = match (v2, kind) {
            (true, _) => "ImmediateReset",
            (false, ResetKind::Soft) => "SoftReset",
            (false, ResetKind::Hard) => "HardReset",
        };
        for session in running {
            self.stop(session, reason, None);
        }
        self.restart = true;
        status("Accepted")
    }

    fn trigger(&mut self, message: &str, evse: Option<u32>) -> StationReply {
        let evses = match evse {
            None | Some(0) => 1..=self.evses.len() as u32,
            Some(number) if self.check_evse(number).is_ok() => number..=number,
            Some(_) => return status("Rejected"),
        };
        let at = wall_clock();
        match message {
            "BootNotification" => self.boot_now(),
            "Heartbeat" => self.heartbeat_now(),
            "StatusNotification" => evses.for_each(|evse| self.tell_status(evse, at)),
            "MeterValues" | "TransactionEvent" => {
                for evse in evses {
                    match self.evses[evse as usize - 1].session {
                        Some(session) => self.update(session, at),
                        None if message == "MeterValues" => self.idle_meter_values(evse, at),
                        None => {}
                    }
                }
            }
            _ => return status("NotImplemented"),
        }
        status("Accepted")
    }

    fn idle_meter_values(&mut self, evse: u32, at: Timestamp) {
        let reading = self.evses[evse as usize - 1].reading;
        let mut values = samples(&reading, at, "Trigger");
        values.push(voltwin_core::MeterSample {
            at,
            measurand: "Energy.Active.Import.Register".into(),
            phase: None,
            location: None,
            context: Some("Trigger".into()),
            value: reading.energy_wh,
            unit: "Wh".into(),
        });
        self.outbox.push(Entry::Passing(StationMessage::MeterValues { evse, samples: values }));
    }

    /// In 2.x only where no transaction runs, and with the connector named.
    fn unlock(&self, payload: &Value) -> &'static str {
        let v16 = self.config.version == Version::V16;
        let evse = payload[if v16 { "connectorId" } else { "evseId" }].as_u64();
        let slot = evse.and_then(|evse| self.evses.get(usize::try_from(evse).ok()?.checked_sub(1)?));
        match slot {
            None if v16 => "NotSupported",
            None => "UnknownConnector",
            Some(_) if !v16 && payload["connectorId"] != 1 => "UnknownConnector",
            Some(slot) if !v16 && slot.session.is_some() => "OngoingAuthorizedTransaction",
            Some(_) => "Unlocked",
        }
    }

    fn other(&mut self, action: &str, payload: &Value) -> StationReply {
        match action {
            "ChangeAvailability" => self.change_availability(payload),
            "UnlockConnector" => status(self.unlock(payload)),
            "ClearCache" => status("Accepted"),
            "DataTransfer" => status("UnknownVendorId"),
            "GetConfiguration" => self.configuration(payload),
            "ChangeConfiguration" => status(self.set_variable(&payload["key"], &payload["value"])),
            "SetVariables" => self.set_variables(payload),
            "GetTransactionStatus" => {
                let id = payload["transactionId"].as_str();
                let session = id
                    .and_then(|id| self.sessions.values().find(|s| s.transaction_id.as_deref() == Some(id)));
                let mut answer = json!({"messagesInQueue": self.outbox.len() > 0});
                if id.is_some() {
                    answer["ongoingIndicator"] = session.is_some_and(|s| !s.ended).into();
                }
                StationReply::Payload(answer)
            }
            _ => not_supported(action),
        }
    }

    fn change_availability(&mut self, payload: &Value) -> StationReply {
        let (which, kind) = match self.config.version {
            Version::V16 => (payload["connectorId"].as_u64(), &payload["type"]),
            _ => (payload["evse"]["id"].as_u64(), &payload["operationalStatus"]),
        };
        let operative = kind == "Operative";
        let evses = match which.unwrap_or(0).try_into() {
            Ok(0) => 1..=self.evses.len() as u32,
            Ok(number) if self.check_evse(number).is_ok() => number..=number,
            _ => return status("Rejected"),
        };
        let mut scheduled = false;
        for evse in evses {
            let slot = &mut self.evses[evse as usize - 1];
            slot.operative = operative;
            scheduled |= slot.session.is_some() && !operative;
            if slot.session.is_none() {
                let idle = slot.idle_status();
                self.set_status(evse, idle, wall_clock());
            }
            self.tell(StationEvent::Availability { evse, operative });
        }
        status(if scheduled { "Scheduled" } else { "Accepted" })
    }

    fn set_variables(&mut self, payload: &Value) -> StationReply {
        let asked = payload["setVariableData"].as_array().cloned().unwrap_or_default();
        let results: Vec<Value> = asked
            .iter()
            .map(|one| {
                let status = match self.set_variable(&one["variable"]["name"], &one["attributeValue"]) {
                    "NotSupported" => "UnknownVariable",
                    known => known,
                };
                json!({"attributeStatus": status, "component": one["component"], "variable": one["variable"]})
            })
            .collect();
        StationReply::Payload(json!({"setVariableResult": results}))
    }

    /// The password is the one thing that can be set, as 1.6 and 2.x call it. The station comes again with it.
    fn set_variable(&mut self, name: &Value, value: &Value) -> &'static str {
        if !matches!(name.as_str(), Some("AuthorizationKey" | "BasicAuthPassword")) {
            return "NotSupported";
        }
        let Some(password) = value.as_str().filter(|password| password.len() >= PASSWORD_MIN) else {
            return "Rejected";
        };
        self.target.set_password(&self.config.identity, password);
        self.config.password = Some(password.to_owned());
        self.restart = true;
        "Accepted"
    }

    /// The few configuration keys of OCPP 1.6 that describe this station; all read-only.
    fn configuration(&self, payload: &Value) -> StationReply {
        let interval = self.config.meter_interval.map_or(0, |i| i.as_secs());
        let known = [
            ("NumberOfConnectors", self.evses.len().to_string()),
            ("MeterValueSampleInterval", interval.to_string()),
            ("ConnectionTimeOut", self.config.connection_timeout.as_secs().to_string()),
            ("StopTransactionOnInvalidId", self.config.stop_on_invalid_id.to_string()),
            ("SupportedFeatureProfiles", "Core,RemoteTrigger".to_owned()),
        ];
        let asked: Vec<&str> =
            payload["key"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let wanted = |key: &str| asked.is_empty() || asked.contains(&key);
        let keys: Vec<Value> = known
            .iter()
            .filter(|(key, _)| wanted(key))
            .map(|(key, value)| json!({"key": key, "readonly": true, "value": value}))
            .collect();
        let unknown: Vec<&str> =
            asked.iter().copied().filter(|key| !known.iter().any(|(k, _)| k == key)).collect();
        StationReply::Payload(json!({"configurationKey": keys, "unknownKey": unknown}))
    }
}

fn status(word: &str) -> StationReply {
    StationReply::Status(word.to_owned())
}

fn not_supported(action: &str) -> StationReply {
    let detail = format!("this station does not offer {action}");
    StationReply::Error { code: ErrorCode::NotSupported, detail }
}
