//! Bringing a station in: registered or claimed in one call, then followed until it works.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use voltwin_core::{TwinId, Value};
use voltwin_security::{PasswordHash, Permission, Secret, generate_password};

use super::stations::{
    check_identity, check_position, checked_name, checked_password, ensure_twin, must_exist,
};
use crate::auth::{Guard, Principal};
use crate::http::{Id, Json, Problem, Reached, Trace};
use crate::network::{evses, text};
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(Guard::needs(Permission::ManageStations).on(routes!(begin)))
        .routes(Guard::needs(Permission::Read).on(routes!(follow)))
}

/// A station to bring in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewOnboarding {
    /// Its OCPP identity. A claim of this identity is accepted with it.
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

/// What to type into a station, and how far it has come.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Onboarding {
    #[schema(example = "ST-01")]
    id: String,
    /// `waiting`, `connected`, `booted`, or `ready` when a connector has told its status.
    #[schema(example = "waiting")]
    stage: &'static str,
    /// What to do or to wait for next, for a person.
    hint: &'static str,
    /// Where to point the station. Stations that append their identity themselves take `url_base`.
    #[schema(example = "ws://192.0.2.1:8080/ocpp/north/ST-01")]
    url: String,
    #[schema(example = "ws://192.0.2.1:8080/ocpp/north")]
    url_base: String,
    /// Its password, this once, when it was made now.
    password: Option<String>,
    /// Whether a password is set.
    has_password: bool,
    /// The OCPP settings to type in where the station has no such form, for each version.
    settings: Vec<OnboardingSetting>,
    /// Reserved for the certificate of a station that proves itself with one.
    certificate: Option<String>,
    /// Whether it has a connection to us.
    online: bool,
    ocpp_version: Option<String>,
    boot_status: Option<String>,
    vendor: Option<String>,
    model: Option<String>,
    firmware_version: Option<String>,
    /// When we heard of it last.
    last_seen: Option<String>,
    /// Connectors that have told their status.
    connectors: u64,
}

/// One setting.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct OnboardingSetting {
    /// `1.6` or `2.0.1` (and 2.1).
    ocpp_version: &'static str,
    /// The configuration key, or component and variable.
    name: &'static str,
    /// What to set it to; null for the password, which is shown once.
    value: Option<String>,
}

/// Register a station, or accept its claim, and get everything that must be typed into it.
#[utoipa::path(post, path = "/onboarding", tag = "stations", request_body = NewOnboarding,
    responses((status = 201, body = Onboarding), (status = 409, body = Problem,
        content_type = "application/problem+json", description = "The station is known already.")))]
async fn begin(
    State(state): State<AppState>,
    principal: Principal,
    trace: Trace,
    reached: Reached,
    Json(body): Json<NewOnboarding>,
) -> Result<(StatusCode, Json<Onboarding>), Problem> {
    check_identity(&body.id)?;
    let name = checked_name(body.name, &body.id)?;
    check_position(body.lat_deg, body.lon_deg)?;
    let password = match body.password {
        Some(password) => checked_password(password)?,
        None => generate_password()?,
    };
    let hash = PasswordHash::hash(&password).await?;
    let registry = state.registry(&principal.tenant);
    let now = state.runtime.now();
    registry.add_station(body.id.as_str(), &name, Some(&hash), &principal.name, now).await?;
    let position = [("lat_deg", body.lat_deg), ("lon_deg", body.lon_deg)];
    let more = position.into_iter().filter_map(|(name, degrees)| Some((name, Value::from(degrees?))));
    ensure_twin(&state, &principal.tenant, &body.id, &name, more, trace).await?;
    forget_claim(&state, &principal, &body.id).await?;
    let mut answer = show(&state, &principal, &body.id, &reached).await?;
    answer.password = Some(password.expose().to_owned());
    Ok((StatusCode::CREATED, Json(answer)))
}

/// The claim of a station that is known now asks for nothing any more.
async fn forget_claim(state: &AppState, principal: &Principal, station: &TwinId) -> Result<(), Problem> {
    let registry = state.registry(&principal.tenant);
    let mut cursor = None;
    loop {
        let page = registry.claims(cursor.as_deref(), 500).await?;
        if let Some(claim) = page.items.iter().find(|claim| claim.station == station.as_str()) {
            registry.remove_claim(claim.id).await?;
            return Ok(());
        }
        cursor = page.next;
        if cursor.is_none() {
            return Ok(());
        }
    }
}

/// How far a station has come, and what to type into it.
#[utoipa::path(get, path = "/stations/{id}/onboarding", tag = "stations",
    params(("id" = String, Path, description = "The station.")),
    responses((status = 200, body = Onboarding), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such station.")))]
async fn follow(
    State(state): State<AppState>,
    principal: Principal,
    Id(id): Id<TwinId>,
    reached: Reached,
) -> Result<Json<Onboarding>, Problem> {
    must_exist(&state, &principal, &id)?;
    show(&state, &principal, &id, &reached).await.map(Json)
}

async fn show(
    state: &AppState,
    principal: &Principal,
    id: &TwinId,
    reached: &Reached,
) -> Result<Onboarding, Problem> {
    let record = state.registry(&principal.tenant).station(id.as_str()).await?;
    let base = reached.ocpp(&principal.tenant);
    let url = format!("{base}/{}", encoded(id.as_str()));
    let settings = settings(&base, &url);
    let has_password = record.is_some_and(|record| record.has_password);
    let missing = || Problem::not_found(format!("there is no station `{id}`"));
    state.runtime.read(&principal.tenant, |graph| {
        let twin = graph.twin(id.as_str()).ok_or_else(missing)?;
        let online = twin.get("online").is_some_and(|online| online.as_bool() == Some(true));
        let boot_status = text(&twin, "boot_status");
        let told = |connector: &&voltwin_graph::TwinRef<'_>| text(connector, "error_code").is_some();
        let connectors = evses(&twin).iter().flat_map(|(_, connectors)| connectors).filter(told).count();
        let (stage, hint) = match (online, boot_status.as_deref(), connectors) {
            (false, ..) => ("waiting", "type URL and password into the station; it has not connected yet"),
            (true, Some("Accepted"), 0) => ("booted", "it has booted; wait for the status of its connectors"),
            (true, Some("Accepted"), _) => ("ready", "it has told the status of its connectors"),
            (true, ..) => ("connected", "it is connected; wait for its boot notification"),
        };
        Ok(Onboarding {
            id: id.to_string(),
            stage,
            hint,
            url,
            url_base: base,
            password: None,
            has_password,
            settings,
            certificate: None,
            online,
            ocpp_version: text(&twin, "ocpp_version"),
            boot_status,
            vendor: text(&twin, "vendor"),
            model: text(&twin, "model"),
            firmware_version: text(&twin, "firmware_version"),
            last_seen: text(&twin, "last_seen"),
            connectors: connectors as u64,
        })
    })
}

fn settings(base: &str, url: &str) -> Vec<OnboardingSetting> {
    let setting = |ocpp_version, name, value: Option<&str>| OnboardingSetting {
        ocpp_version,
        name,
        value: value.map(str::to_owned),
    };
    let profile = if base.starts_with("wss:") { "2" } else { "1" };
    vec![
        setting("1.6", "AuthorizationKey", None),
        setting("1.6", "SecurityProfile", Some(profile)),
        setting("2.0.1", "SecurityCtrlr.BasicAuthPassword", None),
        setting("2.0.1", "NetworkConfiguration.OcppCsmsUrl", Some(base)),
        setting("2.0.1", "NetworkConfiguration.SecurityProfile", Some(profile)),
        setting("2.0.1", "NetworkConfiguration.OcppTransport", Some("JSON")),
        setting("1.6", "central system URL", Some(url)),
    ]
}

/// An identity as a path segment.
fn encoded(id: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    id.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_encoded_as_one_segment() {
        assert_eq!(encoded("ST-01"), "ST-01");
        assert_eq!(encoded("a%b#?"), "a%25b%23%3F");
    }
}
