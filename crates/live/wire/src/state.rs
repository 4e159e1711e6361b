//! What a row says, in SI units: the way from the twin graph to the wire.

use crate::codes::{AlarmLevel, ConnectorKind, ConnectorStatus, Protocol, StationStatus, VehicleStatus};
use crate::frame::flags;
use crate::quantise::{
    NO_ROW, quantise_at, quantise_count, quantise_current, quantise_energy, quantise_heading, quantise_lat,
    quantise_lon, quantise_power, quantise_soc, quantise_speed, quantise_voltage,
};
use crate::topics::{ConnectorRow, StationRow, VehicleRow};

/// A charging station in SI units; what is not known is `None`.
#[derive(Debug, Clone, PartialEq)]
pub struct StationState {
    /// Source time of the newest value, in milliseconds since 1970.
    pub at_ms: i64,
    /// Latitude in degrees.
    pub lat_deg: Option<f64>,
    /// Longitude in degrees.
    pub lon_deg: Option<f64>,
    /// Power drawn now, in watts.
    pub power_w: Option<f64>,
    /// Rated power in watts.
    pub max_power_w: Option<f64>,
    /// Storey of its hub, from 0; clamped to 0..=255.
    pub level: Option<i64>,
    /// How it fares.
    pub status: StationStatus,
    /// What it speaks.
    pub protocol: Protocol,
    /// The worst open alarm of it or of a part of it.
    pub alarm: AlarmLevel,
    /// Whether an open alarm is not acknowledged.
    pub alarm_unacknowledged: bool,
    /// Whether it has a connection to us.
    pub online: bool,
    /// Number of connectors.
    pub connectors: usize,
    /// Connectors in use.
    pub in_use: usize,
    /// Connectors faulted.
    pub faulted: usize,
}

impl StationState {
    /// The row of a stream that began at `epoch_ms`.
    #[must_use]
    pub fn row(&self, epoch_ms: i64) -> StationRow {
        StationRow {
            at_ms: quantise_at(self.at_ms, epoch_ms),
            lat_e7: quantise_lat(self.lat_deg),
            lon_e7: quantise_lon(self.lon_deg),
            power_w: quantise_power(self.power_w),
            max_power_w: quantise_power(self.max_power_w),
            level: number(self.level),
            status: self.status.code(),
            protocol: self.protocol.code(),
            alarm: self.alarm.code(),
            connectors: quantise_count(self.connectors),
            in_use: quantise_count(self.in_use),
            faulted: quantise_count(self.faulted),
            flags: bit(self.online, flags::ONLINE)
                | bit(self.alarm_unacknowledged, flags::ALARM_UNACKNOWLEDGED),
        }
    }
}

/// A connector in SI units; what is not known is `None`.
#[derive(Debug, Clone, PartialEq)]
pub struct ConnectorState {
    /// Source time of the newest value, in milliseconds since 1970.
    pub at_ms: i64,
    /// Row of its station in topic `station`.
    pub station: Option<u32>,
    /// Power now, in watts.
    pub power_w: Option<f64>,
    /// Rated power in watts.
    pub max_power_w: Option<f64>,
    /// Energy register in watt-hours.
    pub energy_wh: Option<f64>,
    /// State of charge of the vehicle, 0..=1.
    pub soc: Option<f64>,
    /// Voltage in volts.
    pub voltage_v: Option<f64>,
    /// Current in amperes.
    pub current_a: Option<f64>,
    /// EVSE number; clamped to 0..=255.
    pub evse: Option<i64>,
    /// Connector number within the EVSE; clamped to 0..=255.
    pub connector: Option<i64>,
    /// The plug.
    pub kind: ConnectorKind,
    /// How it fares.
    pub status: ConnectorStatus,
}

impl ConnectorState {
    /// The row of a stream that began at `epoch_ms`.
    #[must_use]
    pub fn row(&self, epoch_ms: i64) -> ConnectorRow {
        ConnectorRow {
            at_ms: quantise_at(self.at_ms, epoch_ms),
            station: self.station.unwrap_or(NO_ROW),
            power_w: quantise_power(self.power_w),
            max_power_w: quantise_power(self.max_power_w),
            energy_wh: quantise_energy(self.energy_wh),
            soc_e4: quantise_soc(self.soc),
            voltage_dv: quantise_voltage(self.voltage_v),
            current_da: quantise_current(self.current_a),
            evse: number(self.evse),
            connector: number(self.connector),
            kind: self.kind.code(),
            status: self.status.code(),
        }
    }
}

/// A vehicle in SI units; what is not known is `None`.
#[derive(Debug, Clone, PartialEq)]
pub struct VehicleState {
    /// Source time of the newest value, in milliseconds since 1970.
    pub at_ms: i64,
    /// Latitude in degrees.
    pub lat_deg: Option<f64>,
    /// Longitude in degrees.
    pub lon_deg: Option<f64>,
    /// Power into the battery in watts.
    pub power_w: Option<f64>,
    /// Row of the connector that it is plugged into, in topic `connector`.
    pub connector: Option<u32>,
    /// Heading clockwise from north in degrees.
    pub heading_deg: Option<f64>,
    /// Speed in metres per second.
    pub speed_mps: Option<f64>,
    /// State of charge, 0..=1.
    pub soc: Option<f64>,
    /// What it is doing.
    pub status: VehicleStatus,
    /// Whether an open alarm is not acknowledged.
    pub alarm_unacknowledged: bool,
}

impl VehicleState {
    /// The row of a stream that began at `epoch_ms`.
    #[must_use]
    pub fn row(&self, epoch_ms: i64) -> VehicleRow {
        VehicleRow {
            at_ms: quantise_at(self.at_ms, epoch_ms),
            lat_e7: quantise_lat(self.lat_deg),
            lon_e7: quantise_lon(self.lon_deg),
            power_w: quantise_power(self.power_w),
            connector: self.connector.unwrap_or(NO_ROW),
            heading_cdeg: quantise_heading(self.heading_deg),
            speed_cmps: quantise_speed(self.speed_mps),
            soc_e4: quantise_soc(self.soc),
            status: self.status.code(),
            flags: bit(self.alarm_unacknowledged, flags::ALARM_UNACKNOWLEDGED),
        }
    }
}

fn number(n: Option<i64>) -> u8 {
    n.map_or(0, |n| n.clamp(0, i64::from(u8::MAX)) as u8)
}

const fn bit(set: bool, bit: u8) -> u8 {
    if set { bit } else { 0 }
}
