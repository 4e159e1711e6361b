/** What a bulk command asks, in words and as the API takes it. */

import type { BulkFilter, BulkRequest } from '@/api/ocpp';
import { brief } from '@/ocpp-form/brief';
import { plural } from '@/ui/format';

export interface FilterDraft {
  zone: string;
  site: string;
  vendor: string;
  model: string;
  firmware_version: string;
  ocpp_version: string;
  online: 'any' | 'yes' | 'no';
  /** Ids as they were typed or pasted. */
  ids: string;
  /** Everybody, said on purpose. */
  all: boolean;
}

export const emptyFilter: FilterDraft = {
  zone: '',
  site: '',
  vendor: '',
  model: '',
  firmware_version: '',
  ocpp_version: '',
  online: 'any',
  ids: '',
  all: false,
};

/** Station ids out of a text: a column of a table, a list with commas, lines. Each once. */
export function readIds(text: string): string[] {
  return [...new Set(text.split(/[\s,;]+/).filter(Boolean))];
}

const texts = ['zone', 'site', 'vendor', 'model', 'firmware_version', 'ocpp_version'] as const;

/** The filter as the API takes it; null while it would hold everybody without having said so. */
export function filterOf(draft: FilterDraft): BulkFilter | null {
  const out: BulkFilter = {};
  for (const key of texts) {
    if (draft[key]) out[key] = draft[key];
  }
  if (draft.online !== 'any') out.online = draft.online === 'yes';
  const ids = readIds(draft.ids);
  if (ids.length > 0) out.stations = ids;
  if (Object.keys(out).length > 0) return out;
  return draft.all ? { all: true } : null;
}

/** The form of a filter that was used before. */
export function draftOf(filter: BulkFilter): FilterDraft {
  return {
    ...emptyFilter,
    ...Object.fromEntries(texts.map((key) => [key, filter[key] ?? ''])),
    online: filter.online === true ? 'yes' : filter.online === false ? 'no' : 'any',
    ids: (filter.stations ?? []).join('\n'),
    all: filter.all === true,
  };
}

const IDS_NAMED = 3;

/** "Vendor Ohmwerk, connected": whom a filter means. */
export function filterWords(filter: BulkFilter | null | undefined): string {
  if (!filter) return '–';
  const parts: string[] = [];
  const ids = filter.stations ?? [];
  if (ids.length > IDS_NAMED) parts.push(`${plural(ids.length, 'station')} by id`);
  else if (ids.length > 0) parts.push(ids.join(', '));
  if (filter.zone) parts.push(`zone ${filter.zone}`);
  if (filter.site) parts.push(`site ${filter.site}`);
  const make = [filter.vendor, filter.model].filter(Boolean).join(' ');
  if (make) parts.push(make);
  if (filter.firmware_version) parts.push(`firmware ${filter.firmware_version}`);
  if (filter.ocpp_version) parts.push(`OCPP ${filter.ocpp_version}`);
  if (filter.online === true) parts.push('connected');
  if (filter.online === false) parts.push('not connected');
  if (parts.length === 0) return filter.all ? 'All stations' : '–';
  const text = parts.join(', ');
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const neutral: Readonly<Record<string, string>> = {
  reset: 'Reset',
  trigger: 'Ask for a message',
  remote_start: 'Start charging',
  remote_stop: 'Stop charging',
};

/** What the stations are told: the action, or the neutral command in words. */
export function commandName(request: BulkRequest | null | undefined): string {
  if (!request) return '–';
  if (request.action) return request.action;
  return neutral[request.command ?? ''] ?? request.command ?? '–';
}

/** The fields of the command alone, for the fold on the page of a job. */
export function commandOf(request: BulkRequest): Record<string, unknown> {
  const out: Record<string, unknown> = { ...request };
  delete out.filter;
  delete out.concurrency;
  delete out.dry_run;
  return out;
}

/** The same in a line: the payload of an action, the fields of a neutral command. */
export function commandWords(request: BulkRequest): string {
  const { action, command, payload, ...rest } = commandOf(request);
  const fields = brief(action === undefined ? rest : payload);
  return fields || String(action === undefined ? neutral[String(command)] : 'no fields');
}

export interface StateOf {
  id: string;
  word: string;
  tone: 'good' | 'warn' | 'bad' | 'plain' | 'busy';
}

/** States of a station within a job, in the order in which they are shown. */
export const stationStates: readonly StateOf[] = [
  { id: 'accepted', word: 'Accepted', tone: 'good' },
  { id: 'rejected', word: 'Rejected', tone: 'bad' },
  { id: 'failed', word: 'Failed', tone: 'bad' },
  { id: 'unanswered', word: 'No answer yet', tone: 'warn' },
  { id: 'invalid', word: 'Does not fit', tone: 'warn' },
  { id: 'not_sent', word: 'Not sent', tone: 'plain' },
  { id: 'running', word: 'Being asked', tone: 'busy' },
  { id: 'pending', word: 'Waiting', tone: 'plain' },
];

export function stateOf(id: string): StateOf {
  return stationStates.find((s) => s.id === id) ?? { id, word: id, tone: 'plain' };
}

/** States after which a station may be asked again. */
export const repeatable = ['rejected', 'failed', 'unanswered', 'not_sent'] as const;

const jobWords: Readonly<Record<string, string>> = {
  running: 'Running',
  cancelling: 'Stopping',
  done: 'Done',
  cancelled: 'Stopped',
  interrupted: 'Interrupted',
};

export function jobWord(state: string): string {
  return jobWords[state] ?? state;
}

export function isOpen(state: string): boolean {
  return state === 'running' || state === 'cancelling';
}

/** The version that most of the stations speak. */
export function commonVersion(byVersion: Readonly<Record<string, number>>): string | null {
  return Object.entries(byVersion).sort((a, b) => b[1] - a[1])[0]?.[0] ?? null;
}
