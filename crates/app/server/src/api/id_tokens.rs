//! The id tokens of a tenant: who may charge, and on what terms.

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use voltwin_core::{Timestamp, TwinId};
use voltwin_security::Permission;
use voltwin_store::{IdToken as Terms, TokenFilter, TokenPolicy, TokenRecord, TokenStatus};

use crate::auth::{Guard, Principal};
use crate::http::{Json, Page, PageLimit, Problem, Query};
use crate::network::{STATION, is_a};
use crate::state::AppState;

/// The longest token that any version of OCPP has room for, in characters.
const TOKEN_CHARS_MAX: usize = 255;
/// The longest group that OCPP 2.0.1 has room for, in characters; 1.6 has 20.
const PARENT_CHARS_MAX: usize = 36;
const GROUP_CHARS_MAX: usize = 64;
const TYPE_CHARS_MAX: usize = 20;
const LANGUAGE_CHARS_MAX: usize = 8;
const NOTE_CHARS_MAX: usize = 500;
/// Stations and EVSEs that one token may be tied to.
const PLACES_MAX: usize = 100;
const IMPORT_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Tokens of one file.
const IMPORT_ROWS_MAX: usize = 10_000;

/// The columns that a file may have.
const COLUMNS: [&str; 11] = [
    "id_token",
    "type",
    "status",
    "expires_at",
    "parent",
    "group",
    "language",
    "concurrent_allowed",
    "vehicle",
    "note",
    "only_at",
];

pub(super) fn routes() -> OpenApiRouter<AppState> {
    let change = Guard::needs(Permission::ManageAccess);
    OpenApiRouter::new()
        .routes(Guard::needs(Permission::Read).on(routes!(list)))
        .routes(change.on(routes!(add)))
        .routes(Guard::needs(Permission::Read).on(routes!(get)))
        .routes(change.on(routes!(set)))
        .routes(change.on(routes!(delete)))
        .routes(change.body_limit(IMPORT_BYTES_MAX).at_once(2).on(routes!(import)))
        .routes(Guard::needs(Permission::Read).on(routes!(settings)))
        .routes(change.on(routes!(set_settings)))
}

/// What a token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum IdTokenStatus {
    /// May charge.
    Accepted,
    /// Barred.
    Blocked,
    /// Was good once.
    Expired,
    /// Known not to be good.
    Invalid,
}

impl From<TokenStatus> for IdTokenStatus {
    fn from(status: TokenStatus) -> Self {
        match status {
            TokenStatus::Accepted => Self::Accepted,
            TokenStatus::Blocked => Self::Blocked,
            TokenStatus::Expired => Self::Expired,
            TokenStatus::Invalid => Self::Invalid,
        }
    }
}

impl From<IdTokenStatus> for TokenStatus {
    fn from(status: IdTokenStatus) -> Self {
        match status {
            IdTokenStatus::Accepted => Self::Accepted,
            IdTokenStatus::Blocked => Self::Blocked,
            IdTokenStatus::Expired => Self::Expired,
            IdTokenStatus::Invalid => Self::Invalid,
        }
    }
}

/// One id token.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct IdToken {
    #[schema(example = "04A2B3C4D5E6F7")]
    id_token: String,
    /// What kind of token it is, as OCPP 2.x says it; empty when nobody said.
    #[serde(rename = "type")]
    #[schema(example = "ISO14443")]
    kind: String,
    status: IdTokenStatus,
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// Who belongs together (OCPP 1.6 `parentIdTag`, 2.x `groupIdToken`).
    parent: Option<String>,
    /// Whose prices hold for it, the same as in `/token-groups`.
    group: Option<String>,
    /// The language of its holder.
    language: Option<String>,
    /// Whether it may charge at several places at once.
    concurrent_allowed: bool,
    /// The twin of the vehicle that it belongs to.
    vehicle: Option<String>,
    note: String,
    /// The twins of the stations and EVSEs where alone it is good; empty = everywhere.
    only_at: Vec<String>,
    #[schema(value_type = String, format = DateTime)]
    changed_at: Timestamp,
    changed_by: String,
}

impl From<TokenRecord> for IdToken {
    fn from(record: TokenRecord) -> Self {
        let token = record.token;
        Self {
            id_token: token.token,
            kind: token.kind,
            status: token.status.into(),
            expires_at: token.expires_at,
            parent: token.parent,
            group: token.group,
            language: token.language,
            concurrent_allowed: token.concurrent_allowed,
            vehicle: token.vehicle,
            note: token.note,
            only_at: token.only_at,
            changed_at: record.changed_at,
            changed_by: record.changed_by,
        }
    }
}

/// A transaction that runs on a token.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct IdTokenUse {
    station: String,
    evse: Option<u32>,
    transaction_id: String,
}

/// One id token, and where it is in use.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct IdTokenWithUses {
    #[serde(flatten)]
    token: IdToken,
    /// The transactions that run on it, at most 50.
    uses: Vec<IdTokenUse>,
}

/// An id token to add, or to put in place of what was known of it.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewIdToken {
    /// 1 to 255 characters (OCPP 1.6 takes 20, 2.0.1 takes 36); upper and lower case are the same. Not in a change.
    id_token: Option<String>,
    /// At most 20 characters, such as `ISO14443`, `ISO15693`, `eMAID`, `Central`, `KeyCode`, `Local`, `MacAddress`.
    #[serde(rename = "type", default)]
    kind: String,
    /// `accepted` when left out.
    status: Option<IdTokenStatus>,
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// 1 to 36 characters (OCPP 1.6 takes 20).
    parent: Option<String>,
    /// 1 to 64 characters.
    group: Option<String>,
    /// 1 to 8 characters, as BCP 47 writes it.
    language: Option<String>,
    /// False when left out: one transaction at a time.
    #[serde(default)]
    concurrent_allowed: bool,
    vehicle: Option<String>,
    /// At most 500 characters.
    #[serde(default)]
    note: String,
    /// At most 100 twins of stations and EVSEs.
    #[serde(default)]
    only_at: Vec<String>,
}

impl NewIdToken {
    fn terms(self, token: String) -> Result<Terms, Problem> {
        let terms = Terms {
            token,
            kind: self.kind,
            status: self.status.unwrap_or(IdTokenStatus::Accepted).into(),
            expires_at: self.expires_at,
            parent: self.parent,
            group: self.group,
            language: self.language,
            concurrent_allowed: self.concurrent_allowed,
            vehicle: self.vehicle,
            note: self.note,
            only_at: self.only_at,
        };
        check(&terms)?;
        Ok(terms)
    }
}

fn check(terms: &Terms) -> Result<(), Problem> {
    let fields = [
        ("id_token", Some(&terms.token), 1, TOKEN_CHARS_MAX),
        ("type", Some(&terms.kind), 0, TYPE_CHARS_MAX),
        ("parent", terms.parent.as_ref(), 1, PARENT_CHARS_MAX),
        ("group", terms.group.as_ref(), 1, GROUP_CHARS_MAX),
        ("language", terms.language.as_ref(), 1, LANGUAGE_CHARS_MAX),
        ("note", Some(&terms.note), 0, NOTE_CHARS_MAX),
    ];
    for (field, text, min, max) in fields {
        let Some(text) = text else { continue };
        if !(min..=max).contains(&text.chars().count()) {
            return Err(
                Problem::field(field, format!("`{field}` must have {min} to {max} characters")).limit(max)
            );
        }
        if field != "note" && text.chars().any(char::is_control) {
            return Err(Problem::field(field, format!("`{field}` must not have control characters")));
        }
    }
    if terms.token.trim() != terms.token {
        return Err(Problem::field("id_token", "a token has no space at its ends"));
    }
    if terms.only_at.len() > PLACES_MAX {
        let detail = format!("`only_at` has {} entries; it may have {PLACES_MAX}", terms.only_at.len());
        return Err(Problem::field("only_at", detail).limit(PLACES_MAX));
    }
    let twins = [("vehicle", terms.vehicle.as_slice()), ("only_at", terms.only_at.as_slice())];
    for (field, id) in twins.into_iter().flat_map(|(field, ids)| ids.iter().map(move |id| (field, id))) {
        id.parse::<TwinId>().map_err(|error| Problem::field(field, error.to_string()))?;
    }
    Ok(())
}

/// A token that holds nowhere would be a mistake that nobody sees. An EVSE may be named before its station has told of it.
fn check_places(state: &AppState, principal: &Principal, terms: &Terms) -> Result<(), Problem> {
    let unknown = state.runtime.read(&principal.tenant, |graph| {
        let is_station = |id: &str| graph.twin(id).is_some_and(|twin| is_a(graph, &twin, STATION));
        let is_evse = |id: &str| {
            let parts = id.rsplit_once(':');
            parts.is_some_and(|(station, evse)| evse.parse::<u32>().is_ok() && is_station(station))
        };
        terms.only_at.iter().find(|id| !is_station(id) && !is_evse(id)).cloned()
    });
    match unknown {
        Some(id) => Err(Problem::field("only_at", format!("`{id}` is neither a station nor an EVSE of one"))),
        None => Ok(()),
    }
}

fn path(id: Result<Path<String>, PathRejection>) -> Result<String, Problem> {
    id.map(|Path(id)| id).map_err(|rejection| Problem::field("id", rejection.body_text()))
}

fn missing(token: &str) -> Problem {
    Problem::not_found(format!("there is no id token {token}"))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 500, default = 100)]
    limit: PageLimit,
    /// `next` of the page before.
    cursor: Option<String>,
    /// Whose token, vehicle or note holds this text, whatever its case.
    text: Option<String>,
    #[param(inline)]
    status: Option<IdTokenStatus>,
    /// Of this parent.
    parent: Option<String>,
}

/// The id tokens of the tenant, by token.
#[utoipa::path(get, path = "/id-tokens", tag = "id tokens", params(ListQuery),
    responses((status = 200, body = Page<IdToken>)))]
async fn list(
    State(state): State<AppState>,
    principal: Principal,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<IdToken>>, Problem> {
    let limit = query.limit.get()?;
    let filter = TokenFilter { text: query.text, status: query.status.map(Into::into), parent: query.parent };
    let page = state.registry(&principal.tenant).tokens(&filter, query.cursor.as_deref(), limit).await?;
    Ok(Json(Page::from_store(page, IdToken::from)))
}

/// Add an id token.
#[utoipa::path(post, path = "/id-tokens", tag = "id tokens", request_body = NewIdToken,
    responses((status = 201, body = IdToken), (status = 409, body = Problem,
        content_type = "application/problem+json", description = "It is there already.")))]
async fn add(
    State(state): State<AppState>,
    principal: Principal,
    Json(mut body): Json<NewIdToken>,
) -> Result<(StatusCode, Json<IdToken>), Problem> {
    let token = body.id_token.take().ok_or_else(|| Problem::field("id_token", "`id_token` is missing"))?;
    let terms = body.terms(token)?;
    check_places(&state, &principal, &terms)?;
    let (registry, now) = (state.registry(&principal.tenant), state.runtime.now());
    registry.add_id_token(&terms, &principal.name, now).await?;
    state.csms.tokens_changed(&principal.tenant);
    let record = TokenRecord { token: terms, changed_at: now, changed_by: principal.name };
    Ok((StatusCode::CREATED, Json(record.into())))
}

/// One id token, and where it is in use.
#[utoipa::path(get, path = "/id-tokens/{id}", tag = "id tokens",
    params(("id" = String, Path, description = "The token.")),
    responses((status = 200, body = IdTokenWithUses), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such token.")))]
async fn get(
    State(state): State<AppState>,
    principal: Principal,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<IdTokenWithUses>, Problem> {
    let id = path(id)?;
    let registry = state.registry(&principal.tenant);
    let record = registry.token(&id).await?.ok_or_else(|| missing(&id))?;
    let uses = registry.token_uses(&id).await?;
    let shown = |used: voltwin_store::TokenUse| IdTokenUse {
        station: used.station,
        evse: used.evse,
        transaction_id: used.transaction_id,
    };
    Ok(Json(IdTokenWithUses { token: record.into(), uses: uses.into_iter().map(shown).collect() }))
}

/// Change an id token: what is left out is taken back.
#[utoipa::path(put, path = "/id-tokens/{id}", tag = "id tokens", request_body = NewIdToken,
    params(("id" = String, Path, description = "The token.")),
    responses((status = 200, body = IdToken), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such token.")))]
async fn set(
    State(state): State<AppState>,
    principal: Principal,
    id: Result<Path<String>, PathRejection>,
    Json(body): Json<NewIdToken>,
) -> Result<Json<IdToken>, Problem> {
    let id = path(id)?;
    if body.id_token.as_ref().is_some_and(|token| !token.eq_ignore_ascii_case(&id)) {
        return Err(Problem::field("id_token", "a token cannot be renamed"));
    }
    let (registry, now) = (state.registry(&principal.tenant), state.runtime.now());
    let known = registry.token(&id).await?.ok_or_else(|| missing(&id))?;
    let terms = body.terms(known.token.token)?;
    check_places(&state, &principal, &terms)?;
    registry.set_id_token(&terms, &principal.name, now).await?;
    state.csms.tokens_changed(&principal.tenant);
    let record = TokenRecord { token: terms, changed_at: now, changed_by: principal.name };
    Ok(Json(record.into()))
}

/// Forget an id token; from then on it is an unknown one.
#[utoipa::path(delete, path = "/id-tokens/{id}", tag = "id tokens",
    params(("id" = String, Path, description = "The token.")),
    responses((status = 204), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such token.")))]
async fn delete(
    State(state): State<AppState>,
    principal: Principal,
    id: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let id = path(id)?;
    let (registry, now) = (state.registry(&principal.tenant), state.runtime.now());
    if !registry.delete_id_token(&id, &principal.name, now).await? {
        return Err(missing(&id));
    }
    state.csms.tokens_changed(&principal.tenant);
    Ok(StatusCode::NO_CONTENT)
}

/// What came of a file of tokens.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct IdTokensImported {
    added: usize,
    changed: usize,
}

/// One row of a file; a column may be missing or empty.
#[derive(Debug, Deserialize)]
struct Row {
    id_token: String,
    #[serde(rename = "type", default)]
    kind: String,
    status: Option<IdTokenStatus>,
    expires_at: Option<Timestamp>,
    parent: Option<String>,
    group: Option<String>,
    language: Option<String>,
    concurrent_allowed: Option<bool>,
    vehicle: Option<String>,
    #[serde(default)]
    note: String,
    #[serde(default)]
    only_at: String,
}

/// The tokens of a file, or the line at fault.
fn rows(bytes: &[u8]) -> Result<Vec<Terms>, Problem> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
    let at =
        |line: u64, detail: &str| Problem::field(format!("line {line}"), format!("line {line}: {detail}"));
    let header = reader.headers().map_err(|error| Problem::invalid(error.to_string()))?.clone();
    if let Some(strange) = header.iter().find(|column| !COLUMNS.contains(column)) {
        return Err(at(1, &format!("`{strange}` is none of {}", COLUMNS.join(", "))));
    }
    let mut seen = std::collections::HashSet::new();
    let mut all = Vec::new();
    let mut record = csv::StringRecord::new();
    loop {
        let line = reader.position().line();
        match reader.read_record(&mut record) {
            Ok(false) => return Ok(all),
            Ok(true) => {}
            Err(error) => return Err(at(line, &error.to_string())),
        }
        if all.len() == IMPORT_ROWS_MAX {
            let detail = format!("a file may have {IMPORT_ROWS_MAX} tokens");
            return Err(at(line, &detail).limit(IMPORT_ROWS_MAX));
        }
        let row: Row = record.deserialize(Some(&header)).map_err(|error| at(line, &error.to_string()))?;
        let token = row.id_token.clone();
        let new = NewIdToken {
            id_token: None,
            kind: row.kind,
            status: row.status,
            expires_at: row.expires_at,
            parent: row.parent,
            group: row.group,
            language: row.language,
            concurrent_allowed: row.concurrent_allowed.unwrap_or(false),
            vehicle: row.vehicle,
            note: row.note,
            only_at: row.only_at.split_whitespace().map(str::to_owned).collect(),
        };
        let terms = new.terms(token).map_err(|problem| at(line, &problem.detail))?;
        if !seen.insert(terms.token.to_ascii_lowercase()) {
            return Err(at(line, &format!("the token {} is there twice", terms.token)));
        }
        all.push(terms);
    }
}

/// Add and change many id tokens: all of a file, or none. The first line names the columns, of which only `id_token`
/// must be there; `only_at` is a list with spaces between.
#[utoipa::path(post, path = "/id-token-imports", tag = "id tokens",
    request_body(content = String, content_type = "text/csv"),
    responses((status = 200, body = IdTokensImported), (status = 400, body = Problem,
        content_type = "application/problem+json", description = "`field` names the line at fault.")))]
async fn import(
    State(state): State<AppState>,
    principal: Principal,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<IdTokensImported>, Problem> {
    let bytes = body.map_err(|_| Problem::too_large(IMPORT_BYTES_MAX))?;
    let tokens = rows(&bytes)?;
    for terms in &tokens {
        check_places(&state, &principal, terms).map_err(|problem| {
            let detail = format!("the token {}: {}", terms.token, problem.detail);
            Problem::field("only_at", detail)
        })?;
    }
    let (registry, now) = (state.registry(&principal.tenant), state.runtime.now());
    let added = registry.import_id_tokens(&tokens, &principal.name, now).await?;
    state.csms.tokens_changed(&principal.tenant);
    Ok(Json(IdTokensImported { added, changed: tokens.len() - added }))
}

/// What happens with an unknown token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum UnknownTokens {
    /// It may charge.
    Accept,
    /// It may not.
    Reject,
}

/// What holds for all id tokens.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct IdTokenSettings {
    /// What happens with tokens that neither the tenant nor its partners know.
    unknown_tokens: UnknownTokens,
    /// Tokens of this parent may end any transaction and begin none, where stations have it as their master pass
    /// group; 1 to 36 characters.
    master_group: Option<String>,
}

async fn current(state: &AppState, principal: &Principal) -> Result<Json<IdTokenSettings>, Problem> {
    let settings = state.registry(&principal.tenant).token_settings().await?;
    let unknown_tokens = match settings.unknown_tokens {
        TokenPolicy::Accept => UnknownTokens::Accept,
        TokenPolicy::Reject => UnknownTokens::Reject,
    };
    Ok(Json(IdTokenSettings { unknown_tokens, master_group: settings.master_group }))
}

/// What holds for all id tokens.
#[utoipa::path(get, path = "/id-token-settings", tag = "id tokens",
    responses((status = 200, body = IdTokenSettings)))]
async fn settings(
    State(state): State<AppState>,
    principal: Principal,
) -> Result<Json<IdTokenSettings>, Problem> {
    current(&state, &principal).await
}

/// Decide what holds for all id tokens.
#[utoipa::path(put, path = "/id-token-settings", tag = "id tokens", request_body = IdTokenSettings,
    responses((status = 200, body = IdTokenSettings)))]
async fn set_settings(
    State(state): State<AppState>,
    principal: Principal,
    Json(body): Json<IdTokenSettings>,
) -> Result<Json<IdTokenSettings>, Problem> {
    let master = body.master_group.as_deref();
    if master.is_some_and(|group| !(1..=PARENT_CHARS_MAX).contains(&group.chars().count())) {
        let detail = format!("`master_group` must have 1 to {PARENT_CHARS_MAX} characters");
        return Err(Problem::field("master_group", detail).limit(PARENT_CHARS_MAX));
    }
    let unknown = match body.unknown_tokens {
        UnknownTokens::Accept => TokenPolicy::Accept,
        UnknownTokens::Reject => TokenPolicy::Reject,
    };
    let (registry, now) = (state.registry(&principal.tenant), state.runtime.now());
    registry.set_token_settings(unknown, master, &principal.name, now).await?;
    current(&state, &principal).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_tokens_is_read_or_its_line_named() {
        let good = "id_token,status,parent,concurrent_allowed,only_at\nA-1,blocked,FLEET,true,ST-1 ST-2:1\nB-1,,,,\n";
        let all = rows(good.as_bytes()).unwrap();
        assert_eq!(all[0].status, TokenStatus::Blocked);
        assert_eq!((all[0].parent.as_deref(), all[0].concurrent_allowed), (Some("FLEET"), true));
        assert_eq!(all[0].only_at, ["ST-1", "ST-2:1"]);
        let plain = Terms { token: "B-1".into(), ..Terms::default() };
        assert_eq!(all[1], plain);
        for (bad, line) in [
            ("token\nA\n", "line 1"),
            ("id_token,status\nA,accepted\nB,nice\n", "line 3"),
            ("id_token\nA\na\n", "line 3"),
            ("id_token,language\nA,\nB,much-too-long\n", "line 3"),
            ("id_token,note\nA\n", "line 2"),
        ] {
            assert_eq!(rows(bad.as_bytes()).unwrap_err().field.as_deref(), Some(line), "{bad}");
        }
    }
}
