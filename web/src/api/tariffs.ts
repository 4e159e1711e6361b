import { queryOptions } from '@tanstack/react-query';
import { api, ApiError, seg, type Page } from './client';
import type { ListSpec } from './queries';

/**
 * Tariffs, assignments and receipts as docs/api.md and docs/tariffs.md describe them. The server's own document says
 * `object` for what is inside a tariff and a line, so the fields stand here. Money and energy are decimal strings and
 * are never turned into numbers.
 */
export type Kind = 'energy' | 'time' | 'parking' | 'flat';

export const days = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const;
export type Day = (typeof days)[number];

export type Reservation = 'reservation' | 'reservation_expires';

export interface Component {
  kind: Kind;
  price: string;
  tax_percent?: string | undefined;
  step?: number | undefined;
}

/** When an element holds: from the lower bounds on, and below the upper ones. */
export interface Restrictions {
  start_time?: string;
  end_time?: string;
  start_date?: string;
  end_date?: string;
  days?: Day[];
  min_energy_wh?: string;
  max_energy_wh?: string;
  min_power_w?: string;
  max_power_w?: string;
  min_current_a?: string;
  max_current_a?: string;
  min_duration_s?: number;
  max_duration_s?: number;
  reservation?: Reservation;
}

export interface Element {
  components: Component[];
  restrictions?: Restrictions | undefined;
}

export interface Limit {
  net: string;
  gross?: string | undefined;
}

export interface TariffSpec {
  currency: string;
  elements: Element[];
  min_price?: Limit | undefined;
  max_price?: Limit | undefined;
  idle_grace_s?: number | undefined;
  rounding?: 'line' | 'total' | undefined;
  texts?: { language: string; text: string }[] | undefined;
  url?: string | undefined;
  valid_from?: string | undefined;
  valid_to?: string | undefined;
}

export interface Tariff {
  id: string;
  version: number;
  name: string;
  tariff: TariffSpec;
  created_at: string;
  created_by: string;
  retired: boolean;
}

export interface CostLine {
  kind: Kind | 'reservation_time' | 'reservation_flat' | 'minimum' | 'maximum';
  used: string;
  billed: string;
  price: string;
  net: string;
  tax_percent?: string;
  tax: string;
  from: string;
  /** Place of the element in the tariff; none of a line that is of the whole. */
  element?: number | null;
}

export interface Cost {
  currency: string;
  net: string;
  tax: string;
  gross: string;
  lines: CostLine[];
}

export interface Receipt {
  number: number;
  final: boolean;
  revision: number | null;
  reason: string | null;
  created_at: string | null;
  tariff: string;
  tariff_version: number;
  tariff_name: string;
  time_zone: string;
  energy_wh: string;
  charging_s: string;
  idle_s: string;
  quarantined: boolean;
  station_cost: {
    gross: string | null;
    net: string | null;
    currency: string | null;
    agrees: boolean | null;
  } | null;
  tariff_changes: { from: string; tariff: string; tariff_version: number; tariff_name: string }[];
  unchanged: { net: string; gross: string; difference: string } | null;
  cost: Cost;
}

export interface Assignment {
  number: number;
  scope: 'transaction' | 'evse' | 'station' | 'site' | 'default';
  target: string;
  token_group: string | null;
  from: string;
  tariff: string | null;
  created_at: string;
  created_by: string;
}

export const tariffsKey = ['tariffs'] as const;

export const tariffsQuery: ListSpec<Tariff> = {
  key: [...tariffsKey, 'list'],
  path: '/tariffs',
  params: { limit: 200 },
};

export const assignmentsQuery: ListSpec<Assignment> = {
  key: [...tariffsKey, 'assignments'],
  path: '/tariff-assignments',
  params: { limit: 200 },
};

export const tariffQuery = (id: string) =>
  queryOptions({
    queryKey: [...tariffsKey, 'one', id] as const,
    queryFn: ({ signal }) => api.get<Tariff>(`/tariffs/${seg(id)}`, { signal }),
  });

export const versionsQuery = (id: string) =>
  queryOptions({
    queryKey: [...tariffsKey, 'versions', id] as const,
    queryFn: ({ signal }) => api.get<Page<Tariff>>(`/tariffs/${seg(id)}/versions`, { signal }),
  });

export interface PreviewInput {
  energy_wh: string;
  duration_s: number;
  idle_s: number;
  start: string;
  time_zone: string;
  /** Over all phases; unknown when left out. */
  current_a?: string | undefined;
}

/** What a session would cost by a tariff, saved or not. */
export const previewQuery = (spec: TariffSpec, input: PreviewInput) =>
  queryOptions({
    queryKey: [...tariffsKey, 'preview', spec, input] as const,
    queryFn: ({ signal }) => api.post<Cost>('/tariff-previews', spec, { signal, params: { ...input } }),
    retry: false,
    staleTime: 60_000,
  });

/** The receipt of a transaction; null where no tariff applies. */
export const receiptQuery = (number: number, running: boolean) =>
  queryOptions({
    queryKey: ['transactions', 'receipt', number] as const,
    queryFn: async ({ signal }) => {
      try {
        return await api.get<Receipt>(`/transactions/${number}/receipt`, { signal });
      } catch (error) {
        if (error instanceof ApiError && error.status === 404) return null;
        throw error;
      }
    },
    refetchInterval: running ? 5_000 : false,
  });
