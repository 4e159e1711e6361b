import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BufferPool } from './buffer-pool';
import { ColumnStore } from './column-store';
import {
  columnMap,
  decodeFrame,
  encodeFrame,
  makeColumns,
  WireError,
  type Frame,
  type FrameKind,
} from './frames';
import { LatencyMeter } from './latency';
import type { Link, ServerMessage } from './messages';
import { Projection, shortestTurn, VehicleMotion } from './motion';
import { backoffMs, LiveSession, type SocketLike } from './session';

const GOLDEN = join(process.cwd(), '../crates/live/wire/golden');
const golden = readdirSync(GOLDEN)
  .filter((name) => name.endsWith('.bin'))
  .map((name) => name.slice(0, -4));

function bytesOf(name: string): ArrayBuffer {
  const file = readFileSync(join(GOLDEN, `${name}.bin`));
  return new Uint8Array(file).buffer;
}

describe('frames', () => {
  it.each(golden)('reads the golden vector %s as the other end wrote it', (name) => {
    const expected = JSON.parse(readFileSync(join(GOLDEN, `${name}.json`), 'utf8')) as Record<
      string,
      unknown
    >;
    const buffer = bytesOf(name);
    if ('error' in expected) {
      expect(() => decodeFrame(buffer)).toThrow(WireError);
      return;
    }
    const frame = decodeFrame(buffer);
    const plain = {
      ...frame,
      row: frame.row && [...frame.row],
      columns: Object.fromEntries(Object.entries(columnMap(frame.columns)).map(([k, v]) => [k, [...v]])),
    };
    expect(plain).toMatchObject(expected);
    expect(new Uint8Array(encodeFrame(frame))).toEqual(new Uint8Array(buffer));
  });

  it('reads a frame from a pooled buffer that is longer', () => {
    const buffer = bytesOf('vehicle-snapshot');
    const pool = new BufferPool();
    const copy = pool.copy(buffer);
    expect(copy.byteLength).toBeGreaterThan(buffer.byteLength);
    expect(decodeFrame(copy, buffer.byteLength).ids).toEqual(decodeFrame(buffer).ids);
    pool.give(copy);
    expect(pool.take(buffer.byteLength)).toBe(copy);
  });
});

function vehicles(
  kind: FrameKind,
  rows: number[],
  seq: number,
  over: Partial<Frame<'vehicle'>> = {},
): Frame<'vehicle'> {
  const columns = makeColumns('vehicle', rows.length);
  rows.forEach((row, i) => {
    columns.lat_e7[i] = 475_000_000 + row * 1000;
    columns.lon_e7[i] = 85_000_000 + row;
    columns.at_ms[i] = seq * 200;
    columns.connector[i] = 0xffffffff;
  });
  return {
    topic: 'vehicle',
    kind,
    epoch: 1,
    rows: rows.length,
    baseRow: kind === 'append' ? (rows[0] ?? 0) : 0,
    seq,
    journalSeq: seq,
    serverTimeUs: seq * 200_000,
    serverTimeMs: seq * 200,
    row: kind === 'delta' ? Uint32Array.from(rows) : null,
    columns,
    ids: kind === 'delta' ? null : rows.map((row) => `EV-${row}`),
    ...over,
  };
}
const range = (n: number, from = 0) => Array.from({ length: n }, (_, i) => from + i);

describe('column store', () => {
  it('takes a snapshot, appends past its capacity and patches rows', () => {
    const store = new ColumnStore('vehicle');
    expect(store.apply(vehicles('snapshot', range(60), 0))).toBe('applied');
    expect(store.all).toBe(true);
    expect(store.apply(vehicles('append', range(200, 60), 1))).toBe('applied');
    expect(store.count).toBe(260);
    expect(store.capacity).toBe(512);
    expect(store.rowOf('EV-259')).toBe(259);
    expect(store.columns.lon_e7[10]).toBe(85_000_010);
    const delta = vehicles('delta', [3, 259], 2);
    delta.columns.soc_e4.set([1, 2]);
    expect(store.apply(delta)).toBe('applied');
    expect([...store.changed.slice(0, store.changedCount)]).toEqual([3, 259]);
    expect(store.columns.soc_e4[259]).toBe(2);
    expect(store.newestAtMs).toBe(400);
  });

  it('refuses what does not fit and hides what is deleted', () => {
    const store = new ColumnStore('vehicle');
    store.apply(vehicles('snapshot', range(4), 0));
    expect(store.apply(vehicles('delta', [1], 1, { epoch: 2 }))).toBe('mismatch');
    expect(store.apply(vehicles('delta', [9], 1))).toBe('mismatch');
    expect(store.apply(vehicles('append', [9], 1))).toBe('mismatch');
    const gone = vehicles('delta', [2], 1);
    gone.columns.flags[0] = 0x80;
    store.apply(gone);
    expect(store.rowOf('EV-2')).toBe(-1);
    expect(store.rowOf('EV-3')).toBe(3);
  });
});

class FakeSocket implements SocketLike {
  binaryType = '';
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  onerror: (() => void) | null = null;
  sent: { op: string; topic?: string; t?: number }[] = [];
  closed = false;
  send(data: string): void {
    this.sent.push(JSON.parse(data));
  }
  close(): void {
    this.closed = true;
  }
  ops(op: string): number {
    return this.sent.filter((m) => m.op === op).length;
  }
}

/** A world with a clock that only moves when told. */
function world() {
  let now = 1000;
  let next = 1;
  const timers = new Map<number, { at: number; run: () => void }>();
  const sockets: FakeSocket[] = [];
  const links: Link[] = [];
  const frames: Frame[] = [];
  const messages: ServerMessage[] = [];
  const session = new LiveSession({
    connect: () => {
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket;
    },
    now: () => now,
    random: () => 1,
    setTimeout: (run, ms) => {
      timers.set(next, { at: now + ms, run });
      return next++;
    },
    clearTimeout: (timer) => void timers.delete(timer),
    onLink: (link) => links.push(link),
    onFrame: (frame) => frames.push(frame),
    onMessage: (message) => messages.push(message),
  });
  const advance = (ms: number) => {
    const end = now + ms;
    for (;;) {
      const due = [...timers].filter(([, t]) => t.at <= end).sort((a, b) => a[1].at - b[1].at)[0];
      if (!due) break;
      timers.delete(due[0]);
      now = due[1].at;
      due[1].run();
    }
    now = end;
  };
  const socket = () => sockets.at(-1) as FakeSocket;
  const open = () => {
    session.start({ url: 'ws://x/live', topics: ['vehicle'], hz: 5 });
    socket().onopen?.();
  };
  const receive = (frame: Frame<'vehicle'>) => socket().onmessage?.({ data: encodeFrame(frame as Frame) });
  return {
    session,
    sockets,
    socket,
    links,
    frames,
    messages,
    advance,
    open,
    receive,
    link: () => links.at(-1) as Link,
  };
}

describe('session', () => {
  it('subscribes, passes frames on and becomes live', () => {
    const w = world();
    w.open();
    expect(w.socket().sent[0]).toMatchObject({ op: 'subscribe', topics: ['vehicle'], hz: 5 });
    w.receive(vehicles('snapshot', range(3), 7));
    w.receive(vehicles('delta', [1], 8));
    expect(w.frames.map((f) => f.kind)).toEqual(['snapshot', 'delta']);
    expect(w.link().state).toBe('live');
  });

  it.each([
    ['a gap', vehicles('delta', [1], 9)],
    ['another epoch', vehicles('delta', [1], 8, { epoch: 5 })],
    ['an append that leaves a hole', vehicles('append', [7], 8)],
  ])('asks for a fresh snapshot after %s and drops deltas until it comes', (_, bad) => {
    const w = world();
    w.open();
    w.receive(vehicles('snapshot', range(3), 7));
    w.receive(bad);
    expect(w.socket().ops('resync')).toBe(1);
    w.receive(vehicles('delta', [1], bad.seq + 1));
    expect(w.frames).toHaveLength(1);
    expect(w.socket().ops('resync')).toBe(1);
    w.receive(vehicles('snapshot', range(3), bad.seq + 2));
    w.receive(vehicles('delta', [1], bad.seq + 3));
    expect(w.frames.map((f) => f.kind)).toEqual(['snapshot', 'snapshot', 'delta']);
    expect(w.link().resyncs).toBe(1);
  });

  it('asks again for everything after bytes that are no frame', () => {
    const w = world();
    w.open();
    w.receive(vehicles('snapshot', range(3), 0));
    w.socket().onmessage?.({ data: new ArrayBuffer(12) });
    expect(w.socket().ops('resync')).toBe(1);
  });

  it('turns stale when silent, live when heard, and gives a dead socket up', () => {
    const w = world();
    w.open();
    w.receive(vehicles('snapshot', range(3), 0));
    w.advance(3600);
    expect(w.link().state).toBe('stale');
    w.socket().onmessage?.({ data: '{"type":"pong","t":4000}' });
    expect(w.link()).toMatchObject({ state: 'live', rttMs: 600 });
    w.advance(16_000);
    expect(w.link().state).not.toBe('live');
    expect(w.sockets.length).toBeGreaterThan(1);
  });

  it('tries again with growing waits, says offline after half a minute, and recovers', () => {
    const w = world();
    w.open();
    w.receive(vehicles('snapshot', range(3), 0));
    w.socket().onclose?.({ code: 1006, reason: '' });
    expect(w.link()).toMatchObject({ state: 'reconnecting', attempt: 1 });
    for (let i = 0; i < 8; i++) {
      w.advance(15_000);
      w.socket().onclose?.({ code: 1006, reason: '' });
    }
    expect(w.link().state).toBe('offline');
    w.advance(15_000);
    w.socket().onopen?.();
    w.receive(vehicles('snapshot', range(5), 0));
    expect(w.link().state).toBe('live');
    expect(w.socket().ops('subscribe')).toBe(1);
  });

  it('waits between half and all of an exponential time, never above 15 s', () => {
    expect(backoffMs(1, 0)).toBe(200);
    expect(backoffMs(1, 1)).toBe(400);
    expect(backoffMs(4, 1)).toBe(3200);
    expect(backoffMs(50, 1)).toBe(15_000);
  });
});

describe('motion', () => {
  const at = (m: VehicleMotion, now: number) => {
    const out = new Float64Array(4);
    m.sample(0, now, out);
    return [...out];
  };

  it('turns the short way', () => {
    expect(shortestTurn(65_000, 500)).toBe(1036);
    expect(shortestTurn(500, 65_000)).toBe(-1036);
    expect(shortestTurn(0, 32_767)).toBe(32_767);
  });

  it('goes from where the picture stands to the newest value without a jump', () => {
    const m = new VehicleMotion();
    m.setProjection(new Projection(47.5, 8.5));
    const store = new ColumnStore('vehicle');
    store.apply(vehicles('snapshot', [0], 0));
    m.apply(store, 10, 0.2);
    const moved = vehicles('delta', [0], 1);
    moved.columns.lon_e7[0] = 85_001_000;
    store.apply(moved);
    m.apply(store, 10.2, 0.2);
    const half = at(m, 10.31);
    const before = at(m, 10.2)[0] as number;
    const target = 0.0001 * 111_319.49 * Math.cos((47.5 * Math.PI) / 180);
    expect(before).toBeCloseTo(0, 2);
    expect(half[0]).toBeCloseTo(target / 2, 1);
    expect(at(m, 11)[0]).toBeCloseTo(target, 2);
    const again = vehicles('delta', [0], 2);
    store.apply(again);
    m.apply(store, 10.31, 0.2);
    expect(at(m, 10.31)[0]).toBeCloseTo(half[0] as number, 3);
  });
});

it('measures from the source to the first picture', () => {
  const meter = new LatencyMeter();
  expect(meter.quantiles()).toBeNull();
  meter.shown(5);
  meter.arrived(100);
  meter.arrived(160);
  meter.shown(180);
  meter.shown(900);
  expect(meter.quantiles()).toEqual({ p50: 80, p95: 80, count: 1 });
});
