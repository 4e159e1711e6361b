//! What transactions cost: which tariff applies, the running cost, and the receipt when they have ended.
//!
//! A transaction is priced by the tariff that was assigned when it started, in the version of that time, whenever its
//! events come: assignments and versions are added and never changed. Its price is worked out from its events alone, so
//! that the answer to a station, the receipt and a later check agree.

mod costmsg;
mod station_tariff;
mod tell;

pub use station_tariff::{station_tariff, station_tariff_id};

use std::sync::{Arc, Weak};
use std::time::Duration;

use jiff::tz::TimeZone;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use voltwin_core::{Decimal, TenantId, Timestamp, TwinId};
use voltwin_graph::{Graph, TwinRef};
use voltwin_store::{Rated, TariffRecord, TariffScope, Usage, UsageStep};
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

/// A receipt, and by what it was made.
pub(crate) struct Bill {
    pub(crate) receipt: Receipt,
    pub(crate) tariff: Tariff,
    pub(crate) zone: TimeZone,
    /// The register, where it was last read.
    pub(crate) meter_wh: Decimal,
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

    async fn bill(&self, tenant: &TenantId, usage: &Usage) -> Result<Option<Bill>, CsmsError> {
        let transaction = &usage.transaction;
        let first = usage.steps.first().map(|step| step.from);
        let Some(started_at) = transaction.started_at.or(first).or(transaction.ended_at) else {
            return Ok(None);
        };
        let (site, zone) = self.surroundings(tenant, &transaction.station);
        let charged = Charged {
            station: &transaction.station,
            evse: transaction.evse,
            transaction: Some(&transaction.transaction_id),
            id_token: transaction.id_token.as_deref(),
        };
        let Some((record, tariff)) = self.tariff_of(tenant, &charged, site, started_at).await? else {
            return Ok(None);
        };
        let spans = spans(&usage.steps);
        let cost = cost(&tariff, &zone, &spans).map_err(CsmsError::Price)?;
        let seconds = |charging: bool| {
            let of = spans.iter().filter(|span| span.charging == charging);
            of.map(|span| Decimal::new(span.to.as_micros() - span.from.as_micros(), 6)).sum::<Decimal>()
        };
        let receipt = Receipt {
            tariff: record.id,
            version: record.version,
            name: record.name,
            time_zone: zone.iana_name().unwrap_or("UTC").to_owned(),
            station: transaction.station.clone(),
            evse: transaction.evse,
            transaction_id: transaction.transaction_id.clone(),
            id_token: transaction.id_token.clone(),
            started_at,
            ended_at: transaction.ended_at,
            energy_wh: transaction.energy_wh,
            charging_s: seconds(true).normalize(),
            idle_s: seconds(false).normalize(),
            cost,
        };
        let meter_wh = transaction.meter_stop_wh.or(transaction.meter_start_wh).unwrap_or_default();
        Ok(Some(Bill { receipt, tariff, zone, meter_wh }))
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
        scopes.extend(charged.transaction.map(|id| (TariffScope::Transaction, format!("{station}:tx:{id}"))));
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
            let receipt = match self.price_usage(tenant, &usage).await {
                Ok(receipt) => receipt.and_then(|receipt| serde_json::to_value(receipt).ok()),
                Err(CsmsError::Price(error)) => {
                    tracing::warn!(number, %error, "a transaction cannot be priced");
                    None
                }
                Err(error) => return Err(error),
            };
            rated.push(Rated { number, events: usage.transaction.events, receipt });
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

/// Steps as spans of even power. Steps at whose end nobody read the register belong to the next that was read. A step
/// without energy is idle, unless the station says that it charges; where no register was ever read all is charging.
fn spans(steps: &[UsageStep]) -> Vec<Span> {
    let metered = steps.iter().any(|step| step.metered);
    let charges = |state: Option<&str>| state == Some("Charging") || !metered;
    let mut spans: Vec<Span> = Vec::new();
    let mut waiting: Option<&UsageStep> = None;
    let mut waiting_to = Timestamp::default();
    for step in steps {
        if let Some(before) = waiting.filter(|before| before.charging_state != step.charging_state) {
            spans.push(span(
                before.from,
                waiting_to,
                Decimal::ZERO,
                charges(before.charging_state.as_deref()),
            ));
            waiting = None;
        }
        if !step.metered {
            waiting = waiting.or(Some(step));
            waiting_to = step.to;
            continue;
        }
        let from = waiting.take().map_or(step.from, |before| before.from);
        let charging = !step.energy_wh.is_zero() || charges(step.charging_state.as_deref());
        spans.push(span(from, step.to, step.energy_wh, charging));
    }
    if let Some(before) = waiting {
        spans.push(span(before.from, waiting_to, Decimal::ZERO, charges(before.charging_state.as_deref())));
    }
    spans
}

fn span(from: Timestamp, to: Timestamp, energy_wh: Decimal, charging: bool) -> Span {
    Span { from, to, energy_wh, charging, current_a: None }
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
    let mut spans = vec![Span { current_a, ..span(from, charged, energy_wh, true) }];
    if idle_s > 0 {
        spans.push(Span::idle(charged, charged + Duration::from_secs(idle_s.into())));
    }
    cost(tariff, time_zone, &spans)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(from_s: i64, to_s: i64, wh: i64, metered: bool, state: Option<&str>) -> UsageStep {
        UsageStep {
            from: Timestamp::from_millis(from_s * 1_000),
            to: Timestamp::from_millis(to_s * 1_000),
            energy_wh: wh.into(),
            metered,
            charging_state: state.map(str::to_owned),
        }
    }

    fn seen(steps: &[UsageStep]) -> Vec<(i64, i64, String, bool)> {
        let seconds = |at: Timestamp| at.as_millis() / 1_000;
        let shown = |s: Span| (seconds(s.from), seconds(s.to), s.energy_wh.to_string(), s.charging);
        spans(steps).into_iter().map(shown).collect()
    }

    #[test]
    fn a_step_without_energy_is_idle() {
        let steps = [step(0, 60, 100, true, None), step(60, 120, 0, true, None)];
        assert_eq!(seen(&steps), [(0, 60, "100".into(), true), (60, 120, "0".into(), false)]);
    }

    #[test]
    fn what_nobody_metered_belongs_to_the_next_reading() {
        let steps = [step(0, 30, 0, false, None), step(30, 60, 0, false, None), step(60, 90, 50, true, None)];
        assert_eq!(seen(&steps), [(0, 90, "50".into(), true)]);
        let unmetered = [step(0, 30, 0, false, None)];
        assert_eq!(seen(&unmetered), [(0, 30, "0".into(), true)]);
    }

    #[test]
    fn the_station_says_whether_it_charges() {
        let (on, off) = (Some("Charging"), Some("SuspendedEV"));
        let steps = [
            step(0, 60, 0, true, on),
            step(60, 90, 0, false, on),
            step(90, 120, 0, false, off),
            step(120, 150, 0, true, off),
        ];
        let zero = || "0".to_owned();
        assert_eq!(seen(&steps), [(0, 60, zero(), true), (60, 90, zero(), true), (90, 150, zero(), false)]);
    }
}
