/** Id tokens in words, as a form and as the API takes them. */

import type { IdToken, IdTokenStatus, ListState, ListWish, NewIdToken } from '@/api/tokens';
import { instant, plural } from '@/ui/format';
import type { Tone } from '@/ui/toast';
import { readIds } from '../jobs/filter';

export const statuses: readonly IdTokenStatus[] = ['accepted', 'blocked', 'expired', 'invalid'];

export const statusWords: Readonly<Record<IdTokenStatus, string>> = {
  accepted: 'Accepted',
  blocked: 'Blocked',
  expired: 'Expired',
  invalid: 'Invalid',
};

/** Kinds of token as OCPP 2.x names them. */
export const kinds = [
  'ISO14443',
  'ISO15693',
  'eMAID',
  'Central',
  'KeyCode',
  'Local',
  'MacAddress',
  'NoAuthorization',
] as const;

/** What stations are told of a token now: an accepted one expires by itself. */
export function standing(token: Pick<IdToken, 'status' | 'expires_at'>, now: number): IdTokenStatus {
  const until = instant(token.expires_at);
  return token.status === 'accepted' && until !== null && until <= now ? 'expired' : token.status;
}

export function toneOf(status: IdTokenStatus): Exclude<Tone, 'plain'> {
  return status === 'accepted' ? 'good' : status === 'blocked' ? 'bad' : 'warn';
}

/** All that a change must say: what is left out is taken back. */
export function bodyOf(token: IdToken, change: Partial<NewIdToken> = {}): NewIdToken {
  return {
    type: token.type,
    status: token.status,
    expires_at: token.expires_at ?? null,
    parent: token.parent ?? null,
    group: token.group ?? null,
    language: token.language ?? null,
    concurrent_allowed: token.concurrent_allowed,
    vehicle: token.vehicle ?? null,
    note: token.note,
    only_at: token.only_at,
    ...change,
  };
}

/** A token as it is typed in. */
export interface TokenDraft {
  id_token: string;
  type: string;
  status: IdTokenStatus;
  /** Local wall clock, as the input of the browser has it. */
  expires: string;
  parent: string;
  group: string;
  language: string;
  concurrent: boolean;
  vehicle: string;
  note: string;
  only_at: string;
}

const two = (n: number) => String(n).padStart(2, '0');

/** An instant as the input for a local date and time wants it. */
export function localInput(text: string | null | undefined): string {
  const ms = instant(text);
  if (ms === null) return '';
  const d = new Date(ms);
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}T${two(d.getHours())}:${two(d.getMinutes())}`;
}

export function draftOf(token: IdToken | null): TokenDraft {
  return {
    id_token: token?.id_token ?? '',
    type: token?.type ?? '',
    status: token?.status ?? 'accepted',
    expires: localInput(token?.expires_at),
    parent: token?.parent ?? '',
    group: token?.group ?? '',
    language: token?.language ?? '',
    concurrent: token?.concurrent_allowed ?? false,
    vehicle: token?.vehicle ?? '',
    note: token?.note ?? '',
    only_at: token?.only_at.join('\n') ?? '',
  };
}

/** The draft as the API takes it. A time that was not touched keeps its seconds. */
export function requestOf(draft: TokenDraft, before: IdToken | null): NewIdToken {
  const some = (text: string) => text.trim() || null;
  const untouched = before !== null && draft.expires === localInput(before.expires_at);
  return {
    ...(before === null ? { id_token: draft.id_token.trim() } : {}),
    type: draft.type.trim(),
    status: draft.status,
    expires_at: untouched
      ? (before.expires_at ?? null)
      : draft.expires === ''
        ? null
        : new Date(draft.expires).toISOString(),
    parent: some(draft.parent),
    group: some(draft.group),
    language: some(draft.language),
    concurrent_allowed: draft.concurrent,
    vehicle: some(draft.vehicle),
    note: draft.note.trim(),
    only_at: readIds(draft.only_at),
  };
}

export const listWords: Readonly<Record<ListState, string>> = {
  unknown: 'Never sent',
  current: 'Up to date',
  partial: 'As much as fits',
  stale: 'Behind',
  failed: 'Refused',
  not_supported: 'Has no list',
};

export function listTone(state: ListState): Exclude<Tone, 'plain'> | undefined {
  const tones: Partial<Record<ListState, Exclude<Tone, 'plain'>>> = {
    current: 'good',
    partial: 'warn',
    stale: 'warn',
    failed: 'bad',
  };
  return tones[state];
}

/** "All good tokens": what a station is to hold. */
export function wishWords(wish: ListWish): string {
  if (wish.mode === 'off') return 'None';
  if (wish.mode === 'all') return 'All that are good there';
  const parts = [
    (wish.tokens?.length ?? 0) > 0 ? plural(wish.tokens?.length ?? 0, 'token') : '',
    (wish.parents?.length ?? 0) > 0 ? plural(wish.parents?.length ?? 0, 'parent') : '',
  ].filter(Boolean);
  return parts.join(' and ') || 'Chosen ones, none yet';
}
