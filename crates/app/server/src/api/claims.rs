//! Stations that knocked and are not known.

use axum::extract::Path;
use axum::extract::State;
use axum::extract::rejection::PathRejection;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use voltwin_core::{Timestamp, TwinId};
use voltwin_security::{PasswordHash, Permission};

use super::stations::{StationWithPassword, checked_name, ensure_twin, with_password};
use crate::auth::{Guard, Principal};
use crate::http::{Json, Page, PageQuery, Problem, Query, Trace};
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(Guard::needs(Permission::Read).on(routes!(list)))
        .routes(Guard::needs(Permission::ManageStations).on(routes!(accept)))
        .routes(Guard::needs(Permission::ManageStations).on(routes!(dismiss)))
}

/// A station that knocked and is not known.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Claim {
    /// Its number within the tenant.
    id: String,
    /// The identity that it used.
    station: String,
    /// The network address that it came from.
    address: String,
    /// The OCPP subprotocol that it offered.
    #[schema(example = "ocpp2.0.1")]
    protocol: String,
    #[schema(value_type = String, format = DateTime)]
    first_seen: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    last_seen: Timestamp,
    /// How often it came.
    attempts: i64,
    /// Whether it brought a password, which accepting it would confirm.
    has_password: bool,
}

/// Stations that wait to be accepted.
#[utoipa::path(get, path = "/claims", tag = "claims", params(PageQuery),
    responses((status = 200, body = Page<Claim>)))]
async fn list(
    State(state): State<AppState>,
    principal: Principal,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Claim>>, Problem> {
    let limit = query.limit.get()?;
    let page = state.registry(&principal.tenant).claims(query.cursor.as_deref(), limit).await?;
    Ok(Json(Page::from_store(page, |record| Claim {
        id: record.id.to_string(),
        station: record.station,
        address: record.address,
        protocol: record.protocol,
        first_seen: record.first_seen,
        last_seen: record.last_seen,
        attempts: record.attempts,
        has_password: record.has_password,
    })))
}

/// How to take the station in.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Acceptance {
    /// What people call it, 1 to 200 characters; its id when left out.
    name: Option<String>,
}

fn number(id: Result<Path<i64>, PathRejection>) -> Result<i64, Problem> {
    id.map(|Path(id)| id).map_err(|_| Problem::field("id", "the id of a claim is a whole number"))
}

/// Take the station in. It keeps the password that it knocked with; one that brought none gets a new one, which is
/// shown this once.
#[utoipa::path(post, path = "/claims/{id}/accept", tag = "claims", request_body = Acceptance,
    params(("id" = String, Path, description = "The claim.")),
    responses((status = 201, body = StationWithPassword), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such claim."),
        (status = 409, body = Problem, content_type = "application/problem+json",
        description = "The station is known already.")))]
async fn accept(
    State(state): State<AppState>,
    principal: Principal,
    trace: Trace,
    id: Result<Path<i64>, PathRejection>,
    Json(body): Json<Acceptance>,
) -> Result<(StatusCode, Json<StationWithPassword>), Problem> {
    let id = number(id)?;
    let registry = state.registry(&principal.tenant);
    let claim = registry.claim(id).await?;
    let claim = claim.ok_or_else(|| Problem::not_found(format!("there is no claim {id}")))?;
    let station = TwinId::new(&claim.station)?;
    let name = checked_name(body.name, &station)?;
    let (hash, password) = match claim.password_hash {
        Some(hash) => (hash, None),
        None => {
            let (password, hash) = PasswordHash::generate()?;
            (hash, Some(password))
        }
    };
    let now = state.runtime.now();
    registry.add_station(station.as_str(), &name, Some(&hash), &principal.name, now).await?;
    ensure_twin(&state, &principal.tenant, &station, &name, std::iter::empty(), trace).await?;
    registry.remove_claim(id).await?;
    let answer = with_password(&state, &principal.tenant, &station, password.as_ref()).await?;
    Ok((StatusCode::CREATED, Json(answer)))
}

/// Forget the claim; a station that goes on knocking makes a new one.
#[utoipa::path(delete, path = "/claims/{id}", tag = "claims",
    params(("id" = String, Path, description = "The claim.")),
    responses((status = 204), (status = 404, body = Problem, content_type = "application/problem+json",
        description = "No such claim.")))]
async fn dismiss(
    State(state): State<AppState>,
    principal: Principal,
    id: Result<Path<i64>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let id = number(id)?;
    let registry = state.registry(&principal.tenant);
    if registry.claim(id).await?.is_none() {
        return Err(Problem::not_found(format!("there is no claim {id}")));
    }
    registry.remove_claim(id).await?;
    Ok(StatusCode::NO_CONTENT)
}
