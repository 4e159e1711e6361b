//! Tariffs, which of them apply where, and what a session would cost.

use axum::extract::State;
use axum::extract::{Path, rejection::PathRejection};
use axum::http::StatusCode;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use voltwin_core::Timestamp;
use voltwin_security::Permission;
use voltwin_store::{NewTariffAssignment, TariffRecord, TariffScope};
use voltwin_tariff::{Cost, Tariff, TariffError};

use crate::auth::{Guard, Principal};
use crate::http::{Json, Page, PageQuery, Problem, Query, said};
use crate::network::{EVSE, SITE, STATION, is_a};
use crate::state::AppState;

const ID_CHARS_MAX: usize = 36;
const NAME_CHARS_MAX: usize = 200;
const GROUP_CHARS_MAX: usize = 64;
const TOKEN_CHARS_MAX: usize = 255;
/// The longest session that is previewed.
const PREVIEW_S_MAX: u32 = 30 * 86_400;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(Guard::needs(Permission::Read).on(routes!(list)))
        .routes(Guard::needs(Permission::ManageTariffs).on(routes!(add)))
        .routes(Guard::needs(Permission::Read).on(routes!(get)))
        .routes(Guard::needs(Permission::ManageTariffs).on(routes!(change)))
        .routes(Guard::needs(Permission::ManageTariffs).on(routes!(retire)))
        .routes(Guard::needs(Permission::Read).on(routes!(versions)))
        .routes(Guard::needs(Permission::Read).on(routes!(preview)))
        .routes(Guard::needs(Permission::ManageTariffs).on(routes!(preview_draft)))
        .routes(Guard::needs(Permission::Read).on(routes!(assignments)))
        .routes(Guard::needs(Permission::ManageTariffs).on(routes!(assign)))
        .routes(Guard::needs(Permission::Read).on(routes!(groups)))
        .routes(Guard::needs(Permission::ManageTariffs).on(routes!(group)))
        .routes(Guard::needs(Permission::ManageTariffs).on(routes!(ungroup)))
}

/// One version of a tariff.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Tariff)]
pub(crate) struct TariffView {
    #[schema(example = "day-and-night")]
    id: String,
    /// From 1; a change makes the next one.
    version: i64,
    name: String,
    /// Elements with price components and restrictions; see the documentation of tariffs.
    #[schema(value_type = Object)]
    tariff: serde_json::Value,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    created_by: String,
    /// Whether it cannot be assigned any more.
    retired: bool,
}

impl From<TariffRecord> for TariffView {
    fn from(record: TariffRecord) -> Self {
        Self {
            id: record.id,
            version: record.version,
            name: record.name,
            tariff: record.tariff,
            created_at: record.created_at,
            created_by: record.created_by,
            retired: record.retired,
        }
    }
}

/// Tariffs by id, each in its newest version.
#[utoipa::path(get, path = "/tariffs", tag = "tariffs", params(PageQuery),
    responses((status = 200, body = Page<TariffView>)))]
async fn list(
    State(state): State<AppState>,
    principal: Principal,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<TariffView>>, Problem> {
    let limit = query.limit.get()?;
    let page = state.registry(&principal.tenant).tariffs(query.cursor.as_deref(), limit).await?;
    Ok(Json(Page::from_store(page, TariffView::from)))
}

/// A new tariff.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewTariff {
    /// 1 to 36 characters of letters, digits, `-`, `_` and `.`.
    id: String,
    /// 1 to 200 characters.
    name: String,
    #[schema(value_type = Object)]
    tariff: Tariff,
}

/// Make a tariff.
#[utoipa::path(post, path = "/tariffs", tag = "tariffs", request_body = NewTariff,
    responses((status = 201, body = TariffView), (status = 409, body = Problem,
        content_type = "application/problem+json", description = "There is a tariff of this id.")))]
async fn add(
    State(state): State<AppState>,
    principal: Principal,
    Json(body): Json<NewTariff>,
) -> Result<(StatusCode, Json<TariffView>), Problem> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if body.id.is_empty() || body.id.len() > ID_CHARS_MAX || !body.id.chars().all(fits) {
        return Err(Problem::field(
            "id",
            "an id has 1 to 36 characters of letters, digits, `-`, `_` and `.`",
        ));
    }
    let now = state.runtime.now();
    if state.registry(&principal.tenant).tariff_at(&body.id, now).await?.is_some() {
        return Err(Problem::conflict(format!("there is a tariff `{}`; change it by PUT", body.id)));
    }
    let written = write(&state, &principal, &body.id, &body.name, &body.tariff).await?;
    Ok((StatusCode::CREATED, Json(written)))
}

async fn write(
    state: &AppState,
    principal: &Principal,
    id: &str,
    name: &str,
    tariff: &Tariff,
) -> Result<TariffView, Problem> {
    if name.trim().is_empty() || name.chars().count() > NAME_CHARS_MAX {
        return Err(Problem::field("name", "a name has 1 to 200 characters").limit(NAME_CHARS_MAX as u64));
    }
    tariff.check().map_err(|error| refused("tariff", &error))?;
    let json = serde_json::to_value(tariff).map_err(|error| Problem::internal(&error))?;
    let (registry, now) = (state.registry(&principal.tenant), state.runtime.now());
    registry.add_tariff(id, name, &json, &principal.name, now).await?;
    state.csms.tariffs_changed(&principal.tenant);
    newest(state, principal, id).await
}

fn refused(at: &str, error: &TariffError) -> Problem {
    match error {
        TariffError::Field { field, .. } => Problem::field(format!("{at}.{field}"), error.to_string()),
        _ => Problem::field(at, error.to_string()),
    }
}

async fn newest(state: &AppState, principal: &Principal, id: &str) -> Result<TariffView, Problem> {
    let found = state.registry(&principal.tenant).tariff_at(id, state.runtime.now()).await?;
    found.map(TariffView::from).ok_or_else(|| Problem::not_found(format!("there is no tariff `{id}`")))
}

fn text(id: Result<Path<String>, PathRejection>) -> Result<String, Problem> {
    id.map(|Path(id)| id).map_err(|_| Problem::field("id", "the id is not readable"))
}

/// A tariff in its newest version.
#[utoipa::path(get, path = "/tariffs/{id}", tag = "tariffs",
    params(("id" = String, Path, description = "The tariff.")),
    responses((status = 200, body = TariffView), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such tariff.")))]
async fn get(
    State(state): State<AppState>,
    principal: Principal,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<TariffView>, Problem> {
    newest(&state, &principal, &text(id)?).await.map(Json)
}

/// The next version of a tariff.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangedTariff {
    /// 1 to 200 characters.
    name: String,
    #[schema(value_type = Object)]
    tariff: Tariff,
}

/// Change a tariff by a new version, which prices transactions that start from now on.
#[utoipa::path(put, path = "/tariffs/{id}", tag = "tariffs", request_body = ChangedTariff,
    params(("id" = String, Path, description = "The tariff.")),
    responses((status = 200, body = TariffView), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such tariff.")))]
async fn change(
    State(state): State<AppState>,
    principal: Principal,
    id: Result<Path<String>, PathRejection>,
    Json(body): Json<ChangedTariff>,
) -> Result<Json<TariffView>, Problem> {
    let id = text(id)?;
    newest(&state, &principal, &id).await?;
    write(&state, &principal, &id, &body.name, &body.tariff).await.map(Json)
}

/// Take a tariff out of use. What it priced stays as it is; where it is assigned it goes on until another is.
#[utoipa::path(delete, path = "/tariffs/{id}", tag = "tariffs",
    params(("id" = String, Path, description = "The tariff.")),
    responses((status = 204), (status = 404, body = Problem, content_type = "application/problem+json",
        description = "No such tariff.")))]
async fn retire(
    State(state): State<AppState>,
    principal: Principal,
    id: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let id = text(id)?;
    state.registry(&principal.tenant).retire_tariff(&id, &principal.name, state.runtime.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Versions of a tariff, newest first.
#[utoipa::path(get, path = "/tariffs/{id}/versions", tag = "tariffs",
    params(("id" = String, Path, description = "The tariff."), PageQuery),
    responses((status = 200, body = Page<TariffView>)))]
async fn versions(
    State(state): State<AppState>,
    principal: Principal,
    id: Result<Path<String>, PathRejection>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<TariffView>>, Problem> {
    let (id, limit) = (text(id)?, query.limit.get()?);
    newest(&state, &principal, &id).await?;
    let page = state.registry(&principal.tenant).tariff_versions(&id, query.cursor.as_deref(), limit).await?;
    Ok(Json(Page::from_store(page, TariffView::from)))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PreviewQuery {
    /// Energy in Wh.
    #[param(value_type = String, example = "20000")]
    energy_wh: Decimal,
    /// Seconds of charging, at most 30 days.
    duration_s: u32,
    /// Seconds without charging after it, at most 30 days.
    #[serde(default)]
    idle_s: u32,
    /// When it starts; now when left out.
    #[param(value_type = Option<String>, format = DateTime)]
    start: Option<Timestamp>,
    /// The site's time zone; UTC when left out.
    #[param(example = "Europe/Berlin")]
    time_zone: Option<String>,
    /// Current over all phases in amperes; unknown when left out, and then no restriction by current holds.
    #[param(value_type = Option<String>, example = "48")]
    current_a: Option<Decimal>,
}

/// What a session costs, and why.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Cost)]
pub(crate) struct CostView {
    /// ISO 4217.
    #[schema(example = "EUR")]
    pub(super) currency: String,
    /// Line by line: `{kind, element, from, used, billed, price, net, tax_percent, tax}`.
    #[schema(value_type = Vec<Object>)]
    pub(super) lines: serde_json::Value,
    /// Without tax.
    #[schema(example = "9.00")]
    pub(super) net: String,
    #[schema(example = "1.71")]
    pub(super) tax: String,
    /// With tax.
    #[schema(example = "10.71")]
    pub(super) gross: String,
    /// The session, cut where its prices change.
    #[schema(value_type = Vec<Object>)]
    pub(super) periods: serde_json::Value,
}

impl CostView {
    pub(super) fn of(cost: &Cost) -> Result<Self, Problem> {
        let json = |value| serde_json::to_value(value).map_err(|error| Problem::internal(&error));
        Ok(Self {
            currency: cost.currency.to_string(),
            lines: json(&cost.lines)?,
            net: cost.net.to_string(),
            tax: cost.tax.to_string(),
            gross: cost.gross.to_string(),
            periods: serde_json::to_value(&cost.periods).map_err(|error| Problem::internal(&error))?,
        })
    }
}

/// What a session of this energy and length would cost by the newest version of a tariff.
#[utoipa::path(get, path = "/tariffs/{id}/preview", tag = "tariffs",
    params(("id" = String, Path, description = "The tariff."), PreviewQuery),
    responses((status = 200, body = CostView), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such tariff.")))]
async fn preview(
    State(state): State<AppState>,
    principal: Principal,
    id: Result<Path<String>, PathRejection>,
    Query(query): Query<PreviewQuery>,
) -> Result<Json<CostView>, Problem> {
    let record = newest(&state, &principal, &text(id)?).await?;
    let tariff: Tariff = serde_json::from_value(record.tariff).map_err(|error| Problem::internal(&error))?;
    cost_of(&state, &tariff, &query).map(Json)
}

/// What a session of this energy and length would cost by a tariff that is not saved.
#[utoipa::path(post, path = "/tariff-previews", tag = "tariffs", params(PreviewQuery),
    request_body(content = Object, description = "The tariff."),
    responses((status = 200, body = CostView), (status = 400, body = Problem,
        content_type = "application/problem+json", description = "The tariff or the session makes no sense.")))]
async fn preview_draft(
    State(state): State<AppState>,
    _: Principal,
    Query(query): Query<PreviewQuery>,
    Json(tariff): Json<Tariff>,
) -> Result<Json<CostView>, Problem> {
    tariff.check().map_err(|error| refused("tariff", &error))?;
    cost_of(&state, &tariff, &query).map(Json)
}

fn cost_of(state: &AppState, tariff: &Tariff, query: &PreviewQuery) -> Result<CostView, Problem> {
    for (name, seconds) in [("duration_s", query.duration_s), ("idle_s", query.idle_s)] {
        if seconds > PREVIEW_S_MAX {
            return Err(Problem::field(name, format!("`{name}` is at most 30 days")).limit(PREVIEW_S_MAX));
        }
    }
    let zone = match &query.time_zone {
        None => TimeZone::UTC,
        Some(name) => TimeZone::get(name)
            .map_err(|_| Problem::field("time_zone", format!("`{name}` is no time zone that is known")))?,
    };
    let start = query.start.unwrap_or_else(|| state.runtime.now());
    let session = (query.energy_wh, query.duration_s, query.idle_s);
    let cost = voltwin_csms::preview(tariff, &zone, start, session, query.current_a)
        .map_err(|error| Problem::field("energy_wh", error.to_string()))?;
    CostView::of(&cost)
}

/// From a time on, a scope is priced by a tariff.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct TariffAssignment {
    number: i64,
    /// `transaction`, `evse`, `station`, `site` or `default`; the narrower wins.
    #[schema(value_type = String, example = "site")]
    scope: TariffScope,
    /// The twin; empty for the default.
    target: String,
    /// For tokens of this group only; these go before assignments for all.
    token_group: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    from: Timestamp,
    /// Null ends an earlier assignment.
    tariff: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    created_by: String,
}

/// Assignments, newest first. None is ever changed or removed: a later one takes its place.
#[utoipa::path(get, path = "/tariff-assignments", tag = "tariffs", params(PageQuery),
    responses((status = 200, body = Page<TariffAssignment>)))]
async fn assignments(
    State(state): State<AppState>,
    principal: Principal,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<TariffAssignment>>, Problem> {
    let limit = query.limit.get()?;
    let registry = state.registry(&principal.tenant);
    let page = registry.tariff_assignments(query.cursor.as_deref(), limit).await?;
    Ok(Json(Page::from_store(page, assignment)))
}

fn assignment(record: voltwin_store::TariffAssignment) -> TariffAssignment {
    TariffAssignment {
        number: record.number,
        scope: record.scope,
        target: record.target,
        token_group: record.token_group,
        from: record.from,
        tariff: record.tariff,
        created_at: record.created_at,
        created_by: record.created_by,
    }
}

/// A new assignment.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAssignment {
    /// `evse`, `station`, `site` or `default`.
    #[schema(value_type = String)]
    scope: TariffScope,
    /// The twin that it is of; left out for the default.
    #[serde(default)]
    target: String,
    /// For tokens of this group only.
    token_group: Option<String>,
    /// From when on, not in the past; now when left out.
    #[schema(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    /// The tariff; null ends an earlier assignment.
    #[serde(deserialize_with = "said")]
    #[schema(required = true)]
    tariff: Option<String>,
}

/// An assignment holds for one twin of the kind that its scope names: at another it would price nothing.
fn check_target(
    state: &AppState,
    principal: &Principal,
    scope: TariffScope,
    target: &str,
) -> Result<(), Problem> {
    let (model, kind) = match scope {
        TariffScope::Evse => (EVSE, "EVSE"),
        TariffScope::Station => (STATION, "station"),
        TariffScope::Site => (SITE, "site"),
        TariffScope::Default if target.is_empty() => return Ok(()),
        TariffScope::Default => return Err(Problem::field("target", "the default has no target")),
        TariffScope::Transaction => {
            return Err(Problem::field("scope", "`scope` is `evse`, `station`, `site` or `default`"));
        }
    };
    if target.is_empty() {
        return Err(Problem::field("target", format!("`target` is missing: which {kind} it holds for")));
    }
    let found = state
        .runtime
        .read(&principal.tenant, |graph| graph.twin(target).is_some_and(|twin| is_a(graph, &twin, model)));
    if found { Ok(()) } else { Err(Problem::field("target", format!("there is no {kind} `{target}`"))) }
}

/// Assign a tariff. Transactions that have started keep the price that they started with.
#[utoipa::path(post, path = "/tariff-assignments", tag = "tariffs", request_body = NewAssignment,
    responses((status = 201, body = TariffAssignment), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such tariff, or it is retired.")))]
async fn assign(
    State(state): State<AppState>,
    principal: Principal,
    Json(body): Json<NewAssignment>,
) -> Result<(StatusCode, Json<TariffAssignment>), Problem> {
    let now = state.runtime.now();
    check_target(&state, &principal, body.scope, &body.target)?;
    if let Some(group) = &body.token_group {
        check_group("token_group", group)?;
    }
    let from = body.from.unwrap_or(now);
    if from < now {
        return Err(Problem::field("from", "`from` is in the past, where prices stay as they were"));
    }
    let new = NewTariffAssignment {
        scope: body.scope,
        target: body.target,
        token_group: body.token_group,
        from,
        tariff: body.tariff,
    };
    let registry = state.registry(&principal.tenant);
    let number = registry.assign_tariff(&new, &principal.name, now).await?;
    state.csms.tariffs_changed(&principal.tenant);
    let NewTariffAssignment { scope, target, token_group, from, tariff } = new;
    let made = TariffAssignment {
        number,
        scope,
        target,
        token_group,
        from,
        tariff,
        created_at: now,
        created_by: principal.name.clone(),
    };
    Ok((StatusCode::CREATED, Json(made)))
}

fn check_group(field: &'static str, group: &str) -> Result<(), Problem> {
    if group.trim().is_empty() || group.chars().count() > GROUP_CHARS_MAX {
        return Err(Problem::field(field, "a group has 1 to 64 characters").limit(GROUP_CHARS_MAX as u64));
    }
    Ok(())
}

/// A token and its group.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct TokenGroup {
    token: String,
    group: String,
}

/// Tokens that are in a group, by token.
#[utoipa::path(get, path = "/token-groups", tag = "tariffs", params(PageQuery),
    responses((status = 200, body = Page<TokenGroup>)))]
async fn groups(
    State(state): State<AppState>,
    principal: Principal,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<TokenGroup>>, Problem> {
    let limit = query.limit.get()?;
    let page = state.registry(&principal.tenant).token_groups(query.cursor.as_deref(), limit).await?;
    Ok(Json(Page::from_store(page, |record| TokenGroup { token: record.token, group: record.group })))
}

/// The group of a token.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Grouping {
    /// 1 to 64 characters.
    group: String,
}

/// Put a token into a group.
#[utoipa::path(put, path = "/token-groups/{id}", tag = "tariffs", request_body = Grouping,
    params(("id" = String, Path, description = "The token.")), responses((status = 200, body = TokenGroup)))]
async fn group(
    State(state): State<AppState>,
    principal: Principal,
    id: Result<Path<String>, PathRejection>,
    Json(body): Json<Grouping>,
) -> Result<Json<TokenGroup>, Problem> {
    let token = text(id)?;
    if token.chars().count() > TOKEN_CHARS_MAX {
        return Err(Problem::field("id", "a token has 1 to 255 characters").limit(TOKEN_CHARS_MAX as u64));
    }
    check_group("group", &body.group)?;
    let (registry, now) = (state.registry(&principal.tenant), state.runtime.now());
    registry.set_token_group(&token, Some(&body.group), &principal.name, now).await?;
    Ok(Json(TokenGroup { token, group: body.group }))
}

/// Take a token out of its group.
#[utoipa::path(delete, path = "/token-groups/{id}", tag = "tariffs",
    params(("id" = String, Path, description = "The token.")), responses((status = 204)))]
async fn ungroup(
    State(state): State<AppState>,
    principal: Principal,
    id: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let token = text(id)?;
    let (registry, now) = (state.registry(&principal.tenant), state.runtime.now());
    registry.set_token_group(&token, None, &principal.name, now).await?;
    Ok(StatusCode::NO_CONTENT)
}
