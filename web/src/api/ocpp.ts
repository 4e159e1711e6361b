import { queryOptions } from '@tanstack/react-query';
import type { OcppActions } from '@/ocpp-form/schema';
import { api, type Page, type Params } from './client';
import { keys, type ListSpec } from './queries';
import type { components } from './schema.generated';
import type { Command, StationMessage } from './types';

type Schemas = components['schemas'];

export const versions = ['1.6', '2.0.1', '2.1'] as const;
export type Version = (typeof versions)[number];

/** The version of a station; one that has never said any counts as 1.6, for the server too. */
export function versionOf(text: string | null | undefined): Version {
  return versions.find((version) => version === text) ?? '1.6';
}

/** Everything that can be sent to a station of a version; it never changes while the server runs. */
export const ocppActionsQuery = (version: Version) =>
  queryOptions({
    queryKey: ['ocpp-actions', version] as const,
    queryFn: ({ signal }) => api.get<OcppActions>('/ocpp/actions', { signal, params: { version } }),
    staleTime: Infinity,
    gcTime: Infinity,
  });

/** The newest commands to all stations: what this network uses most, and payloads to begin from. */
export const usedCommandsQuery = queryOptions({
  queryKey: [...keys.commands, 'used'] as const,
  queryFn: ({ signal }) => api.get<Page<Command>>('/commands', { signal, params: { limit: 500 } }),
  staleTime: 30_000,
});

export const commandQuery = (id: string) =>
  queryOptions({
    queryKey: [...keys.commands, 'one', id] as const,
    queryFn: ({ signal }) => api.get<Command>(`/commands/${id}`, { signal }),
  });

/** What of the log is asked for, as the API names it. */
export interface MessageFilter {
  station?: string | undefined;
  action?: string | undefined;
  kind?: string | undefined;
  direction?: string | undefined;
  outcome?: string | undefined;
  text?: string | undefined;
  id?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
}

export const messagesKey = ['messages'] as const;

export function readMessages(
  filter: MessageFilter,
  limit: number,
  cursor: string | null,
  signal?: AbortSignal,
): Promise<Page<StationMessage>> {
  const params: Params = { ...filter, limit, cursor };
  return api.get<Page<StationMessage>>('/messages', signal ? { signal, params } : { params });
}

/** A call and whatever answered it: they share a station and a message id. */
export const exchangeQuery = (station: string, id: string) =>
  queryOptions({
    queryKey: [...messagesKey, 'exchange', station, id] as const,
    queryFn: ({ signal }) => readMessages({ station, id }, 20, null, signal),
    staleTime: 2_000,
  });

/** A breach of the protocol as it was filed. */
export interface Violation {
  id: number;
  station: string;
  at: string;
  detail: {
    code?: string | null;
    field?: string | null;
    detail?: string | null;
    action?: string | null;
    message_id?: string | null;
    policy?: string | null;
  };
}

export const violationsQuery = (station: string | undefined) =>
  queryOptions({
    queryKey: ['violations', 'marks', station ?? null] as const,
    queryFn: ({ signal }) =>
      api.get<Page<Violation>>('/violations', { signal, params: { station, limit: 500 } }),
    refetchInterval: 10_000,
    staleTime: 5_000,
  });

export type BulkState = 'running' | 'cancelling' | 'done' | 'cancelled' | 'interrupted';
export type BulkCommand = Omit<Schemas['BulkCommand'], 'state' | 'request'> & {
  state: BulkState;
  request: BulkRequest;
};
export type BulkStation = Schemas['BulkStation'];
export type DryRun = Schemas['DryRun'];
export type BulkFilter = Partial<Schemas['Filter']>;

/** What a bulk command asks: a filter, and a command as to one station. */
export interface BulkRequest {
  filter: BulkFilter;
  concurrency?: number;
  action?: string;
  payload?: unknown;
  command?: string;
  [field: string]: unknown;
}

export const bulkKey = ['bulk-commands'] as const;

export const bulkListQuery: ListSpec<BulkCommand> = {
  key: [...bulkKey, 'list'],
  path: '/bulk-commands',
  params: { limit: 100 },
};

export const bulkQuery = (id: string) =>
  queryOptions({
    queryKey: [...bulkKey, 'one', id] as const,
    queryFn: ({ signal }) => api.get<BulkCommand>(`/bulk-commands/${encodeURIComponent(id)}`, { signal }),
  });

export const bulkStationsQuery = (id: string, state: string | undefined): ListSpec<BulkStation> => ({
  key: [...bulkKey, 'stations', id, state ?? null],
  path: `/bulk-commands/${encodeURIComponent(id)}/stations`,
  params: { limit: 500, state },
});
