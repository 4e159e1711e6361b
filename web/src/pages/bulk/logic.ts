/** What a bulk command asks, in words and as the API takes it. */

import type { BulkRequest } from '@/api/ocpp';
import { brief } from '@/ocpp-form/brief';
import type { JobKind } from '../jobs/frames';
import type { StateOf } from '../jobs/states';

export const bulkKind: JobKind = { name: 'Bulk command', many: 'Bulk commands', to: '/bulk' };

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
