/** The form `swap-scenario/1` as the server takes it: docs/swap.md says what each field means and its limits. */

export const SCHEMA = 'swap-scenario/1';

/** A number, or a law of chance with its parameters. */
export type Law =
  | number
  | { dist: 'const'; value: number }
  | { dist: 'uniform'; lo: number; hi: number }
  | { dist: 'exp'; mean: number }
  | { dist: 'lognormal'; mean: number; cv: number }
  | { dist: 'truncnorm'; mean: number; sd: number; lo: number; hi: number };

export interface SwapStation {
  id: string;
  lat: number;
  lon: number;
  bays: number;
  batteries: number;
  chargers: number;
  grid_kw: number | null;
  demand_scale: number;
  trace?: unknown[];
  hours?: { open_h: number; close_h: number };
}

export interface Economics {
  swap_price?: number;
  energy_per_kwh?: number[];
  peak_per_kw_month?: number;
  capital?: Partial<Record<'station' | 'bay' | 'battery' | 'charger' | 'grid_kw', number>>;
  life_years?: number;
}

export interface Scenario {
  schema: typeof SCHEMA;
  name?: string;
  horizon_s: number;
  warmup_s: number;
  meter_s: number;
  seed: number;
  replications: number;
  battery: { capacity_kwh: number; soh0: Law; fade_per_efc: number; swap_min_soc: number };
  charge: {
    p_max_kw: number;
    soc_cv: number;
    target_soc: number;
    efficiency: number;
    cooldown_s: number;
    derating?: { ambient_c: number[]; factor: [number, number][] };
  };
  grid: { policy: 'admission' | 'share' };
  swap: Law;
  arrival_soc: Law;
  service: {
    on_stockout: 'lost' | 'wait';
    patience?: Law;
    queue_cap?: number | null;
    reroute?: { prob: number; max_hops: number; speed_kmh: number; detour: number } | null;
  };
  demand: {
    profile_per_h: number[];
    dow: number[];
    rate_jitter_cv: number;
    arrival_jitter_s: number;
    day_jitter_cv?: number;
  };
  stations: SwapStation[];
  economics?: Economics;
  failures?: Partial<Record<'charger' | 'bay', { mtbf_h: number; mttr_h: number }>>;
}

/** The value at a path such as `stations[2].bays`; undefined where there is none. */
export function valueAt(root: unknown, path: string): unknown {
  return keysOf(path).reduce<unknown>(
    (at, key) =>
      typeof at === 'object' && at !== null ? (at as Record<string | number, unknown>)[key] : undefined,
    root,
  );
}

/** A copy with another value at a path; undefined takes the key away. What is not on the way stays the same object. */
export function withValue<T>(root: T, path: string, value: unknown): T {
  const set = (at: unknown, [key, ...rest]: readonly (string | number)[]): unknown => {
    if (key === undefined) return value;
    const inner = set((at as Record<string | number, unknown> | undefined)?.[key], rest);
    if (typeof key === 'number') {
      const list = Array.isArray(at) ? [...(at as unknown[])] : [];
      list[key] = inner;
      return list;
    }
    const { [key]: _, ...others } = (at ?? {}) as Record<string, unknown>;
    return inner === undefined ? others : { ...(at as object | undefined), [key]: inner };
  };
  return set(root, keysOf(path)) as T;
}

function keysOf(path: string): (string | number)[] {
  return path
    .split(/[.[\]]+/)
    .filter((part) => part !== '')
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part));
}

/** Vehicles that a day brings to all stations, before chance: profile × mean weekday × scales. */
export function vehiclesPerDay(scenario: Scenario): number {
  const sum = (list: readonly number[]) => list.reduce((all, x) => all + x, 0);
  const drawn = scenario.stations.filter((s) => s.trace === undefined).map((s) => s.demand_scale);
  return sum(scenario.demand.profile_per_h) * (sum(scenario.demand.dow) / 7) * sum(drawn);
}
