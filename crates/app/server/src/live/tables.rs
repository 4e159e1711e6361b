//! The columns of one tenant, and how twins become rows.

use std::collections::{HashMap, HashSet};

use voltwin_core::{Event, EventBody, TwinId};
use voltwin_graph::{Graph, TwinRef};
use voltwin_wire::{
    ConnectorKind, ConnectorRow, ConnectorStatus, NO_ROW, Protocol, Row, StationRow, StationStatus,
    TopicTable, VehicleRow, VehicleStatus, flags, quantise_at, quantise_count, quantise_current,
    quantise_energy, quantise_heading, quantise_lat, quantise_lon, quantise_power, quantise_soc,
    quantise_speed, quantise_voltage,
};

use super::alarms::{AlarmBook, owner};
use crate::network::{
    CONNECTOR, EVSE, HUB, SITE, STATION, VEHICLE, Zones, evses, in_use, parent, place, station_of_connector,
};

/// Milliseconds before the start that the stream's clock begins at, for values older than the stream.
const PAST_MS: i64 = 24 * 3_600_000;
/// `at_ms` reaches 49.7 days; the columns begin anew before that.
const AGE_MAX_MS: i64 = 40 * 24 * 3_600_000;
/// Rows of twins that are gone, at most, before the columns begin anew: this many and as many as there are others.
const DELETED_MIN: usize = 1_000;

/// One topic: its columns and where each twin stands in them.
#[derive(Debug)]
pub(super) struct TopicRows<R: Row> {
    pub(super) table: TopicTable<R>,
    rows: HashMap<TwinId, u32>,
}

impl<R: Row> TopicRows<R> {
    fn new() -> Self {
        Self { table: TopicTable::new(), rows: HashMap::new() }
    }

    fn row(&self, id: &str) -> u32 {
        self.rows.get(id).copied().unwrap_or(NO_ROW)
    }

    fn set(&mut self, id: &TwinId, row: R) {
        if let Some(number) = self.rows.get(id.as_str()) {
            self.table.set(*number as usize, row);
        } else if let Some(number) = self.table.push(id.as_str(), row) {
            self.rows.insert(id.clone(), number);
        }
    }
}

/// All columns of one tenant.
#[derive(Debug)]
pub(super) struct Tables {
    /// Changes when row numbers do.
    pub(super) epoch: u32,
    /// What `at_ms` counts from.
    pub(super) epoch_ms: i64,
    /// The journal sequence that the columns reflect.
    pub(super) journal_seq: u64,
    pub(super) station: TopicRows<StationRow>,
    pub(super) connector: TopicRows<ConnectorRow>,
    pub(super) vehicle: TopicRows<VehicleRow>,
    pub(super) alarms: AlarmBook,
    deleted: usize,
}

/// Twins whose rows must be read anew.
#[derive(Debug, Default)]
pub(super) struct Dirty {
    stations: HashSet<TwinId>,
    connectors: HashSet<TwinId>,
    vehicles: HashSet<TwinId>,
    gone: HashSet<TwinId>,
    all_stations: bool,
}

impl Tables {
    /// Columns with a row for each twin that there is.
    pub(super) fn new(epoch: u32, now_ms: i64, journal_seq: u64, graph: &Graph, alarms: AlarmBook) -> Self {
        let mut tables = Self {
            epoch,
            epoch_ms: now_ms - PAST_MS,
            journal_seq,
            station: TopicRows::new(),
            connector: TopicRows::new(),
            vehicle: TopicRows::new(),
            alarms,
            deleted: 0,
        };
        let ids = |model: &str| graph.twins_of(model).map(|twin| twin.id().clone()).collect();
        let (stations, connectors, vehicles) = (ids(STATION), ids(CONNECTOR), ids(VEHICLE));
        tables.refresh(graph, &Dirty { stations, connectors, vehicles, ..Dirty::default() });
        tables
    }

    /// Whether it is time to begin anew.
    pub(super) fn stale(&self, now_ms: i64) -> bool {
        let rows = self.station.table.len() + self.connector.table.len() + self.vehicle.table.len();
        now_ms - self.epoch_ms > AGE_MAX_MS || (self.deleted > DELETED_MIN && self.deleted * 2 > rows)
    }

    /// Notes what an event may have changed.
    pub(super) fn note(&mut self, graph: &Graph, event: &Event, dirty: &mut Dirty) {
        if let EventBody::Alarm(fact) = &event.body {
            let owner = owner(graph, event.twin.as_str());
            if let Some(owner) = self.alarms.apply(fact, owner) {
                dirty.note(graph, &owner, false);
            }
        } else if matches!(
            event.body,
            EventBody::Command(_)
                | EventBody::Audit(_)
                | EventBody::Transaction(_)
                | EventBody::Record(_)
                | EventBody::Note(_)
                | EventBody::Models(_)
        ) {
            // these change no property
        } else {
            let linked = matches!(event.body, EventBody::Linked { .. } | EventBody::Unlinked { .. });
            dirty.note(graph, &event.twin, linked);
            if let EventBody::Linked { target, .. } = &event.body {
                dirty.note(graph, target, false);
            }
        }
    }

    /// Reads the rows anew. The graph may be ahead of the events: then the newest values come early.
    pub(super) fn refresh(&mut self, graph: &Graph, dirty: &Dirty) {
        // zones do not show in rows: only hub and site give a station its place
        let zones = Zones::default();
        let all: Vec<TwinId>;
        let stations: Box<dyn Iterator<Item = &TwinId>> = if dirty.all_stations {
            all = graph.twins_of(STATION).map(|twin| twin.id().clone()).collect();
            Box::new(all.iter())
        } else {
            Box::new(dirty.stations.iter())
        };
        for id in stations {
            if let Some(twin) = graph.twin(id.as_str()) {
                let row = station_row(graph, &zones, &twin, &self.alarms, self.epoch_ms);
                self.station.set(id, row);
            }
        }
        for id in &dirty.connectors {
            if let Some(twin) = graph.twin(id.as_str()) {
                let station = station_of_connector(graph, &twin);
                let station = station.map_or(NO_ROW, |station| self.station.row(station.id().as_str()));
                self.connector.set(id, connector_row(&twin, station, self.epoch_ms));
            }
        }
        for id in &dirty.vehicles {
            if let Some(twin) = graph.twin(id.as_str()) {
                let plugged = twin.text("connector").filter(|id| !id.is_empty());
                let connector = plugged.map_or(NO_ROW, |id| self.connector.row(id));
                self.vehicle.set(id, vehicle_row(&twin, connector, &self.alarms, self.epoch_ms));
            }
        }
        for id in &dirty.gone {
            self.mark_gone(id);
        }
    }

    fn mark_gone(&mut self, id: &TwinId) {
        if let Some(row) = self.station.rows.get(id.as_str())
            && let Some(old) = self.station.table.get(*row as usize)
        {
            self.deleted += 1;
            self.station.table.set(*row as usize, StationRow { flags: old.flags | flags::DELETED, ..old });
        }
        if let Some(row) = self.connector.rows.get(id.as_str())
            && let Some(old) = self.connector.table.get(*row as usize)
        {
            // the topic has no flags: a connector that is gone has no station and is not known
            self.deleted += 1;
            let status = ConnectorStatus::Unknown.code();
            self.connector
                .table
                .set(*row as usize, ConnectorRow { station: NO_ROW, status, power_w: 0, ..old });
        }
        if let Some(row) = self.vehicle.rows.get(id.as_str())
            && let Some(old) = self.vehicle.table.get(*row as usize)
        {
            self.deleted += 1;
            self.vehicle.table.set(*row as usize, VehicleRow { flags: old.flags | flags::DELETED, ..old });
        }
    }
}

impl Dirty {
    pub(super) fn is_empty(&self) -> bool {
        !self.all_stations
            && [&self.stations, &self.connectors, &self.vehicles, &self.gone].iter().all(|set| set.is_empty())
    }

    /// Notes a twin and what its row appears in; with `linked` also what hangs beneath it.
    fn note(&mut self, graph: &Graph, id: &TwinId, linked: bool) {
        let Some(twin) = graph.twin(id.as_str()) else {
            self.gone.insert(id.clone());
            return;
        };
        let own = |twin: TwinRef<'_>| twin.id().clone();
        match twin.model().as_str() {
            VEHICLE => drop(self.vehicles.insert(own(twin))),
            STATION => {
                self.stations.insert(own(twin));
                if linked {
                    let connectors = evses(&twin).into_iter().flat_map(|(_, connectors)| connectors);
                    self.connectors.extend(connectors.map(own));
                }
            }
            EVSE => {
                self.stations.extend(parent(graph, &twin, "hasEvse", STATION).map(own));
                if linked {
                    self.connectors.extend(twin.related("hasConnector").map(own));
                }
            }
            CONNECTOR => {
                self.connectors.insert(own(twin));
                self.stations.extend(station_of_connector(graph, &twin).map(own));
            }
            SITE | HUB => self.all_stations = true,
            _ => {}
        }
    }
}

/// The newest source time among the properties that a row shows.
fn newest_ms(twin: &TwinRef<'_>, names: &[&str]) -> i64 {
    let times = names.iter().filter_map(|name| twin.times(name));
    times.map(|(source, _)| source.as_millis()).max().unwrap_or_else(|| twin.updated().as_millis())
}

fn small(number: Option<i64>) -> u8 {
    u8::try_from(number.unwrap_or(0).max(0)).unwrap_or(u8::MAX)
}

fn station_row(
    graph: &Graph,
    zones: &Zones,
    twin: &TwinRef<'_>,
    alarms: &AlarmBook,
    epoch_ms: i64,
) -> StationRow {
    let position = place(graph, zones, twin).position;
    let (mut connectors, mut used, mut faulted) = (0, 0, 0);
    for connector in evses(twin).into_iter().flat_map(|(_, connectors)| connectors) {
        let status = connector.text("status").unwrap_or_default();
        connectors += 1;
        used += usize::from(in_use(status));
        faulted += usize::from(status == "Faulted");
    }
    let (alarm, unacknowledged) = alarms.level(twin.id().as_str());
    let online = twin.bool("online") == Some(true);
    let status = twin.text("status").and_then(StationStatus::from_text).unwrap_or(StationStatus::Offline);
    let protocol = twin.text("ocpp_version").and_then(Protocol::from_text).unwrap_or(Protocol::Unknown);
    let maintenance = twin.text("maintenance").unwrap_or_default();
    let flag = |set: bool, bit: u8| if set { bit } else { 0 };
    StationRow {
        at_ms: quantise_at(newest_ms(twin, &["power_w", "status", "online", "last_seen"]), epoch_ms),
        lat_e7: quantise_lat(position.map(|(lat, _)| lat)),
        lon_e7: quantise_lon(position.map(|(_, lon)| lon)),
        power_w: quantise_power(twin.f64("power_w")),
        max_power_w: quantise_power(twin.f64("max_power_w")),
        level: small(twin.i64("level")),
        status: status.code(),
        protocol: protocol.code(),
        alarm: alarm.code(),
        connectors: quantise_count(connectors),
        in_use: quantise_count(used),
        faulted: quantise_count(faulted),
        flags: flag(online, flags::ONLINE)
            | flag(unacknowledged, flags::ALARM_UNACKNOWLEDGED)
            | flag(maintenance == "FirmwareUpdate", flags::FIRMWARE_UPDATE)
            | flag(maintenance == "Diagnostics", flags::DIAGNOSTICS),
    }
}

fn connector_row(twin: &TwinRef<'_>, station: u32, epoch_ms: i64) -> ConnectorRow {
    let status = twin.text("status").and_then(ConnectorStatus::from_text).unwrap_or(ConnectorStatus::Unknown);
    ConnectorRow {
        at_ms: quantise_at(newest_ms(twin, &["power_w", "status", "energy_wh", "soc"]), epoch_ms),
        station,
        power_w: quantise_power(twin.f64("power_w")),
        max_power_w: quantise_power(twin.f64("max_power_w")),
        energy_wh: quantise_energy(twin.f64("energy_wh")),
        soc_e4: quantise_soc(twin.f64("soc")),
        voltage_dv: quantise_voltage(twin.f64("voltage_v")),
        current_da: quantise_current(twin.f64("current_a")),
        evse: small(twin.i64("evse_id")),
        connector: small(twin.i64("connector_id")),
        kind: ConnectorKind::of(twin.text("type")).code(),
        status: status.code(),
    }
}

fn vehicle_row(twin: &TwinRef<'_>, connector: u32, alarms: &AlarmBook, epoch_ms: i64) -> VehicleRow {
    let status = twin.text("status").and_then(VehicleStatus::from_text).unwrap_or(VehicleStatus::Unknown);
    let (_, unacknowledged) = alarms.level(twin.id().as_str());
    VehicleRow {
        at_ms: quantise_at(newest_ms(twin, &["lat_deg", "soc", "power_w", "status"]), epoch_ms),
        lat_e7: quantise_lat(twin.f64("lat_deg")),
        lon_e7: quantise_lon(twin.f64("lon_deg")),
        power_w: quantise_power(twin.f64("power_w")),
        connector,
        heading_cdeg: quantise_heading(twin.f64("heading_deg")),
        speed_cmps: quantise_speed(twin.f64("speed_mps")),
        soc_e4: quantise_soc(twin.f64("soc")),
        status: status.code(),
        flags: if unacknowledged { flags::ALARM_UNACKNOWLEDGED } else { 0 },
    }
}
