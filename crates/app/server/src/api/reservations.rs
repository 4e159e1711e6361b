//! Reservations: an EVSE held for somebody.

use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use voltwin_core::{Timestamp, TwinId};
use voltwin_csms::ReservationRequest;
use voltwin_security::Permission;

use super::commands::{Command, WAIT_MAX_S, WaitQuery};
use crate::auth::{Guard, Principal};
use crate::http::{Id, Json, Page, PageQuery, Problem, Query};
use crate::state::AppState;

/// The longest token that OCPP 2.0.1 has room for, in characters.
const TOKEN_CHARS_MAX: usize = 36;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    let command =
        Guard::needs(Permission::CommandStations).timeout(Duration::from_secs(u64::from(WAIT_MAX_S) + 10));
    OpenApiRouter::new()
        .routes(Guard::needs(Permission::Read).on(routes!(all)))
        .routes(Guard::needs(Permission::Read).on(routes!(of_station)))
        .routes(command.on(routes!(reserve)))
        .routes(command.on(routes!(cancel)))
}

/// Where a reservation stands.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReservationState {
    /// The station holds it.
    Active,
    /// The station did not take it.
    Refused,
    /// A transaction took it up.
    Used,
    /// Somebody gave it up.
    Cancelled,
    /// Nobody came in time.
    Expired,
    /// The station gave it up.
    Removed,
}

/// One reservation.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Reservation {
    /// Its number, the same for the station.
    id: i64,
    station: String,
    /// The EVSE (OCPP 1.6: connector); `null` = any of the station.
    evse: Option<u32>,
    /// Who may charge.
    id_token: String,
    /// Whoever is of this group may charge too.
    group: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    state: ReservationState,
    /// The transaction that took it up.
    transaction_id: Option<String>,
    /// The station's own word on it.
    #[schema(example = "Accepted")]
    answer: Option<String>,
}

impl From<voltwin_csms::Reservation> for Reservation {
    fn from(reservation: voltwin_csms::Reservation) -> Self {
        use voltwin_csms::ReservationState as State;
        Self {
            id: reservation.id,
            station: reservation.station,
            evse: reservation.evse,
            id_token: reservation.id_token,
            group: reservation.group,
            expires_at: reservation.expires_at,
            state: match reservation.state {
                State::Active => ReservationState::Active,
                State::Refused => ReservationState::Refused,
                State::Used => ReservationState::Used,
                State::Cancelled => ReservationState::Cancelled,
                State::Expired => ReservationState::Expired,
                State::Removed => ReservationState::Removed,
            },
            transaction_id: reservation.transaction_id,
            answer: reservation.answer,
        }
    }
}

/// The reservations of all stations, by station and number.
#[utoipa::path(get, path = "/reservations", tag = "reservations", params(PageQuery),
    responses((status = 200, body = Page<Reservation>)))]
async fn all(
    State(state): State<AppState>,
    principal: Principal,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Reservation>>, Problem> {
    let limit = query.limit.get()?;
    let page = state.csms.reservations(&principal.tenant, query.cursor.as_deref(), limit).await?;
    Ok(Json(Page::from_store(page, Reservation::from)))
}

/// The reservations of a station, by number.
#[utoipa::path(get, path = "/stations/{id}/reservations", tag = "reservations",
    params(("id" = String, Path, description = "The station."), PageQuery),
    responses((status = 200, body = Page<Reservation>), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such station.")))]
async fn of_station(
    State(state): State<AppState>,
    principal: Principal,
    Id(station): Id<TwinId>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Reservation>>, Problem> {
    super::stations::must_exist(&state, &principal, &station)?;
    let limit = query.limit.get()?;
    let cursor = query.cursor.as_deref();
    let page = state.csms.reservations_of(&principal.tenant, &station, cursor, limit).await?;
    Ok(Json(Page::from_store(page, Reservation::from)))
}

/// What to hold, and for whom.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewReservation {
    /// The EVSE (OCPP 1.6: connector), from 1; any of the station when left out.
    #[schema(minimum = 1)]
    evse: Option<u32>,
    /// Who may charge: 1 to 36 characters (OCPP 1.6: 20).
    id_token: String,
    /// Whoever is of this group may charge too; that of the token when left out.
    group: Option<String>,
    /// Until when.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

/// A reservation, and the command by which the station was asked.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReservationAsked {
    /// `null` while the station has not answered.
    reservation: Option<Reservation>,
    command: Command,
}

/// Ask a station to hold an EVSE. One that refuses is no error: `state` and `command` say so.
#[utoipa::path(post, path = "/stations/{id}/reservations", tag = "reservations", request_body = NewReservation,
    params(("id" = String, Path, description = "The station."), WaitQuery),
    responses((status = 201, body = ReservationAsked), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such station."),
        (status = 409, body = Problem, content_type = "application/problem+json",
            description = "It is reserved or in use.")))]
async fn reserve(
    State(state): State<AppState>,
    principal: Principal,
    Id(station): Id<TwinId>,
    Query(query): Query<WaitQuery>,
    Json(body): Json<NewReservation>,
) -> Result<(StatusCode, Json<ReservationAsked>), Problem> {
    super::stations::must_exist(&state, &principal, &station)?;
    if body.evse == Some(0) {
        return Err(Problem::field("evse", "`evse` is 0; it must be 1 or more").limit(1));
    }
    for (field, text) in [("id_token", Some(&body.id_token)), ("group", body.group.as_ref())] {
        if text.is_some_and(|text| !(1..=TOKEN_CHARS_MAX).contains(&text.chars().count())) {
            let detail = format!("`{field}` must have 1 to {TOKEN_CHARS_MAX} characters");
            return Err(Problem::field(field, detail).limit(TOKEN_CHARS_MAX));
        }
    }
    let request = ReservationRequest {
        evse: body.evse,
        id_token: body.id_token,
        group: body.group,
        expires_at: body.expires_at,
    };
    let wait = query.get()?;
    let (reservation, command) =
        state.csms.reserve(&principal.tenant, &station, request, &principal.name, wait).await?;
    let asked = ReservationAsked { reservation: reservation.map(Into::into), command: command.into() };
    Ok((StatusCode::CREATED, Json(asked)))
}

/// Ask a station to give up a reservation.
#[utoipa::path(delete, path = "/stations/{id}/reservations/{number}", tag = "reservations",
    params(("id" = String, Path, description = "The station."),
        ("number" = i64, Path, description = "The reservation."), WaitQuery),
    responses((status = 200, body = ReservationAsked), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such reservation."),
        (status = 409, body = Problem, content_type = "application/problem+json",
            description = "It is not active any more.")))]
async fn cancel(
    State(state): State<AppState>,
    principal: Principal,
    path: Result<Path<(String, i64)>, axum::extract::rejection::PathRejection>,
    Query(query): Query<WaitQuery>,
) -> Result<Json<ReservationAsked>, Problem> {
    let Path((station, number)) =
        path.map_err(|rejection| Problem::field("number", rejection.body_text()))?;
    let station: TwinId = station.parse()?;
    super::stations::must_exist(&state, &principal, &station)?;
    let wait = query.get()?;
    let found =
        state.csms.cancel_reservation(&principal.tenant, &station, number, &principal.name, wait).await?;
    let missing = || Problem::not_found(format!("the station has no reservation {number}"));
    let (reservation, command) = found.ok_or_else(missing)?;
    Ok(Json(ReservationAsked { reservation: Some(reservation.into()), command: command.into() }))
}
