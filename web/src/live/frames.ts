/**
 * Binary frames of the live stream, as `docs/live-stream.md` defines them: a 40-byte header and columns, each padded
 * to four bytes, so that every column of a received buffer can be read in place through a typed array.
 */

/** Kinds of twin that are streamed as columns. */
export type Topic = 'station' | 'connector' | 'vehicle';
export const TOPICS: readonly Topic[] = ['station', 'connector', 'vehicle'];
export type FrameKind = 'snapshot' | 'delta' | 'append';

/** No row of the other topic. */
export const NO_ROW = 0xffffffff;
/** `soc_e4` of a battery whose state nobody reported. */
export const UNKNOWN_SOC = 65_535;
/** `lat_e7` and `lon_e7` of a twin whose place nobody reported. */
export const UNKNOWN_DEGREES = -0x80000000;
/** Bit 7 of `flags`: the twin is gone, its row waits for the next epoch. */
export const FLAG_DELETED = 0x80;
/** Bit 1 of `flags`: an alarm nobody has acknowledged. */
export const FLAG_UNACKNOWLEDGED = 0x02;
/** Bit 0 of a station's `flags`. */
export const FLAG_ONLINE = 0x01;

export const MAGIC = 0x31575456;
export const HEADER_BYTES = 40;
const VERSION = 1;
/** More rows than this in one frame is a broken frame, not a fleet. */
const MAX_ROWS = 4_000_000;

/** Column names and types in stream order. */
export const LAYOUT = {
  station: [
    ['at_ms', 'u32'],
    ['lat_e7', 'i32'],
    ['lon_e7', 'i32'],
    ['power_w', 'i32'],
    ['max_power_w', 'i32'],
    ['level', 'u8'],
    ['status', 'u8'],
    ['protocol', 'u8'],
    ['alarm', 'u8'],
    ['connectors', 'u8'],
    ['in_use', 'u8'],
    ['faulted', 'u8'],
    ['flags', 'u8'],
  ],
  connector: [
    ['at_ms', 'u32'],
    ['station', 'u32'],
    ['power_w', 'i32'],
    ['max_power_w', 'i32'],
    ['energy_wh', 'u32'],
    ['soc_e4', 'u16'],
    ['voltage_dv', 'u16'],
    ['current_da', 'i16'],
    ['evse', 'u8'],
    ['connector', 'u8'],
    ['kind', 'u8'],
    ['status', 'u8'],
  ],
  vehicle: [
    ['at_ms', 'u32'],
    ['lat_e7', 'i32'],
    ['lon_e7', 'i32'],
    ['power_w', 'i32'],
    ['connector', 'u32'],
    ['heading_cdeg', 'u16'],
    ['speed_cmps', 'u16'],
    ['soc_e4', 'u16'],
    ['status', 'u8'],
    ['flags', 'u8'],
  ],
} as const;

interface Arrays {
  u8: Uint8Array;
  u16: Uint16Array;
  i16: Int16Array;
  u32: Uint32Array;
  i32: Int32Array;
}
type ColumnType = keyof Arrays;

const MAKE: { [K in ColumnType]: (buffer: ArrayBuffer, offset: number, rows: number) => Arrays[K] } = {
  u8: (b, o, n) => new Uint8Array(b, o, n),
  u16: (b, o, n) => new Uint16Array(b, o, n),
  i16: (b, o, n) => new Int16Array(b, o, n),
  u32: (b, o, n) => new Uint32Array(b, o, n),
  i32: (b, o, n) => new Int32Array(b, o, n),
};
const WIDTH: Readonly<Record<ColumnType, number>> = { u8: 1, u16: 2, i16: 2, u32: 4, i32: 4 };

type Entries<T extends Topic> = (typeof LAYOUT)[T][number];
/** The typed arrays of a topic by column name. */
export type Columns<T extends Topic> = {
  [E in Entries<T> as E[0]]: Arrays[E[1]];
};
/** Any column, for code that walks over all of them. */
export type AnyColumn = Arrays[ColumnType];

export interface Frame<T extends Topic = Topic> {
  topic: T;
  kind: FrameKind;
  /** Changes when row numbers do. */
  epoch: number;
  rows: number;
  /** First row of an append; 0 otherwise. */
  baseRow: number;
  /** Per topic and connection, +1 a frame. */
  seq: number;
  /** The journal sequence that the frame reflects. */
  journalSeq: number;
  serverTimeMs: number;
  /** Row numbers, for a delta only. */
  row: Uint32Array | null;
  columns: Columns<T>;
  /** Twin ids, for a snapshot or an append. */
  ids: string[] | null;
}

/** A frame that cannot be read; the cure is a fresh snapshot. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
}

const padded = (bytes: number) => (bytes + 3) & ~3;

/** Fresh arrays of `capacity` rows for a topic. */
export function makeColumns<T extends Topic>(topic: T, capacity: number): Columns<T> {
  const out: Record<string, AnyColumn> = {};
  for (const [name, type] of LAYOUT[topic]) {
    out[name] = MAKE[type](new ArrayBuffer(capacity * WIDTH[type]), 0, capacity);
  }
  return out as unknown as Columns<T>;
}

/** The columns of any topic as name → array. */
export function columnMap(columns: Columns<Topic>): Record<string, AnyColumn> {
  return columns as unknown as Record<string, AnyColumn>;
}

const utf8 = new TextDecoder('utf-8', { fatal: false });

function readIds(buffer: ArrayBuffer, at: number, end: number, rows: number): string[] {
  const table = (rows + 1) * 4;
  if (at + table > end) throw new FrameError(`ids need ${at + table} bytes, the frame has ${end}`);
  const offsets = new Uint32Array(buffer, at, rows + 1);
  const start = at + table;
  const ids = new Array<string>(rows);
  let from = 0;
  for (let i = 0; i < rows; i++) {
    const to = offsets[i + 1] ?? 0;
    if (to < from || start + to > end) throw new FrameError(`id ${i} ends at ${to}, outside the frame`);
    ids[i] = utf8.decode(new Uint8Array(buffer, start + from, to - from));
    from = to;
  }
  return ids;
}

/**
 * Reads a frame in place: the columns are views into `buffer`. `length` is the number of bytes that count, for pooled
 * buffers that are longer than their frame. Ids are text and cost time, so a caller that already has them says so.
 * @throws FrameError when the bytes are not a frame of version 1.
 */
export function decodeFrame(
  buffer: ArrayBuffer,
  length = buffer.byteLength,
  options: { ids: boolean } = { ids: true },
): Frame {
  if (length < HEADER_BYTES) throw new FrameError(`${length} bytes, a header has ${HEADER_BYTES}`);
  const head = new DataView(buffer, 0, HEADER_BYTES);
  if (head.getUint32(0, true) !== MAGIC) throw new FrameError('not a live frame');
  const version = head.getUint8(4);
  if (version !== VERSION) throw new FrameError(`version ${version}, this page reads ${VERSION}`);
  const kind = (['snapshot', 'delta', 'append'] as const)[head.getUint8(5) - 1];
  const topic = TOPICS[head.getUint8(6) - 1];
  if (!kind || !topic) throw new FrameError(`kind ${head.getUint8(5)}, topic ${head.getUint8(6)}`);
  const rows = head.getUint32(12, true);
  if (rows > MAX_ROWS) throw new FrameError(`${rows} rows, the limit is ${MAX_ROWS}`);

  let at = HEADER_BYTES;
  const take = (type: ColumnType): AnyColumn => {
    const bytes = rows * WIDTH[type];
    if (at + bytes > length) throw new FrameError(`a column ends at ${at + bytes}, the frame has ${length}`);
    const column = MAKE[type](buffer, at, rows);
    at += padded(bytes);
    return column;
  };
  const row = kind === 'delta' ? (take('u32') as Uint32Array) : null;
  const columns: Record<string, AnyColumn> = {};
  for (const [name, type] of LAYOUT[topic]) columns[name] = take(type);
  return {
    topic,
    kind,
    epoch: head.getUint32(8, true),
    rows,
    baseRow: head.getUint32(16, true),
    seq: head.getUint32(20, true),
    journalSeq: Number(head.getBigUint64(24, true)),
    serverTimeMs: Number(head.getBigInt64(32, true)) / 1000,
    row,
    columns: columns as unknown as Columns<Topic>,
    ids: kind !== 'delta' && options.ids ? readIds(buffer, at, length, rows) : null,
  };
}

/** Writes a frame: the inverse of {@link decodeFrame}, for local fleets and for tests. */
export function encodeFrame(frame: Frame): ArrayBuffer {
  const text = new TextEncoder();
  const names = frame.kind === 'delta' ? [] : (frame.ids ?? []).map((id) => text.encode(id));
  let size = HEADER_BYTES + (frame.row ? frame.rows * 4 : 0);
  for (const [, type] of LAYOUT[frame.topic]) size += padded(frame.rows * WIDTH[type]);
  if (frame.kind !== 'delta') size += (frame.rows + 1) * 4 + names.reduce((n, id) => n + id.length, 0);
  const buffer = new ArrayBuffer(size);
  const head = new DataView(buffer);
  head.setUint32(0, MAGIC, true);
  head.setUint8(4, VERSION);
  head.setUint8(5, { snapshot: 1, delta: 2, append: 3 }[frame.kind]);
  head.setUint8(6, TOPICS.indexOf(frame.topic) + 1);
  head.setUint32(8, frame.epoch, true);
  head.setUint32(12, frame.rows, true);
  head.setUint32(16, frame.baseRow, true);
  head.setUint32(20, frame.seq, true);
  head.setBigUint64(24, BigInt(frame.journalSeq), true);
  head.setBigInt64(32, BigInt(Math.round(frame.serverTimeMs * 1000)), true);

  let at = HEADER_BYTES;
  const put = (type: ColumnType, values: ArrayLike<number>) => {
    const column = MAKE[type](buffer, at, frame.rows);
    for (let i = 0; i < frame.rows; i++) column[i] = values[i] ?? 0;
    at += padded(frame.rows * WIDTH[type]);
  };
  if (frame.row) put('u32', frame.row);
  const columns = columnMap(frame.columns);
  for (const [name, type] of LAYOUT[frame.topic]) put(type, columns[name] ?? []);
  if (frame.kind !== 'delta') {
    const offsets = new Uint32Array(buffer, at, frame.rows + 1);
    at += (frame.rows + 1) * 4;
    const bytes = new Uint8Array(buffer, at);
    let end = 0;
    names.forEach((name, i) => {
      bytes.set(name, end);
      end += name.length;
      offsets[i + 1] = end;
    });
  }
  return buffer;
}
