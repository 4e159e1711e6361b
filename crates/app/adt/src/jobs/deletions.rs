//! Deletions: everything of an instance, its relationships first, then twins, then models. Event routes stay, and so do
//! the twins of registered stations.

use std::collections::HashSet;

use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use voltwin_core::{Event, EventBody, TwinId};
use voltwin_runtime::{Origin, RuntimeError};
use voltwin_store::GraphJob;

use super::{Outcome, Running, check_id};
use crate::call::Call;
use crate::error::{AdtError, Code};

/// What the registry calls these jobs.
pub(crate) const KIND: &str = "deletion";
/// Events of one batch.
const BATCH: usize = 5_000;
/// Stations that the registry gives at once.
const STATIONS_PAGE: usize = 500;
/// Minutes that a deletion may take; none are said, none are counted.
const MINUTES_MAX: u32 = 7 * 24 * 60;

#[derive(Debug, Serialize, Deserialize)]
struct Spec {
    #[serde(rename = "timeoutInMinutes", default, skip_serializing_if = "Option::is_none")]
    minutes: Option<u32>,
}

#[derive(Debug, Default, Serialize)]
struct Progress {
    relationships: u64,
    twins: u64,
    models: u64,
}

pub(crate) async fn add(call: Call) -> Result<Response, AdtError> {
    let id = call.header("operation-id")?.map(str::to_owned);
    let id = id.unwrap_or_else(|| uuid::Uuid::now_v7().to_string());
    check_id(&id)?;
    let spec = Spec { minutes: minutes(call.parameter("timeoutInMinutes").as_deref())? };
    let job = super::file(&call, KIND, id, json!(spec)).await?;
    let version = call.parameter("api-version").unwrap_or_default();
    let address = call.address(&format!("/jobs/deletions/{}?api-version={version}", job.id));
    let mut response = (StatusCode::ACCEPTED, axum::Json(super::document(&job))).into_response();
    if let Ok(value) = HeaderValue::from_str(&address) {
        response.headers_mut().insert("operation-location", value);
    }
    Ok(response)
}

fn minutes(given: Option<&str>) -> Result<Option<u32>, AdtError> {
    let read = |text: &str| {
        let minutes = text.parse().ok().filter(|minutes| (1..=MINUTES_MAX).contains(minutes));
        let message =
            format!("the parameter timeoutInMinutes must be a whole number from 1 to {MINUTES_MAX}");
        minutes.ok_or_else(|| AdtError::argument(message))
    };
    given.map(read).transpose()
}

pub(crate) async fn get(call: Call, Path(id): Path<String>) -> Result<axum::Json<Json>, AdtError> {
    let job: GraphJob = super::find(&call, KIND, &id, Code::DeleteJobNotFound).await?;
    Ok(axum::Json(super::document(&job)))
}

pub(crate) async fn list(call: Call) -> Result<axum::Json<Json>, AdtError> {
    super::page_of(&call, KIND, super::document).await
}

pub(crate) async fn run(running: &mut Running) -> Outcome {
    match delete_all(running).await {
        Ok(None) => Outcome::Succeeded,
        Ok(Some(outcome)) => outcome,
        Err(error) => Outcome::Failed(error.document()),
    }
}

async fn delete_all(running: &mut Running) -> Result<Option<Outcome>, AdtError> {
    let spec: Spec = serde_json::from_value(running.job.spec.clone())
        .map_err(|error| AdtError::new(Code::InternalServerError, error.to_string()))?;
    let until = spec.minutes.map(|minutes| running.job.created_at.plus_seconds(f64::from(minutes) * 60.0));
    let stations = stations(running).await?;
    let mut progress = Progress::default();
    loop {
        if let Some(outcome) = running.ended() {
            return Ok(Some(outcome));
        }
        if until.is_some_and(|until| running.adt.now() > until) {
            let message = format!("it took longer than {} minutes", spec.minutes.unwrap_or_default());
            return Err(AdtError::new(Code::TimeoutError, message));
        }
        let (bodies, twins) = next_batch(running, &stations);
        if bodies.is_empty() {
            break;
        }
        let count = record(running, bodies).await?;
        if twins {
            progress.twins += count;
        } else {
            progress.relationships += count;
        }
        running.checkpoint(json!(progress)).await?;
    }
    progress.models = delete_models(running).await?;
    running.checkpoint(json!(progress)).await?;
    Ok(None)
}

/// The next relationships to remove, else the next twins; and whether they are twins.
fn next_batch(running: &Running, stations: &HashSet<String>) -> (Vec<(TwinId, EventBody)>, bool) {
    running.adt.runtime.read(&running.tenant, |graph| {
        let links = graph.link_numbers().filter_map(|number| graph.link_at(number));
        // those between twins that stay are parts of a station
        let links = links.filter(|link| !(stays(stations, link.source) && stays(stations, link.target)));
        let unlinked = |id: &voltwin_core::RelationshipId| EventBody::Unlinked { id: id.clone() };
        let links: Vec<_> = links.take(BATCH).map(|link| (link.source.clone(), unlinked(link.id))).collect();
        if !links.is_empty() {
            return (links, false);
        }
        let twins = graph.twins().filter(|twin| !stays(stations, twin.id()));
        (twins.take(BATCH).map(|twin| (twin.id().clone(), EventBody::Deleted)).collect(), true)
    })
}

/// A registered station, and its parts.
fn stays(stations: &HashSet<String>, twin: &TwinId) -> bool {
    let whole = twin.as_str().split(':').next().unwrap_or_default();
    stations.contains(twin.as_str()) || stations.contains(whole)
}

async fn stations(running: &Running) -> Result<HashSet<String>, AdtError> {
    let registry = running.adt.runtime.store().tenant(&running.tenant);
    let (mut stations, mut cursor) = (HashSet::new(), None);
    loop {
        let page = registry.stations(cursor.as_deref(), STATIONS_PAGE).await?;
        stations.extend(page.items.into_iter().map(|station| station.station));
        cursor = page.next;
        if cursor.is_none() {
            return Ok(stations);
        }
    }
}

/// Tells how many were removed; where none was, going on would never end.
async fn record(running: &Running, bodies: Vec<(TwinId, EventBody)>) -> Result<u64, AdtError> {
    let now = running.adt.now();
    let event = |(twin, body)| Event::new(running.tenant.clone(), twin, now, now, body);
    let results = running.adt.runtime.submit_all(bodies.into_iter().map(event).collect()).await;
    let (mut removed, mut refused) = (0, None);
    for result in results {
        match result {
            Ok(_) => removed += 1,
            // somebody else was faster
            Err(error @ RuntimeError::Rejected(_)) => refused = Some(error),
            Err(error) => return Err(error.into()),
        }
    }
    match refused {
        Some(error) if removed == 0 => Err(error.into()),
        _ => Ok(removed),
    }
}

/// Removes the models that the tenant brought, those first that no other names; tells how many.
async fn delete_models(running: &Running) -> Result<u64, AdtError> {
    let mut deleted = 0;
    loop {
        let mut moved = false;
        let models = running.adt.runtime.models(&running.tenant);
        let own: Vec<_> = models.into_iter().filter(|model| model.uploaded.is_some()).collect();
        if own.is_empty() {
            return Ok(deleted);
        }
        for model in own {
            let (runtime, tenant) = (&running.adt.runtime, &running.tenant);
            match runtime.delete_model(tenant, model.id.as_str(), Origin::default()).await {
                Ok(()) => {
                    deleted += 1;
                    moved = true;
                }
                // another that names it comes first
                Err(RuntimeError::Rejected(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if !moved {
            return Err(AdtError::new(Code::ModelReferencesNotDeleted, "models name each other in a circle"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registered_station_stays_with_its_parts() {
        let stations: HashSet<String> = ["ST-1".to_owned()].into();
        let stays = |twin: &str| stays(&stations, &TwinId::new(twin).unwrap());
        assert!(stays("ST-1") && stays("ST-1:1:2") && stays("ST-1:tx:7"));
        assert!(!stays("ST-11") && !stays("ST-2:1") && !stays("EV-1"));
        assert_eq!(minutes(Some("60")).unwrap(), Some(60));
        for bad in ["0", "-1", "x", "99999"] {
            assert!(minutes(Some(bad)).is_err(), "{bad}");
        }
    }
}
