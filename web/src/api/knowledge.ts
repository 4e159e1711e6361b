import { queryOptions } from '@tanstack/react-query';
import { api, seg, type Page } from './client';
import type { ListSpec } from './queries';

/**
 * What is known of a station beyond its properties: records by topic and key, notes in their order, and the routes that
 * read them for one subject. docs/ocpp.md says what stands in each.
 */
export interface Known<T> {
  key: string;
  value: T;
  at: string;
}

export interface NoteOf<T> {
  id: number;
  twin: string;
  at: string;
  received: string;
  detail: T;
}

/** One variable of the device model; a configuration key of OCPP 1.6 is one of the component `Configuration`. */
export interface Variable {
  component: string;
  instance?: string;
  evse?: number;
  connector?: number;
  variable: string;
  variable_instance?: string;
  type: string;
  value?: string;
  secret?: boolean;
  read_only?: boolean;
  persistent?: boolean;
  constant?: boolean;
  data_type?: string;
  unit?: string;
  min?: number;
  max?: number;
  values?: string;
  monitorable?: boolean;
  reboot_required?: boolean;
  doubt?: string;
}

export interface Monitor {
  id: number;
  component: string;
  instance?: string;
  evse?: number;
  connector?: number;
  variable: string;
  variable_instance?: string;
  transaction?: boolean;
  type: string;
  value: number;
  severity: number;
  custom?: boolean;
}

export interface ReportState {
  state: 'asked' | 'receiving' | 'complete' | 'incomplete' | 'refused';
  full: boolean;
  begun_at: string;
  updated_at: string;
  items: number;
  left_out: number;
}

/** Keys begin with `known` and the station, so that whatever was asked of it refreshes all that is shown of it. */
export const knownKey = (station: string) => ['known', station] as const;

const WHOLE = 500;

function list<T>(station: string, name: string, path: string, params = {}): ListSpec<T> {
  return { key: [...knownKey(station), name, params], path, params: { limit: WHOLE, ...params } };
}

export const recordsQuery = <T>(twin: string, topic: string) =>
  list<Known<T>>(twin, 'records', `/twins/${seg(twin)}/records`, { topic });

/** The newest notes of a topic, one page. */
export const notesQuery = <T>(twin: string, topic: string, limit = 50) =>
  queryOptions({
    queryKey: [...knownKey(twin), 'notes', topic, limit] as const,
    queryFn: ({ signal }) =>
      api.get<Page<NoteOf<T>>>(`/twins/${seg(twin)}/notes`, { signal, params: { topic, limit } }),
  });

export const variablesQuery = (station: string) =>
  list<Known<Variable>>(station, 'variables', `/stations/${seg(station)}/variables`);

export const monitorsQuery = (station: string) =>
  list<Known<Monitor>>(station, 'monitors', `/stations/${seg(station)}/monitors`);

/** A number for a question whose answer comes in messages of its own; small enough for every station. */
export function requestNumber(): number {
  return 1 + Math.floor(Math.random() * 2_000_000_000);
}
