//! What transactions cost: which tariff applies, the running cost, and the receipt when they have ended.
//!
//! A transaction is priced by the tariff that was assigned when it started, in the version of that time, whenever its
//! events come, and by what took the place of that tariff while it ran: assignments and versions are added and never changed.
//! Its price is worked out from its events and these alone, so that the answer to a station, the receipt and a later check
//! agree.

mod bill;
mod costmsg;
mod station_tariff;
mod tell;

pub use bill::{ComparedCost, TariffChange, Total};
pub use station_tariff::{station_tariff, station_tariff_id};

pub(crate) use bill::{Bill, compare};

use std::sync::{Arc, Weak};
use std::time::Duration;

use jiff::tz::TimeZone;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use voltwin_core::{Decimal, TenantId, Timestamp, TwinId};
use voltwin_graph::{Graph, TwinRef};
use voltwin_store::{Rated, TariffRecord, TariffScope, Usage};
use voltwin_tariff::{Cost, Span, Tariff, TariffError, cost};

use crate::{CentralSystem, CsmsError, Inner};

const SITE: &str = "dtmi:voltwin:Site;1";
/// Transactions rated before what they come to is written.
const BATCH: usize = 100;
/// What is due is looked for this often also when nobody said that there is something.
const LOOK: Duration = Duration::from_secs(5);
/// A wake-up waits this long, so that transactions that end together are written together.
const GATHER: Duration = Duration::from_millis(50);

/// What a transaction costs, so far or in the end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// The tariff's id.
    pub tariff: String,
    /// Its version.
    pub version: i64,
    /// What people call it.
    pub name: String,
    /// The site's time zone, by which it was priced.
    pub time_zone: String,
    /// The station.
    pub station: String,
    /// EVSE number.
    pub evse: Option<u32>,
    /// The id that station and central system share.
    pub transaction_id: String,
    /// Who charged.
    pub id_token: Option<String>,
    /// Since when it had been reserved for whoever charged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reserved_from: Option<Timestamp>,
    /// When it started; its first event when the start is missing.
    pub started_at: Timestamp,
    /// When it ended; `None` while it runs.
    pub ended_at: Option<Timestamp>,
    /// Energy in Wh.
    pub energy_wh: Decimal,
    /// Seconds of charging.
    pub charging_s: Decimal,
    /// Seconds without charging.
    pub idle_s: Decimal,
    /// Whether a station in quarantine told any of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub quarantined: bool,
    /// What the station works out, when it said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub station_cost: Option<ComparedCost>,
    /// Tariffs that took the place of the first while it ran, in the order of their times.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<TariffChange>,
    /// What it would come to without these changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unchanged: Option<Total>,
    /// Lines and totals.
    pub cost: Cost,
}

/// The rater's bell, and who was told what it costs so far.
#[derive(Default)]
pub(crate) struct Money {
    due: Arc<Notify>,
    told: Mutex<tell::Told>,
}

/// Whose tariff is looked for.
pub(crate) struct Charged<'a> {
    pub(crate) station: &'a str,
    pub(crate) evse: Option<u32>,
    /// The id that station and central system share.
    pub(crate) transaction: Option<&'a str>,
    pub(crate) id_token: Option<&'a str>,
}

impl Charged<'_> {
    /// What an assignment to the transaction names.
    pub(crate) fn transaction_target(&self) -> Option<String> {
        self.transaction.map(|id| format!("{}:tx:{id}", self.station))
    }
}

impl CentralSystem {
    /// What the transaction with this number of ours costs, so far or in the end; `None` where no tariff applies.
    ///
    /// # Errors
    /// When the store cannot be read, or the session cannot be priced.
    pub async fn price(&self, tenant: &TenantId, number: i64) -> Result<Option<Receipt>, CsmsError> {
        let store = self.inner.runtime.store().tenant(tenant);
        match store.usage(number).await? {
            Some(usage) => self.price_usage(tenant, &usage).await,
            None => Ok(None),
        }
    }

    /// What a running or ended transaction comes to; `None` also where it cannot be priced, which is logged.
    pub(crate) async fn charged(
        &self,
        tenant: &TenantId,
        station: &TwinId,
        transaction_id: &str,
    ) -> Result<Option<Bill>, CsmsError> {
        let store = self.inner.runtime.store().tenant(tenant);
        let found = store.transaction_by_id(station.as_str(), transaction_id).await?;
        let Some(transaction) = found else { return Ok(None) };
        let Some(usage) = store.usage(transaction.number).await? else { return Ok(None) };
        match self.bill(tenant, &usage).await {
            Err(CsmsError::Price(error)) => {
                tracing::warn!(%station, %error, "a transaction cannot be priced");
                Ok(None)
            }
            done => done,
        }
    }

    async fn price_usage(&self, tenant: &TenantId, usage: &Usage) -> Result<Option<Receipt>, CsmsError> {
        Ok(self.bill(tenant, usage).await?.map(|bill| bill.receipt))
    }

    /// The tariff that applies to whoever starts then.
    pub(crate) async fn tariff_of(
        &self,
        tenant: &TenantId,
        charged: &Charged<'_>,
        site: Option<String>,
        at: Timestamp,
    ) -> Result<Option<(TariffRecord, Tariff)>, CsmsError> {
        let store = self.inner.runtime.store().tenant(tenant);
        let station = charged.station;
        let mut scopes = Vec::new();
        scopes.extend(charged.transaction_target().map(|target| (TariffScope::Transaction, target)));
        scopes.extend(charged.evse.map(|evse| (TariffScope::Evse, format!("{station}:{evse}"))));
        scopes.push((TariffScope::Station, station.to_owned()));
        scopes.extend(site.map(|site| (TariffScope::Site, site)));
        scopes.push((TariffScope::Default, String::new()));
        for id in store.assigned_tariffs(&scopes, charged.id_token, at).await? {
            let Some(record) = store.tariff_at(&id, at).await? else { continue };
            match serde_json::from_value::<Tariff>(record.tariff.clone()) {
                Ok(tariff) if tariff.holds_at(at) => return Ok(Some((record, tariff))),
                Ok(_) => {}
                Err(error) => tracing::error!(tariff = id, %error, "a stored tariff cannot be read"),
            }
        }
        Ok(None)
    }

    /// The site that a station stands at, and its time zone: UTC where none is known.
    pub(crate) fn surroundings(&self, tenant: &TenantId, station: &str) -> (Option<String>, TimeZone) {
        let (site, zone) = self.inner.runtime.read(tenant, |graph| {
            let site = graph.twin(station).and_then(|twin| site_of(graph, twin));
            let zone = site.and_then(|site| site.text("time_zone")).map(str::to_owned);
            (site.map(|site| site.id().to_string()), zone)
        });
        (site, zone.and_then(|name| TimeZone::get(&name).ok()).unwrap_or(TimeZone::UTC))
    }

    /// Rates what is due, of all tenants, and returns how many transactions that were.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub async fn rate_due(&self) -> Result<usize, CsmsError> {
        let store = self.inner.runtime.store();
        let mut count = 0;
        for tenant in store.tenants().await? {
            if self.inner.runtime.readable(&tenant.tenant).is_err() {
                continue;
            }
            loop {
                let rated = self.rate_batch(&tenant.tenant).await?;
                count += rated;
                if rated < BATCH {
                    break;
                }
            }
        }
        Ok(count)
    }

    async fn rate_batch(&self, tenant: &TenantId) -> Result<usize, CsmsError> {
        let store = self.inner.runtime.store().tenant(tenant);
        let mut rated = Vec::new();
        for number in store.rating_due(BATCH).await? {
            let Some(usage) = store.usage(number).await? else { continue };
            let priced = match self.price_usage(tenant, &usage).await {
                Ok(receipt) => receipt,
                Err(CsmsError::Price(error)) => {
                    tracing::warn!(number, %error, "a transaction cannot be priced");
                    None
                }
                Err(error) => return Err(error),
            };
            let compared = priced.as_ref().and_then(|receipt| receipt.station_cost.as_ref());
            let cost_differs = compared.is_some_and(|compared| compared.agrees == Some(false));
            let receipt = priced.and_then(|receipt| serde_json::to_value(receipt).ok());
            rated.push(Rated { number, events: usage.transaction.events, receipt, cost_differs });
        }
        if !rated.is_empty() {
            store.write_receipts(&rated, self.inner.runtime.now()).await?;
        }
        Ok(rated.len())
    }

    /// Rates in the background until the central system is dropped.
    pub(crate) fn start_rating(&self) {
        let inner: Weak<Inner> = Arc::downgrade(&self.inner);
        let bell = self.inner.money.due.clone();
        tokio::spawn(async move {
            // Only the bell is held while waiting, so that a dropped central system is let go.
            while let Some(inner) = inner.upgrade() {
                let csms = Self { inner };
                if let Err(error) = csms.rate_due().await {
                    tracing::debug!(%error, "nothing could be rated");
                }
                drop(csms);
                if tokio::time::timeout(LOOK, bell.notified()).await.is_ok() {
                    tokio::time::sleep(GATHER).await;
                }
            }
        });
    }
}

fn site_of<'g>(graph: &'g Graph, station: TwinRef<'g>) -> Option<TwinRef<'g>> {
    let is_site = |twin: &TwinRef<'_>| graph.ontology().is_a(twin.model().as_str(), SITE);
    let direct = station.related_from("contains").find(is_site);
    direct.or_else(|| {
        let parents: Vec<TwinRef<'g>> = station.related_from("contains").collect();
        parents.into_iter().find_map(|parent| parent.related_from("contains").find(is_site))
    })
}

/// What a session of an energy and duration that starts then would cost, charged with this current over all phases in
/// amperes; unknown, no restriction by current holds.
///
/// # Errors
/// [`TariffError`] when it cannot be priced.
pub fn preview(
    tariff: &Tariff,
    time_zone: &TimeZone,
    from: Timestamp,
    (energy_wh, charging_s, idle_s): (Decimal, u32, u32),
    current_a: Option<Decimal>,
) -> Result<Cost, TariffError> {
    let charged = from + Duration::from_secs(charging_s.into());
    let mut spans = vec![Span { current_a, ..bill::span(from, charged, energy_wh, true) }];
    if idle_s > 0 {
        spans.push(Span::idle(charged, charged + Duration::from_secs(idle_s.into())));
    }
    cost(tariff, time_zone, &spans)
}
