//! Charging transactions: the registry's exact record.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use voltwin_core::Timestamp;
use voltwin_security::Permission;
use voltwin_store::{SegmentKind, TransactionFilter, TransactionState};

use crate::auth::{Guard, Principal};
use crate::http::{Json, Page, PageLimit, Problem, Query};
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(Guard::needs(Permission::Read).on(routes!(list)))
        .routes(Guard::needs(Permission::Read).on(routes!(get)))
}

/// The record of one charging transaction. Energies are exact decimals in Wh.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Transaction {
    /// Our number, from 1 within the tenant.
    #[schema(example = 17)]
    number: i64,
    /// The id that station and central system share.
    transaction_id: String,
    station: String,
    /// EVSE number, from 1.
    evse: Option<u32>,
    /// Connector of the EVSE, from 1.
    connector: Option<u32>,
    /// Who charges.
    id_token: Option<String>,
    /// `active`, `ended`, or `orphan` for a stop whose start nobody has seen.
    #[schema(example = "active")]
    state: &'static str,
    /// By the station's clock; null while the start is missing.
    #[schema(value_type = Option<String>, format = DateTime)]
    started_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Timestamp>,
    /// The energy register at the start, in Wh.
    #[schema(example = "120034.5")]
    meter_start_wh: Option<String>,
    /// The energy register at the end, or the newest one known, in Wh.
    #[schema(example = "135034.5")]
    meter_stop_wh: Option<String>,
    /// Energy delivered, in Wh, never negative.
    #[schema(example = "15000")]
    energy_wh: String,
    /// From the start to the end or the newest event, in seconds.
    duration_s: Option<f64>,
    stopped_reason: Option<String>,
    /// Whether any part of it happened while the station could not reach us.
    offline: bool,
    /// How many different events it has.
    events: u64,
    /// What a person should know: `started_missing`, `sequence_gap`, `end_lost`, `stop_below_start`, `clock_skew_future`,
    /// `clock_skew_past`, and of the register `meter_rollover`, `meter_reset`, `meter_glitch`, `meter_regressed`,
    /// `meter_jump`, `meter_negative`, `unit_mistake`; `id_reused` when the station had given its id before, `quarantined`
    /// when a station in quarantine told any of it, `cost_differs` when the station works out another cost than the receipt.
    #[schema(value_type = Vec<String>)]
    flags: Vec<&'static str>,
    /// The energy ledger: stretches of readings, oldest first, at most 64.
    segments: Vec<Segment>,
}

/// A stretch of readings of an energy register.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Segment {
    /// `metered`, `rollover`, `reset`, `glitch`, `regress`, `jump` or `unit_mistake`.
    #[schema(value_type = String)]
    kind: SegmentKind,
    #[schema(value_type = String, format = DateTime)]
    from: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    to: Timestamp,
    /// The first reading, in Wh.
    from_wh: String,
    /// The last reading, in Wh.
    to_wh: String,
    /// What is billed of it, in Wh.
    energy_wh: String,
}

impl From<voltwin_store::Segment> for Segment {
    fn from(segment: voltwin_store::Segment) -> Self {
        Self {
            kind: segment.kind,
            from: segment.from,
            to: segment.to,
            from_wh: segment.from_wh.to_string(),
            to_wh: segment.to_wh.to_string(),
            energy_wh: segment.energy_wh.normalize().to_string(),
        }
    }
}

pub(super) fn state_name(state: TransactionState) -> &'static str {
    match state {
        TransactionState::Active => "active",
        TransactionState::Ended => "ended",
        TransactionState::Orphan => "orphan",
    }
}

impl From<voltwin_store::Transaction> for Transaction {
    fn from(record: voltwin_store::Transaction) -> Self {
        Self {
            number: record.number,
            transaction_id: record.transaction_id,
            station: record.station,
            evse: record.evse,
            connector: record.connector,
            id_token: record.id_token,
            state: state_name(record.state),
            started_at: record.started_at,
            ended_at: record.ended_at,
            meter_start_wh: record.meter_start_wh.map(|wh| wh.to_string()),
            meter_stop_wh: record.meter_stop_wh.map(|wh| wh.to_string()),
            energy_wh: record.energy_wh.to_string(),
            duration_s: record.duration_s,
            stopped_reason: record.stopped_reason,
            offline: record.offline,
            events: record.events,
            flags: record.flags,
            segments: record.segments.into_iter().map(Segment::from).collect(),
        }
    }
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
    /// Only of this station.
    station: Option<String>,
    /// Only at this EVSE; the sessions of one connector are asked for with station, EVSE and connector.
    #[param(minimum = 1)]
    evse: Option<u32>,
    /// Only at this connector of its EVSE.
    #[param(minimum = 1)]
    connector: Option<u32>,
    /// Only of this id token.
    id_token: Option<String>,
    /// Only in this state.
    #[param(value_type = Option<String>, example = "active")]
    state: Option<TransactionState>,
}

/// Transactions, newest first.
#[utoipa::path(get, path = "/transactions", tag = "transactions", params(ListQuery),
    responses((status = 200, body = Page<Transaction>)))]
async fn list(
    State(state): State<AppState>,
    principal: Principal,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<Transaction>>, Problem> {
    let limit = query.limit.get()?;
    let ListQuery { cursor, station, evse, connector, id_token, state: wanted, .. } = query;
    let filter = TransactionFilter { station, evse, connector, id_token, state: wanted };
    let registry = state.registry(&principal.tenant);
    let page = registry.transactions(&filter, cursor.as_deref(), limit).await?;
    Ok(Json(Page::from_store(page, Transaction::from)))
}

/// One transaction.
#[utoipa::path(get, path = "/transactions/{number}", tag = "transactions",
    params(("number" = i64, Path, description = "Our number.")),
    responses((status = 200, body = Transaction), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such transaction.")))]
async fn get(
    State(state): State<AppState>,
    principal: Principal,
    number: Result<Path<i64>, PathRejection>,
) -> Result<Json<Transaction>, Problem> {
    let Path(number) = number.map_err(|_| Problem::field("number", "the number must be a whole number"))?;
    let found = state.registry(&principal.tenant).transaction(number).await?;
    let record = found.ok_or_else(|| Problem::not_found(format!("there is no transaction {number}")))?;
    Ok(Json(record.into()))
}
