import { csv, readCsv } from '@/ui/csv';
import type { SwapStation } from './scenario';

/** Columns of a list of stations; the first three must be there. */
export const columns = [
  'id',
  'lat',
  'lon',
  'bays',
  'batteries',
  'chargers',
  'grid_kw',
  'demand_scale',
] as const;
type Column = (typeof columns)[number];

export const ROWS_MAX = 10_000;

/** What stands where the file says nothing. */
export const usual: Omit<SwapStation, 'id' | 'lat' | 'lon'> = {
  bays: 1,
  batteries: 20,
  chargers: 16,
  grid_kw: null,
  demand_scale: 1,
};

const limits: Readonly<Record<Exclude<Column, 'id'>, readonly [low: number, high: number, whole: boolean]>> =
  {
    lat: [-90, 90, false],
    lon: [-180, 180, false],
    bays: [1, 1_000, true],
    batteries: [1, 100_000, true],
    chargers: [1, 100_000, true],
    grid_kw: [0, 1e6, false],
    demand_scale: [0, 1_000, false],
  };

export interface Fault {
  line: number;
  text: string;
}

export interface ReadStations {
  stations: SwapStation[];
  faults: Fault[];
}

function numberOf(column: Exclude<Column, 'id'>, text: string): number | string {
  const [low, high, whole] = limits[column];
  const value = Number(text);
  if (text === '' || !Number.isFinite(value)) return `\`${column}\` is \`${text}\`; it must be a number`;
  if (whole && !Number.isInteger(value)) return `\`${column}\` is ${text}; it must be whole`;
  if (value < low || value > high || (column === 'grid_kw' && value === 0))
    return `\`${column}\` is ${text}; it must be within ${low} and ${high}`;
  return value;
}

function stationOf(value: (column: Column) => string): SwapStation | string {
  const id = value('id');
  if (id === '') return '`id` is missing';
  if (id.length > 128) return `\`id\` has ${id.length} characters; it may have 128`;
  const station: SwapStation = { ...usual, id, lat: 0, lon: 0 };
  for (const column of columns.slice(1) as Exclude<Column, 'id'>[]) {
    const text = value(column);
    if (text === '' && column !== 'lat' && column !== 'lon') continue;
    const read = numberOf(column, text);
    if (typeof read === 'string') return read;
    station[column] = read;
  }
  return station;
}

/** Reads a list of stations; what is wrong with it is told line by line. */
export function readStations(text: string): ReadStations {
  const [header, ...rows] = readCsv(text.replace(/^\uFEFF/, ''));
  if (!header) return { stations: [], faults: [{ line: 1, text: 'the file is empty' }] };
  const missing = columns.slice(0, 3).filter((column) => !header.cells.includes(column));
  if (missing.length > 0)
    return {
      stations: [],
      faults: [{ line: header.line, text: `the column \`${missing.join('`, `')}\` is missing` }],
    };
  const stations: SwapStation[] = [];
  const faults: Fault[] = [];
  const seen = new Map<string, number>();
  for (const { line, cells } of rows.slice(0, ROWS_MAX)) {
    const read = stationOf((column) => cells[header.cells.indexOf(column)] ?? '');
    const twin = typeof read === 'string' ? undefined : seen.get(read.id);
    if (typeof read === 'string') faults.push({ line, text: read });
    else if (twin !== undefined) faults.push({ line, text: `\`${read.id}\` stands on line ${twin} already` });
    else {
      seen.set(read.id, line);
      stations.push(read);
    }
  }
  const over = rows[ROWS_MAX];
  if (over) faults.push({ line: over.line, text: `a file may have ${ROWS_MAX} stations` });
  if (rows.length === 0) faults.push({ line: header.line, text: 'no station stands below the first line' });
  return { stations, faults };
}

/** A file that can be read again. */
export function writeStations(stations: readonly SwapStation[]): string {
  return csv([columns, ...stations.map((s) => columns.map((column) => String(s[column] ?? '')))]);
}
