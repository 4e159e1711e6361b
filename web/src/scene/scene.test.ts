import { describe, expect, it } from 'vitest';
import { benchScene, parseBench, random } from './bench';
import { wrap } from './control/camera';
import { guessLevel, LEVELS, startQuality, stepQuality } from './control/quality';
import { car, carFar, dcCabinet, socket } from './kit/geometry';
import { layOut } from './layout';
import { pace } from './modules/flows';
import { inside } from './modules/zones';
import { layOutPack } from './pack-layout';
import { RAMP, valueRange } from './pack-values';
import { readSettings } from './network-scene';

/** Runs pictures of `frameMs` for `forMs` and returns the state and the clock. */
function run(state: ReturnType<typeof startQuality>, from: number, frameMs: number, forMs: number) {
  let now = from;
  while (now < from + forMs) {
    now += frameMs;
    state = stepQuality(state, now, frameMs);
  }
  return { state, now };
}

describe('adaptive quality', () => {
  it('steps down after a second of slow pictures and up after five of fast ones', () => {
    let { state, now } = run(startQuality(3), 0, 30, 900);
    expect(state.level).toBe(3);
    ({ state, now } = run(state, now, 30, 300));
    expect(state.level).toBe(2);
    ({ state, now } = run(state, now, 8, 4000));
    expect(state.level).toBe(2);
    ({ state } = run(state, now, 8, 2000));
    expect(state.level).toBe(3);
  });

  it('settles after two changes of direction', () => {
    let { state, now } = run(startQuality(3), 0, 30, 1200);
    ({ state, now } = run(state, now, 8, 6000));
    ({ state, now } = run(state, now, 30, 2200));
    const held = state.level;
    expect(state.flips).toBe(2);
    ({ state, now } = run(state, now, 8, 20_000));
    expect(run(state, now, 40, 5000).state.level).toBe(held);
  });

  it('takes a pause for no slow picture, and stays within its levels', () => {
    const { state, now } = run(startQuality(2), 0, 30, 800);
    expect(stepQuality(state, now + 5000, 5000).slowSince).toBeNull();
    expect(run(startQuality(0), 0, 50, 20_000).state.level).toBe(0);
    expect(run(startQuality(9), 0, 5, 60_000).state.level).toBe(LEVELS.length - 1);
    expect(guessLevel({ cores: 16, coarsePointer: false, software: true })).toBe(0);
  });
});

describe('layout', () => {
  const layout = layOut(benchScene());

  it('gives every connector a bay of its own', () => {
    expect(layout.stations).toHaveLength(10);
    expect(layout.bays).toHaveLength(20);
    for (const a of layout.bays)
      for (const b of layout.bays)
        if (a !== b && a.site === b.site && a.level === b.level)
          expect(Math.abs(a.x - b.x) > 2.8 || Math.abs(a.z - b.z) > 5).toBe(true);
  });

  it('keeps stations and bays on their slab, and in their storey', () => {
    for (const bay of layout.bays) {
      const site = layout.sites[bay.site];
      expect(Math.abs(bay.x) + 1.4).toBeLessThan((site?.width ?? 0) / 2);
      expect(Math.abs(bay.z) + 2.6).toBeLessThan((site?.depth ?? 0) / 2);
      expect(bay.level).toBeLessThan(Math.max(1, site?.levels ?? 0));
    }
  });

  it('finds the zone around a point', () => {
    const centre = layout.zones.find((zone) => zone.id === 'zone-centre');
    expect(inside(centre?.ring ?? [], 0, 0)).toBe(true);
    expect(inside(centre?.ring ?? [], 4000, 0)).toBe(false);
  });

  it('survives an empty network', () => {
    const empty = layOut({
      origin: { lat_deg: 0, lon_deg: 0 },
      zones: [],
      sites: [],
      hubs: [],
      stations: [],
    });
    expect(empty.radius).toBeGreaterThan(0);
  });
});

describe('flow', () => {
  it('runs the way the power does, monotone and capped, and stands still at zero', () => {
    expect(pace(0)).toBe(0);
    expect(pace(-5000)).toBe(-pace(5000));
    let last = 0;
    for (const power of [1, 100, 5000, 50_000, 149_000]) {
      expect(pace(power)).toBeGreaterThan(last);
      last = pace(power);
    }
    expect(pace(1e9)).toBe(pace(150_000));
  });
});

describe('pack', () => {
  it.each([
    [6, 6],
    [96, 12],
    [4416, 46],
  ])('places %i cells in modules of %i without overlap', (count, size) => {
    const shape = count > 192 ? 'cylindrical' : 'prismatic';
    const { cells, modules, width, depth, pitchX } = layOutPack(count, size, shape);
    expect(cells).toHaveLength(count);
    expect(modules).toHaveLength(count / size);
    const places = new Set(cells.map((c) => `${c.x.toFixed(4)} ${c.z.toFixed(4)}`));
    expect(places.size).toBe(count);
    for (const c of cells) {
      expect(Math.abs(c.x)).toBeLessThanOrEqual(width / 2 - pitchX / 2 + 1e-9);
      expect(Math.abs(c.z)).toBeLessThanOrEqual(depth / 2);
    }
  });

  it('rises in lightness along the ramp and does not blow noise up', () => {
    const light = RAMP.map(
      (c) => 0.2126 * ((c >> 16) & 255) + 0.7152 * ((c >> 8) & 255) + 0.0722 * (c & 255),
    );
    light.slice(1).forEach((value, i) => expect(value).toBeGreaterThan(light[i] as number));
    expect(valueRange([3.7, 3.701], 0.02)).toEqual([expect.closeTo(3.6905), expect.closeTo(3.7105)]);
    expect(valueRange([Number.NaN], 4)).toEqual([0, 4]);
  });
});

it('keeps models inside their triangle budgets', () => {
  const triangles = (g: { getAttribute(name: 'position'): { count: number } }) =>
    g.getAttribute('position').count / 3;
  expect(triangles(car())).toBeLessThan(1100);
  expect(triangles(carFar())).toBeLessThanOrEqual(20);
  expect(triangles(dcCabinet())).toBeLessThan(1500);
  expect(triangles(socket())).toBeLessThan(200);
});

it('reads the address and nothing that is not a number', () => {
  expect(parseBench('vehicles:10000')).toBe(10_000);
  expect(parseBench('vehicles:900000')).toBeNull();
  expect(readSettings('?freeze=3&seed=7&bench=vehicles:25')).toEqual({
    freeze: 3,
    bench: 25,
    seed: 7,
    hud: false,
  });
  expect(readSettings('?freeze=soon').freeze).toBeNull();
  expect(random(5)()).toBe(random(5)());
  expect(wrap(7)).toBeCloseTo(7 - 2 * Math.PI);
});
