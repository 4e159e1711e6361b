import { describe, expect, it } from 'vitest';
import type { Alarm, Scene } from '@/api/types';
import { LiveClient } from '@/live/client';
import { makeColumns, type Frame, type Topic } from '@/live/frames';
import { connectorCounts } from '@/live/rows';
import { countBySeverity, waits } from '../alarms';
import { placed } from './stage-note';
import { gridLimit } from './zone-panel';

const grid = (max_power_w: number) => ({ id: 'g', name: null, max_power_w }) as never;
const scene = {
  origin: { lat_deg: 0, lon_deg: 0 },
  zones: [],
  hubs: [],
  sites: [
    { id: 'A', name: 'A', lat_deg: 0, lon_deg: 0, zone: 'z', grid: grid(100_000) },
    { id: 'B', name: 'B', lat_deg: 0, lon_deg: 0, zone: 'z', grid: grid(50_000) },
    { id: 'C', name: 'C', lat_deg: 0, lon_deg: 0, zone: 'y', grid: null },
  ],
  stations: [
    { id: '1', site: 'A', zone: 'z', lat_deg: 1, lon_deg: 1 },
    { id: '2', site: 'A', zone: 'z', lat_deg: null, lon_deg: null },
    { id: '3', site: 'B', zone: 'z', lat_deg: 1, lon_deg: 1 },
    { id: '4', site: 'C', zone: 'y', lat_deg: 1, lon_deg: 1 },
  ],
} as unknown as Scene;

describe('a zone', () => {
  it('is limited by the grid connections of its sites, each once', () => {
    expect(gridLimit(scene, 'z')).toBe(150_000);
  });

  it('has no limit where a grid connection is not known', () => {
    expect(gridLimit(scene, 'y')).toBeNull();
    expect(gridLimit(scene, 'nowhere')).toBeNull();
    expect(gridLimit(undefined, 'z')).toBeNull();
  });
});

it('a station stands in the picture when it has a place', () => {
  expect(placed(scene)).toBe(3);
});

it('an alarm that is over waits for nobody and counts nowhere', () => {
  const alarm = (cleared_at: string | null, acknowledged_at: string | null) =>
    ({ severity: 'major', cleared_at, acknowledged_at }) as Alarm;
  const at = '2026-01-01T00:00:00Z';
  const all = [alarm(null, null), alarm(null, at), alarm(at, null), alarm(at, at)];
  expect(all.filter(waits)).toHaveLength(1);
  expect(countBySeverity(all).major).toBe(2);
});

function frame<T extends Topic>(topic: T, ids: string[], columns: object): Frame<T> {
  const made = Object.assign(makeColumns(topic, ids.length), columns);
  const clock = { seq: 0, journalSeq: 0, serverTimeUs: 0, serverTimeMs: 0 };
  const rest = { kind: 'snapshot', epoch: 1, rows: ids.length, baseRow: 0, row: null, ids } as const;
  return { ...clock, ...rest, topic, columns: made };
}

it('connectors of a station that is offline count as offline, whatever they said last', () => {
  const live = new LiveClient(() => ({ send: () => {}, close: () => {} }));
  live.stores.station.apply(frame('station', ['on', 'off'], { flags: Uint8Array.of(1, 0) }));
  live.stores.connector.apply(
    frame('connector', ['a', 'b', 'c'], {
      station: Uint32Array.of(0, 0, 1),
      status: Uint8Array.of(1, 2, 1),
      flags: Uint8Array.of(0, 0, 0),
    }),
  );
  const counts = connectorCounts(live);
  expect(counts.get('Offline')).toBe(1);
  expect([...counts.values()].reduce((a, b) => a + b)).toBe(3);
  expect(counts.size).toBe(3);
});
