import { queryOptions } from '@tanstack/react-query';
import { api, seg } from './client';
import { PAGE, type ListSpec } from './queries';

/** A figure with the interval that it lies in. */
export interface Bounds {
  value: number;
  low: number;
  high: number;
}
/** As {@link Bounds}; null lies beyond what is looked at. */
export interface OpenBounds {
  value: number | null;
  low: number | null;
  high: number | null;
}

export interface BatteryWarning {
  cause: string;
  severity: string;
  since: string;
  cell: number | null;
  strength: number;
  message: string;
}

export interface Battery {
  id: string;
  vehicle: string | null;
  vehicle_name: string | null;
  chemistry: string | null;
  capacity_wh: number | null;
  cells_in_series: number | null;
  status: string;
  status_since: string | null;
  status_reason: string | null;
  soc: Bounds | null;
  soh: Bounds | null;
  resistance_ratio: Bounds | null;
  temp_c: Bounds | null;
  voltage_v: number | null;
  current_a: number | null;
  power_w: number | null;
  reported_soc: number | null;
  residual_v: number | null;
  residual_rms_v: number | null;
  soc_residual: number | null;
  excess_temp_k: number | null;
  risk: number;
  warnings: BatteryWarning[];
  observed_at: string | null;
  updated_at: string | null;
}

export interface BatteryDetail extends Battery {
  sensors: { voltage: string; current: string; temperature: string; current_bias_a: Bounds | null } | null;
  type: {
    source: string;
    cell_capacity_ah: number;
    cell_resistance_ohm: number;
    cell_voltage_min_v: number;
    cell_voltage_max_v: number;
    set: string | null;
    ageing_cell: string | null;
  } | null;
  /** One entry a cell; a list that is not known is empty. */
  cells: { voltage_v: number[]; temp_c: number[]; soc: number[] } | null;
}

export interface BatteryOverview {
  count: number;
  mean_soh: number | null;
  mean_soc: number | null;
  capacity_wh: number;
  energy_wh: number;
  by_status: Record<string, number>;
  by_chemistry: Record<string, number>;
  by_warning: Record<string, number>;
  soh_histogram: { from: number; to: number; count: number }[];
  worst: Battery[];
}

/** `[ms, lowest, mean, highest, values]` of a bucket. */
export type Bucket = [number, number, number, number, number];
export interface BatteryHistory {
  from: string;
  to: string;
  series: Record<string, Bucket[]>;
}

export interface LifePoint {
  days: number;
  soh: Bounds;
}

export interface BatteryForecast {
  at: string;
  coverage: number;
  method: { model: string; habit: string; observed_days: number; calibration: string };
  horizons: { name: string; days: number; soh: Bounds }[];
  curve: LifePoint[];
  end_of_life: { soh: number; days: OpenBounds };
  extrapolation: string[];
}

export interface BatteryAgeing {
  model: string;
  source: string;
  equivalent_age_days: number;
  full_cycles: number;
  soh: Bounds;
  loss_points: Record<string, number>;
  scales: Record<string, Bounds>;
  habit: { hour: number; soc: number; temp_c: number }[];
  habit_kind: string;
}

export interface BatteryAdvice {
  days: number;
  price_per_kwh: number;
  items: {
    lever: string;
    setting: Record<string, number | boolean>;
    points: Bounds;
    money: Bounds;
    applies: boolean;
    text: string;
  }[];
}

export interface BatterySection {
  set: string;
  c_rate: number;
  soc: number;
  current_a: number;
  temp_c: number;
  voltage_v: number;
  regions: { name: string; from_m: number; to_m: number }[];
  electrolyte: { x_m: number[]; concentration_mol_m3: number[] };
  negative_particle: Particle;
  positive_particle: Particle;
  plating_margin_v: number | null;
}
export interface Particle {
  r_m: number[];
  concentration_mol_m3: number[];
  max_mol_m3: number;
}

export interface BatteryComparison {
  a: BatteryDetail;
  b: BatteryDetail;
  difference: Record<string, number | null>;
  forecast: { a: LifePoint[]; b: LifePoint[] };
}

export interface WhatIfScenario {
  name: string;
  charge_late?: boolean;
  charge_to_soc?: number;
  max_charge_c_rate?: number;
  cool_to_c?: number;
  warmer_k?: number;
  v2g?: { soc_share: number; from_hour: number; to_hour: number };
}
export interface WhatIfRequest {
  batteries: string[];
  days: number;
  price_per_kwh?: number;
  end_soh?: number;
  scenarios: WhatIfScenario[];
}
export interface WhatIfOutcome {
  name: string;
  curve: LifePoint[];
  end_of_life_days: number | null;
  extrapolation: string[];
}
export interface WhatIfAnswer {
  at: string;
  days: number;
  batteries: {
    id: string;
    soh: Bounds;
    habit: string;
    present: WhatIfOutcome;
    scenarios: (WhatIfOutcome & { points: Bounds; money: Bounds })[];
  }[];
}

const key = ['batteries'] as const;

export interface BatteryFilter {
  sort?: string | undefined;
  order?: 'asc' | 'desc' | undefined;
  chemistry?: string | undefined;
  status?: string | undefined;
  warning?: string | undefined;
  q?: string | undefined;
}

export const batteriesQuery = (filter: BatteryFilter): ListSpec<Battery> => ({
  key: [...key, 'list', filter],
  path: '/batteries',
  params: { limit: PAGE, ...filter },
});

export const batteryOverviewQuery = queryOptions({
  queryKey: [...key, 'overview'] as const,
  queryFn: ({ signal }) => api.get<BatteryOverview>('/batteries/overview', { signal }),
  refetchInterval: 15_000,
});

const part = <T>(
  id: string,
  path: string,
  refetchInterval: number,
  params?: Record<string, string | number>,
) =>
  queryOptions({
    queryKey: [...key, 'one', id, path, params ?? null] as const,
    queryFn: ({ signal }) =>
      api.get<T>(`/batteries/${seg(id)}${path}`, { signal, ...(params ? { params } : {}) }),
    refetchInterval,
  });

export const batteryQuery = (id: string) => part<BatteryDetail>(id, '', 5_000);
export const batteryForecastQuery = (id: string) => part<BatteryForecast>(id, '/forecast', 300_000);
export const batteryAgeingQuery = (id: string) => part<BatteryAgeing>(id, '/ageing', 300_000);
export const batterySectionQuery = (id: string) => part<BatterySection>(id, '/section', 30_000);
export const batteryAdviceQuery = (id: string, days: number) =>
  part<BatteryAdvice>(id, '/advice', 300_000, { days });

export const batteryHistoryQuery = (id: string, minutes: number, points: number) =>
  queryOptions({
    queryKey: [...key, 'one', id, 'history', minutes, points] as const,
    queryFn: ({ signal }) => {
      const to = Date.now();
      return api.get<BatteryHistory>(`/batteries/${seg(id)}/history`, {
        signal,
        params: {
          from: new Date(to - minutes * 60_000).toISOString(),
          to: new Date(to).toISOString(),
          points,
        },
      });
    },
    refetchInterval: minutes <= 60 ? 10_000 : 60_000,
  });

export const batteryCompareQuery = (a: string, b: string) =>
  queryOptions({
    queryKey: [...key, 'compare', a, b] as const,
    queryFn: ({ signal }) => api.get<BatteryComparison>('/batteries/compare', { signal, params: { a, b } }),
    enabled: a !== '' && b !== '',
    refetchInterval: 15_000,
  });

export const askWhatIf = (request: WhatIfRequest, signal: AbortSignal) =>
  api.post<WhatIfAnswer>('/batteries/what-if', request, { signal });
