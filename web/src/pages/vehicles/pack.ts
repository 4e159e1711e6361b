import type { Twin } from '@/api/types';

/** What the cells of a pack say, one entry a cell; a list that the pack does not report is empty. */
export interface PackCells {
  voltage_v: readonly number[];
  temp_c: readonly number[];
  soc: readonly number[];
}

export interface PackState {
  chemistry: string | null;
  capacity_wh: number | null;
  soc: number | null;
  soh: number | null;
  voltage_v: number | null;
  current_a: number | null;
  temp_c: number | null;
  cells: PackCells;
  count: number;
}

const number = (value: unknown) => (typeof value === 'number' && Number.isFinite(value) ? value : null);
const numbers = (value: unknown): number[] =>
  Array.isArray(value) ? value.map((v) => (typeof v === 'number' ? v : NaN)) : [];

/** Reads a pack from its twin and the newer values of the stream. */
export function packState(twin: Twin, newer: Record<string, unknown> | undefined): PackState {
  const p = { ...twin.properties, ...newer };
  const cells = {
    voltage_v: numbers(p.cell_voltage_v),
    temp_c: numbers(p.cell_temp_c),
    soc: numbers(p.cell_soc),
  };
  return {
    chemistry: typeof p.chemistry === 'string' ? p.chemistry : null,
    capacity_wh: number(p.capacity_wh),
    soc: number(p.soc),
    soh: number(p.soh),
    voltage_v: number(p.voltage_v),
    current_a: number(p.current_a),
    temp_c: number(p.temp_c),
    cells,
    count: Math.max(cells.voltage_v.length, cells.temp_c.length, cells.soc.length),
  };
}

export interface CellRow {
  index: number;
  voltage_v: number | null;
  temp_c: number | null;
  soc: number | null;
  /** Voltage above or below the mean of the pack. */
  deviation_v: number | null;
}

export function cellRows(cells: PackCells, count: number): CellRow[] {
  const voltages = cells.voltage_v.filter((v) => Number.isFinite(v));
  const mean = voltages.length > 0 ? voltages.reduce((a, b) => a + b, 0) / voltages.length : null;
  return Array.from({ length: count }, (_, index) => {
    const voltage_v = number(cells.voltage_v[index]);
    return {
      index,
      voltage_v,
      temp_c: number(cells.temp_c[index]),
      soc: number(cells.soc[index]),
      deviation_v: voltage_v === null || mean === null ? null : voltage_v - mean,
    };
  });
}
