/**
 * What this page adds to the generated reader of the live stream: empty columns for the stores, and the writer that
 * local fleets and tests use.
 */
import {
  CELL_BYTES,
  HEADER_BYTES,
  LAYOUT,
  MAGIC,
  TOPICS,
  VERSION,
  type AnyColumn,
  type CellType,
  type Columns,
  type Frame,
  type Topic,
} from './wire.generated';

export {
  decodeFrame,
  FLAG_DELETED,
  FLAG_DIAGNOSTICS,
  FLAG_FIRMWARE_UPDATE,
  FLAG_ONLINE,
  FLAG_UNACKNOWLEDGED,
  LAYOUT,
  NO_ROW,
  TOPICS,
  UNKNOWN_DEGREES,
  UNKNOWN_SOC,
  WireError,
  type AnyColumn,
  type Columns,
  type Frame,
  type FrameKind,
  type Topic,
} from './wire.generated';

const MAKE: { [K in CellType]: (buffer: ArrayBuffer, offset: number, rows: number) => AnyColumn } = {
  u8: (b, o, n) => new Uint8Array(b, o, n),
  u16: (b, o, n) => new Uint16Array(b, o, n),
  i16: (b, o, n) => new Int16Array(b, o, n),
  u32: (b, o, n) => new Uint32Array(b, o, n),
  i32: (b, o, n) => new Int32Array(b, o, n),
};
const padded = (bytes: number) => Math.ceil(bytes / 4) * 4;

/** Fresh arrays of `capacity` rows for a topic. */
export function makeColumns<T extends Topic>(topic: T, capacity: number): Columns<T> {
  const out: Record<string, AnyColumn> = {};
  for (const [name, type] of LAYOUT[topic]) {
    out[name] = MAKE[type](new ArrayBuffer(capacity * CELL_BYTES[type]), 0, capacity);
  }
  return out as unknown as Columns<T>;
}

/** The columns of any topic as name → array. */
export function columnMap(columns: Columns<Topic>): Record<string, AnyColumn> {
  return columns as unknown as Record<string, AnyColumn>;
}

/** Writes a frame: the inverse of `decodeFrame`. Columns may be longer than the frame's rows. */
export function encodeFrame(frame: Omit<Frame, 'serverTimeMs'>): ArrayBuffer {
  const text = new TextEncoder();
  const names = frame.kind === 'delta' ? [] : (frame.ids ?? []).map((id) => text.encode(id));
  let size = HEADER_BYTES + (frame.row ? frame.rows * 4 : 0);
  for (const [, type] of LAYOUT[frame.topic]) size += padded(frame.rows * CELL_BYTES[type]);
  if (frame.kind !== 'delta')
    size += (frame.rows + 1) * 4 + padded(names.reduce((n, id) => n + id.length, 0));
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
  head.setBigInt64(32, BigInt(Math.round(frame.serverTimeUs)), true);

  let at = HEADER_BYTES;
  const put = (type: CellType, values: ArrayLike<number>) => {
    const column = MAKE[type](buffer, at, frame.rows);
    for (let i = 0; i < frame.rows; i++) column[i] = values[i] ?? 0;
    at += padded(frame.rows * CELL_BYTES[type]);
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
