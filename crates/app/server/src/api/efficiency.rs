//! How well the network is used.

use std::collections::{BTreeMap, HashMap};

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use voltwin_core::Timestamp;
use voltwin_reliability::{gini, peak_to_mean};
use voltwin_security::Permission;

use super::uptime::{sites, window};
use crate::auth::{Guard, Principal};
use crate::http::{Json, Page, PageLimit, Problem, Query};
use crate::network::{STATION, evses, text};
use crate::state::AppState;

/// The window when none is given: a week.
const WEEK_S: f64 = 7.0 * 86_400.0;
/// A transaction that ended below this never charged.
const FAILED_BELOW_WH: f64 = 10.0;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(Guard::needs(Permission::Read).on(routes!(network)))
        .routes(Guard::needs(Permission::Read).on(routes!(connectors)))
}

/// Figures of some connectors over a window.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub(crate) struct Efficiency {
    connectors: u64,
    /// The part of the window in which a transaction held a connector, over all connectors.
    #[schema(minimum = 0.0)]
    utilisation: f64,
    /// Delivered in the window, in Wh.
    energy_wh: f64,
    energy_per_connector_day_wh: f64,
    /// Transactions that started in the window.
    sessions: u64,
    /// Those of them that ended with less than 10 Wh.
    failed_starts: u64,
    /// `failed_starts / sessions`; null without sessions.
    failed_start_rate: Option<f64>,
    /// How often a connector became `Faulted`.
    faults: u64,
    /// Hours that the connectors were watched, over `faults`; null without faults.
    mean_time_between_faults_h: Option<f64>,
}

/// How evenly the stations of a site are used.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Balance {
    stations: u64,
    /// Gini coefficient of the energy that each station delivered: 0 when all delivered the same; null when none did.
    gini: Option<f64>,
    /// The greatest share over the mean share: 1 when all delivered the same.
    peak_to_mean: Option<f64>,
}

/// One site.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct SiteEfficiency {
    id: String,
    name: Option<String>,
    #[serde(flatten)]
    figures: Efficiency,
    balance: Balance,
}

/// The network and its sites.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct NetworkEfficiency {
    #[schema(value_type = String, format = DateTime)]
    from: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    to: Timestamp,
    /// Since when faults are watched, where that is within the window.
    #[schema(value_type = Option<String>, format = DateTime)]
    watched_since: Option<Timestamp>,
    network: Efficiency,
    /// All stations of the network.
    balance: Balance,
    /// By id. Stations without a site are in the network's figures only.
    sites: Vec<SiteEfficiency>,
}

/// One connector.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ConnectorEfficiency {
    #[schema(example = "ST-01:1:1")]
    id: String,
    station: String,
    site: Option<String>,
    #[serde(flatten)]
    figures: Efficiency,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct WindowQuery {
    /// The window's start; a week before `to` when left out.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    /// The window's end; now when left out.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<Timestamp>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ConnectorsQuery {
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 500, default = 100)]
    limit: PageLimit,
    /// `next` of the page before.
    cursor: Option<String>,
    /// Only of this site.
    site: Option<String>,
    /// Only of this station.
    station: Option<String>,
    /// The window's start; a week before `to` when left out.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    /// The window's end; now when left out.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<Timestamp>,
}

/// What one connector did, before it is made a figure.
#[derive(Debug, Clone, Default)]
struct Sum {
    connectors: u64,
    busy_s: f64,
    energy_wh: f64,
    sessions: u64,
    failed_starts: u64,
    faults: u64,
}

impl Sum {
    fn add(&mut self, other: &Self) {
        self.connectors += other.connectors;
        self.busy_s += other.busy_s;
        self.energy_wh += other.energy_wh;
        self.sessions += other.sessions;
        self.failed_starts += other.failed_starts;
        self.faults += other.faults;
    }
}

/// Everything that the figures are made of.
struct Sums {
    window: voltwin_reliability::Span,
    watched_since: Option<Timestamp>,
    /// By connector id, with station and site.
    connectors: BTreeMap<String, (String, Option<String>, Sum)>,
}

impl Sums {
    async fn read(
        state: &AppState,
        principal: &Principal,
        span: (Option<Timestamp>, Option<Timestamp>),
    ) -> Result<Self, Problem> {
        let window = window(state, span, WEEK_S)?;
        let sites = sites(state, &principal.tenant);
        let site_of = |station: &str| sites.get(station).cloned().flatten().map(|site| site.to_string());
        let mut connectors: BTreeMap<String, (String, Option<String>, Sum)> = BTreeMap::new();
        state.runtime.read(&principal.tenant, |graph| {
            for station in graph.twins_of(STATION) {
                for connector in evses(&station).iter().flat_map(|(_, connectors)| connectors) {
                    let station = station.id().to_string();
                    let site = site_of(&station);
                    let sum = Sum { connectors: 1, ..Sum::default() };
                    connectors.insert(connector.id().to_string(), (station, site, sum));
                }
            }
        });
        let registry = state.registry(&principal.tenant);
        for used in registry.connector_use(window.from, window.to, FAILED_BELOW_WH).await? {
            // what a connector that is gone did stays in the energy of its station
            let id = format!("{}:{}:{}", used.station, used.evse, used.connector);
            let site = site_of(&used.station);
            let (.., sum) = connectors.entry(id).or_insert_with(|| (used.station, site, Sum::default()));
            sum.busy_s = used.busy_s;
            sum.energy_wh = used.energy_wh;
            sum.sessions = used.sessions;
            sum.failed_starts = used.failed_starts;
        }
        for (connector, faults) in registry.fault_counts(window.from, window.to).await? {
            if let Some((.., sum)) = connectors.get_mut(&connector) {
                sum.faults = faults;
            }
        }
        let watched_since = registry.watched_since().await?.filter(|since| *since > window.from);
        Ok(Self { window, watched_since, connectors })
    }

    fn figures(&self, sum: &Sum) -> Efficiency {
        let window_s = self.window.to.seconds_since(self.window.from);
        let available_s = window_s * sum.connectors as f64;
        let watched_s = self.window.to.seconds_since(self.watched_since.unwrap_or(self.window.from)).max(0.0);
        let per = |value: f64, whole: f64| if whole > 0.0 { value / whole } else { 0.0 };
        let rate = |count: u64, whole: u64| (whole > 0).then(|| count as f64 / whole as f64);
        Efficiency {
            connectors: sum.connectors,
            utilisation: per(sum.busy_s, available_s),
            energy_wh: sum.energy_wh,
            energy_per_connector_day_wh: per(sum.energy_wh, available_s / 86_400.0),
            sessions: sum.sessions,
            failed_starts: sum.failed_starts,
            failed_start_rate: rate(sum.failed_starts, sum.sessions),
            faults: sum.faults,
            mean_time_between_faults_h: (sum.faults > 0)
                .then(|| watched_s * sum.connectors as f64 / 3_600.0 / sum.faults as f64),
        }
    }
}

fn balance(energy_by_station: &HashMap<&str, f64>) -> Balance {
    let shares: Vec<f64> = energy_by_station.values().copied().collect();
    Balance { stations: shares.len() as u64, gini: gini(&shares), peak_to_mean: peak_to_mean(&shares) }
}

/// How well the network and each of its sites are used.
#[utoipa::path(get, path = "/network/efficiency", tag = "network", params(WindowQuery),
    responses((status = 200, body = NetworkEfficiency)))]
async fn network(
    State(state): State<AppState>,
    principal: Principal,
    Query(query): Query<WindowQuery>,
) -> Result<Json<NetworkEfficiency>, Problem> {
    let sums = Sums::read(&state, &principal, (query.from, query.to)).await?;
    let mut all = Sum::default();
    let mut energy: HashMap<&str, f64> = HashMap::new();
    let mut sites: BTreeMap<&str, (Sum, HashMap<&str, f64>)> = BTreeMap::new();
    for (station, site, sum) in sums.connectors.values() {
        all.add(sum);
        *energy.entry(station).or_default() += sum.energy_wh;
        if let Some(site) = site {
            let (of_site, of_stations) = sites.entry(site).or_default();
            of_site.add(sum);
            *of_stations.entry(station).or_default() += sum.energy_wh;
        }
    }
    let name = |id: &str| {
        state.runtime.read(&principal.tenant, |graph| graph.twin(id).and_then(|twin| text(&twin, "name")))
    };
    let sites = sites.into_iter().map(|(id, (sum, energy))| SiteEfficiency {
        id: id.to_owned(),
        name: name(id),
        figures: sums.figures(&sum),
        balance: balance(&energy),
    });
    Ok(Json(NetworkEfficiency {
        from: sums.window.from,
        to: sums.window.to,
        watched_since: sums.watched_since,
        network: sums.figures(&all),
        balance: balance(&energy),
        sites: sites.collect(),
    }))
}

/// How well each connector is used, by id.
#[utoipa::path(get, path = "/network/efficiency/connectors", tag = "network", params(ConnectorsQuery),
    responses((status = 200, body = Page<ConnectorEfficiency>)))]
async fn connectors(
    State(state): State<AppState>,
    principal: Principal,
    Query(query): Query<ConnectorsQuery>,
) -> Result<Json<Page<ConnectorEfficiency>>, Problem> {
    let limit = query.limit.get()?;
    let sums = Sums::read(&state, &principal, (query.from, query.to)).await?;
    let after = query.cursor.as_deref().unwrap_or_default();
    let wanted = sums.connectors.iter().filter(|(id, (station, site, _))| {
        id.as_str() > after
            && query.station.as_ref().is_none_or(|wanted| wanted == station)
            && query.site.as_ref().is_none_or(|wanted| Some(wanted) == site.as_ref())
    });
    let items = wanted.map(|(id, (station, site, sum))| ConnectorEfficiency {
        id: id.clone(),
        station: station.clone(),
        site: site.clone(),
        figures: sums.figures(sum),
    });
    Ok(Json(Page::of(items, limit, |item| item.id.clone())))
}
