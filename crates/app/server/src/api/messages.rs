//! The message log: OCPP frames as they passed.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use voltwin_core::{Timestamp, TwinId};
use voltwin_messages::{Filter, Logged, Outcome};
use voltwin_security::Permission;

use crate::auth::{Guard, Principal};
use crate::http::{Id, Json, Page, PageLimit, Problem, Query, in_order, one_of};
use crate::state::AppState;

/// The longest text that is sought.
const TEXT_CHARS_MAX: usize = 200;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(Guard::needs(Permission::Read).on(routes!(list)))
        .routes(Guard::needs(Permission::Read).on(routes!(of_station)))
}

/// One OCPP frame as it passed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct StationMessage {
    /// Its number in the log; later ones are greater.
    number: i64,
    station: String,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// `in` from the station, `out` to it.
    #[schema(example = "in")]
    direction: String,
    /// `call`, `result`, `error`, `send`, or `malformed` for one that could not be read.
    #[schema(example = "call")]
    kind: String,
    /// The OCPP action, of the call that it answers if it is an answer.
    action: Option<String>,
    /// The message id.
    id: Option<String>,
    /// The whole frame, secrets masked; text where it was cut short (4,096 characters) or is no JSON.
    payload: serde_json::Value,
    /// What was wrong with it, if anything: an OCPP error code, `late`, `unknown id`, `repeated`.
    outcome: Option<String>,
    /// The trace that its events, its journal entries and its log lines carry.
    #[schema(example = "4bf92f3577b34da6a3ce929d0e0e4736")]
    trace: Option<String>,
}

impl From<Logged> for StationMessage {
    fn from(logged: Logged) -> Self {
        let payload = serde_json::from_str(&logged.payload);
        Self {
            number: logged.number,
            station: logged.station,
            at: logged.at,
            direction: logged.direction,
            kind: logged.kind,
            action: logged.action,
            id: logged.id,
            payload: payload.unwrap_or(serde_json::Value::String(logged.payload)),
            outcome: logged.outcome,
            trace: logged.trace,
        }
    }
}

/// What to look for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct MessagesQuery {
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 500, default = 100)]
    limit: PageLimit,
    /// `next` of the page before.
    cursor: Option<String>,
    /// Only of this station; not where the path names one.
    station: Option<String>,
    /// Only of this OCPP action and its answers.
    action: Option<String>,
    /// `call`, `result`, `error`, `send` or `malformed`.
    kind: Option<String>,
    /// `in` from the station or `out` to it.
    direction: Option<String>,
    /// `ok`, `wrong` for whatever is not, or one outcome such as `TypeConstraintViolation`; stations answer with codes of
    /// their own, too.
    outcome: Option<String>,
    /// Only frames that hold this text, at most 200 characters.
    text: Option<String>,
    /// Only with this message id: a call and its answer.
    id: Option<String>,
    /// From this time on.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    /// Before this time.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<Timestamp>,
}

impl MessagesQuery {
    fn filter(self) -> Result<Filter, Problem> {
        one_of("kind", self.kind.as_deref(), &["call", "result", "error", "send", "malformed"])?;
        one_of("direction", self.direction.as_deref(), &["in", "out"])?;
        if self.text.as_ref().is_some_and(|text| text.chars().count() > TEXT_CHARS_MAX) {
            let detail = format!("`text` has more than {TEXT_CHARS_MAX} characters");
            return Err(Problem::field("text", detail).limit(TEXT_CHARS_MAX));
        }
        in_order(self.from, self.to)?;
        let outcome = self.outcome.map(|outcome| match outcome.as_str() {
            "ok" => Outcome::Ok,
            "wrong" => Outcome::Wrong,
            _ => Outcome::Is(outcome),
        });
        Ok(Filter {
            station: self.station,
            action: self.action,
            kind: self.kind,
            direction: self.direction,
            outcome,
            text: self.text.filter(|text| !text.is_empty()),
            id: self.id,
            from: self.from,
            to: self.to,
        })
    }
}

/// OCPP frames, newest first. A page looks at 50,000 frames at most; it may hold fewer than `limit` and still have a
/// `next`.
#[utoipa::path(get, path = "/messages", tag = "messages", params(MessagesQuery),
    responses((status = 200, body = Page<StationMessage>)))]
async fn list(
    State(state): State<AppState>,
    principal: Principal,
    Query(query): Query<MessagesQuery>,
) -> Result<Json<Page<StationMessage>>, Problem> {
    search(&state, &principal, query).await
}

/// OCPP frames of one station, newest first.
#[utoipa::path(get, path = "/stations/{id}/messages", tag = "messages",
    params(("id" = String, Path, description = "The station."), MessagesQuery),
    responses((status = 200, body = Page<StationMessage>), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such station.")))]
async fn of_station(
    State(state): State<AppState>,
    principal: Principal,
    Id(id): Id<TwinId>,
    Query(query): Query<MessagesQuery>,
) -> Result<Json<Page<StationMessage>>, Problem> {
    super::stations::must_exist(&state, &principal, &id)?;
    if query.station.is_some() {
        return Err(Problem::field("station", "`station` does not go with a path that names one"));
    }
    search(&state, &principal, MessagesQuery { station: Some(id.to_string()), ..query }).await
}

async fn search(
    state: &AppState,
    principal: &Principal,
    mut query: MessagesQuery,
) -> Result<Json<Page<StationMessage>>, Problem> {
    let (limit, cursor) = (query.limit.get()?, query.cursor.take());
    let filter = query.filter()?;
    let log = state.csms.messages();
    let page = log.search(&principal.tenant, &filter, cursor.as_deref(), limit).await?;
    Ok(Json(Page { items: page.items.into_iter().map(StationMessage::from).collect(), next: page.next }))
}
