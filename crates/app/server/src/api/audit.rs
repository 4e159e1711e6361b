//! Who did what.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use voltwin_core::Timestamp;
use voltwin_security::Permission;

use crate::auth::{Guard, Principal};
use crate::http::{Json, Page, PageQuery, Problem, Query};
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

/// Who did what, newest first.
#[utoipa::path(get, path = "/audit", tag = "audit", params(PageQuery),
    responses((status = 200, body = Page<AuditEntry>)))]
async fn list(
    State(state): State<AppState>,
    principal: Principal,
    Query(query): Query<PageQuery>,
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
