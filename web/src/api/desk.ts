import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { api, ApiError, seg } from './client';
import type { ListSpec } from './queries';
import type { components } from './schema.generated';

/** Protocol breaches, onboarding, recordings and partners, as docs/api.md describes them. */
type Schemas = components['schemas'];

export const policies = ['strict', 'lenient', 'quarantine'] as const;
export type Policy = (typeof policies)[number];
export const policyWords: Readonly<Record<Policy, string>> = {
  strict: 'Refuses whatever breaks the protocol',
  lenient: 'Takes what can be understood, and files the rest',
  quarantine: 'As lenient, but only transactions count',
};

export type Breach = Schemas['ViolationCount'];
export type StationValidation = Schemas['StationValidation'];
export type ValidationRules = Schemas['ValidationRules'];
export type ValidationRule = Schemas['ValidationRule'];
export type StationRule = Schemas['StationRule'];

export interface Filed {
  id: number;
  station: string;
  at: string;
  detail: {
    code: string;
    field?: string | null;
    detail?: string | null;
    action?: string | null;
    kind?: string;
    direction?: string;
    policy?: string;
    vendor?: string | null;
    model?: string | null;
    firmware?: string | null;
    count?: number;
  };
}

export const violationsKey = ['violations'] as const;

export const breachesQuery = queryOptions({
  queryKey: [...violationsKey, 'summary'] as const,
  queryFn: ({ signal }) => api.get<{ items: Breach[] }>('/violations/summary', { signal }),
  refetchInterval: 10_000,
});

export const rulesQuery = queryOptions({
  queryKey: [...violationsKey, 'rules'] as const,
  queryFn: ({ signal }) => api.get<ValidationRules>('/validation', { signal }),
});

export const stationPolicyQuery = (station: string) =>
  queryOptions({
    queryKey: [...violationsKey, 'policy', station] as const,
    queryFn: ({ signal }) => api.get<StationValidation>(`/stations/${seg(station)}/validation`, { signal }),
  });

/** One page of the newest; a whole list would be as long as the trouble is great. */
export const filedQuery = (station: string | undefined, limit: number) =>
  queryOptions({
    queryKey: [...violationsKey, 'filed', station, limit] as const,
    queryFn: ({ signal }) =>
      api.get<{ items: Filed[]; next: string | null }>('/violations', { signal, params: { station, limit } }),
    refetchInterval: 10_000,
    placeholderData: keepPreviousData,
  });

/** The newest breaches of all, for who breaks the protocol just now. */
export const recentBreachesQuery = queryOptions({
  queryKey: [...violationsKey, 'recent'] as const,
  queryFn: ({ signal }) =>
    api.get<{ items: Filed[]; next: string | null }>('/violations', { signal, params: { limit: 200 } }),
  refetchInterval: 10_000,
});

export type Onboarding = Omit<Schemas['Onboarding'], 'stage'> & {
  stage: 'waiting' | 'connected' | 'booted' | 'ready';
};

export const onboardingQuery = (station: string) =>
  queryOptions({
    queryKey: ['onboarding', station] as const,
    queryFn: ({ signal }) => api.get<Onboarding>(`/stations/${seg(station)}/onboarding`, { signal }),
    refetchInterval: 1_500,
  });

export type Recording = Omit<Schemas['Recording'], 'state'> & {
  state: 'recording' | 'stopped' | 'full' | 'interrupted';
};

export const recordingsKey = ['recordings'] as const;
export const recordingsQuery: ListSpec<Recording> = {
  key: [...recordingsKey, 'list'],
  path: '/recordings',
  params: { limit: 100 },
};

export type Party = Schemas['Party'];
export type AddedParty = Schemas['AddedParty'];
export type OcpiSettings = Schemas['Settings'];
export type Waiting = Schemas['Waiting'];
export type Unpublished = Schemas['Unpublished'];

export const ocpiKey = ['ocpi'] as const;

/** Null while nobody has said who we are to partners. */
export const ocpiSettingsQuery = queryOptions({
  queryKey: [...ocpiKey, 'settings'] as const,
  queryFn: async ({ signal }) => {
    try {
      return await api.get<OcpiSettings>('/ocpi/settings', { signal });
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return null;
      throw error;
    }
  },
});

export const partiesQuery: ListSpec<Party> = {
  key: [...ocpiKey, 'parties'],
  path: '/ocpi/parties',
  params: { limit: 200 },
};

export const outboxQuery: ListSpec<Waiting> = {
  key: [...ocpiKey, 'outbox'],
  path: '/ocpi/outbox',
  params: { limit: 200 },
};

export const gapsQuery = queryOptions({
  queryKey: [...ocpiKey, 'gaps'] as const,
  queryFn: ({ signal }) => api.get<Unpublished[]>('/ocpi/gaps', { signal }),
});
