//! Vehicles as their twins show them.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use voltwin_core::{Timestamp, TwinId};
use voltwin_graph::{Graph, TwinRef};
use voltwin_security::Permission;

use crate::auth::{Guard, Principal};
use crate::http::{Id, Json, Page, PageQuery, Problem, Query};
use crate::network::{VEHICLE, Zones, is_a, text};
use crate::overview::vehicle_zone;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(Guard::needs(Permission::Read).on(routes!(list)))
        .routes(Guard::needs(Permission::Read).on(routes!(get)))
}

/// A vehicle.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Vehicle {
    id: String,
    name: Option<String>,
    /// `Driving`, `Queuing`, `PluggedIn`, `Charging`, `Parked`, `Faulted` or `Unknown`.
    #[schema(example = "Driving")]
    status: String,
    lat_deg: Option<f64>,
    lon_deg: Option<f64>,
    /// Clockwise from north, in degrees.
    heading_deg: Option<f64>,
    /// In metres per second.
    speed_mps: Option<f64>,
    /// State of charge.
    #[schema(minimum = 0.0, maximum = 1.0)]
    soc: Option<f64>,
    /// Into the battery, in watts; negative while driving.
    power_w: Option<f64>,
    odometer_m: Option<f64>,
    /// The connector that it is plugged into.
    connector: Option<String>,
    /// The zone that it is in.
    zone: Option<String>,
    /// The twin of its battery pack.
    pack: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl Vehicle {
    fn of(graph: &Graph, zones: &Zones, twin: &TwinRef<'_>) -> Self {
        let zone = vehicle_zone(graph, zones, twin).and_then(|index| zones.iter().nth(index));
        let plugged = || twin.related("pluggedInto").next().map(|connector| connector.id().to_string());
        Self {
            id: twin.id().to_string(),
            name: text(twin, "name"),
            status: text(twin, "status").unwrap_or_else(|| "Unknown".to_owned()),
            lat_deg: twin.f64("lat_deg"),
            lon_deg: twin.f64("lon_deg"),
            heading_deg: twin.f64("heading_deg"),
            speed_mps: twin.f64("speed_mps"),
            soc: twin.f64("soc"),
            power_w: twin.f64("power_w"),
            odometer_m: twin.f64("odometer_m"),
            connector: text(twin, "connector").or_else(plugged),
            zone: zone.map(|zone| zone.id.to_string()),
            pack: twin.related("hasPack").next().map(|pack| pack.id().to_string()),
            updated_at: twin.updated(),
        }
    }
}

/// Vehicles in the order of their ids.
#[utoipa::path(get, path = "/vehicles", tag = "vehicles", params(PageQuery),
    responses((status = 200, body = Page<Vehicle>)))]
async fn list(
    State(state): State<AppState>,
    principal: Principal,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Vehicle>>, Problem> {
    let limit = query.limit.get()?;
    Ok(Json(state.runtime.read(&principal.tenant, |graph| {
        let zones = Zones::of(graph);
        let twins = super::twins::after(graph.twins_of(VEHICLE), query.cursor.as_deref(), limit + 1);
        let vehicles = twins.iter().map(|twin| Vehicle::of(graph, &zones, twin));
        Page::of(vehicles, limit, |vehicle| vehicle.id.clone())
    })))
}

/// One vehicle.
#[utoipa::path(get, path = "/vehicles/{id}", tag = "vehicles",
    params(("id" = String, Path, description = "The vehicle.")),
    responses((status = 200, body = Vehicle), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such vehicle.")))]
async fn get(
    State(state): State<AppState>,
    principal: Principal,
    Id(id): Id<TwinId>,
) -> Result<Json<Vehicle>, Problem> {
    let found = state.runtime.read(&principal.tenant, |graph| {
        let twin = graph.twin(id.as_str()).filter(|twin| is_a(graph, twin, VEHICLE))?;
        Some(Vehicle::of(graph, &Zones::of(graph), &twin))
    });
    found.map(Json).ok_or_else(|| Problem::not_found(format!("there is no vehicle `{id}`")))
}
