//! Sends partners what changed: every object in its newest state, at least once, again and again until it is taken or
//! given up.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value as Json, json};
use voltwin_core::TenantId;
use voltwin_ocpi::{InterfaceRole, Location, Module, Operator, Url};
use voltwin_store::{OcpiParty, OcpiPartyState, OcpiPush, StoreError};

use super::client::{Client, Failure, Route};
use super::partner::{endpoint, note_trouble, operator, roles};
use crate::state::AppState;

/// How often the outbox is looked into when nobody rings.
const TICK: Duration = Duration::from_secs(1);
/// Deliveries begun at once, of one tenant.
const BATCH: usize = 100;
/// Attempts until an object is given up.
const ATTEMPTS_MAX: u32 = 12;
/// The longest pause between two attempts, in seconds.
const PAUSE_MAX_S: u32 = 300;

pub(super) async fn run(state: AppState) {
    let stopping = state.runtime.stopping();
    loop {
        tokio::select! {
            () = stopping.cancelled() => return,
            () = state.ocpi.outbox.notified() => {}
            () = tokio::time::sleep(TICK) => {}
        }
        let work = deliver_all(&state);
        tokio::select! {
            // what was on its way is sent again after a restart
            () = stopping.cancelled() => return,
            done = work => if let Err(error) = done {
                tracing::warn!(%error, "the outbox cannot be read or written");
            }
        }
    }
}

async fn deliver_all(state: &AppState) -> Result<(), StoreError> {
    for tenant in state.runtime.store().tenants().await? {
        while deliver_some(state, &tenant.tenant).await? == BATCH {}
    }
    Ok(())
}

async fn deliver_some(state: &AppState, tenant: &TenantId) -> Result<usize, StoreError> {
    let registry = state.registry(tenant);
    let due = registry.ocpi_due(state.runtime.now(), BATCH).await?;
    if due.is_empty() {
        return Ok(0);
    }
    let Some(settings) = registry.ocpi_settings().await? else { return Ok(0) };
    let Ok(us) = operator(&settings) else { return Ok(0) };
    let count = due.len();
    let mut by_party: BTreeMap<String, Vec<OcpiPush>> = BTreeMap::new();
    due.into_iter().for_each(|push| by_party.entry(push.party.clone()).or_default().push(push));
    let deliveries = by_party.into_iter().map(|(party, pushes)| deliver(state, tenant, &us, party, pushes));
    join_all(deliveries).await.into_iter().collect::<Result<(), _>>()?;
    Ok(count)
}

/// Sends to one partner, one after the other; a slow one delays only itself.
async fn deliver(
    state: &AppState,
    tenant: &TenantId,
    us: &Operator,
    party: String,
    pushes: Vec<OcpiPush>,
) -> Result<(), StoreError> {
    let registry = state.registry(tenant);
    let Some(party) = registry.ocpi_party(&party).await?.filter(|p| p.state == OcpiPartyState::Registered)
    else {
        registry.ocpi_retry(&party, true, state.runtime.now()).await?;
        return Ok(());
    };
    let mut unreachable = None;
    let mut last = None;
    for push in pushes {
        let sent = match &unreachable {
            // the next ones would only wait for the same silence
            Some(failure) => Err(Failure::clone(failure)),
            None => send(&state.ocpi.client, us, &party, &push).await,
        };
        let outcome = if sent.is_ok() { "sent" } else { "failed" };
        metrics::counter!("voltwin_ocpi_pushes_total", "outcome" => outcome).increment(1);
        last = Some(sent.clone());
        let Err(failure) = sent else {
            registry.ocpi_sent(&push, None).await?;
            continue;
        };
        let attempts = push.attempts + 1;
        let dead = failure.is_final() || attempts >= ATTEMPTS_MAX;
        if dead {
            tracing::warn!(party = party.id, object = push.object, %failure, "a partner does not take an object");
        }
        let pause_s = 2u32.saturating_pow(attempts).min(PAUSE_MAX_S);
        let next_at = state.runtime.now().plus_seconds(f64::from(pause_s));
        registry.ocpi_sent(&push, Some((&failure.text, next_at, dead))).await?;
        if failure.http.is_none() {
            unreachable = Some(failure);
        }
    }
    match last {
        Some(last) => note_trouble(&registry, &party, last.as_ref().err(), state.runtime.now()).await,
        None => Ok(()),
    }
}

async fn send(client: &Client, us: &Operator, party: &OcpiParty, push: &OcpiPush) -> Result<(), Failure> {
    let module = Module::from(push.module.as_str());
    // a partner that has stopped to take a module is owed nothing of it
    let Some(place) = endpoint(party, &module, &InterfaceRole::Receiver) else { return Ok(()) };
    let none = |text: &str| Failure { http: None, code: None, text: text.to_owned() };
    let token = party.token_out.as_ref().ok_or_else(|| none("there is no token for the partner"))?;
    let theirs = roles(party).into_iter().next();
    let to = theirs.as_ref().map(|role| (role.country_code.as_str(), role.party_id.as_str()));
    let route = to.map(|to| Route { from: us, to });
    let (country, id) = (us.country_code.as_str(), us.party_id.as_str());
    if module == Module::Cdrs {
        client.send(Method::POST, place.as_str(), token, route, Some(&push.body)).await?;
        return Ok(());
    }
    let path = [country, id, push.object.as_str()];
    if let Some(parts) = &push.parts {
        match patch(client, &place, &path, token, route, parts, &push.body).await {
            Err(failure) if failure.is_unknown() => {}
            done => return done,
        }
    }
    client.send(Method::PUT, &place.below(&path), token, route, Some(&push.body)).await?;
    Ok(())
}

/// Tells only the status of some EVSEs.
async fn patch(
    client: &Client,
    place: &Url,
    path: &[&str],
    token: &voltwin_security::Secret,
    route: Option<Route<'_>>,
    parts: &[String],
    body: &Json,
) -> Result<(), Failure> {
    let location: Location = voltwin_ocpi::read(body.to_string().as_bytes())?;
    for evse in location.evses.iter().filter(|evse| parts.iter().any(|part| evse.uid.is(part))) {
        let url = place.below(&[path, &[evse.uid.as_str()]].concat());
        let change = json!({"status": evse.status, "last_updated": evse.last_updated});
        client.send(Method::PATCH, &url, token, route, Some(&change)).await?;
    }
    Ok(())
}
