import { severityKey, tokens, type SeverityKey, type Theme } from '@/ui/tokens';

/** One entry a cell; a list that the pack does not report is empty. */
export interface PackCells {
  voltage_v: readonly number[];
  temp_c: readonly number[];
  soc: readonly number[];
}

/** What is known of the pack as one thing; it colours all cells alike where they are not told apart. */
export interface PackWhole {
  soc?: number | null | undefined;
  soh?: number | null | undefined;
  temp_c?: number | null | undefined;
  current_a?: number | null | undefined;
  /** Of a cell, or of the cells in parallel that carry the current together. */
  capacity_ah?: number | null | undefined;
}

/** A warning in words; its cell counts from 1, null where it is about the pack. */
export interface CellWarning {
  cell: number | null;
  severity: string;
  label: string;
}

export interface PackInput {
  count: number;
  cells: PackCells;
  whole: PackWhole;
  /** Null where nobody looks for faults. */
  warnings: readonly CellWarning[] | null;
}

export const PACK_MODES = ['temperature', 'voltage', 'soc', 'balance', 'soh', 'current', 'fault'] as const;
export type PackMode = (typeof PACK_MODES)[number];

/** Steps of every ramp. */
export const RAMP_STEPS = 10;

/** Dark blue to yellow, even in lightness for every common colour vision (cividis). */
export const RAMP: readonly number[] = [
  0x00224e, 0x123570, 0x3b496c, 0x575d6d, 0x707173, 0x8a8678, 0xa59c74, 0xc3b369, 0xe1cc55, 0xfee838,
];
/** Blue below, grey at nothing, orange above. */
const AROUND: readonly number[] = [
  0x1f63c4, 0x4279c4, 0x638dc0, 0x82a0b9, 0x9dabb3, 0xb4aba0, 0xc6a987, 0xd19d62, 0xd98f3c, 0xdd7f0f,
];
const WORSE: readonly SeverityKey[] = ['none', 'minor', 'major', 'critical'];

export type RampKind = 'rising' | 'around' | 'severity';

/** The colours of a kind; of severities each stands at its own knot, see {@link severityAt}. */
export function rampOf(kind: RampKind, theme: Theme): readonly number[] {
  if (kind === 'rising') return RAMP;
  if (kind === 'around') return AROUND;
  return Array.from(
    { length: RAMP_STEPS },
    (_, i) => tokens.severity[WORSE[Math.floor(i / 3)] ?? 'critical'][theme],
  );
}

const severityAt = (key: SeverityKey) => (Math.max(0, WORSE.indexOf(key)) * 3) / (RAMP_STEPS - 1);

/** A ramp as a CSS gradient. */
export function rampCss(ramp: readonly number[] = RAMP): string {
  return `linear-gradient(90deg, ${ramp.map((c) => `#${c.toString(16).padStart(6, '0')}`).join(', ')})`;
}

/** Range of the values, never narrower than `least`, so that noise does not look like a difference. */
export function valueRange(values: readonly number[], least: number): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (const v of values) {
    if (!Number.isFinite(v)) continue;
    low = Math.min(low, v);
    high = Math.max(high, v);
  }
  if (low > high) return [0, least];
  const missing = least - (high - low);
  return missing > 0 ? [low - missing / 2, high + missing / 2] : [low, high];
}

/** How the cells look in a mode, and what a reader is told of it. */
export interface PackView {
  name: string;
  ramp: RampKind;
  /** Along the ramp 0 to 1 a cell, −1 where nothing is known. */
  at: readonly number[];
  /** Ends of the legend; null where it is a list of words. */
  ends: readonly [string, string] | null;
  /** What the picture says, in a sentence. */
  note: string;
  /** Cells worth a label, with their text. */
  labels: readonly { cell: number; text: string }[];
}

interface Scale {
  name: string;
  /** Narrowest range that is worth the whole ramp. */
  least: number;
  text: (value: number) => string;
}

const celsius = (v: number) => `${v.toFixed(1)} °C`;
const share = (v: number) => `${(v * 100).toFixed(1)} %`;
const volt = (v: number) => `${v.toFixed(3)} V`;
const sign = (v: number, text: string) => `${v < 0 ? '−' : v > 0 ? '+' : ''}${text}`;
const milli = (v: number) => sign(Math.round(v * 1000), `${Math.abs(v * 1000).toFixed(0)} mV`);
const ampere = (v: number) => sign(v, `${Math.abs(v).toFixed(1)} A`);

const scales = {
  temperature: { name: 'Temperature', least: 4, text: celsius },
  voltage: { name: 'Voltage', least: 0.02, text: volt },
  soc: { name: 'Charge', least: 0.04, text: share },
} satisfies Record<string, Scale>;

export const modeName: Readonly<Record<PackMode, string>> = {
  temperature: 'Temperature',
  voltage: 'Voltage',
  soc: 'Charge',
  balance: 'Balance',
  soh: 'Health',
  current: 'Current',
  fault: 'Faults',
};

const finite = (v: number | null | undefined): v is number => v != null && Number.isFinite(v);
const some = (values: readonly number[]) => values.some(finite);

/** The modes that something is known for. */
export function modesOf({ cells, whole, warnings }: PackInput): PackMode[] {
  const has: Record<PackMode, boolean> = {
    temperature: some(cells.temp_c) || finite(whole.temp_c),
    voltage: some(cells.voltage_v),
    soc: some(cells.soc) || finite(whole.soc),
    balance: cells.voltage_v.filter(finite).length > 1,
    soh: finite(whole.soh),
    current: finite(whole.current_a),
    fault: warnings !== null,
  };
  return PACK_MODES.filter((mode) => has[mode]);
}

/** The middle of some values: one cell that is far off does not move it. */
export function median(values: readonly number[]): number {
  const sorted = values.filter(finite).toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  if (sorted.length === 0) return NaN;
  return ((sorted[Math.ceil(half - 1)] ?? NaN) + (sorted[Math.floor(half)] ?? NaN)) / 2;
}

function ofCells(count: number, scale: Scale, values: readonly number[], around = false): PackView {
  const reach = around ? Math.max(scale.least, ...values.filter(finite).map(Math.abs)) : 0;
  const [low, high] = around ? [-reach, reach] : valueRange(values, scale.least);
  let most = -1;
  let least = -1;
  values.forEach((v, i) => {
    if (!finite(v)) return;
    if (most < 0 || v > (values[most] ?? 0)) most = i;
    if (least < 0 || v < (values[least] ?? 0)) least = i;
  });
  const text = (i: number) => scale.text(values[i] ?? NaN);
  const differ = most >= 0 && text(most) !== text(least);
  return {
    name: scale.name,
    ramp: around ? 'around' : 'rising',
    at: Array.from({ length: count }, (_, i) => {
      const v = values[i];
      return finite(v) ? (v - low) / (high - low) : -1;
    }),
    ends: [scale.text(low), scale.text(high)],
    note: differ
      ? `Highest ${text(most)} in cell ${most + 1}, lowest ${text(least)} in cell ${least + 1}.`
      : most < 0
        ? 'No cell says it.'
        : `All cells at ${text(most)}.`,
    labels: differ
      ? [
          { cell: most, text: `${most + 1}: ${text(most)}` },
          { cell: least, text: `${least + 1}: ${text(least)}` },
        ]
      : [],
  };
}

/** One value for all cells on a scale of its own. */
function ofWhole(
  count: number,
  name: string,
  value: number,
  [low, high]: readonly [number, number],
  text: (v: number) => string,
  note: string,
  ramp: RampKind = 'rising',
): PackView {
  const at = Math.min(1, Math.max(0, (value - low) / (high - low)));
  return {
    name,
    ramp,
    at: Array.from({ length: count }, () => at),
    ends: [text(low), text(high)],
    note: `${text(value)}. ${note}`,
    labels: [],
  };
}

const MOST_LABELS = 8;

/** The worst warning of each cell, by cell from 0. */
export function worstOf(warnings: readonly CellWarning[], count: number): Map<number, CellWarning> {
  const worst = new Map<number, CellWarning>();
  for (const w of warnings) {
    if (w.cell === null || w.cell < 1 || w.cell > count) continue;
    const before = worst.get(w.cell - 1);
    const rank = (of: CellWarning) => WORSE.indexOf(severityKey(of.severity));
    if (!before || rank(w) > rank(before)) worst.set(w.cell - 1, w);
  }
  return worst;
}

function ofFaults(count: number, warnings: readonly CellWarning[]): PackView {
  const worst = worstOf(warnings, count);
  const entries = [...worst].toSorted(([a], [b]) => a - b);
  const pack = [...new Set(warnings.filter((w) => w.cell === null).map((w) => w.label.toLowerCase()))];
  const cells = entries.map(([cell, w]) => `cell ${cell + 1} (${w.label.toLowerCase()})`);
  const named = cells.length > MOST_LABELS ? `${cells.length} cells` : cells.join(', ');
  return {
    name: 'Faults',
    ramp: 'severity',
    at: Array.from({ length: count }, (_, i) => {
      const w = worst.get(i);
      return w ? severityAt(severityKey(w.severity)) : 0;
    }),
    ends: null,
    note: [
      cells.length === 0 ? 'No cell has a warning.' : `A warning on ${named}.`,
      ...(pack.length > 0 ? [`On the pack: ${pack.join(', ')}.`] : []),
    ].join(' '),
    labels: entries.slice(0, MOST_LABELS).map(([cell, w]) => ({ cell, text: `${cell + 1}: ${w.label}` })),
  };
}

const ALIKE = 'One value of the pack: its cells are not told apart.';
/** Below this a pack is past any use in a vehicle. */
const SOH_FLOOR = 0.6;

export function packView(mode: PackMode, input: PackInput): PackView {
  const { count, cells, whole, warnings } = input;
  if (mode === 'fault') return ofFaults(count, warnings ?? []);
  if (mode === 'balance') {
    const middle = median(cells.voltage_v);
    const apart = cells.voltage_v.map((v) => v - middle);
    return ofCells(
      count,
      { name: 'Voltage against the middle cell', least: 0.005, text: milli },
      apart,
      true,
    );
  }
  if (mode === 'soh') return ofWhole(count, 'Health', whole.soh ?? NaN, [SOH_FLOOR, 1], share, ALIKE);
  if (mode === 'current') {
    const a = whole.current_a ?? NaN;
    const reach = Math.max(Math.abs(a), whole.capacity_ah ?? 0, 1);
    const way = a > 0 ? 'Into the pack' : a < 0 ? 'Out of the pack' : 'Nothing flows';
    const note = `${way}; cells in series all carry the same.`;
    return ofWhole(count, 'Current', a, [-reach, reach], ampere, note, 'around');
  }
  if (mode === 'temperature' && !some(cells.temp_c) && finite(whole.temp_c))
    return ofWhole(count, 'Temperature', whole.temp_c, [-10, 50], celsius, ALIKE);
  if (mode === 'soc' && !some(cells.soc) && finite(whole.soc))
    return ofWhole(count, 'Charge', whole.soc, [0, 1], share, ALIKE);
  const of = mode === 'temperature' ? cells.temp_c : mode === 'voltage' ? cells.voltage_v : cells.soc;
  return ofCells(count, scales[mode], of);
}

/** All that is known of one cell, a line each. */
export function cellText(cell: number, { count, cells, warnings }: PackInput): string[] {
  const lines = [`Cell ${cell + 1} of ${count}`];
  const add = (v: number | undefined, text: (v: number) => string) => {
    if (finite(v)) lines.push(text(v));
  };
  add(cells.voltage_v[cell], volt);
  add(cells.temp_c[cell], celsius);
  add(cells.soc[cell], share);
  for (const w of warnings ?? []) if (w.cell === cell + 1) lines.push(w.label);
  return lines;
}
