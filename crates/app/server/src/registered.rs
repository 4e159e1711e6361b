//! Stations that the registry knows have a twin, also those that were added while the server did not run and have
//! never connected.

use voltwin_core::{Dtmi, Event, EventBody, PropertyMap, PropertyName, TenantId, TwinId, Value};
use voltwin_runtime::Precondition;

use crate::http::Problem;
use crate::network::STATION;
use crate::state::AppState;

const PAGE: usize = 500;

/// Makes the missing twins, once, at start.
pub(crate) async fn run(state: AppState) {
    if let Err(problem) = all(&state).await {
        tracing::warn!(reason = problem.detail, "could not make the twins of registered stations");
    }
}

async fn all(state: &AppState) -> Result<(), Problem> {
    for tenant in state.runtime.store().tenants().await? {
        let registry = state.registry(&tenant.tenant);
        let mut cursor: Option<String> = None;
        loop {
            let page = registry.stations(cursor.as_deref(), PAGE).await?;
            for record in page.items {
                one(state, &tenant.tenant, &TwinId::new(&record.station)?, &record.name).await?;
            }
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
    }
    Ok(())
}

async fn one(state: &AppState, tenant: &TenantId, station: &TwinId, name: &str) -> Result<(), Problem> {
    if state.runtime.read(tenant, |graph| graph.twin(station.as_str()).is_some()) {
        return Ok(());
    }
    let event = created(state, tenant, station, name, std::iter::empty())?;
    make(state, event).await
}

/// The event that makes the twin of a station which has not connected yet.
pub(crate) fn created(
    state: &AppState,
    tenant: &TenantId,
    station: &TwinId,
    name: &str,
    more: impl Iterator<Item = (&'static str, Value)>,
) -> Result<Event, Problem> {
    let name = if name.is_empty() { station.as_str() } else { name };
    let fixed = [("name", Value::from(name)), ("online", false.into()), ("status", "Offline".into())];
    let mut properties = PropertyMap::new();
    for (name, value) in fixed.into_iter().chain(more) {
        properties.insert(PropertyName::new(name)?, value);
    }
    let body = EventBody::Created { model: Dtmi::new(STATION)?, properties };
    let now = state.runtime.now();
    Ok(Event::new(tenant.clone(), station.clone(), now, now, body))
}

/// Records it unless there is a twin already: the station knocked before, or somebody made it by hand.
pub(crate) async fn make(state: &AppState, event: Event) -> Result<(), Problem> {
    match state.runtime.submit_if(event, Precondition::NoneExists).await {
        Ok(_) | Err(voltwin_runtime::RuntimeError::PreconditionFailed { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
