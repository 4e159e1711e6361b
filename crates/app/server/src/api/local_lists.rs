//! The local authorisation lists of stations.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use voltwin_core::{Timestamp, TwinId};
use voltwin_csms::{LOCAL_LIST_CHOSEN_MAX, LocalListMode, LocalListState, LocalListWish};
use voltwin_security::Permission;

use super::commands::{WAIT_MAX_S, WaitQuery};
use crate::auth::{Guard, Principal};
use crate::http::{Id, Json, Problem, Query};
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    let command =
        Guard::needs(Permission::CommandStations).timeout(Duration::from_secs(u64::from(WAIT_MAX_S) + 10));
    OpenApiRouter::new()
        .routes(Guard::needs(Permission::Read).on(routes!(get)))
        .routes(Guard::needs(Permission::CommandStations).on(routes!(set)))
        .routes(command.on(routes!(sync)))
}

/// Which tokens a station is to hold.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ListMode {
    /// None; a list that was ours is emptied once.
    Off,
    /// All tokens of the tenant that are good there.
    All,
    /// Those in `tokens`, and those whose parent is in `parents`.
    Chosen,
}

/// Which tokens a station is to hold.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListWish {
    mode: ListMode,
    /// With `chosen`; at most 1,000.
    #[serde(default)]
    tokens: Vec<String>,
    /// With `chosen`; at most 1,000.
    #[serde(default)]
    parents: Vec<String>,
}

/// How far a station's list has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ListState {
    /// Nothing was sent yet.
    Unknown,
    /// It holds what it is to hold.
    Current,
    /// It holds as much of it as fits.
    Partial,
    /// It does not hold what it is to hold.
    Stale,
    /// It refused.
    Failed,
    /// It has no such list.
    NotSupported,
}

/// A station's local authorisation list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct StationLocalList {
    station: String,
    wanted: ListWish,
    /// `stale` also when it was current and entries are `pending` since.
    state: ListState,
    /// The version that the station confirmed last; 0 = none.
    version: i64,
    /// Entries that the station has confirmed.
    entries: usize,
    /// Tokens that it should hold and that do not fit it or its version of the protocol.
    left_out: usize,
    /// Entries to send or take back until it holds what it is to hold.
    pending: usize,
    /// Whether it is being told right now.
    under_way: bool,
    /// Why it is not current, for a person.
    reason: Option<String>,
    /// When the station was heard of last about its list.
    #[schema(value_type = Option<String>, format = DateTime)]
    at: Option<Timestamp>,
}

fn shown(station: &TwinId, list: voltwin_csms::LocalList) -> StationLocalList {
    let status = list.station;
    let state = match status.state {
        LocalListState::Current | LocalListState::Partial if list.pending > 0 => ListState::Stale,
        LocalListState::Unknown => ListState::Unknown,
        LocalListState::Current => ListState::Current,
        LocalListState::Partial => ListState::Partial,
        LocalListState::Stale => ListState::Stale,
        LocalListState::Failed => ListState::Failed,
        LocalListState::NotSupported => ListState::NotSupported,
    };
    StationLocalList {
        station: station.to_string(),
        wanted: ListWish {
            mode: match list.wanted.mode {
                LocalListMode::Off => ListMode::Off,
                LocalListMode::All => ListMode::All,
                LocalListMode::Chosen => ListMode::Chosen,
            },
            tokens: list.wanted.tokens,
            parents: list.wanted.parents,
        },
        state,
        version: status.version,
        entries: status.entries,
        left_out: status.left_out,
        pending: list.pending,
        under_way: list.under_way,
        reason: status.reason,
        at: status.at,
    }
}

/// Which tokens a station is to hold, and which it does.
#[utoipa::path(get, path = "/stations/{id}/local-list", tag = "id tokens",
    params(("id" = String, Path, description = "The station.")),
    responses((status = 200, body = StationLocalList), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such station.")))]
async fn get(
    State(state): State<AppState>,
    principal: Principal,
    Id(station): Id<TwinId>,
) -> Result<Json<StationLocalList>, Problem> {
    super::stations::must_exist(&state, &principal, &station)?;
    let list = state.csms.local_list(&principal.tenant, &station).await?;
    Ok(Json(shown(&station, list)))
}

/// Decide which tokens a station is to hold. It is told when it is connected, now or then.
#[utoipa::path(put, path = "/stations/{id}/local-list", tag = "id tokens", request_body = ListWish,
    params(("id" = String, Path, description = "The station.")),
    responses((status = 200, body = StationLocalList), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such station.")))]
async fn set(
    State(state): State<AppState>,
    principal: Principal,
    Id(station): Id<TwinId>,
    Json(body): Json<ListWish>,
) -> Result<Json<StationLocalList>, Problem> {
    super::stations::must_exist(&state, &principal, &station)?;
    let mode = match body.mode {
        ListMode::Off => LocalListMode::Off,
        ListMode::All => LocalListMode::All,
        ListMode::Chosen => LocalListMode::Chosen,
    };
    for (field, named) in [("tokens", &body.tokens), ("parents", &body.parents)] {
        if named.len() > LOCAL_LIST_CHOSEN_MAX {
            let detail =
                format!("`{field}` has {} entries; it may have {LOCAL_LIST_CHOSEN_MAX}", named.len());
            return Err(Problem::field(field, detail).limit(LOCAL_LIST_CHOSEN_MAX));
        }
        if mode != LocalListMode::Chosen && !named.is_empty() {
            return Err(Problem::field(field, format!("`{field}` goes with the mode `chosen` only")));
        }
    }
    let wish = LocalListWish { mode, tokens: body.tokens, parents: body.parents };
    state.csms.set_local_list(&principal.tenant, &station, &wish, &principal.name).await?;
    let list = state.csms.local_list(&principal.tenant, &station).await?;
    Ok(Json(shown(&station, list)))
}

/// Bring a station's list up to date, and wait for it. 202: it is under way.
#[utoipa::path(post, path = "/stations/{id}/local-list/sync", tag = "id tokens",
    params(("id" = String, Path, description = "The station."), WaitQuery),
    responses((status = 200, body = StationLocalList), (status = 202, body = StationLocalList),
        (status = 404, body = Problem, content_type = "application/problem+json",
            description = "No such station."),
        (status = 409, body = Problem, content_type = "application/problem+json",
            description = "The station is offline.")))]
async fn sync(
    State(state): State<AppState>,
    principal: Principal,
    Id(station): Id<TwinId>,
    Query(query): Query<WaitQuery>,
) -> Result<(StatusCode, Json<StationLocalList>), Problem> {
    super::stations::must_exist(&state, &principal, &station)?;
    let wait = query.get()?;
    if !state.csms.is_online(&principal.tenant, &station) {
        return Err(Problem::conflict("the station is offline; it is told when it is back"));
    }
    let list = state.csms.sync_local_list(&principal.tenant, &station, &principal.name, wait).await?;
    let status = if list.under_way { StatusCode::ACCEPTED } else { StatusCode::OK };
    Ok((status, Json(shown(&station, list))))
}
