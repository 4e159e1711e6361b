import { expect, it } from 'vitest';
import { siteLoad } from './site-load';

it('splits the load of a site among its stations', () => {
  const load = siteLoad(
    [
      { id: 'a', powerW: 90_000 },
      { id: 'b', powerW: 30_000 },
      { id: 'c', powerW: 0 },
    ],
    240_000,
  );
  expect(load.share).toBe(0.5);
  expect(load.stations.map((s) => s.ofLoad)).toEqual([0.75, 0.25, 0]);
  expect(load.stations.map((s) => s.ofLimit)).toEqual([0.375, 0.125, 0]);
  // Two stations charge: 90 kW over a mean of 60 kW.
  expect(load.peakToMean).toBe(1.5);
});

it('takes what flows back as nothing taken, and an unknown limit as unknown', () => {
  const load = siteLoad([{ id: 'a', powerW: -11_000 }], 0);
  expect(load).toMatchObject({ powerW: 0, share: null, peakToMean: null });
});
