// Generated from crates/live/wire by `cargo xtask codegen`: change it there.

/** Binary frames of the live stream: a header, and columns padded to four bytes. */

/** "VTW1", the first four bytes. */
export const MAGIC = 0x31575456;
/** The version of the format. */
export const VERSION = 1;
/** Bytes of the header. */
export const HEADER_BYTES = 40;
/** No row of the other topic. */
export const NO_ROW = 0xffffffff;
/** `soc_e4` of an unknown state of charge. */
export const UNKNOWN_SOC = 65535;
/** `lat_e7` and `lon_e7` of an unknown position. */
export const UNKNOWN_DEGREES = -2147483648;
/** Bit of `flags`: the station has a connection. */
export const FLAG_ONLINE = 0x01;
/** Bit of `flags`: an open alarm is not acknowledged. */
export const FLAG_UNACKNOWLEDGED = 0x02;
/** Bit of `flags`: new firmware is on its way into the station. */
export const FLAG_FIRMWARE_UPDATE = 0x04;
/** Bit of `flags`: the station collects diagnostics. */
export const FLAG_DIAGNOSTICS = 0x08;
/** Bit of `flags`: the twin of this row is gone. */
export const FLAG_DELETED = 0x80;

/** What frames are about. */
export const TOPICS = ['station', 'connector', 'vehicle'] as const;
export type Topic = (typeof TOPICS)[number];
/** What a frame does. */
export type FrameKind = 'snapshot' | 'delta' | 'append';

const FRAME_KINDS: Readonly<Record<number, FrameKind>> = { 1: 'snapshot', 2: 'delta', 3: 'append' };
const TOPIC_CODES: Readonly<Record<number, Topic>> = { 1: 'station', 2: 'connector', 3: 'vehicle' };

/** Names and types of columns in the order of the frame. */
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

/** Texts of `status` of a station, by code. */
export const STATION_STATUS = [
  'Offline',
  'Available',
  'Occupied',
  'Charging',
  'Faulted',
  'Unavailable',
  'Pending',
] as const;
/** Texts of `status` of a connector, by code. */
export const CONNECTOR_STATUS = [
  'Unknown',
  'Available',
  'Preparing',
  'Charging',
  'SuspendedEVSE',
  'SuspendedEV',
  'Finishing',
  'Reserved',
  'Unavailable',
  'Faulted',
  'Occupied',
] as const;
/** Texts of `status` of a vehicle, by code. */
export const VEHICLE_STATUS = [
  'Unknown',
  'Driving',
  'Queuing',
  'PluggedIn',
  'Charging',
  'Parked',
  'Faulted',
] as const;
/** Texts of `kind` of a connector, by code. */
export const CONNECTOR_KIND = [
  'Unknown',
  'cType2',
  'sType2',
  'cCCS2',
  'cG105',
  'cType1',
  'cCCS1',
  'cTesla',
  'cNACS',
  'cMCS',
  'other',
] as const;
/** Texts of `alarm` of a station, by code. */
export const SEVERITY = ['none', 'info', 'minor', 'major', 'critical'] as const;
/** Texts of `protocol`, by code. */
export const PROTOCOL: Readonly<Record<number, string>> = { 0: '', 16: '1.6', 21: '2.1', 201: '2.0.1' };

interface Cells {
  u8: Uint8Array<ArrayBuffer>;
  u16: Uint16Array<ArrayBuffer>;
  i16: Int16Array<ArrayBuffer>;
  u32: Uint32Array<ArrayBuffer>;
  i32: Int32Array<ArrayBuffer>;
}
/** How the cells of a column are stored. */
export type CellType = keyof Cells;
/** Any column, for code that walks over all of them. */
export type AnyColumn = Cells[CellType];

/** Bytes of a cell. */
export const CELL_BYTES: Readonly<Record<CellType, number>> = { u8: 1, u16: 2, i16: 2, u32: 4, i32: 4 };

const VIEW: { [K in CellType]: (buffer: ArrayBuffer, offset: number, rows: number) => Cells[K] } = {
  u8: (buffer, offset, rows) => new Uint8Array(buffer, offset, rows),
  u16: (buffer, offset, rows) => new Uint16Array(buffer, offset, rows),
  i16: (buffer, offset, rows) => new Int16Array(buffer, offset, rows),
  u32: (buffer, offset, rows) => new Uint32Array(buffer, offset, rows),
  i32: (buffer, offset, rows) => new Int32Array(buffer, offset, rows),
};

type Entries<T extends Topic> = (typeof LAYOUT)[T][number];
/** The typed arrays of a topic by column name. */
export type Columns<T extends Topic = Topic> = { [E in Entries<T> as E[0]]: Cells[E[1]] };

/** One frame. Arrays are views into the buffer that it was read from. */
export interface Frame<T extends Topic = Topic> {
  topic: T;
  kind: FrameKind;
  /** Changes when row numbers do. */
  epoch: number;
  rows: number;
  /** First row of an append; 0 otherwise. */
  baseRow: number;
  /** +1 per frame of the topic on a connection; a gap means resync. */
  seq: number;
  /** The journal sequence that the frame reflects. */
  journalSeq: number;
  /** Server time in microseconds UTC. */
  serverTimeUs: number;
  /** Server time in milliseconds UTC. */
  serverTimeMs: number;
  /** Row number of each entry of the columns; null unless the frame is a delta. */
  row: Uint32Array<ArrayBuffer> | null;
  columns: Columns<T>;
  /** Twin ids; null for a delta, or when not asked for. */
  ids: string[] | null;
}

/** What is wrong with bytes that are not a frame. */
export type WireErrorCode =
  'magic' | 'version' | 'kind' | 'topic' | 'flags' | 'base' | 'length' | 'padding' | 'offsets' | 'utf8';

/** Bytes that are not a frame; the cure is a fresh snapshot. */
export class WireError extends Error {
  override readonly name = 'WireError';
  readonly code: WireErrorCode;

  constructor(code: WireErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

const padded = (bytes: number) => Math.ceil(bytes / 4) * 4;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

interface Head {
  topic: Topic;
  kind: FrameKind;
  rows: number;
  base: number;
  view: DataView;
}

function readHead(buffer: ArrayBuffer, length: number): Head {
  if (length < HEADER_BYTES) throw new WireError('length', `frame has ${length} bytes, not ${HEADER_BYTES}`);
  const view = new DataView(buffer, 0, HEADER_BYTES);
  const magic = view.getUint32(0, true);
  if (magic !== MAGIC) throw new WireError('magic', `magic is 0x${magic.toString(16)}, not that of a frame`);
  const version = view.getUint8(4);
  if (version !== VERSION) throw new WireError('version', `version is ${version}, not ${VERSION}`);
  const kind = FRAME_KINDS[view.getUint8(5)];
  if (!kind) throw new WireError('kind', `kind ${view.getUint8(5)} is not known`);
  const topic = TOPIC_CODES[view.getUint8(6)];
  if (!topic) throw new WireError('topic', `topic ${view.getUint8(6)} is not known`);
  if (view.getUint8(7) !== 0) throw new WireError('flags', `header flags are ${view.getUint8(7)}, not 0`);
  const rows = view.getUint32(12, true);
  const base = view.getUint32(16, true);
  if (kind === 'append' ? base + rows > 0xffffffff : base !== 0) {
    throw new WireError('base', `base row ${base} does not go with ${rows} rows of this kind`);
  }
  return { topic, kind, rows, base, view };
}

/**
 * Reads one frame in place. `length` is the number of bytes that count, for pooled buffers that are longer than their
 * frame. Ids are text and cost time, so a caller that has them already says so.
 * @throws WireError when the bytes are not exactly one frame of this format.
 */
export function decodeFrame(
  buffer: ArrayBuffer,
  length: number = buffer.byteLength,
  options: { ids: boolean } = { ids: true },
): Frame {
  const { topic, kind, rows, base, view } = readHead(buffer, length);
  const delta = kind === 'delta';
  let fixed = HEADER_BYTES + (delta ? rows * 4 : (rows + 1) * 4);
  for (const [, type] of LAYOUT[topic]) fixed += padded(rows * CELL_BYTES[type]);
  if (length < fixed || (delta && length > fixed)) {
    throw new WireError('length', `frame has ${length} bytes, not ${fixed}`);
  }
  const bytes = new Uint8Array(buffer, 0, length);
  let at = HEADER_BYTES;
  const take = <K extends CellType>(type: K, name: string): Cells[K] => {
    const column = VIEW[type](buffer, at, rows);
    const end = at + rows * CELL_BYTES[type];
    at = padded(end);
    for (let i = end; i < at; i++) {
      if (bytes[i] !== 0) throw new WireError('padding', `padding of column \`${name}\` is not zero`);
    }
    return column;
  };
  const row = delta ? take('u32', 'row') : null;
  const columns: Record<string, AnyColumn> = {};
  for (const [name, type] of LAYOUT[topic]) columns[name] = take(type, name);
  const ids = delta || !options.ids ? null : readIds(buffer, bytes, at, rows);
  const serverTimeUs = Number(view.getBigInt64(32, true));
  return {
    topic,
    kind,
    epoch: view.getUint32(8, true),
    rows,
    baseRow: base,
    seq: view.getUint32(20, true),
    journalSeq: Number(view.getBigUint64(24, true)),
    serverTimeUs,
    serverTimeMs: serverTimeUs / 1000,
    row,
    columns: columns as unknown as Columns,
    ids,
  };
}

function readIds(buffer: ArrayBuffer, bytes: Uint8Array<ArrayBuffer>, at: number, rows: number): string[] {
  const offsets = new Uint32Array(buffer, at, rows + 1);
  const start = at + (rows + 1) * 4;
  const total = offsets[rows] ?? 0;
  const end = start + padded(total);
  if (end !== bytes.length) throw new WireError('length', `frame has ${bytes.length} bytes, not ${end}`);
  if (offsets[0] !== 0) throw new WireError('offsets', 'id offsets of row 0 are out of order');
  for (let i = start + total; i < end; i++) {
    if (bytes[i] !== 0) throw new WireError('padding', 'padding of column `ids` is not zero');
  }
  const ids = new Array<string>(rows);
  const text = asciiText(bytes.subarray(start, start + total));
  let from = 0;
  for (let i = 0; i < rows; i++) {
    const to = offsets[i + 1] ?? 0;
    if (to < from || to > total) throw new WireError('offsets', `id offsets of row ${i} are out of order`);
    ids[i] = text?.slice(from, to) ?? decodeText(bytes.subarray(start + from, start + to), i);
    from = to;
  }
  return ids;
}

/** All ids as one text when each byte is a character, so that ids are slices of it; null otherwise. */
function asciiText(bytes: Uint8Array<ArrayBuffer>): string | null {
  return bytes.every((byte) => byte < 0x80) ? utf8.decode(bytes) : null;
}

function decodeText(bytes: Uint8Array<ArrayBuffer>, row: number): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new WireError('utf8', `id of row ${row} is not utf-8`);
  }
}
