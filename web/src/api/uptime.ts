import { queryOptions } from '@tanstack/react-query';
import { api, seg, type Page } from './client';
import type { ListSpec } from './queries';
import type { components } from './schema.generated';

type Schemas = components['schemas'];

export type UptimeFigures = Schemas['UptimeFigures'];
export type StationUptime = Schemas['StationUptime'];
export type UptimeDetail = Schemas['UptimeDetail'];
export type Exclusion = Schemas['UptimeExclusion'];
export type NetworkEfficiency = Schemas['NetworkEfficiency'];
export type ConnectorEfficiency = Schemas['ConnectorEfficiency'];

/** The answer of `/uptime`: a page that also says over which window. */
export type UptimePage = Page<StationUptime> & { from: string; to: string; twelve_months: boolean };

const uptimeKey = ['uptime'] as const;
export const exclusionsKey = ['uptime', 'exclusions'] as const;

/** Uptime of every station and connector over the last `days`; twelve months, as the rule says, for null. */
export const uptimeQuery = (days: number | null): ListSpec<StationUptime> => ({
  key: [...uptimeKey, 'list', days],
  path: '/uptime',
  // A whole hour, so that pages of one list have one window.
  params: { limit: 200, from: days === null ? null : hourAgo(days * 24) },
});

export const uptimeDetailQuery = (id: string, days: number | null) =>
  queryOptions({
    queryKey: [...uptimeKey, 'one', id, days] as const,
    queryFn: ({ signal }) =>
      api.get<UptimeDetail>(`/uptime/${seg(id)}`, {
        signal,
        params: { from: days === null ? null : hourAgo(days * 24) },
      }),
  });

export const exclusionsQuery: ListSpec<Exclusion> = {
  key: [...exclusionsKey],
  path: '/uptime-exclusions',
  params: { limit: 200 },
};

export const efficiencyQuery = queryOptions({
  queryKey: ['efficiency'] as const,
  queryFn: ({ signal }) => api.get<NetworkEfficiency>('/network/efficiency', { signal }),
  refetchInterval: 60_000,
  staleTime: 30_000,
});

/** The same of each connector. */
export const connectorEfficiencyQuery: ListSpec<ConnectorEfficiency> = {
  key: ['efficiency', 'connectors'],
  path: '/network/efficiency/connectors',
  params: { limit: 500 },
};

function hourAgo(hours: number): string {
  const hour = 3_600_000;
  return new Date(Math.floor(Date.now() / hour) * hour - hours * hour).toISOString();
}
