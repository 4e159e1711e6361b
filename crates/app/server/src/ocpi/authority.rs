//! Whether a driver of a partner may charge.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use reqwest::Method;
use voltwin_core::{TenantId, TwinId};
use voltwin_csms::{PartnerAnswer, PartnerTokens};
use voltwin_ocpi::{
    Allowed, AuthMethod, AuthorizationInfo, InterfaceRole, LocationReferences, Module, Token, Whitelist,
    encode_segment, location_id,
};
use voltwin_ocpp::TokenStatus;
use voltwin_runtime::Runtime;
use voltwin_store::{OcpiGrant, OcpiParty, OcpiPartyState};

use super::client::{Client, Failure, Route, needed};
use super::find::site_of;
use super::partner::{endpoint, note_trouble, operator, roles};

/// How long an answer of a partner holds: the station asks again when the transaction starts.
const REMEMBERED: Duration = Duration::from_secs(30);
/// Answers that are remembered.
const REMEMBERED_MAX: usize = 10_000;
/// How long a station waits for a partner.
const PATIENCE: Duration = Duration::from_secs(5);

type Answers = HashMap<(TenantId, String), (Instant, TokenStatus)>;

/// Asks the tokens that partners told us, and where they want it the partners themselves.
pub(crate) struct Authority {
    runtime: Runtime,
    client: Client,
    answers: Arc<Mutex<Answers>>,
}

impl Authority {
    pub(crate) fn new(runtime: Runtime, client: Client) -> Self {
        Self { runtime, client, answers: Arc::default() }
    }

    async fn decide(&self, tenant: &TenantId, station: &TwinId, id_token: &str) -> Option<TokenStatus> {
        let key = (tenant.clone(), id_token.to_ascii_lowercase());
        let earlier = self.answers.lock().get(&key).copied();
        if let Some((_, status)) = earlier.filter(|(at, _)| at.elapsed() < REMEMBERED) {
            return Some(status);
        }
        let (token, party) = self.known(tenant, id_token).await?;
        if !token.valid {
            return Some(TokenStatus::Blocked);
        }
        if matches!(token.whitelist, Whitelist::Always | Whitelist::Allowed) {
            return Some(TokenStatus::Accepted);
        }
        let asked = tokio::time::timeout(PATIENCE, self.ask(tenant, station, &token, &party)).await;
        match asked {
            Ok(Ok(status)) => {
                let mut answers = self.answers.lock();
                if answers.len() >= REMEMBERED_MAX {
                    answers.retain(|_, (at, _)| at.elapsed() < REMEMBERED);
                }
                if answers.len() < REMEMBERED_MAX {
                    answers.insert(key, (Instant::now(), status));
                }
                Some(status)
            }
            failed => {
                let reason = match failed {
                    Ok(Err(failure)) => failure.text,
                    _ => format!("no answer within {} s", PATIENCE.as_secs()),
                };
                tracing::warn!(party = party.id, reason, "a partner could not be asked about its token");
                let offline = token.whitelist == Whitelist::AllowedOffline;
                Some(if offline { TokenStatus::Accepted } else { TokenStatus::Invalid })
            }
        }
    }

    /// The newest token of this uid whose partner is still one.
    async fn known(&self, tenant: &TenantId, id_token: &str) -> Option<(Token, OcpiParty)> {
        let registry = self.runtime.store().tenant(tenant);
        let tokens = match registry.ocpi_tokens(id_token).await {
            Ok(tokens) => tokens,
            Err(error) => {
                tracing::error!(%error, "the tokens of partners cannot be read");
                return None;
            }
        };
        for record in tokens {
            let party = registry.ocpi_party(&record.party).await.ok().flatten();
            let party = party.filter(|party| party.state == OcpiPartyState::Registered);
            if let (Some(party), Ok(token)) = (party, serde_json::from_value(record.body)) {
                return Some((token, party));
            }
        }
        None
    }

    async fn ask(
        &self,
        tenant: &TenantId,
        station: &TwinId,
        token: &Token,
        party: &OcpiParty,
    ) -> Result<TokenStatus, Failure> {
        let none = |text: &str| Failure { http: None, code: None, text: text.to_owned() };
        let registry = self.runtime.store().tenant(tenant);
        let settings = registry.ocpi_settings().await.map_err(|error| none(&error.to_string()))?;
        let settings = settings.ok_or_else(|| none("there are no settings"))?;
        let us = operator(&settings)?;
        let place = endpoint(party, &Module::Tokens, &InterfaceRole::Sender);
        let place = place.ok_or_else(|| none("the partner has no tokens endpoint"))?;
        let secret = party.token_out.as_ref().ok_or_else(|| none("there is no token for the partner"))?;
        let url = place.below(&[token.uid.as_str(), "authorize"]);
        let url = format!("{url}?type={}", encode_segment(token.kind.as_str()));
        let location = self.runtime.read(tenant, |graph| {
            let site = site_of(graph, graph.twin(station.as_str())?)?;
            Some(LocationReferences { location_id: location_id(site.id().as_str()), evse_uids: Vec::new() })
        });
        let theirs = roles(party).into_iter().next();
        let to = theirs.as_ref().map(|role| (role.country_code.as_str(), role.party_id.as_str()));
        let route = to.map(|to| Route { from: &us, to });
        let answer = self.client.send(Method::POST, &url, secret, route, location.as_ref()).await;
        if let Err(error) = note_trouble(&registry, party, answer.as_ref().err(), self.runtime.now()).await {
            tracing::warn!(%error, party = party.id, "what a partner's state says may be old");
        }
        let info: AuthorizationInfo = needed(answer?)?;
        let grant = OcpiGrant {
            method: AuthMethod::AuthRequest.as_str().to_owned(),
            reference: info.authorization_reference.map(|reference| reference.as_str().to_owned()),
            at: self.runtime.now(),
        };
        if let Err(error) = registry.put_ocpi_grant(token.uid.as_str(), &grant).await {
            tracing::error!(%error, "an authorisation was not written down");
        }
        Ok(match info.allowed {
            Allowed::Allowed => TokenStatus::Accepted,
            Allowed::Blocked => TokenStatus::Blocked,
            Allowed::Expired => TokenStatus::Expired,
            Allowed::NoCredit => TokenStatus::NoCredit,
            Allowed::NotAllowed | Allowed::Other(_) => TokenStatus::Invalid,
        })
    }
}

impl PartnerTokens for Authority {
    fn status<'a>(
        &'a self,
        tenant: &'a TenantId,
        station: &'a TwinId,
        id_token: &'a str,
    ) -> PartnerAnswer<'a> {
        Box::pin(self.decide(tenant, station, id_token))
    }
}
