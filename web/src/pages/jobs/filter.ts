/** Which stations are meant, as it is typed, as the API takes it, and in words. */

import type { BulkFilter } from '@/api/ocpp';
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
