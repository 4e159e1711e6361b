//! Who asks: a partner, by its token.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{StatusCode as Http, header};
use voltwin_core::{TenantId, Timestamp};
use voltwin_ocpi::{
    BusinessDetails, CiText, CredentialsRole, Endpoint, InterfaceRole, Module, OcpiError, Operator, Role,
    StatusCode, Text, Url, tokens_of,
};
use voltwin_security::PartnerToken;
use voltwin_store::{OcpiParty, OcpiPartyState, OcpiSettings, StoreError, TenantStore};

use super::client::Failure;
use super::envelope::{Refusal, text};
use crate::state::AppState;

/// Who we are, as OCPI writes it.
pub(super) fn operator(settings: &OcpiSettings) -> Result<Operator, OcpiError> {
    Ok(Operator {
        country_code: CiText::new(&settings.country_code)?,
        party_id: CiText::new(&settings.party_id)?,
        business_details: BusinessDetails {
            name: Text::new(&settings.name)?,
            website: settings.website.as_deref().map(Url::new).transpose()?,
        },
    })
}

/// Somebody with a token that is not revoked: registered, or about to be.
pub(super) struct Visitor {
    pub(super) tenant: TenantId,
    pub(super) party: OcpiParty,
    pub(super) settings: OcpiSettings,
    /// The token that was presented.
    pub(super) token: PartnerToken,
}

impl Visitor {
    pub(super) fn registry(&self, state: &AppState) -> TenantStore {
        state.registry(&self.tenant)
    }
}

impl FromRequestParts<AppState> for Visitor {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Refusal> {
        let header =
            text(&parts.headers, header::AUTHORIZATION.as_str()).ok_or_else(Refusal::unauthorized)?;
        for token in tokens_of(header)? {
            let Ok(token) = PartnerToken::parse(&token) else { continue };
            let found = state.runtime.store().find_ocpi_party(&token.hash()).await?;
            let Some((tenant, party)) = found.filter(|(_, party)| party.state != OcpiPartyState::Revoked)
            else {
                continue;
            };
            if let Err(error) = state.runtime.readable(&tenant) {
                return Err(Refusal::new(Http::SERVICE_UNAVAILABLE, StatusCode::SERVER, error.to_string()));
            }
            let settings = state.registry(&tenant).ocpi_settings().await?;
            let settings = settings.ok_or_else(Refusal::unauthorized)?;
            return Ok(Self { tenant, party, settings, token });
        }
        Err(Refusal::unauthorized())
    }
}

/// A registered partner, asking us and nobody else.
pub(super) struct Partner(pub(super) Visitor);

impl FromRequestParts<AppState> for Partner {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Refusal> {
        let visitor = Visitor::from_request_parts(parts, state).await?;
        if visitor.party.state != OcpiPartyState::Registered {
            let why = "the token is one to register with, by POST to the credentials of the version";
            return Err(Refusal::new(Http::UNAUTHORIZED, StatusCode::CLIENT, why));
        }
        let to = |name: &str, ours: &str| match text(&parts.headers, name) {
            Some(theirs) if !theirs.trim().eq_ignore_ascii_case(ours) => Err(Refusal::new(
                Http::BAD_REQUEST,
                StatusCode::INVALID,
                format!("`{name}` is {theirs:?}; we are {ours}"),
            )),
            _ => Ok(()),
        };
        to("ocpi-to-country-code", &visitor.settings.country_code)?;
        to("ocpi-to-party-id", &visitor.settings.party_id)?;
        Ok(Self(visitor))
    }
}

/// Keeps what is said of whether a partner can be reached. An answer about one object, even a refusal, is none of it.
pub(super) async fn note_trouble(
    registry: &TenantStore,
    party: &OcpiParty,
    failure: Option<&Failure>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let why = failure.filter(|failure| !failure.is_final()).map(|failure| failure.text.as_str());
    if why == party.trouble.as_ref().map(|(why, _)| why.as_str()) {
        return Ok(());
    }
    registry.set_ocpi_trouble(&party.id, why, now).await
}

/// The roles of a partner.
pub(super) fn roles(party: &OcpiParty) -> Vec<CredentialsRole> {
    serde_json::from_value(party.roles.clone()).unwrap_or_default()
}

/// Whether a partner may speak for this party: one of its roles is, or it is a hub.
pub(super) fn speaks_for(party: &OcpiParty, country_code: &str, party_id: &str) -> bool {
    roles(party).iter().any(|role| {
        role.role == Role::Hub || (role.country_code.is(country_code) && role.party_id.is(party_id))
    })
}

/// Where a partner has a module.
pub(super) fn endpoint(party: &OcpiParty, module: &Module, role: &InterfaceRole) -> Option<Url> {
    let endpoints: Vec<Endpoint> = serde_json::from_value(party.endpoints.clone()).ok()?;
    endpoints.into_iter().find(|e| e.identifier == *module && e.role == *role).map(|e| e.url)
}
