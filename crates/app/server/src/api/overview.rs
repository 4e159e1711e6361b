//! The figures at the top of the control room.

use axum::extract::State;
use utoipa_axum::{router::OpenApiRouter, routes};
use voltwin_security::Permission;

use crate::auth::{Guard, Principal};
use crate::http::{Json, Problem};
use crate::overview::Overview;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(Guard::needs(Permission::Read).on(routes!(get)))
}

/// The network at a glance, at most a second old.
#[utoipa::path(get, path = "/overview", tag = "overview", responses((status = 200, body = Overview)))]
async fn get(State(state): State<AppState>, principal: Principal) -> Result<Json<Overview>, Problem> {
    let overview = state.overview(&principal.tenant).await?;
    Ok(Json(Overview::clone(&overview)))
}
