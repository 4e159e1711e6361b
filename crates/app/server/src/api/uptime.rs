//! Uptime by the 97 % rule, and what does not count against it.

use std::collections::HashMap;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use voltwin_core::{TenantId, Timestamp, TwinId};
use voltwin_reliability::{Cause, Port, Span, Uptime, Watched, uptime};
use voltwin_security::Permission;
use voltwin_store::StatusChange;

use crate::auth::{Guard, Principal};
use crate::http::{Id, Json, Page, PageLimit, Problem, Query};
use crate::network::{CONNECTOR, STATION, Zones, is_a, parent, place, station_of_connector};
use crate::state::AppState;

/// The rule's period: 525,600 minutes.
const YEAR_S: f64 = 525_600.0 * 60.0;
/// What the rule asks for.
const REQUIRED_PERCENT: f64 = 97.0;
/// Intervals that one answer shows; the newest.
const INTERVALS_MAX: usize = 1_000;
const NOTE_CHARS_MAX: usize = 1_000;
/// Causes that the rule excludes.
const CAUSES: [&str; 6] = [
    "utility_interruption",
    "vehicle_fault",
    "scheduled_maintenance",
    "vandalism",
    "natural_disaster",
    "outside_hours",
];

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(Guard::needs(Permission::Read).on(routes!(list)))
        .routes(Guard::needs(Permission::Read).on(routes!(get)))
        .routes(Guard::needs(Permission::Read).on(routes!(exclusions)))
        .routes(Guard::needs(Permission::AcknowledgeAlarms).on(routes!(exclude)))
        .routes(Guard::needs(Permission::AcknowledgeAlarms).on(routes!(include)))
}

/// Uptime of one connector or, with the figures of all its connectors added up, of a station.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct UptimeFigures {
    /// The station or connector.
    #[schema(example = "ST-01:1:1")]
    id: String,
    /// `(period − (outage − excluded)) / period × 100`; null for what was not watched.
    uptime_percent: Option<f64>,
    /// Whether that is 97 % or more.
    meets_97: Option<bool>,
    /// Since when it is watched within the window.
    #[schema(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// Whether it was watched for the whole window; a figure over a shorter time is one over `period_s`.
    whole_window: bool,
    period_s: f64,
    /// Excluded outages among it.
    outage_s: f64,
    excluded_s: f64,
    /// Out while the server itself was down: no outage, and no proof of the contrary.
    unobserved_s: f64,
}

/// One station with its connectors.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct StationUptime {
    #[serde(flatten)]
    figures: UptimeFigures,
    connectors: Vec<UptimeFigures>,
}

/// A time during which a connector was out.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Outage {
    connector: String,
    #[schema(value_type = String, format = DateTime)]
    from: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    to: Timestamp,
    /// `offline`, `faulted` or `unavailable`.
    #[schema(value_type = String, example = "faulted")]
    cause: Cause,
    /// The exclusion that takes it out of the outage.
    excluded_by: Option<i64>,
    /// The server itself was down, so it is no outage.
    unobserved: bool,
}

/// One station or connector with the intervals that made its figures.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct UptimeDetail {
    #[serde(flatten)]
    figures: UptimeFigures,
    connectors: Vec<UptimeFigures>,
    /// Newest first, at most 1,000.
    intervals: Vec<Outage>,
}

/// The window, and a page of stations.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct UptimePage {
    #[schema(value_type = String, format = DateTime)]
    from: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    to: Timestamp,
    /// Whether the window is the rule's twelve months.
    twelve_months: bool,
    items: Vec<StationUptime>,
    /// What to give as `cursor` for the next page; null on the last one.
    next: Option<String>,
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
    /// The window's start; twelve months before `to` when left out.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    /// The window's end; now when left out.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<Timestamp>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct WindowQuery {
    /// The window's start; twelve months before `to` when left out.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    /// The window's end; now when left out.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<Timestamp>,
}

/// A window that ends now at the latest.
pub(super) fn window(
    state: &AppState,
    (from, to): (Option<Timestamp>, Option<Timestamp>),
    default_s: f64,
) -> Result<Span, Problem> {
    let now = state.runtime.now();
    let to = to.map_or(now, |to| to.min(now));
    let from = from.unwrap_or_else(|| to.plus_seconds(-default_s));
    if from >= to {
        return Err(Problem::field("from", format!("`from` is {from}; it must be before {to}")));
    }
    Ok(Span { from, to })
}

/// Uptime of every station and connector, by station.
#[utoipa::path(get, path = "/uptime", tag = "uptime", params(ListQuery),
    responses((status = 200, body = UptimePage)))]
async fn list(
    State(state): State<AppState>,
    principal: Principal,
    Query(query): Query<ListQuery>,
) -> Result<Json<UptimePage>, Problem> {
    let limit = query.limit.get()?;
    let window = window(&state, (query.from, query.to), YEAR_S)?;
    let mut stations: Vec<TwinId> = state.runtime.read(&principal.tenant, |graph| {
        let after = query.cursor.as_deref().unwrap_or_default();
        let twins = graph.twins_of(STATION).filter(|twin| twin.id().as_str() > after);
        twins.map(|twin| twin.id().clone()).collect()
    });
    stations.sort();
    let page = Page::of(stations.into_iter(), limit, ToString::to_string);
    let reader = Reader::open(&state, &principal.tenant, window).await?;
    let mut items = Vec::with_capacity(page.items.len());
    for station in page.items {
        let ports = reader.station(&station).await?;
        items.push(reader.render(&station, &ports));
    }
    let twelve_months = window.to.seconds_since(window.from) >= YEAR_S - 1.0;
    Ok(Json(UptimePage { from: window.from, to: window.to, twelve_months, items, next: page.next }))
}

/// Uptime of one station or connector with the outages behind it.
#[utoipa::path(get, path = "/uptime/{id}", tag = "uptime",
    params(("id" = String, Path, description = "A station or a connector."), WindowQuery),
    responses((status = 200, body = UptimeDetail), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such station or connector.")))]
async fn get(
    State(state): State<AppState>,
    principal: Principal,
    Id(id): Id<TwinId>,
    Query(query): Query<WindowQuery>,
) -> Result<Json<UptimeDetail>, Problem> {
    let window = window(&state, (query.from, query.to), YEAR_S)?;
    let station = state.runtime.read(&principal.tenant, |graph| {
        let twin = graph.twin(id.as_str())?;
        if is_a(graph, &twin, STATION) {
            return Some(id.clone());
        }
        let station = is_a(graph, &twin, CONNECTOR).then(|| station_of_connector(graph, &twin))??;
        Some(station.id().clone())
    });
    let missing = || Problem::not_found(format!("there is no station or connector `{id}`"));
    let station = station.ok_or_else(missing)?;
    let reader = Reader::open(&state, &principal.tenant, window).await?;
    let mut ports = reader.station(&station).await?;
    if id != station {
        ports.retain(|(connector, _)| *connector == id.as_str());
    }
    let StationUptime { figures, connectors } = reader.render(&id, &ports);
    let of = |(connector, uptime): &(String, Uptime)| {
        let connector = connector.clone();
        uptime.intervals.clone().into_iter().map(move |interval| Outage {
            connector: connector.clone(),
            from: interval.span.from,
            to: interval.span.to,
            cause: interval.cause,
            excluded_by: interval.excluded_by,
            unobserved: interval.unobserved,
        })
    };
    let mut intervals: Vec<Outage> = ports.iter().flat_map(of).collect();
    intervals.sort_by_key(|outage| std::cmp::Reverse(outage.from));
    intervals.truncate(INTERVALS_MAX);
    Ok(Json(UptimeDetail { figures, connectors, intervals }))
}

/// What all stations of one answer share.
struct Reader<'a> {
    state: &'a AppState,
    tenant: &'a TenantId,
    window: Span,
    unobserved: Vec<Span>,
    exclusions: Vec<voltwin_store::Exclusion>,
}

impl<'a> Reader<'a> {
    async fn open(state: &'a AppState, tenant: &'a TenantId, window: Span) -> Result<Self, Problem> {
        let gaps = state.runtime.store().watch_gaps(window.from, window.to).await?;
        let exclusions = state.registry(tenant).exclusions_between(window.from, window.to).await?;
        let unobserved = gaps.into_iter().map(|(from, to)| Span { from, to }).collect();
        Ok(Self { state, tenant, window, unobserved, exclusions })
    }

    /// The connectors of a station with their figures, by id.
    async fn station(&self, station: &TwinId) -> Result<Vec<(String, Uptime)>, Problem> {
        let Span { from, to } = self.window;
        let changes = self.state.registry(self.tenant).status_changes(station.as_str(), from, to).await?;
        let scopes = self.state.runtime.read(self.tenant, |graph| {
            let place = graph.twin(station.as_str()).map(|twin| place(graph, &Zones::of(graph), &twin));
            let place = place.unwrap_or_default();
            [Some(station.clone()), place.site, place.zone].into_iter().flatten().collect::<Vec<_>>()
        });
        let (online, ports) = sort(station, &changes);
        let figures = |(connector, port): (String, Vec<(Timestamp, Port)>)| {
            let meant = |scope: &str| {
                scope == "*"
                    || scope == connector
                    || connector.rsplit_once(':').is_some_and(|(evse, _)| evse == scope)
                    || scopes.iter().any(|known| known.as_str() == scope)
            };
            let exclusions = self.exclusions.iter().filter(|exclusion| meant(&exclusion.scope));
            let exclusions: Vec<(Span, i64)> =
                exclusions.map(|e| (Span { from: e.from, to: e.to }, e.id)).collect();
            let watched = Watched {
                window: self.window,
                station: &online,
                port: &port,
                exclusions: &exclusions,
                unobserved: &self.unobserved,
            };
            let figures = uptime(&watched);
            (connector, figures)
        };
        Ok(ports.into_iter().map(figures).collect())
    }

    fn render(&self, id: &TwinId, ports: &[(String, Uptime)]) -> StationUptime {
        let mut sum = Uptime::default();
        for (_, port) in ports {
            sum.since = [sum.since, port.since].into_iter().flatten().min();
            sum.period_s += port.period_s;
            sum.outage_s += port.outage_s;
            sum.excluded_s += port.excluded_s;
            sum.unobserved_s += port.unobserved_s;
        }
        let connectors: Vec<UptimeFigures> =
            ports.iter().map(|(connector, port)| self.figures(connector, port)).collect();
        let whole = !connectors.is_empty() && connectors.iter().all(|port| port.whole_window);
        let figures = UptimeFigures { whole_window: whole, ..self.figures(id.as_str(), &sum) };
        StationUptime { figures, connectors }
    }

    fn figures(&self, id: &str, uptime: &Uptime) -> UptimeFigures {
        let percent = uptime.percent();
        let window_s = self.window.to.seconds_since(self.window.from);
        UptimeFigures {
            id: id.to_owned(),
            uptime_percent: percent,
            meets_97: percent.map(|percent| percent >= REQUIRED_PERCENT),
            since: uptime.since,
            whole_window: uptime.period_s >= window_s - 1.0,
            period_s: uptime.period_s,
            outage_s: uptime.outage_s,
            excluded_s: uptime.excluded_s,
            unobserved_s: uptime.unobserved_s,
        }
    }
}

/// When the station came and went, and what each connector said, by id.
type Sorted = (Vec<(Timestamp, bool)>, Vec<(String, Vec<(Timestamp, Port)>)>);

fn sort(station: &TwinId, changes: &[StatusChange]) -> Sorted {
    let mut online = Vec::new();
    let mut ports: Vec<(String, Vec<(Timestamp, Port)>)> = Vec::new();
    for change in changes {
        let port = match change.state.as_str() {
            "online" | "offline" if change.twin == station.as_str() => {
                online.push((change.at, change.state == "online"));
                continue;
            }
            "up" => Port::Up,
            "Faulted" => Port::Faulted,
            "Unavailable" => Port::Unavailable,
            "gone" if change.twin != station.as_str() => Port::Gone,
            _ => continue,
        };
        match ports.last_mut().filter(|(twin, _)| *twin == change.twin) {
            Some((_, list)) => list.push((change.at, port)),
            None => ports.push((change.twin.clone(), vec![(change.at, port)])),
        }
    }
    (online, ports)
}

/// Outages that do not count against uptime.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct UptimeExclusion {
    id: i64,
    /// A connector, EVSE, station, site or zone, or `*` for all.
    scope: String,
    #[schema(value_type = String, format = DateTime)]
    from: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    to: Timestamp,
    /// One of the causes of the rule.
    cause: String,
    note: String,
    by: String,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

impl From<voltwin_store::Exclusion> for UptimeExclusion {
    fn from(record: voltwin_store::Exclusion) -> Self {
        let voltwin_store::Exclusion { id, scope, from, to, cause, note, by, at } = record;
        Self { id, scope, from, to, cause, note, by, at }
    }
}

/// A time in which outages of a scope do not count. It may lie ahead: a planned maintenance window.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewUptimeExclusion {
    /// A connector, EVSE, station, site or zone that exists, or `*` for all.
    #[schema(example = "ST-01")]
    scope: String,
    #[schema(value_type = String, format = DateTime)]
    from: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    to: Timestamp,
    /// `utility_interruption`, `vehicle_fault`, `scheduled_maintenance`, `vandalism`, `natural_disaster` or
    /// `outside_hours`.
    #[schema(example = "scheduled_maintenance")]
    cause: String,
    /// Why, for whoever reads the report; at most 1,000 characters.
    #[serde(default)]
    note: String,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ExclusionsQuery {
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 500, default = 100)]
    limit: PageLimit,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// What does not count against uptime, newest first.
#[utoipa::path(get, path = "/uptime-exclusions", tag = "uptime", params(ExclusionsQuery),
    responses((status = 200, body = Page<UptimeExclusion>)))]
async fn exclusions(
    State(state): State<AppState>,
    principal: Principal,
    Query(query): Query<ExclusionsQuery>,
) -> Result<Json<Page<UptimeExclusion>>, Problem> {
    let limit = query.limit.get()?;
    let page = state.registry(&principal.tenant).exclusions(query.cursor.as_deref(), limit).await?;
    Ok(Json(Page::from_store(page, UptimeExclusion::from)))
}

/// Say that outages of a scope do not count in a span of time.
#[utoipa::path(post, path = "/uptime-exclusions", tag = "uptime", request_body = NewUptimeExclusion,
    responses((status = 201, body = UptimeExclusion)))]
async fn exclude(
    State(state): State<AppState>,
    principal: Principal,
    Json(body): Json<NewUptimeExclusion>,
) -> Result<(StatusCode, Json<UptimeExclusion>), Problem> {
    if !CAUSES.contains(&body.cause.as_str()) {
        let detail = format!("`{}` is none of {}", body.cause, CAUSES.join(", "));
        return Err(Problem::field("cause", detail));
    }
    if body.from >= body.to {
        return Err(Problem::field("to", format!("`to` is {}; it must be after `from`", body.to)));
    }
    if body.note.chars().count() > NOTE_CHARS_MAX {
        let detail = format!("`note` has more than {NOTE_CHARS_MAX} characters");
        return Err(Problem::field("note", detail).limit(NOTE_CHARS_MAX));
    }
    let known =
        body.scope == "*" || state.runtime.read(&principal.tenant, |graph| graph.twin(&body.scope).is_some());
    if !known {
        return Err(Problem::field("scope", format!("there is no twin `{}`", body.scope)));
    }
    let NewUptimeExclusion { scope, from, to, cause, note } = body;
    let (by, at) = (principal.name.clone(), state.runtime.now());
    let new = voltwin_store::Exclusion { id: 0, scope, from, to, cause, note, by, at };
    let added = state.registry(&principal.tenant).add_exclusion(new).await?;
    Ok((StatusCode::CREATED, Json(added.into())))
}

/// Take an exclusion back.
#[utoipa::path(delete, path = "/uptime-exclusions/{id}", tag = "uptime",
    params(("id" = i64, Path, description = "The exclusion.")),
    responses((status = 204), (status = 404, body = Problem, content_type = "application/problem+json",
        description = "No such exclusion.")))]
async fn include(
    State(state): State<AppState>,
    principal: Principal,
    id: Result<Path<i64>, axum::extract::rejection::PathRejection>,
) -> Result<StatusCode, Problem> {
    let Path(id) = id.map_err(|_| Problem::field("id", "the exclusion must be a whole number"))?;
    let now = state.runtime.now();
    state.registry(&principal.tenant).remove_exclusion(id, &principal.name, now).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The site of every station, for figures by site.
pub(super) fn sites(state: &AppState, tenant: &TenantId) -> HashMap<String, Option<TwinId>> {
    state.runtime.read(tenant, |graph| {
        let site = |twin: &voltwin_graph::TwinRef<'_>| {
            let hub = parent(graph, twin, "contains", crate::network::HUB);
            parent(graph, twin, "contains", crate::network::SITE)
                .or_else(|| hub.and_then(|hub| parent(graph, &hub, "contains", crate::network::SITE)))
                .map(|site| site.id().clone())
        };
        graph.twins_of(STATION).map(|twin| (twin.id().to_string(), site(&twin))).collect()
    })
}
