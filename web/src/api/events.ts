import { queryOptions } from '@tanstack/react-query';
import { api, ApiError, seg } from './client';
import type { ListSpec } from './queries';
import type { Schemas, Whole, With } from './types';

/** Where events go, as docs/events.md describes it; the server's description leaves it open. */
export type Target =
  | {
      kind: 'webhook';
      url: string;
      mode?: 'structured' | 'binary';
      validation?: 'cloud_events' | 'event_grid' | 'none';
    }
  | { kind: 'mqtt'; url: string; topic: string; version?: '5' | '3.1.1'; user?: string }
  | { kind: 'nats'; url: string; subject: string; jetstream?: boolean; user?: string }
  | { kind: 'file' };

export type TargetKind = Target['kind'];

export interface EndpointSettings {
  target: Target;
  retry?: {
    attempts_max?: number;
    ttl_s?: number;
    timeout_s?: number;
    pause_s?: number;
    pause_max_s?: number;
  };
  dead_letter_endpoint?: string;
}

export type EventEndpoint = With<
  Whole<Schemas['EventEndpoint']>,
  { settings: EndpointSettings; status: Whole<Schemas['EndpointStatus']> }
>;
export type EventRoute = Whole<Schemas['EventRoute']>;
export type DeadLetter = With<Whole<Schemas['DeadLetter']>, { event: { type?: string; subject?: string } }>;

export const eventsKey = ['events'] as const;

export type EventLog = Whole<Schemas['EventLog']>;

const LOG = '/event-log';

/** The event log of the tenant, which data history is written from; null where there is none yet. */
export const logQuery = queryOptions({
  queryKey: [...eventsKey, 'log'] as const,
  queryFn: async ({ signal }): Promise<EventLog | null> => {
    try {
      return await api.get<EventLog>(LOG, { signal });
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return null;
      throw error;
    }
  },
});

/** Turns data history on or off; how long the log is kept stays as it is. */
export const putHistory = (log: EventLog | null, history: boolean) =>
  api.put<EventLog>(LOG, { history, ...(log ? { keep_s: log.keep_s } : {}) });

export const endpointsQuery: ListSpec<EventEndpoint> = {
  key: [...eventsKey, 'endpoints'],
  path: '/event-endpoints',
  params: { limit: 100 },
};

export const routesQuery: ListSpec<EventRoute> = {
  key: [...eventsKey, 'routes'],
  path: '/event-routes',
  params: { limit: 100 },
};

const endpointPath = (name: string) => `/event-endpoints/${seg(name)}`;

export const deadLettersQuery = (endpoint: string): ListSpec<DeadLetter> => ({
  key: [...eventsKey, 'letters', endpoint],
  path: `${endpointPath(endpoint)}/dead-letters`,
  params: { limit: 100 },
});

export interface NewEndpoint {
  settings: EndpointSettings;
  /** Kept as it is when left out. */
  secret?: string;
  enabled: boolean;
}

export const putEndpoint = (name: string, body: NewEndpoint) =>
  api.put<EventEndpoint>(endpointPath(name), body);
export const removeEndpoint = (name: string) => api.delete(endpointPath(name));
export const testEndpoint = (name: string) => api.post(`${endpointPath(name)}/test`);
export const redeliver = (name: string) =>
  api.post<{ events: number }>(`${endpointPath(name)}/dead-letters/redeliver`);
export const putRoute = (id: string, body: { endpoint: string; filter: string }) =>
  api.put<EventRoute>(`/event-routes/${seg(id)}`, body);
export const removeRoute = (id: string) => api.delete(`/event-routes/${seg(id)}`);
