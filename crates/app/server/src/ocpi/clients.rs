//! What a hub tells of the parties that are connected to it.

use axum::extract::{Path, State};
use axum::http::StatusCode as Http;
use serde_json::Value as Json;
use voltwin_core::{TenantId, Timestamp};
use voltwin_ocpi::{ClientInfo, Module, Role, StatusCode, read};
use voltwin_store::{OcpiObject, OcpiRange, StoreError};

use super::envelope::{Body, Refusal, Success};
use super::partner::{Partner, Visitor, roles};
use super::tokens::named;
use crate::state::AppState;

/// Parties of one hub that are kept.
const CLIENTS_MAX: u32 = 1_000;

type Key = Path<(String, String)>;

fn hub(partner: &Visitor) -> Result<(), Refusal> {
    if roles(&partner.party).iter().any(|role| role.role == Role::Hub) {
        return Ok(());
    }
    let why = "only a hub tells who is connected to it, and none of your roles is HUB";
    Err(Refusal::new(Http::BAD_REQUEST, StatusCode::INVALID, why))
}

fn key(partner: &Visitor, country: &str, party: &str) -> String {
    format!("{}/{}/{}", partner.party.id, country.to_ascii_uppercase(), party.to_ascii_uppercase())
}

pub(super) async fn put(
    State(state): State<AppState>,
    Partner(partner): Partner,
    Path((country, party)): Key,
    Body(body): Body,
) -> Result<Success<Option<Json>>, Refusal> {
    hub(&partner)?;
    let client: ClientInfo = read(&body)?;
    named("country_code", &country, client.country_code.as_str())?;
    named("party_id", &party, client.party_id.as_str())?;
    let registry = partner.registry(&state);
    let object = OcpiObject {
        module: Module::HubClientInfo.as_str().to_owned(),
        id: key(&partner, &country, &party),
        owner: partner.party.id.clone(),
        last_updated: Timestamp::from_millis(state.runtime.now().as_millis()),
        body: serde_json::to_value(&client)?,
    };
    let (_, known) = told(&state, &partner.tenant, &partner.party.id).await?;
    let again = registry.ocpi_object(&object.module, &object.id).await?.is_some();
    if !again && known >= u64::from(CLIENTS_MAX) {
        let why = format!("at most {CLIENTS_MAX} parties of a hub are kept");
        return Err(Refusal::new(Http::BAD_REQUEST, StatusCode::INVALID, why));
    }
    registry.write_ocpi(&[object], &[]).await?;
    Ok(Success(None))
}

pub(super) async fn get(
    State(state): State<AppState>,
    Partner(partner): Partner,
    Path((country, party)): Key,
) -> Result<Success<Json>, Refusal> {
    let id = key(&partner, &country, &party);
    let found = partner.registry(&state).ocpi_object(Module::HubClientInfo.as_str(), &id).await?;
    found.map(|object| Success(object.body)).ok_or_else(|| Refusal::missing("client", &party))
}

/// The parties that a hub has told of, in the order in which it first did, and how many there are.
pub(crate) async fn told(
    state: &AppState,
    tenant: &TenantId,
    party: &str,
) -> Result<(Vec<ClientInfo>, u64), StoreError> {
    let range = OcpiRange { from: None, to: None, offset: 0, limit: CLIENTS_MAX };
    let module = Module::HubClientInfo;
    let (objects, count) = state.registry(tenant).ocpi_objects(module.as_str(), party, range).await?;
    let clients = objects.into_iter().filter_map(|object| serde_json::from_value(object.body).ok());
    Ok((clients.collect(), count))
}
