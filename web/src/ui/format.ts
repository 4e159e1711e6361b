/**
 * Figures as people read them. Every function takes null for "no value" and answers an en dash, so that a missing
 * reading is never shown as zero.
 */
export const NONE = '–';

type Maybe = number | null | undefined;

const has = (value: Maybe): value is number => typeof value === 'number' && Number.isFinite(value);

const nf = new Map<string, Intl.NumberFormat>();

function fixed(value: number, digits: number): string {
  const key = String(digits);
  let format = nf.get(key);
  if (!format) {
    format = new Intl.NumberFormat('en-GB', { minimumFractionDigits: digits, maximumFractionDigits: digits });
    nf.set(key, format);
  }
  // A rounded -0 would read "-0.0".
  return format.format(Number(value.toFixed(digits)) === 0 ? 0 : value);
}

/** A figure and its unit apart, so that the unit can be set smaller. */
export interface Quantity {
  value: string;
  unit: string;
}

function scaled(value: number, units: readonly [number, string][]): Quantity {
  const size = Math.abs(value);
  const [factor, unit] = units.find(([f]) => size >= f) ?? units[units.length - 1] ?? [1, ''];
  const n = value / factor;
  const digits = factor === 1 ? 0 : Math.abs(n) >= 100 ? 0 : 1;
  return { value: fixed(n, digits), unit };
}

/** Power in W as W, kW or MW; charging is positive. */
export function powerParts(w: Maybe): Quantity {
  if (!has(w)) return { value: NONE, unit: '' };
  return Math.abs(w) < 0.5
    ? { value: '0', unit: 'kW' }
    : scaled(w, [
        [1e6, 'MW'],
        [1e3, 'kW'],
        [1, 'W'],
      ]);
}

export function power(w: Maybe): string {
  return join(powerParts(w));
}

/** Energy in Wh as Wh, kWh or MWh. */
export function energyParts(wh: Maybe): Quantity {
  if (!has(wh)) return { value: NONE, unit: '' };
  return wh === 0
    ? { value: '0', unit: 'kWh' }
    : scaled(wh, [
        [1e6, 'MWh'],
        [1e3, 'kWh'],
        [1, 'Wh'],
      ]);
}

export function energy(wh: Maybe): string {
  return join(energyParts(wh));
}

/** Exact decimal text in Wh, as a transaction carries it, in kWh with every digit kept. */
export function exactEnergy(wh: string | null | undefined): string {
  if (wh == null || !/^-?\d+(\.\d+)?$/.test(wh)) return NONE;
  const negative = wh.startsWith('-');
  const [whole = '0', fraction = ''] = wh.replace('-', '').split('.');
  const digits = whole.padStart(4, '0');
  const kwh = digits.slice(0, -3).replace(/^0+(?=\d)/, '');
  const rest = (digits.slice(-3) + fraction).replace(/0+$/, '');
  return `${negative ? '−' : ''}${kwh.replace(/\B(?=(\d{3})+$)/g, ',')}.${rest.padEnd(1, '0')} kWh`;
}

/** The same to the watt-hour, for columns: every figure has its point in the same place. */
export function columnEnergy(wh: string | null | undefined): string {
  const value = wh == null ? NaN : Number(wh);
  return wh && Number.isFinite(value) ? `${fixed(value / 1000, 3)} kWh` : NONE;
}

/** A share 0 to 1 as per cent. */
export function percent(share: Maybe, digits = 0): string {
  return has(share) ? `${fixed(share * 100, digits)} %` : NONE;
}

/** The size of a file, "94 KiB". */
export function bytes(n: Maybe): string {
  if (!has(n)) return NONE;
  const units = ['B', 'KiB', 'MiB', 'GiB'];
  let value = n;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${fixed(value, unit === 0 || value >= 100 ? 0 : 1)} ${units[unit] ?? ''}`;
}

/** Speed in m/s as km/h. */
export function speed(mps: Maybe): string {
  return has(mps) ? `${fixed(mps * 3.6, 0)} km/h` : NONE;
}

export function distance(m: Maybe): string {
  if (!has(m)) return NONE;
  return Math.abs(m) >= 1000 ? `${fixed(m / 1000, 1)} km` : `${fixed(m, 0)} m`;
}

export function measure(value: Maybe, unit: string, digits = 1): string {
  return has(value) ? `${fixed(value, digits)} ${unit}` : NONE;
}

export function count(value: Maybe): string {
  return has(value) ? fixed(value, 0) : NONE;
}

/** Seconds as "1 h 04 min", "12 min 08 s", "9 s". */
export function duration(s: Maybe): string {
  if (!has(s)) return NONE;
  const total = Math.max(0, Math.round(s));
  const [d, h, m, rest] = [
    Math.floor(total / 86_400),
    Math.floor(total / 3600) % 24,
    Math.floor(total / 60) % 60,
    total % 60,
  ];
  const two = (n: number) => String(n).padStart(2, '0');
  if (d > 0) return `${d} d ${two(h)} h`;
  if (h > 0) return `${h} h ${two(m)} min`;
  if (m > 0) return `${m} min ${two(rest)} s`;
  return `${rest} s`;
}

/** How long ago, coarse enough to be read at a glance: "now", "12 s", "4 min", "3 h", "2 d". */
export function age(ms: Maybe): string {
  if (!has(ms)) return NONE;
  const s = Math.max(0, ms / 1000);
  if (s < 1.5) return 'now';
  if (s < 60) return `${Math.floor(s)} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h`;
  return `${Math.floor(s / 86_400)} d`;
}

/** Milliseconds of an RFC 3339 text, null where it is none. */
export function instant(text: string | null | undefined): number | null {
  if (!text) return null;
  const ms = Date.parse(text);
  return Number.isFinite(ms) ? ms : null;
}

const two = (n: number) => String(n).padStart(2, '0');

/** Local wall clock, "14:05:09". */
export function clock(ms: Maybe): string {
  if (!has(ms)) return NONE;
  const d = new Date(ms);
  return `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** Local date and clock, "21 Nov 14:05"; with the year where it may be any, "21 Nov 2027 14:05". */
export function dateTime(text: string | null | undefined, year = false): string {
  const ms = instant(text);
  if (ms == null) return NONE;
  const d = new Date(ms);
  const day = `${d.getDate()} ${months[d.getMonth()] ?? ''}${year ? ` ${d.getFullYear()}` : ''}`;
  return `${day} ${two(d.getHours())}:${two(d.getMinutes())}`;
}

export function join({ value, unit }: Quantity): string {
  return unit ? `${value} ${unit}` : value;
}

/** Connector kinds of OCPP as a plug is called. */
const plugs: Readonly<Record<string, string>> = {
  cType1: 'Type 1',
  cType2: 'Type 2',
  sType2: 'Type 2 socket',
  cCCS1: 'CCS 1',
  cCCS2: 'CCS 2',
  cG105: 'CHAdeMO',
  cTesla: 'Tesla',
  cNACS: 'NACS',
  cMCS: 'MCS',
};

export function plug(type: string | null | undefined): string {
  return type ? (plugs[type] ?? type) : 'Unknown plug';
}

/** A message of the server as a sentence: its own words, with a capital first. */
export function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** "1 vehicle", "3 vehicles". */
export function plural(n: number, noun: string): string {
  if (n === 1) return `${count(n)} ${noun}`;
  const many = /[^aeiou]y$/.test(noun)
    ? `${noun.slice(0, -1)}ies`
    : `${noun}${/(ch|sh|s|x)$/.test(noun) ? 'es' : 's'}`;
  return `${count(n)} ${many}`;
}

/** A connector by its numbers: "2", and "2.2" where an EVSE has several. */
export function connectorNumber(c: { evse_id: number; connector_id: number }): string {
  return c.connector_id > 1 ? `${c.evse_id}.${c.connector_id}` : String(c.evse_id);
}
