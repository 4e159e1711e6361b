import { SCHEMA, type Scenario } from './scenario';

/** What every scenario has, and of what kind it is. */
const shape: Readonly<Record<string, 'number' | 'law' | 'numbers' | 'text'>> = {
  horizon_s: 'number',
  warmup_s: 'number',
  meter_s: 'number',
  seed: 'number',
  replications: 'number',
  'battery.capacity_kwh': 'number',
  'battery.soh0': 'law',
  'battery.fade_per_efc': 'number',
  'battery.swap_min_soc': 'number',
  'charge.p_max_kw': 'number',
  'charge.soc_cv': 'number',
  'charge.target_soc': 'number',
  'charge.efficiency': 'number',
  'charge.cooldown_s': 'number',
  'grid.policy': 'text',
  swap: 'law',
  arrival_soc: 'law',
  'service.on_stockout': 'text',
  'demand.profile_per_h': 'numbers',
  'demand.dow': 'numbers',
  'demand.rate_jitter_cv': 'number',
  'demand.arrival_jitter_s': 'number',
};
const stationShape: readonly (readonly [string, 'number' | 'text'])[] = [
  ['id', 'text'],
  ['lat', 'number'],
  ['lon', 'number'],
  ['bays', 'number'],
  ['batteries', 'number'],
  ['chargers', 'number'],
  ['demand_scale', 'number'],
];

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

const holds: Readonly<Record<string, (value: unknown) => boolean>> = {
  number: isNumber,
  text: (value) => typeof value === 'string',
  numbers: (value) => Array.isArray(value) && value.every(isNumber),
  law: (value) => isNumber(value) || (isRecord(value) && typeof value.dist === 'string'),
};
const words: Readonly<Record<string, string>> = {
  number: 'a number',
  text: 'a text',
  numbers: 'a list of numbers',
  law: 'a number or a law',
};

/** A scenario out of a file, or what keeps it from being one: the field and what belongs there. */
export function readScenario(text: string): Scenario | string {
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch (error) {
    return `this is no JSON: ${error instanceof Error ? error.message : 'it cannot be read'}`;
  }
  if (!isRecord(root)) return 'a scenario is an object';
  if (root.schema !== SCHEMA) return `\`schema\` must be ${SCHEMA}`;
  for (const [path, kind] of Object.entries(shape)) {
    const value = path.split('.').reduce<unknown>((at, key) => (isRecord(at) ? at[key] : undefined), root);
    if (!holds[kind]?.(value)) return `\`${path}\` must be ${words[kind]}`;
  }
  if (!Array.isArray(root.stations)) return '`stations` must be a list';
  for (const [i, station] of (root.stations as unknown[]).entries()) {
    if (!isRecord(station)) return `\`stations[${i}]\` must be an object`;
    for (const [name, kind] of stationShape)
      if (!holds[kind]?.(station[name])) return `\`stations[${i}].${name}\` must be ${words[kind]}`;
    if (station.grid_kw == null) station.grid_kw = null;
    else if (!isNumber(station.grid_kw)) return `\`stations[${i}].grid_kw\` must be a number or null`;
  }
  return root as unknown as Scenario;
}
