/** The shapes of the API, after docs/api.md. Times are RFC 3339 UTC text, exact energies decimal text in Wh. */

export type Role = 'viewer' | 'operator' | 'admin';
export type Severity = 'info' | 'minor' | 'major' | 'critical';

export interface Session {
  tenant: string;
  user: string;
  role: Role;
}

export interface ZoneLoad {
  id: string;
  name: string;
  vehicles: number;
  stations: number;
  connectors: number;
  in_use: number;
  power_w: number;
  max_power_w: number;
  energy_today_wh: number;
  /** Share of connectors in use, 0 to 1. */
  utilisation: number;
}

export interface Overview {
  at: string;
  stations: { total: number; online: number; faulted: number };
  connectors: { total: number; by_status: Record<string, number> };
  vehicles: { total: number; driving: number; queuing: number; charging: number; faulted: number };
  power_w: number;
  max_power_w: number;
  active_transactions: number;
  energy_today_wh: number;
  sessions_today: number;
  alarms: { critical: number; major: number; minor: number; info: number; unacknowledged: number };
  claims: number;
  zones: ZoneLoad[];
}

export interface SceneConnector {
  id: string;
  evse: number;
  connector: number;
  type: string | null;
  max_power_w: number | null;
}

export interface SceneStation {
  id: string;
  name: string | null;
  site: string | null;
  zone: string | null;
  hub: string | null;
  level: number | null;
  lat_deg: number | null;
  lon_deg: number | null;
  max_power_w: number | null;
  connectors: SceneConnector[];
}

export interface Scene {
  origin: { lat_deg: number; lon_deg: number };
  zones: { id: string; name: string; boundary: [number, number][] }[];
  sites: {
    id: string;
    name: string;
    zone: string | null;
    lat_deg: number;
    lon_deg: number;
    grid: { id: string; max_power_w: number } | null;
  }[];
  hubs: { id: string; name: string; site: string | null; levels: number; lat_deg: number; lon_deg: number }[];
  stations: SceneStation[];
}

export interface Connector {
  id: string;
  evse_id: number;
  connector_id: number;
  type: string | null;
  status: string;
  error_code: string | null;
  power_w: number | null;
  max_power_w: number | null;
  energy_wh: number | null;
  current_a: number | null;
  voltage_v: number | null;
  soc: number | null;
  temp_c: number | null;
  transaction_id: string | null;
  id_token: string | null;
  updated_at: string | null;
}

export interface Evse {
  id: string;
  evse_id: number;
  status: string | null;
  connectors: Connector[];
}

export interface Station {
  id: string;
  name: string | null;
  vendor: string | null;
  model: string | null;
  serial_number: string | null;
  firmware_version: string | null;
  ocpp_version: string | null;
  online: boolean;
  boot_status: string | null;
  status: string;
  last_seen: string | null;
  lat_deg: number | null;
  lon_deg: number | null;
  level: number | null;
  site: string | null;
  zone: string | null;
  hub: string | null;
  power_w: number | null;
  max_power_w: number | null;
  active_transactions: number;
  alarm: Severity | null;
  evses?: Evse[];
}

export interface NewStation extends Partial<Station> {
  id: string;
  /** Shown once; null where the station brought its own. */
  password: string | null;
}

export interface StationMessage {
  at: string;
  direction: 'in' | 'out';
  kind: 'call' | 'result' | 'error';
  action: string | null;
  id: string | null;
  payload: unknown;
  outcome: string | null;
}

export type CommandState = 'requested' | 'sent' | 'accepted' | 'rejected' | 'failed';

export interface Command {
  id: string;
  station: string;
  action: string;
  payload: unknown;
  state: CommandState;
  requested_by: string | null;
  requested_at: string;
  finished_at: string | null;
  answer: unknown;
  reason: string | null;
}

export interface Transaction {
  number: number;
  transaction_id: string;
  station: string;
  evse: number | null;
  connector: number | null;
  id_token: string | null;
  state: 'active' | 'ended' | 'orphan';
  started_at: string | null;
  ended_at: string | null;
  meter_start_wh: string | null;
  meter_stop_wh: string | null;
  energy_wh: string | null;
  duration_s: number | null;
  stopped_reason: string | null;
  offline: boolean;
  events: number;
  flags: string[];
}

export interface Alarm {
  id: string;
  twin: string;
  station: string | null;
  code: string;
  severity: Severity;
  message: string;
  raised_at: string;
  cleared_at: string | null;
  acknowledged_at: string | null;
  acknowledged_by: string | null;
}

export interface Vehicle {
  id: string;
  name: string | null;
  status: string;
  lat_deg: number | null;
  lon_deg: number | null;
  heading_deg: number | null;
  speed_mps: number | null;
  soc: number | null;
  power_w: number | null;
  odometer_m: number | null;
  connector: string | null;
  zone: string | null;
  pack: string | null;
  updated_at: string | null;
}

export interface Twin {
  id: string;
  model: string;
  etag: string;
  updated_at: string;
  properties: Record<string, unknown>;
  metadata: Record<string, { updated_at: string; source_time: string | null }>;
  relationships: { id: string; name: string; target: string }[];
  incoming: { id: string; name: string; source: string }[];
}

/** `[t_ms, min, mean, max, count]` per bucket. */
export type HistoryPoint = [number, number, number, number, number];

export interface History {
  property: string;
  unit: string | null;
  points: HistoryPoint[];
}

export interface Claim {
  id: string;
  station: string;
  address: string;
  protocol: string | null;
  first_seen: string;
  last_seen: string;
  attempts: number;
  has_password: boolean;
}

export interface SearchHit {
  kind: 'station' | 'vehicle' | 'transaction' | 'alarm' | 'twin';
  id: string;
  title: string;
  subtitle: string | null;
}
