//! The certificates of all stations: what was issued, what ends, and taking one back.

use axum::extract::{Path, State};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};
use voltwin_core::TwinId;
use voltwin_security::Permission;

use super::commands::Command;
use super::security::IssuedCertificate;
use crate::auth::{Guard, Principal};
use crate::http::{Id, Json, Page, PageLimit, Problem, Query};
use crate::state::AppState;

/// A station has half a minute to answer.
const RENEWAL_WITHIN: std::time::Duration = std::time::Duration::from_secs(45);
const ANSWER_WITHIN: std::time::Duration = std::time::Duration::from_secs(35);

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(Guard::needs(Permission::ManageStations).on(routes!(list)))
        .routes(Guard::needs(Permission::ManageStations).on(routes!(revoke)))
        .routes(Guard::needs(Permission::ManageStations).timeout(RENEWAL_WITHIN).on(routes!(renew)))
}

/// Which certificates.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct CertificateQuery {
    /// Only those of this station.
    station: Option<String>,
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 500, default = 100)]
    limit: PageLimit,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// Certificates of stations, by fingerprint.
#[utoipa::path(get, path = "/certificates", tag = "stations", params(CertificateQuery),
    responses((status = 200, body = Page<IssuedCertificate>)))]
async fn list(
    State(state): State<AppState>,
    principal: Principal,
    Query(query): Query<CertificateQuery>,
) -> Result<Json<Page<IssuedCertificate>>, Problem> {
    let limit = query.limit.get()?;
    let registry = state.registry(&principal.tenant);
    let page = registry.certificates(query.station.as_deref(), query.cursor.as_deref(), limit).await?;
    Ok(Json(Page::from_store(page, IssuedCertificate::from)))
}

/// Take a certificate back. Counts at the next connection of its station.
#[utoipa::path(post, path = "/certificates/{fingerprint}/revoke", tag = "stations",
    params(("fingerprint" = String, Path, description = "SHA-256 of the certificate, hexadecimal.")),
    responses((status = 200, body = IssuedCertificate), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such certificate.")))]
async fn revoke(
    State(state): State<AppState>,
    principal: Principal,
    Path(fingerprint): Path<String>,
) -> Result<Json<IssuedCertificate>, Problem> {
    let registry = state.registry(&principal.tenant);
    let fingerprint = fingerprint.to_ascii_lowercase();
    let missing = || Problem::not_found(format!("there is no certificate `{fingerprint}`"));
    registry.certificate(&fingerprint).await?.ok_or_else(missing)?;
    registry.revoke_certificate(&fingerprint, &principal.name, state.runtime.now()).await?;
    registry.certificate(&fingerprint).await?.map(|found| Json(found.into())).ok_or_else(missing)
}

/// Let a connected station ask for a new certificate. The answer is how it took the question; what becomes of the
/// certificate is the record `certificate` / `request` of the station.
#[utoipa::path(post, path = "/stations/{id}/certificates/renew", tag = "stations",
    params(("id" = String, Path, description = "The station.")),
    responses((status = 200, body = Command),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "No such station."),
        (status = 409, body = Problem, content_type = "application/problem+json",
            description = "Nobody signs certificates here.")))]
async fn renew(
    State(state): State<AppState>,
    principal: Principal,
    Id(id): Id<TwinId>,
) -> Result<Json<Command>, Problem> {
    let asked = state.csms.renew_certificate(&principal.tenant, &id, &principal.name, ANSWER_WITHIN).await?;
    Ok(Json(asked.into()))
}
