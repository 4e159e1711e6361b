//! Who is told what a transaction costs, and when.
//!
//! Stations of OCPP 2.x get the total with the answer to the last event, those of 2.1 also what it is so far with the
//! answers before. The others are sent commands: 2.0.1 a `CostUpdated`, 1.6 the data transfers of [`costmsg`], where the
//! station has said that it can show them. What goes on by itself is paced, and told only when it has changed.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use serde_json::{Value as Json, json};
use tokio::time::Instant;
use voltwin_core::{
    CommandState, Decimal, TenantId, TransactionFact, TransactionPhase, TwinId, told_transaction_id,
};
use voltwin_ocpp::{Version, json_number};
use voltwin_tariff::Situation;

use super::costmsg::{self, Progress};
use super::{Bill, Charged};
use crate::decide::Speaker;
use crate::{CentralSystem, CommandRequest, CsmsError, VariableName};

/// Running transactions whose last telling is remembered.
const TOLD_MAX: usize = 100_000;
/// Stations that are remembered not to know what they were sent.
const DEAF_MAX: usize = 100_000;
/// How long the answer of a station is waited for, to learn whether it knows the message.
const ANSWER: Duration = Duration::from_secs(30);
/// Who tells, in the list of commands.
const BY: &str = "tariff";

type StationKey = (TenantId, TwinId);

/// Who was told what a transaction costs so far.
#[derive(Default)]
pub(super) struct Told {
    last: HashMap<(TenantId, TwinId, String), (Instant, Option<Decimal>)>,
    /// Stations that do not know the message.
    deaf: HashSet<StationKey>,
}

/// A message on its way to a station.
struct Telling {
    tenant: TenantId,
    station: TwinId,
    action: &'static str,
    payload: Json,
}

impl CentralSystem {
    /// What a station of OCPP 2.x is to be told of the cost with the answer to its event: the total at the end and, from
    /// 2.1 on, now and then what it is so far. Other tellings are set off and not waited for.
    pub(crate) async fn cost_to_tell(
        &self,
        speaker: &Speaker<'_>,
        fact: &TransactionFact,
    ) -> Result<Option<Decimal>, CsmsError> {
        let ended = fact.phase == TransactionPhase::Ended;
        if !(ended || self.turn_to_tell(speaker, &fact.transaction_id)) {
            return Ok(None);
        }
        let store = self.inner.runtime.store().tenant(speaker.tenant);
        if !store.prices_anything().await? {
            return Ok(None);
        }
        if ended {
            self.forget(speaker, &fact.transaction_id);
            self.inner.money.due.notify_one();
        }
        let by_answer = speaker.version == Version::V21 || (ended && speaker.version == Version::V201);
        if by_answer {
            let charged = self.charged(speaker.tenant, speaker.station, &fact.transaction_id).await?;
            return Ok(charged.map(|charged| charged.receipt.cost.gross));
        }
        let (csms, tenant, station) = (self.clone(), speaker.tenant.clone(), speaker.station.clone());
        let (version, transaction_id) = (speaker.version, fact.transaction_id.clone());
        tokio::spawn(async move {
            let told = csms.tell_cost((&tenant, &station), version, &transaction_id, ended).await;
            if let Err(error) = told {
                tracing::debug!(%station, %error, "a cost was not told");
            }
        });
        Ok(None)
    }

    /// Tells a driver who was let in at a station of OCPP 1.6 what charging will cost.
    pub(crate) fn tell_price(&self, speaker: &Speaker<'_>, id_token: &str) {
        if speaker.version != Version::V16 {
            return;
        }
        let (csms, tenant, station) = (self.clone(), speaker.tenant.clone(), speaker.station.clone());
        let id_token = id_token.to_owned();
        tokio::spawn(async move {
            if let Err(error) = csms.tell_user_price((&tenant, &station), &id_token).await {
                tracing::debug!(%station, %error, "a price was not told");
            }
        });
    }

    async fn tell_user_price(
        &self,
        (tenant, station): (&TenantId, &TwinId),
        id_token: &str,
    ) -> Result<(), CsmsError> {
        let store = self.inner.runtime.store().tenant(tenant);
        if !store.prices_anything().await? || !self.shows_cost(tenant, station, Version::V16).await? {
            return Ok(());
        }
        let now = self.inner.runtime.now();
        let (site, zone) = self.surroundings(tenant, station.as_str());
        let charged =
            Charged { station: station.as_str(), evse: None, transaction: None, id_token: Some(id_token) };
        let Some((_, tariff)) = self.tariff_of(tenant, &charged, site, now).await? else { return Ok(()) };
        let data = costmsg::user_price(&tariff, &zone, id_token, now);
        self.set_off(Telling {
            tenant: tenant.clone(),
            station: station.clone(),
            action: "DataTransfer",
            payload: costmsg::transfer("SetUserPrice", &data),
        })
        .await
    }

    async fn tell_cost(
        &self,
        (tenant, station): (&TenantId, &TwinId),
        version: Version,
        transaction_id: &str,
        ended: bool,
    ) -> Result<(), CsmsError> {
        if !self.shows_cost(tenant, station, version).await? {
            return Ok(());
        }
        let Some(bill) = self.charged(tenant, station, transaction_id).await? else { return Ok(()) };
        let cost = &bill.receipt.cost;
        if !ended && !self.is_news(tenant, station, transaction_id, cost.gross) {
            return Ok(());
        }
        let (action, payload) = match version {
            Version::V16 => {
                let Ok(number) = transaction_id.parse() else { return Ok(()) };
                ("DataTransfer", self.cost_message(number, &bill, ended))
            }
            Version::V201 | Version::V21 => {
                let total = json_number(cost.gross);
                (
                    "CostUpdated",
                    json!({"totalCost": total, "transactionId": told_transaction_id(transaction_id)}),
                )
            }
        };
        self.set_off(Telling { tenant: tenant.clone(), station: station.clone(), action, payload }).await
    }

    fn cost_message(&self, transaction_id: i64, bill: &Bill, ended: bool) -> Json {
        let (receipt, cost) = (&bill.receipt, &bill.receipt.cost);
        if ended {
            return costmsg::transfer("FinalCost", &costmsg::final_cost(transaction_id, cost));
        }
        let at = self.inner.runtime.now().max(receipt.started_at);
        let situation = Situation { at, started: receipt.started_at, energy_wh: receipt.energy_wh };
        let progress = Progress { transaction_id, meter_wh: bill.meter_wh, situation, cost };
        costmsg::transfer("RunningCost", &costmsg::running_cost(&bill.tariff, &bill.zone, &progress))
    }

    /// Sends it, and remembers a station that does not know what it is sent.
    async fn set_off(&self, telling: Telling) -> Result<(), CsmsError> {
        let Telling { tenant, station, action, payload } = telling;
        let request = CommandRequest::Raw { action: action.to_owned(), payload };
        let record = self.command(&tenant, &station, request, BY, ANSWER).await?;
        let reason = record.reason.as_deref().unwrap_or_default();
        let said = record.answer.as_ref().and_then(|answer| answer.get("status")).and_then(Json::as_str);
        let unknown = match record.state {
            CommandState::Failed => reason.contains("NotImplemented") || reason.contains("NotSupported"),
            CommandState::Rejected => matches!(said, Some("UnknownVendorId" | "UnknownMessageId")),
            _ => false,
        };
        if unknown {
            let mut told = self.inner.money.told.lock();
            if told.deaf.len() < DEAF_MAX {
                told.deaf.insert((tenant, station));
            }
        }
        Ok(())
    }

    /// Whether a station shows costs: one of 1.6 only if its configuration says so, one of 2.0.1 unless its device model
    /// denies it; neither once it has answered that it does not know the message, until it boots again.
    async fn shows_cost(
        &self,
        tenant: &TenantId,
        station: &TwinId,
        version: Version,
    ) -> Result<bool, CsmsError> {
        if self.inner.money.told.lock().deaf.contains(&(tenant.clone(), station.clone())) {
            return Ok(false);
        }
        Ok(match version {
            Version::V16 => {
                let name = VariableName::configuration("CustomDisplayCostAndPrice");
                self.says(tenant, station, &name).await?.is_some_and(|value| value)
            }
            Version::V201 | Version::V21 => {
                let name = VariableName {
                    component: "TariffCostCtrlr".to_owned(),
                    variable: "Enabled".to_owned(),
                    variable_instance: Some("Cost".to_owned()),
                    ..VariableName::default()
                };
                self.says(tenant, station, &name).await?.unwrap_or(true)
            }
        })
    }

    /// What a station says of a variable that is true or false.
    pub(crate) async fn says(
        &self,
        tenant: &TenantId,
        station: &TwinId,
        name: &VariableName,
    ) -> Result<Option<bool>, CsmsError> {
        let Some(key) = name.key("Actual") else { return Ok(None) };
        let store = self.inner.runtime.store().tenant(tenant);
        let record = store.record(station.as_str(), "variable", &key).await?;
        let value = record.as_ref().and_then(|record| record.value.get("value")).and_then(Json::as_str);
        Ok(value.and_then(|value| value.trim().to_ascii_lowercase().parse().ok()))
    }

    /// A station that boots may know what it did not before.
    pub(crate) fn tell_again(&self, tenant: &TenantId, station: &TwinId) {
        self.inner.money.told.lock().deaf.remove(&(tenant.clone(), station.clone()));
    }

    /// Whether it is time to tell the running cost; the first time is after one period.
    fn turn_to_tell(&self, speaker: &Speaker<'_>, transaction_id: &str) -> bool {
        let key = (speaker.tenant.clone(), speaker.station.clone(), transaction_id.to_owned());
        let every = Duration::from_secs(self.inner.config.cost_every_s.into());
        let now = Instant::now();
        let mut told = self.inner.money.told.lock();
        match told.last.get_mut(&key) {
            Some((last, _)) if now.duration_since(*last) < every => false,
            Some((last, _)) => {
                *last = now;
                true
            }
            None => {
                if told.last.len() < TOLD_MAX {
                    told.last.insert(key, (now, None));
                }
                false
            }
        }
    }

    /// Whether this is another amount than was told before.
    fn is_news(&self, tenant: &TenantId, station: &TwinId, transaction_id: &str, gross: Decimal) -> bool {
        let key = (tenant.clone(), station.clone(), transaction_id.to_owned());
        let mut told = self.inner.money.told.lock();
        // one that is not there has ended meanwhile: its last word is told by another way
        told.last.get_mut(&key).is_some_and(|(_, before)| before.replace(gross) != Some(gross))
    }

    fn forget(&self, speaker: &Speaker<'_>, transaction_id: &str) {
        let key = (speaker.tenant.clone(), speaker.station.clone(), transaction_id.to_owned());
        self.inner.money.told.lock().last.remove(&key);
    }
}
