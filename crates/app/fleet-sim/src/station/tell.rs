//! What a station has to say of its connectors and transactions, and how it becomes frames.

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;
use uuid::Uuid;
use voltwin_core::{Decimal, Timestamp, TransactionPhase};
use voltwin_ocpp::station::{StationMessage, StationTransaction};
use voltwin_ocpp::{ConnectorStatus, Version, envelope};

use super::actor::{Actor, wall_clock};
use super::outbox::Entry;
use super::session::{PendingStart, Session, samples};
use super::{PlugIn, Reading, SessionId, StationEvent};
use crate::FleetError;

impl Actor {
    pub(super) fn tell_statuses(&mut self) {
        let at = wall_clock();
        for number in 1..=self.evses.len() as u32 {
            self.tell_status(number, at);
        }
    }

    /// Queues the status of an EVSE; the connectors that are not in use follow it only when they are not free.
    pub(super) fn tell_status(&mut self, evse: u32, at: Timestamp) {
        if !self.accepted {
            return;
        }
        let Some(slot) = self.evses.get(evse as usize - 1) else { return };
        let connectors = match self.config.version {
            Version::V16 => 1,
            _ => self.config.evses[evse as usize - 1].connectors.len() as u32,
        };
        let in_use = slot.connector;
        let (status, fault) = (slot.status, slot.fault.clone());
        for connector in 1..=connectors {
            let of_evse = matches!(
                status,
                ConnectorStatus::Faulted | ConnectorStatus::Unavailable | ConnectorStatus::Available
            );
            let status = if connector == in_use || of_evse { status } else { ConnectorStatus::Available };
            let (error_code, info) = fault.clone().unzip();
            self.outbox.push(Entry::Passing(StationMessage::Status {
                evse,
                connector,
                status,
                error_code,
                info,
                at,
            }));
        }
    }

    pub(super) fn set_status(&mut self, evse: u32, status: ConnectorStatus, at: Timestamp) {
        let slot = &mut self.evses[evse as usize - 1];
        let v2 = self.config.version.is_v2();
        let same = if v2 { in_use(slot.status) && in_use(status) } else { false } || slot.status == status;
        slot.status = status;
        if !same {
            self.tell_status(evse, at);
        }
    }

    pub(super) fn take_meter_values(&mut self) {
        let Some(interval) = self.config.meter_interval else { return };
        let now = Instant::now();
        if now < self.meter_at {
            return;
        }
        self.meter_at = now + interval.max(Duration::from_millis(100));
        let running: Vec<SessionId> = self.evses.iter().filter_map(|evse| evse.session).collect();
        for session in running {
            self.update(session, wall_clock());
        }
    }

    /// Queues the present reading of a running transaction.
    pub(super) fn update(&mut self, id: SessionId, at: Timestamp) {
        let Some(session) = self.sessions.get(&id) else { return };
        let reading = self.evses[session.evse as usize - 1].reading;
        let charging = if reading.power_w > 0.0 { "Charging" } else { "SuspendedEV" };
        self.event(id, TransactionPhase::Updated, at, |event| {
            event.charging_state = Some(charging.into());
            event.samples = samples(&reading, at, "Sample.Periodic");
        });
    }

    /// Queues an event of a transaction, completed by `with`.
    pub(super) fn event(
        &mut self,
        id: SessionId,
        phase: TransactionPhase,
        at: Timestamp,
        with: impl FnOnce(&mut StationTransaction),
    ) {
        let offline = !self.connected;
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let reading = &self.evses[session.evse as usize - 1].reading;
        // The register never goes back within a transaction.
        session.last_wh = session.last_wh.max(reading.energy_wh);
        let named = phase == TransactionPhase::Started;
        let mut message = StationTransaction {
            phase,
            transaction_id: session.transaction_id.clone().unwrap_or_default(),
            seq_no: session.next_seq_no,
            evse: session.evse,
            connector: session.connector,
            id_token: (named || phase == TransactionPhase::Ended).then(|| session.id_token.clone()),
            token_type: session.token_type.clone(),
            at,
            meter_wh: session.last_wh,
            trigger: None,
            stopped_reason: None,
            charging_state: None,
            offline,
            remote_start_id: session.remote_start_id.filter(|_| named),
            samples: Vec::new(),
        };
        with(&mut message);
        session.next_seq_no += 1;
        self.outbox.push(Entry::Transaction { session: id, message });
    }

    /// Starts a transaction on an EVSE where a vehicle stands.
    pub(super) fn start(
        &mut self,
        plug: PlugIn,
        pending: Option<PendingStart>,
    ) -> Result<SessionId, FleetError> {
        if !self.outbox.has_room() {
            let (station, limit) = (self.config.identity.clone(), self.config.outbox_limit);
            return Err(FleetError::QueueFull { station, limit });
        }
        let at = plug.at.unwrap_or_else(wall_clock);
        let id = SessionId(self.next_session);
        self.next_session += 1;
        let made = || Uuid::new_v5(&self.run, &id.0.to_be_bytes()).to_string();
        let transaction_id =
            self.config.version.is_v2().then(|| plug.transaction_id.clone().unwrap_or_else(made));
        let remote = pending.is_some();
        let (id_token, token_type, remote_start_id) = match pending {
            Some(start) => (start.id_token, start.token_type, start.remote_start_id),
            None => (plug.id_token, None, None),
        };
        self.sessions.insert(
            id,
            Session {
                evse: plug.evse,
                connector: plug.connector,
                id_token,
                token_type,
                transaction_id,
                next_seq_no: 0,
                remote_start_id,
                intact: true,
                last_wh: plug.reading.energy_wh,
                ended: false,
                waiter: None,
            },
        );
        let slot = &mut self.evses[plug.evse as usize - 1];
        (slot.plugged, slot.session, slot.connector) = (true, Some(id), plug.connector);
        slot.reading = plug.reading;
        self.set_status(plug.evse, ConnectorStatus::Preparing, at);
        self.event(id, TransactionPhase::Started, at, |event| {
            event.trigger = Some(if remote { "RemoteStart" } else { "CablePluggedIn" }.into());
            event.charging_state = Some("Charging".into());
        });
        self.set_status(plug.evse, ConnectorStatus::Charging, at);
        Ok(id)
    }

    /// Ends a transaction by the station's own decision; the vehicle stays plugged in.
    pub(super) fn stop(&mut self, id: SessionId, reason: &str, at: Option<Timestamp>) {
        let Some(evse) = self.sessions.get(&id).filter(|s| !s.ended).map(|s| s.evse) else { return };
        self.end(id, reason, at.unwrap_or_else(wall_clock));
        self.tell(StationEvent::Stopped { evse, session: id, reason: reason.to_owned() });
        let status = self.evses[evse as usize - 1].idle_status();
        self.set_status(evse, status, at.unwrap_or_else(wall_clock));
    }

    pub(super) fn end(&mut self, id: SessionId, reason: &str, at: Timestamp) {
        let Some(session) = self.sessions.get_mut(&id).filter(|s| !s.ended) else { return };
        session.ended = true;
        let evse = session.evse;
        let trigger = match reason {
            "EVDisconnected" => "EVCommunicationLost",
            "Remote" => "RemoteStop",
            "DeAuthorized" => "Deauthorized",
            "Local" => "StopAuthorized",
            "ImmediateReset" => "ResetCommand",
            _ => "AbnormalCondition",
        };
        let reading = self.evses[evse as usize - 1].reading;
        self.event(id, TransactionPhase::Ended, at, |event| {
            event.trigger = Some(trigger.into());
            event.stopped_reason = Some(reason.into());
            event.charging_state =
                Some(if reason == "EVDisconnected" { "Idle" } else { "EVConnected" }.into());
            event.samples =
                samples(&Reading { power_w: 0.0, current_a: None, ..reading }, at, "Transaction.End");
        });
        self.evses[evse as usize - 1].session = None;
        if self.restart_when_idle && self.evses.iter().all(|e| e.session.is_none()) {
            (self.restart_when_idle, self.restart) = (false, true);
        }
    }
}

fn in_use(status: ConnectorStatus) -> bool {
    use ConnectorStatus::{Charging, Finishing, Occupied, Preparing, SuspendedEV, SuspendedEVSE};
    matches!(status, Charging | Finishing | Occupied | Preparing | SuspendedEV | SuspendedEVSE)
}

/// Digits that a double keeps for certain.
const DOUBLE_DIGITS: usize = 15;

/// The frame of a call. OCPP 2.x sends meter values as JSON numbers; an energy register with more digits than a double
/// holds is written out digit by digit, so that it arrives exactly.
pub(crate) fn exact_frame(id: &str, action: &str, mut payload: Value, message: &StationMessage) -> String {
    const MARK: &str = "\u{1}register";
    let StationMessage::Transaction(event) = message else { return envelope::call(id, action, &payload) };
    let digits: String = event.meter_wh.normalize().to_string();
    let long = digits.bytes().filter(u8::is_ascii_digit).count() > DOUBLE_DIGITS;
    let value = payload.pointer_mut("/meterValue/0/sampledValue/0").filter(|sample| {
        sample["measurand"] == "Energy.Active.Import.Register" && sample["value"].is_number()
    });
    match value.filter(|_| long && event.meter_wh != Decimal::ZERO) {
        Some(sample) => {
            sample["value"] = MARK.into();
            let marked = Value::from(MARK).to_string();
            envelope::call(id, action, &payload).replacen(&marked, &digits, 1)
        }
        None => envelope::call(id, action, &payload),
    }
}
