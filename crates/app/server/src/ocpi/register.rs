//! Versions and credentials: how partners and we come to know each other.

use axum::extract::State;
use axum::http::StatusCode as Http;
use reqwest::Method;
use serde_json::Value as Json;
use voltwin_core::TenantId;
use voltwin_ocpi::{
    Credentials, CredentialsRole, Endpoint, InterfaceRole, Module, OcpiError, Role, StatusCode, Text, Url,
    VERSION, Version, VersionDetails, read,
};
use voltwin_security::{PartnerToken, Secret, SecurityError};
use voltwin_store::{OcpiParty, OcpiPartyState, OcpiSettings, StoreError};

use super::client::{Client, Failure, needed};
use super::envelope::{Body, Refusal, Success};
use super::partner::{Visitor, endpoint, operator};
use crate::state::AppState;

/// The modules that we have, and on which side of them we are.
const MODULES: [(Module, InterfaceRole); 9] = [
    (Module::Credentials, InterfaceRole::Receiver),
    (Module::Locations, InterfaceRole::Sender),
    (Module::Sessions, InterfaceRole::Sender),
    (Module::Cdrs, InterfaceRole::Sender),
    (Module::Tariffs, InterfaceRole::Sender),
    (Module::Tokens, InterfaceRole::Receiver),
    (Module::Commands, InterfaceRole::Receiver),
    (Module::ChargingProfiles, InterfaceRole::Receiver),
    (Module::HubClientInfo, InterfaceRole::Receiver),
];

/// Why we could not register with a partner.
#[derive(Debug)]
pub(crate) enum Failed {
    /// The partner did not answer as it should.
    Partner(Failure),
    /// It speaks another version.
    Version,
    /// We could not write it down.
    Store(StoreError),
    /// Our own settings or randomness.
    Own(String),
}

impl From<Failure> for Failed {
    fn from(failure: Failure) -> Self {
        Self::Partner(failure)
    }
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<OcpiError> for Failed {
    fn from(error: OcpiError) -> Self {
        Self::Own(error.to_string())
    }
}

impl From<SecurityError> for Failed {
    fn from(error: SecurityError) -> Self {
        Self::Own(error.to_string())
    }
}

impl From<Failed> for Refusal {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Partner(failure) => Self::new(Http::OK, StatusCode::CLIENT_API, failure.text),
            Failed::Version => {
                Self::new(Http::OK, StatusCode::VERSION, format!("only {VERSION} is spoken here"))
            }
            Failed::Store(error) => error.into(),
            Failed::Own(text) => {
                tracing::error!(text, "a partner could not register");
                Self::new(
                    Http::INTERNAL_SERVER_ERROR,
                    StatusCode::SERVER,
                    "this cannot be done at the moment",
                )
            }
        }
    }
}

/// Where something of ours is.
pub(super) fn our_url(settings: &OcpiSettings, path: &str) -> Result<Url, OcpiError> {
    Url::new(&format!("{}/ocpi/{path}", settings.url.trim_end_matches('/')))
}

fn credentials(settings: &OcpiSettings, token: &Secret) -> Result<Credentials, OcpiError> {
    let us = operator(settings)?;
    Ok(Credentials {
        token: Text::new(token.expose())?,
        url: our_url(settings, "versions")?,
        roles: vec![CredentialsRole {
            role: Role::Cpo,
            business_details: us.business_details,
            party_id: us.party_id,
            country_code: us.country_code,
        }],
    })
}

pub(super) async fn versions(visitor: Visitor) -> Result<Success<Vec<Version>>, Refusal> {
    let url = our_url(&visitor.settings, VERSION)?;
    Ok(Success(vec![Version { version: Text::fitted(VERSION), url }]))
}

pub(super) async fn details(visitor: Visitor) -> Result<Success<VersionDetails>, Refusal> {
    let endpoint = |(module, role): (Module, InterfaceRole)| {
        let url = our_url(&visitor.settings, &format!("{VERSION}/{}", module.as_str()))?;
        Ok(Endpoint { identifier: module, role, url })
    };
    let endpoints = MODULES.into_iter().map(endpoint).collect::<Result<Vec<_>, OcpiError>>()?;
    Ok(Success(VersionDetails { version: Text::fitted(VERSION), endpoints }))
}

pub(super) async fn show(visitor: Visitor) -> Result<Success<Credentials>, Refusal> {
    Ok(Success(credentials(&visitor.settings, &visitor.token.reveal())?))
}

/// A partner registers with the token that it was invited with.
pub(super) async fn post(
    State(state): State<AppState>,
    visitor: Visitor,
    Body(body): Body,
) -> Result<Success<Credentials>, Refusal> {
    if visitor.party.state != OcpiPartyState::Invited {
        return Err(Refusal::method("you are registered; change your credentials with PUT"));
    }
    take(&state, visitor, &body, "ocpi.party.register").await
}

/// A registered partner changes its credentials, and gets new ones of ours.
pub(super) async fn put(
    State(state): State<AppState>,
    visitor: Visitor,
    Body(body): Body,
) -> Result<Success<Credentials>, Refusal> {
    if visitor.party.state != OcpiPartyState::Registered {
        return Err(Refusal::method("you are not registered; send your credentials with POST"));
    }
    take(&state, visitor, &body, "ocpi.party.rotate").await
}

async fn take(
    state: &AppState,
    visitor: Visitor,
    body: &[u8],
    action: &'static str,
) -> Result<Success<Credentials>, Refusal> {
    let theirs: Credentials = read(body)?;
    theirs.check()?;
    let token_out = Secret::new(theirs.token.as_str());
    let endpoints = discover(&state.ocpi.client, theirs.url.as_str(), &token_out).await?;
    let ours = PartnerToken::generate().map_err(Failed::from)?;
    let registry = visitor.registry(state);
    let party = OcpiParty {
        state: OcpiPartyState::Registered,
        token_in: Some(ours.hash()),
        token_out: Some(token_out),
        url: Some(theirs.url.as_str().to_owned()),
        roles: serde_json::to_value(&theirs.roles)?,
        endpoints: serde_json::to_value(&endpoints)?,
        changed_at: state.runtime.now(),
        ..visitor.party
    };
    registry.put_ocpi_party(&party, (&party.id, action)).await?;
    state.ocpi.changed.notify_one();
    Ok(Success(credentials(&visitor.settings, &ours.reveal())?))
}

/// A partner leaves.
pub(super) async fn delete(
    State(state): State<AppState>,
    visitor: Visitor,
) -> Result<Success<Option<Json>>, Refusal> {
    if visitor.party.state != OcpiPartyState::Registered {
        return Err(Refusal::method("you are not registered"));
    }
    let id = visitor.party.id.clone();
    revoke(&state, &visitor.tenant, visitor.party, &id).await?;
    Ok(Success(None))
}

async fn revoke(state: &AppState, tenant: &TenantId, party: OcpiParty, by: &str) -> Result<(), StoreError> {
    let registry = state.registry(tenant);
    let party = OcpiParty {
        state: OcpiPartyState::Revoked,
        token_in: None,
        token_out: None,
        changed_at: state.runtime.now(),
        ..party
    };
    registry.put_ocpi_party(&party, (by, "ocpi.party.revoke")).await?;
    registry.ocpi_retry(&party.id, true, state.runtime.now()).await?;
    state.ocpi.changed.notify_one();
    Ok(())
}

/// The endpoints of a partner, by way of its versions.
async fn discover(client: &Client, url: &str, token: &Secret) -> Result<Vec<Endpoint>, Failed> {
    let versions: Vec<Version> = client.get(url, token).await?;
    let version = versions.into_iter().find(|v| v.version.as_str() == VERSION).ok_or(Failed::Version)?;
    let details: VersionDetails = client.get(version.url.as_str(), token).await?;
    Ok(details.endpoints)
}

/// We register with a partner that gave us its address and a token.
pub(crate) async fn register(
    state: &AppState,
    tenant: &TenantId,
    settings: &OcpiSettings,
    party: OcpiParty,
    by: &str,
) -> Result<OcpiParty, Failed> {
    let (Some(url), Some(token_a)) = (party.url.clone(), party.token_out.clone()) else {
        return Err(Failed::Own("there is no address or no token".to_owned()));
    };
    let client = &state.ocpi.client;
    let endpoints = discover(client, &url, &token_a).await?;
    let ours = PartnerToken::generate()?;
    let registry = state.registry(tenant);
    let party = OcpiParty {
        state: OcpiPartyState::Registering,
        token_in: Some(ours.hash()),
        endpoints: serde_json::to_value(&endpoints).unwrap_or_default(),
        ..party
    };
    // the partner reads our versions with the token before it answers
    registry.put_ocpi_party(&party, (by, "ocpi.party.add")).await?;
    let handed = async {
        let missing = || Failed::Own("the partner has no credentials endpoint".to_owned());
        let place = credentials_endpoint(&endpoints).ok_or_else(missing)?;
        let body = credentials(settings, &ours.reveal())?;
        let answer = client.send(Method::POST, place.as_str(), &token_a, None, Some(&body)).await?;
        let theirs: Credentials = needed(answer)?;
        theirs.check().map_err(|error| Failed::Partner(error.into()))?;
        Ok::<_, Failed>(theirs)
    };
    let theirs = match handed.await {
        Ok(theirs) => theirs,
        Err(failed) => {
            let gone = OcpiParty { state: OcpiPartyState::Revoked, token_in: None, token_out: None, ..party };
            registry.put_ocpi_party(&gone, (by, "ocpi.party.revoke")).await?;
            return Err(failed);
        }
    };
    let party = OcpiParty {
        state: OcpiPartyState::Registered,
        token_out: Some(Secret::new(theirs.token.as_str())),
        url: Some(theirs.url.as_str().to_owned()),
        roles: serde_json::to_value(&theirs.roles).unwrap_or_default(),
        changed_at: state.runtime.now(),
        ..party
    };
    registry.put_ocpi_party(&party, (by, "ocpi.party.register")).await?;
    state.ocpi.changed.notify_one();
    Ok(party)
}

fn credentials_endpoint(endpoints: &[Endpoint]) -> Option<&Url> {
    endpoints.iter().find(|e| e.identifier == Module::Credentials).map(|e| &e.url)
}

/// We leave a partner: it is told, if it can be, and its tokens end either way.
pub(crate) async fn leave(
    state: &AppState,
    tenant: &TenantId,
    party: OcpiParty,
    by: &str,
) -> Result<(), StoreError> {
    let place = endpoint(&party, &Module::Credentials, &InterfaceRole::Receiver)
        .or_else(|| endpoint(&party, &Module::Credentials, &InterfaceRole::Sender));
    if let (OcpiPartyState::Registered, Some(token), Some(place)) = (party.state, &party.token_out, place)
        && let Err(failure) =
            state.ocpi.client.send(Method::DELETE, place.as_str(), token, None, None::<&()>).await
    {
        tracing::info!(party = party.id, %failure, "a partner could not be told that we leave");
    }
    revoke(state, tenant, party, by).await
}
