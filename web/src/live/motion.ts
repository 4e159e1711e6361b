import type { ColumnStore } from './column-store';
import { FLAG_DELETED, FLAG_UNACKNOWLEDGED, NO_ROW, UNKNOWN_DEGREES, UNKNOWN_SOC } from './frames';

const METRES_PER_DEGREE = 111_319.49;
/** One step of `duration`. */
const DURATION_STEP_S = 0.02;
/** Start times are 32-bit floats: they are counted from a base that moves, so that they stay exact to 0.1 ms. */
const REBASE_AFTER_S = 1800;
/** Farther than this in one step is no drive but a correction: jump. */
const JUMP_M = 2500;
/** Driving into a bay or out of it, and the longest step that a late value is stretched to. */
const DOCKING_S = 2.4;
const STEP_MAX_S = 5;

/** Degrees → metres around an origin: x east, z south. True to 0.1 % within 50 km. */
export class Projection {
  readonly lat: number;
  readonly lon: number;
  private readonly kx: number;

  constructor(latDeg: number, lonDeg: number) {
    this.lat = latDeg;
    this.lon = lonDeg;
    this.kx = METRES_PER_DEGREE * Math.cos((latDeg * Math.PI) / 180);
  }

  x(lonDeg: number): number {
    return (lonDeg - this.lon) * this.kx;
  }

  z(latDeg: number): number {
    return (this.lat - latDeg) * METRES_PER_DEGREE;
  }
}

/** Shortest way from heading `a` to `b` in turns of 1/65536, −32768 to 32767. */
export function shortestTurn(a: number, b: number): number {
  return ((b - a + 98_304) & 0xffff) - 32_768;
}

/**
 * Two snapshots of every vehicle, A (where the picture stood when the newest value came) and B (that value), laid out
 * for the GPU: the vertex shader mixes them by `(time − start) / duration`. 32 bytes a row, written only for rows that
 * a frame touched, so nothing is computed or uploaded between ticks and a picture never jumps.
 */
export class VehicleMotion {
  /** A.x, A.z, B.x, B.z in metres. */
  path = new Float32Array(0);
  /** Heading at A and at B in turns of 1/65536, B unwrapped relative to A by the shader. */
  heading = new Uint16Array(0);
  /** Parking bay at A and at B; 0 is the open road. */
  bay = new Uint16Array(0);
  /** When the way from A to B began, in seconds after `base`. */
  start = new Float32Array(0);
  /** Duration in steps of 20 ms, status, state of charge 0–255, bit 0 seen, bit 1 alarm. */
  state = new Uint8Array(0);
  count = 0;
  /** Rows written by the newest `apply`, as the smallest range that holds them. */
  firstDirty = 0;
  lastDirty = -1;
  /** Arrays were replaced: attributes must be made anew. */
  generation = 0;
  /** Time when the last row arrives, in seconds of the caller's clock; after it nothing moves. */
  settledAt = 0;
  /** Zero of `start` in the caller's clock. */
  base = 0;

  private projection = new Projection(0, 0);
  private bayOf: (connectorRow: number) => number = () => 0;
  private sourceAt = new Float64Array(0);

  setProjection(projection: Projection): void {
    this.projection = projection;
  }

  /** How a plugged-in vehicle finds its place: connector row → bay number, 0 for none. */
  setBays(bayOf: (connectorRow: number) => number): void {
    this.bayOf = bayOf;
  }

  /** Takes over what the store's newest frame changed; `now` in seconds. */
  apply(store: ColumnStore<'vehicle'>, now: number, tickS: number): void {
    const fresh = store.all || this.count === 0;
    this.reserve(store.count);
    if (fresh) this.base = now;
    else if (now - this.base > REBASE_AFTER_S) this.rebase(now);
    const rows = fresh ? store.count : store.changedCount;
    this.write(store, now, tickS, fresh, rows);
    this.count = store.count;
  }

  /** Whether a row was written, with a position: only then `sample` tells where it stands. */
  placed(row: number): boolean {
    return row < this.count && ((this.state[row * 4 + 3] as number) & 1) !== 0;
  }

  /** Where a vehicle stands at `now`: writes x, z, heading (radians clockwise from north), bay mix to `out`. */
  sample(row: number, now: number, out: Float64Array): void {
    const t = this.progress(row, now);
    const p = row * 4;
    const ax = this.path[p] as number;
    const az = this.path[p + 1] as number;
    out[0] = ax + ((this.path[p + 2] as number) - ax) * t;
    out[1] = az + ((this.path[p + 3] as number) - az) * t;
    const a = this.heading[row * 2] as number;
    const turn = shortestTurn(a, this.heading[row * 2 + 1] as number);
    out[2] = ((a + turn * t) / 65_536) * 2 * Math.PI;
    out[3] = t;
  }

  private progress(row: number, now: number): number {
    const duration = (this.state[row * 4] as number) * DURATION_STEP_S;
    if (duration === 0) return 1;
    return Math.min(1, Math.max(0, (now - this.base - (this.start[row] as number)) / duration));
  }

  /**
   * Writes the rows that changed. At 100,000 rows this is most of what a tick costs, so everything that the loop
   * reads stands in a local and nothing is called that is not needed.
   */
  private write(
    store: ColumnStore<'vehicle'>,
    now: number,
    tickS: number,
    fresh: boolean,
    rows: number,
  ): void {
    const { lat_e7, lon_e7, heading_cdeg, connector, at_ms, status, soc_e4, flags } = store.columns;
    const { path, heading, bay, start, state, sourceAt, projection, base } = this;
    const known = this.count;
    let first = Number.MAX_SAFE_INTEGER;
    let last = -1;
    let settled = this.settledAt;
    for (let i = 0; i < rows; i++) {
      const row = fresh ? i : (store.changed[i] as number);
      if (row < first) first = row;
      if (row > last) last = row;
      const p = row * 4;
      const h = row * 2;
      const flag = flags[row] as number;
      const lat = lat_e7[row] as number;
      const placed = lat !== UNKNOWN_DEGREES && (flag & FLAG_DELETED) === 0;
      const x = placed ? projection.x((lon_e7[row] as number) / 1e7) : 0;
      const z = placed ? projection.z(lat / 1e7) : 0;
      const to = (((heading_cdeg[row] as number) / 36_000) * 65_536 + 0.5) & 0xffff;
      const plug = connector[row] as number;
      const spot = plug === NO_ROW ? 0 : this.bayOf(plug);
      const begin = fresh || row >= known;
      const duration = (state[p] as number) * DURATION_STEP_S;
      let t = 1;
      if (!begin && duration > 0) {
        t = (now - base - (start[row] as number)) / duration;
        t = t < 0 ? 0 : t > 1 ? 1 : t;
      }
      const ax = path[p] as number;
      const az = path[p + 1] as number;
      const mx = ax + ((path[p + 2] as number) - ax) * t;
      const mz = az + ((path[p + 3] as number) - az) * t;
      const jump = begin || Math.abs(x - mx) + Math.abs(z - mz) > JUMP_M;
      path[p] = jump ? x : mx;
      path[p + 1] = jump ? z : mz;
      path[p + 2] = x;
      path[p + 3] = z;
      const ha = heading[h] as number;
      heading[h] = jump ? to : (ha + shortestTurn(ha, heading[h + 1] as number) * t) & 0xffff;
      heading[h + 1] = to;
      const from = jump ? spot : (bay[h + 1] as number);
      bay[h] = from;
      bay[h + 1] = spot;
      // The step takes as long as the source took, a little stretched, so that the next value finds it still moving.
      const at = at_ms[row] as number;
      let step = 0;
      if (!jump) {
        const apart = (at - (sourceAt[row] as number)) / 1000;
        const took = apart < tickS ? tickS : apart;
        step = from !== spot ? DOCKING_S : (took > STEP_MAX_S ? STEP_MAX_S : took) * 1.1;
      }
      sourceAt[row] = at;
      start[row] = now - base;
      const steps = (step / DURATION_STEP_S + 0.5) | 0;
      state[p] = steps > 255 ? 255 : steps;
      state[p + 1] = status[row] as number;
      const soc = soc_e4[row] as number;
      state[p + 2] = soc === UNKNOWN_SOC ? 255 : ((soc / 10_000) * 254 + 0.5) | 0;
      state[p + 3] = (placed ? 1 : 0) | ((flag & FLAG_UNACKNOWLEDGED) !== 0 ? 2 : 0);
      if (now + step > settled) settled = now + step;
    }
    this.firstDirty = first;
    this.lastDirty = last;
    this.settledAt = settled;
  }

  /** Moves the zero of time so that start times keep their precision through a long shift. */
  private rebase(now: number): void {
    const shift = now - this.base;
    for (let row = 0; row < this.count; row++)
      this.start[row] = Math.max(-3600, (this.start[row] as number) - shift);
    this.base = now;
    this.generation += 1;
  }

  private reserve(rows: number): void {
    if (rows <= this.start.length) return;
    let capacity = Math.max(64, this.start.length);
    while (capacity < rows) capacity *= 2;
    this.path = grow(this.path, new Float32Array(capacity * 4));
    this.heading = grow(this.heading, new Uint16Array(capacity * 2));
    this.bay = grow(this.bay, new Uint16Array(capacity * 2));
    this.start = grow(this.start, new Float32Array(capacity));
    this.state = grow(this.state, new Uint8Array(capacity * 4));
    this.sourceAt = grow(this.sourceAt, new Float64Array(capacity));
    this.generation += 1;
  }
}

function grow<A extends { set(source: ArrayLike<number>): void }>(old: ArrayLike<number>, fresh: A): A {
  fresh.set(old);
  return fresh;
}
