/** What a firmware campaign asks and how it stands, in words and as the API takes it. */

import type { CampaignRequest, CampaignState } from '@/api/campaigns';
import { duration, percent, plural } from '@/ui/format';
import { draftOf, emptyFilter, filterOf, type FilterDraft } from '../jobs/filter';
import type { JobKind } from '../jobs/frames';
import type { StateOf } from '../jobs/states';

export const campaignKind: JobKind = {
  name: 'Firmware campaign',
  many: 'Firmware campaigns',
  to: '/campaigns',
};

/** States of a station, in the order in which they are shown: how it ended, then how far it is. */
export const stationStates: readonly StateOf[] = [
  { id: 'installed', word: 'Installed', tone: 'good' },
  { id: 'failed', word: 'Failed', tone: 'bad' },
  { id: 'given_up', word: 'Given up', tone: 'warn' },
  { id: 'verifying', word: 'To tell its version', tone: 'busy' },
  { id: 'installing', word: 'Installing', tone: 'busy' },
  { id: 'downloaded', word: 'Has the file', tone: 'busy' },
  { id: 'downloading', word: 'Fetching the file', tone: 'busy' },
  { id: 'asked', word: 'Asked', tone: 'busy' },
  { id: 'cancelled', word: 'Not asked any more', tone: 'plain' },
  { id: 'pending', word: 'Waiting', tone: 'plain' },
];

const over = new Set(['installed', 'failed', 'given_up', 'cancelled']);

/** How many of a wave have come to an end. */
export function finishedOf(byState: Readonly<Record<string, number>>): number {
  return Object.entries(byState).reduce((sum, [state, n]) => sum + (over.has(state) ? n : 0), 0);
}

/** Stations that are at work now. */
export function atWork(byState: Readonly<Record<string, number>>): number {
  return stationStates.reduce((sum, s) => sum + (s.tone === 'busy' ? (byState[s.id] ?? 0) : 0), 0);
}

export const campaignWords: Readonly<Record<CampaignState, string>> = {
  running: 'Under way',
  paused: 'Paused',
  cancelling: 'Stopping',
  done: 'Done',
  cancelled: 'Stopped',
};

/** More may still happen by itself or by a person who goes on with it. */
export function isOpen(state: CampaignState): boolean {
  return state === 'running' || state === 'paused' || state === 'cancelling';
}

/** The first wave is the canary's; without one the waves are counted from 1 all the same. */
export function waveName(wave: number): string {
  return wave === 0 ? 'Canary' : `Wave ${wave}`;
}

export type WaveBy = 'all' | 'size' | 'percent';

/** A campaign that is being written, figures as they were typed. */
export interface CampaignDraft {
  filter: FilterDraft;
  /** Null while nobody chose one: then it is made of the version. */
  name: string | null;
  file: string;
  version: string;
  signed: boolean;
  certificate: string;
  signature: string;
  canary: string;
  by: WaveBy;
  size: string;
  percent: string;
  /** Per cent of a wave. */
  pause_above: string;
  timed: boolean;
  from: string;
  to: string;
  time_zone: string;
  only_idle: boolean;
  attempts: string;
  /** Minutes. */
  retry_after: string;
  /** Hours. */
  silent: string;
  at_once: string;
  retries: string;
  /** Seconds. */
  retry_interval: string;
}

export const emptyCampaign: CampaignDraft = {
  filter: emptyFilter,
  name: null,
  file: '',
  version: '',
  signed: false,
  certificate: '',
  signature: '',
  canary: '1',
  by: 'percent',
  size: '10',
  percent: '25',
  pause_above: '20',
  timed: false,
  from: '01:00',
  to: '05:00',
  time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
  only_idle: true,
  attempts: '3',
  retry_after: '10',
  silent: '6',
  at_once: '100',
  retries: '',
  retry_interval: '',
};

export const nameOf = (draft: CampaignDraft) =>
  draft.name ?? (draft.version.trim() ? `To ${draft.version.trim()}` : '');

/** What is still to be said before the campaign can begin, or null. */
export function missing(draft: CampaignDraft): string | null {
  if (filterOf(draft.filter) === null) return 'Choose stations.';
  if (!draft.file) return 'Choose the firmware.';
  if (!draft.version.trim()) return 'Say which version a station tells once it has it.';
  if (draft.signed && (!draft.certificate.trim() || !draft.signature.trim()))
    return 'Give the certificate and the signature.';
  return null;
}

/** The request as the API takes it; figures that are no numbers go as 0, which the server refuses by name. */
export function requestOf(draft: CampaignDraft): CampaignRequest | null {
  const filter = filterOf(draft.filter);
  if (filter === null || missing(draft) !== null) return null;
  const whole = (text: string, times = 1) => Math.round((Number(text) || 0) * times);
  return {
    name: nameOf(draft).trim(),
    filter,
    file: draft.file,
    version: draft.version.trim(),
    ...(draft.signed
      ? { signing_certificate: draft.certificate.trim(), signature: draft.signature.replace(/\s+/g, '') }
      : {}),
    waves: {
      canary: whole(draft.canary),
      ...(draft.by === 'size' ? { size: whole(draft.size) } : {}),
      ...(draft.by === 'percent' ? { percent: Number(draft.percent) || 0 } : {}),
      pause_above: (Number(draft.pause_above) || 0) / 100,
    },
    ...(draft.timed ? { window: { from: draft.from, to: draft.to, time_zone: draft.time_zone.trim() } } : {}),
    only_idle: draft.only_idle,
    attempts: whole(draft.attempts),
    retry_after_s: whole(draft.retry_after, 60),
    silent_s: whole(draft.silent, 3600),
    at_once: whole(draft.at_once),
    ...(draft.retries ? { retries: whole(draft.retries) } : {}),
    ...(draft.retry_interval ? { retry_interval_s: whole(draft.retry_interval) } : {}),
  };
}

/** The form of a campaign that was asked for before. */
export function draftFrom(request: CampaignRequest): CampaignDraft {
  const { waves, window } = request;
  const text = (n: number | null | undefined, fallback: string, per = 1) =>
    n == null ? fallback : String(Number((n / per).toFixed(3)));
  return {
    ...emptyCampaign,
    filter: draftOf(request.filter),
    name: request.name,
    file: request.file,
    version: request.version,
    signed: request.signing_certificate != null,
    certificate: request.signing_certificate ?? '',
    signature: request.signature ?? '',
    canary: text(waves?.canary, '0'),
    by: waves?.size != null ? 'size' : waves?.percent != null ? 'percent' : 'all',
    size: text(waves?.size, emptyCampaign.size),
    percent: text(waves?.percent, emptyCampaign.percent),
    pause_above: text(waves?.pause_above, '50', 0.01),
    timed: window != null,
    ...(window ? { from: window.from, to: window.to } : {}),
    time_zone: window?.time_zone ?? emptyCampaign.time_zone,
    only_idle: request.only_idle === true,
    attempts: text(request.attempts, emptyCampaign.attempts),
    retry_after: text(request.retry_after_s, emptyCampaign.retry_after, 60),
    silent: text(request.silent_s, emptyCampaign.silent, 3600),
    at_once: text(request.at_once, emptyCampaign.at_once),
    retries: text(request.retries, ''),
    retry_interval: text(request.retry_interval_s, ''),
  };
}

/** "2.4.1" out of "acme-dc150_v2.4.1.bin"; null where no version stands in the name. */
export function versionIn(name: string): string | null {
  return /(?:^|[^\d])(\d+(?:\.\d+){1,3}(?:-(?:alpha|beta|rc)[.\d]*\d)?)/.exec(name)?.[1] ?? null;
}

/** When and how stations are asked, for a person, part by part. */
export function terms(request: CampaignRequest): [string, string][] {
  const { waves, window } = request;
  const size =
    waves?.size != null
      ? `${plural(waves.size, 'station')} a wave`
      : waves?.percent != null
        ? `${Number(waves.percent.toFixed(2))} % of all a wave`
        : 'the rest at once';
  const canary = waves?.canary ? `${plural(waves.canary, 'station')} first, then ` : '';
  const text = canary + size;
  return [
    ['Waves', text.charAt(0).toUpperCase() + text.slice(1)],
    ['Pauses when', `more than ${percent(waves?.pause_above ?? 0.5)} of a wave failed`],
    [
      'Hours',
      window ? `${window.from} to ${window.to}, ${window.time_zone ?? 'UTC'} or the site’s zone` : 'Any hour',
    ],
    ['While in use', request.only_idle ? 'Waits until nobody charges' : 'Asks all the same'],
    [
      'Attempts',
      `${request.attempts ?? 3}, ${duration(request.retry_after_s ?? 600)} apart, ${duration(request.silent_s ?? 21_600)} without progress fails one`,
    ],
    ['At work at once', plural(request.at_once ?? 100, 'station')],
    ['Signed', request.signing_certificate == null ? 'No' : 'Yes'],
  ];
}
