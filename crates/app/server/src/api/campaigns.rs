//! Firmware campaigns: one firmware for all stations of a filter, wave by wave.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use voltwin_core::{Timestamp, TwinId};
use voltwin_operations::{CAMPAIGN, CampaignOrder, CampaignPlan, WaveSize, Waves, Window};
use voltwin_security::Permission;
use voltwin_store::{FileKind, FileState, Job, JobStation};

use super::bulk::StationsQuery;
use crate::auth::{Guard, Principal};
use crate::fleet::{Chosen, Filter, choose};
use crate::http::{Json, Page, PageQuery, Problem, Query, Reached, one_of};
use crate::state::AppState;

const STATION_STATES: [&str; 10] = [
    "pending",
    "asked",
    "downloading",
    "downloaded",
    "installing",
    "verifying",
    "installed",
    "failed",
    "given_up",
    "cancelled",
];
/// A body that names 20,000 stations.
const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Stations that the answer of a dry run names.
const SHOWN_MAX: usize = 500;
/// The longest signing certificate, in characters: what OCPP takes.
const CERTIFICATE_CHARS_MAX: usize = 5_500;
/// The longest signature, in characters: what OCPP takes.
const SIGNATURE_CHARS_MAX: usize = 800;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    let give = Guard::needs(Permission::CommandStations);
    OpenApiRouter::new()
        .routes(Guard::needs(Permission::CommandStations).body_limit(BODY_BYTES_MAX).on(routes!(add)))
        .routes(Guard::needs(Permission::Read).on(routes!(list)))
        .routes(Guard::needs(Permission::Read).on(routes!(get)))
        .routes(Guard::needs(Permission::Read).on(routes!(stations)))
        .routes(give.on(routes!(pause)))
        .routes(Guard::needs(Permission::CommandStations).on(routes!(resume)))
        .routes(Guard::needs(Permission::CommandStations).on(routes!(retry)))
        .routes(Guard::needs(Permission::CommandStations).on(routes!(cancel)))
}

/// A firmware for all stations of a filter.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Spring", "filter": {"vendor": "ACME"}, "file": "0199f1d0-7c5e-7a52-9d0b-1f2e3d4c5b6a",
    "version": "2.4.0", "waves": {"canary": 2, "percent": 20, "pause_above": 0.1},
    "window": {"from": "01:00", "to": "05:00", "time_zone": "Europe/Berlin"}, "only_idle": true}))]
pub(crate) struct NewCampaign {
    /// 1 to 200 characters.
    name: String,
    /// Which stations; they are chosen once, when the campaign begins.
    filter: Filter,
    /// The id of a stored firmware.
    file: String,
    /// The version that a station tells at its boot once the firmware is in it, 1 to 50 characters. A station has got
    /// there when it tells this version, not before; one that has it already is not asked.
    version: String,
    /// The certificate that signed it, in PEM; with `signature`: a signed update.
    #[serde(skip_serializing_if = "Option::is_none")]
    signing_certificate: Option<String>,
    /// The signature, in Base64; with `signing_certificate`.
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
    /// Who goes first; all at once when left out.
    #[serde(default)]
    waves: NewWaves,
    /// Only between these times of the day.
    #[serde(skip_serializing_if = "Option::is_none")]
    window: Option<NewWindow>,
    /// Only while nobody charges there or is plugged in.
    #[serde(default)]
    only_idle: bool,
    /// How often a station is asked at most.
    #[serde(default = "three")]
    #[schema(minimum = 1, maximum = 10, default = 3)]
    attempts: u32,
    /// Seconds between two attempts.
    #[serde(default = "ten_minutes")]
    #[schema(minimum = 0, maximum = 2592000, default = 600)]
    retry_after_s: u32,
    /// Seconds without progress, while connected, after which an attempt has failed.
    #[serde(default = "six_hours")]
    #[schema(minimum = 60, maximum = 2592000, default = 21600)]
    silent_s: u32,
    /// Stations at work at once.
    #[serde(default = "hundred")]
    #[schema(minimum = 1, maximum = 1000, default = 100)]
    at_once: u32,
    /// How often a station itself may try to fetch the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    retries: Option<u32>,
    /// Seconds between two such tries.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_interval_s: Option<u32>,
    /// Only tell whom it would reach, and in which waves.
    #[serde(default)]
    #[schema(default = false)]
    dry_run: bool,
}

fn three() -> u32 {
    3
}
fn ten_minutes() -> u32 {
    600
}
fn six_hours() -> u32 {
    6 * 3_600
}
fn hundred() -> u32 {
    100
}
fn half() -> f64 {
    0.5
}

/// The first wave has `canary` stations, the others `size` or `percent` of all; with neither, the second is the rest.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewWaves {
    #[serde(default)]
    #[schema(default = 0)]
    canary: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    size: Option<u32>,
    /// More than 0, up to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    percent: Option<f64>,
    /// The share of a wave's stations, 0 to 1, above which failures pause the campaign.
    #[serde(default = "half")]
    #[schema(minimum = 0, maximum = 1, default = 0.5)]
    pause_above: f64,
}

impl Default for NewWaves {
    fn default() -> Self {
        Self { canary: 0, size: None, percent: None, pause_above: half() }
    }
}

/// A part of the day at the station's site; one that ends before it begins goes over midnight.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewWindow {
    #[schema(example = "01:00")]
    from: String,
    #[schema(example = "05:00")]
    to: String,
    /// For stations whose site has no time zone; `UTC` when left out.
    #[serde(default = "utc")]
    #[schema(example = "Europe/Berlin", default = "UTC")]
    time_zone: String,
}

fn utc() -> String {
    "UTC".to_owned()
}

impl NewCampaign {
    fn plan(&self, base: String) -> Result<CampaignPlan, Problem> {
        let size = match (self.waves.size, self.waves.percent) {
            (None, None) => WaveSize::All,
            (Some(size), None) => WaveSize::Stations(size),
            (None, Some(percent)) => WaveSize::Percent(percent),
            _ => return Err(Problem::field("waves.size", "give either `size` or `percent`")),
        };
        let signed = match (&self.signing_certificate, &self.signature) {
            (None, None) => None,
            (Some(certificate), Some(signature)) => {
                voltwin_pki::Certificate::from_pem(certificate)
                    .map_err(|error| Problem::field("signing_certificate", error.to_string()))?;
                for (field, text, max) in [
                    ("signing_certificate", certificate, CERTIFICATE_CHARS_MAX),
                    ("signature", signature, SIGNATURE_CHARS_MAX),
                ] {
                    if !(1..=max).contains(&text.len()) {
                        let detail =
                            format!("`{field}` has {} characters; it must be 1 to {max}", text.len());
                        return Err(Problem::field(field, detail).limit(max));
                    }
                }
                Some((certificate.clone(), signature.clone()))
            }
            _ => {
                return Err(Problem::field("signature", "`signature` and `signing_certificate` go together"));
            }
        };
        let window = self.window.clone();
        let plan = CampaignPlan {
            name: self.name.clone(),
            file: self.file.clone(),
            version: self.version.clone(),
            base,
            signed,
            waves: Waves { canary: self.waves.canary, size, pause_above: self.waves.pause_above },
            window: window.map(|NewWindow { from, to, time_zone }| Window { from, to, time_zone }),
            only_idle: self.only_idle,
            attempts: self.attempts,
            retry_after_s: self.retry_after_s,
            silent_s: self.silent_s,
            at_once: self.at_once,
            retries: self.retries,
            retry_interval_s: self.retry_interval_s,
        };
        plan.check()?;
        Ok(plan)
    }
}

/// What a dry run found.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct CampaignDryRun {
    /// Stations that the filter holds.
    matched: usize,
    /// How many of them are connected now.
    online: usize,
    /// How many have the version already.
    up_to_date: usize,
    /// How many speak each OCPP version; a station that never connected counts as 1.6.
    #[schema(value_type = std::collections::BTreeMap<String, u64>)]
    by_version: BTreeMap<String, u64>,
    /// How many have each firmware now; `""`: not known.
    #[schema(value_type = std::collections::BTreeMap<String, u64>)]
    by_firmware: BTreeMap<String, u64>,
    /// Stations of each wave; the first is the canary's, which may be empty.
    waves: Vec<usize>,
    /// Why it could not begin now.
    problem: Option<String>,
    /// The first 500 of them, in the order in which they are asked.
    stations: Vec<String>,
}

/// One wave.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct CampaignWave {
    wave: u32,
    total: u64,
    #[schema(value_type = std::collections::BTreeMap<String, u64>)]
    by_state: BTreeMap<String, u64>,
}

/// A firmware campaign, and how far it has come.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Campaign {
    #[schema(example = "0199f1d0-7c5e-7a52-9d0b-1f2e3d4c5b6a")]
    id: String,
    name: String,
    /// `running`, `paused` (by a person, or because too many failed), `cancelling`, `done`, `cancelled`.
    #[schema(example = "running")]
    state: String,
    reason: Option<String>,
    file: String,
    version: String,
    /// What was asked.
    request: serde_json::Value,
    requested_by: String,
    #[schema(value_type = String, format = DateTime)]
    requested_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    finished_at: Option<Timestamp>,
    /// Stations in all.
    total: u64,
    /// Stations whose part is over.
    finished: u64,
    /// Stations by state: `pending`, `asked`, `downloading`, `downloaded`, `installing`, `verifying` (it says that it
    /// has installed it and has not told the new version), `installed`, `failed`, `given_up` (it failed, and a person
    /// went on without it), `cancelled`.
    #[schema(value_type = std::collections::BTreeMap<String, u64>)]
    by_state: BTreeMap<String, u64>,
    waves: Vec<CampaignWave>,
}

/// Where one station stands.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct CampaignStation {
    station: String,
    state: String,
    wave: u32,
    /// How often it was asked.
    attempts: u32,
    /// The number under which it reports; null for an unsigned update of OCPP 1.6.
    request_id: Option<i64>,
    /// The last command that it was given.
    command: Option<String>,
    /// Why it stands there, for a person.
    detail: Option<String>,
    /// When it was asked last.
    #[schema(value_type = Option<String>, format = DateTime)]
    asked_at: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    changed_at: Timestamp,
}

impl From<JobStation> for CampaignStation {
    fn from(row: JobStation) -> Self {
        let JobStation { station, state, wave, attempts, request_id, command, asked_at, detail, changed_at } =
            row;
        Self { station, state, wave, attempts, request_id, command, detail, asked_at, changed_at }
    }
}

/// Begin a firmware campaign, or tell in a dry run whom it would reach. A station can be in one campaign at a time.
#[utoipa::path(post, path = "/firmware-campaigns", tag = "firmware campaigns", request_body = NewCampaign,
    responses((status = 202, body = Campaign, description = "It has begun."),
        (status = 200, body = CampaignDryRun, description = "A dry run: what it would reach."),
        (status = 409, body = Problem, content_type = "application/problem+json",
            description = "One of the stations is in another campaign.")))]
async fn add(
    State(state): State<AppState>,
    principal: Principal,
    reached: Reached,
    Json(body): Json<NewCampaign>,
) -> Result<axum::response::Response, Problem> {
    use axum::response::IntoResponse as _;
    let plan = body.plan(reached.http().to_owned())?;
    let registry = state.registry(&principal.tenant);
    let file = registry.file(&body.file).await?;
    let file = file.filter(|file| file.kind == FileKind::Firmware && file.state == FileState::Stored);
    if file.is_none() {
        return Err(Problem::field("file", format!("there is no stored firmware `{}`", body.file)));
    }
    let chosen = choose(&state, &principal.tenant, &body.filter)?;
    if body.dry_run {
        return Ok(Json(dry_run(&state, &principal, &plan, &chosen).await?).into_response());
    }
    let stations: Vec<TwinId> = chosen.into_iter().map(|chosen| chosen.id).collect();
    let shown = serde_json::to_value(&body).map_err(|error| Problem::internal(&error))?;
    let started =
        state.operations.start_campaign(&principal.tenant, plan, &stations, shown, &principal.name).await?;
    let campaign = show(&state, &principal, started).await?;
    Ok((StatusCode::ACCEPTED, Json(campaign)).into_response())
}

async fn dry_run(
    state: &AppState,
    principal: &Principal,
    plan: &CampaignPlan,
    chosen: &[Chosen],
) -> Result<CampaignDryRun, Problem> {
    let (mut by_version, mut by_firmware) = (BTreeMap::new(), BTreeMap::new());
    state.runtime.read(&principal.tenant, |graph| {
        for station in chosen {
            let version = station.version.unwrap_or(voltwin_ocpp::Version::V16);
            *by_version.entry(version.to_string()).or_default() += 1;
            let twin = graph.twin(station.id.as_str());
            let firmware = twin.and_then(|twin| twin.text("firmware_version")).unwrap_or_default();
            *by_firmware.entry(firmware.to_owned()).or_default() += 1;
        }
    });
    let names: Vec<String> = chosen.iter().map(|station| station.id.to_string()).collect();
    let taken = state.registry(&principal.tenant).station_in_job(CAMPAIGN, &names).await?;
    let up_to_date: u64 = by_firmware.get(&plan.version).copied().unwrap_or(0);
    Ok(CampaignDryRun {
        matched: chosen.len(),
        online: chosen.iter().filter(|station| station.online).count(),
        up_to_date: usize::try_from(up_to_date).unwrap_or(usize::MAX),
        by_version,
        by_firmware,
        waves: plan.waves.sizes(chosen.len()),
        problem: taken.map(|(station, job)| format!("station `{station}` is in the firmware campaign {job}")),
        stations: names.into_iter().take(SHOWN_MAX).collect(),
    })
}

/// Firmware campaigns, newest first. The newest 1,000 that have ended are kept.
#[utoipa::path(get, path = "/firmware-campaigns", tag = "firmware campaigns", params(PageQuery),
    responses((status = 200, body = Page<Campaign>)))]
async fn list(
    State(state): State<AppState>,
    principal: Principal,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Campaign>>, Problem> {
    let limit = query.limit.get()?;
    let page = state.registry(&principal.tenant).jobs(CAMPAIGN, query.cursor.as_deref(), limit).await?;
    let mut items = Vec::with_capacity(page.items.len());
    for job in page.items {
        items.push(show(&state, &principal, job).await?);
    }
    Ok(Json(Page { items, next: page.next }))
}

/// One firmware campaign.
#[utoipa::path(get, path = "/firmware-campaigns/{id}", tag = "firmware campaigns",
    params(("id" = String, Path, description = "The campaign.")),
    responses((status = 200, body = Campaign), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such campaign.")))]
async fn get(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<Json<Campaign>, Problem> {
    let job = find(&state, &principal, &id).await?;
    Ok(Json(show(&state, &principal, job).await?))
}

/// Where each station stands, by id.
#[utoipa::path(get, path = "/firmware-campaigns/{id}/stations", tag = "firmware campaigns",
    params(("id" = String, Path, description = "The campaign."), StationsQuery),
    responses((status = 200, body = Page<CampaignStation>), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such campaign.")))]
async fn stations(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<String>,
    Query(query): Query<StationsQuery>,
) -> Result<Json<Page<CampaignStation>>, Problem> {
    let limit = query.limit.get()?;
    one_of("state", query.state.as_deref(), &STATION_STATES)?;
    find(&state, &principal, &id).await?;
    let registry = state.registry(&principal.tenant);
    let page = registry.job_stations(&id, query.state.as_deref(), query.cursor.as_deref(), limit).await?;
    Ok(Json(Page::from_store(page, CampaignStation::from)))
}

/// Ask nobody any more. Stations at work go on and are followed.
#[utoipa::path(post, path = "/firmware-campaigns/{id}/pause", tag = "firmware campaigns",
    params(("id" = String, Path, description = "The campaign.")),
    responses((status = 200, body = Campaign), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such campaign."),
        (status = 409, body = Problem, content_type = "application/problem+json",
            description = "It is not running.")))]
async fn pause(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<Json<Campaign>, Problem> {
    order(&state, &principal, &id, CampaignOrder::Pause).await
}

/// How to go on.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ResumeCampaign {
    /// Ask the stations again that failed; otherwise they are given up, and no longer count as failures.
    #[schema(default = false)]
    retry_failed: bool,
}

/// Go on with a paused campaign.
#[utoipa::path(post, path = "/firmware-campaigns/{id}/resume", tag = "firmware campaigns",
    params(("id" = String, Path, description = "The campaign.")), request_body = ResumeCampaign,
    responses((status = 200, body = Campaign), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such campaign."),
        (status = 409, body = Problem, content_type = "application/problem+json",
            description = "It is not paused.")))]
async fn resume(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<String>,
    Json(body): Json<ResumeCampaign>,
) -> Result<Json<Campaign>, Problem> {
    order(&state, &principal, &id, CampaignOrder::Resume { retry_failed: body.retry_failed }).await
}

/// Ask the stations again that failed or were given up, with all their attempts. A campaign that is done goes on.
#[utoipa::path(post, path = "/firmware-campaigns/{id}/retry", tag = "firmware campaigns",
    params(("id" = String, Path, description = "The campaign.")),
    responses((status = 200, body = Campaign), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such campaign."),
        (status = 409, body = Problem, content_type = "application/problem+json",
            description = "It was cancelled, or a station is in another campaign by now.")))]
async fn retry(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<Json<Campaign>, Problem> {
    order(&state, &principal, &id, CampaignOrder::Retry).await
}

/// Ask nobody any more, ever. It is over when the stations at work have come to an end.
#[utoipa::path(post, path = "/firmware-campaigns/{id}/cancel", tag = "firmware campaigns",
    params(("id" = String, Path, description = "The campaign.")),
    responses((status = 200, body = Campaign), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such campaign."),
        (status = 409, body = Problem, content_type = "application/problem+json",
            description = "It has ended.")))]
async fn cancel(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<Json<Campaign>, Problem> {
    order(&state, &principal, &id, CampaignOrder::Cancel).await
}

async fn order(
    state: &AppState,
    principal: &Principal,
    id: &str,
    order: CampaignOrder,
) -> Result<Json<Campaign>, Problem> {
    let job = state.operations.order_campaign(&principal.tenant, id, order, &principal.name).await?;
    Ok(Json(show(state, principal, job).await?))
}

async fn find(state: &AppState, principal: &Principal, id: &str) -> Result<Job, Problem> {
    let found = state.registry(&principal.tenant).job(CAMPAIGN, id).await?;
    found.ok_or_else(|| Problem::not_found(format!("there is no firmware campaign `{id}`")))
}

async fn show(state: &AppState, principal: &Principal, job: Job) -> Result<Campaign, Problem> {
    let counts = state.registry(&principal.tenant).job_waves(&job.id).await?;
    let (mut by_state, mut waves) = (BTreeMap::<String, u64>::new(), BTreeMap::<u32, CampaignWave>::new());
    for (wave, station_state, count) in counts {
        *by_state.entry(station_state.clone()).or_default() += count;
        let empty = || CampaignWave { wave, total: 0, by_state: BTreeMap::new() };
        let wave = waves.entry(wave).or_insert_with(empty);
        wave.total += count;
        wave.by_state.insert(station_state, count);
    }
    let over = ["installed", "failed", "given_up", "cancelled"];
    let text = |name: &str| job.spec["plan"][name].as_str().unwrap_or_default().to_owned();
    Ok(Campaign {
        name: text("name"),
        file: text("file"),
        version: text("version"),
        finished: over.iter().filter_map(|state| by_state.get(*state)).sum(),
        total: by_state.values().sum(),
        by_state,
        waves: waves.into_values().collect(),
        id: job.id,
        state: job.state,
        reason: job.reason,
        request: job.spec.get("shown").cloned().unwrap_or_default(),
        requested_by: job.created_by,
        requested_at: job.created_at,
        finished_at: job.finished_at,
    })
}
