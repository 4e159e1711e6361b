//! Keeps what partners may read in step with what happens.

mod dirt;
mod sessions;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::Value as Json;
use voltwin_core::{Seq, TenantId, Timestamp, TwinId};
use voltwin_ocpi::{
    Changes, CiText, DateTime, InterfaceRole, Location, Module, OcpiError, Operator, location_id,
};
use voltwin_runtime::RuntimeError;
use voltwin_store::{OcpiObject, OcpiParty, OcpiPartyState, OcpiPush, OcpiSettings, StoreError, TariffScope};

use super::find::site_of;
use super::partner::{endpoint, operator};
use crate::network::SITE;
use crate::state::AppState;
use dirt::Dirt;
use sessions::session_objects;

/// Names the place in the feed.
const CURSOR: &str = "ocpi";
/// How often what is due is written.
const TICK: Duration = Duration::from_millis(250);
/// How often locations and tariffs are looked at although nothing was heard: assignments of tariffs are no events.
const SWEEP: Duration = Duration::from_secs(30);
/// The pause after a failure.
const RETRY: Duration = Duration::from_secs(1);
/// Items of one page of a list.
const PAGE: usize = 500;

/// A tenant with partners.
struct Tenant {
    settings: OcpiSettings,
    operator: Operator,
    parties: Vec<OcpiParty>,
}

/// What is written at once: objects and what partners are to be sent of them.
#[derive(Default)]
struct Writing {
    objects: Vec<OcpiObject>,
    pushes: Vec<OcpiPush>,
}

/// Runs until the runtime stops.
pub(super) async fn run(state: AppState) {
    let stopping = state.runtime.stopping();
    loop {
        let ended = tokio::select! {
            () = stopping.cancelled() => return,
            ended = follow(&state) => ended,
        };
        match ended {
            Ok(()) | Err(RuntimeError::Stopped) => return,
            Err(error) => tracing::warn!(%error, "what partners may read cannot be kept; trying again"),
        }
        tokio::time::sleep(RETRY).await;
    }
}

async fn follow(state: &AppState) -> Result<(), RuntimeError> {
    let store = state.runtime.store();
    let mut saved = store.cursor(CURSOR).await?.unwrap_or_else(|| state.runtime.head());
    let mut reader = state.runtime.feed(saved);
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let mut tenants = HashMap::new();
    let mut dirt = Dirt::default();
    let mut swept: Option<Instant> = None;
    state.ocpi.changed.notify_one();
    loop {
        tokio::select! {
            batch = reader.next() => {
                for event in batch? {
                    if tenants.contains_key(&event.event.tenant) {
                        state.runtime.read(&event.event.tenant, |graph| dirt.hear(&event.event, graph));
                    }
                }
            }
            () = state.ocpi.changed.notified() => {
                tenants = load(state).await?;
                for tenant in tenants.keys() {
                    active_sessions(state, tenant, &mut dirt).await?;
                }
                swept = None;
            }
            _ = tick.tick() => {
                if swept.is_none_or(|at| at.elapsed() >= SWEEP) {
                    swept = Some(Instant::now());
                    tenants.keys().for_each(|tenant| dirt.all_sites(tenant));
                    for (id, tenant) in &tenants {
                        tariffs(state, id, tenant).await?;
                    }
                }
                clean(state, &tenants, &mut dirt).await?;
                let place: Seq = reader.place();
                if dirt.is_clean() && saved < place {
                    store.save_cursor(CURSOR, place).await?;
                    saved = place;
                }
            }
        }
    }
}

async fn load(state: &AppState) -> Result<HashMap<TenantId, Tenant>, StoreError> {
    let mut loaded = HashMap::new();
    for tenant in state.runtime.store().tenants().await? {
        if state.runtime.readable(&tenant.tenant).is_err() {
            continue;
        }
        let registry = state.registry(&tenant.tenant);
        let Some(settings) = registry.ocpi_settings().await? else { continue };
        let operator = match operator(&settings) {
            Ok(operator) => operator,
            Err(error) => {
                tracing::error!(%error, tenant = %tenant.tenant, "the OCPI settings make no sense");
                continue;
            }
        };
        let mut parties = Vec::new();
        let mut cursor = None;
        loop {
            let page = registry.ocpi_parties(cursor.as_deref(), PAGE).await?;
            parties.extend(page.items.into_iter().filter(|party| party.state == OcpiPartyState::Registered));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        loaded.insert(tenant.tenant, Tenant { settings, operator, parties });
    }
    Ok(loaded)
}

async fn active_sessions(state: &AppState, tenant: &TenantId, dirt: &mut Dirt) -> Result<(), StoreError> {
    let mut cursor = None;
    loop {
        let page = state.registry(tenant).active_transactions(cursor.as_deref(), PAGE).await?;
        for transaction in page.items {
            dirt.session(tenant, &transaction.station, &transaction.transaction_id);
        }
        cursor = page.next;
        if cursor.is_none() {
            return Ok(());
        }
    }
}

/// Writes what is due. What cannot be written stays due.
async fn clean(
    state: &AppState,
    tenants: &HashMap<TenantId, Tenant>,
    dirt: &mut Dirt,
) -> Result<(), StoreError> {
    let mut news = false;
    for id in dirt.sites_everywhere() {
        let sites: Vec<TwinId> =
            state.runtime.read(&id, |graph| graph.twins_of(SITE).map(|site| site.id().clone()).collect());
        sites.into_iter().for_each(|site| dirt.site(&id, site));
    }
    for (id, site) in dirt.sites_due() {
        if let Some(tenant) = tenants.get(&id) {
            let writing = site_objects(state, &id, tenant, &site).await?;
            news |= !writing.pushes.is_empty();
            state.registry(&id).write_ocpi(&writing.objects, &writing.pushes).await?;
        }
        dirt.site_done(&id, &site);
    }
    for (id, station, transaction) in dirt.sessions_due() {
        if let Some(tenant) = tenants.get(&id) {
            let writing = session_objects(state, &id, tenant, &station, &transaction).await?;
            news |= !writing.pushes.is_empty();
            state.registry(&id).write_ocpi(&writing.objects, &writing.pushes).await?;
        }
        dirt.session_done(&id, &station, &transaction);
    }
    if news {
        state.ocpi.outbox.notify_one();
    }
    Ok(())
}

/// Ids of the tariffs that each EVSE of a site has now.
async fn tariff_ids(
    state: &AppState,
    id: &TenantId,
    site: &TwinId,
    now: Timestamp,
) -> Result<HashMap<String, Vec<CiText<36>>>, StoreError> {
    let registry = state.registry(id);
    let mut found = HashMap::new();
    if !registry.prices_anything().await? {
        return Ok(found);
    }
    let evses: Vec<String> = state.runtime.read(id, |graph| {
        let of = graph.twins_of(crate::network::EVSE);
        let here = of.filter(|evse| site_of(graph, *evse).is_some_and(|at| at.id() == site));
        here.map(|evse| evse.id().to_string()).collect()
    });
    for evse in evses {
        let station = evse.rsplit_once(':').map_or(evse.as_str(), |(station, _)| station).to_owned();
        let scopes = [
            (TariffScope::Evse, evse.clone()),
            (TariffScope::Station, station),
            (TariffScope::Site, site.to_string()),
            (TariffScope::Default, String::new()),
        ];
        let assigned = registry.assigned_tariffs(&scopes, None, now).await?;
        let ids = assigned.first().and_then(|id| CiText::new(id).ok()).into_iter().collect();
        found.insert(evse, ids);
    }
    Ok(found)
}

async fn site_objects(
    state: &AppState,
    id: &TenantId,
    tenant: &Tenant,
    site: &TwinId,
) -> Result<Writing, StoreError> {
    let now = state.runtime.now();
    let tariffs = tariff_ids(state, id, site, now).await?;
    let of = |plug: &TwinId| {
        let evse = plug.as_str().rsplit_once(':').map_or("", |(evse, _)| evse);
        tariffs.get(evse).cloned().unwrap_or_default()
    };
    let fresh = state.runtime.read(id, |graph| {
        let twin = graph.twin(site.as_str()).filter(|twin| twin.is_a(SITE))?;
        voltwin_ocpi::location(&tenant.operator, graph, &twin, of, DateTime::of(now)).0
    });
    let key = location_id(site.as_str());
    let stored = state.registry(id).ocpi_object("locations", key.as_str()).await?;
    let stored: Option<Location> = stored.and_then(|object| serde_json::from_value(object.body).ok());
    let settled = match (fresh, &stored) {
        (Some(fresh), before) => voltwin_ocpi::settle(fresh, before.as_ref()),
        (None, Some(before)) => voltwin_ocpi::retired(before, DateTime::of(now)),
        (None, None) => return Ok(Writing::default()),
    };
    let (location, changes) = settled;
    let parts = match changes {
        Changes::None => return Ok(Writing::default()),
        Changes::Whole => None,
        Changes::Status(uids) => Some(uids.iter().map(|uid| uid.as_str().to_owned()).collect::<Vec<_>>()),
    };
    let mut writing = Writing::default();
    writing.add(tenant, &Module::Locations, (key.as_str(), ""), &location, parts.as_deref(), now);
    Ok(writing)
}

async fn tariffs(state: &AppState, id: &TenantId, tenant: &Tenant) -> Result<(), StoreError> {
    let now = state.runtime.now();
    let registry = state.registry(id);
    let mut writing = Writing::default();
    let mut cursor = None;
    loop {
        let page = registry.tariffs(cursor.as_deref(), PAGE).await?;
        for record in page.items {
            let Ok(key) = CiText::<36>::new(&record.id) else { continue };
            let Ok(mut ours) = serde_json::from_value::<voltwin_tariff::Tariff>(record.tariff) else {
                continue;
            };
            let before = registry.ocpi_object("tariffs", key.as_str()).await?;
            let before: Option<voltwin_ocpi::Tariff> =
                before.and_then(|o| serde_json::from_value(o.body).ok());
            if record.retired {
                let ended = before.as_ref().and_then(|tariff| tariff.end_date_time).map(|at| at.0);
                ours.valid_to = Some(ended.or(ours.valid_to).filter(|end| *end <= now).unwrap_or(now));
            }
            let mut told = voltwin_ocpi::tariff(&tenant.operator, &key, &ours, DateTime::of(now));
            if let Some(before) = &before {
                told.last_updated = before.last_updated;
                if told == *before {
                    continue;
                }
                told.last_updated = DateTime::of(now);
            }
            writing.add(tenant, &Module::Tariffs, (key.as_str(), ""), &told, None, now);
        }
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    registry.write_ocpi(&writing.objects, &writing.pushes).await?;
    if !writing.pushes.is_empty() {
        state.ocpi.outbox.notify_one();
    }
    Ok(())
}

impl Writing {
    /// Adds an object of `owner` (of all partners when empty), and what they are to be sent of it.
    fn add(
        &mut self,
        tenant: &Tenant,
        module: &Module,
        (id, owner): (&str, &str),
        object: &impl Serialize,
        parts: Option<&[String]>,
        now: Timestamp,
    ) {
        let body = match serde_json::to_value(object).map_err(|e| OcpiError::Body(e.to_string())) {
            Ok(body) => body,
            Err(error) => {
                tracing::error!(%error, id, "an object cannot be written as JSON");
                return;
            }
        };
        let word = module.as_str().to_owned();
        let readers = tenant.parties.iter().filter(|party| owner.is_empty() || party.id == owner);
        for party in readers.filter(|party| endpoint(party, module, &InterfaceRole::Receiver).is_some()) {
            self.pushes.push(push(&party.id, &word, id, parts, &body, now));
        }
        let last_updated = Timestamp::from_millis(now.as_millis());
        let (id, owner) = (id.to_owned(), owner.to_owned());
        self.objects.push(OcpiObject { module: word, id, owner, last_updated, body });
    }
}

fn push(
    party: &str,
    module: &str,
    object: &str,
    parts: Option<&[String]>,
    body: &Json,
    now: Timestamp,
) -> OcpiPush {
    OcpiPush {
        party: party.to_owned(),
        module: module.to_owned(),
        object: object.to_owned(),
        parts: parts.map(<[String]>::to_vec),
        body: body.clone(),
        revision: 1,
        attempts: 0,
        next_at: now,
        dead: false,
        error: None,
        created_at: now,
    }
}
