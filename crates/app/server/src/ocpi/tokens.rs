//! Tokens that partners tell us.

use axum::extract::{Path, RawQuery, State};
use serde_json::{Map, Value as Json};
use voltwin_ocpi::{OcpiError, Token, TokenType, read};
use voltwin_store::OcpiToken;

use super::envelope::{Body, Refusal, Success};
use super::partner::{Partner, Visitor, speaks_for};
use crate::state::AppState;

type Key = Path<(String, String, String)>;

/// The kind of token that a query asks for; RFID when it does not say.
fn kind(query: Option<&str>) -> TokenType {
    let named = query.unwrap_or_default().split('&').find_map(|pair| pair.strip_prefix("type="));
    named.map_or(TokenType::Rfid, TokenType::from)
}

pub(super) fn named(field: &str, path: &str, body: &str) -> Result<(), OcpiError> {
    if path.eq_ignore_ascii_case(body) {
        return Ok(());
    }
    Err(OcpiError::field(field, format!("is {body:?} in the body and {path:?} in the path")))
}

async fn find(
    state: &AppState,
    partner: &Visitor,
    uid: &str,
    kind: &TokenType,
) -> Result<Option<(OcpiToken, Token)>, Refusal> {
    let all = partner.registry(state).ocpi_tokens(uid).await?;
    let found = all.into_iter().find(|token| token.party == partner.party.id && token.kind == kind.as_str());
    let Some(found) = found else { return Ok(None) };
    let token = serde_json::from_value(found.body.clone())?;
    Ok(Some((found, token)))
}

/// Keeps a token of a partner.
pub(super) async fn keep(state: &AppState, partner: &Visitor, token: &Token) -> Result<(), Refusal> {
    if !speaks_for(&partner.party, token.country_code.as_str(), token.party_id.as_str()) {
        let ours = format!("{}*{}", token.country_code, token.party_id);
        return Err(OcpiError::field("party_id", format!("you do not speak for {ours}")).into());
    }
    let record = OcpiToken {
        party: partner.party.id.clone(),
        kind: token.kind.as_str().to_owned(),
        uid: token.uid.as_str().to_owned(),
        last_updated: token.last_updated.0,
        body: serde_json::to_value(token)?,
    };
    Ok(partner.registry(state).put_ocpi_token(&record).await?)
}

pub(super) async fn put(
    State(state): State<AppState>,
    Partner(partner): Partner,
    Path((country, party, uid)): Key,
    RawQuery(query): RawQuery,
    Body(body): Body,
) -> Result<Success<Option<Json>>, Refusal> {
    let token: Token = read(&body)?;
    named("country_code", &country, token.country_code.as_str())?;
    named("party_id", &party, token.party_id.as_str())?;
    named("uid", &uid, token.uid.as_str())?;
    if query.as_deref().is_some_and(|query| query.contains("type=")) {
        named("type", kind(query.as_deref()).as_str(), token.kind.as_str())?;
    }
    keep(&state, &partner, &token).await?;
    Ok(Success(None))
}

pub(super) async fn patch(
    State(state): State<AppState>,
    Partner(partner): Partner,
    Path((_, _, uid)): Key,
    RawQuery(query): RawQuery,
    Body(body): Body,
) -> Result<Success<Option<Json>>, Refusal> {
    let patch: Map<String, Json> = read(&body)?;
    let found = find(&state, &partner, &uid, &kind(query.as_deref())).await?;
    let (_, token) = found.ok_or_else(|| Refusal::missing("token", &uid))?;
    keep(&state, &partner, &token.patched(&patch)?).await?;
    Ok(Success(None))
}

pub(super) async fn get(
    State(state): State<AppState>,
    Partner(partner): Partner,
    Path((_, _, uid)): Key,
    RawQuery(query): RawQuery,
) -> Result<Success<Token>, Refusal> {
    let found = find(&state, &partner, &uid, &kind(query.as_deref())).await?;
    found.map(|(_, token)| Success(token)).ok_or_else(|| Refusal::missing("token", &uid))
}
