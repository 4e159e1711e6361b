/** What the numbers of the stream mean; the words are those of the API. */
import { PROTOCOL } from './wire.generated';

export { CONNECTOR_KIND, CONNECTOR_STATUS, SEVERITY, STATION_STATUS, VEHICLE_STATUS } from './wire.generated';

/** OCPP version as people write it, null when the station has not said. */
export function protocolName(code: number): string | null {
  return PROTOCOL[code] || null;
}

/** The word for a code of one of the tables; its first word for a code this page does not know. */
export function word<T extends string>(table: readonly T[], code: number): T {
  return (table[code] ?? table[0]) as T;
}
