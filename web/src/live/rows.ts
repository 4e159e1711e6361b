import type { LiveClient } from './client';
import {
  CONNECTOR_KIND,
  CONNECTOR_STATUS,
  protocolName,
  SEVERITY,
  STATION_STATUS,
  VEHICLE_STATUS,
  word,
} from './codes';
import {
  FLAG_DIAGNOSTICS,
  FLAG_FIRMWARE_UPDATE,
  FLAG_ONLINE,
  FLAG_UNACKNOWLEDGED,
  NO_ROW,
  UNKNOWN_DEGREES,
  UNKNOWN_SOC,
  type Topic,
} from './frames';

/** A station's row in words and SI units. */
export interface StationLive {
  id: string;
  row: number;
  /** Source time of the newest value, server clock. */
  atMs: number;
  latDeg: number | null;
  lonDeg: number | null;
  powerW: number;
  maxPowerW: number;
  level: number;
  status: (typeof STATION_STATUS)[number];
  online: boolean;
  /** `1.6`, `2.0.1`, `2.1`, or null before the station has said. */
  ocppVersion: string | null;
  alarm: (typeof SEVERITY)[number];
  alarmUnacknowledged: boolean;
  /** What is being done to it, if anything. */
  care: 'Updating' | 'Diagnostics' | null;
  connectors: number;
  inUse: number;
  faulted: number;
}

export interface ConnectorLive {
  id: string;
  row: number;
  atMs: number;
  /** Id of its station, null while the station's row is not known. */
  station: string | null;
  evse: number;
  connector: number;
  kind: (typeof CONNECTOR_KIND)[number];
  status: (typeof CONNECTOR_STATUS)[number];
  /** Positive into the vehicle. */
  powerW: number;
  maxPowerW: number;
  energyWh: number;
  soc: number | null;
  voltageV: number;
  currentA: number;
}

export interface VehicleLive {
  id: string;
  row: number;
  atMs: number;
  latDeg: number | null;
  lonDeg: number | null;
  headingDeg: number;
  speedMps: number;
  soc: number | null;
  /** Positive into the battery. */
  powerW: number;
  status: (typeof VEHICLE_STATUS)[number];
  /** Id of the connector it is plugged into. */
  connector: string | null;
  alarmUnacknowledged: boolean;
}

export interface LiveRows {
  station: StationLive;
  connector: ConnectorLive;
  vehicle: VehicleLive;
}

type Readers = { [T in Topic]: (row: number) => LiveRows[T] };

const degrees = (e7: number) => (e7 === UNKNOWN_DEGREES ? null : e7 / 1e7);
const fraction = (e4: number) => (e4 === UNKNOWN_SOC ? null : e4 / 10_000);

function careOf(flags: number): StationLive['care'] {
  if ((flags & FLAG_FIRMWARE_UPDATE) !== 0) return 'Updating';
  return (flags & FLAG_DIAGNOSTICS) !== 0 ? 'Diagnostics' : null;
}

/** Reads one row of a store as an object: for panels and tables, never for pictures. */
export function rowReaders(live: LiveClient): Readers {
  const { station, connector, vehicle } = live.stores;
  const epoch = live.link.epochMs;
  const n = (value: number | undefined) => value ?? 0;
  return {
    station: (row) => {
      const c = station.columns;
      return {
        id: station.ids[row] ?? '',
        row,
        atMs: epoch + n(c.at_ms[row]),
        latDeg: degrees(n(c.lat_e7[row])),
        lonDeg: degrees(n(c.lon_e7[row])),
        powerW: n(c.power_w[row]),
        maxPowerW: n(c.max_power_w[row]),
        level: n(c.level[row]),
        status: word(STATION_STATUS, n(c.status[row])),
        online: (n(c.flags[row]) & FLAG_ONLINE) !== 0,
        ocppVersion: protocolName(n(c.protocol[row])),
        alarm: word(SEVERITY, n(c.alarm[row])),
        alarmUnacknowledged: (n(c.flags[row]) & FLAG_UNACKNOWLEDGED) !== 0,
        care: careOf(n(c.flags[row])),
        connectors: n(c.connectors[row]),
        inUse: n(c.in_use[row]),
        faulted: n(c.faulted[row]),
      };
    },
    connector: (row) => {
      const c = connector.columns;
      const owner = n(c.station[row]);
      return {
        id: connector.ids[row] ?? '',
        row,
        atMs: epoch + n(c.at_ms[row]),
        station: owner === NO_ROW ? null : (station.ids[owner] ?? null),
        evse: n(c.evse[row]),
        connector: n(c.connector[row]),
        kind: word(CONNECTOR_KIND, n(c.kind[row])),
        status: word(CONNECTOR_STATUS, n(c.status[row])),
        powerW: n(c.power_w[row]),
        maxPowerW: n(c.max_power_w[row]),
        energyWh: n(c.energy_wh[row]),
        soc: fraction(n(c.soc_e4[row])),
        voltageV: n(c.voltage_dv[row]) / 10,
        currentA: n(c.current_da[row]) / 10,
      };
    },
    vehicle: (row) => {
      const c = vehicle.columns;
      const plug = n(c.connector[row]);
      return {
        id: vehicle.ids[row] ?? '',
        row,
        atMs: epoch + n(c.at_ms[row]),
        latDeg: degrees(n(c.lat_e7[row])),
        lonDeg: degrees(n(c.lon_e7[row])),
        headingDeg: n(c.heading_cdeg[row]) / 100,
        speedMps: n(c.speed_cmps[row]) / 100,
        soc: fraction(n(c.soc_e4[row])),
        powerW: n(c.power_w[row]),
        status: word(VEHICLE_STATUS, n(c.status[row])),
        connector: plug === NO_ROW ? null : (connector.ids[plug] ?? null),
        alarmUnacknowledged: (n(c.flags[row]) & FLAG_UNACKNOWLEDGED) !== 0,
      };
    },
  };
}

/** Connectors by state, read from the columns: nothing is made for each row. */
export function connectorCounts(live: Pick<LiveClient, 'stores'>, _version = 0): Map<string, number> {
  const { connector, station } = live.stores;
  const { status, station: of } = connector.columns;
  const counts = new Map<string, number>();
  for (let row = 0; row < connector.count; row++) {
    if (connector.isDeleted(row)) continue;
    const flags = station.columns.flags[of[row] ?? NO_ROW];
    const offline = flags !== undefined && (flags & FLAG_ONLINE) === 0;
    const name = offline ? 'Offline' : word(CONNECTOR_STATUS, status[row] ?? 0);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}
