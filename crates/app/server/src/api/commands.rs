//! Commands to stations.

use std::time::Duration;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use voltwin_core::{CommandId, CommandState, Timestamp, TwinId};
use voltwin_csms::CommandRequest;
use voltwin_security::Permission;

use crate::auth::{Guard, Principal};
use crate::http::{Id, Json, Page, PageLimit, Problem, Query};
use crate::state::AppState;

/// Longest wait for a station's answer, in seconds.
pub(super) const WAIT_MAX_S: u32 = 120;
const WAIT_DEFAULT_S: u32 = 30;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    let command =
        Guard::needs(Permission::CommandStations).timeout(Duration::from_secs(u64::from(WAIT_MAX_S) + 10));
    OpenApiRouter::new()
        .routes(command.on(routes!(give)))
        .routes(Guard::needs(Permission::Read).on(routes!(list)))
        .routes(Guard::needs(Permission::Read).on(routes!(get)))
}

/// One command to a station, and how far it has come.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Command {
    #[schema(example = "0199f1d0-7c5e-7a52-9d0b-1f2e3d4c5b6a")]
    id: String,
    station: String,
    /// The OCPP action as sent.
    #[schema(example = "RequestStopTransaction")]
    action: String,
    /// The payload as sent.
    payload: serde_json::Value,
    /// `requested`, `sent`, `accepted`, `rejected` or `failed`.
    #[schema(value_type = String, example = "accepted")]
    state: CommandState,
    requested_by: String,
    #[schema(value_type = String, format = DateTime)]
    requested_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    finished_at: Option<Timestamp>,
    /// The station's own answer, as it sent it.
    answer: Option<serde_json::Value>,
    /// Why it failed or was refused, for a person.
    reason: Option<String>,
}

impl From<voltwin_store::Command> for Command {
    fn from(record: voltwin_store::Command) -> Self {
        Self {
            id: record.id.to_string(),
            station: record.station,
            action: record.action,
            payload: record.payload,
            state: record.state,
            requested_by: record.requested_by,
            requested_at: record.requested_at,
            finished_at: record.finished_at,
            answer: record.answer,
            reason: record.reason,
        }
    }
}

/// Either an OCPP `action` of the station's version with its `payload`, or a neutral `command` with its fields.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"command": "remote_start", "evse": 1, "id_token": "TAG-1"}))]
pub(crate) struct NewCommand {
    /// An OCPP action.
    #[schema(example = "GetConfiguration")]
    action: Option<String>,
    /// The payload of `action`, validated against the schema of the station's version; `{}` when left out.
    payload: Option<serde_json::Value>,
    /// `remote_start`, `remote_stop`, `reset`, `trigger`, `change_availability`, `unlock_connector` or `clear_cache`.
    command: Option<String>,
    /// `remote_start`: who charges.
    id_token: Option<String>,
    /// EVSE number, from 1 (OCPP 1.6: connector): where to start or stop, what to reset, ask about, unlock or take out
    /// of service.
    #[schema(minimum = 1)]
    evse: Option<u32>,
    /// `remote_stop`: the transaction; left out, the one at `evse` or the only one of the station.
    transaction_id: Option<String>,
    /// `reset`: at once instead of when idle.
    immediate: Option<bool>,
    /// `trigger`: the message to send, such as `StatusNotification`.
    message: Option<String>,
    /// `change_availability`: into service (`true`) or out of it; a transaction may finish first.
    operative: Option<bool>,
    /// `change_availability`, `unlock_connector`: the connector of `evse` (OCPP 2.x).
    #[schema(minimum = 1)]
    connector: Option<u32>,
}

impl NewCommand {
    /// What the central system is asked.
    pub(super) fn request(self) -> Result<CommandRequest, Problem> {
        let given = self.given();
        let (allowed, name): (&[&str], String) = match (&self.action, &self.command) {
            (Some(_), None) => (&["payload"], "action".to_owned()),
            (None, Some(command)) => {
                let allowed: &[&str] = match command.as_str() {
                    "remote_start" => &["id_token", "evse"],
                    "remote_stop" => &["transaction_id", "evse"],
                    "reset" => &["immediate", "evse"],
                    "trigger" => &["message", "evse"],
                    "change_availability" => &["operative", "evse", "connector"],
                    "unlock_connector" => &["evse", "connector"],
                    "clear_cache" => &[],
                    other => {
                        let names = "remote_start, remote_stop, reset, trigger, change_availability, \
                            unlock_connector, clear_cache";
                        return Err(Problem::field("command", format!("`{other}` is none of {names}")));
                    }
                };
                (allowed, command.clone())
            }
            _ => return Err(Problem::field("command", "give either `action` or `command`")),
        };
        if let Some(extra) = given.into_iter().find(|field| !allowed.contains(field)) {
            return Err(Problem::field(extra, format!("`{extra}` does not go with `{name}`")));
        }
        for (field, number) in [("evse", self.evse), ("connector", self.connector)] {
            if number == Some(0) {
                return Err(Problem::field(field, format!("`{field}` is 0; it must be 1 or more")).limit(1));
            }
        }
        if self.connector.is_some() && self.evse.is_none() {
            return Err(Problem::field("evse", "a connector is one of an EVSE, so name the EVSE"));
        }
        let missing = |field: &'static str| Problem::field(field, format!("`{field}` is missing"));
        Ok(match (self.action, name.as_str()) {
            (Some(action), _) => {
                CommandRequest::Raw { action, payload: self.payload.unwrap_or_else(|| serde_json::json!({})) }
            }
            (None, "remote_start") => CommandRequest::RemoteStart {
                evse: self.evse,
                id_token: self.id_token.ok_or_else(|| missing("id_token"))?,
            },
            (None, "remote_stop") => {
                CommandRequest::RemoteStop { transaction_id: self.transaction_id, evse: self.evse }
            }
            (None, "reset") => {
                CommandRequest::Reset { immediate: self.immediate.unwrap_or(false), evse: self.evse }
            }
            (None, "change_availability") => CommandRequest::ChangeAvailability {
                operative: self.operative.ok_or_else(|| missing("operative"))?,
                evse: self.evse,
                connector: self.connector,
            },
            (None, "unlock_connector") => CommandRequest::Unlock {
                evse: self.evse.ok_or_else(|| missing("evse"))?,
                connector: self.connector,
            },
            (None, "clear_cache") => CommandRequest::ClearCache,
            (None, _) => CommandRequest::Trigger {
                message: self.message.ok_or_else(|| missing("message"))?,
                evse: self.evse,
            },
        })
    }

    fn given(&self) -> Vec<&'static str> {
        [
            ("payload", self.payload.is_some()),
            ("id_token", self.id_token.is_some()),
            ("evse", self.evse.is_some()),
            ("transaction_id", self.transaction_id.is_some()),
            ("immediate", self.immediate.is_some()),
            ("message", self.message.is_some()),
            ("operative", self.operative.is_some()),
            ("connector", self.connector.is_some()),
        ]
        .into_iter()
        .filter_map(|(name, given)| given.then_some(name))
        .collect()
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct WaitQuery {
    /// Seconds to wait for the station's answer; the command goes on by itself after that.
    #[param(minimum = 0, maximum = 120, default = 30)]
    wait_s: Option<u32>,
}

impl WaitQuery {
    pub(super) fn get(&self) -> Result<Duration, Problem> {
        wait_of(self.wait_s)
    }
}

/// How long to wait for a station's answer.
pub(super) fn wait_of(wait_s: Option<u32>) -> Result<Duration, Problem> {
    let wait_s = wait_s.unwrap_or(WAIT_DEFAULT_S);
    if wait_s <= WAIT_MAX_S {
        return Ok(Duration::from_secs(u64::from(wait_s)));
    }
    let detail = format!("`wait_s` is {wait_s}; it must be 0 to {WAIT_MAX_S}");
    Err(Problem::field("wait_s", detail).limit(WAIT_MAX_S))
}

/// Give a command to a station and wait for its answer. A station that is offline or refuses is no error: `state`
/// and `reason` say so.
#[utoipa::path(post, path = "/stations/{id}/commands", tag = "commands", request_body = NewCommand,
    params(("id" = String, Path, description = "The station."), WaitQuery),
    responses((status = 200, body = Command, description = "It came to an end."),
        (status = 202, body = Command, description = "The station has not answered yet."),
        (status = 404, body = Problem, content_type = "application/problem+json",
            description = "No such station.")))]
async fn give(
    State(state): State<AppState>,
    principal: Principal,
    Id(station): Id<TwinId>,
    Query(query): Query<WaitQuery>,
    Json(body): Json<NewCommand>,
) -> Result<(axum::http::StatusCode, Json<Command>), Problem> {
    let wait = query.get()?;
    super::stations::must_exist(&state, &principal, &station)?;
    let request = body.request()?;
    let record = state.csms.command(&principal.tenant, &station, request, &principal.name, wait).await?;
    let pending = matches!(record.state, CommandState::Requested | CommandState::Sent);
    let status = if pending { axum::http::StatusCode::ACCEPTED } else { axum::http::StatusCode::OK };
    Ok((status, Json(record.into())))
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
    /// Only to this station.
    station: Option<String>,
}

/// Commands, newest first.
#[utoipa::path(get, path = "/commands", tag = "commands", params(ListQuery),
    responses((status = 200, body = Page<Command>)))]
async fn list(
    State(state): State<AppState>,
    principal: Principal,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<Command>>, Problem> {
    let limit = query.limit.get()?;
    let registry = state.registry(&principal.tenant);
    let page = registry.commands(query.station.as_deref(), query.cursor.as_deref(), limit).await?;
    Ok(Json(Page::from_store(page, Command::from)))
}

/// One command.
#[utoipa::path(get, path = "/commands/{id}", tag = "commands",
    params(("id" = String, Path, description = "The command.")),
    responses((status = 200, body = Command), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such command.")))]
async fn get(
    State(state): State<AppState>,
    principal: Principal,
    Id(id): Id<CommandId>,
) -> Result<Json<Command>, Problem> {
    let found = state.registry(&principal.tenant).command(id).await?;
    let record = found.ok_or_else(|| Problem::not_found(format!("there is no command {id}")))?;
    Ok(Json(record.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(json: &str) -> Result<CommandRequest, Option<String>> {
        crate::http::json_body::<NewCommand>(json.as_bytes())
            .and_then(NewCommand::request)
            .map_err(|p| p.field)
    }

    #[test]
    fn bodies_become_requests_or_name_the_field_at_fault() {
        let raw = CommandRequest::Raw { action: "ClearCache".into(), payload: serde_json::json!({}) };
        assert_eq!(request(r#"{"action":"ClearCache"}"#), Ok(raw));
        let reset = CommandRequest::Reset { immediate: true, evse: None };
        assert_eq!(request(r#"{"command":"reset","immediate":true}"#), Ok(reset));
        let out = CommandRequest::ChangeAvailability { operative: false, evse: Some(2), connector: Some(1) };
        let body = r#"{"command":"change_availability","operative":false,"evse":2,"connector":1}"#;
        assert_eq!(request(body), Ok(out));
        let unlock = CommandRequest::Unlock { evse: 1, connector: None };
        assert_eq!(request(r#"{"command":"unlock_connector","evse":1}"#), Ok(unlock));
        assert_eq!(request(r#"{"command":"clear_cache"}"#), Ok(CommandRequest::ClearCache));
        for (body, field) in [
            (r#"{"command":"change_availability"}"#, "operative"),
            (r#"{"command":"unlock_connector"}"#, "evse"),
            (r#"{"command":"change_availability","operative":true,"connector":1}"#, "evse"),
            (r#"{"command":"unlock_connector","evse":1,"connector":0}"#, "connector"),
            (r#"{"command":"clear_cache","evse":1}"#, "evse"),
            ("{}", "command"),
            (r#"{"action":"A","command":"reset"}"#, "command"),
            (r#"{"command":"dance"}"#, "command"),
            (r#"{"command":"remote_start"}"#, "id_token"),
            (r#"{"command":"remote_stop","evse":0}"#, "evse"),
            (r#"{"command":"reset","message":"x"}"#, "message"),
            (r#"{"action":"A","evse":1}"#, "evse"),
            (r#"{"command":"reset","now":true}"#, "now"),
        ] {
            assert_eq!(request(body), Err(Some(field.to_owned())), "{body}");
        }
    }
}
