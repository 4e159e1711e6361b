import { queryOptions } from '@tanstack/react-query';
import { api, seg } from './client';
import type { BulkFilter } from './ocpp';
import type { ListSpec } from './queries';
import type { components } from './schema.generated';

/** Firmware campaigns, as docs/api.md describes them. */
type Schemas = components['schemas'];

export type CampaignState = 'running' | 'paused' | 'cancelling' | 'done' | 'cancelled';
export type CampaignRequest = Omit<Schemas['NewCampaign'], 'filter' | 'dry_run'> & { filter: BulkFilter };
export type Campaign = Omit<Schemas['Campaign'], 'state' | 'request'> & {
  state: CampaignState;
  request: CampaignRequest;
};
export type CampaignWave = Schemas['CampaignWave'];
export type CampaignStation = Schemas['CampaignStation'];
export type CampaignDryRun = Schemas['CampaignDryRun'];

export const campaignsKey = ['firmware-campaigns'] as const;

export const campaignsQuery: ListSpec<Campaign> = {
  key: [...campaignsKey, 'list'],
  path: '/firmware-campaigns',
  params: { limit: 100 },
};

export const campaignPath = (id: string) => `/firmware-campaigns/${seg(id)}`;

export const campaignQuery = (id: string) =>
  queryOptions({
    queryKey: [...campaignsKey, 'one', id] as const,
    queryFn: ({ signal }) => api.get<Campaign>(campaignPath(id), { signal }),
  });

export const campaignStationsQuery = (id: string, state: string | undefined): ListSpec<CampaignStation> => ({
  key: [...campaignsKey, 'stations', id, state ?? null],
  path: `${campaignPath(id)}/stations`,
  params: { limit: 500, state },
});
