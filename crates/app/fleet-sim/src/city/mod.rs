//! A small city: roads, charging sites and vehicles that drive, queue and charge.
//!
//! [`City`] is pure: no clock, no socket. [`crate::Demo`] gives it real time and real stations.

mod roads;
mod scenario;
mod sensors;
mod sim;
#[cfg(test)]
mod tests;
mod twins;
mod vehicle;

use voltwin_battery::{Pack, Stream};

pub use scenario::{MAX_ENTRIES, MAX_SCENARIO_BYTES, ScenarioError};
pub use sensors::PackTruth;
pub use sim::{CityEvent, Flow};
pub use twins::{TwinLink, TwinSeed};
pub use vehicle::VehicleStatus;

use crate::station::{ConnectorConfig, EvseConfig, StationConfig};
use roads::{Place, Roads};
use scenario::Scenario;
use sensors::Sensors;
use sim::{Evse, Stand};
use vehicle::{Activity, Body, Vehicle};

/// Most vehicles of a scaled city.
pub const MAX_VEHICLES: usize = 1_000_000;

/// A city and its state at one moment. Equal scenarios, seeds, steps and inputs give equal cities.
#[derive(Debug, Clone)]
pub struct City {
    scenario: Scenario,
    seed: u64,
    elapsed_s: f64,
    roads: Roads,
    station_nodes: Vec<usize>,
    stands: Vec<Stand>,
    vehicles: Vec<Vehicle>,
}

impl City {
    /// Reads and checks a scenario.
    ///
    /// # Errors
    /// [`ScenarioError`] names line and column, or the field and the rule that it breaks.
    pub fn load(json: &str) -> Result<Self, ScenarioError> {
        let scenario = Scenario::parse(json)?;
        let seed = scenario.seed;
        Self::build(scenario, seed)
    }

    /// The same city at its start under another seed.
    ///
    /// # Errors
    /// [`ScenarioError`] as for [`City::load`]; never for a city that was loaded.
    pub fn with_seed(self, seed: u64) -> Result<Self, ScenarioError> {
        let count = self.vehicles.len();
        let mut city = Self::build(self.scenario, seed)?;
        city.scale(count);
        Ok(city)
    }

    fn build(scenario: Scenario, seed: u64) -> Result<Self, ScenarioError> {
        let mut roads = Roads::default();
        for node in &scenario.roads.nodes {
            roads.add_node(Place { lat_deg: node.lat_deg, lon_deg: node.lon_deg });
        }
        let number = |id: &str| scenario.roads.nodes.iter().position(|n| n.id == id).unwrap_or(0);
        for edge in &scenario.roads.edges {
            roads.connect(number(&edge.from), number(&edge.to), edge.speed_kmh / 3.6);
        }
        if !roads.is_connected() {
            return Err(ScenarioError::Field {
                field: "roads.edges".into(),
                value: format!("{} roads", scenario.roads.edges.len()),
                rule: "every node must be reachable from every other".into(),
            });
        }
        let mut station_nodes = Vec::new();
        let mut stands = Vec::new();
        let crossings = roads.clone();
        for station in &scenario.stations {
            let place = Place { lat_deg: station.lat_deg, lon_deg: station.lon_deg };
            let nearest = crossings.nearest(place).unwrap_or(0);
            let node = roads.add_node(place);
            roads.connect(node, nearest, 20.0 / 3.6);
            station_nodes.push(node);
            let evse = |number: usize| {
                let mut stream = Stream::named(seed, "evse", &format!("{}:{}", station.id, number + 1));
                let energy_wh = stream.between(4e5, 9e6).round();
                Evse::new(energy_wh, scenario.faults.mean_between_s, stream)
            };
            let evses = (0..station.evses.len()).map(evse).collect();
            stands.push(Stand { evses, queue: std::collections::VecDeque::new() });
        }
        let mut city =
            Self { scenario, seed, elapsed_s: 0.0, roads, station_nodes, stands, vehicles: Vec::new() };
        for index in 0..city.scenario.vehicles.len() {
            let vehicle = city.settle(index, number_of(&city.scenario, index))?;
            city.vehicles.push(vehicle);
        }
        Ok(city)
    }

    fn settle(&self, index: usize, node: usize) -> Result<Vehicle, ScenarioError> {
        let spec = &self.scenario.vehicles[index];
        let mut stream = Stream::named(self.seed, "vehicle", &spec.id);
        let pack_seed = Stream::named(self.seed, "pack", &spec.pack.id).at(0);
        let pack =
            Pack::new(&spec.pack.config(), spec.soc, pack_seed).map_err(|error| ScenarioError::Field {
                field: format!("vehicles[{index}].pack"),
                value: spec.pack.id.clone(),
                rule: error.to_string(),
            })?;
        let body = Body {
            mass_kg: spec.mass_kg,
            drag_area_m2: spec.drag_area_m2,
            max_ac_power_w: spec.max_ac_power_w,
            max_dc_power_w: spec.max_dc_power_w,
            capacity_wh: spec.pack.capacity_wh * spec.pack.soh,
            plugs: spec.plugs.clone(),
        };
        Ok(Vehicle {
            id: spec.id.clone(),
            name: spec.name.clone(),
            body,
            soc: pack.state().soc,
            pack: Some(Box::new(pack)),
            pack_id: Some(spec.pack.id.clone()),
            sensors: Some(Box::new(Sensors::new(&spec.pack, self.seed))),
            low_soc: stream.between(0.2, 0.35),
            target_soc: stream.between(0.75, 0.92),
            odometer_m: stream.between(4e6, 9e7).round(),
            ..self.parked(node, stream)
        })
    }

    /// A vehicle standing at a node, about to start.
    fn parked(&self, node: usize, mut stream: Stream) -> Vehicle {
        let left_s = stream.between(0.0, 10.0);
        Vehicle {
            id: String::new(),
            name: String::new(),
            body: Body {
                mass_kg: 1_800.0,
                drag_area_m2: 0.65,
                max_ac_power_w: 11_000.0,
                max_dc_power_w: 100_000.0,
                capacity_wh: 60_000.0,
                plugs: Vec::new(),
            },
            pack: None,
            pack_id: None,
            sensors: None,
            soc: stream.between(0.3, 0.95),
            power_w: 0.0,
            activity: Activity::Park { left_s },
            place: self.roads.nodes[node],
            heading_deg: 0.0,
            speed_mps: 0.0,
            odometer_m: stream.between(1e6, 9e7).round(),
            node,
            way: Vec::new(),
            along_m: 0.0,
            low_soc: 0.15,
            target_soc: 0.8,
            stream,
        }
    }

    /// Makes the fleet `count` vehicles large (at most [`MAX_VEHICLES`]). Vehicles beyond those of the scenario only
    /// drive: they have no pack and charge at home. Call it before the first step.
    pub fn scale(&mut self, count: usize) {
        let count = count.min(MAX_VEHICLES);
        self.vehicles.truncate(count);
        while self.vehicles.len() < count {
            let number = self.vehicles.len() + 1;
            let id = format!("EX-{number:06}");
            let mut stream = Stream::named(self.seed, "vehicle", &id);
            let node = stream.below(self.scenario.roads.nodes.len());
            let mut vehicle = self.parked(node, stream);
            vehicle.name = format!("Traffic {number}");
            vehicle.id = id;
            self.vehicles.push(vehicle);
        }
    }

    /// The scenario's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.scenario.name
    }

    /// Simulated seconds since the start.
    #[must_use]
    pub fn elapsed_s(&self) -> f64 {
        self.elapsed_s
    }

    /// How many vehicles there are.
    #[must_use]
    pub fn vehicle_count(&self) -> usize {
        self.vehicles.len()
    }

    /// Twin id and token of a vehicle.
    #[must_use]
    pub fn vehicle_id(&self, vehicle: usize) -> Option<&str> {
        self.vehicles.get(vehicle).map(|v| v.id.as_str())
    }

    /// What a vehicle is doing.
    #[must_use]
    pub fn vehicle_status(&self, vehicle: usize) -> Option<VehicleStatus> {
        self.vehicles.get(vehicle).map(Vehicle::status)
    }

    /// What a vehicle's pack really is. No server is told: it gets what the sensors say, [`City::pack_telemetry`].
    #[must_use]
    pub fn pack_truth(&self, vehicle: usize) -> Option<PackTruth> {
        let vehicle = self.vehicles.get(vehicle)?;
        let (pack, sensors) = (vehicle.pack.as_ref()?, vehicle.sensors.as_ref()?);
        let spec = self.scenario.vehicles.iter().find(|spec| spec.id == vehicle.id)?;
        let state = pack.state();
        Some(PackTruth {
            soc: state.soc,
            cell_soc: pack.cell_soc(),
            soh: spec.pack.soh,
            temp_c: state.temp_c,
            current_a: state.current_a,
            faulty: sensors.faulty(),
        })
    }

    /// Identities of the stations, in the order of their indices.
    pub fn station_ids(&self) -> impl Iterator<Item = &str> {
        self.scenario.stations.iter().map(|s| s.id.as_str())
    }

    /// What the virtual stations are, without address and password.
    #[must_use]
    pub fn station_configs(&self) -> Vec<StationConfig> {
        let config = |station: &scenario::StationSpec| {
            let connector = |c: &scenario::ConnectorSpec| ConnectorConfig {
                kind: c.kind.clone(),
                max_power_w: c.max_power_w,
            };
            let evse = |e: &scenario::EvseSpec| EvseConfig {
                connectors: e.connectors.iter().map(connector).collect(),
            };
            let mut config = StationConfig::new("", &station.id, station.protocol);
            config.vendor.clone_from(&station.vendor);
            config.model.clone_from(&station.model);
            config.serial_number.clone_from(&station.serial_number);
            config.firmware_version.clone_from(&station.firmware_version);
            config.evses = station.evses.iter().map(evse).collect();
            config.seed = self.seed;
            config
        };
        self.scenario.stations.iter().map(config).collect()
    }
}

fn number_of(scenario: &Scenario, vehicle: usize) -> usize {
    let id = &scenario.vehicles[vehicle].node;
    scenario.roads.nodes.iter().position(|n| n.id == *id).unwrap_or(0)
}
