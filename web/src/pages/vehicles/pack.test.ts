import { expect, it } from 'vitest';
import type { Twin } from '@/api/types';
import { cellRows, packState } from './pack';
import { stationOf } from './use-vehicle';

const twin: Twin = {
  id: 'pack-1',
  model: 'dtmi:voltwin:BatteryPack;1',
  etag: '1',
  updated_at: '2026-11-21T08:00:00Z',
  properties: { soc: 0.4, cell_voltage_v: [3.8, 3.9, 'broken'], cell_temp_c: [20], chemistry: 'NMC' },
  metadata: {},
  relationships: [],
  incoming: [],
};

it('prefers what the stream knows newer and survives holes', () => {
  const pack = packState(twin, { soc: 0.5, temp_c: 31 });
  expect(pack).toMatchObject({ soc: 0.5, temp_c: 31, chemistry: 'NMC', capacity_wh: null, count: 3 });
  const rows = cellRows(pack.cells, pack.count);
  expect(rows[0]).toMatchObject({ voltage_v: 3.8, temp_c: 20, soc: null });
  expect(rows[0]?.deviation_v).toBeCloseTo(-0.05, 12);
  expect(rows[2]).toMatchObject({ voltage_v: null, deviation_v: null });
});

it('finds the station of a connector whatever its identity holds', () => {
  expect(stationOf('CP-1:2:1')).toBe('CP-1');
  expect(stationOf('a:b:2:1')).toBe('a:b');
  expect(stationOf('odd')).toBe('odd');
});
