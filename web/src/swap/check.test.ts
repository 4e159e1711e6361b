import { describe, expect, it } from 'vitest';
import { check } from './check';
import { presets } from './presets';
import { readScenario } from './read-scenario';
import { withValue, type Scenario } from './scenario';

const base = presets[0]?.scenario as Scenario;

describe('a scenario', () => {
  it.each(presets.map((p) => [p.id, p] as const))('%s is sound as it comes', (_id, preset) => {
    expect([...check(preset.scenario)]).toEqual([]);
    expect(readScenario(JSON.stringify(preset.scenario))).toEqual(preset.scenario);
  });

  it.each([
    ['horizon_s', 86_400 * 4_000, 'horizon_s'],
    ['horizon_s', 604_801, 'horizon_s'],
    ['warmup_s', 604_800, 'warmup_s'],
    ['meter_s', 30, 'meter_s'],
    ['replications', 1.5, 'replications'],
    ['seed', -1, 'seed'],
    ['battery.soh0', { dist: 'uniform', lo: 0.5, hi: 1.2 }, 'battery.soh0'],
    ['battery.soh0', { dist: 'uniform', lo: 1, hi: 0.9 }, 'battery.soh0.hi'],
    ['charge.target_soc', 0.7, 'charge.target_soc'],
    ['charge.target_soc', 0.94, 'charge.target_soc'],
    ['charge.efficiency', 0.1, 'charge.efficiency'],
    ['arrival_soc', 0.8, 'arrival_soc'],
    ['arrival_soc', { dist: 'exp', mean: 0.2 }, 'arrival_soc'],
    ['swap', { dist: 'truncnorm', mean: 90, sd: 0, lo: 10, hi: 200 }, 'swap.sd'],
    ['service.reroute.max_hops', 21, 'service.reroute.max_hops'],
    ['service.queue_cap', -1, 'service.queue_cap'],
    ['demand.profile_per_h[3]', -1, 'demand.profile_per_h[3]'],
    ['demand.dow', [1], 'demand.dow'],
    ['stations', [], 'stations'],
    ['stations[1].id', 'C1', 'stations[1].id'],
    ['stations[2].bays', 0, 'stations[2].bays'],
    ['stations[0].grid_kw', 50, 'stations[0].grid_kw'],
    ['economics', { life_years: 0 }, 'economics.life_years'],
  ])('with %s at %j is wrong at %s, and nowhere else', (path, value, field) => {
    expect([...check(withValue(base, path, value)).keys()]).toEqual([field]);
  });

  it('may be short of power of one charger where all share it', () => {
    const shared = withValue(withValue(base, 'grid.policy', 'share'), 'stations[0].grid_kw', 50);
    expect(check(shared).size).toBe(0);
  });

  it('is refused where it would simulate more than is possible', () => {
    const huge = withValue(
      base,
      'demand.profile_per_h',
      Array.from({ length: 24 }, () => 10_000),
    );
    const crowd = withValue(
      withValue(huge, 'horizon_s', 86_400 * 900),
      'stations',
      base.stations.map((s) => ({ ...s, demand_scale: 100 })),
    );
    expect(check(crowd).get('horizon_s')).toContain('vehicles would come');
  });
});

describe('a file that is no scenario', () => {
  const broken = (path: string, value: unknown) => JSON.stringify(withValue(base, path, value));
  it.each([
    ['no JSON', '{'],
    ['an object', '[]'],
    ['swap-scenario/1', '{"schema":"swap-scenario/2"}'],
    ['charge.p_max_kw', broken('charge.p_max_kw', '60')],
    ['stations[1].lat', broken('stations[1].lat', null)],
    ['`swap`', broken('swap', [])],
  ])('is told by %s', (words, text) => {
    expect(readScenario(text)).toContain(words);
  });
});
