import { queryOptions } from '@tanstack/react-query';
import { graphIn, type AnswerRow } from '@/graph/answer';
import { readKind, type Kind } from '@/graph/dtdl';
import { Kinds } from '@/graph/kinds';
import { queriesOf } from '@/graph/read';
import { api } from './client';
import { keys, type ListSpec } from './queries';
import type { Twin } from './types';

/** The graph by the data plane that is Azure's, and what our own API adds. */
const VERSION = '2023-10-31';

/** A call of the data plane: at the root of the server, of one version. */
export const at = (params: Record<string, string | number | boolean | null | undefined> = {}) => ({
  base: '',
  params: { ...params, 'api-version': VERSION },
});

interface ModelPage {
  value: { id: string; uploadTime?: string; decommissioned: boolean; model?: unknown }[];
  nextLink?: string | null;
}

/** A kind, and what the server says of its document. */
export interface Model extends Kind {
  /** Null for the built-in ones. */
  uploaded: string | null;
  decommissioned: boolean;
}

async function readModels(signal: AbortSignal): Promise<Model[]> {
  const models: Model[] = [];
  let page = await api.get<ModelPage>('/models', { signal, ...at({ includeModelDefinition: true }) });
  for (;;) {
    for (const { uploadTime, decommissioned, model } of page.value) {
      const kind = readKind(model);
      if (kind) models.push({ ...kind, uploaded: uploadTime ?? null, decommissioned });
    }
    if (!page.nextLink) return models;
    page = await api.get<ModelPage>(page.nextLink, { signal, base: '' });
  }
}

/** Every kind of twin. */
export const modelsQuery = queryOptions({
  queryKey: ['models'] as const,
  queryFn: async ({ signal }) => new Kinds<Model>(await readModels(signal)),
  staleTime: 60_000,
});

/** Twins of a kind, or all. Their relationships come with them. */
export const twinsQuery = (model: string | undefined): ListSpec<Twin> => ({
  key: [...keys.twins, 'list', model ?? null],
  path: '/twins',
  params: { limit: 500, model },
});

export interface Answer {
  rows: AnswerRow[];
  /** Gives the next page; null after the last. */
  token: string | null;
  /** What the server counts for the page. */
  charge: number | null;
}

const PAGE_ROWS = 500;

/** One page of an answer: the first of a query, or the one that a token leads to. */
export async function ask(
  body: { query: string } | { continuationToken: string },
  signal: AbortSignal,
): Promise<Answer> {
  let charge: number | null = null;
  const page = await api.post<{ value: AnswerRow[]; continuationToken?: string | null }>('/query', body, {
    signal,
    ...at(),
    headers: { 'max-items-per-page': String(PAGE_ROWS) },
    onHeaders: (headers) => {
      const told = Number(headers.get('query-charge') ?? NaN);
      charge = Number.isFinite(told) ? told : null;
    },
  });
  return { rows: page.value, token: page.continuationToken ?? null, charge };
}

/** Pages that are read of one question about some twins: what has more relationships is not drawn with all of them. */
const PAGES_MAX = 10;

async function rowsOf(query: string, signal: AbortSignal): Promise<AnswerRow[]> {
  const rows: AnswerRow[] = [];
  let body: Parameters<typeof ask>[0] = { query };
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const answer = await ask(body, signal);
    rows.push(...answer.rows);
    if (answer.token === null) break;
    body = { continuationToken: answer.token };
  }
  return rows;
}

/** Some twins by id, with their relationships: a few queries in pages, and not a call for each. */
export const someTwinsQuery = (ids: readonly string[]) =>
  queryOptions({
    queryKey: [...keys.twins, 'some', ids] as const,
    queryFn: async ({ signal }): Promise<ReadonlyMap<string, Twin>> => {
      const rows: AnswerRow[] = [];
      for (const queries of queriesOf(ids)) {
        const answers = await Promise.all(queries.map((query) => rowsOf(query, signal)));
        rows.push(...answers.flat());
      }
      return graphIn(rows).twins;
    },
    staleTime: 30_000,
  });
