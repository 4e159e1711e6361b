//! What stands where, for the 3D view.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use voltwin_graph::{Graph, TwinRef};
use voltwin_security::Permission;

use crate::auth::{Guard, Principal};
use crate::http::Json;
use crate::network::{HUB, SITE, STATION, ZONE, Zones, evses, parent, place, position, text};
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(Guard::needs(Permission::Read).on(routes!(get)))
}

/// A position in degrees, WGS 84.
#[derive(Debug, Clone, Copy, Default, Serialize, ToSchema)]
pub(crate) struct Origin {
    #[schema(minimum = -90.0, maximum = 90.0)]
    lat_deg: f64,
    #[schema(minimum = -180.0, maximum = 180.0)]
    lon_deg: f64,
}

/// What stands where.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Scene {
    /// The middle of what has a position; 0, 0 when nothing has.
    origin: Origin,
    zones: Vec<SceneZone>,
    sites: Vec<SceneSite>,
    hubs: Vec<SceneHub>,
    stations: Vec<SceneStation>,
}

/// A zone.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct SceneZone {
    id: String,
    name: String,
    /// The outline as `[lon, lat]` in degrees, closed.
    #[schema(value_type = Vec<Vec<f64>>)]
    boundary: Vec<[f64; 2]>,
    /// The roads within it, each a line of `[lon, lat]` in degrees.
    #[schema(value_type = Vec<Vec<Vec<f64>>>)]
    roads: Vec<Vec<[f64; 2]>>,
}

/// A site.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct SceneSite {
    id: String,
    name: String,
    zone: Option<String>,
    lat_deg: f64,
    lon_deg: f64,
    /// Where its power comes from.
    grid: Option<SceneGrid>,
}

/// A grid connection.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct SceneGrid {
    id: String,
    /// What may be drawn at most, in watts.
    max_power_w: Option<f64>,
}

/// A hub: a building or yard with charging stations on one or more levels.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct SceneHub {
    id: String,
    name: String,
    site: Option<String>,
    /// Storeys, at least 1.
    levels: i64,
    lat_deg: f64,
    lon_deg: f64,
}

/// A charging station.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct SceneStation {
    id: String,
    name: Option<String>,
    site: Option<String>,
    zone: Option<String>,
    hub: Option<String>,
    /// Storey of its hub, from 0.
    level: Option<i64>,
    /// Its own position, or that of its hub or site.
    lat_deg: Option<f64>,
    lon_deg: Option<f64>,
    max_power_w: Option<f64>,
    connectors: Vec<SceneConnector>,
}

/// A connector.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct SceneConnector {
    id: String,
    /// EVSE number, from 1.
    evse: i64,
    /// Connector number within the EVSE, from 1.
    connector: i64,
    /// As OCPP `ConnectorEnumType` spells it.
    #[serde(rename = "type")]
    kind: Option<String>,
    max_power_w: Option<f64>,
}

/// What stands where, for the 3D view.
#[utoipa::path(get, path = "/scene", tag = "overview", responses((status = 200, body = Scene)))]
async fn get(State(state): State<AppState>, principal: Principal) -> Json<Scene> {
    Json(state.runtime.read(&principal.tenant, scene))
}

fn scene(graph: &Graph) -> Scene {
    let zones = Zones::of(graph);
    let sites: Vec<SceneSite> =
        sorted(graph, SITE).iter().filter_map(|twin| site(graph, &zones, twin)).collect();
    let hubs: Vec<SceneHub> = sorted(graph, HUB).iter().filter_map(|twin| hub(graph, twin)).collect();
    let stations: Vec<SceneStation> =
        sorted(graph, STATION).iter().map(|twin| station(graph, &zones, twin)).collect();
    let points = sites
        .iter()
        .map(|site| (site.lat_deg, site.lon_deg))
        .chain(hubs.iter().map(|hub| (hub.lat_deg, hub.lon_deg)))
        .chain(stations.iter().filter_map(|station| Some((station.lat_deg?, station.lon_deg?))))
        .chain(zones.iter().flat_map(|zone| zone.rings.iter().flatten().map(|[lon, lat]| (*lat, *lon))));
    let zones_shown = zones
        .iter()
        .map(|zone| SceneZone {
            id: zone.id.to_string(),
            name: zone.name.clone(),
            boundary: zone.rings.first().cloned().unwrap_or_default(),
            roads: zone.roads.clone(),
        })
        .collect();
    Scene { origin: middle(points), zones: zones_shown, sites, hubs, stations }
}

fn sorted<'g>(graph: &'g Graph, model: &str) -> Vec<TwinRef<'g>> {
    let mut twins: Vec<_> = graph.twins_of(model).collect();
    twins.sort_by(|a, b| a.id().cmp(b.id()));
    twins
}

/// The middle of the box around the points.
fn middle(points: impl Iterator<Item = (f64, f64)>) -> Origin {
    let bounds = points.fold(None, |bounds: Option<[f64; 4]>, (lat, lon)| {
        let [south, north, west, east] = bounds.unwrap_or([lat, lat, lon, lon]);
        Some([south.min(lat), north.max(lat), west.min(lon), east.max(lon)])
    });
    bounds.map_or_else(Origin::default, |[south, north, west, east]| Origin {
        lat_deg: (south + north) / 2.0,
        lon_deg: (west + east) / 2.0,
    })
}

fn site(graph: &Graph, zones: &Zones, twin: &TwinRef<'_>) -> Option<SceneSite> {
    let (lat_deg, lon_deg) = position(twin)?;
    let zone = parent(graph, twin, "contains", ZONE).map(|zone| zone.id().to_string());
    let grid = twin.related("suppliedBy").next();
    Some(SceneSite {
        id: twin.id().to_string(),
        name: text(twin, "name").unwrap_or_else(|| twin.id().to_string()),
        zone: zone.or_else(|| zones.at(lat_deg, lon_deg).map(|zone| zone.id.to_string())),
        lat_deg,
        lon_deg,
        grid: grid.map(|grid| SceneGrid { id: grid.id().to_string(), max_power_w: grid.f64("max_power_w") }),
    })
}

fn hub(graph: &Graph, twin: &TwinRef<'_>) -> Option<SceneHub> {
    let site = parent(graph, twin, "contains", SITE);
    let (lat_deg, lon_deg) = position(twin).or_else(|| site.as_ref().and_then(position))?;
    Some(SceneHub {
        id: twin.id().to_string(),
        name: text(twin, "name").unwrap_or_else(|| twin.id().to_string()),
        site: site.map(|site| site.id().to_string()),
        levels: twin.i64("levels").unwrap_or(1).max(1),
        lat_deg,
        lon_deg,
    })
}

fn station(graph: &Graph, zones: &Zones, twin: &TwinRef<'_>) -> SceneStation {
    let place = place(graph, zones, twin);
    let connectors = evses(twin).into_iter().flat_map(|(evse, connectors)| {
        let number = evse.i64("evse_id").unwrap_or(0);
        connectors.into_iter().map(move |connector| SceneConnector {
            id: connector.id().to_string(),
            evse: connector.i64("evse_id").unwrap_or(number),
            connector: connector.i64("connector_id").unwrap_or(1),
            kind: text(&connector, "type"),
            max_power_w: connector.f64("max_power_w"),
        })
    });
    SceneStation {
        id: twin.id().to_string(),
        name: text(twin, "name"),
        site: place.site.map(String::from),
        zone: place.zone.map(String::from),
        hub: place.hub.map(String::from),
        level: twin.i64("level"),
        lat_deg: place.position.map(|(lat, _)| lat),
        lon_deg: place.position.map(|(_, lon)| lon),
        max_power_w: twin.f64("max_power_w"),
        connectors: connectors.collect(),
    }
}
