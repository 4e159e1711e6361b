//! From the steps of a transaction to its bill: by the tariff of its start, by those that took its place while it ran, and
//! beside what the station itself works out.

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use voltwin_core::{Decimal, StationCost, TenantId, Timestamp};
use voltwin_store::{TariffRecord, Usage, UsageStep};
use voltwin_tariff::{CHANGES_MAX, Cost, Session, Span, Tariff, cost_of};

use super::{Charged, Receipt};
use crate::{CentralSystem, CsmsError};

/// A receipt, and by what it was made.
pub(crate) struct Bill {
    pub(crate) receipt: Receipt,
    /// The tariff that holds now, or held at the end.
    pub(crate) tariff: Tariff,
    pub(crate) zone: TimeZone,
    /// The register, where it was last read.
    pub(crate) meter_wh: Decimal,
}

/// A tariff that took the place of another while the transaction ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TariffChange {
    /// From when on.
    pub from: Timestamp,
    /// The tariff's id.
    pub tariff: String,
    /// Its version.
    pub version: i64,
    /// What people call it.
    pub name: String,
}

/// A total without and with tax.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Total {
    /// Without tax.
    pub net: Decimal,
    /// With tax.
    pub gross: Decimal,
}

/// What the station works out, beside our cost.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComparedCost {
    /// What it said.
    #[serde(flatten)]
    pub told: StationCost,
    /// By how much it is more than ours: with tax, or without where it says no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference: Option<Decimal>,
    /// Whether both are the same but for how they are rounded; `None` where it names no amount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agrees: Option<bool>,
}

/// A tariff in one version.
type Known = (TariffRecord, Tariff);

impl CentralSystem {
    pub(super) async fn bill(&self, tenant: &TenantId, usage: &Usage) -> Result<Option<Bill>, CsmsError> {
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
        let Some(known) = self.tariff_of(tenant, &charged, site, started_at).await? else {
            return Ok(None);
        };
        let spans = spans(&usage.steps);
        let until = spans.last().map_or(started_at, |span| span.to);
        let changes = self.tariff_changes(tenant, &charged, &known, (started_at, until)).await?;
        let priced: Vec<(Timestamp, &Tariff)> = changes.iter().map(|(from, (_, to))| (*from, to)).collect();
        let session = Session {
            tariff: &known.1,
            changes: &priced,
            reserved_from: transaction.reserved_from,
            spans: &spans,
        };
        let cost = cost_of(&session, &zone).map_err(CsmsError::Price)?;
        let unchanged = match priced.is_empty() {
            true => None,
            false => {
                let unchanged = cost_of(&Session { changes: &[], ..session }, &zone);
                let unchanged = unchanged.map_err(CsmsError::Price)?;
                Some(Total { net: unchanged.net, gross: unchanged.gross })
            }
        };
        let seconds = |charging: bool| {
            let of = spans.iter().filter(|span| span.charging == charging);
            of.map(|span| Decimal::new(span.to.as_micros() - span.from.as_micros(), 6)).sum::<Decimal>()
        };
        let (record, tariff) = known.clone();
        let receipt = Receipt {
            tariff: record.id,
            version: record.version,
            name: record.name,
            time_zone: zone.iana_name().unwrap_or("UTC").to_owned(),
            station: transaction.station.clone(),
            evse: transaction.evse,
            transaction_id: transaction.transaction_id.clone(),
            id_token: transaction.id_token.clone(),
            reserved_from: transaction.reserved_from,
            started_at,
            ended_at: transaction.ended_at,
            energy_wh: transaction.energy_wh,
            charging_s: seconds(true).normalize(),
            idle_s: seconds(false).normalize(),
            quarantined: transaction.flags.contains(&"quarantined"),
            station_cost: transaction.station_cost.as_ref().map(|told| compare(told, &cost)),
            changes: changes.iter().map(|(from, (record, _))| change(*from, record)).collect(),
            unchanged,
            cost,
        };
        let meter_wh = transaction.meter_stop_wh.or(transaction.meter_start_wh).unwrap_or_default();
        let tariff = changes.into_iter().next_back().map_or(tariff, |(_, (_, tariff))| tariff);
        Ok(Some(Bill { receipt, tariff, zone, meter_wh }))
    }

    /// What took the place of the tariff of the start between two times, each in the version of its time. An assignment of
    /// none brings the first back.
    async fn tariff_changes(
        &self,
        tenant: &TenantId,
        charged: &Charged<'_>,
        first: &Known,
        (after, until): (Timestamp, Timestamp),
    ) -> Result<Vec<(Timestamp, Known)>, CsmsError> {
        let store = self.inner.runtime.store().tenant(tenant);
        let Some(target) = charged.transaction_target() else { return Ok(Vec::new()) };
        let mut changes = Vec::new();
        for assignment in store.tariff_changes(&target, after, CHANGES_MAX).await? {
            let from = assignment.from;
            if from >= until {
                break;
            }
            let Some(id) = &assignment.tariff else {
                changes.push((from, first.clone()));
                continue;
            };
            let Some(record) = store.tariff_at(id, from).await? else { continue };
            match serde_json::from_value::<Tariff>(record.tariff.clone()) {
                Ok(tariff) if tariff.currency == first.1.currency => changes.push((from, (record, tariff))),
                Ok(_) => tracing::error!(tariff = id, "a transaction cannot change to another currency"),
                Err(error) => tracing::error!(tariff = id, %error, "a stored tariff cannot be read"),
            }
        }
        Ok(changes)
    }
}

fn change(from: Timestamp, record: &TariffRecord) -> TariffChange {
    TariffChange { from, tariff: record.id.clone(), version: record.version, name: record.name.clone() }
}

/// The station's cost beside ours. OCPP does not say where amounts are rounded: each line may be a minor unit off.
pub(crate) fn compare(told: &StationCost, cost: &Cost) -> ComparedCost {
    let pair = told.gross.zip(Some(cost.gross)).or(told.net.zip(Some(cost.net)));
    let difference = pair.map(|(theirs, ours)| theirs - ours);
    let same_currency = told.currency.as_deref() == Some(cost.currency.code());
    let lines = i64::try_from(cost.lines.len().max(1)).unwrap_or(i64::MAX);
    let allowed = Decimal::new(lines, cost.currency.minor_digits());
    let agrees = difference.map(|difference| same_currency && difference.abs() <= allowed);
    ComparedCost { told: told.clone(), difference, agrees }
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

pub(super) fn span(from: Timestamp, to: Timestamp, energy_wh: Decimal, charging: bool) -> Span {
    Span { from, to, energy_wh, charging, current_a: None }
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

    #[test]
    fn a_station_may_round_each_line_otherwise_and_nothing_more() {
        let tariff: Tariff =
            serde_json::from_value(serde_json::json!({"currency": "EUR", "elements": [{"components": [
            {"kind": "energy", "price": "0.45", "tax_percent": "19"}, {"kind": "flat", "price": "0.50"}]}]}))
            .unwrap();
        let at = Timestamp::from_millis;
        let spans = [Span::charging(at(0), at(3_600_000), Decimal::from(8_000))];
        let cost = voltwin_tariff::cost(&tariff, &TimeZone::UTC, &spans).unwrap();
        // 3.60 + 0.68 tax and 0.50: two lines
        assert_eq!(cost.gross, Decimal::new(478, 2));
        let told = |currency: &str, net: Option<i64>, gross: Option<i64>| StationCost {
            currency: Some(currency.to_owned()),
            net: net.map(|cents| Decimal::new(cents, 2)),
            gross: gross.map(|cents| Decimal::new(cents, 2)),
        };
        let agrees = |told: StationCost| compare(&told, &cost).agrees;
        assert_eq!(agrees(told("EUR", None, Some(480))), Some(true));
        assert_eq!(agrees(told("EUR", Some(410), Some(481))), Some(false));
        assert_eq!(agrees(told("EUR", Some(408), None)), Some(true));
        assert_eq!(agrees(told("SEK", None, Some(478))), Some(false));
        assert_eq!(agrees(told("EUR", None, None)), None);
        assert_eq!(compare(&told("EUR", None, Some(478)), &cost).difference, Some(Decimal::new(0, 2)));
    }
}
