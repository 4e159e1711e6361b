//! Tariffs at a station that works out costs by itself (OCPP 2.1), and another tariff for a transaction that runs.

use std::time::Duration;

use axum::extract::{Path, State, rejection::PathRejection};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use voltwin_core::{Timestamp, TwinId};
use voltwin_security::Permission;

use super::Command;
use crate::auth::{Guard, Principal};
use crate::http::{Json, Problem};
use crate::network::{STATION, is_a};
use crate::state::AppState;

/// A station may be sent a tariff an EVSE, one after the other.
const WAIT: Duration = Duration::from_secs(120);
/// How long the station may take to say whether it changes the tariff of a transaction.
const ANSWER: Duration = Duration::from_secs(35);

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(Guard::needs(Permission::Read).on(routes!(get)))
        .routes(Guard::needs(Permission::ManageTariffs).timeout(WAIT).on(routes!(put)))
        .routes(Guard::needs(Permission::ManageTariffs).timeout(WAIT).on(routes!(change)))
}

/// What a station should hold.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WantedTariff {
    #[schema(example = "day-and-night")]
    tariff: String,
    version: i64,
    /// The id that the station knows it by.
    #[schema(example = "day-and-night:3")]
    tariff_id: String,
    /// What a station could not work out as we do; it is not given the tariff then.
    problem: Option<String>,
}

/// One EVSE.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StationTariff {
    /// 0 is all of them.
    evse: u32,
    /// Null where no tariff applies.
    wanted: Option<WantedTariff>,
    /// `{state: set|refused, tariff_id, valid_from, status?, reason?}`; null where it was never given one.
    #[schema(value_type = Option<Object>)]
    held: Option<serde_json::Value>,
}

/// What a station holds and what it should.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StationTariffs {
    /// Whether it works out costs by itself; null while its device model does not say.
    supported: Option<bool>,
    /// One for the station, or one an EVSE where they differ.
    items: Vec<StationTariff>,
    /// What it was sent by this request.
    sent: Vec<Command>,
}

async fn view(
    state: &AppState,
    principal: &Principal,
    station: &TwinId,
    sent: Vec<voltwin_store::Command>,
) -> Result<Json<StationTariffs>, Problem> {
    let tariffs = state.csms.station_tariffs(&principal.tenant, station).await?;
    let item = |item: voltwin_csms::StationTariff| StationTariff {
        evse: item.evse,
        wanted: item.wanted.map(|wanted| WantedTariff {
            tariff: wanted.tariff,
            version: wanted.version,
            tariff_id: wanted.tariff_id,
            problem: wanted.problem,
        }),
        held: item.held,
    };
    Ok(Json(StationTariffs {
        supported: tariffs.supported,
        items: tariffs.items.into_iter().map(item).collect(),
        sent: sent.into_iter().map(Command::from).collect(),
    }))
}

fn known(
    state: &AppState,
    principal: &Principal,
    id: Result<Path<String>, PathRejection>,
) -> Result<TwinId, Problem> {
    let Path(id) = id.map_err(|_| Problem::field("id", "the id is not readable"))?;
    let is_station = state
        .runtime
        .read(&principal.tenant, |graph| graph.twin(&id).is_some_and(|twin| is_a(graph, &twin, STATION)));
    match TwinId::new(&id) {
        Ok(station) if is_station => Ok(station),
        _ => Err(Problem::not_found(format!("there is no station `{id}`"))),
    }
}

/// The tariffs that a station holds, and those that it should.
#[utoipa::path(get, path = "/stations/{id}/tariffs", tag = "tariffs",
    params(("id" = String, Path, description = "The station.")),
    responses((status = 200, body = StationTariffs), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such station.")))]
async fn get(
    State(state): State<AppState>,
    principal: Principal,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<StationTariffs>, Problem> {
    let station = known(&state, &principal, id)?;
    view(&state, &principal, &station, Vec::new()).await
}

/// Give a station the tariffs that it should hold, now, also those that it refused before, and take the others away.
#[utoipa::path(put, path = "/stations/{id}/tariffs", tag = "tariffs",
    params(("id" = String, Path, description = "The station.")),
    responses((status = 200, body = StationTariffs), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such station."),
        (status = 409, body = Problem, content_type = "application/problem+json",
        description = "The station works out no costs.")))]
async fn put(
    State(state): State<AppState>,
    principal: Principal,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<StationTariffs>, Problem> {
    let station = known(&state, &principal, id)?;
    let supported = state.csms.station_tariffs(&principal.tenant, &station).await?.supported;
    if supported == Some(false) {
        return Err(Problem::conflict(
            "the station works out no costs by itself, so that it takes no tariffs",
        ));
    }
    let sent = state.csms.give_tariffs(&principal.tenant, &station, true, &principal.name).await?;
    view(&state, &principal, &station, sent).await
}

/// Another tariff for a transaction.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WishedTariff {
    /// The tariff's id; it counts in its newest version.
    #[schema(example = "night")]
    tariff: String,
}

/// What came of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TransactionTariff {
    /// The transaction, by our number.
    number: i64,
    #[schema(example = "night")]
    tariff: String,
    version: i64,
    /// The id that the station knows it by.
    #[schema(example = "night:3")]
    tariff_id: String,
    /// From when on it counts; null when the station has not taken it.
    #[schema(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    /// What the station was sent; null for one that works out no costs.
    command: Option<Command>,
}

/// Give a transaction that runs another tariff from now on. A station that works out costs is asked first
/// (`ChangeTransactionTariff`), and its yes is when the tariff begins. The receipt tells the difference.
#[utoipa::path(put, path = "/transactions/{number}/tariff", tag = "tariffs", request_body = WishedTariff,
    params(("number" = i64, Path, description = "Our number.")),
    responses((status = 200, body = TransactionTariff),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "No such tariff, or it is retired."),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "No such transaction."),
        (status = 409, body = Problem, content_type = "application/problem+json",
        description = "It has ended, has no tariff or one in another currency, or the station could not work out this one.")))]
async fn change(
    State(state): State<AppState>,
    principal: Principal,
    number: Result<Path<i64>, PathRejection>,
    Json(body): Json<WishedTariff>,
) -> Result<Json<TransactionTariff>, Problem> {
    let Path(number) = number.map_err(|_| Problem::field("number", "the number must be a whole number"))?;
    let (tenant, by) = (&principal.tenant, &principal.name);
    let changed = state.csms.change_transaction_tariff(tenant, number, &body.tariff, by, ANSWER).await?;
    let changed = changed.ok_or_else(|| Problem::not_found(format!("there is no transaction {number}")))?;
    Ok(Json(TransactionTariff {
        number: changed.number,
        tariff: changed.tariff,
        version: changed.version,
        tariff_id: changed.tariff_id,
        from: changed.from,
        command: changed.command.map(Command::from),
    }))
}
