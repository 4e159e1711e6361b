//! Who did what.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use voltwin_core::Timestamp;
use voltwin_security::Permission;

use crate::auth::{Guard, Principal};
use crate::http::{Json, Page, PageLimit, Problem, Query};
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(Guard::needs(Permission::ReadAudit).on(routes!(list)))
}

/// One accountable deed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct AuditEntry {
    /// Its number within the tenant.
    id: i64,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Who: a user, the public id of a key, or a part of the system.
    by: String,
    /// What.
    #[schema(example = "station.add")]
    action: String,
    /// To which twin, station or key.
    subject: String,
    /// More, without secrets.
    detail: String,
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
}

/// Who did what, newest first.
#[utoipa::path(get, path = "/audit", tag = "audit", params(ListQuery),
    responses((status = 200, body = Page<AuditEntry>)))]
async fn list(
    State(state): State<AppState>,
    principal: Principal,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<AuditEntry>>, Problem> {
    let limit = query.limit.get()?;
    let page = state.registry(&principal.tenant).audit(query.cursor.as_deref(), limit).await?;
    Ok(Json(Page::from_store(page, |record| AuditEntry {
        id: record.id,
        at: record.at,
        by: record.by,
        action: record.action,
        subject: record.subject,
        detail: record.detail,
    })))
}
