import { queryOptions } from '@tanstack/react-query';
import { api, seg, type Page, type Params } from './client';
import type {
  Alarm,
  Claim,
  Command,
  History,
  Overview,
  Scene,
  SearchHit,
  Session,
  Station,
  StationMessage,
  Transaction,
  Twin,
  Vehicle,
} from './types';

/** Lists are read page by page; the server's bound for one page. */
export const PAGE = 200;

/** Keys begin with the noun, so that one invalidation reaches a list and its details. */
export const keys = {
  session: ['session'] as const,
  overview: ['overview'] as const,
  scene: ['scene'] as const,
  stations: ['stations'] as const,
  vehicles: ['vehicles'] as const,
  transactions: ['transactions'] as const,
  alarms: ['alarms'] as const,
  commands: ['commands'] as const,
  claims: ['claims'] as const,
  twins: ['twins'] as const,
};

export const sessionQuery = queryOptions({
  queryKey: keys.session,
  queryFn: ({ signal }) => api.get<Session>('/session', { signal }),
  staleTime: 5 * 60_000,
  // Going from page to page needs it, also while the server is away.
  gcTime: Infinity,
  retry: false,
});

export const overviewQuery = queryOptions({
  queryKey: keys.overview,
  queryFn: ({ signal }) => api.get<Overview>('/overview', { signal }),
});

export const sceneQuery = queryOptions({
  queryKey: keys.scene,
  queryFn: ({ signal }) => api.get<Scene>('/scene', { signal }),
  staleTime: 60_000,
});

/** A list of the API: what `useList` needs to read it. `T` is the row. */
export interface ListSpec<T> {
  key: readonly unknown[];
  path: string;
  params: Params;
  /** Names the row type; never set. */
  readonly row?: T;
}

function list<T>(key: readonly unknown[], path: string, params: Params = {}): ListSpec<T> {
  return { key: [...key, 'list', params], path, params: { limit: PAGE, ...params } };
}

export const stationsQuery = list<Station>(keys.stations, '/stations');
export const vehiclesQuery = list<Vehicle>(keys.vehicles, '/vehicles');
export const claimsQuery = list<Claim>(keys.claims, '/claims');
export const alarmsQuery = (state: 'open' | 'all') => list<Alarm>(keys.alarms, '/alarms', { state });

export interface TransactionFilter {
  station?: string | undefined;
  id_token?: string | undefined;
  state?: 'active' | 'ended' | undefined;
}

export const transactionsQuery = (filter: TransactionFilter = {}) =>
  list<Transaction>(keys.transactions, '/transactions', { ...filter });

export const commandsQuery = (station?: string) =>
  list<Command>(keys.commands, '/commands', { station, limit: 50 });

export const stationQuery = (id: string) =>
  queryOptions({
    queryKey: [...keys.stations, 'one', id] as const,
    queryFn: ({ signal }) => api.get<Station>(`/stations/${seg(id)}`, { signal }),
  });

export const messagesQuery = (id: string, limit = 100) =>
  queryOptions({
    queryKey: [...keys.stations, 'messages', id, limit] as const,
    queryFn: ({ signal }) =>
      api.get<Page<StationMessage>>(`/stations/${seg(id)}/messages`, { signal, params: { limit } }),
    staleTime: 0,
  });

export const vehicleQuery = (id: string) =>
  queryOptions({
    queryKey: [...keys.vehicles, 'one', id] as const,
    queryFn: ({ signal }) => api.get<Vehicle>(`/vehicles/${seg(id)}`, { signal }),
  });

export const transactionQuery = (number: string) =>
  queryOptions({
    queryKey: [...keys.transactions, 'one', number] as const,
    queryFn: ({ signal }) => api.get<Transaction>(`/transactions/${seg(number)}`, { signal }),
  });

export const twinQuery = (id: string) =>
  queryOptions({
    queryKey: [...keys.twins, 'one', id] as const,
    queryFn: ({ signal }) => api.get<Twin>(`/twins/${seg(id)}`, { signal }),
  });

export const historyQuery = (twin: string, property: string, minutes: number, points: number) =>
  queryOptions({
    queryKey: [...keys.twins, 'history', twin, property, minutes, points] as const,
    queryFn: ({ signal }) => {
      const to = Date.now();
      return api.get<History>(`/twins/${seg(twin)}/history`, {
        signal,
        params: {
          property,
          from: new Date(to - minutes * 60_000).toISOString(),
          to: new Date(to).toISOString(),
          points,
        },
      });
    },
    refetchInterval: minutes <= 60 ? 10_000 : 60_000,
    staleTime: 5_000,
  });

/** A closed span of time: it never changes, so it is read once. */
export const historyBetweenQuery = (
  twin: string,
  property: string,
  from: string,
  to: string,
  points: number,
) =>
  queryOptions({
    queryKey: [...keys.twins, 'history', twin, property, from, to, points] as const,
    queryFn: ({ signal }) =>
      api.get<History>(`/twins/${seg(twin)}/history`, { signal, params: { property, from, to, points } }),
    staleTime: 60_000,
  });

export const searchQuery = (q: string) =>
  queryOptions({
    queryKey: ['search', q] as const,
    queryFn: ({ signal }) => api.get<{ items: SearchHit[] }>('/search', { signal, params: { q } }),
    enabled: q.trim() !== '',
    staleTime: 10_000,
  });

export const openApiQuery = queryOptions({
  queryKey: ['openapi'] as const,
  queryFn: ({ signal }) => api.get<unknown>('/openapi.json', { signal }),
  staleTime: Infinity,
});
