//! The figures at the top of the control room.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use parking_lot::Mutex;
use rust_decimal::prelude::ToPrimitive;
use serde::Serialize;
use utoipa::ToSchema;
use voltwin_core::{TenantId, Timestamp};
use voltwin_graph::{Graph, TwinRef};
use voltwin_store::{Counts, StationTotal, StoreError};

use crate::network::{SITE, STATION, VEHICLE, Zones, evses, in_use, parent, place, position};
use crate::state::Shared;

/// How old an answer may be.
const FRESH: Duration = Duration::from_millis(900);
/// How old the sums over today's transactions may be; they cost a query.
const TOTALS_FRESH: Duration = Duration::from_secs(5);

/// The network at a glance.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct Overview {
    /// When these figures held.
    #[schema(value_type = String, format = DateTime, example = "2026-11-21T08:00:00Z")]
    pub(crate) at: Timestamp,
    pub(crate) stations: StationCounts,
    pub(crate) connectors: ConnectorCounts,
    pub(crate) vehicles: VehicleCounts,
    /// Power drawn by the stations that are online, in watts; what the others draw is not known.
    #[schema(example = 184_000.0)]
    pub(crate) power_w: f64,
    /// Rated power of all stations, in watts.
    pub(crate) max_power_w: f64,
    /// Charging transactions that run.
    pub(crate) active_transactions: u64,
    /// Energy delivered since midnight at the first site's time zone, in watt-hours.
    pub(crate) energy_today_wh: f64,
    /// Charging sessions started since then.
    pub(crate) sessions_today: u64,
    pub(crate) alarms: AlarmCounts,
    /// Unknown stations that wait to be accepted.
    pub(crate) claims: u64,
    /// Each zone, in the order of ids.
    pub(crate) zones: Vec<ZoneLoad>,
}

/// Charging stations by state.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub(crate) struct StationCounts {
    pub(crate) total: u64,
    /// With a connection to us.
    pub(crate) online: u64,
    /// Online and faulted, as a whole or in one of their connectors.
    pub(crate) faulted: u64,
}

/// Connectors by status.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub(crate) struct ConnectorCounts {
    pub(crate) total: u64,
    /// How many have each status that occurs; those of stations without a connection are `Offline`.
    #[schema(example = json!({"Available": 4, "Charging": 2, "Offline": 1}))]
    pub(crate) by_status: BTreeMap<String, u64>,
}

/// Vehicles by what they do.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub(crate) struct VehicleCounts {
    pub(crate) total: u64,
    pub(crate) driving: u64,
    pub(crate) queuing: u64,
    pub(crate) charging: u64,
    pub(crate) faulted: u64,
}

/// Open alarms by severity.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub(crate) struct AlarmCounts {
    pub(crate) critical: u64,
    pub(crate) major: u64,
    pub(crate) minor: u64,
    pub(crate) info: u64,
    /// Open ones that nobody has acknowledged.
    pub(crate) unacknowledged: u64,
}

/// The load of one zone.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub(crate) struct ZoneLoad {
    pub(crate) id: String,
    pub(crate) name: String,
    /// Vehicles within its boundary.
    pub(crate) vehicles: u64,
    pub(crate) stations: u64,
    pub(crate) connectors: u64,
    /// Connectors that somebody holds, of stations that are online.
    pub(crate) in_use: u64,
    /// Power drawn by its stations that are online, in watts.
    pub(crate) power_w: f64,
    /// Rated power of its stations, in watts.
    pub(crate) max_power_w: f64,
    /// Energy that its stations delivered today, in watt-hours.
    pub(crate) energy_today_wh: f64,
    /// Share of its connectors in use.
    #[schema(minimum = 0.0, maximum = 1.0)]
    pub(crate) utilisation: f64,
}

/// The newest overview of each tenant; whoever asks within a second gets the same.
#[derive(Default)]
pub(crate) struct Overviews {
    tenants: Mutex<HashMap<TenantId, Arc<tokio::sync::Mutex<Cached>>>>,
}

#[derive(Default)]
struct Cached {
    overview: Option<(Instant, Arc<Overview>)>,
    totals: Option<(Instant, Arc<Vec<StationTotal>>)>,
}

impl Shared {
    /// The overview of a tenant, at most a second old.
    pub(crate) async fn overview(&self, tenant: &TenantId) -> Result<Arc<Overview>, StoreError> {
        let slot = self.overviews.tenants.lock().entry(tenant.clone()).or_default().clone();
        // whoever comes while another computes waits for its answer
        let mut cached = slot.lock().await;
        if let Some((at, overview)) = &cached.overview
            && at.elapsed() < FRESH
        {
            return Ok(overview.clone());
        }
        let totals = self.totals_today(tenant, &mut cached).await?;
        let counts = self.runtime.store().tenant(tenant).counts().await?;
        let now = self.runtime.now();
        let overview = Arc::new(self.runtime.read(tenant, |graph| compute(graph, &totals, counts, now)));
        cached.overview = Some((Instant::now(), overview.clone()));
        Ok(overview)
    }

    async fn totals_today(
        &self,
        tenant: &TenantId,
        cached: &mut Cached,
    ) -> Result<Arc<Vec<StationTotal>>, StoreError> {
        if let Some((at, totals)) = &cached.totals
            && at.elapsed() < TOTALS_FRESH
        {
            return Ok(totals.clone());
        }
        let zone = self.runtime.read(tenant, time_zone);
        let since = midnight(self.runtime.now(), &zone);
        let totals = Arc::new(self.runtime.store().tenant(tenant).totals_since(since).await?);
        cached.totals = Some((Instant::now(), totals.clone()));
        Ok(totals)
    }
}

/// The time zone of the first site that names a known one, else UTC.
fn time_zone(graph: &Graph) -> TimeZone {
    let mut sites: Vec<_> = graph.twins_of(SITE).collect();
    sites.sort_by(|a, b| a.id().cmp(b.id()));
    sites.iter().find_map(|site| TimeZone::get(site.text("time_zone")?).ok()).unwrap_or(TimeZone::UTC)
}

/// The newest midnight in `zone`, or the first moment of the day where the clocks skip it.
fn midnight(now: Timestamp, zone: &TimeZone) -> Timestamp {
    let instant = jiff::Timestamp::from_microsecond(now.as_micros()).unwrap_or_default();
    let start = instant.to_zoned(zone.clone()).start_of_day();
    start.map_or(now, |start| Timestamp::from_micros(start.timestamp().as_microsecond()))
}

fn compute(graph: &Graph, totals: &[StationTotal], counts: Counts, at: Timestamp) -> Overview {
    let zones = Zones::of(graph);
    let mut overview = Overview {
        at,
        stations: StationCounts::default(),
        connectors: ConnectorCounts::default(),
        vehicles: VehicleCounts::default(),
        power_w: 0.0,
        max_power_w: 0.0,
        active_transactions: counts.active_transactions,
        energy_today_wh: 0.0,
        sessions_today: totals.iter().map(|total| total.sessions).sum(),
        alarms: AlarmCounts {
            critical: counts.critical,
            major: counts.major,
            minor: counts.minor,
            info: counts.info,
            unacknowledged: counts.unacknowledged,
        },
        claims: counts.claims,
        zones: zones
            .iter()
            .map(|zone| ZoneLoad { id: zone.id.to_string(), name: zone.name.clone(), ..ZoneLoad::default() })
            .collect(),
    };
    let energy_wh: HashMap<&str, f64> = totals
        .iter()
        .map(|total| (total.station.as_str(), total.energy_wh.to_f64().unwrap_or(0.0)))
        .collect();
    overview.energy_today_wh = energy_wh.values().sum();
    add_stations(graph, &zones, &energy_wh, &mut overview);
    add_vehicles(graph, &zones, &mut overview);
    for zone in &mut overview.zones {
        zone.utilisation =
            if zone.connectors == 0 { 0.0 } else { zone.in_use as f64 / zone.connectors as f64 };
    }
    overview
}

fn add_stations(graph: &Graph, zones: &Zones, energy_wh: &HashMap<&str, f64>, overview: &mut Overview) {
    for station in graph.twins_of(STATION) {
        let online = station.bool("online") == Some(true);
        let power_w = if online { station.f64("power_w").unwrap_or(0.0) } else { 0.0 };
        let max_power_w = station.f64("max_power_w").unwrap_or(0.0);
        let connectors: Vec<_> = evses(&station).into_iter().flat_map(|(_, connectors)| connectors).collect();
        let faulted = station.text("status") == Some("Faulted")
            || connectors.iter().any(|connector| connector.text("status") == Some("Faulted"));
        overview.stations.total += 1;
        overview.stations.online += u64::from(online);
        overview.stations.faulted += u64::from(online && faulted);
        overview.power_w += power_w;
        overview.max_power_w += max_power_w;
        for connector in &connectors {
            let status = if online { connector.text("status").unwrap_or("Unknown") } else { "Offline" };
            overview.connectors.add(status);
        }
        let zone = place(graph, zones, &station).zone.and_then(|zone| zones.index(&zone));
        let Some(zone) = zone.and_then(|index| overview.zones.get_mut(index)) else { continue };
        zone.stations += 1;
        zone.power_w += power_w;
        zone.max_power_w += max_power_w;
        zone.energy_today_wh += energy_wh.get(station.id().as_str()).copied().unwrap_or(0.0);
        zone.connectors += connectors.len() as u64;
        let held = |connector: &&TwinRef<'_>| connector.text("status").is_some_and(in_use);
        zone.in_use += if online { connectors.iter().filter(held).count() as u64 } else { 0 };
    }
}

impl ConnectorCounts {
    fn add(&mut self, status: &str) {
        self.total += 1;
        match self.by_status.get_mut(status) {
            Some(count) => *count += 1,
            None => {
                self.by_status.insert(status.to_owned(), 1);
            }
        }
    }
}

fn add_vehicles(graph: &Graph, zones: &Zones, overview: &mut Overview) {
    for vehicle in graph.twins_of(VEHICLE) {
        let counts = &mut overview.vehicles;
        counts.total += 1;
        match vehicle.text("status") {
            Some("Driving") => counts.driving += 1,
            Some("Queuing") => counts.queuing += 1,
            Some("Charging") => counts.charging += 1,
            Some("Faulted") => counts.faulted += 1,
            _ => {}
        }
        let zone = vehicle_zone(graph, zones, &vehicle);
        if let Some(zone) = zone.and_then(|index| overview.zones.get_mut(index)) {
            zone.vehicles += 1;
        }
    }
}

/// The zone that a vehicle is in: by its position, or by the link that says so when its position is not known.
pub(crate) fn vehicle_zone(graph: &Graph, zones: &Zones, vehicle: &TwinRef<'_>) -> Option<usize> {
    match position(vehicle) {
        Some((lat, lon)) => zones.index_at(lat, lon),
        None => zones.index(parent(graph, vehicle, "contains", crate::network::ZONE)?.id()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_begins_at_local_midnight_also_when_the_clocks_change() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        assert_eq!(midnight(at("2026-11-21T08:00:00Z"), &berlin), at("2026-11-20T23:00:00Z"));
        // the day on which summer time ends began in summer time
        assert_eq!(midnight(at("2026-10-25T20:00:00Z"), &berlin), at("2026-10-24T22:00:00Z"));
        assert_eq!(midnight(at("2026-11-21T00:00:00Z"), &TimeZone::UTC), at("2026-11-21T00:00:00Z"));
    }
}
