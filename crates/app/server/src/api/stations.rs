//! Charging stations: their twins, their credentials, what they said.

use std::collections::HashMap;

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use voltwin_core::{Severity, TenantId, Timestamp, TwinId, Value};
use voltwin_graph::{Graph, TwinRef};
use voltwin_ocpp::StationIdentity;
use voltwin_security::{PasswordHash, Permission, Secret};
use voltwin_store::StoreError;

use crate::auth::{Guard, Principal};
use crate::http::{Id, Json, Page, PageQuery, Problem, Query, Trace};
use crate::network::{STATION, Zones, evses, is_a, place, text};
use crate::registered;
use crate::state::AppState;

/// What a station's password may be: the longest that OCPP 2.1 takes, the shortest that OCPP allows.
const PASSWORD_CHARS: std::ops::RangeInclusive<usize> = 16..=64;
const NAME_CHARS_MAX: usize = 200;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(Guard::needs(Permission::Read).on(routes!(list)))
        .routes(Guard::needs(Permission::ManageStations).on(routes!(add)))
        .routes(Guard::needs(Permission::Read).on(routes!(get)))
        .routes(Guard::needs(Permission::ManageStations).on(routes!(remove)))
        .routes(Guard::needs(Permission::ManageStations).on(routes!(renew_credentials)))
}

/// A charging station as its twin shows it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Station {
    /// Its OCPP identity.
    #[schema(example = "ST-01")]
    id: String,
    name: Option<String>,
    vendor: Option<String>,
    model: Option<String>,
    serial_number: Option<String>,
    firmware_version: Option<String>,
    /// `1.6`, `2.0.1` or `2.1`.
    ocpp_version: Option<String>,
    /// Whether it has a connection to us.
    online: bool,
    /// Our answer to its boot notification: `Accepted`, `Pending` or `Rejected`.
    boot_status: Option<String>,
    /// `Offline`, `Available`, `Occupied`, `Charging`, `Faulted`, `Unavailable` or `Pending`.
    status: String,
    /// When we heard of it last.
    last_seen: Option<String>,
    lat_deg: Option<f64>,
    lon_deg: Option<f64>,
    /// Storey of its hub, from 0.
    level: Option<i64>,
    site: Option<String>,
    zone: Option<String>,
    hub: Option<String>,
    /// Power drawn now, in watts.
    power_w: Option<f64>,
    /// Rated power, in watts.
    max_power_w: Option<f64>,
    /// Charging transactions that run at its connectors.
    active_transactions: u64,
    /// The worst open alarm: `info`, `minor`, `major` or `critical`.
    #[schema(value_type = Option<String>)]
    alarm: Option<Severity>,
    /// Its EVSEs by number.
    evses: Vec<Evse>,
}

/// One EVSE of a station.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Evse {
    id: String,
    /// Its number, from 1.
    evse_id: i64,
    status: Option<String>,
    connectors: Vec<Connector>,
}

/// One connector of an EVSE.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Connector {
    id: String,
    /// EVSE number, from 1.
    evse_id: i64,
    /// Number within the EVSE, from 1.
    connector_id: i64,
    /// As OCPP `ConnectorEnumType` spells it.
    #[serde(rename = "type")]
    kind: Option<String>,
    #[schema(example = "Available")]
    status: String,
    error_code: Option<String>,
    /// Power into the vehicle in watts; negative when it gives.
    power_w: Option<f64>,
    max_power_w: Option<f64>,
    /// Energy register, in watt-hours.
    energy_wh: Option<f64>,
    /// Current into the vehicle, in amperes.
    current_a: Option<f64>,
    voltage_v: Option<f64>,
    /// State of charge of the vehicle.
    #[schema(minimum = 0.0, maximum = 1.0)]
    soc: Option<f64>,
    temp_c: Option<f64>,
    transaction_id: Option<String>,
    id_token: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

/// A station with the password that is shown once.
#[derive(Serialize, ToSchema)]
pub(crate) struct StationWithPassword {
    #[serde(flatten)]
    station: Station,
    /// To be set in the station (OCPP `AuthorizationKey` or `BasicAuthPassword`); cannot be read again. Null where
    /// the station has one already.
    password: Option<String>,
}

/// A password that is shown once.
#[derive(Serialize, ToSchema)]
pub(crate) struct Credentials {
    /// The station.
    id: String,
    /// To be set in the station; cannot be read again.
    password: String,
}

/// What the graph does not know of a station.
#[derive(Default)]
struct Around {
    zones: Zones,
    alarms: HashMap<String, Severity>,
}

impl Station {
    fn of(graph: &Graph, around: &Around, twin: &TwinRef<'_>) -> Self {
        let place = place(graph, &around.zones, twin);
        let evses: Vec<Evse> =
            evses(twin).into_iter().map(|(evse, connectors)| Evse::of(&evse, &connectors)).collect();
        let connectors = evses.iter().flat_map(|evse| &evse.connectors);
        Self {
            id: twin.id().to_string(),
            name: text(twin, "name"),
            vendor: text(twin, "vendor"),
            model: text(twin, "model"),
            serial_number: text(twin, "serial_number"),
            firmware_version: text(twin, "firmware_version"),
            ocpp_version: text(twin, "ocpp_version"),
            online: twin.bool("online").unwrap_or(false),
            boot_status: text(twin, "boot_status"),
            status: text(twin, "status").unwrap_or_else(|| "Offline".to_owned()),
            last_seen: text(twin, "last_seen"),
            lat_deg: place.position.map(|(lat, _)| lat),
            lon_deg: place.position.map(|(_, lon)| lon),
            level: twin.i64("level"),
            site: place.site.map(String::from),
            zone: place.zone.map(String::from),
            hub: place.hub.map(String::from),
            power_w: twin.f64("power_w"),
            max_power_w: twin.f64("max_power_w"),
            active_transactions: connectors.filter(|connector| connector.transaction_id.is_some()).count()
                as u64,
            alarm: around.alarms.get(twin.id().as_str()).copied(),
            evses,
        }
    }
}

impl Evse {
    fn of(evse: &TwinRef<'_>, connectors: &[TwinRef<'_>]) -> Self {
        let evse_id = evse.i64("evse_id").unwrap_or(0);
        Self {
            id: evse.id().to_string(),
            evse_id,
            status: text(evse, "status"),
            connectors: connectors.iter().map(|twin| Connector::of(twin, evse_id)).collect(),
        }
    }
}

impl Connector {
    fn of(twin: &TwinRef<'_>, evse_id: i64) -> Self {
        Self {
            id: twin.id().to_string(),
            evse_id: twin.i64("evse_id").unwrap_or(evse_id),
            connector_id: twin.i64("connector_id").unwrap_or(1),
            kind: text(twin, "type"),
            status: text(twin, "status").unwrap_or_else(|| "Unknown".to_owned()),
            error_code: text(twin, "error_code"),
            power_w: twin.f64("power_w"),
            max_power_w: twin.f64("max_power_w"),
            energy_wh: twin.f64("energy_wh"),
            current_a: twin.f64("current_a"),
            voltage_v: twin.f64("voltage_v"),
            soc: twin.f64("soc"),
            temp_c: twin.f64("temp_c"),
            transaction_id: text(twin, "transaction_id"),
            id_token: text(twin, "id_token"),
            updated_at: twin.updated(),
        }
    }
}

fn missing(station: &TwinId) -> Problem {
    Problem::not_found(format!("there is no station `{station}`"))
}

/// # Errors
/// 404 when the tenant has no station of this id.
pub(super) fn must_exist(state: &AppState, principal: &Principal, station: &TwinId) -> Result<(), Problem> {
    let known = state.runtime.read(&principal.tenant, |graph| {
        graph.twin(station.as_str()).is_some_and(|twin| is_a(graph, &twin, STATION))
    });
    if known { Ok(()) } else { Err(missing(station)) }
}

async fn one(state: &AppState, tenant: &TenantId, id: &TwinId) -> Result<Station, Problem> {
    let alarms = state.worst_alarms(tenant).await?;
    let found = state.runtime.read(tenant, |graph| {
        let twin = graph.twin(id.as_str()).filter(|twin| is_a(graph, twin, STATION))?;
        Some(Station::of(graph, &Around { zones: Zones::of(graph), alarms }, &twin))
    });
    found.ok_or_else(|| missing(id))
}

/// Charging stations in the order of their ids.
#[utoipa::path(get, path = "/stations", tag = "stations", params(PageQuery),
    responses((status = 200, body = Page<Station>)))]
async fn list(
    State(state): State<AppState>,
    principal: Principal,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Station>>, Problem> {
    let limit = query.limit.get()?;
    let alarms = state.worst_alarms(&principal.tenant).await?;
    Ok(Json(state.runtime.read(&principal.tenant, |graph| {
        let around = Around { zones: Zones::of(graph), alarms };
        let twins = super::twins::after(graph.twins_of(STATION), query.cursor.as_deref(), limit + 1);
        let stations = twins.iter().map(|twin| Station::of(graph, &around, twin));
        Page::of(stations, limit, |station| station.id.clone())
    })))
}

/// A new charging station.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewStation {
    /// Its OCPP identity: 1 to 48 characters of letters, digits and `- . + % _ # * ? ! ( ) , = @ $ '`.
    #[schema(value_type = String, example = "ST-01")]
    id: TwinId,
    /// What people call it, 1 to 200 characters; its id when left out.
    name: Option<String>,
    /// 16 to 64 printable ASCII characters; drawn at random when left out.
    #[schema(value_type = Option<String>, format = Password)]
    password: Option<Secret>,
    #[schema(minimum = -90.0, maximum = 90.0)]
    lat_deg: Option<f64>,
    #[schema(minimum = -180.0, maximum = 180.0)]
    lon_deg: Option<f64>,
}

/// Make a station known. The answer holds its password, this once.
#[utoipa::path(post, path = "/stations", tag = "stations", request_body = NewStation,
    responses((status = 201, body = StationWithPassword), (status = 409, body = Problem,
        content_type = "application/problem+json", description = "The station is known already.")))]
async fn add(
    State(state): State<AppState>,
    principal: Principal,
    trace: Trace,
    Json(body): Json<NewStation>,
) -> Result<(StatusCode, Json<StationWithPassword>), Problem> {
    check_identity(&body.id)?;
    let name = checked_name(body.name, &body.id)?;
    check_position(body.lat_deg, body.lon_deg)?;
    let (password, hash) = match body.password {
        Some(password) => {
            let password = checked_password(password)?;
            let hash = PasswordHash::hash(&password).await?;
            (password, hash)
        }
        None => PasswordHash::generate()?,
    };
    let registry = state.registry(&principal.tenant);
    registry.add_station(body.id.as_str(), &name, Some(&hash), &principal.name, state.runtime.now()).await?;
    let position = [("lat_deg", body.lat_deg), ("lon_deg", body.lon_deg)];
    let more = position.into_iter().filter_map(|(name, degrees)| Some((name, Value::from(degrees?))));
    ensure_twin(&state, &principal.tenant, &body.id, &name, more, trace).await?;
    let answer = with_password(&state, &principal.tenant, &body.id, Some(&password)).await?;
    Ok((StatusCode::CREATED, Json(answer)))
}

/// The answer that shows a station's password, once.
pub(super) async fn with_password(
    state: &AppState,
    tenant: &TenantId,
    id: &TwinId,
    password: Option<&Secret>,
) -> Result<StationWithPassword, Problem> {
    let station = one(state, tenant, id).await?;
    Ok(StationWithPassword { station, password: password.map(|password| password.expose().to_owned()) })
}

/// # Errors
/// 400 for an identity under which no station can connect.
pub(super) fn check_identity(id: &TwinId) -> Result<(), Problem> {
    match StationIdentity::new(id.as_str()) {
        Ok(_) => Ok(()),
        Err(error) => Err(Problem::field("id", error.to_string()).limit(StationIdentity::MAX_CHARS)),
    }
}

/// The name as given, or the id.
pub(super) fn checked_name(name: Option<String>, id: &TwinId) -> Result<String, Problem> {
    let name = name.unwrap_or_else(|| id.to_string());
    if (1..=NAME_CHARS_MAX).contains(&name.chars().count()) {
        return Ok(name);
    }
    let detail =
        format!("`name` has {} characters; it must have 1 to {NAME_CHARS_MAX}", name.chars().count());
    Err(Problem::field("name", detail).limit(NAME_CHARS_MAX))
}

pub(super) fn check_position(lat_deg: Option<f64>, lon_deg: Option<f64>) -> Result<(), Problem> {
    for (field, value, limit) in [("lat_deg", lat_deg, 90.0), ("lon_deg", lon_deg, 180.0)] {
        if let Some(degrees) = value.filter(|degrees| degrees.abs() > limit) {
            let detail = format!("`{field}` is {degrees}; it must be -{limit} to {limit}");
            return Err(Problem::field(field, detail).limit(limit));
        }
    }
    match (lat_deg, lon_deg) {
        (Some(_), None) => Err(Problem::field("lon_deg", "`lon_deg` is missing: it goes with `lat_deg`")),
        (None, Some(_)) => Err(Problem::field("lat_deg", "`lat_deg` is missing: it goes with `lon_deg`")),
        _ => Ok(()),
    }
}

pub(super) fn checked_password(password: Secret) -> Result<Secret, Problem> {
    let text = password.expose();
    if PASSWORD_CHARS.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(password);
    }
    let (low, high) = (PASSWORD_CHARS.start(), PASSWORD_CHARS.end());
    Err(Problem::field("password", format!("`password` must be {low} to {high} printable ASCII characters"))
        .limit(*high))
}

/// Makes the twin of a station that the registry knows, if there is none yet.
pub(super) async fn ensure_twin(
    state: &AppState,
    tenant: &TenantId,
    station: &TwinId,
    name: &str,
    more: impl Iterator<Item = (&'static str, Value)>,
    trace: Trace,
) -> Result<(), Problem> {
    let event = registered::created(state, tenant, station, name, more)?;
    registered::make(state, event.traced(trace.0)).await
}

/// One charging station with its EVSEs and connectors.
#[utoipa::path(get, path = "/stations/{id}", tag = "stations",
    params(("id" = String, Path, description = "The station.")),
    responses((status = 200, body = Station), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such station.")))]
async fn get(
    State(state): State<AppState>,
    principal: Principal,
    Id(id): Id<TwinId>,
) -> Result<Json<Station>, Problem> {
    one(&state, &principal.tenant, &id).await.map(Json)
}

/// Remove a station: it may not connect any more, and its twin goes with those of its EVSEs and connectors. What it did
/// stays: transactions, messages, alarms, history.
#[utoipa::path(delete, path = "/stations/{id}", tag = "stations",
    params(("id" = String, Path, description = "The station.")),
    responses((status = 204), (status = 404, body = Problem, content_type = "application/problem+json",
        description = "No such station.")))]
async fn remove(
    State(state): State<AppState>,
    principal: Principal,
    Id(id): Id<TwinId>,
) -> Result<StatusCode, Problem> {
    let registry = state.registry(&principal.tenant);
    match registry.remove_station(id.as_str(), &principal.name, state.runtime.now()).await {
        Ok(()) => {}
        // a station without a registration, from a time when anybody could connect
        Err(StoreError::NotFound { .. }) => {
            must_exist(&state, &principal, &id)?;
            let deed = ("station.remove", id.as_str(), "");
            registry.note_deed(&principal.name, state.runtime.now(), deed).await?;
        }
        Err(error) => return Err(error.into()),
    }
    state.csms.retire_station(&principal.tenant, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Give a station a new password; the old one opens nothing any more. Shown once.
#[utoipa::path(post, path = "/stations/{id}/credentials", tag = "stations",
    params(("id" = String, Path, description = "The station.")),
    responses((status = 200, body = Credentials), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such station.")))]
async fn renew_credentials(
    State(state): State<AppState>,
    principal: Principal,
    Id(id): Id<TwinId>,
) -> Result<Json<Credentials>, Problem> {
    let registry = state.registry(&principal.tenant);
    if registry.station(id.as_str()).await?.is_none() {
        return Err(missing(&id));
    }
    let (password, hash) = PasswordHash::generate()?;
    let now = state.runtime.now();
    registry.set_station_password_hash(id.as_str(), Some(&hash), &principal.name, now).await?;
    Ok(Json(Credentials { id: id.to_string(), password: password.expose().to_owned() }))
}
