//! How a station must come: its security profile, its password in rotation, its certificates.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use voltwin_core::{Timestamp, TwinId};
use voltwin_csms::{Rotation, Upgrade, UpgradeRequest};
use voltwin_security::Permission;

use crate::auth::{Guard, Principal};
use crate::http::{Id, Json, Problem};
use crate::state::AppState;

/// The most certificates of a station that are shown.
const CERTIFICATES_MAX: usize = 100;
/// A station has half a minute to answer.
const ROTATION_WITHIN: std::time::Duration = std::time::Duration::from_secs(45);

/// An upgrade takes up to four messages.
const UPGRADE_WITHIN: std::time::Duration = std::time::Duration::from_secs(150);
/// The longest address that OCPP 2.0.1 carries.
const URL_CHARS_MAX: usize = 512;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(Guard::needs(Permission::ManageStations).on(routes!(security)))
        .routes(Guard::needs(Permission::ManageStations).on(routes!(set_profile)))
        .routes(Guard::needs(Permission::ManageStations).timeout(ROTATION_WITHIN).on(routes!(rotate)))
        .routes(Guard::needs(Permission::ManageStations).timeout(UPGRADE_WITHIN).on(routes!(upgrade)))
}

/// How a station must come.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StationSecurity {
    station: String,
    /// OCPP security profile: 0 = its name, 1 = password, 2 = password over TLS, 3 = client certificate.
    #[schema(minimum = 0, maximum = 3)]
    profile: u8,
    /// The profile that takes over once the station has come with it.
    #[schema(minimum = 2, maximum = 3)]
    next_profile: Option<u8>,
    has_password: bool,
    /// Since when a new password waits for the station to come with it; both count until then.
    #[schema(value_type = Option<String>, format = DateTime)]
    rotating_since: Option<Timestamp>,
    /// Certificates that were issued for it, at most 100.
    certificates: Vec<IssuedCertificate>,
}

/// A certificate that was issued for a station, or that an outside authority issued and the station came with.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IssuedCertificate {
    station: String,
    /// Hexadecimal.
    serial: String,
    /// SHA-256, hexadecimal.
    fingerprint: String,
    #[schema(value_type = String, format = DateTime)]
    not_after: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    issued_at: Timestamp,
    issued_by: String,
    #[schema(value_type = Option<String>, format = DateTime)]
    revoked_at: Option<Timestamp>,
}

impl From<voltwin_store::CertificateRecord> for IssuedCertificate {
    fn from(certificate: voltwin_store::CertificateRecord) -> Self {
        Self {
            station: certificate.station,
            serial: certificate.serial,
            fingerprint: certificate.fingerprint,
            not_after: certificate.not_after,
            issued_at: certificate.issued_at,
            issued_by: certificate.issued_by,
            revoked_at: certificate.revoked_at,
        }
    }
}

/// How a station must come, and what it may prove itself with.
#[utoipa::path(get, path = "/stations/{id}/security", tag = "stations",
    params(("id" = String, Path, description = "The station.")),
    responses((status = 200, body = StationSecurity), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such station.")))]
async fn security(
    State(state): State<AppState>,
    principal: Principal,
    Id(id): Id<TwinId>,
) -> Result<Json<StationSecurity>, Problem> {
    shown(&state, &principal, &id).await.map(Json)
}

async fn shown(state: &AppState, principal: &Principal, id: &TwinId) -> Result<StationSecurity, Problem> {
    let registry = state.registry(&principal.tenant);
    let station = registry.station(id.as_str()).await?;
    let station = station.ok_or_else(|| Problem::not_found(format!("there is no station `{id}`")))?;
    let security = registry.station_security(id.as_str()).await?;
    let certificates = registry.certificates(Some(id.as_str()), None, CERTIFICATES_MAX).await?.items;
    Ok(StationSecurity {
        station: station.station,
        profile: security.profile,
        next_profile: security.next_profile,
        has_password: station.has_password,
        rotating_since: security.next_since,
        certificates: certificates.into_iter().map(IssuedCertificate::from).collect(),
    })
}

/// How a station must come from now on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewProfile {
    /// OCPP security profile, never lower than it is; lowering is for the command line alone.
    #[schema(minimum = 1, maximum = 3)]
    profile: u8,
}

/// Raise the security profile of a station. It counts at its next connection.
#[utoipa::path(put, path = "/stations/{id}/security", tag = "stations", request_body = NewProfile,
    params(("id" = String, Path, description = "The station.")),
    responses((status = 200, body = StationSecurity), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such station.")))]
async fn set_profile(
    State(state): State<AppState>,
    principal: Principal,
    Id(id): Id<TwinId>,
    Json(body): Json<NewProfile>,
) -> Result<Json<StationSecurity>, Problem> {
    let now = shown(&state, &principal, &id).await?.profile;
    if !(now.max(1)..=3).contains(&body.profile) {
        let detail = format!("`profile` is {}; it must be {} to 3", body.profile, now.max(1));
        return Err(Problem::field("profile", detail).limit(3));
    }
    let registry = state.registry(&principal.tenant);
    registry.set_station_profile(id.as_str(), body.profile, &principal.name, state.runtime.now()).await?;
    shown(&state, &principal, &id).await.map(Json)
}

/// A higher security profile, and where to come with it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewUpgrade {
    /// 2 or 3, above the one that the station has.
    #[schema(minimum = 2, maximum = 3)]
    profile: u8,
    /// Where a station of OCPP 2.x is to connect, without its identity; the public address of this server when left
    /// out.
    #[schema(example = "wss://csms.example/ocpp")]
    url: Option<String>,
}

/// What became of the order to come with a higher profile.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UpgradeOutcome {
    /// `ordered`: the station will come with it, and until then the lower one counts; `refused`: nothing has changed.
    #[schema(example = "ordered")]
    outcome: &'static str,
    /// The message that the station did not take.
    action: Option<String>,
    /// What it said.
    reason: Option<String>,
}

/// Tell a connected station to come with a higher security profile. It is held to it once it has come with it.
#[utoipa::path(post, path = "/stations/{id}/security/upgrade", tag = "stations", request_body = NewUpgrade,
    params(("id" = String, Path, description = "The station.")),
    responses((status = 200, body = UpgradeOutcome),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "No such station."),
        (status = 409, body = Problem, content_type = "application/problem+json",
            description = "It has that profile already, or no certificate for profile 3.")))]
async fn upgrade(
    State(state): State<AppState>,
    principal: Principal,
    Id(id): Id<TwinId>,
    Json(body): Json<NewUpgrade>,
) -> Result<Json<UpgradeOutcome>, Problem> {
    if !(2..=3).contains(&body.profile) {
        return Err(
            Problem::field("profile", format!("`profile` is {}; it must be 2 or 3", body.profile)).limit(3)
        );
    }
    if body.url.as_ref().is_some_and(|url| !url.starts_with("wss://") || url.len() > URL_CHARS_MAX) {
        let detail = format!("`url` must begin with wss:// and have at most {URL_CHARS_MAX} characters");
        return Err(Problem::field("url", detail).limit(URL_CHARS_MAX));
    }
    let ours =
        || Some(format!("wss://{}/ocpp", state.config.public_url.as_deref()?.strip_prefix("https://")?));
    let wanted = UpgradeRequest { profile: body.profile, url: body.url.or_else(ours) };
    let upgrade = state.csms.upgrade_profile(&principal.tenant, &id, &wanted, &principal.name).await?;
    Ok(Json(match upgrade {
        Upgrade::Ordered => UpgradeOutcome { outcome: "ordered", action: None, reason: None },
        Upgrade::Refused { action, reason } => {
            UpgradeOutcome { outcome: "refused", action: Some(action), reason: Some(reason) }
        }
    }))
}

/// What became of a new password.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RotationOutcome {
    /// `taken`: both passwords count until the station has come with the new one; `refused`: only the old one counts;
    /// `unanswered`: both count.
    #[schema(example = "taken")]
    outcome: &'static str,
}

/// Give a connected station a new password over its own connection. Nobody else sees it.
#[utoipa::path(post, path = "/stations/{id}/credentials/rotate", tag = "stations",
    params(("id" = String, Path, description = "The station.")),
    responses((status = 200, body = RotationOutcome), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such station.")))]
async fn rotate(
    State(state): State<AppState>,
    principal: Principal,
    Id(id): Id<TwinId>,
) -> Result<Json<RotationOutcome>, Problem> {
    let outcome = match state.csms.rotate_password(&principal.tenant, &id, &principal.name).await? {
        Rotation::Taken => "taken",
        Rotation::Refused => "refused",
        Rotation::Unanswered => "unanswered",
    };
    Ok(Json(RotationOutcome { outcome }))
}
