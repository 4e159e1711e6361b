//! Partners by OCPI: who we are to them, who they are, and what they were not sent.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;
use voltwin_core::Timestamp;
use voltwin_ocpi::{CredentialsRole, OcpiError, Text, Url, VERSION};
use voltwin_security::{PartnerToken, Permission, Secret};
use voltwin_store::{OcpiParty, OcpiPartyState, OcpiPush, OcpiSettings};
use voltwin_tariff::Currency;

use crate::auth::{Guard, Principal};
use crate::http::{Json, Page, PageLimit, PageQuery, Problem, Query};
use crate::ocpi::{Failed, clients_of, gaps, leave, register};
use crate::state::AppState;

/// How long registering with a partner may take: it asks us back meanwhile.
const REGISTER_TIMEOUT: Duration = Duration::from_secs(60);

pub(super) fn routes() -> OpenApiRouter<AppState> {
    let (read, manage) = (Guard::needs(Permission::Read), Guard::needs(Permission::ManageAccess));
    OpenApiRouter::new()
        .routes(read.on(routes!(settings)))
        .routes(manage.on(routes!(set_settings)))
        .routes(read.on(routes!(parties)))
        .routes(manage.timeout(REGISTER_TIMEOUT).on(routes!(add)))
        .routes(read.on(routes!(party)))
        .routes(manage.timeout(REGISTER_TIMEOUT).on(routes!(remove)))
        .routes(manage.on(routes!(retry)))
        .routes(read.on(routes!(clients)))
        .routes(read.on(routes!(outbox)))
        .routes(read.on(routes!(unpublished)))
}

/// Who the tenant is to its partners.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// ISO 3166-1 alpha-2.
    #[schema(example = "DE")]
    country_code: String,
    /// The id of the operator within its country, three letters or digits.
    #[schema(example = "VOL")]
    party_id: String,
    /// The operator's name, 1 to 100 characters.
    name: String,
    /// Its website.
    website: Option<String>,
    /// Where partners reach this server, without a path.
    #[schema(example = "https://cpo.example")]
    url: String,
    /// ISO 4217, for sessions that no tariff prices.
    #[schema(example = "EUR")]
    currency: String,
}

impl Settings {
    fn check(&self, now: Timestamp) -> Result<OcpiSettings, Problem> {
        let capitals = |text: &str, digits: bool| {
            text.bytes().all(|b| b.is_ascii_uppercase() || (digits && b.is_ascii_digit()))
        };
        let rule = |field: &str, fits: bool, rule: &str| {
            if fits { Ok(()) } else { Err(Problem::field(field, format!("`{field}` must be {rule}"))) }
        };
        let wrong = |field: &'static str| move |error: OcpiError| Problem::field(field, error.to_string());
        rule(
            "country_code",
            self.country_code.len() == 2 && capitals(&self.country_code, false),
            "two capital letters",
        )?;
        rule(
            "party_id",
            self.party_id.len() == 3 && capitals(&self.party_id, true),
            "three capital letters or digits",
        )?;
        rule("currency", self.currency.parse::<Currency>().is_ok(), "a currency of ISO 4217, such as EUR")?;
        rule("name", !self.name.trim().is_empty(), "1 to 100 characters")?;
        Text::<100>::new(&self.name).map_err(wrong("name"))?;
        self.website.as_deref().map(Url::new).transpose().map_err(wrong("website"))?;
        let url = Url::new(&self.url).map_err(wrong("url"))?;
        let bare = url.as_str().trim_end_matches('/');
        let host = bare.split_once("://").map_or("", |(_, host)| host);
        rule(
            "url",
            !host.contains(['/', '?', '#']) && bare.len() <= 120,
            "an address without a path, of at most 120 characters",
        )?;
        Ok(OcpiSettings {
            country_code: self.country_code.clone(),
            party_id: self.party_id.clone(),
            name: self.name.trim().to_owned(),
            website: self.website.clone(),
            url: bare.to_owned(),
            currency: self.currency.clone(),
            changed_at: now,
        })
    }
}

impl From<OcpiSettings> for Settings {
    fn from(settings: OcpiSettings) -> Self {
        Self {
            country_code: settings.country_code,
            party_id: settings.party_id,
            name: settings.name,
            website: settings.website,
            url: settings.url,
            currency: settings.currency,
        }
    }
}

async fn needed(state: &AppState, principal: &Principal) -> Result<OcpiSettings, Problem> {
    let settings = state.registry(&principal.tenant).ocpi_settings().await?;
    settings.ok_or_else(|| Problem::not_found("the OCPI settings are not made yet (PUT /ocpi/settings)"))
}

/// Who the tenant is to its partners.
#[utoipa::path(get, path = "/ocpi/settings", tag = "ocpi",
    responses((status = 200, body = Settings), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "Not made yet.")))]
async fn settings(State(state): State<AppState>, principal: Principal) -> Result<Json<Settings>, Problem> {
    Ok(Json(needed(&state, &principal).await?.into()))
}

/// Say who the tenant is to its partners. Partners that are registered read it when they next ask for credentials.
#[utoipa::path(put, path = "/ocpi/settings", tag = "ocpi", request_body = Settings,
    responses((status = 200, body = Settings)))]
async fn set_settings(
    State(state): State<AppState>,
    principal: Principal,
    Json(body): Json<Settings>,
) -> Result<Json<Settings>, Problem> {
    let settings = body.check(state.runtime.now())?;
    state.registry(&principal.tenant).set_ocpi_settings(&settings, &principal.name).await?;
    state.ocpi.changed.notify_one();
    Ok(Json(settings.into()))
}

/// A partner.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Party {
    id: String,
    name: String,
    /// `invited`, `registering`, `registered` or `revoked`.
    #[schema(value_type = String, example = "registered")]
    state: OcpiPartyState,
    /// Where it lists its versions.
    url: Option<String>,
    /// Its roles.
    roles: Vec<PartyRole>,
    /// The modules that it has.
    modules: Vec<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    created_by: String,
    #[schema(value_type = String, format = DateTime)]
    changed_at: Timestamp,
    /// Why it cannot be reached at the moment, such as a certificate that is not accepted.
    trouble: Option<Trouble>,
}

/// Why a partner cannot be reached.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Trouble {
    #[schema(example = "the certificate of the partner is not accepted: it has expired")]
    reason: String,
    /// When it was first out of reach.
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
}

/// One role of a partner.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct PartyRole {
    /// Such as `EMSP`.
    role: String,
    country_code: String,
    party_id: String,
    name: String,
}

impl From<OcpiParty> for Party {
    fn from(party: OcpiParty) -> Self {
        let roles: Vec<CredentialsRole> = serde_json::from_value(party.roles).unwrap_or_default();
        let role = |role: CredentialsRole| PartyRole {
            role: role.role.as_str().to_owned(),
            country_code: role.country_code.to_string(),
            party_id: role.party_id.to_string(),
            name: role.business_details.name.to_string(),
        };
        let endpoints = party.endpoints.as_array().map(Vec::as_slice).unwrap_or_default();
        let module = |e: &serde_json::Value| Some(e.get("identifier")?.as_str()?.to_owned());
        Self {
            id: party.id,
            name: party.name,
            state: party.state,
            url: party.url,
            roles: roles.into_iter().map(role).collect(),
            modules: endpoints.iter().filter_map(module).collect(),
            created_at: party.created_at,
            created_by: party.created_by,
            changed_at: party.changed_at,
            trouble: party.trouble.map(|(reason, since)| Trouble { reason, since }),
        }
    }
}

/// A partner to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewParty {
    /// What people call it, 1 to 100 characters.
    name: String,
    /// Where it lists its versions. With it we register with the partner; without it the partner registers with us.
    url: Option<String>,
    /// The token that the partner gave us to register with; only with `url`.
    #[schema(value_type = Option<String>)]
    token: Option<Secret>,
}

/// A partner, and what it needs to register with us.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AddedParty {
    #[serde(flatten)]
    party: Party,
    /// The token to register with, shown this once; null when we registered with the partner.
    token: Option<String>,
    /// Where the partner finds our versions.
    versions_url: String,
}

/// Add a partner: make a token for it to register with us, or register with it by its address and token.
#[utoipa::path(post, path = "/ocpi/parties", tag = "ocpi", request_body = NewParty,
    responses((status = 201, body = AddedParty), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "The settings are not made yet."),
        (status = 409, body = Problem, content_type = "application/problem+json",
        description = "The partner does not answer as it should.")))]
async fn add(
    State(state): State<AppState>,
    principal: Principal,
    Json(body): Json<NewParty>,
) -> Result<(StatusCode, Json<AddedParty>), Problem> {
    let settings = needed(&state, &principal).await?;
    let name = body.name.trim();
    if name.is_empty() || Text::<100>::new(name).is_err() {
        return Err(Problem::field("name", "`name` must be 1 to 100 printable characters"));
    }
    let now = state.runtime.now();
    let fresh = PartnerToken::generate().map_err(|error| Problem::unavailable(error.to_string()))?;
    let party = OcpiParty {
        id: Uuid::now_v7().to_string(),
        name: name.to_owned(),
        state: OcpiPartyState::Invited,
        token_in: None,
        token_out: None,
        url: None,
        roles: serde_json::json!([]),
        endpoints: serde_json::json!([]),
        created_at: now,
        created_by: principal.name.clone(),
        changed_at: now,
        trouble: None,
    };
    let (party, token) = match (body.url, body.token) {
        (Some(url), Some(token)) => {
            let url = Url::new(&url).map_err(|error| Problem::field("url", error.to_string()))?;
            if token.expose().is_empty() || token.expose().len() > 64 {
                return Err(Problem::field("token", "`token` must be 1 to 64 characters"));
            }
            let party = OcpiParty { url: Some(url.as_str().to_owned()), token_out: Some(token), ..party };
            let done = register(&state, &principal.tenant, &settings, party, &principal.name).await;
            (done.map_err(problem)?, None)
        }
        (None, None) => {
            let party = OcpiParty { token_in: Some(fresh.hash()), ..party };
            let registry = state.registry(&principal.tenant);
            registry.put_ocpi_party(&party, (&principal.name, "ocpi.party.invite")).await?;
            (party, Some(fresh.reveal().expose().to_owned()))
        }
        (None, Some(_)) => return Err(Problem::field("url", "a token of a partner comes with its `url`")),
        (Some(_), None) => {
            return Err(Problem::field("token", "the `url` of a partner comes with its token"));
        }
    };
    let versions_url = format!("{}/ocpi/versions", settings.url);
    Ok((StatusCode::CREATED, Json(AddedParty { party: party.into(), token, versions_url })))
}

fn problem(failed: Failed) -> Problem {
    match failed {
        Failed::Partner(failure) => {
            Problem::conflict(format!("the partner could not be registered with: {failure}"))
        }
        Failed::Version => Problem::conflict(format!("the partner does not speak OCPI {VERSION}")),
        Failed::Store(error) => error.into(),
        Failed::Own(text) => Problem::conflict(text),
    }
}

/// Partners by id, revoked ones too.
#[utoipa::path(get, path = "/ocpi/parties", tag = "ocpi", params(PageQuery),
    responses((status = 200, body = Page<Party>)))]
async fn parties(
    State(state): State<AppState>,
    principal: Principal,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Party>>, Problem> {
    let limit = query.limit.get()?;
    let page = state.registry(&principal.tenant).ocpi_parties(query.cursor.as_deref(), limit).await?;
    Ok(Json(Page::from_store(page, Party::from)))
}

async fn find(state: &AppState, principal: &Principal, id: &str) -> Result<OcpiParty, Problem> {
    let found = state.registry(&principal.tenant).ocpi_party(id).await?;
    found.ok_or_else(|| {
        Problem::not_found(format!("there is no partner {:?}", id.chars().take(80).collect::<String>()))
    })
}

/// One partner.
#[utoipa::path(get, path = "/ocpi/parties/{id}", tag = "ocpi", params(("id" = String, Path, description = "The partner.")),
    responses((status = 200, body = Party), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such partner.")))]
async fn party(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<Json<Party>, Problem> {
    Ok(Json(find(&state, &principal, &id).await?.into()))
}

/// A party that is connected to a hub.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HubClient {
    #[schema(example = "NL")]
    country_code: String,
    #[schema(example = "TNM")]
    party_id: String,
    /// `CPO`, `EMSP`, `HUB`, `NAP`, `NSP`, `SCSP` or `OTHER`.
    role: String,
    /// `CONNECTED`, `OFFLINE`, `PLANNED` or `SUSPENDED`.
    status: String,
    #[schema(value_type = String, format = DateTime)]
    last_updated: Timestamp,
}

/// The parties that a partner which is a hub has told of.
#[utoipa::path(get, path = "/ocpi/parties/{id}/clients", tag = "ocpi",
    params(("id" = String, Path, description = "The partner.")),
    responses((status = 200, body = Vec<HubClient>), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such partner.")))]
async fn clients(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<Json<Vec<HubClient>>, Problem> {
    let party = find(&state, &principal, &id).await?;
    let (clients, _) = clients_of(&state, &principal.tenant, &party.id).await?;
    let shown = |client: voltwin_ocpi::ClientInfo| HubClient {
        country_code: client.country_code.to_string(),
        party_id: client.party_id.to_string(),
        role: client.role.as_str().to_owned(),
        status: client.status.as_str().to_owned(),
        last_updated: client.last_updated.0,
    };
    Ok(Json(clients.into_iter().map(shown).collect()))
}

/// Leave a partner: it is told if it can be reached, and its tokens end in any case.
#[utoipa::path(delete, path = "/ocpi/parties/{id}", tag = "ocpi",
    params(("id" = String, Path, description = "The partner.")),
    responses((status = 204), (status = 404, body = Problem, content_type = "application/problem+json",
        description = "No such partner.")))]
async fn remove(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let party = find(&state, &principal, &id).await?;
    leave(&state, &principal.tenant, party, &principal.name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What was begun anew.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Retried {
    /// Objects that had been given up and are sent again.
    objects: u64,
}

/// Send again everything that was given up for a partner.
#[utoipa::path(post, path = "/ocpi/parties/{id}/retry", tag = "ocpi",
    params(("id" = String, Path, description = "The partner.")),
    responses((status = 200, body = Retried), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such partner.")))]
async fn retry(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<Json<Retried>, Problem> {
    let party = find(&state, &principal, &id).await?;
    let registry = state.registry(&principal.tenant);
    let objects = registry.ocpi_retry(&party.id, false, state.runtime.now()).await?;
    state.ocpi.outbox.notify_one();
    Ok(Json(Retried { objects }))
}

/// Something that a partner does not have in its newest state.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Waiting {
    /// The partner.
    party: String,
    /// Such as `sessions`.
    module: String,
    /// The id of the object.
    object: String,
    /// Failed deliveries.
    attempts: u32,
    /// Given up: it is not tried again by itself.
    dead: bool,
    /// Why the last delivery failed.
    error: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    next_at: Timestamp,
}

impl From<OcpiPush> for Waiting {
    fn from(push: OcpiPush) -> Self {
        Self {
            party: push.party,
            module: push.module,
            object: push.object,
            attempts: push.attempts,
            dead: push.dead,
            error: push.error,
            since: push.created_at,
            next_at: push.next_at,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct OutboxQuery {
    /// What was given up (`true`, the default) or what is still tried (`false`).
    dead: Option<bool>,
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 500, default = 100)]
    limit: PageLimit,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// What partners were not sent.
#[utoipa::path(get, path = "/ocpi/outbox", tag = "ocpi", params(OutboxQuery),
    responses((status = 200, body = Page<Waiting>)))]
async fn outbox(
    State(state): State<AppState>,
    principal: Principal,
    Query(query): Query<OutboxQuery>,
) -> Result<Json<Page<Waiting>>, Problem> {
    let limit = query.limit.get()?;
    let registry = state.registry(&principal.tenant);
    let page = registry.ocpi_outbox(query.dead.unwrap_or(true), query.cursor.as_deref(), limit).await?;
    Ok(Json(Page::from_store(page, Waiting::from)))
}

/// Why a twin is not shown to partners.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Unpublished {
    /// The twin.
    twin: String,
    /// What it lacks.
    #[schema(example = "address, city")]
    missing: String,
}

/// Sites, EVSEs and connectors that partners do not see, and what they lack; the first 500.
#[utoipa::path(get, path = "/ocpi/gaps", tag = "ocpi", responses((status = 200, body = Vec<Unpublished>),
    (status = 404, body = Problem, content_type = "application/problem+json",
        description = "The settings are not made yet.")))]
async fn unpublished(
    State(state): State<AppState>,
    principal: Principal,
) -> Result<Json<Vec<Unpublished>>, Problem> {
    let settings = needed(&state, &principal).await?;
    let gaps = gaps(&state, &principal.tenant, &settings).into_iter().take(500);
    Ok(Json(gaps.map(|gap| Unpublished { twin: gap.twin.to_string(), missing: gap.missing }).collect()))
}
