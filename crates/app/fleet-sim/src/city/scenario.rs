//! The scenario file: what stands where and who drives.

use std::collections::HashSet;

use serde::Deserialize;
use voltwin_battery::{BatteryError, Chemistry, PackConfig, PackFault};
use voltwin_core::TwinId;
use voltwin_ocpp::{StationIdentity, Version};

use super::sensors::SensorFault;

/// Why a scenario cannot be run.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ScenarioError {
    /// The text is not JSON of the scenario's shape.
    #[error("scenario line {line}, column {column}: {detail}")]
    Shape {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What the parser objected to.
        detail: String,
    },
    /// A value breaks a rule.
    #[error("scenario field {field} is `{value}`: {rule}")]
    Field {
        /// Path of the field, such as `stations[3].evses[0].max_power_w`.
        field: String,
        /// What was given.
        value: String,
        /// What is allowed.
        rule: String,
    },
}

/// Most entries in any list of a scenario.
pub const MAX_ENTRIES: usize = 5_000;
/// Longest scenario text in bytes.
pub const MAX_SCENARIO_BYTES: usize = 16 * 1024 * 1024;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    pub(crate) name: String,
    pub(crate) seed: u64,
    pub(crate) time_zone: String,
    pub(crate) zones: Vec<ZoneSpec>,
    pub(crate) roads: RoadSpec,
    pub(crate) sites: Vec<SiteSpec>,
    #[serde(default)]
    pub(crate) hubs: Vec<HubSpec>,
    pub(crate) stations: Vec<StationSpec>,
    pub(crate) vehicles: Vec<VehicleSpec>,
    #[serde(default)]
    pub(crate) faults: FaultSpec,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ZoneSpec {
    pub(crate) id: String,
    pub(crate) name: String,
    /// Closed ring of [longitude, latitude].
    pub(crate) boundary: Vec<[f64; 2]>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RoadSpec {
    pub(crate) nodes: Vec<NodeSpec>,
    pub(crate) edges: Vec<EdgeSpec>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NodeSpec {
    pub(crate) id: String,
    pub(crate) lat_deg: f64,
    pub(crate) lon_deg: f64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EdgeSpec {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) speed_kmh: f64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SiteSpec {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) zone: String,
    pub(crate) lat_deg: f64,
    pub(crate) lon_deg: f64,
    pub(crate) grid: GridSpec,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GridSpec {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) max_power_w: f64,
    /// Consumption of the building behind the same connection.
    #[serde(default)]
    pub(crate) base_load_w: f64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HubSpec {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) site: String,
    pub(crate) levels: u32,
    pub(crate) lat_deg: f64,
    pub(crate) lon_deg: f64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StationSpec {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) site: String,
    pub(crate) hub: Option<String>,
    pub(crate) level: Option<u32>,
    pub(crate) lat_deg: f64,
    pub(crate) lon_deg: f64,
    pub(crate) protocol: Version,
    pub(crate) vendor: String,
    pub(crate) model: String,
    pub(crate) serial_number: String,
    pub(crate) firmware_version: String,
    pub(crate) max_power_w: f64,
    pub(crate) evses: Vec<EvseSpec>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EvseSpec {
    pub(crate) max_power_w: f64,
    pub(crate) connectors: Vec<ConnectorSpec>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConnectorSpec {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) max_power_w: f64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct VehicleSpec {
    pub(crate) id: String,
    pub(crate) name: String,
    /// Road node where it starts.
    pub(crate) node: String,
    pub(crate) soc: f64,
    pub(crate) mass_kg: f64,
    /// Drag coefficient times frontal area.
    pub(crate) drag_area_m2: f64,
    pub(crate) max_ac_power_w: f64,
    pub(crate) max_dc_power_w: f64,
    pub(crate) plugs: Vec<String>,
    pub(crate) pack: PackSpec,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PackSpec {
    pub(crate) id: String,
    pub(crate) chemistry: Chemistry,
    pub(crate) capacity_wh: f64,
    pub(crate) cells_series: usize,
    pub(crate) cells_parallel: usize,
    #[serde(default = "healthy")]
    pub(crate) soh: f64,
    /// What goes wrong with it.
    #[serde(default)]
    pub(crate) fault: Option<PackFault>,
    /// What goes wrong with its sensors.
    #[serde(default)]
    pub(crate) sensor_fault: Option<SensorFault>,
    /// Simulated seconds from the start until they do.
    #[serde(default)]
    pub(crate) fault_after_s: f64,
}

fn healthy() -> f64 {
    1.0
}

impl PackSpec {
    pub(crate) fn config(&self) -> PackConfig {
        let mut config =
            PackConfig::new(self.chemistry, self.cells_series, self.cells_parallel, self.capacity_wh);
        config.soh = self.soh;
        config
    }

    fn check(&self) -> Result<(), BatteryError> {
        self.config().check()?;
        self.fault.map_or(Ok(()), |fault| fault.check(self.cells_series))
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FaultSpec {
    /// Mean time between faults of one EVSE.
    pub(crate) mean_between_s: f64,
    /// Mean time until a fault is repaired.
    pub(crate) mean_repair_s: f64,
}

impl Default for FaultSpec {
    fn default() -> Self {
        Self { mean_between_s: 28_800.0, mean_repair_s: 240.0 }
    }
}

/// Plugs that give direct current.
pub(crate) fn is_direct_current(kind: &str) -> bool {
    matches!(kind, "cCCS1" | "cCCS2" | "cG105" | "cChaoJi" | "cMCS" | "cNACS")
}

const PLUGS: [&str; 10] =
    ["cType1", "cType2", "sType2", "cCCS1", "cCCS2", "cG105", "cTesla", "cNACS", "cMCS", "cChaoJi"];

impl Scenario {
    pub(crate) fn parse(text: &str) -> Result<Self, ScenarioError> {
        if text.len() > MAX_SCENARIO_BYTES {
            let rule = format!("a scenario has at most {MAX_SCENARIO_BYTES} bytes");
            return Err(ScenarioError::Field { field: "file".into(), value: text.len().to_string(), rule });
        }
        let scenario: Self = serde_json::from_str(text).map_err(|e| ScenarioError::Shape {
            line: e.line(),
            column: e.column(),
            detail: e.to_string(),
        })?;
        scenario.check()?;
        Ok(scenario)
    }

    fn check(&self) -> Result<(), ScenarioError> {
        if jiff::tz::TimeZone::get(&self.time_zone).is_err() {
            return fail("time_zone", &self.time_zone, "an IANA time zone such as Europe/Amsterdam");
        }
        positive("faults.mean_between_s", self.faults.mean_between_s, 1e9)?;
        positive("faults.mean_repair_s", self.faults.mean_repair_s, 1e9)?;
        for (name, count) in [
            ("zones", self.zones.len()),
            ("roads.nodes", self.roads.nodes.len()),
            ("sites", self.sites.len()),
            ("stations", self.stations.len()),
        ] {
            if !(1..=MAX_ENTRIES).contains(&count) {
                return fail(name, &count.to_string(), &format!("1 to {MAX_ENTRIES} entries"));
            }
        }
        for (name, count) in [("vehicles", self.vehicles.len()), ("roads.edges", self.roads.edges.len())] {
            if count > 4 * MAX_ENTRIES {
                return fail(name, &count.to_string(), &format!("at most {} entries", 4 * MAX_ENTRIES));
            }
        }
        let mut twins = HashSet::new();
        self.check_places(&mut twins)?;
        self.check_roads()?;
        self.check_stations(&mut twins)?;
        self.check_vehicles(&mut twins)
    }

    fn check_places<'a>(&'a self, twins: &mut HashSet<&'a str>) -> Result<(), ScenarioError> {
        for (i, zone) in self.zones.iter().enumerate() {
            unique(twins, &format!("zones[{i}].id"), &zone.id)?;
            let field = format!("zones[{i}].boundary");
            let ring = &zone.boundary;
            if !(4..=MAX_ENTRIES).contains(&ring.len()) || ring.first() != ring.last() {
                return fail(&field, &format!("{} points", ring.len()), "a closed ring of at least 4 points");
            }
            for (k, [lon_deg, lat_deg]) in ring.iter().enumerate() {
                place(&format!("{field}[{k}]"), *lat_deg, *lon_deg)?;
            }
        }
        let zones: HashSet<&str> = self.zones.iter().map(|z| z.id.as_str()).collect();
        for (i, site) in self.sites.iter().enumerate() {
            unique(twins, &format!("sites[{i}].id"), &site.id)?;
            unique(twins, &format!("sites[{i}].grid.id"), &site.grid.id)?;
            known(&zones, &format!("sites[{i}].zone"), &site.zone)?;
            place(&format!("sites[{i}]"), site.lat_deg, site.lon_deg)?;
            positive(&format!("sites[{i}].grid.max_power_w"), site.grid.max_power_w, 1e9)?;
            let base = format!("sites[{i}].grid.base_load_w");
            range(&base, site.grid.base_load_w, 0.0, site.grid.max_power_w)?;
        }
        let sites: HashSet<&str> = self.sites.iter().map(|s| s.id.as_str()).collect();
        for (i, hub) in self.hubs.iter().enumerate() {
            unique(twins, &format!("hubs[{i}].id"), &hub.id)?;
            known(&sites, &format!("hubs[{i}].site"), &hub.site)?;
            place(&format!("hubs[{i}]"), hub.lat_deg, hub.lon_deg)?;
            range(&format!("hubs[{i}].levels"), f64::from(hub.levels), 1.0, 50.0)?;
        }
        Ok(())
    }

    fn check_roads(&self) -> Result<(), ScenarioError> {
        let mut nodes = HashSet::new();
        for (i, node) in self.roads.nodes.iter().enumerate() {
            place(&format!("roads.nodes[{i}]"), node.lat_deg, node.lon_deg)?;
            if !nodes.insert(node.id.as_str()) {
                return fail(&format!("roads.nodes[{i}].id"), &node.id, "each node has its own id");
            }
        }
        for (i, edge) in self.roads.edges.iter().enumerate() {
            known(&nodes, &format!("roads.edges[{i}].from"), &edge.from)?;
            known(&nodes, &format!("roads.edges[{i}].to"), &edge.to)?;
            range(&format!("roads.edges[{i}].speed_kmh"), edge.speed_kmh, 5.0, 200.0)?;
            if edge.from == edge.to {
                return fail(&format!("roads.edges[{i}].to"), &edge.to, "a road leads to another node");
            }
        }
        Ok(())
    }

    fn check_stations<'a>(&'a self, twins: &mut HashSet<&'a str>) -> Result<(), ScenarioError> {
        let sites: HashSet<&str> = self.sites.iter().map(|s| s.id.as_str()).collect();
        for (i, station) in self.stations.iter().enumerate() {
            let at = format!("stations[{i}]");
            unique(twins, &format!("{at}.id"), &station.id)?;
            if let Err(error) = StationIdentity::from_path_segment(&station.id) {
                return fail(&format!("{at}.id"), &station.id, &error.to_string());
            }
            known(&sites, &format!("{at}.site"), &station.site)?;
            place(&at, station.lat_deg, station.lon_deg)?;
            positive(&format!("{at}.max_power_w"), station.max_power_w, 1e8)?;
            let texts = [
                ("vendor", &station.vendor, 20),
                ("model", &station.model, 20),
                ("serial_number", &station.serial_number, 25),
                ("firmware_version", &station.firmware_version, 50),
            ];
            for (name, text, most) in texts {
                if text.is_empty() || text.chars().count() > most {
                    return fail(&format!("{at}.{name}"), text, &format!("1 to {most} characters"));
                }
            }
            if let Some(hub) = &station.hub {
                let Some(hub) = self.hubs.iter().find(|h| h.id == *hub) else {
                    return fail(&format!("{at}.hub"), hub, "there is no such hub");
                };
                if hub.site != station.site {
                    return fail(
                        &format!("{at}.hub"),
                        &hub.id,
                        "the hub is on another site than the station",
                    );
                }
                if station.level.is_none_or(|level| level >= hub.levels) {
                    let level = station.level.map_or("none".into(), |l| l.to_string());
                    let rule = format!("a station in this hub stands on level 0 to {}", hub.levels - 1);
                    return fail(&format!("{at}.level"), &level, &rule);
                }
            }
            check_evses(&at, station)?;
        }
        Ok(())
    }

    fn check_vehicles<'a>(&'a self, twins: &mut HashSet<&'a str>) -> Result<(), ScenarioError> {
        let nodes: HashSet<&str> = self.roads.nodes.iter().map(|n| n.id.as_str()).collect();
        for (i, vehicle) in self.vehicles.iter().enumerate() {
            let at = format!("vehicles[{i}]");
            unique(twins, &format!("{at}.id"), &vehicle.id)?;
            unique(twins, &format!("{at}.pack.id"), &vehicle.pack.id)?;
            // The id is the token of its transactions, and OCPP 1.6 allows 20 characters.
            if vehicle.id.len() > 20 {
                return fail(&format!("{at}.id"), &vehicle.id, "at most 20 characters");
            }
            known(&nodes, &format!("{at}.node"), &vehicle.node)?;
            range(&format!("{at}.soc"), vehicle.soc, 0.0, 1.0)?;
            range(&format!("{at}.mass_kg"), vehicle.mass_kg, 100.0, 60_000.0)?;
            range(&format!("{at}.drag_area_m2"), vehicle.drag_area_m2, 0.1, 10.0)?;
            positive(&format!("{at}.max_ac_power_w"), vehicle.max_ac_power_w, 1e6)?;
            positive(&format!("{at}.max_dc_power_w"), vehicle.max_dc_power_w, 1e7)?;
            if vehicle.plugs.is_empty() {
                return fail(&format!("{at}.plugs"), "[]", "at least one plug");
            }
            for (k, plug) in vehicle.plugs.iter().enumerate() {
                plug_known(&format!("{at}.plugs[{k}]"), plug)?;
            }
            if let Err(error) = vehicle.pack.check() {
                return fail(&format!("{at}.pack"), &vehicle.pack.id, &error.to_string());
            }
            range(&format!("{at}.pack.fault_after_s"), vehicle.pack.fault_after_s, 0.0, 1e9)?;
            match vehicle.pack.sensor_fault {
                Some(SensorFault::CurrentBias { bias_a }) => {
                    range(&format!("{at}.pack.sensor_fault.bias_a"), bias_a, -1_000.0, 1_000.0)?;
                }
                Some(SensorFault::StuckTemperature { temp_c }) => {
                    range(&format!("{at}.pack.sensor_fault.temp_c"), temp_c, -100.0, 300.0)?;
                }
                None => {}
            }
        }
        Ok(())
    }
}

fn check_evses(at: &str, station: &StationSpec) -> Result<(), ScenarioError> {
    if !(1..=100).contains(&station.evses.len()) {
        return fail(&format!("{at}.evses"), &station.evses.len().to_string(), "1 to 100 entries");
    }
    for (e, evse) in station.evses.iter().enumerate() {
        positive(&format!("{at}.evses[{e}].max_power_w"), evse.max_power_w, 1e8)?;
        let most = if station.protocol == Version::V16 { 1 } else { 8 };
        if !(1..=most).contains(&evse.connectors.len()) {
            let rule = format!("1 to {most} connectors in OCPP {}", station.protocol);
            let field = format!("{at}.evses[{e}].connectors");
            return fail(&field, &evse.connectors.len().to_string(), &rule);
        }
        for (c, connector) in evse.connectors.iter().enumerate() {
            let field = format!("{at}.evses[{e}].connectors[{c}]");
            plug_known(&format!("{field}.type"), &connector.kind)?;
            positive(&format!("{field}.max_power_w"), connector.max_power_w, 1e8)?;
        }
    }
    Ok(())
}

fn fail<T>(field: &str, value: &str, rule: &str) -> Result<T, ScenarioError> {
    let value = value.chars().take(80).collect();
    Err(ScenarioError::Field { field: field.into(), value, rule: rule.into() })
}

fn range(field: &str, value: f64, low: f64, high: f64) -> Result<(), ScenarioError> {
    if value.is_finite() && (low..=high).contains(&value) {
        Ok(())
    } else {
        fail(field, &value.to_string(), &format!("{low} to {high}"))
    }
}

fn positive(field: &str, value: f64, most: f64) -> Result<(), ScenarioError> {
    if value.is_finite() && value > 0.0 && value <= most {
        Ok(())
    } else {
        fail(field, &value.to_string(), &format!("above 0 and at most {most}"))
    }
}

fn place(field: &str, lat_deg: f64, lon_deg: f64) -> Result<(), ScenarioError> {
    range(&format!("{field}.lat_deg"), lat_deg, -85.0, 85.0)?;
    range(&format!("{field}.lon_deg"), lon_deg, -180.0, 180.0)
}

fn known(set: &HashSet<&str>, field: &str, id: &str) -> Result<(), ScenarioError> {
    if set.contains(id) { Ok(()) } else { fail(field, id, "nothing in the scenario has this id") }
}

fn plug_known(field: &str, kind: &str) -> Result<(), ScenarioError> {
    if PLUGS.contains(&kind) { Ok(()) } else { fail(field, kind, &format!("one of {}", PLUGS.join(", "))) }
}

fn unique<'a>(twins: &mut HashSet<&'a str>, field: &str, id: &'a str) -> Result<(), ScenarioError> {
    if let Err(error) = TwinId::new(id) {
        return fail(field, id, &error.to_string());
    }
    if twins.insert(id) { Ok(()) } else { fail(field, id, "another part of the scenario has this id") }
}
