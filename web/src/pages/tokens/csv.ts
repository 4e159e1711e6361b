/** Files of id tokens: read before they are sent, and written so that they can be read again. */

import type { IdToken } from '@/api/tokens';
import { csv, readCsv } from '@/ui/csv';
import { statuses } from './logic';

/** Columns as the server knows them; docs/api.md says what stands in each. */
export const columns = [
  'id_token',
  'type',
  'status',
  'expires_at',
  'parent',
  'group',
  'language',
  'concurrent_allowed',
  'vehicle',
  'note',
  'only_at',
] as const;

/** The server's bounds. */
export const ROWS_MAX = 10_000;
export const BYTES_MAX = 4 * 1024 * 1024;
const PLACES_MAX = 100;
const lengths: readonly [column: string, min: number, max: number][] = [
  ['id_token', 1, 255],
  ['type', 0, 20],
  ['parent', 0, 36],
  ['group', 0, 64],
  ['language', 0, 8],
  ['note', 0, 500],
];

export interface Fault {
  line: number;
  text: string;
}

export interface Checked {
  tokens: number;
  faults: Fault[];
}

/** RFC 3339, as the server reads an instant. */
const INSTANT = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:?\d\d)$/;

function faultOf(value: (column: string) => string): string | null {
  for (const [column, min, max] of lengths) {
    const length = [...value(column)].length;
    if (length < min) return `\`${column}\` is missing`;
    if (length > max) return `\`${column}\` has ${length} characters; it may have ${max}`;
  }
  const status = value('status');
  if (status && !statuses.some((s) => s === status))
    return `\`${status}\` is no status; it must be one of ${statuses.join(', ')}`;
  const expires = value('expires_at');
  if (expires && !(INSTANT.test(expires) && Number.isFinite(Date.parse(expires))))
    return `\`${expires}\` is no time such as 2027-12-31T23:00:00Z`;
  const concurrent = value('concurrent_allowed');
  if (concurrent && concurrent !== 'true' && concurrent !== 'false')
    return `\`concurrent_allowed\` is \`${concurrent}\`; it must be true or false`;
  const places = value('only_at').split(/\s+/).filter(Boolean).length;
  if (places > PLACES_MAX) return `\`only_at\` has ${places} entries; it may have ${PLACES_MAX}`;
  return null;
}

/** Whatever of a file the server would refuse, line by line; the server itself names only the first. */
export function check(text: string): Checked {
  const [header, ...rows] = readCsv(text.replace(/^\uFEFF/, ''));
  if (!header) return { tokens: 0, faults: [{ line: 1, text: 'the file is empty' }] };
  const strange = header.cells.filter((c) => !columns.some((known) => known === c));
  if (strange.length > 0 || !header.cells.includes('id_token')) {
    const what =
      strange.length > 0 ? `\`${strange.join('`, `')}\` is no column` : 'the column `id_token` is missing';
    return { tokens: rows.length, faults: [{ line: header.line, text: `${what}: ${columns.join(', ')}` }] };
  }
  const faults: Fault[] = [];
  const seen = new Map<string, number>();
  for (const { line, cells } of rows) {
    const value = (column: string) => cells[header.cells.indexOf(column)] ?? '';
    const fault =
      cells.length === header.cells.length
        ? faultOf(value)
        : `${cells.length} cells where the first line names ${header.cells.length}`;
    const key = value('id_token').toLowerCase();
    const twin = seen.get(key);
    if (fault !== null) faults.push({ line, text: fault });
    else if (twin !== undefined)
      faults.push({ line, text: `\`${value('id_token')}\` stands on line ${twin} already` });
    else seen.set(key, line);
  }
  if (rows.length > ROWS_MAX) {
    faults.push({ line: rows[ROWS_MAX]?.line ?? 0, text: `a file may have ${ROWS_MAX} tokens` });
  }
  return { tokens: rows.length, faults };
}

/** A file that can be imported again. */
export function writeCsv(tokens: readonly IdToken[]): string {
  return csv([
    columns,
    ...tokens.map((t) => [
      t.id_token,
      t.type,
      t.status,
      t.expires_at ?? '',
      t.parent ?? '',
      t.group ?? '',
      t.language ?? '',
      String(t.concurrent_allowed),
      t.vehicle ?? '',
      t.note,
      t.only_at.join(' '),
    ]),
  ]);
}
