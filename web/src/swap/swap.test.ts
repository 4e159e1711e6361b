import { describe, expect, it } from 'vitest';
import { axisTop, rounded, scaled, smoothed, stroke } from './profile';
import { valueAt, vehiclesPerDay, withValue, type Scenario } from './scenario';
import { readStations, writeStations } from './stations-file';
import { fit, neighbour, pan, projectionOf, toDegrees, toMetres, toPx, zoom } from './view';

describe('a path into a scenario', () => {
  const root = { charge: { p_max_kw: 60 }, stations: [{ id: 'A' }, { id: 'B' }] };

  it('finds what the server names', () => {
    expect(valueAt(root, 'stations[1].id')).toBe('B');
    expect(valueAt(root, 'charge.p_max_kw')).toBe(60);
    expect(valueAt(root, 'charge.derating.factor[0]')).toBeUndefined();
  });

  it('writes a copy, and leaves alone what is not on the way', () => {
    const next = withValue(root, 'stations[1].id', 'C');
    expect(next).toEqual({ charge: { p_max_kw: 60 }, stations: [{ id: 'A' }, { id: 'C' }] });
    expect(next.charge).toBe(root.charge);
    expect(next.stations[0]).toBe(root.stations[0]);
    expect(root.stations[1]?.id).toBe('B');
  });

  it('makes what was missing, and takes away what is undefined', () => {
    const with_ = withValue(root, 'service.reroute.prob', 0.5);
    expect(with_).toMatchObject({ service: { reroute: { prob: 0.5 } } });
    expect(withValue(with_, 'service.reroute', undefined)).toEqual({ ...root, service: {} });
  });

  it('counts the vehicles of a mean day, without stations whose arrivals are known', () => {
    const demand = { profile_per_h: Array.from({ length: 24 }, () => 2), dow: [1, 1, 1, 1, 1, 1, 0.3] };
    const station = { id: 'A', lat: 0, lon: 0, bays: 1, batteries: 1, chargers: 1, grid_kw: null };
    const stations = [
      { ...station, demand_scale: 1.5 },
      { ...station, demand_scale: 9, trace: [] },
    ];
    expect(vehiclesPerDay({ demand, stations } as unknown as Scenario)).toBeCloseTo(48 * 0.9 * 1.5, 9);
  });
});

describe('a profile drawn by hand', () => {
  const flat = Array.from({ length: 24 }, () => 1);

  it('has no gap after a fast stroke, in either direction', () => {
    const up = stroke(flat, { hour: 3, rate: 0 }, { hour: 7, rate: 8 });
    expect(up.slice(2, 9)).toEqual([1, 0, 2, 4, 6, 8, 1]);
    expect(stroke(flat, { hour: 7, rate: 8 }, { hour: 3, rate: 0 })).toEqual(up);
  });

  it('keeps to the day and above nothing', () => {
    const over = stroke(flat, { hour: 22, rate: 3 }, { hour: 26, rate: -5 });
    expect(over).toHaveLength(24);
    expect(over[22]).toBe(3);
    expect(Math.min(...over)).toBeGreaterThanOrEqual(0);
    expect(rounded(-0.3, 0.1)).toBe(0);
  });

  it('has an axis in round figures with room above', () => {
    expect(axisTop([0, 0])).toBe(1);
    expect(axisTop([4.4])).toBe(10);
    expect(axisTop([1.7])).toBe(2);
    expect(axisTop([0.02])).toBe(0.05);
  });

  it('keeps its day when it is smoothed, and its shape when it is scaled', () => {
    const peak = flat.map((rate, i) => (i === 0 ? 25 : rate));
    const sum = (list: number[]) => list.reduce((a, b) => a + b, 0);
    expect(sum(smoothed(peak))).toBeCloseTo(sum(peak), 9);
    expect(smoothed(peak)[23]).toBe(7);
    expect(scaled([1, 2], 1.1)).toEqual([1.1, 2.2]);
  });
});

describe('a file of stations', () => {
  it('takes what it names, and what is usual for the rest', () => {
    const { stations, faults } = readStations('lon,id,lat,batteries,colour\n121.5,"A, b",25,24,red\n');
    expect(faults).toEqual([]);
    expect(stations).toEqual([
      {
        id: 'A, b',
        lat: 25,
        lon: 121.5,
        bays: 1,
        batteries: 24,
        chargers: 16,
        grid_kw: null,
        demand_scale: 1,
      },
    ]);
    expect(readStations(writeStations(stations))).toEqual({ stations, faults: [] });
  });

  it.each([
    ['id,lat\nA,1\n', 1, 'lon'],
    ['id,lat,lon\n', 1, 'no station'],
    ['id,lat,lon\nA,91,0\n', 2, '-90 and 90'],
    ['id,lat,lon\nA,0,east\n', 2, 'must be a number'],
    ['id,lat,lon,bays\nA,0,0,1.5\n', 2, 'whole'],
    ['id,lat,lon\n,0,0\n', 2, '`id` is missing'],
    ['id,lat,lon,grid_kw\nA,0,0,0\n', 2, 'grid_kw'],
    ['id,lat,lon\nA,0,0\nA,1,1\n', 3, 'line 2 already'],
  ])('says what is wrong with %j', (text, line, words) => {
    const { faults } = readStations(text);
    expect(faults).toHaveLength(1);
    expect(faults[0]?.line).toBe(line);
    expect(faults[0]?.text).toContain(words);
  });
});

describe('the view of a map', () => {
  const places = [
    { id: 'A', lat: 25.0, lon: 121.5 },
    { id: 'B', lat: 25.04, lon: 121.58 },
  ];
  const projection = projectionOf(places);
  const size = { width: 800, height: 500 };
  const view = fit(places, projection, size);

  it('holds every place', () => {
    for (const { lat, lon } of places) {
      const [px, py] = toPx(view, size, projection.x(lon), projection.z(lat));
      expect(px).toBeGreaterThan(30);
      expect(px).toBeLessThan(770);
      expect(py).toBeGreaterThan(30);
      expect(py).toBeLessThan(470);
    }
  });

  it('comes back from pixels to metres, and from metres to degrees', () => {
    const [x, z] = toMetres(view, size, 123, 321);
    const [px, py] = toPx(view, size, x, z);
    expect([px, py]).toEqual([expect.closeTo(123, 9), expect.closeTo(321, 9)]);
    const a = toDegrees(projection, projection.x(121.51), projection.z(25.013));
    expect(a).toEqual({ lat: 25.013, lon: 121.51 });
  });

  it('keeps what lies under the pixel when it comes closer', () => {
    const before = toMetres(view, size, 600, 100);
    const closer = zoom(view, size, 0.5, 600, 100);
    expect(closer.metresPerPx).toBeCloseTo(view.metresPerPx / 2, 9);
    const after = toMetres(closer, size, 600, 100);
    expect(after[0]).toBeCloseTo(before[0], 6);
    expect(after[1]).toBeCloseTo(before[1], 6);
    expect(toMetres(pan(view, 10, 0), size, 110, 0)).toEqual(toMetres(view, size, 100, 0));
  });

  it('goes to the next station in the direction of a key', () => {
    const at = [
      { id: 'east', x: 100, z: 10 },
      { id: 'far', x: 300, z: 0 },
      { id: 'south', x: 0, z: 90 },
    ];
    expect(neighbour(at, { x: 0, z: 0 }, 1, 0)).toBe('east');
    expect(neighbour(at, { x: 0, z: 0 }, 0, 1)).toBe('south');
    expect(neighbour(at, { x: 0, z: 0 }, -1, 0)).toBeNull();
  });
});
