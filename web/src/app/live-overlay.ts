import type { Connector, Station, Vehicle } from '@/api/types';
import type { ConnectorLive, StationLive, VehicleLive } from '@/live';

/**
 * Records of the API overlaid with what the stream knows newer. The stream's columns have no "unknown" for power,
 * voltage and current, so a zero there does not overwrite a reading that was never made.
 */
export const reading = (live: number, record: number | null) => (live === 0 && record === null ? null : live);

export function overlayStation<T extends Station>(station: T, live: StationLive | null | undefined): T {
  if (!live) return station;
  return {
    ...station,
    status: live.status,
    online: live.online,
    power_w: reading(live.powerW, station.power_w),
    alarm: live.alarm === 'none' ? null : live.alarm,
    ocpp_version: station.ocpp_version ?? live.ocppVersion,
  };
}

export function overlayConnector(connector: Connector, live: ConnectorLive | null | undefined): Connector {
  if (!live) return connector;
  return {
    ...connector,
    status: live.status === 'Unknown' ? connector.status : live.status,
    power_w: reading(live.powerW, connector.power_w),
    energy_wh: reading(live.energyWh, connector.energy_wh),
    soc: live.soc ?? connector.soc,
    voltage_v: reading(live.voltageV, connector.voltage_v),
    current_a: reading(live.currentA, connector.current_a),
  };
}

export function overlayVehicle<T extends Vehicle>(vehicle: T, live: VehicleLive | null | undefined): T {
  if (!live) return vehicle;
  return {
    ...vehicle,
    status: live.status === 'Unknown' ? vehicle.status : live.status,
    lat_deg: live.latDeg ?? vehicle.lat_deg,
    lon_deg: live.lonDeg ?? vehicle.lon_deg,
    heading_deg: live.headingDeg,
    speed_mps: live.speedMps,
    soc: live.soc ?? vehicle.soc,
    power_w: reading(live.powerW, vehicle.power_w),
    connector: live.connector,
  };
}
