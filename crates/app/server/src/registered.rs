//! The twin of a station that is registered through the API and has not connected yet.

use voltwin_core::{Dtmi, Event, EventBody, PropertyMap, PropertyName, TenantId, TwinId, Value};
use voltwin_runtime::Precondition;

use crate::http::Problem;
use crate::network::STATION;
use crate::state::AppState;

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
