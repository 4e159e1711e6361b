import { describe, expect, it } from 'vitest';
import type { Twin } from '@/api/types';
import { around, grouped, labelOf, netOf } from './net';
import { exact, shown } from './value';

const twin = (
  id: string,
  out: [string, string][] = [],
  incoming: [string, string][] = [],
  name?: string,
): Twin => ({
  id,
  model: 'dtmi:a:Thing;1',
  etag: '',
  updated_at: '',
  properties: name === undefined ? {} : { name },
  metadata: {},
  relationships: out.map(([r, target]) => ({ id: `${r}-${target}`, name: r, target })),
  incoming: incoming.map(([r, source]) => ({ id: `${r}-${source}`, name: r, source })),
});

const station = twin(
  'S',
  [
    ['has', 'E1'],
    ['has', 'E2'],
  ],
  [['contains', 'P']],
  'Quay',
);
const twins = new Map(
  [station, twin('E1', [], [['has', 'S']]), twin('P', [['contains', 'S']])].map((t) => [t.id, t]),
);

describe('a net of twins', () => {
  it('draws a relationship once, though both ends know of it', () => {
    const net = netOf(twins, new Set(['S', 'E1', 'E2', 'P']));
    expect(net.nodes.map((n) => [n.id, n.label, n.model, n.degree])).toEqual([
      ['S', 'Quay', 'dtmi:a:Thing;1', 3],
      ['E1', 'E1', 'dtmi:a:Thing;1', 1],
      // Not read yet: only its id is known.
      ['E2', 'E2', null, null],
      ['P', 'P', 'dtmi:a:Thing;1', 1],
    ]);
    expect(net.edges).toEqual([
      { source: 'S', target: 'E1', name: 'has' },
      { source: 'S', target: 'E2', name: 'has' },
      { source: 'P', target: 'S', name: 'contains' },
    ]);
  });

  it('leaves out what leads to a twin that is not shown', () => {
    expect(netOf(twins, new Set(['S', 'P'])).edges).toEqual([{ source: 'P', target: 'S', name: 'contains' }]);
  });

  it('begins around a twin, within a bound', () => {
    expect([...around(station, 3)]).toEqual(['S', 'E1', 'E2']);
    expect([...around(station, 10)]).toEqual(['S', 'E1', 'E2', 'P']);
    expect(grouped(station)).toEqual([
      { name: 'has', way: 'out', ids: ['E1', 'E2'] },
      { name: 'contains', way: 'in', ids: ['P'] },
    ]);
    expect([labelOf(station), labelOf(twin('X', [], [], ''))]).toEqual(['Quay', 'X']);
  });
});

describe('a value of a twin', () => {
  const of = (name: string, unit: string | null = null) => ({ name, unit });
  it('is shown by its unit, or as a share', () => {
    expect(shown(7200, of('power_w', 'watt'))).toBe('7.2 kW');
    expect(shown(15_552.6, of('energy_wh', 'wattHour'))).toBe('15.6 kWh');
    expect(shown(0.415, of('soc'))).toBe('41.5 %');
    expect(shown(53.5436, of('lat_deg', 'degree'))).toBe('53.5436°');
    expect(shown(3, undefined)).toBe('3');
    expect(shown(0.1 + 0.2, undefined)).toBe('0.3');
  });

  it('is told shortly where it is long, and exactly where it is asked', () => {
    expect(shown([3.5, 3.6], of('cell_voltage_v', 'volt'))).toBe('3.5 V, 3.6 V');
    expect(shown([1, 2, 3, 4, 5], of('x'))).toBe('5 values, 1 to 5');
    expect(shown('x'.repeat(300), of('x'))).toBe(`${'x'.repeat(60)}… (300 characters)`);
    expect([shown(null, undefined), shown('', undefined), shown(true, undefined)]).toEqual(['–', '–', 'Yes']);
    expect([exact('a'), exact([1]), exact({ a: 1 })]).toEqual(['a', '[1]', '{"a":1}']);
  });
});
