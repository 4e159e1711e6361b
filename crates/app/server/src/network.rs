//! Reading the graph as a charging network: what belongs to what, and what lies where.

use voltwin_core::TwinId;
use voltwin_graph::{Graph, TwinRef};

pub(crate) const ZONE: &str = "dtmi:voltwin:Zone;1";
pub(crate) const SITE: &str = "dtmi:voltwin:Site;1";
pub(crate) const HUB: &str = "dtmi:voltwin:Hub;1";
pub(crate) const STATION: &str = "dtmi:voltwin:ChargingStation;1";
pub(crate) const EVSE: &str = "dtmi:voltwin:EVSE;1";
pub(crate) const CONNECTOR: &str = "dtmi:voltwin:Connector;1";
const TRANSACTION: &str = "dtmi:voltwin:ChargingTransaction;1";
pub(crate) const VEHICLE: &str = "dtmi:voltwin:Vehicle;1";
pub(crate) const PACK: &str = "dtmi:voltwin:BatteryPack;1";

/// A connector is in use while somebody holds it.
pub(crate) fn in_use(status: &str) -> bool {
    matches!(
        status,
        "Preparing" | "Charging" | "SuspendedEVSE" | "SuspendedEV" | "Finishing" | "Occupied" | "Reserved"
    )
}

pub(crate) fn is_a(graph: &Graph, twin: &TwinRef<'_>, model: &str) -> bool {
    graph.ontology().is_a(twin.model().as_str(), model)
}

/// Whether only the station itself, by OCPP, may say what this property is.
pub(crate) fn told_by_the_station(graph: &Graph, twin: &TwinRef<'_>, property: &str) -> bool {
    let of: &[&str] = if is_a(graph, twin, STATION) {
        &[
            "online",
            "boot_status",
            "status",
            "firmware_status",
            "diagnostics_status",
            "maintenance",
            "last_seen",
            "vendor",
            "model",
            "serial_number",
            "firmware_version",
            "ocpp_version",
            "power_w",
        ]
    } else if is_a(graph, twin, EVSE) {
        &["evse_id", "status", "power_w"]
    } else if is_a(graph, twin, CONNECTOR) {
        &[
            "evse_id",
            "connector_id",
            "status",
            "error_code",
            "power_w",
            "energy_wh",
            "current_a",
            "voltage_v",
            "soc",
            "transaction_id",
            "id_token",
        ]
    } else {
        return is_a(graph, twin, TRANSACTION);
    };
    of.contains(&property)
}

/// Why a number cannot be the value of a property of this name, if so.
pub(crate) fn out_of_range(property: &str, value: &serde_json::Value) -> Option<String> {
    let (low, high) = match property {
        "soc" | "soh" => (0.0, 1.0),
        "lat_deg" => (-90.0, 90.0),
        "lon_deg" => (-180.0, 180.0),
        "heading_deg" => (0.0, 360.0),
        "temp_c" => (-273.15, 10_000.0),
        _ => return None,
    };
    let number = value.as_f64().filter(|number| !(low..=high).contains(number))?;
    Some(format!("`{property}` is {number}; it must be {low} to {high}"))
}

/// A text property, owned; `None` when absent or empty.
pub(crate) fn text(twin: &TwinRef<'_>, name: &str) -> Option<String> {
    twin.text(name).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The twin of `model` that points at `twin` by `name`.
pub(crate) fn parent<'g>(
    graph: &'g Graph,
    twin: &TwinRef<'g>,
    name: &str,
    model: &str,
) -> Option<TwinRef<'g>> {
    twin.incoming()
        .filter(|link| link.name.as_str() == name)
        .filter_map(|link| graph.twin(link.source.as_str()))
        .find(|source| is_a(graph, source, model))
}

/// The station of a connector, by its links.
pub(crate) fn station_of_connector<'g>(graph: &'g Graph, connector: &TwinRef<'g>) -> Option<TwinRef<'g>> {
    let evse = parent(graph, connector, "hasConnector", EVSE)?;
    parent(graph, &evse, "hasEvse", STATION)
}

/// EVSEs of a station with their connectors, by number.
pub(crate) fn evses<'g>(station: &TwinRef<'g>) -> Vec<(TwinRef<'g>, Vec<TwinRef<'g>>)> {
    let number = |twin: &TwinRef<'_>, name: &str| twin.i64(name).unwrap_or(i64::MAX);
    let mut evses: Vec<_> = station.related("hasEvse").collect();
    evses.sort_by_key(|evse| number(evse, "evse_id"));
    evses
        .into_iter()
        .map(|evse| {
            let mut connectors: Vec<_> = evse.related("hasConnector").collect();
            connectors.sort_by_key(|connector| number(connector, "connector_id"));
            (evse, connectors)
        })
        .collect()
}

/// What a station stands in, and where.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Place {
    pub(crate) hub: Option<TwinId>,
    pub(crate) site: Option<TwinId>,
    pub(crate) zone: Option<TwinId>,
    /// Its own position, or that of its hub or site.
    pub(crate) position: Option<(f64, f64)>,
}

/// Latitude and longitude in degrees, when both are known.
pub(crate) fn position(twin: &TwinRef<'_>) -> Option<(f64, f64)> {
    Some((twin.f64("lat_deg")?, twin.f64("lon_deg")?))
}

/// Where a station stands. The zone is that of its site; a station without one is placed by its position.
pub(crate) fn place(graph: &Graph, zones: &Zones, station: &TwinRef<'_>) -> Place {
    let hub = parent(graph, station, "contains", HUB);
    let site = parent(graph, station, "contains", SITE)
        .or_else(|| hub.as_ref().and_then(|hub| parent(graph, hub, "contains", SITE)));
    let position = position(station)
        .or_else(|| hub.as_ref().and_then(position))
        .or_else(|| site.as_ref().and_then(position));
    let zone = site
        .as_ref()
        .and_then(|site| parent(graph, site, "contains", ZONE))
        .map(|zone| zone.id().clone())
        .or_else(|| position.and_then(|(lat, lon)| zones.at(lat, lon)).map(|zone| zone.id.clone()));
    let id = |twin: TwinRef<'_>| twin.id().clone();
    Place { hub: hub.map(id), site: site.map(id), zone, position }
}

/// The zones of a tenant with their boundaries.
#[derive(Debug, Clone, Default)]
pub(crate) struct Zones {
    list: Vec<Zone>,
}

/// One zone.
#[derive(Debug, Clone)]
pub(crate) struct Zone {
    pub(crate) id: TwinId,
    pub(crate) name: String,
    /// Rings of `[lon, lat]` in degrees: the outline, then holes.
    pub(crate) rings: Vec<Vec<[f64; 2]>>,
    /// Lines of `[lon, lat]` in degrees.
    pub(crate) roads: Vec<Vec<[f64; 2]>>,
    bounds: [f64; 4],
}

impl Zones {
    /// Reads the zones in the order of their ids. A boundary that is not a GeoJSON Polygon is treated as absent.
    pub(crate) fn of(graph: &Graph) -> Self {
        let mut list: Vec<Zone> = graph
            .twins_of(ZONE)
            .map(|twin| {
                let lines = |name: &str, kind: &str| {
                    twin.get(name).map(|value| lines(&value.to_json(), kind)).unwrap_or_default()
                };
                let (rings, roads) = (lines("boundary", "Polygon"), lines("roads", "MultiLineString"));
                let name = text(&twin, "name").unwrap_or_else(|| twin.id().to_string());
                Zone { id: twin.id().clone(), name, bounds: bounds(&rings), rings, roads }
            })
            .collect();
        list.sort_by(|a, b| a.id.cmp(&b.id));
        Self { list }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Zone> {
        self.list.iter()
    }

    /// The number of the zone with this id.
    pub(crate) fn index(&self, id: &TwinId) -> Option<usize> {
        self.list.binary_search_by(|zone| zone.id.cmp(id)).ok()
    }

    /// The number of the first zone that holds the point.
    pub(crate) fn index_at(&self, lat_deg: f64, lon_deg: f64) -> Option<usize> {
        self.list.iter().position(|zone| zone.holds(lat_deg, lon_deg))
    }

    pub(crate) fn at(&self, lat_deg: f64, lon_deg: f64) -> Option<&Zone> {
        self.index_at(lat_deg, lon_deg).map(|index| &self.list[index])
    }
}

impl Zone {
    /// Even-odd rule over all rings, so holes are outside. Zones do not cross the antimeridian.
    fn holds(&self, lat: f64, lon: f64) -> bool {
        let [west, south, east, north] = self.bounds;
        if !(west..=east).contains(&lon) || !(south..=north).contains(&lat) {
            return false;
        }
        let crossings = self.rings.iter().flat_map(|ring| edges(ring)).filter(|([ax, ay], [bx, by])| {
            (*ay > lat) != (*by > lat) && lon < (bx - ax) * (lat - ay) / (by - ay) + ax
        });
        crossings.count() % 2 == 1
    }
}

fn edges(ring: &[[f64; 2]]) -> impl Iterator<Item = ([f64; 2], [f64; 2])> {
    ring.iter().copied().zip(ring.iter().copied().cycle().skip(1))
}

fn bounds(rings: &[Vec<[f64; 2]>]) -> [f64; 4] {
    let empty = [f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY];
    rings.iter().flatten().fold(empty, |[west, south, east, north], [lon, lat]| {
        [west.min(*lon), south.min(*lat), east.max(*lon), north.max(*lat)]
    })
}

/// The lines of a GeoJSON Polygon or MultiLineString, none for anything else.
fn lines(json: &serde_json::Value, kind: &str) -> Vec<Vec<[f64; 2]>> {
    let point = |point: &serde_json::Value| Some([point.get(0)?.as_f64()?, point.get(1)?.as_f64()?]);
    let ring = |ring: &serde_json::Value| ring.as_array()?.iter().map(point).collect::<Option<Vec<_>>>();
    let rings = |json: &serde_json::Value| {
        (json.get("type")?.as_str()? == kind).then_some(())?;
        json.get("coordinates")?.as_array()?.iter().map(ring).collect::<Option<Vec<_>>>()
    };
    rings(json).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(json: &serde_json::Value) -> Zone {
        let rings = lines(json, "Polygon");
        Zone { id: "Z".parse().unwrap(), name: "Z".into(), bounds: bounds(&rings), rings, roads: Vec::new() }
    }

    #[test]
    fn a_square_with_a_hole_holds_what_lies_between() {
        let square = |a: f64, b: f64| [[a, a], [b, a], [b, b], [a, b], [a, a]];
        let json =
            serde_json::json!({"type": "Polygon", "coordinates": [square(0.0, 10.0), square(4.0, 6.0)]});
        let zone = zone(&json);
        // by the definition of the two squares
        for step in 0..=240 {
            let (lat, lon) = (f64::from(step % 16) * 0.77 - 1.0, f64::from(step / 16) * 0.77 - 1.0);
            let within = |a: f64, b: f64| lat > a && lat < b && lon > a && lon < b;
            assert_eq!(zone.holds(lat, lon), within(0.0, 10.0) && !within(4.0, 6.0), "{lat} {lon}");
        }
    }

    #[test]
    fn what_is_no_polygon_holds_nothing() {
        for json in [serde_json::json!({}), serde_json::json!({"type": "Polygon", "coordinates": [[["x"]]]})]
        {
            assert!(!zone(&json).holds(0.0, 0.0), "{json}");
        }
    }
}
