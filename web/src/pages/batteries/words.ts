import type { Bounds } from '@/api/batteries';
import type { Shape } from '@/ui/tokens';
import { percent } from '@/ui/format';

/** How the twin stands to the pack, in words. */
interface StatusWord {
  label: string;
  text: string;
  shape: Shape;
  color: string;
}

const statuses: Readonly<Record<string, StatusWord>> = {
  synchronised: {
    label: 'In step',
    text: 'The twin predicts what the pack measures.',
    shape: 'circle',
    color: 'var(--status-available)',
  },
  starting: {
    label: 'Starting',
    text: 'The twin has seen too little yet to be sure.',
    shape: 'dots',
    color: 'var(--status-preparing)',
  },
  recovering: {
    label: 'Catching up',
    text: 'Readings came back after a gap.',
    shape: 'dots',
    color: 'var(--status-preparing)',
  },
  drifting: {
    label: 'Drifting',
    text: 'Measurement and twin differ by more than they should.',
    shape: 'triangle',
    color: 'var(--severity-major)',
  },
  implausible: {
    label: 'Sensor excluded',
    text: 'A sensor says what cannot be; the twin goes on without it.',
    shape: 'diamond',
    color: 'var(--severity-critical)',
  },
  stale: {
    label: 'No readings',
    text: 'Nothing has come for a while; the bounds grow.',
    shape: 'cross',
    color: 'var(--status-offline)',
  },
  unknown: {
    label: 'Unknown',
    text: 'The pack has not told enough to be followed.',
    shape: 'question',
    color: 'var(--text-tertiary)',
  },
};

export const statusNames = Object.keys(statuses);

export function statusWord(status: string): StatusWord {
  return statuses[status] ?? { label: status, text: '', shape: 'question', color: 'var(--text-tertiary)' };
}

/** What may go wrong, and what to do about it. */
const causes: Readonly<Record<string, { label: string; todo: string }>> = {
  'soft-short': {
    label: 'Soft short',
    todo: 'Take the pack out of fast charging and have the cell examined: it discharges itself inside.',
  },
  'weak-cell': { label: 'Weak cell', todo: 'Plan the exchange of its module; it limits the whole pack.' },
  'cell-spread': {
    label: 'Cells apart',
    todo: 'Let the pack balance at a full charge; look again after a day.',
  },
  thermal: { label: 'Too warm', todo: 'Charge slower until the cooling has been looked at.' },
  'current-bias': {
    label: 'Current sensor off',
    todo: 'Have the sensor calibrated; the twin allows for it.',
  },
  'sensor-stuck': { label: 'Sensor stuck', todo: 'Exchange the sensor; the twin goes on without it.' },
  'sensor-implausible': { label: 'Sensor implausible', todo: 'Look at the wiring of the sensor.' },
  plating: { label: 'Plating risk', todo: 'Charge slower while it is cold, or warm the pack first.' },
  knee: { label: 'Ageing faster', todo: 'Plan the replacement: capacity is about to fall more quickly.' },
};

export const causeNames = Object.keys(causes);
export const causeLabel = (cause: string): string => causes[cause]?.label ?? cause;
export const causeTodo = (cause: string): string => causes[cause]?.todo ?? '';

/** "91.2 % (90.1 to 92.4)". */
export function bounded(of: Bounds | null | undefined, digits = 1): string {
  return of
    ? `${percent(of.value, digits)} (${(of.low * 100).toFixed(digits)} to ${(of.high * 100).toFixed(digits)})`
    : '–';
}

/** Days of a year. */
export const YEAR = 365.25;

/** A span of days as people say it. */
export function span(days: number | null | undefined): string {
  if (days == null) return 'over 20 years';
  if (days < 1) return `${Math.round(days * 24)} h`;
  if (days < 60) return `${Math.round(days)} days`;
  if (days < 730) return `${Math.round(days / 30.44)} months`;
  return `${(days / YEAR).toFixed(1)} years`;
}

const horizons: Readonly<Record<string, string>> = {
  '1h': 'In 1 hour',
  '24h': 'In 24 hours',
  '1week': 'In 1 week',
  '1month': 'In 1 month',
};
export const horizonLabel = (name: string): string => horizons[name] ?? name;

const levers: Readonly<Record<string, string>> = {
  'charge-late': 'Charge late',
  'charge-up-to': 'Charge less full',
  'cool-first': 'Cool first',
  'charge-slower': 'Charge slower',
};
export const leverLabel = (lever: string): string => levers[lever] ?? lever;

/** A difference with its sign, "+1.4" or "−0.2": a minus as wide as a plus. */
export function signed(value: number, digits = 1): string {
  const text = Math.abs(value).toFixed(digits);
  return Number(text) === 0 ? text : `${value < 0 ? '−' : '+'}${text}`;
}

/** A health that may be anywhere in a span this wide is not known. */
const UNSURE = 0.2;

/** The driver's own question, answered from what the twin knows. */
export function verdict(of: {
  status: string;
  soh: Bounds | null;
  warnings: readonly { severity: string }[];
}): { tone: 'good' | 'warn' | 'bad' | 'none'; text: string } {
  if (of.warnings.some((w) => w.severity === 'critical'))
    return { tone: 'bad', text: 'The battery needs a workshop now.' };
  if (of.warnings.some((w) => w.severity === 'major'))
    return { tone: 'warn', text: 'The battery should be looked at soon.' };
  if (!of.soh || of.soh.high - of.soh.low > UNSURE || of.status === 'unknown' || of.status === 'starting')
    return { tone: 'none', text: 'The battery has not told enough yet.' };
  if (of.soh.value < 0.7) return { tone: 'warn', text: 'The battery has aged: plan its replacement.' };
  return {
    tone: 'good',
    text: `The battery is healthy: it still holds ${percent(of.soh.value)} of what it held when new.`,
  };
}
