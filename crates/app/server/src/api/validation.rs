//! How strictly stations are held to the protocol, and how they break it.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use voltwin_core::{TenantId, Timestamp, TwinId};
use voltwin_csms::VIOLATION_TOPIC;
use voltwin_ocpp::Validation;
use voltwin_security::Permission;
use voltwin_store::{NoteFilter, ValidationScope};

use crate::auth::{Guard, Principal};
use crate::http::{Id, Json, Page, PageLimit, Problem, Query, said};
use crate::network::{STATION, is_a};
use crate::state::AppState;

/// The longest vendor, model and firmware version that OCPP knows.
const MAKE_CHARS_MAX: usize = 50;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(Guard::needs(Permission::Read).on(routes!(of_station)))
        .routes(Guard::needs(Permission::ManageStations).on(routes!(set_station)))
        .routes(Guard::needs(Permission::Read).on(routes!(rules)))
        .routes(Guard::needs(Permission::ManageStations).on(routes!(set_rule)))
        .routes(Guard::needs(Permission::Read).on(routes!(violations)))
        .routes(Guard::needs(Permission::Read).on(routes!(summary)))
}

/// How strictly a station is held to the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ValidationPolicy {
    /// Any breach is answered with its error.
    Strict,
    /// What can be understood is taken, and its breaches are filed.
    Lenient,
    /// As lenient; but the station's word changes no twin, only transactions are recorded.
    Quarantine,
}

impl From<Validation> for ValidationPolicy {
    fn from(policy: Validation) -> Self {
        match policy {
            Validation::Strict => Self::Strict,
            Validation::Lenient => Self::Lenient,
            Validation::Quarantine => Self::Quarantine,
        }
    }
}

impl From<ValidationPolicy> for Validation {
    fn from(policy: ValidationPolicy) -> Self {
        match policy {
            ValidationPolicy::Strict => Self::Strict,
            ValidationPolicy::Lenient => Self::Lenient,
            ValidationPolicy::Quarantine => Self::Quarantine,
        }
    }
}

/// The policy of one station.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct StationValidation {
    station: String,
    /// What holds now, by the rule of the station, of its make, or by default.
    policy: ValidationPolicy,
    /// The rule of the station itself, if it has one.
    own: Option<ValidationPolicy>,
}

/// A new policy; `null` takes the rule back.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPolicy {
    #[serde(deserialize_with = "said")]
    #[schema(required = true)]
    policy: Option<ValidationPolicy>,
}

/// How strictly stations of a make are held to the protocol.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ValidationRule {
    /// As the stations say in their boot.
    #[schema(example = "Acme")]
    vendor: String,
    /// Any when absent.
    model: Option<String>,
    /// Any when absent.
    firmware_version: Option<String>,
    policy: ValidationPolicy,
    set_by: String,
    #[schema(value_type = String, format = DateTime)]
    set_at: Timestamp,
}

/// How strictly one station is held to the protocol, by a rule of its own.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct StationRule {
    station: String,
    policy: ValidationPolicy,
    set_by: String,
    #[schema(value_type = String, format = DateTime)]
    set_at: Timestamp,
}

/// All rules about makes of stations, and about single stations.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ValidationRules {
    /// Where no rule holds, as the installation was started.
    default: ValidationPolicy,
    items: Vec<ValidationRule>,
    /// Each holds before the rules about makes.
    stations: Vec<StationRule>,
}

/// The policy of a make; `null` takes the rule back.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRule {
    /// 1 to 50 characters, exactly as the stations say in their boot.
    vendor: String,
    /// Any when left out.
    model: Option<String>,
    /// Any when left out; needs a model.
    firmware_version: Option<String>,
    #[serde(deserialize_with = "said")]
    #[schema(required = true)]
    policy: Option<ValidationPolicy>,
}

/// One breach of the protocol.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct FiledViolation {
    /// Its number; later ones are greater.
    id: i64,
    station: String,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// `{code, field, detail, action, kind, direction, message_id, policy, vendor, model, firmware}`; the code
    /// `NotFiled` stands for `count` breaches beyond what a minute has room for, `Quarantined` for a fact of a
    /// station in quarantine.
    detail: serde_json::Value,
}

/// How often stations of one make broke the protocol in one way.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ViolationCount {
    vendor: String,
    model: String,
    firmware_version: String,
    /// The error code, `NotFiled` or `Quarantined`.
    #[schema(example = "TypeConstraintViolation")]
    code: String,
    /// Empty where the frame named none of the protocol.
    action: String,
    count: i64,
    #[schema(value_type = String, format = DateTime)]
    first_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    last_at: Timestamp,
    /// The station of the last time.
    last_station: String,
}

/// The most frequent breaches, up to 500.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ViolationSummary {
    items: Vec<ViolationCount>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ViolationsQuery {
    /// Of this station only.
    station: Option<String>,
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 500, default = 100)]
    limit: PageLimit,
    /// `next` of the page before.
    cursor: Option<String>,
}

async fn station_validation(
    state: &AppState,
    tenant: &TenantId,
    station: &TwinId,
) -> Result<StationValidation, Problem> {
    let known = state
        .runtime
        .read(tenant, |graph| graph.twin(station.as_str()).is_some_and(|twin| is_a(graph, &twin, STATION)));
    if !known {
        return Err(Problem::not_found(format!("there is no station {station}")));
    }
    let rules = state.registry(tenant).validation_rules().await?;
    let own = rules
        .iter()
        .find(|rule| rule.scope.station == station.as_str())
        .and_then(|rule| rule.policy.parse::<Validation>().ok());
    let policy = state.csms.validation_of(tenant, station);
    Ok(StationValidation { station: station.to_string(), policy: policy.into(), own: own.map(Into::into) })
}

/// How strictly a station is held to the protocol.
#[utoipa::path(get, path = "/stations/{id}/validation", tag = "validation",
    params(("id" = String, Path, description = "The station.")),
    responses((status = 200, body = StationValidation), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such station.")))]
async fn of_station(
    State(state): State<AppState>,
    principal: Principal,
    Id(station): Id<TwinId>,
) -> Result<Json<StationValidation>, Problem> {
    station_validation(&state, &principal.tenant, &station).await.map(Json)
}

/// Set how strictly a station is held to the protocol, from its next frame on.
#[utoipa::path(put, path = "/stations/{id}/validation", tag = "validation", request_body = NewPolicy,
    params(("id" = String, Path, description = "The station.")),
    responses((status = 200, body = StationValidation), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such station.")))]
async fn set_station(
    State(state): State<AppState>,
    principal: Principal,
    Id(station): Id<TwinId>,
    Json(body): Json<NewPolicy>,
) -> Result<Json<StationValidation>, Problem> {
    station_validation(&state, &principal.tenant, &station).await?;
    let scope = ValidationScope { station: station.to_string(), ..Default::default() };
    let policy = body.policy.map(Into::into);
    state.csms.set_validation(&principal.tenant, scope, policy, &principal.name).await?;
    station_validation(&state, &principal.tenant, &station).await.map(Json)
}

async fn all_rules(state: &AppState, tenant: &TenantId) -> Result<Json<ValidationRules>, Problem> {
    let rules = state.registry(tenant).validation_rules().await?;
    let (makes, stations): (Vec<_>, Vec<_>) =
        rules.into_iter().partition(|rule| rule.scope.station.is_empty());
    let any = |word: String| Some(word).filter(|word| !word.is_empty());
    let items = makes.into_iter().filter_map(|rule| {
        let policy: Validation = rule.policy.parse().ok()?;
        Some(ValidationRule {
            vendor: rule.scope.vendor,
            model: any(rule.scope.model),
            firmware_version: any(rule.scope.firmware),
            policy: policy.into(),
            set_by: rule.set_by,
            set_at: rule.set_at,
        })
    });
    let stations = stations.into_iter().filter_map(|rule| {
        let policy: Validation = rule.policy.parse().ok()?;
        let station = rule.scope.station;
        Some(StationRule { station, policy: policy.into(), set_by: rule.set_by, set_at: rule.set_at })
    });
    Ok(Json(ValidationRules {
        default: state.csms.validation_default().into(),
        items: items.collect(),
        stations: stations.collect(),
    }))
}

/// The rules about makes of stations and about single ones, and what holds without one.
#[utoipa::path(get, path = "/validation", tag = "validation", responses((status = 200, body = ValidationRules)))]
async fn rules(
    State(state): State<AppState>,
    principal: Principal,
) -> Result<Json<ValidationRules>, Problem> {
    all_rules(&state, &principal.tenant).await
}

/// Set how strictly stations of a vendor, a model or a firmware are held to the protocol, from their next frame on.
#[utoipa::path(put, path = "/validation", tag = "validation", request_body = NewRule,
    responses((status = 200, body = ValidationRules), (status = 400, body = Problem,
        content_type = "application/problem+json", description = "No such make.")))]
async fn set_rule(
    State(state): State<AppState>,
    principal: Principal,
    Json(body): Json<NewRule>,
) -> Result<Json<ValidationRules>, Problem> {
    let fields = [
        ("vendor", Some(&body.vendor)),
        ("model", body.model.as_ref()),
        ("firmware_version", body.firmware_version.as_ref()),
    ];
    for (field, word) in fields {
        if word.is_some_and(|word| !(1..=MAKE_CHARS_MAX).contains(&word.chars().count())) {
            let detail = format!("`{field}` must have 1 to {MAKE_CHARS_MAX} characters");
            return Err(Problem::field(field, detail).limit(MAKE_CHARS_MAX));
        }
    }
    if body.firmware_version.is_some() && body.model.is_none() {
        return Err(Problem::field("model", "a firmware version is one of a model, so name the model"));
    }
    let scope = ValidationScope {
        station: String::new(),
        vendor: body.vendor,
        model: body.model.unwrap_or_default(),
        firmware: body.firmware_version.unwrap_or_default(),
    };
    let policy = body.policy.map(Into::into);
    state.csms.set_validation(&principal.tenant, scope, policy, &principal.name).await?;
    all_rules(&state, &principal.tenant).await
}

/// Breaches of the protocol, newest first.
#[utoipa::path(get, path = "/violations", tag = "validation", params(ViolationsQuery),
    responses((status = 200, body = Page<FiledViolation>)))]
async fn violations(
    State(state): State<AppState>,
    principal: Principal,
    Query(query): Query<ViolationsQuery>,
) -> Result<Json<Page<FiledViolation>>, Problem> {
    let limit = query.limit.get()?;
    let filter = NoteFilter { topic: VIOLATION_TOPIC.to_owned(), twin: query.station };
    let page = state.registry(&principal.tenant).notes(&filter, query.cursor.as_deref(), limit).await?;
    Ok(Json(Page::from_store(page, |note| FiledViolation {
        id: note.id,
        station: note.twin,
        at: note.received,
        detail: note.detail,
    })))
}

/// How often which make of station broke the protocol in which way, the most frequent first.
#[utoipa::path(get, path = "/violations/summary", tag = "validation",
    responses((status = 200, body = ViolationSummary)))]
async fn summary(
    State(state): State<AppState>,
    principal: Principal,
) -> Result<Json<ViolationSummary>, Problem> {
    let counts = state.registry(&principal.tenant).violation_counts(500).await?;
    let items = counts.into_iter().map(|count| ViolationCount {
        vendor: count.vendor,
        model: count.model,
        firmware_version: count.firmware,
        code: count.code,
        action: count.action,
        count: count.count,
        first_at: count.first,
        last_at: count.last,
        last_station: count.last_station,
    });
    Ok(Json(ViolationSummary { items: items.collect() }))
}
