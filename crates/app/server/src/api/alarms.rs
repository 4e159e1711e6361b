//! Alarms: seen and acknowledged.

use std::collections::HashMap;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use voltwin_core::{AlarmChange, AlarmFact, AlarmId, EventBody, Severity, TenantId, Timestamp, TwinId};
use voltwin_security::Permission;
use voltwin_store::{AlarmFilter, StoreError};

use crate::auth::{Guard, Principal};
use crate::http::{Id, Json, Page, PageLimit, Problem, Query, Trace};
use crate::state::{AppState, Shared};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(Guard::needs(Permission::Read).on(routes!(list)))
        .routes(Guard::needs(Permission::AcknowledgeAlarms).on(routes!(acknowledge)))
}

/// One raising of an alarm.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Alarm {
    #[schema(example = "0199f1d0-7c5e-7a52-9d0b-1f2e3d4c5b6a")]
    id: String,
    /// The twin that it is about.
    twin: String,
    /// The charging station that the twin is, or is part of.
    station: Option<String>,
    /// A stable code.
    #[schema(example = "ConnectorFaulted")]
    code: String,
    /// `info`, `minor`, `major` or `critical`.
    #[schema(value_type = String, example = "major")]
    severity: Severity,
    /// What is wrong, for a person.
    message: String,
    #[schema(value_type = String, format = DateTime)]
    raised_at: Timestamp,
    /// When the condition went away.
    #[schema(value_type = Option<String>, format = DateTime)]
    cleared_at: Option<Timestamp>,
    /// When a person saw it.
    #[schema(value_type = Option<String>, format = DateTime)]
    acknowledged_at: Option<Timestamp>,
    acknowledged_by: Option<String>,
}

impl From<voltwin_store::Alarm> for Alarm {
    fn from(record: voltwin_store::Alarm) -> Self {
        Self {
            id: record.id.to_string(),
            twin: record.twin,
            station: record.station,
            code: record.code,
            severity: record.severity,
            message: record.message,
            raised_at: record.raised_at,
            cleared_at: record.cleared_at,
            acknowledged_at: record.acknowledged_at,
            acknowledged_by: record.acknowledged_by,
        }
    }
}

/// Pages of open alarms that are looked at for figures; 10 000 alarms.
const PAGES_MAX: usize = 20;

impl Shared {
    /// The open alarms of a tenant, up to 10 000.
    pub(crate) async fn open_alarms(
        &self,
        tenant: &TenantId,
    ) -> Result<Vec<voltwin_store::Alarm>, StoreError> {
        let registry = self.runtime.store().tenant(tenant);
        let mut alarms = Vec::new();
        let mut cursor: Option<String> = None;
        for _ in 0..PAGES_MAX {
            let page = registry.alarms(AlarmFilter::Open, cursor.as_deref(), 500).await?;
            alarms.extend(page.items);
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        Ok(alarms)
    }

    /// The worst open alarm of each station that has one.
    pub(super) async fn worst_alarms(
        &self,
        tenant: &TenantId,
    ) -> Result<HashMap<String, Severity>, StoreError> {
        let mut worst: HashMap<String, Severity> = HashMap::new();
        for alarm in self.open_alarms(tenant).await? {
            let Some(station) = alarm.station else { continue };
            let severity = worst.entry(station).or_insert(alarm.severity);
            *severity = alarm.severity.max(*severity);
        }
        Ok(worst)
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
    /// `open` (default): those whose condition lasts; `all`.
    #[param(value_type = Option<String>, example = "open")]
    state: Option<AlarmFilter>,
}

/// Alarms, newest first.
#[utoipa::path(get, path = "/alarms", tag = "alarms", params(ListQuery),
    responses((status = 200, body = Page<Alarm>)))]
async fn list(
    State(state): State<AppState>,
    principal: Principal,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<Alarm>>, Problem> {
    let limit = query.limit.get()?;
    let filter = query.state.unwrap_or(AlarmFilter::Open);
    let page = state.registry(&principal.tenant).alarms(filter, query.cursor.as_deref(), limit).await?;
    Ok(Json(Page::from_store(page, Alarm::from)))
}

/// Say that a person has seen it. Acknowledging twice keeps the first name. An alarm of something that happened and is
/// over, such as a security event, ends with it.
#[utoipa::path(post, path = "/alarms/{id}/acknowledge", tag = "alarms",
    params(("id" = String, Path, description = "The alarm.")),
    responses((status = 200, body = Alarm), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such alarm.")))]
async fn acknowledge(
    State(state): State<AppState>,
    principal: Principal,
    trace: Trace,
    Id(id): Id<AlarmId>,
) -> Result<Json<Alarm>, Problem> {
    let registry = state.registry(&principal.tenant);
    let missing = || Problem::not_found(format!("there is no alarm {id}"));
    let alarm = registry.alarm(id).await?.ok_or_else(missing)?;
    if alarm.acknowledged_at.is_some() {
        return Ok(Json(alarm.into()));
    }
    let fact = AlarmFact { id, change: AlarmChange::Acknowledged { by: principal.name } };
    let twin = TwinId::new(&alarm.twin)?;
    let event = state.event(&principal.tenant, twin.clone(), EventBody::Alarm(fact), trace);
    state.runtime.submit(event).await?;
    if voltwin_csms::ends_when_seen(&alarm.code) {
        let fact = AlarmFact { id, change: AlarmChange::Cleared };
        let event = state.event(&principal.tenant, twin, EventBody::Alarm(fact), trace);
        state.runtime.submit(event).await?;
    }
    Ok(Json(registry.alarm(id).await?.ok_or_else(missing)?.into()))
}
