//! The protocol itself, described: what can be sent to a station of a version.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use voltwin_ocpp::{ActionDescription, Origin, Version, describe_actions};
use voltwin_security::Permission;

use crate::auth::{Guard, Principal};
use crate::http::{Json, Problem, Query};
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(Guard::needs(Permission::Read).on(routes!(actions)))
}

/// What can be sent to a station of a version.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct OcppActions {
    #[schema(example = "2.0.1")]
    version: String,
    /// In the order of their names.
    actions: Vec<OcppAction>,
}

/// One action that a central system may send.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct OcppAction {
    #[schema(example = "SetVariables")]
    action: &'static str,
    /// JSON Schema of the payload: `type`, `properties`, `required`, `additionalProperties`, `items`, `enum`,
    /// `maxLength`, `minimum`, `maximum`, `multipleOf`, `minItems`, `maxItems`, `format`, `pattern`, and nothing
    /// else; a schema without `type` allows anything.
    request: &'static serde_json::Value,
    /// The same of the station's answer.
    answer: &'static serde_json::Value,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ActionsQuery {
    /// `1.6`, `2.0.1` or `2.1`, as a station's `ocpp_version`.
    #[param(example = "2.0.1")]
    version: String,
    /// Only this action.
    #[param(example = "SetVariables")]
    action: Option<String>,
}

/// The actions that can be sent to a station of an OCPP version, each with the form of its payload and answer.
#[utoipa::path(get, path = "/ocpp/actions", tag = "ocpp", params(ActionsQuery),
    responses((status = 200, body = OcppActions)))]
async fn actions(_: Principal, Query(query): Query<ActionsQuery>) -> Result<Json<OcppActions>, Problem> {
    let version: Version = query
        .version
        .parse()
        .map_err(|error: voltwin_ocpp::OcppError| Problem::field("version", error.to_string()))?;
    // worked out once a version, which takes long enough to keep it off the threads that answer
    let described = tokio::task::spawn_blocking(move || describe_actions(version));
    let described = described.await.map_err(|error| Problem::internal(&error))?;
    let sent = |described: &&ActionDescription| {
        described.origin != Origin::Station
            && query.action.as_ref().is_none_or(|action| action == described.action)
    };
    let actions: Vec<OcppAction> = described
        .iter()
        .filter(sent)
        .map(|one| OcppAction { action: one.action, request: &one.request, answer: &one.answer })
        .collect();
    if let (Some(action), true) = (&query.action, actions.is_empty()) {
        return Err(Problem::field("action", format!("no `{action}` can be sent to a station of {version}")));
    }
    Ok(Json(OcppActions { version: version.to_string(), actions }))
}
