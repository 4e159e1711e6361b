//! What a station is asked after it has come back: what may have been lost while it could not reach us.
//!
//! Not at once: a station that comes back has messages to send first, and when a region comes back its stations must
//! not all be asked in the same second. Each is asked at a time of its own within the range of
//! [`crate::CsmsConfig::return_check_s`].

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use serde_json::json;
use voltwin_core::{SEQ_NO_OF_STOP, TenantId, Timestamp, TransactionPhase, TwinId};
use voltwin_ocpp::{TransactionReport, Version};
use voltwin_store::{Transaction, TransactionFilter, TransactionState};

use crate::decide::Speaker;
use crate::{CentralSystem, CommandRequest, CsmsError};

/// Who asks, in the list of commands.
const BY: &str = "voltwin";
/// Transactions of one station that are asked about after one return.
const ASKED_MAX: usize = 10;
const ANSWER_WITHIN: Duration = Duration::from_secs(60);
/// Why a transaction ended that the station has forgotten.
const END_LOST: &str = "EndLost";

impl CentralSystem {
    /// Sees to it that a station that has just connected is asked.
    pub(crate) fn plan_return(&self, tenant: &TenantId, station: &TwinId) {
        let Some((least_s, most_s)) = self.inner.config.return_check_s else { return };
        let key = (tenant.clone(), station.clone());
        if !self.inner.returning.lock().insert(key.clone()) {
            return;
        }
        let since = self.inner.runtime.now();
        let mut hasher = DefaultHasher::new();
        (&key, since.as_micros()).hash(&mut hasher);
        let spread_ms = u64::from(most_s.saturating_sub(least_s)) * 1_000 + 1;
        let wait = Duration::from_millis(u64::from(least_s) * 1_000 + hasher.finish() % spread_ms);
        let csms = self.clone();
        tokio::spawn(async move {
            let stopping = csms.inner.runtime.stopping();
            let woken = tokio::select! {
                () = tokio::time::sleep(wait) => true,
                () = stopping.cancelled() => false,
            };
            csms.inner.returning.lock().remove(&key);
            if woken && let Err(error) = csms.check_return(&key.0, &key.1, since).await {
                tracing::debug!(station = %key.1, %error, "could not ask a station that came back");
            }
        });
    }

    async fn check_return(
        &self,
        tenant: &TenantId,
        station: &TwinId,
        since: Timestamp,
    ) -> Result<(), CsmsError> {
        let Some(entry) = self.inner.directory.get(tenant, station) else { return Ok(()) };
        let booted = self.inner.runtime.read(tenant, |graph| {
            let twin = graph.twin(station.as_str())?;
            Some(twin.get("boot_status")?.as_str() == Some("Accepted"))
        });
        if booted != Some(true) {
            return Ok(());
        }
        let version = entry.version;
        let speaker = Speaker { tenant, station, version, trace: Self::trace(), quarantined: false };
        if version != Version::V16 {
            self.ask_about_transactions(&speaker, since).await?;
        }
        self.check_local_list(&speaker).await
    }

    /// Asks about open transactions that lack something, or of which nothing has been heard since the station is back.
    async fn ask_about_transactions(&self, speaker: &Speaker<'_>, since: Timestamp) -> Result<(), CsmsError> {
        let store = self.inner.runtime.store().tenant(speaker.tenant);
        let filter = TransactionFilter {
            station: Some(speaker.station.to_string()),
            state: Some(TransactionState::Active),
            ..TransactionFilter::default()
        };
        let open = store.transactions(&filter, None, 100).await?.items;
        let doubtful = |transaction: &Transaction| {
            transaction.flags.contains(&"sequence_gap") || newest(transaction).is_none_or(|at| at < since)
        };
        for transaction in open.into_iter().filter(doubtful).take(ASKED_MAX) {
            let payload = json!({"transactionId": transaction.transaction_id});
            let ask = CommandRequest::Raw { action: "GetTransactionStatus".to_owned(), payload };
            let record = self.command(speaker.tenant, speaker.station, ask, BY, ANSWER_WITHIN).await?;
            if record.answer.is_none() {
                // it does not know the message, or is gone again
                return Ok(());
            }
        }
        Ok(())
    }

    /// The station has forgotten a transaction and has nothing more to say of it: it ended when it was last heard of,
    /// for all that is known. What the station says of it after all takes the place of this.
    pub(crate) async fn end_lost(
        &self,
        speaker: &Speaker<'_>,
        transaction_id: &str,
    ) -> Result<(), CsmsError> {
        let store = self.inner.runtime.store().tenant(speaker.tenant);
        let known = store.transaction_by_id(speaker.station.as_str(), transaction_id).await?;
        let Some(open) = known.filter(|transaction| transaction.state == TransactionState::Active) else {
            return Ok(());
        };
        let at = newest(&open).unwrap_or_else(|| self.inner.runtime.now());
        let report = TransactionReport {
            transaction_id: Some(transaction_id.to_owned()),
            phase: TransactionPhase::Ended,
            // whatever the station still says comes before
            seq_no: SEQ_NO_OF_STOP,
            start_key: None,
            evse: open.evse,
            connector: open.connector,
            id_token: None,
            token_type: None,
            at: self.by_its_clock(speaker, at).await?,
            meter_wh: None,
            trigger: Some(END_LOST.to_owned()),
            stopped_reason: None,
            charging_state: None,
            offline: false,
            remote_start_id: None,
            reservation_id: None,
            samples: Vec::new(),
            signed: Vec::new(),
            cost_details: None,
        };
        self.transaction(speaker, report).await.map(drop)
    }
}

/// The time of the newest event of a transaction, by our clock.
fn newest(transaction: &Transaction) -> Option<Timestamp> {
    let started = transaction.started_at?;
    let lasted_us = (transaction.duration_s.unwrap_or(0.0) * 1e6) as i64;
    Some(Timestamp::from_micros(started.as_micros().saturating_add(lasted_us)))
}
