//! Which block takes which message about energy, vehicles, batteries and reservations.

use serde_json::{Value as Json, json};
use voltwin_core::{EventBody, RecordFact};
use voltwin_ocpp::{Answer, CallOutcome};
use voltwin_store::Record;

use super::fields::is;
use crate::decide::Speaker;
use crate::stations::Events;
use crate::{CentralSystem, CsmsError};

/// Statements of one topic and station that are looked at together: the most that one page holds.
pub(super) const RECORDS_MAX: usize = 500;

impl CentralSystem {
    /// Answers a station's message of these blocks; `None` when it is of another.
    pub(super) async fn energy_message(
        &self,
        speaker: &Speaker<'_>,
        action: &str,
        payload: &Json,
    ) -> Result<Option<Answer>, CsmsError> {
        let done = || Some(Answer::Payload(json!({})));
        Ok(match action {
            "ReportChargingProfiles" => {
                self.report_charging_profiles(speaker, payload).await?;
                done()
            }
            "NotifyChargingLimit" => {
                self.notify_charging_limit(speaker, payload).await?;
                done()
            }
            "ClearedChargingLimit" => {
                self.cleared_charging_limit(speaker, payload).await?;
                done()
            }
            "NotifyEVChargingNeeds" => Some(self.ev_charging_needs(speaker, payload).await?),
            "NotifyEVChargingSchedule" => Some(self.ev_charging_schedule(speaker, payload).await?),
            "NotifyPriorityCharging" => {
                self.priority_charging(speaker, payload).await?;
                done()
            }
            "PullDynamicScheduleUpdate" => Some(self.pull_dynamic_schedule(speaker, payload).await?),
            "ReservationStatusUpdate" => {
                self.reservation_update(speaker, payload).await?;
                done()
            }
            "BatterySwap" => {
                self.battery_swap(speaker, payload).await?;
                done()
            }
            "NotifyDERAlarm" => {
                self.der_alarm(speaker, payload).await?;
                done()
            }
            "NotifyDERStartStop" => {
                self.der_start_stop(speaker, payload).await?;
                done()
            }
            "ReportDERControl" => {
                self.report_der_control(speaker, payload).await?;
                done()
            }
            "OpenPeriodicEventStream" => Some(self.open_stream(speaker, payload).await?),
            "ClosePeriodicEventStream" => {
                self.close_stream(speaker, payload).await?;
                done()
            }
            "NotifyPeriodicEventStream" => {
                self.stream_values(speaker, payload).await?;
                done()
            }
            _ => None,
        })
    }

    /// A command of these blocks is about to be sent.
    pub(super) async fn energy_asking(
        &self,
        speaker: &Speaker<'_>,
        action: &str,
        payload: &Json,
    ) -> Result<(), CsmsError> {
        match action {
            "GetChargingProfiles" => self.charging_profiles_asked_for(speaker, payload).await,
            "GetDERControl" => self.der_control_asked_for(speaker, payload).await,
            _ => Ok(()),
        }
    }

    /// A command of these blocks came to its end.
    pub(super) async fn energy_asked(
        &self,
        speaker: &Speaker<'_>,
        action: &str,
        payload: &Json,
        outcome: &CallOutcome,
    ) -> Result<(), CsmsError> {
        let CallOutcome::Answer(answer) = outcome else { return Ok(()) };
        let accepted = is(answer, "Accepted");
        match action {
            "SetChargingProfile" if accepted => self.charging_profile_set(speaker, payload).await,
            "ClearChargingProfile" => self.charging_profiles_cleared(speaker, payload).await,
            "GetChargingProfiles" if is(answer, "NoProfiles") => {
                self.no_charging_profiles(speaker, payload).await
            }
            "UsePriorityCharging" if accepted => self.priority_asked(speaker, payload).await,
            "UpdateDynamicSchedule" if accepted => self.dynamic_schedule_updated(speaker, payload).await,
            "ReserveNow" => self.reserve_answered(speaker, payload, answer).await,
            "CancelReservation" => self.cancel_answered(speaker, payload, answer).await,
            "ChangeAvailability" => self.availability_answered(speaker, payload, answer).await,
            "SetDERControl" if accepted => self.der_control_set(speaker, payload, answer).await,
            "ClearDERControl" if accepted => self.der_control_cleared(speaker, payload).await,
            "AFRRSignal" | "NotifyAllowedEnergyTransfer" | "RequestBatterySwap" if accepted => {
                self.energy_wish(speaker, action, payload).await
            }
            "AdjustPeriodicEventStream" if accepted => self.stream_adjusted(speaker, payload).await,
            "GetPeriodicEventStream" => self.streams_listed(speaker, answer).await,
            "GetTransactionStatus" => self.transaction_status(speaker, payload, answer).await,
            _ => Ok(()),
        }
    }

    /// A transaction began: what waited for it.
    pub(crate) async fn energy_begun(
        &self,
        speaker: &Speaker<'_>,
        fact: &voltwin_core::TransactionFact,
        reservation: Option<i64>,
    ) -> Result<(), CsmsError> {
        self.use_reservation(speaker, fact, reservation).await
    }

    /// A transaction is over: what lasted only as long as it.
    pub(crate) async fn energy_over(
        &self,
        speaker: &Speaker<'_>,
        fact: &voltwin_core::TransactionFact,
    ) -> Result<(), CsmsError> {
        self.forget_transaction_profiles(speaker, fact).await?;
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        for topic in ["priority_charging", "allowed_energy_transfer", "transaction_status"] {
            if self.statement(speaker, topic, &fact.transaction_id).await?.is_some() {
                events.say(speaker, topic, &fact.transaction_id, None);
            }
        }
        self.record(events).await
    }

    /// Wishes that a station grants and then reports by its meter only.
    async fn energy_wish(
        &self,
        speaker: &Speaker<'_>,
        action: &str,
        payload: &Json,
    ) -> Result<(), CsmsError> {
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        match action {
            "AFRRSignal" => {
                events.say(speaker, "afrr_signal", "newest", Some(payload.clone()));
                events.note(speaker.station, self.inner.runtime.now(), "afrr_signal", payload.clone());
            }
            "NotifyAllowedEnergyTransfer" => {
                let key = super::fields::text(payload, "transactionId").unwrap_or_default();
                let value = payload.get("allowedEnergyTransfer").cloned();
                events.say(speaker, "allowed_energy_transfer", key, value);
            }
            _ => {
                let mut detail = payload.clone();
                detail["event"] = "Requested".into();
                events.note(speaker.station, self.inner.runtime.now(), "battery_swap", detail);
            }
        }
        self.record(events).await
    }

    /// The station could not read an answer of ours (2.1): filed against the message that it asked with.
    pub(crate) async fn answer_rejected(&self, speaker: &Speaker<'_>, rejected: Json) {
        metrics::counter!("voltwin_answers_rejected_total").increment(1);
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        events.note(speaker.station, self.inner.runtime.now(), "answer_rejected", rejected);
        if let Err(error) = self.record(events).await {
            tracing::warn!(station = %speaker.station, %error, "could not record that an answer was rejected");
        }
    }

    /// What the station states under a topic, by key.
    pub(super) async fn statements(
        &self,
        speaker: &Speaker<'_>,
        topic: &str,
    ) -> Result<Vec<Record>, CsmsError> {
        let store = self.inner.runtime.store().tenant(speaker.tenant);
        Ok(store.records(speaker.station.as_str(), topic, None, RECORDS_MAX).await?.items)
    }

    /// One statement of the station.
    pub(super) async fn statement(
        &self,
        speaker: &Speaker<'_>,
        topic: &str,
        key: &str,
    ) -> Result<Option<Json>, CsmsError> {
        let store = self.inner.runtime.store().tenant(speaker.tenant);
        let found = store.record(speaker.station.as_str(), topic, key).await?;
        Ok(found.map(|record| record.value))
    }
}

impl Events<'_> {
    /// Adds a statement of the station itself that holds from now on; `None` takes it back.
    pub(super) fn say(&mut self, speaker: &Speaker<'_>, topic: &str, key: &str, value: Option<Json>) {
        let fact = RecordFact { topic: topic.to_owned(), key: key.to_owned(), value };
        self.add_now(speaker.station, EventBody::Record(fact));
    }
}
