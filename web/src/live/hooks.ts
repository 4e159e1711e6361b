import { useCallback, useEffect, useMemo, useRef, useSyncExternalStore } from 'react';
import type { Overview } from '@/api/types';
import { live, type FocusValue, type LiveEvents, type LiveEventType } from './client';
import type { Topic } from './frames';
import type { Link } from './messages';
import {
  connectorCounts,
  rowReaders,
  type ConnectorLive,
  type LiveRows,
  type StationLive,
  type VehicleLive,
} from './rows';

/** Text that changes more often than this cannot be read. */
const HOOK_INTERVAL_MS = 250;

/** Passes changes on at most every 250 ms, the last one always. */
function throttled(subscribe: (changed: () => void) => () => void, notify: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | null = null;
  let last = 0;
  const fire = () => {
    timer = null;
    last = performance.now();
    notify();
  };
  const stop = subscribe(() => {
    if (timer !== null) return;
    const wait = last + HOOK_INTERVAL_MS - performance.now();
    if (wait <= 0) fire();
    else timer = setTimeout(fire, wait);
  });
  return () => {
    stop();
    if (timer !== null) clearTimeout(timer);
  };
}

function start(): void {
  if (!live.started) live.start();
}

/** The state of the link, its clock offset and round trip. */
export function useLinkState(): Link {
  return useSyncExternalStore(
    useCallback((notify) => {
      start();
      return throttled((changed) => live.onLink(changed), notify);
    }, []),
    () => live.link,
  );
}

/** The newest key figures, null before the first second. */
export function useKpi(): Overview | null {
  return useSyncExternalStore(
    useCallback((notify) => {
      start();
      return live.onKpi(notify);
    }, []),
    () => live.kpi,
  );
}

/** Re-renders at most four times a second while `topics` change; returns a number that grows with them. */
function useVersion(topics: readonly Topic[]): number {
  const key = topics.join();
  return useSyncExternalStore(
    useCallback(
      (notify) => {
        start();
        const stops = (key.split(',') as Topic[]).map((topic) =>
          throttled((changed) => live.stores[topic].subscribe(changed), notify),
        );
        return () => stops.forEach((stop) => stop());
      },
      [key],
    ),
    () => topics.reduce((sum, topic) => sum + live.stores[topic].version, 0),
  );
}

/** A station as the stream sees it; null for null and for one that is not in the stream. */
export function useStationLive(id: string | null | undefined): StationLive | null {
  const version = useVersion(STATION);
  return useMemo(() => one('station', id, version), [id, version]);
}

/** A vehicle as the stream sees it. */
export function useVehicleLive(id: string | null | undefined): VehicleLive | null {
  const version = useVersion(VEHICLE);
  return useMemo(() => one('vehicle', id, version), [id, version]);
}

/** The connectors of a station in EVSE order. */
export function useConnectorsLive(stationId: string | null | undefined): ConnectorLive[] {
  const version = useVersion(CONNECTOR);
  return useMemo(() => connectorsOf(stationId, version), [stationId, version]);
}

/** How many connectors are in each state, by its word; those of a station that is offline count as `Offline`. */
export function useConnectorCounts(): ReadonlyMap<string, number> {
  const version = useVersion(CONNECTOR_AND_STATION);
  return useMemo(() => connectorCounts(live, version), [version]);
}

/** All rows of a topic, without the deleted ones. For tables: throttled, and a new array only when rows changed. */
export function useTableRows<T extends Topic>(topic: T): LiveRows[T][] {
  const version = useVersion(useMemo(() => [topic], [topic]));
  return useMemo(() => all(topic, version), [topic, version]);
}

/** Up to 64 twins followed closely: their property values, and what brought the newest, as they change. */
export function useFollowed(ids: readonly string[]): ReadonlyMap<string, FocusValue> {
  const key = ids.join('\n');
  const cache = useRef<{ key: string; map: Map<string, FocusValue> }>({ key: '', map: new Map() });
  return useSyncExternalStore(
    useCallback(
      (notify) => {
        const twins = key === '' ? [] : key.split('\n');
        start();
        const release = live.focus(twins);
        const wanted = new Set(twins);
        const stop = throttled(
          (changed) =>
            live.onFocus((twin) => {
              if (wanted.has(twin)) changed();
            }),
          notify,
        );
        return () => {
          stop();
          release();
        };
      },
      [key],
    ),
    () => {
      const twins = key === '' ? [] : key.split('\n');
      const held = cache.current;
      const same =
        held.key === key && twins.every((twin) => held.map.get(twin) === live.focusValues.get(twin));
      if (same) return held.map;
      const map = new Map<string, FocusValue>();
      for (const twin of twins) {
        const followed = live.focusValues.get(twin);
        if (followed) map.set(twin, followed);
      }
      cache.current = { key, map };
      return map;
    },
  );
}

/** Property values of up to 64 twins by twin and name, as they change. */
export function useFocus(ids: readonly string[]): ReadonlyMap<string, Record<string, unknown>> {
  const followed = useFollowed(ids);
  return useMemo(
    () => new Map([...followed].map(([twin, { values }]) => [twin, values] as const)),
    [followed],
  );
}

/** Calls `listener` with every alarm, command or transaction that changes; returns the way to stop. */
export function onLiveEvent<T extends LiveEventType>(
  type: T,
  listener: (record: LiveEvents[T]) => void,
): () => void {
  start();
  return live.onEvent(type, listener);
}

/** {@link onLiveEvent} for the life of a component. */
export function useLiveEvent<T extends LiveEventType>(
  type: T,
  listener: (record: LiveEvents[T]) => void,
): void {
  const newest = useRef(listener);
  useEffect(() => {
    newest.current = listener;
  });
  useEffect(() => onLiveEvent(type, (record) => newest.current(record)), [type]);
}

const STATION: readonly Topic[] = ['station'];
const VEHICLE: readonly Topic[] = ['vehicle'];
const CONNECTOR: readonly Topic[] = ['connector'];
const CONNECTOR_AND_STATION: readonly Topic[] = ['connector', 'station'];

// The version argument is what makes React call these again.
function one<T extends Topic>(topic: T, id: string | null | undefined, _version: number): LiveRows[T] | null {
  if (id == null) return null;
  const row = live.stores[topic].rowOf(id);
  return row < 0 ? null : rowReaders(live)[topic](row);
}

function all<T extends Topic>(topic: T, _version: number): LiveRows[T][] {
  const store = live.stores[topic];
  const read = rowReaders(live)[topic];
  const rows: LiveRows[T][] = [];
  for (let row = 0; row < store.count; row++) if (!store.isDeleted(row)) rows.push(read(row));
  return rows;
}

function connectorsOf(stationId: string | null | undefined, _version: number): ConnectorLive[] {
  if (stationId == null) return [];
  const station = live.stores.station.rowOf(stationId);
  if (station < 0) return [];
  const store = live.stores.connector;
  const rows: ConnectorLive[] = [];
  for (let row = 0; row < store.count; row++) {
    if (store.columns.station[row] === station) rows.push(rowReaders(live).connector(row));
  }
  return rows.sort((a, b) => a.evse - b.evse || a.connector - b.connector);
}
