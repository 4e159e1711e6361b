import type { Scene } from '@/api/types';
import { LiveClient, type LiveSource } from '@/live/client';
import { encodeFrame, makeColumns, NO_ROW, type Columns, type FrameKind, type Topic } from '@/live/frames';
import type { FromWorker, ServerMessage } from '@/live/messages';

/** Roads of the synthetic city: a grid of this step, metres. */
const BLOCK_M = 400;
const HALF_M = 4800;
const ORIGIN = { lat_deg: 47.5, lon_deg: 8.5 };
const KX = 111_319.49 * Math.cos((ORIGIN.lat_deg * Math.PI) / 180);
const KZ = 111_319.49;
const STATIONS = 10;
const TYPES = ['cCCS2', 'sType2', 'cG105', 'cMCS', 'cNACS', 'cCCS2'] as const;
const KINDS = [3, 2, 4, 9, 8, 3] as const;

/** A seeded generator of numbers in 0 to 1: the same fleet for the same seed. */
export function random(seed: number): () => number {
  let s = seed >>> 0;
  return () => {
    s = (s + 0x6d2b79f5) >>> 0;
    let t = Math.imul(s ^ (s >>> 15), 1 | s);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** `vehicles:N` of the address, 1 to 200 000; null when it is absent or makes no sense. */
export function parseBench(text: string | null): number | null {
  const n = Number(/^vehicles:(\d{1,6})$/.exec(text ?? '')?.[1] ?? Number.NaN);
  return Number.isFinite(n) && n >= 1 && n <= 200_000 ? n : null;
}

const lon = (x: number) => ORIGIN.lon_deg + x / KX;
const lat = (z: number) => ORIGIN.lat_deg - z / KZ;

/** Five zones, four open sites and a hub of three storeys, ten stations. */
export function benchScene(): Scene {
  const ring = (points: [number, number][]): [number, number][] =>
    points.map(([x, z]) => [lon(x * HALF_M), lat(z * HALF_M)]);
  const c = 0.36;
  const zones = [
    {
      id: 'zone-centre',
      name: 'Centre',
      boundary: ring([
        [-c, -c],
        [c, -c],
        [c, c],
        [-c, c],
      ]),
    },
    {
      id: 'zone-north',
      name: 'North',
      boundary: ring([
        [-1, -1],
        [1, -1],
        [c + 0.02, -c - 0.02],
        [-c - 0.02, -c - 0.02],
      ]),
    },
    {
      id: 'zone-east',
      name: 'East',
      boundary: ring([
        [1.02, -0.98],
        [1.02, 0.98],
        [c + 0.02, c],
        [c + 0.02, -c],
      ]),
    },
    {
      id: 'zone-south',
      name: 'South',
      boundary: ring([
        [-1, 1],
        [1, 1],
        [c, c + 0.02],
        [-c, c + 0.02],
      ]),
    },
    {
      id: 'zone-west',
      name: 'West',
      boundary: ring([
        [-1.02, -0.98],
        [-1.02, 0.98],
        [-c - 0.02, c],
        [-c - 0.02, -c],
      ]),
    },
  ];
  const at = (x: number, z: number) => ({ lat_deg: lat(z * HALF_M), lon_deg: lon(x * HALF_M) });
  const sites = [
    { id: 'site-0', name: 'Central hub', zone: 'zone-centre', ...at(0.04, 0.02), grid: null },
    { id: 'site-1', name: 'North gate', zone: 'zone-north', ...at(-0.12, -0.68), grid: null },
    { id: 'site-2', name: 'East yard', zone: 'zone-east', ...at(0.7, -0.1), grid: null },
    { id: 'site-3', name: 'South park', zone: 'zone-south', ...at(0.18, 0.7), grid: null },
    { id: 'site-4', name: 'West depot', zone: 'zone-west', ...at(-0.7, 0.14), grid: null },
  ];
  const stations = Array.from({ length: STATIONS }, (_, i) => {
    const hub = i < 4;
    const site = sites[hub ? 0 : 1 + (i % 4)];
    const slow = i % 5 === 4;
    return {
      id: `CP-${String(i + 1).padStart(2, '0')}`,
      name: `CP-${String(i + 1).padStart(2, '0')}`,
      site: site?.id ?? null,
      zone: site?.zone ?? null,
      hub: hub ? 'hub-0' : null,
      level: hub ? i % 3 : 0,
      lat_deg: site?.lat_deg ?? null,
      lon_deg: site?.lon_deg ?? null,
      max_power_w: slow ? 22_000 : 150_000,
      connectors: Array.from({ length: 2 }, (_unused, k) => ({
        id: `CP-${String(i + 1).padStart(2, '0')}:${k + 1}:1`,
        evse: k + 1,
        connector: 1,
        type: slow ? 'sType2' : (TYPES[(i + k) % TYPES.length] ?? null),
        max_power_w: slow ? 11_000 : 150_000,
      })),
    };
  });
  const hubs = [{ id: 'hub-0', name: 'Central hub', site: 'site-0', levels: 3, ...at(0.04, 0.02) }];
  const lines = Array.from({ length: (2 * HALF_M) / BLOCK_M + 1 }, (_, i) => (i * BLOCK_M) / HALF_M - 1);
  const roads = lines.flatMap((at): [number, number][][] => [
    ring([
      [-1, at],
      [1, at],
    ]),
    ring([
      [at, -1],
      [at, 1],
    ]),
  ]);
  const paved = zones.map((zone, i) => ({ ...zone, roads: i === 0 ? roads : [] }));
  return { origin: ORIGIN, zones: paved, sites: sites.slice(1), hubs, stations };
}

/** When a fleet ticks: by the clock, when it is told to, or at once up to so many seconds. */
export type FleetPace = 'clock' | 'asked' | number;

/** What the page tells the fleet's worker. */
export type ToBenchWorker = { n: number; seed: number; pace: FleetPace } | 'tick';

/** A fleet on a grid of roads, ticking through the same frames and stores as the real stream. */
export class BenchFleet implements LiveSource {
  private readonly deliver: (message: FromWorker) => void;
  private readonly n: number;
  private readonly rand: () => number;
  private readonly scene = benchScene();
  private readonly vehicles: Columns<'vehicle'>;
  private readonly x: Float64Array;
  private readonly z: Float64Array;
  private readonly way: Uint8Array;
  private readonly pace: Float64Array;
  private readonly seq = new Map<Topic, number>();
  private readonly rows: Uint32Array<ArrayBuffer>;
  private timer: ReturnType<typeof setInterval> | null = null;
  private readonly epochMs: number;
  private readonly tickS: number;
  private timeS = 0;

  constructor(deliver: (message: FromWorker) => void, n: number, seed: number, pace: FleetPace) {
    const freeze = typeof pace === 'number' ? pace : null;
    this.deliver = deliver;
    this.n = n;
    this.rand = random(seed);
    this.tickS = n > 20_000 ? 1 : 0.2;
    this.epochMs = freeze === null ? Date.now() : 0;
    this.vehicles = makeColumns('vehicle', n);
    this.x = new Float64Array(n);
    this.z = new Float64Array(n);
    this.way = new Uint8Array(n);
    this.pace = new Float64Array(n);
    this.rows = new Uint32Array(n).map((_, i) => i);
    this.populate();
    queueMicrotask(() => {
      this.hello();
      if (freeze !== null) for (let t = 0; t < freeze; t += this.tickS) this.tick();
      else if (pace === 'clock') this.timer = setInterval(() => this.tick(), this.tickS * 1000);
    });
  }

  send(): void {}

  close(): void {
    if (this.timer !== null) clearInterval(this.timer);
  }

  private populate(): void {
    const streets = (2 * HALF_M) / BLOCK_M;
    for (let i = 0; i < this.n; i++) {
      const street = (Math.floor(this.rand() * (streets + 1)) - streets / 2) * BLOCK_M;
      const along = (this.rand() * 2 - 1) * HALF_M;
      this.way[i] = Math.floor(this.rand() * 4);
      const vertical = (this.way[i] as number) % 2 === 0;
      this.x[i] = vertical ? street : along;
      this.z[i] = vertical ? along : street;
      this.pace[i] = 7 + this.rand() * 8;
      this.vehicles.status[i] = this.rand() < 0.06 ? 2 : 1;
      this.vehicles.connector[i] = NO_ROW;
      this.vehicles.soc_e4[i] = Math.floor(this.rand() * 10_000);
    }
    // Every third connector has a vehicle; the last of them gives back to the grid.
    const connectors = STATIONS * 2;
    for (let c = 0, v = 0; c < connectors && v < this.n; c++) {
      if (c % 5 === 2 || c % 7 === 5) continue;
      this.vehicles.connector[v] = c;
      this.vehicles.status[v] = c % 6 === 3 ? 3 : 4;
      v += 1;
    }
    for (let i = 0; i < this.n; i++) this.write(i);
  }

  private write(i: number): void {
    const v = this.vehicles;
    v.at_ms[i] = Math.round(this.timeS * 1000);
    v.lat_e7[i] = Math.round(lat(this.z[i] as number) * 1e7);
    v.lon_e7[i] = Math.round(lon(this.x[i] as number) * 1e7);
    v.heading_cdeg[i] = (this.way[i] as number) * 9000;
    v.speed_cmps[i] = v.connector[i] === NO_ROW ? Math.round((this.pace[i] as number) * 100) : 0;
  }

  private hello(): void {
    this.deliver({
      t: 'link',
      link: {
        state: 'live',
        sinceMs: this.epochMs,
        attempt: 0,
        offsetMs: 0,
        rttMs: 0,
        epochMs: this.epochMs,
        resyncs: 0,
        detail: null,
      },
    });
    const station = makeColumns('station', STATIONS);
    const connector = makeColumns('connector', STATIONS * 2);
    this.scene.stations.forEach((s, i) => {
      station.status[i] = i === 6 ? 4 : i === 9 ? 0 : i % 4 === 1 ? 1 : 3;
      station.alarm[i] = i === 6 ? 4 : i === 3 ? 2 : 0;
      station.max_power_w[i] = s.max_power_w ?? 0;
      station.flags[i] = i === 9 ? 0 : 1;
      station.level[i] = s.level ?? 0;
      s.connectors.forEach((_, k) => {
        const c = i * 2 + k;
        const taken = !(c % 5 === 2 || c % 7 === 5) && i !== 6 && i !== 9;
        const charging = taken && c % 6 !== 3;
        connector.station[c] = i;
        connector.evse[c] = k + 1;
        connector.connector[c] = 1;
        connector.kind[c] = i % 5 === 4 ? 2 : (KINDS[(i + k) % KINDS.length] ?? 3);
        connector.status[c] = i === 6 ? 9 : i === 9 ? 8 : charging ? 3 : taken ? 5 : 1;
        const full = i % 5 === 4 ? 11_000 : 110_000;
        connector.power_w[c] = charging ? (c % 9 === 4 ? -0.3 : 0.4 + 0.6 * this.rand()) * full : 0;
        connector.max_power_w[c] = full;
        station.power_w[i] = (station.power_w[i] as number) + (connector.power_w[c] as number);
      });
    });
    this.emit(
      'station',
      'snapshot',
      STATIONS,
      station,
      this.scene.stations.map((s) => s.id),
    );
    const ids = this.scene.stations.flatMap((s) => s.connectors.map((c) => c.id));
    this.emit('connector', 'snapshot', ids.length, connector, ids);
    const names = Array.from({ length: this.n }, (_, i) => `EV-${i + 1}`);
    this.emit('vehicle', 'snapshot', this.n, this.vehicles, names);
  }

  /** One step of the fleet, sent as one frame. */
  tick(): void {
    this.timeS += this.tickS;
    for (let i = 0; i < this.n; i++) {
      if (this.vehicles.connector[i] !== NO_ROW) continue;
      this.drive(i);
      this.write(i);
    }
    this.emit('vehicle', 'delta', this.n, this.vehicles, null);
    const kpi = { type: 'pong', t: 0 } satisfies ServerMessage;
    this.deliver({ t: 'message', message: kpi });
  }

  private drive(i: number): void {
    const way = this.way[i] as number;
    const step = (this.pace[i] as number) * this.tickS;
    const axis = way % 2 === 0 ? this.z : this.x;
    const sign = way === 0 || way === 3 ? -1 : 1;
    const before = axis[i] as number;
    let after = before + sign * step;
    const crossed = Math.floor(before / BLOCK_M) !== Math.floor(after / BLOCK_M);
    if (Math.abs(after) >= HALF_M) {
      after = Math.sign(after) * HALF_M;
      this.way[i] = (way + 2) % 4;
    } else if (crossed && this.rand() < 0.4) {
      after = Math.round(after / BLOCK_M) * BLOCK_M;
      this.way[i] = (way + (this.rand() < 0.5 ? 1 : 3)) % 4;
    }
    axis[i] = after;
  }

  private emit<T extends Topic>(
    topic: T,
    kind: FrameKind,
    rows: number,
    columns: Columns<T>,
    ids: string[] | null,
  ): void {
    const seq = (this.seq.get(topic) ?? -1) + 1;
    this.seq.set(topic, seq);
    const buffer = encodeFrame({
      topic,
      kind,
      epoch: 1,
      rows,
      baseRow: 0,
      seq,
      journalSeq: seq,
      serverTimeUs: (this.epochMs + this.timeS * 1000) * 1000,
      row: kind === 'delta' ? this.rows : null,
      columns: columns as unknown as Columns<Topic>,
      ids,
    });
    this.deliver({ t: 'frame', buffer, length: buffer.byteLength, ids });
  }
}

/** A live source that ticks when it is told to. */
export interface BenchSource extends LiveSource {
  tick(): void;
}

/** The fleet in a worker: the page's main thread pays for what it would pay for with a server, and no more. */
export function workerFleet(
  deliver: (message: FromWorker) => void,
  n: number,
  seed: number,
  pace: FleetPace,
): BenchSource {
  const worker = new Worker(new URL('./bench.worker.ts', import.meta.url), { type: 'module', name: 'bench' });
  const tell = (message: ToBenchWorker) => worker.postMessage(message);
  worker.onmessage = (event: MessageEvent<FromWorker>) => deliver(event.data);
  tell({ n, seed, pace });
  return { send: () => {}, close: () => worker.terminate(), tick: () => tell('tick') };
}

/** A live client of its own that shows a synthetic fleet; the page's real stream is left alone. */
export function benchClient(vehicles: number, seed: number, freeze: number | null): LiveClient {
  const client = new LiveClient((deliver) =>
    // A frozen picture must repeat, so its fleet ticks here and now; a moving one ticks where the real stream does.
    freeze === null
      ? workerFleet(deliver, vehicles, seed, 'clock')
      : new BenchFleet(deliver, vehicles, seed, freeze),
  );
  client.start({ hz: vehicles > 20_000 ? 1 : 5, url: 'bench:' });
  return client;
}
