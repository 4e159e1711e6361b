//! The functional blocks beyond boot, status and transactions: one module each, named after what it is about.
//!
//! A block takes the messages of its own, keeps what they state as records (the newest statement under a topic and
//! key of the station's twin) and what they report as notes (in their order), and says what to answer. Topics in
//! use stand in `docs/ocpp.md`.

mod availability;
mod batches;
mod certificates;
mod charging;
mod composite;
mod contracts;
mod costs;
mod customer;
mod data_transfer;
mod der;
mod device_model;
mod display;
mod energy;
mod fields;
mod files;
mod firmware;
mod inventory;
mod list_entries;
mod local_list;
mod logs;
mod monitoring;
mod open_reports;
mod payload;
mod payments;
mod reports;
mod reservations;
mod security_events;
mod streams;
mod swaps;
mod tariffs;
mod transaction_tariffs;
mod variable;

use serde_json::{Value as Json, json};
use voltwin_core::{EventBody, NoteFact, RecordFact, Timestamp, TwinId};
use voltwin_ocpp::{Answer, CallOutcome};

use crate::decide::Speaker;
use crate::stations::Events;
use crate::{CentralSystem, CsmsError};
use payload::{list, text};
use reports::Kind;

pub use batches::{VARIABLES_MAX, VariableWish};
pub use composite::{Composite, CompositeRequest, StationSchedule};
pub(crate) use costs::told_cost;
pub use customer::CustomerInformation;
pub(crate) use customer::Customers;
pub use files::{FirmwareImage, FirmwareRequest, LogRequest};
pub(crate) use local_list::LocalLists;
pub use local_list::{
    LOCAL_LIST_CHOSEN_MAX, LocalList, LocalListMode, LocalListState, LocalListStatus, LocalListWish,
};
pub(crate) use open_reports::OpenReports;
pub use reservations::{Reservation, ReservationRequest, ReservationState};
pub use security_events::ends_when_seen;
pub(crate) use security_events::security_alarm;
pub use tariffs::{StationTariff, StationTariffs, WantedTariff};
pub use transaction_tariffs::TransactionTariff;
pub use variable::{Variable, VariableName};

impl CentralSystem {
    /// Takes a message that no fact of its own stands for.
    pub(crate) async fn block(
        &self,
        speaker: &Speaker<'_>,
        action: &'static str,
        payload: Json,
    ) -> Result<Answer, CsmsError> {
        if let Some(answer) = self.energy_message(speaker, action, &payload).await? {
            return Ok(answer);
        }
        match action {
            "NotifyReport" => self.notify_report(speaker, &payload).await,
            "NotifyMonitoringReport" => self.notify_monitoring_report(speaker, &payload).await,
            "NotifyEvent" => self.notify_event(speaker, &payload).await,
            "FirmwareStatusNotification" | "SignedFirmwareStatusNotification" => {
                self.firmware_status(speaker, &payload).await
            }
            "PublishFirmwareStatusNotification" => self.publish_status(speaker, &payload).await,
            "DiagnosticsStatusNotification" | "LogStatusNotification" => {
                self.log_status(speaker, action, &payload).await
            }
            "SecurityEventNotification" => self.security_event(speaker, &payload).await,
            "SignCertificate" => self.sign_certificate(speaker, &payload, false).await,
            "GetCertificateStatus" => Ok(self.certificate_status(&payload).await),
            "GetCertificateChainStatus" => Ok(self.chain_status(&payload).await),
            "Get15118EVCertificate" => self.vehicle_certificate(speaker, &payload).await,
            "DataTransfer" => self.data_transfer(speaker, &payload).await,
            "NotifyDisplayMessages" => self.notify_display_messages(speaker, &payload).await,
            "NotifyCustomerInformation" => self.notify_customer_information(speaker, &payload).await,
            "NotifySettlement" => self.settlement(speaker, &payload).await,
            "VatNumberValidation" => Ok(Self::vat_number(&payload)),
            _ => {
                tracing::debug!(station = %speaker.station, action, "no block takes this message");
                Ok(Answer::Other)
            }
        }
    }

    /// A command is about to be sent: what must be known before the station reports.
    pub(crate) async fn asking(
        &self,
        speaker: &Speaker<'_>,
        action: &str,
        payload: &Json,
    ) -> Result<(), CsmsError> {
        self.energy_asking(speaker, action, payload).await?;
        match action {
            "GetBaseReport" => {
                let full = text(payload, "reportBase") == Some("FullInventory");
                self.report_asked(speaker, Kind::Inventory, payload, full).await
            }
            "GetReport" => self.report_asked(speaker, Kind::Inventory, payload, false).await,
            "GetMonitoringReport" => {
                let all = list(payload, "monitoringCriteria").is_empty()
                    && list(payload, "componentVariable").is_empty();
                self.report_asked(speaker, Kind::Monitoring, payload, all).await
            }
            "GetDisplayMessages" => {
                let all = display::asks_for_all(payload);
                self.report_asked(speaker, Kind::Display, payload, all).await
            }
            "CustomerInformation" => self.customer_asking(speaker, payload).await,
            "UpdateFirmware" | "SignedUpdateFirmware" => self.firmware_asking(speaker, action, payload).await,
            "PublishFirmware" => self.publish_asking(speaker, payload).await,
            _ => Ok(()),
        }
    }

    /// What the end of a command means beyond the command itself. `payload` is what was sent, with its secrets; `by` is who
    /// gave it.
    pub(crate) async fn asked(
        &self,
        speaker: &Speaker<'_>,
        action: &str,
        payload: &Json,
        outcome: &CallOutcome,
        by: &str,
    ) -> Result<(), CsmsError> {
        self.energy_asked(speaker, action, payload, outcome).await?;
        match action {
            "UpdateFirmware" | "SignedUpdateFirmware" => {
                return self.firmware_asked(speaker, action, payload, outcome).await;
            }
            "GetLog" | "GetDiagnostics" => return self.log_asked(speaker, payload, outcome).await,
            "DataTransfer" => return self.data_transferred(speaker, payload, outcome).await,
            "GetLocalListVersion" => return self.list_version_asked(speaker, outcome).await,
            "SendLocalList" => return self.local_list_asked(speaker, payload, outcome).await,
            _ => {}
        }
        match outcome {
            CallOutcome::Answer(answer) => self.answered(speaker, action, payload, answer, by).await,
            CallOutcome::Error { .. } => self.report_not_sent(speaker, action, payload, None).await,
            CallOutcome::Timeout | CallOutcome::Disconnected => Ok(()),
        }
    }

    async fn answered(
        &self,
        speaker: &Speaker<'_>,
        action: &str,
        payload: &Json,
        answer: &Json,
        by: &str,
    ) -> Result<(), CsmsError> {
        let accepted = text(answer, "status") == Some("Accepted");
        match action {
            "InstallCertificate" | "DeleteCertificate" | "GetInstalledCertificateIds" => {
                self.certificates_answered(speaker, action, payload, answer).await
            }
            "SetDefaultTariff" | "ClearTariffs" | "GetTariffs" | "ChangeTransactionTariff" => {
                self.tariffs_answered(speaker, action, payload, answer, by).await
            }
            "GetVariables" => self.variables_read(speaker, answer).await,
            "SetVariables" => self.variables_set(speaker, payload, answer).await,
            "GetConfiguration" => self.configuration_read(speaker, payload, answer).await,
            "ChangeConfiguration" => self.configuration_changed(speaker, payload, answer).await,
            "SetVariableMonitoring" => self.monitors_set(speaker, payload, answer).await,
            "ClearVariableMonitoring" => self.monitors_cleared(speaker, answer).await,
            "SetMonitoringBase" if accepted => self.monitoring_base_set(speaker, payload).await,
            "NotifyWebPaymentStarted" => self.web_payment_started(speaker, payload).await,
            "UnpublishFirmware" => self.unpublished(speaker, payload, answer).await,
            "SetDisplayMessage" if accepted => self.display_message_set(speaker, payload).await,
            "ClearDisplayMessage" => self.display_message_cleared(speaker, payload, answer).await,
            "GetDisplayMessages" if text(answer, "status") == Some("Unknown") => {
                self.display_messages_none(speaker, payload).await
            }
            _ if !accepted => self.report_not_sent(speaker, action, payload, text(answer, "status")).await,
            _ => Ok(()),
        }
    }

    /// A report that was asked for will not come.
    async fn report_not_sent(
        &self,
        speaker: &Speaker<'_>,
        action: &str,
        payload: &Json,
        status: Option<&str>,
    ) -> Result<(), CsmsError> {
        let first = match action {
            "GetBaseReport" => text(payload, "reportBase") == Some("FullInventory"),
            "GetConfiguration" => list(payload, "key").is_empty(),
            _ => false,
        };
        if first {
            self.inventory_is(speaker, json!({"state": "refused", "status": status})).await?;
        }
        match action {
            "GetBaseReport" | "GetReport" => self.report_refused(speaker, Kind::Inventory, payload).await,
            "GetMonitoringReport" => self.report_refused(speaker, Kind::Monitoring, payload).await,
            _ => Ok(()),
        }
    }
}

impl Events<'_> {
    /// Adds a statement under a topic and key; `None` takes it back.
    pub(crate) fn state(
        &mut self,
        twin: &TwinId,
        at: Timestamp,
        topic: &str,
        key: &str,
        value: Option<Json>,
    ) {
        let fact = RecordFact { topic: topic.to_owned(), key: key.to_owned(), value };
        self.add(twin, at, EventBody::Record(fact));
    }

    /// Adds a note under a topic.
    pub(crate) fn note(&mut self, twin: &TwinId, at: Timestamp, topic: &str, detail: Json) {
        self.add(twin, at, EventBody::Note(NoteFact { topic: topic.to_owned(), detail }));
    }
}
