//! A transaction as a session, and as its CDR. Where it turns out later that it comes to something else, as when a station
//! replays what it kept while it was offline, the CDR is taken back by a credit and another one follows.

use rust_decimal::Decimal;
use voltwin_core::{TenantId, Timestamp};
use voltwin_csms::{CsmsError, Receipt};
use voltwin_ocpi::{
    AuthMethod, Bill, Cdr, Charging, CiText, DateTime, Location, Module, Session, SignedData, Tariff, Token,
    cdr_id, evse_uid, location_id,
};
use voltwin_store::{StoreError, Transaction};

use super::{Tenant, Writing, site_of};
use crate::state::AppState;

/// Seconds before its start within which an authorisation belongs to a session.
const GRANT_S: f64 = 900.0;

/// The session of a transaction, and its CDRs once it has ended; nothing for a driver who is no partner's.
pub(super) async fn session_objects(
    state: &AppState,
    id: &TenantId,
    tenant: &Tenant,
    station: &str,
    transaction_id: &str,
) -> Result<Writing, StoreError> {
    let mut writing = Writing::default();
    let registry = state.registry(id);
    let now = state.runtime.now();
    let Some(transaction) = registry.transaction_by_id(station, transaction_id).await? else {
        return Ok(writing);
    };
    let (Some(started), Some(evse)) = (transaction.started_at, transaction.evse) else { return Ok(writing) };
    let Some((token, party)) = owner(state, id, tenant, &transaction).await? else { return Ok(writing) };
    let site = state.runtime.read(id, |graph| {
        let site = site_of(graph, graph.twin(station)?)?;
        Some(location_id(site.id().as_str()))
    });
    let Some(site) = site else { return Ok(writing) };
    let location = registry.ocpi_object("locations", site.as_str()).await?;
    let location = location.and_then(|object| serde_json::from_value::<Location>(object.body).ok());
    let Some(location) = location else { return Ok(writing) };

    let key = transaction.number.to_string();
    let stored = registry.ocpi_object("sessions", &key).await?;
    let stored: Option<Session> = stored.and_then(|object| serde_json::from_value(object.body).ok());
    let (method, reference) = match &stored {
        Some(session) => (session.auth_method.clone(), session.authorization_reference.clone()),
        None => granted(state, id, token.uid.as_str(), started).await?,
    };
    let Ok(number) = CiText::new(&key) else { return Ok(writing) };
    let Ok(plug) = CiText::new(&transaction.connector.unwrap_or(1).to_string()) else { return Ok(writing) };
    let price = price(state, id, tenant, transaction.number).await?;
    let ended = transaction.ended_at.is_some();
    let signed = if ended { signed(state, id, transaction.number).await? } else { None };
    let charging = Charging {
        id: number,
        started,
        ended: transaction.ended_at,
        energy_wh: Decimal::max(transaction.energy_wh, Decimal::ZERO),
        token: token.for_cdr(),
        method,
        reference,
        location: &location,
        evse_uid: evse_uid(&format!("{station}:{evse}")),
        connector_id: plug,
        currency: &tenant.settings.currency,
        reserved_from: transaction.reserved_from,
        signed,
        bill: price.bill(),
    };
    let session = voltwin_ocpi::session(&tenant.operator, &charging, DateTime::of(now));
    let same =
        stored.is_some_and(|before| Session { last_updated: session.last_updated, ..before } == session);
    if !same {
        writing.add(tenant, &Module::Sessions, (&key, &party), &session, None, now);
    }
    // a CDR without a price would say that the session is free
    if ended && !matches!(price, Priced::Unknown) {
        cdrs(state, id, tenant, &charging, &party, &mut writing).await?;
    }
    Ok(writing)
}

/// The CDR of a session, unless the last one bills the same. One that bills something else is taken back first: a CDR is
/// an invoice and does not change.
async fn cdrs(
    state: &AppState,
    id: &TenantId,
    tenant: &Tenant,
    charging: &Charging<'_>,
    party: &str,
    writing: &mut Writing,
) -> Result<(), StoreError> {
    let registry = state.registry(id);
    let now = state.runtime.now();
    let session = charging.id.as_str();
    let mut last: Option<Cdr> = None;
    let mut version = 1;
    while let Some(key) = cdr_id(session, version)
        && let Some(object) = registry.ocpi_object("cdrs", key.as_str()).await?
    {
        last = serde_json::from_value(object.body).ok();
        version += 1;
    }
    let mut sent_at = now;
    let Some(fresh) = voltwin_ocpi::cdr(&tenant.operator, charging, version, DateTime::of(now)) else {
        return Ok(());
    };
    if let Some(last) = last {
        if last.bills_like(&fresh) {
            return Ok(());
        }
        let Some(credit) = voltwin_ocpi::credit(&last, DateTime::of(now)) else { return Ok(()) };
        writing.add(tenant, &Module::Cdrs, (credit.id.as_str(), party), &credit, None, now);
        // what is due earlier is sent earlier
        sent_at = now.plus_seconds(0.001);
    }
    writing.add(tenant, &Module::Cdrs, (fresh.id.as_str(), party), &fresh, None, sent_at);
    Ok(())
}

/// What there is to say of the price of a transaction.
enum Priced {
    /// It has one, by these tariffs in the versions that priced it; none where they cannot all be told.
    Known(Box<(Receipt, Vec<Tariff>)>),
    /// No tariff applies.
    Nothing,
    /// One applies, and it cannot be worked out.
    Unknown,
}

impl Priced {
    fn bill(&self) -> Option<Bill<'_>> {
        let Self::Known(known) = self else { return None };
        Some(Bill { cost: &known.0.cost, tariffs: known.1.clone() })
    }
}

async fn price(state: &AppState, id: &TenantId, tenant: &Tenant, number: i64) -> Result<Priced, StoreError> {
    let receipt = match state.csms.price(id, number).await {
        Ok(Some(receipt)) => receipt,
        Ok(None) => return Ok(Priced::Nothing),
        Err(CsmsError::Store(error)) => return Err(error),
        Err(error) => {
            tracing::error!(number, %error, "a session cannot be priced; its partner gets no CDR");
            return Ok(Priced::Unknown);
        }
    };
    let told = tariffs(state, id, tenant, &receipt).await?;
    Ok(Priced::Known(Box::new((receipt, told))))
}

/// The tariffs of a receipt in their order. A later version of one that was told already gets an id of its own.
async fn tariffs(
    state: &AppState,
    id: &TenantId,
    tenant: &Tenant,
    receipt: &Receipt,
) -> Result<Vec<Tariff>, StoreError> {
    let first = (receipt.tariff.as_str(), receipt.version, receipt.started_at);
    let changes = receipt.changes.iter().map(|change| (change.tariff.as_str(), change.version, change.from));
    let mut told: Vec<Tariff> = Vec::new();
    let mut seen: Vec<(&str, i64)> = Vec::new();
    for (name, version, at) in std::iter::once(first).chain(changes) {
        let record = state.registry(id).tariff_at(name, at).await?.filter(|record| record.version == version);
        let as_told = record.and_then(|record| {
            let ours = serde_json::from_value(record.tariff).ok()?;
            let other = seen.iter().any(|(known, before)| *known == name && *before != version);
            let key = if other { format!("{name}:{version}") } else { name.to_owned() };
            let made = DateTime::of(record.created_at);
            Some(voltwin_ocpi::tariff(&tenant.operator, &CiText::new(&key).ok()?, &ours, made))
        });
        // a period names its tariff by its place among them
        let Some(tariff) = as_told else { return Ok(Vec::new()) };
        seen.push((name, version));
        told.push(tariff);
    }
    Ok(told)
}

/// What the meter of a session signed.
async fn signed(state: &AppState, id: &TenantId, number: i64) -> Result<Option<SignedData>, StoreError> {
    let records = state.registry(id).signed_readings(number).await?;
    let readings: Vec<_> = records.into_iter().map(|record| (record.phase, record.reading)).collect();
    Ok(voltwin_ocpi::signed_data(&readings))
}

/// The token of a transaction and the partner that it belongs to.
async fn owner(
    state: &AppState,
    id: &TenantId,
    tenant: &Tenant,
    transaction: &Transaction,
) -> Result<Option<(Token, String)>, StoreError> {
    let Some(uid) = &transaction.id_token else { return Ok(None) };
    let tokens = state.registry(id).ocpi_tokens(uid).await?;
    Ok(tokens.into_iter().find_map(|record| {
        tenant.parties.iter().find(|party| party.id == record.party)?;
        Some((serde_json::from_value(record.body).ok()?, record.party))
    }))
}

/// How a driver was let in; by the list of tokens where nothing else is known.
async fn granted(
    state: &AppState,
    id: &TenantId,
    uid: &str,
    started: Timestamp,
) -> Result<(AuthMethod, Option<CiText<36>>), StoreError> {
    let grant = state.registry(id).ocpi_grant(uid).await?;
    let recent = grant.filter(|grant| started.seconds_since(grant.at) <= GRANT_S);
    Ok(match recent {
        Some(grant) => {
            let reference = grant.reference.and_then(|reference| CiText::new(&reference).ok());
            (AuthMethod::from(grant.method.as_str()), reference)
        }
        None => (AuthMethod::Whitelist, None),
    })
}
