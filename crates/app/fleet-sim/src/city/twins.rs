//! The city as twins: what stands in the graph, and what of it changes.

use serde_json::{Map, Value, json};

use super::roads::Place;
use super::{
    City,
    scenario::SiteSpec,
    vehicle::{Activity, Vehicle},
};

/// One twin to create: id, model and first properties.
#[derive(Debug, Clone, PartialEq)]
pub struct TwinSeed {
    /// Twin id.
    pub id: String,
    /// Model, such as `dtmi:voltwin:Vehicle;1`.
    pub model: String,
    /// Properties by name.
    pub properties: Map<String, Value>,
}

/// One relationship to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TwinLink {
    /// Id within its source.
    pub id: String,
    /// Where it starts.
    pub source: String,
    /// Its name in the model.
    pub name: String,
    /// Where it points.
    pub target: String,
}

fn seed(id: &str, kind: &str, properties: Value) -> TwinSeed {
    let properties = if let Value::Object(map) = properties { map } else { Map::new() };
    TwinSeed { id: id.to_owned(), model: format!("dtmi:voltwin:{kind};1"), properties }
}

fn link(source: &str, name: &str, target: &str) -> TwinLink {
    TwinLink {
        id: format!("{name}:{target}").chars().take(128).collect(),
        source: source.to_owned(),
        name: name.to_owned(),
        target: target.to_owned(),
    }
}

/// A number with `digits` decimals, as people and files want to read it.
fn rounded(value: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (value * scale).round() / scale
}

impl City {
    /// Every twin of the city with its properties at this moment.
    #[must_use]
    pub fn twins(&self) -> Vec<TwinSeed> {
        let scenario = &self.scenario;
        let mut twins = Vec::new();
        for zone in &scenario.zones {
            let boundary = json!({"type": "Polygon", "coordinates": [zone.boundary]});
            let roads = json!({"type": "MultiLineString", "coordinates": self.roads_of(&zone.id)});
            twins.push(seed(
                &zone.id,
                "Zone",
                json!({"name": zone.name, "boundary": boundary, "roads": roads}),
            ));
        }
        for site in &scenario.sites {
            let properties = json!({"name": site.name, "lat_deg": site.lat_deg, "lon_deg": site.lon_deg,
                "time_zone": scenario.time_zone});
            twins.push(seed(&site.id, "Site", properties));
            let grid = &site.grid;
            let properties =
                json!({"name": grid.name, "max_power_w": grid.max_power_w, "power_w": grid.base_load_w});
            twins.push(seed(&grid.id, "GridConnection", properties));
        }
        for hub in &scenario.hubs {
            let properties = json!({"name": hub.name, "levels": hub.levels, "lat_deg": hub.lat_deg,
                "lon_deg": hub.lon_deg});
            twins.push(seed(&hub.id, "Hub", properties));
        }
        self.station_twins(&mut twins);
        for vehicle in &self.vehicles {
            let mut properties = self.vehicle_values(vehicle);
            properties.insert("name".into(), vehicle.name.clone().into());
            twins.push(TwinSeed {
                id: vehicle.id.clone(),
                model: "dtmi:voltwin:Vehicle;1".into(),
                properties,
            });
        }
        for spec in &scenario.vehicles {
            let Some(vehicle) = self.vehicles.iter().find(|v| v.id == spec.id) else { continue };
            let mut properties = self.pack_values(vehicle);
            properties.insert("chemistry".into(), spec.pack.chemistry.name().into());
            properties.insert("capacity_wh".into(), spec.pack.capacity_wh.into());
            if let Some(sensors) = &vehicle.sensors {
                properties.insert("soh".into(), sensors.soh().into());
            }
            let model = "dtmi:voltwin:BatteryPack;1".into();
            twins.push(TwinSeed { id: spec.pack.id.clone(), model, properties });
        }
        twins
    }

    fn station_twins(&self, twins: &mut Vec<TwinSeed>) {
        for station in &self.scenario.stations {
            let mut properties = json!({"name": station.name, "vendor": station.vendor, "model": station.model,
                "serial_number": station.serial_number, "firmware_version": station.firmware_version,
                "ocpp_version": station.protocol.as_str(), "online": false, "lat_deg": station.lat_deg,
                "lon_deg": station.lon_deg, "max_power_w": station.max_power_w});
            if let Some(level) = station.level {
                properties["level"] = level.into();
            }
            twins.push(seed(&station.id, "ChargingStation", properties));
            for (e, evse) in station.evses.iter().enumerate() {
                let id = format!("{}:{}", station.id, e + 1);
                let properties = json!({"evse_id": e + 1, "max_power_w": evse.max_power_w});
                twins.push(seed(&id, "EVSE", properties));
                for (c, connector) in evse.connectors.iter().enumerate() {
                    let properties = json!({"evse_id": e + 1, "connector_id": c + 1, "type": connector.kind,
                        "max_power_w": connector.max_power_w});
                    twins.push(seed(&format!("{id}:{}", c + 1), "Connector", properties));
                }
            }
        }
    }

    /// Every relationship of the city. Which connector a vehicle is plugged into changes with time and stands in its
    /// `connector` property.
    #[must_use]
    pub fn links(&self) -> Vec<TwinLink> {
        let scenario = &self.scenario;
        let mut links = Vec::new();
        for site in &scenario.sites {
            links.push(link(&site.zone, "contains", &site.id));
            links.push(link(&site.id, "suppliedBy", &site.grid.id));
        }
        for hub in &scenario.hubs {
            links.push(link(&hub.site, "contains", &hub.id));
        }
        for station in &scenario.stations {
            links.push(link(station.hub.as_ref().unwrap_or(&station.site), "contains", &station.id));
            for (e, evse) in station.evses.iter().enumerate() {
                let id = format!("{}:{}", station.id, e + 1);
                links.push(link(&station.id, "hasEvse", &id));
                for c in 1..=evse.connectors.len() {
                    links.push(link(&id, "hasConnector", &format!("{id}:{c}")));
                }
            }
        }
        for vehicle in &self.vehicles {
            if let Some(zone) = self.zone_at(vehicle.place) {
                links.push(link(zone, "contains", &vehicle.id));
            }
            if let Some(pack) = &vehicle.pack_id {
                links.push(link(&vehicle.id, "hasPack", pack));
            }
        }
        links
    }

    /// The roads whose middle lies in the zone, each once, as lines of `[lon, lat]`.
    fn roads_of(&self, zone: &str) -> Vec<[[f64; 2]; 2]> {
        let once = self.roads.leaving.iter().enumerate().flat_map(|(from, roads)| {
            roads.iter().filter(move |road| from < road.to).map(move |road| (from, road.to))
        });
        once.map(|(from, to)| (self.roads.nodes[from], self.roads.nodes[to]))
            .filter(|(from, to)| self.zone_at(from.towards(*to, 0.5)) == Some(zone))
            .map(|(from, to)| [from, to].map(|place| [place.lon_deg, place.lat_deg]))
            .collect()
    }

    /// The zone whose boundary holds the place (even-odd rule); the first zone for one outside of all.
    fn zone_at(&self, place: Place) -> Option<&str> {
        let (x, y) = (place.lon_deg, place.lat_deg);
        let inside = |ring: &[[f64; 2]]| {
            let crosses = |edge: &&[[f64; 2]]| {
                let ([x0, y0], [x1, y1]) = (edge[0], edge[1]);
                (y0 > y) != (y1 > y) && x < x0 + (x1 - x0) * (y - y0) / (y1 - y0)
            };
            ring.windows(2).filter(crosses).count() % 2 == 1
        };
        let zones = &self.scenario.zones;
        zones.iter().find(|z| inside(&z.boundary)).or(zones.first()).map(|z| z.id.as_str())
    }

    /// Twin and live properties of a vehicle.
    #[must_use]
    pub fn vehicle_telemetry(&self, vehicle: usize) -> Option<(&str, Map<String, Value>)> {
        let vehicle = self.vehicles.get(vehicle)?;
        Some((&vehicle.id, self.vehicle_values(vehicle)))
    }

    /// Twin and live properties of a vehicle's pack; `None` for a vehicle that only drives.
    #[must_use]
    pub fn pack_telemetry(&self, vehicle: usize) -> Option<(&str, Map<String, Value>)> {
        let vehicle = self.vehicles.get(vehicle)?;
        Some((vehicle.pack_id.as_deref()?, self.pack_values(vehicle)))
    }

    /// Twin and live properties of every grid connection: the building and all stations behind it.
    #[must_use]
    pub fn grid_telemetry(&self) -> Vec<(&str, Map<String, Value>)> {
        let grid = |site: &'_ SiteSpec| {
            let stations = self.scenario.stations.iter().zip(&self.stands).filter(|(s, _)| s.site == site.id);
            let power_w: f64 = stations.flat_map(|(_, stand)| &stand.evses).map(|e| e.flow.power_w).sum();
            let mut values = Map::new();
            values.insert("power_w".into(), rounded(power_w + site.grid.base_load_w, 0).into());
            values
        };
        self.scenario.sites.iter().map(|site| (site.grid.id.as_str(), grid(site))).collect()
    }

    fn vehicle_values(&self, vehicle: &Vehicle) -> Map<String, Value> {
        let mut values = Map::new();
        values.insert("lat_deg".into(), rounded(vehicle.place.lat_deg, 7).into());
        values.insert("lon_deg".into(), rounded(vehicle.place.lon_deg, 7).into());
        values.insert("heading_deg".into(), rounded(vehicle.heading_deg, 2).into());
        values.insert("speed_mps".into(), rounded(vehicle.speed_mps, 2).into());
        values.insert("soc".into(), rounded(vehicle.shown_soc(), 5).into());
        values.insert("status".into(), vehicle.status().as_str().into());
        values.insert("power_w".into(), rounded(vehicle.power_w, 0).into());
        values.insert("odometer_m".into(), rounded(vehicle.odometer_m, 0).into());
        values.insert("connector".into(), self.connector_of(vehicle).into());
        values
    }

    fn connector_of(&self, vehicle: &Vehicle) -> String {
        let (Activity::Plugged { station, evse, connector, .. }
        | Activity::Finishing { station, evse, connector, .. }
        | Activity::Broken { station, evse, connector, .. }) = vehicle.activity
        else {
            return String::new();
        };
        format!("{}:{}:{}", self.scenario.stations[station].id, evse + 1, connector + 1)
    }

    /// What the sensors of a vehicle's pack say.
    fn pack_values(&self, vehicle: &Vehicle) -> Map<String, Value> {
        let mut values = Map::new();
        let (Some(pack), Some(sensors)) = (&vehicle.pack, &vehicle.sensors) else { return values };
        let said = sensors.read(pack, self.elapsed_s);
        let list = |numbers: Vec<f64>, digits| -> Value {
            numbers.into_iter().map(|x| rounded(x, digits)).collect::<Vec<f64>>().into()
        };
        values.insert("soc".into(), rounded(said.soc, 5).into());
        values.insert("voltage_v".into(), rounded(said.voltage_v, 2).into());
        values.insert("current_a".into(), rounded(said.current_a, 2).into());
        values.insert("temp_c".into(), rounded(said.temp_c, 2).into());
        values.insert("cell_voltage_v".into(), list(said.cell_voltage_v, 4));
        values.insert("cell_temp_c".into(), list(said.cell_temp_c, 2));
        values.insert("cell_soc".into(), list(said.cell_soc, 4));
        values
    }
}
