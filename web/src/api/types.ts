import type { components } from './schema.generated';

/**
 * The shapes of the API by their short names, from the server's own OpenAPI document (`cargo xtask codegen`). Where the
 * document says only `string`, the words that docs/api.md promises stand here.
 */
export type Schemas = components['schemas'];

/** The server writes every field, null where there is no value: none is optional. */
export type Whole<T> = { [K in keyof T]-?: Exclude<T[K], undefined> };
/** `T` with some fields said more exactly. */
export type With<T, U> = Omit<T, keyof U> & U;

export type Role = 'viewer' | 'operator' | 'admin';
export type Severity = 'info' | 'minor' | 'major' | 'critical';
export type CommandState = 'requested' | 'sent' | 'accepted' | 'rejected' | 'failed';

export type Session = With<Whole<Schemas['Session']>, { role: Role }>;
export type ZoneLoad = Whole<Schemas['ZoneLoad']>;
export type Overview = With<Whole<Schemas['Overview']>, { zones: ZoneLoad[] }>;

export type SceneConnector = Whole<Schemas['SceneConnector']>;
export type SceneStation = With<Whole<Schemas['SceneStation']>, { connectors: SceneConnector[] }>;
export type SceneSite = Whole<Schemas['SceneSite']>;
export type SceneHub = Whole<Schemas['SceneHub']>;
export type SceneZone = With<
  Whole<Schemas['SceneZone']>,
  { boundary: [number, number][]; roads: [number, number][][] }
>;
export type Scene = With<
  Whole<Schemas['Scene']>,
  { zones: SceneZone[]; sites: SceneSite[]; hubs: SceneHub[]; stations: SceneStation[] }
>;

export type Connector = Whole<Schemas['Connector']>;
export type Evse = With<Whole<Schemas['Evse']>, { connectors: Connector[] }>;
export type Station = With<Whole<Schemas['Station']>, { alarm: Severity | null; evses: Evse[] }>;
/** A station with its password, once; null where the station brought its own. */
export type NewStation = Station & { password: string | null };

export type StationMessage = With<
  Whole<Schemas['StationMessage']>,
  {
    direction: 'in' | 'out';
    kind: 'call' | 'result' | 'error' | 'send' | 'malformed';
    trace?: string | null;
  }
>;
export type Command = With<Whole<Schemas['Command']>, { state: CommandState; answer: unknown }>;
export type Transaction = With<Whole<Schemas['Transaction']>, { state: 'active' | 'ended' | 'orphan' }>;
export type Alarm = With<Whole<Schemas['Alarm']>, { severity: Severity }>;
export type Vehicle = Whole<Schemas['Vehicle']>;
export type Twin = Whole<Schemas['Twin']>;
export type AuditEntry = Whole<Schemas['AuditEntry']>;
export type Claim = Whole<Schemas['Claim']>;
export type SearchHit = With<
  Whole<Schemas['Hit']>,
  { kind: 'station' | 'vehicle' | 'transaction' | 'alarm' | 'twin' }
>;

/** `[t_ms, min, mean, max, count]` per bucket. */
export type HistoryPoint = [number, number, number, number, number];
export type History = With<Whole<Schemas['PropertyHistory']>, { points: HistoryPoint[] }>;
