import { dateTime, energy, measure, NONE, percent, power, speed, distance } from '@/ui/format';
import type { Content } from './dtdl';

const units: Readonly<Record<string, (value: number) => string>> = {
  watt: power,
  wattHour: energy,
  volt: (v) => measure(v, 'V'),
  ampere: (v) => measure(v, 'A'),
  degreeCelsius: (v) => measure(v, '°C'),
  degree: (v) => `${Number(v.toFixed(5))}°`,
  metre: distance,
  metrePerSecond: speed,
};

/** Shares are plain numbers in DTDL; the ontology names them so. */
const shares = new Set(['soc', 'soh']);
/** Numbers of a list that are written out. */
const FEW = 4;

/** A value as people read it, by what its kind says of it; the whole of it is in {@link exact}. */
export function shown(value: unknown, content: Pick<Content, 'name' | 'unit'> | undefined): string {
  if (value === null || value === undefined) return NONE;
  if (typeof value === 'number') {
    const unit = content?.unit ? units[content.unit] : undefined;
    if (unit) return unit(value);
    if (content && shares.has(content.name)) return percent(value, 1);
    return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(7)));
  }
  if (typeof value === 'boolean') return value ? 'Yes' : 'No';
  if (typeof value === 'string') {
    if (/^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(value) && !Number.isNaN(Date.parse(value))) return dateTime(value);
    // A text that holds a document of its own is told by its size.
    return value.length > 200 ? `${value.slice(0, 60)}… (${value.length} characters)` : value || NONE;
  }
  if (Array.isArray(value)) {
    const items: unknown[] = value;
    return items.length <= FEW
      ? items.map((item) => shown(item, content)).join(', ') || 'Empty'
      : `${items.length} values, ${shown(items[0], content)} to ${shown(items.at(-1), content)}`;
  }
  return JSON.stringify(value);
}

/** A value as the API gives it. */
export function exact(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
