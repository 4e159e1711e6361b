import { expect, it } from 'vitest';
import { GROUPS_MAX } from '@/scene/types';
import { byFirmware, byOcpp, byUse, utilisation } from './groups';

const told = (g: ReturnType<typeof byOcpp>) => g.groups.map((group) => `${group.label}: ${group.count}`);

it('gives each OCPP version a colour and a silhouette of its own', () => {
  const versions = ['2.0.1', '1.6', '2.1', '1.6', null];
  const grouping = byOcpp(versions.map((ocpp_version, i) => ({ id: `${i}`, ocpp_version })));
  expect(told(grouping)).toEqual(['OCPP 1.6: 2', 'OCPP 2.0.1: 1', 'OCPP 2.1: 1', 'Not told: 1']);
  expect(new Set(grouping.groups.map((g) => g.look.shape)).size).toBe(4);
  expect(grouping.scene.of.get('1')).toBe(0);
  expect(grouping.scene.of.get('4')).toBe(3);
});

it('puts what is rare together, so that the scene has room', () => {
  const stations = Array.from({ length: 30 }, (_, i) => ({
    id: `${i}`,
    vendor: 'Acme',
    model: null,
    // Firmware 0 to 9: the lower the commoner.
    firmware_version: `${Math.floor(Math.sqrt(i * 3))}`,
  }));
  const grouping = byFirmware(stations);
  expect(grouping.groups.length).toBeLessThanOrEqual(GROUPS_MAX);
  expect(grouping.groups.reduce((sum, g) => sum + g.count, 0)).toBe(30);
  expect(grouping.groups.at(-2)?.label).toMatch(/^\d+ others$/);
  for (const place of grouping.scene.of.values()) expect(place).toBeLessThan(grouping.scene.looks.length);
});

it('measures use against the mean of the stations', () => {
  const connector = (station: string, share: number) => ({ station, utilisation: share }) as never;
  const used = utilisation([
    connector('busy', 0.5),
    connector('busy', 0.3),
    connector('even', 0.2),
    connector('quiet', 0.1),
    connector('idle', 0),
  ]);
  expect(used.get('busy')).toBeCloseTo(0.4);
  // Mean (0.4 + 0.2 + 0.1 + 0) / 4 = 0.175
  const grouping = byUse(
    ['busy', 'even', 'quiet', 'idle', 'new'].map((id) => ({ id })),
    used,
  );
  expect(told(grouping)).toEqual([
    '2 × the mean and up: 1',
    'Above the mean: 0',
    'About the mean: 1',
    'Below the mean: 1',
    'Not used: 1',
    'Not known: 1',
  ]);
});
