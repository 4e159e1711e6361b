import { describe, expect, it } from 'vitest';
import type { Scene } from '@/api/types';
import { columnEnergy } from '@/ui/format';
import { connectorName, placeOf, placesOf, stationName, zoneName } from './names';
import { typeKey } from './shell';

const scene = {
  zones: [{ id: 'zone-old-market', name: 'Old Market' }],
  hubs: [{ id: 'hub-market-garage', name: 'Market Garage' }],
  sites: [{ id: 'site-quay', name: 'Quay Offices', grid: { id: 'grid-quay' } }],
  stations: [
    {
      id: 'ST-02',
      name: 'Garage level 1',
      hub: 'hub-market-garage',
      site: 'site-quay',
      zone: 'zone-old-market',
      connectors: [
        { id: 'ST-02:1:1', evse: 1, connector: 1 },
        { id: 'ST-02:2:2', evse: 2, connector: 2 },
      ],
    },
    { id: 'ST-9', name: null, connectors: [{ id: 'ST-9:1:1', evse: 1, connector: 1 }] },
  ],
} as unknown as Scene;

describe('names', () => {
  it('stand where the network gives them', () => {
    expect(zoneName(scene, 'zone-old-market')).toBe('Old Market');
    expect(stationName(scene, 'ST-02')).toBe('Garage level 1');
    expect(connectorName(scene, 'ST-02:1:1')).toBe('Garage level 1 · 1');
    expect(connectorName(scene, 'ST-02:2:2')).toBe('Garage level 1 · 2.2');
    expect(connectorName(scene, 'ST-9:1:1')).toBe('ST-9 · 1');
  });

  it('are the ids where it does not, or is not known yet', () => {
    expect(zoneName(undefined, 'zone-x')).toBe('zone-x');
    expect(stationName(scene, 'ST-9')).toBeNull();
    expect(connectorName(scene, 'ST-7:1:1')).toBe('ST-7:1:1');
  });

  it('lead from a place to its stations', () => {
    expect(placeOf(scene, 'hub-market-garage')).toBe('Market Garage');
    expect(placeOf(scene, 'grid-quay')).toBe('Quay Offices');
    expect(placeOf(scene, 'PACK-001')).toBeNull();
    expect(placesOf(scene, 'ST-02')).toEqual(['Market Garage', 'Quay Offices', 'Old Market']);
    expect(placesOf(scene, 'ST-9')).toEqual([]);
  });
});

it('energies in a column have their point in one place', () => {
  expect(['15547.8', '26760', '0', '1234567.4'].map(columnEnergy)).toEqual([
    '15.548 kWh',
    '26.760 kWh',
    '0.000 kWh',
    '1,234.567 kWh',
  ]);
  expect(columnEnergy(null)).toBe('–');
  expect(columnEnergy('much')).toBe('–');
});

it('keys build a text before there is a field for it', () => {
  const typed = ['g', 'a', 'x', 'Backspace', 'Shift', 'r'].reduce(typeKey, '');
  expect(typed).toBe('gar');
});
