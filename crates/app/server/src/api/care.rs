//! Looking after a station: its variables and monitors, its firmware, its logs, its security events.

use std::time::Duration;

use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use voltwin_core::{CommandState, Timestamp, TwinId};
use voltwin_csms::{FirmwareImage, FirmwareRequest, LogRequest, VARIABLES_MAX, VariableName, VariableWish};
use voltwin_security::Permission;
use voltwin_store::{NoteFilter, RecordFilter};

use super::commands::{Command, WAIT_MAX_S, WaitQuery};
use super::files::StoredFile;
use super::records::{Note, Record};
use crate::auth::{Guard, Principal};
use crate::http::{Id, Json, Page, PageLimit, PageQuery, Problem, Query, Reached};
use crate::state::AppState;

/// Steps of the firmware's history that are shown.
const HISTORY: usize = 50;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    let command =
        Guard::needs(Permission::CommandStations).timeout(Duration::from_secs(u64::from(WAIT_MAX_S) + 10));
    let batch = Guard::needs(Permission::CommandStations).timeout(Duration::from_secs(1_800));
    OpenApiRouter::new()
        .routes(Guard::needs(Permission::Read).on(routes!(variables)))
        .routes(batch.on(routes!(ask_variables)))
        .routes(Guard::needs(Permission::Read).on(routes!(monitors)))
        .routes(Guard::needs(Permission::Read).on(routes!(firmware)))
        .routes(command.on(routes!(update_firmware)))
        .routes(command.on(routes!(request_log)))
        .routes(Guard::needs(Permission::Read).on(routes!(security_events)))
        .routes(Guard::needs(Permission::CommandStations).on(routes!(customer_information)))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct VariablesQuery {
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 500, default = 100)]
    limit: PageLimit,
    /// `next` of the page before.
    cursor: Option<String>,
    /// Of this component only; `Configuration` holds the keys of OCPP 1.6.
    component: Option<String>,
    /// Of this name only.
    variable: Option<String>,
    /// `Actual`, `Target`, `MinSet` or `MaxSet`.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// Whose key holds this text, whatever its case.
    text: Option<String>,
}

/// What is known of a station's variables, by key; `value` is a `Variable` as docs/ocpp.md describes it.
#[utoipa::path(get, path = "/stations/{id}/variables", tag = "stations",
    params(("id" = String, Path, description = "The station."), VariablesQuery),
    responses((status = 200, body = Page<Record>), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such station.")))]
async fn variables(
    State(state): State<AppState>,
    principal: Principal,
    Id(station): Id<TwinId>,
    Query(query): Query<VariablesQuery>,
) -> Result<Json<Page<Record>>, Problem> {
    super::stations::must_exist(&state, &principal, &station)?;
    let named = [("component", query.component), ("variable", query.variable), ("type", query.kind)];
    let members = named.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    let filter = RecordFilter { topic: "variable".to_owned(), members, text: query.text };
    let limit = query.limit.get()?;
    let registry = state.registry(&principal.tenant);
    let page = registry.records_like(station.as_str(), &filter, query.cursor.as_deref(), limit).await?;
    Ok(Json(Page::from_store(page, Record::from)))
}

/// A variable to read, or to set.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WantedVariable {
    /// The component; `Configuration` for a key of OCPP 1.6.
    #[schema(example = "OCPPCommCtrlr")]
    component: String,
    instance: Option<String>,
    evse: Option<i64>,
    connector: Option<i64>,
    #[schema(example = "HeartbeatInterval")]
    variable: String,
    variable_instance: Option<String>,
    /// `Actual` when left out.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// The value to set it to; left out everywhere, the variables are read.
    value: Option<String>,
}

/// Which variables to read or set.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WantedVariables {
    /// 1 to 500; all with a value, or none.
    items: Vec<WantedVariable>,
}

/// The commands that it took.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CommandsGiven {
    commands: Vec<Command>,
}

/// Read or set variables, with as many commands as the station's own limits on a message ask for. What it answers is
/// in the commands, and then in its variables.
#[utoipa::path(post, path = "/stations/{id}/variables", tag = "stations", request_body = WantedVariables,
    params(("id" = String, Path, description = "The station."), WaitQuery),
    responses((status = 200, body = CommandsGiven), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such station.")))]
async fn ask_variables(
    State(state): State<AppState>,
    principal: Principal,
    Id(station): Id<TwinId>,
    Query(query): Query<WaitQuery>,
    Json(body): Json<WantedVariables>,
) -> Result<Json<CommandsGiven>, Problem> {
    super::stations::must_exist(&state, &principal, &station)?;
    if !(1..=VARIABLES_MAX).contains(&body.items.len()) {
        let detail = format!("`items` has {} entries; it must be 1 to {VARIABLES_MAX}", body.items.len());
        return Err(Problem::field("items", detail).limit(VARIABLES_MAX));
    }
    let wish = |wanted: WantedVariable| VariableWish {
        name: VariableName {
            component: wanted.component,
            instance: wanted.instance,
            evse: wanted.evse,
            connector: wanted.connector,
            variable: wanted.variable,
            variable_instance: wanted.variable_instance,
        },
        kind: wanted.kind,
        value: wanted.value,
    };
    let wishes: Vec<VariableWish> = body.items.into_iter().map(wish).collect();
    let wait = query.get()?;
    let commands = state.csms.variables(&principal.tenant, &station, &wishes, &principal.name, wait).await?;
    Ok(Json(CommandsGiven { commands: commands.into_iter().map(Command::from).collect() }))
}

/// The monitors of a station, by their number.
#[utoipa::path(get, path = "/stations/{id}/monitors", tag = "stations",
    params(("id" = String, Path, description = "The station."), PageQuery),
    responses((status = 200, body = Page<Record>), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such station.")))]
async fn monitors(
    State(state): State<AppState>,
    principal: Principal,
    Id(station): Id<TwinId>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Record>>, Problem> {
    super::stations::must_exist(&state, &principal, &station)?;
    let limit = query.limit.get()?;
    let registry = state.registry(&principal.tenant);
    let page = registry.records(station.as_str(), "monitor", query.cursor.as_deref(), limit).await?;
    Ok(Json(Page::from_store(page, Record::from)))
}

/// The security events of a station, newest first.
#[utoipa::path(get, path = "/stations/{id}/security-events", tag = "stations",
    params(("id" = String, Path, description = "The station."), PageQuery),
    responses((status = 200, body = Page<Note>), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such station.")))]
async fn security_events(
    State(state): State<AppState>,
    principal: Principal,
    Id(station): Id<TwinId>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Note>>, Problem> {
    super::stations::must_exist(&state, &principal, &station)?;
    let limit = query.limit.get()?;
    let filter = NoteFilter { topic: "security_event".to_owned(), twin: Some(station.to_string()) };
    let page = state.registry(&principal.tenant).notes(&filter, query.cursor.as_deref(), limit).await?;
    Ok(Json(Page::from_store(page, Note::from)))
}

/// The firmware of a station.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Firmware {
    /// The version that it told at its last boot.
    version: Option<String>,
    /// `None`, `FirmwareUpdate` or `Diagnostics`.
    maintenance: Option<String>,
    /// The newest update: `{status, request_id, at, …}`.
    latest: Option<serde_json::Value>,
    /// The updates that have a request id, by it.
    requests: Vec<Record>,
    /// The newest 50 steps, newest first.
    history: Vec<Note>,
}

/// The firmware of a station: its version, and how far an update is.
#[utoipa::path(get, path = "/stations/{id}/firmware", tag = "stations",
    params(("id" = String, Path, description = "The station.")),
    responses((status = 200, body = Firmware), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such station.")))]
async fn firmware(
    State(state): State<AppState>,
    principal: Principal,
    Id(station): Id<TwinId>,
) -> Result<Json<Firmware>, Problem> {
    super::stations::must_exist(&state, &principal, &station)?;
    let registry = state.registry(&principal.tenant);
    let mut records = registry.records(station.as_str(), "firmware", None, 500).await?.items;
    let latest = records.iter().position(|record| record.key == "latest").map(|place| records.remove(place));
    let filter = NoteFilter { topic: "firmware".to_owned(), twin: Some(station.to_string()) };
    let history = registry.notes(&filter, None, HISTORY).await?.items;
    let text = |name: &str| {
        state.runtime.read(&principal.tenant, |graph| {
            let value = graph.twin(station.as_str())?.get(name)?;
            Some(value.as_str()?.to_owned())
        })
    };
    Ok(Json(Firmware {
        version: text("firmware_version"),
        maintenance: text("maintenance"),
        latest: latest.map(|record| record.value),
        requests: records.into_iter().map(Record::from).collect(),
        history: history.into_iter().map(Note::from).collect(),
    }))
}

/// Which firmware to install: one of our files, or an address.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewFirmware {
    /// The id of a stored file.
    file: Option<String>,
    /// Any address that the station understands.
    location: Option<String>,
    /// Not fetched before; now when left out.
    #[schema(value_type = Option<String>, format = DateTime)]
    retrieve_at: Option<Timestamp>,
    /// Not installed before (2.x, and signed updates of 1.6).
    #[schema(value_type = Option<String>, format = DateTime)]
    install_at: Option<Timestamp>,
    /// The certificate that signed it, in PEM; with `signature`.
    signing_certificate: Option<String>,
    /// The signature, in Base64; with `signing_certificate`.
    signature: Option<String>,
    /// How often the station may try to fetch it.
    retries: Option<u32>,
    /// Seconds between two attempts.
    retry_interval_s: Option<u32>,
}

impl NewFirmware {
    fn request(self) -> Result<FirmwareRequest, Problem> {
        let image = match (self.file, self.location) {
            (Some(file), None) => FirmwareImage::File(file),
            (None, Some(location)) => FirmwareImage::Location(location),
            _ => return Err(Problem::field("file", "give either `file` or `location`")),
        };
        let signed = match (self.signing_certificate, self.signature) {
            (Some(certificate), Some(signature)) => Some((certificate, signature)),
            (None, None) => None,
            _ => {
                return Err(Problem::field("signature", "`signature` and `signing_certificate` go together"));
            }
        };
        Ok(FirmwareRequest {
            image,
            retrieve_at: self.retrieve_at,
            install_at: self.install_at,
            signed,
            retries: self.retries,
            retry_interval_s: self.retry_interval_s,
        })
    }
}

/// A command, and the number of its request.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FirmwareUpdate {
    /// The number under which the station reports; null for an unsigned update of OCPP 1.6.
    request_id: Option<i64>,
    command: Command,
}

/// Ask a station to install a firmware. How far it is: `GET` of the same path.
#[utoipa::path(post, path = "/stations/{id}/firmware", tag = "stations", request_body = NewFirmware,
    params(("id" = String, Path, description = "The station."), WaitQuery),
    responses((status = 200, body = FirmwareUpdate), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such station.")))]
async fn update_firmware(
    State(state): State<AppState>,
    principal: Principal,
    Id(station): Id<TwinId>,
    Query(query): Query<WaitQuery>,
    reached: Reached,
    Json(body): Json<NewFirmware>,
) -> Result<Json<FirmwareUpdate>, Problem> {
    super::stations::must_exist(&state, &principal, &station)?;
    let (request, wait) = (body.request()?, query.get()?);
    let place = (&principal.tenant, &station);
    let (request_id, command) =
        state.csms.update_firmware(place, &request, reached.http(), &principal.name, wait).await?;
    Ok(Json(FirmwareUpdate { request_id, command: command.into() }))
}

/// Which log to ask for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewLog {
    /// `DiagnosticsLog` (when left out), `SecurityLog`, or from OCPP 2.1 on `DataCollectorLog`.
    log_type: Option<String>,
    /// Not before.
    #[schema(value_type = Option<String>, format = DateTime)]
    oldest: Option<Timestamp>,
    /// Not after.
    #[schema(value_type = Option<String>, format = DateTime)]
    latest: Option<Timestamp>,
    /// How often the station may try to send it.
    retries: Option<u32>,
    /// Seconds between two attempts.
    retry_interval_s: Option<u32>,
}

/// A command, and the file that will hold the log.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LogAsked {
    /// The file that is to come; null when the station will not send it.
    file: Option<StoredFile>,
    command: Command,
}

/// Ask a station for a log. It sends it to an address of ours; `state` of the file says when it is here.
#[utoipa::path(post, path = "/stations/{id}/logs", tag = "stations", request_body = NewLog,
    params(("id" = String, Path, description = "The station."), WaitQuery),
    responses((status = 200, body = LogAsked), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such station.")))]
async fn request_log(
    State(state): State<AppState>,
    principal: Principal,
    Id(station): Id<TwinId>,
    Query(query): Query<WaitQuery>,
    reached: Reached,
    Json(body): Json<NewLog>,
) -> Result<Json<LogAsked>, Problem> {
    super::stations::must_exist(&state, &principal, &station)?;
    if body.oldest.zip(body.latest).is_some_and(|(oldest, latest)| latest <= oldest) {
        return Err(Problem::field("latest", "`latest` must be after `oldest`"));
    }
    let request = LogRequest {
        log_type: body.log_type.unwrap_or_else(|| "DiagnosticsLog".to_owned()),
        oldest: body.oldest,
        latest: body.latest,
        retries: body.retries,
        retry_interval_s: body.retry_interval_s,
    };
    let wait = query.get()?;
    let place = (&principal.tenant, &station);
    let (file, command) =
        state.csms.request_log(place, &request, reached.http(), &principal.name, wait).await?;
    let refused = matches!(command.state, CommandState::Rejected | CommandState::Failed);
    Ok(Json(LogAsked { file: (!refused).then(|| file.into()), command: command.into() }))
}

/// What a station told of a customer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CustomerData {
    /// The parts that have come, in their order, joined.
    data: String,
    /// Whether it is all.
    complete: bool,
    /// When it is forgotten.
    #[schema(value_type = String, format = DateTime)]
    kept_until: Timestamp,
}

/// What a station told of a customer in answer to a `CustomerInformation` request. It is kept for an hour, in memory.
#[utoipa::path(get, path = "/stations/{id}/customer-information/{number}", tag = "stations",
    params(("id" = String, Path, description = "The station."),
        ("number" = i64, Path, description = "The `requestId` of the question.")),
    responses((status = 200, body = CustomerData), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "Nobody asked, or it is forgotten.")))]
async fn customer_information(
    State(state): State<AppState>,
    principal: Principal,
    path: Result<Path<(String, i64)>, axum::extract::rejection::PathRejection>,
) -> Result<Json<CustomerData>, Problem> {
    let Path((station, number)) = path.map_err(|error| Problem::field("number", error.body_text()))?;
    let station: TwinId = station.parse()?;
    super::stations::must_exist(&state, &principal, &station)?;
    let told = state.csms.customer_information(&principal.tenant, &station, number);
    let told = told.ok_or_else(|| Problem::not_found("nobody asked, or it is forgotten"))?;
    Ok(Json(CustomerData { data: told.data, complete: told.complete, kept_until: told.kept_until }))
}
