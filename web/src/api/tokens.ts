import { queryOptions } from '@tanstack/react-query';
import { api, seg, type Page } from './client';
import { knownKey } from './knowledge';
import type { ListSpec } from './queries';
import type { components } from './schema.generated';

/** Id tokens and local authorisation lists, as docs/api.md describes them. */
type Schemas = components['schemas'];

export type IdToken = Schemas['IdToken'];
export type IdTokenStatus = Schemas['IdTokenStatus'];
export type IdTokenWithUses = Schemas['IdTokenWithUses'];
export type NewIdToken = Schemas['NewIdToken'];
export type IdTokenSettings = Schemas['IdTokenSettings'];
export type IdTokensImported = Schemas['IdTokensImported'];
export type LocalList = Schemas['StationLocalList'];
export type ListState = Schemas['ListState'];
export type ListWish = Schemas['ListWish'];

export interface TokenFilter {
  text?: string | undefined;
  status?: IdTokenStatus | undefined;
  parent?: string | undefined;
}

export const tokensKey = ['id-tokens'] as const;
const PAGE = 500;

export const tokensQuery = (filter: TokenFilter): ListSpec<IdToken> => ({
  key: [...tokensKey, 'list', filter],
  path: '/id-tokens',
  params: { limit: PAGE, ...filter },
});

export const tokenPath = (token: string) => `/id-tokens/${seg(token)}`;

export const tokenQuery = (token: string) =>
  queryOptions({
    queryKey: [...tokensKey, 'one', token] as const,
    queryFn: ({ signal }) => api.get<IdTokenWithUses>(tokenPath(token), { signal }),
    refetchInterval: 5_000,
  });

export const tokenSettingsQuery = queryOptions({
  queryKey: [...tokensKey, 'settings'] as const,
  queryFn: ({ signal }) => api.get<IdTokenSettings>('/id-token-settings', { signal }),
});

/** All tokens of the file or none; the server names the first line at fault. */
export function importTokens(csv: string, signal: AbortSignal): Promise<IdTokensImported> {
  return api.post<IdTokensImported>('/id-token-imports', new Blob([csv], { type: 'text/csv' }), { signal });
}

/** Reads all tokens of a filter, page by page; `onCount` hears how many there are so far. */
export async function readTokens(
  filter: TokenFilter,
  most: number,
  signal: AbortSignal,
  onCount: (n: number) => void,
): Promise<{ tokens: IdToken[]; whole: boolean }> {
  const tokens: IdToken[] = [];
  let cursor: string | null = null;
  do {
    const page: Page<IdToken> = await api.get<Page<IdToken>>('/id-tokens', {
      signal,
      params: { limit: PAGE, cursor, ...filter },
    });
    tokens.push(...page.items);
    onCount(tokens.length);
    cursor = page.next;
  } while (cursor !== null && tokens.length < most);
  return { tokens: tokens.slice(0, most), whole: cursor === null };
}

const listPath = (station: string) => `/stations/${seg(station)}/local-list`;

export const localListQuery = (station: string) =>
  queryOptions({
    queryKey: [...knownKey(station), 'local-list'] as const,
    queryFn: ({ signal }) => api.get<LocalList>(listPath(station), { signal }),
    refetchInterval: (query) => (query.state.data?.under_way ? 1_500 : 15_000),
  });

export const setLocalList = (station: string, wish: ListWish) => api.put<LocalList>(listPath(station), wish);

export const syncLocalList = (station: string, signal: AbortSignal) =>
  api.post<LocalList>(`${listPath(station)}/sync`, {}, { signal, params: { wait_s: 30 } });
