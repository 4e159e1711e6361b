//! Another tariff for a transaction that runs: `ChangeTransactionTariff` of OCPP 2.1.
//!
//! A station that works out costs is asked first, and the tariff counts from its yes. For all others, who show what we work
//! out, it counts at once. What it came to until then stays priced by the tariff before.

use std::time::Duration;

use serde_json::{Value as Json, json};
use voltwin_core::{TenantId, Timestamp, TwinId, told_transaction_id};
use voltwin_store::{
    Command as CommandRecord, NewTariffAssignment, TariffRecord, TariffScope, Transaction, TransactionFilter,
    TransactionState,
};
use voltwin_tariff::{CHANGES_MAX, Tariff};

use super::payload::text;
use crate::decide::Speaker;
use crate::money::{Charged, station_tariff, station_tariff_id};
use crate::{CentralSystem, CommandRequest, CsmsError};

/// Transactions of a station that may be meant by an id that it gave more than once.
const ACTIVE_MAX: usize = 500;

/// What came of a wish for another tariff.
#[derive(Debug, Clone, PartialEq)]
pub struct TransactionTariff {
    /// The transaction, by our number.
    pub number: i64,
    /// The tariff's id.
    pub tariff: String,
    /// Its version.
    pub version: i64,
    /// The id that the station knows it by.
    pub tariff_id: String,
    /// From when on it counts; `None` when the station has not taken it.
    pub from: Option<Timestamp>,
    /// What the station was sent; `None` for one that works out no costs.
    pub command: Option<CommandRecord>,
}

impl CentralSystem {
    /// Gives a transaction that runs another tariff, in its version of now. `None` where there is no such transaction.
    ///
    /// # Errors
    /// [`CsmsError::Missing`] for a tariff that is not there or retired; [`CsmsError::Conflict`] when the transaction has
    /// ended or has no tariff, when the tariff does not hold now, has another currency or cannot be told to the station;
    /// and those of [`CentralSystem::command`].
    pub async fn change_transaction_tariff(
        &self,
        tenant: &TenantId,
        number: i64,
        tariff: &str,
        by: &str,
        wait: Duration,
    ) -> Result<Option<TransactionTariff>, CsmsError> {
        let store = self.inner.runtime.store().tenant(tenant);
        let Some(transaction) = store.transaction(number).await? else { return Ok(None) };
        let (record, wish) = self.wished(tenant, &transaction, tariff).await?;
        let station: TwinId = transaction.station.parse()?;
        let tariff_id = station_tariff_id(&record.id, record.version);
        let begun = self.inner.runtime.now();
        let mut command = None;
        if self.works_out_costs(tenant, &station).await? == Some(true) {
            let told = station_tariff(&tariff_id, &wish).map_err(CsmsError::Conflict)?;
            let payload =
                json!({"transactionId": told_transaction_id(&transaction.transaction_id), "tariff": told});
            let request = CommandRequest::Raw { action: "ChangeTransactionTariff".to_owned(), payload };
            command = Some(self.command(tenant, &station, request, by, wait).await?);
        } else {
            self.assign_to(tenant, &transaction, &record.id, by).await?;
        }
        let target = target(&transaction);
        let before = Timestamp::from_micros(begun.as_micros().saturating_sub(1));
        let since = store.tariff_changes(&target, before, CHANGES_MAX).await?;
        let taken = since.iter().rfind(|change| change.tariff.as_deref() == Some(tariff));
        let from = taken.map(|change| change.from);
        let (tariff, version) = (record.id, record.version);
        Ok(Some(TransactionTariff { number, tariff, version, tariff_id, from, command }))
    }

    /// The tariff that is wished for, where the transaction can have it.
    async fn wished(
        &self,
        tenant: &TenantId,
        transaction: &Transaction,
        tariff: &str,
    ) -> Result<(TariffRecord, Tariff), CsmsError> {
        let store = self.inner.runtime.store().tenant(tenant);
        let (now, number) = (self.inner.runtime.now(), transaction.number);
        let no = |why: String| Err(CsmsError::Conflict(why));
        if transaction.ended_at.is_some() {
            return no(format!("transaction {number} has ended"));
        }
        let found = store.tariff_at(tariff, now).await?.filter(|record| !record.retired);
        let missing = || CsmsError::Missing {
            field: "tariff",
            detail: format!("there is no tariff `{tariff}` that can be assigned"),
        };
        let record = found.ok_or_else(missing)?;
        let unreadable = |error: serde_json::Error| CsmsError::Conflict(format!("`{tariff}`: {error}"));
        let wish: Tariff = serde_json::from_value(record.tariff.clone()).map_err(unreadable)?;
        if !wish.holds_at(now) {
            return no(format!("tariff `{tariff}` does not hold now"));
        }
        let charged = Charged {
            station: &transaction.station,
            evse: transaction.evse,
            transaction: Some(&transaction.transaction_id),
            id_token: transaction.id_token.as_deref(),
        };
        let (site, _) = self.surroundings(tenant, &transaction.station);
        let began = transaction.started_at.unwrap_or(now);
        let Some((_, first)) = self.tariff_of(tenant, &charged, site, began).await? else {
            return no(format!("no tariff applies to transaction {number}, so that none can take its place"));
        };
        if first.currency != wish.currency {
            let (had, wished) = (first.currency, wish.currency);
            return no(format!(
                "transaction {number} is billed in {had}, and tariff `{tariff}` is in {wished}"
            ));
        }
        if store.tariff_changes(&target(transaction), began, CHANGES_MAX).await?.len() >= CHANGES_MAX {
            return no(format!("transaction {number} has changed its tariff {CHANGES_MAX} times already"));
        }
        Ok((record, wish))
    }

    /// The tariff prices the transaction from now on; this is in the audit.
    async fn assign_to(
        &self,
        tenant: &TenantId,
        transaction: &Transaction,
        tariff: &str,
        by: &str,
    ) -> Result<(), CsmsError> {
        let now = self.inner.runtime.now();
        let new = NewTariffAssignment {
            scope: TariffScope::Transaction,
            target: target(transaction),
            token_group: None,
            from: now,
            tariff: Some(tariff.to_owned()),
        };
        self.inner.runtime.store().tenant(tenant).assign_tariff(&new, by, now).await?;
        Ok(())
    }

    /// The station has taken another tariff for a transaction. One of ours in its newest version prices what follows here
    /// too, however the station was asked; any other is not known here, and the costs will differ.
    pub(super) async fn transaction_tariff_taken(
        &self,
        speaker: &Speaker<'_>,
        payload: &Json,
        by: &str,
    ) -> Result<(), CsmsError> {
        let told = payload.get("tariff").and_then(|tariff| text(tariff, "tariffId"));
        let Some((id, version)) = told.and_then(|told| told.rsplit_once(':')) else { return Ok(()) };
        let store = self.inner.runtime.store().tenant(speaker.tenant);
        let known = store.tariff_at(id, self.inner.runtime.now()).await?;
        if !known.is_some_and(|record| record.version.to_string() == version && !record.retired) {
            tracing::warn!(station = %speaker.station, tariff = id, version, "a station has taken a tariff that is none of ours");
            return Ok(());
        }
        let filter = TransactionFilter {
            station: Some(speaker.station.to_string()),
            state: Some(TransactionState::Active),
            ..TransactionFilter::default()
        };
        let named = text(payload, "transactionId").unwrap_or_default();
        // newest first: of those that share an id, the station means the last
        let active = store.transactions(&filter, None, ACTIVE_MAX).await?.items;
        let meant = active.iter().find(|active| told_transaction_id(&active.transaction_id) == named);
        match meant {
            Some(transaction) => self.assign_to(speaker.tenant, transaction, id, by).await,
            None => Ok(()),
        }
    }
}

fn target(transaction: &Transaction) -> String {
    format!("{}:tx:{}", transaction.station, transaction.transaction_id)
}
