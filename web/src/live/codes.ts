/** What the numbers of the stream mean, in stream order. The words are those of the API. */

export const STATION_STATUS = [
  'Offline',
  'Available',
  'Occupied',
  'Charging',
  'Faulted',
  'Unavailable',
  'Pending',
] as const;

export const CONNECTOR_STATUS = [
  'Unknown',
  'Available',
  'Preparing',
  'Charging',
  'SuspendedEVSE',
  'SuspendedEV',
  'Finishing',
  'Reserved',
  'Unavailable',
  'Faulted',
  'Occupied',
] as const;

export const VEHICLE_STATUS = [
  'Unknown',
  'Driving',
  'Queuing',
  'PluggedIn',
  'Charging',
  'Parked',
  'Faulted',
] as const;

export const CONNECTOR_KIND = [
  'Unknown',
  'cType2',
  'sType2',
  'cCCS2',
  'cG105',
  'cType1',
  'cCCS1',
  'cTesla',
  'cNACS',
  'cMCS',
  'other',
] as const;

export const SEVERITY = ['none', 'info', 'minor', 'major', 'critical'] as const;

const PROTOCOL: Readonly<Record<number, string>> = { 16: '1.6', 201: '2.0.1', 21: '2.1' };

/** OCPP version as people write it, null when the station has not said. */
export function protocolName(code: number): string | null {
  return PROTOCOL[code] ?? null;
}

/** The word for a code of one of the tables above; its first word for a code this page does not know. */
export function word<T extends string>(table: readonly [T, ...T[]] | readonly T[], code: number): T {
  return (table[code] ?? table[0]) as T;
}
