import type { WhatIfRequest, WhatIfScenario } from '@/api/batteries';

/** One habit as it is filled in: what is switched off is left as it is today. */
export interface Draft {
  name: string;
  late: boolean;
  upTo: boolean;
  upToPercent: number;
  slower: boolean;
  cRate: number;
  cool: boolean;
  coolTo: number;
  climate: number;
  v2g: boolean;
  v2gPercent: number;
  v2gFrom: number;
  v2gTo: number;
}

const plain: Draft = {
  name: '',
  late: false,
  upTo: false,
  upToPercent: 80,
  slower: false,
  cRate: 0.3,
  cool: false,
  coolTo: 20,
  climate: 0,
  v2g: false,
  v2gPercent: 20,
  v2gFrom: 17,
  v2gTo: 20,
};

/** Habits that people ask about first. */
export const presets: readonly Draft[] = [
  { ...plain, name: 'Charge late, to 80 %', late: true, upTo: true },
  { ...plain, name: 'Sell in the evening', v2g: true },
  { ...plain, name: 'Five degrees warmer', climate: 5 },
];

export const fresh = (n: number): Draft => ({ ...plain, name: `Habit ${n}` });

export const SCENARIOS_MAX = 8;
export const BATTERIES_MAX = 50;
export const YEARS_MAX = 19;

/** What is wrong with a habit, by the field that it stands in. */
export function problems(draft: Draft): Partial<Record<keyof Draft, string>> {
  const out: Partial<Record<keyof Draft, string>> = {};
  const within = (key: keyof Draft, on: boolean, low: number, high: number, unit: string) => {
    const value = draft[key] as number;
    if (on && !(value >= low && value <= high)) out[key] = `Between ${low} and ${high} ${unit}`;
  };
  if (draft.name.trim() === '') out.name = 'Give it a name';
  within('upToPercent', draft.upTo, 20, 100, '%');
  within('cRate', draft.slower, 0.02, 5, 'C');
  within('coolTo', draft.cool, 0, 45, '°C');
  within('climate', true, -30, 30, 'K');
  within('v2gPercent', draft.v2g, 1, 80, '%');
  within('v2gFrom', draft.v2g, 0, 23, "o'clock");
  within('v2gTo', draft.v2g, 1, 24, "o'clock");
  if (draft.v2g && !out.v2gTo && draft.v2gTo <= draft.v2gFrom) out.v2gTo = 'After its beginning';
  return out;
}

export function scenario(draft: Draft): WhatIfScenario {
  return {
    name: draft.name.trim(),
    ...(draft.late ? { charge_late: true } : {}),
    ...(draft.upTo ? { charge_to_soc: draft.upToPercent / 100 } : {}),
    ...(draft.slower ? { max_charge_c_rate: draft.cRate } : {}),
    ...(draft.cool ? { cool_to_c: draft.coolTo } : {}),
    ...(draft.climate !== 0 ? { warmer_k: draft.climate } : {}),
    ...(draft.v2g
      ? { v2g: { soc_share: draft.v2gPercent / 100, from_hour: draft.v2gFrom, to_hour: draft.v2gTo } }
      : {}),
  };
}

export function request(ids: readonly string[], years: number, drafts: readonly Draft[]): WhatIfRequest {
  return { batteries: [...ids], days: Math.round(years * 365), scenarios: drafts.map(scenario) };
}

/** The packs of an address: `A,B`. */
export function readIds(text: string | undefined): string[] {
  return [...new Set((text ?? '').split(',').map((id) => id.trim()))].filter((id) => id !== '');
}
