import { columnMap, FLAG_DELETED, LAYOUT, makeColumns, type Columns, type Frame, type Topic } from './frames';

/** What became of a frame; `mismatch` asks for a fresh snapshot. */
export type Applied = 'applied' | 'mismatch';

const FIRST_CAPACITY = 64;

/**
 * The newest value of every twin of one topic, a typed array per column, with row number ↔ id.
 *
 * Capacity doubles, so `columns` is replaced when rows outgrow it: hold on to the store, not to its arrays. After each
 * frame `changed` names the touched rows (or `all` is set), which is what scene modules copy to the GPU.
 */
export class ColumnStore<T extends Topic> {
  readonly topic: T;
  columns: Columns<T>;
  ids: string[] = [];
  /** Rows in use; the columns may be longer. */
  count = 0;
  epoch = -1;
  /** Grows by one per applied frame. */
  version = 0;
  /** Rows touched by the newest frame, valid up to `changedCount` unless `all`. */
  changed: Uint32Array = new Uint32Array(0);
  changedCount = 0;
  all = true;
  serverTimeMs = 0;
  journalSeq = 0;
  /** Largest `at_ms` of the newest frame: its source time after the stream's epoch. */
  newestAtMs = 0;

  private readonly rows = new Map<string, number>();
  private readonly listeners = new Set<(store: ColumnStore<T>) => void>();

  constructor(topic: T) {
    this.topic = topic;
    this.columns = makeColumns(topic, FIRST_CAPACITY);
  }

  get capacity(): number {
    return columnMap(this.columns as Columns<Topic>).at_ms?.length ?? 0;
  }

  /** Row of a twin, -1 when it is not in the stream (or was deleted). */
  rowOf(id: string): number {
    const row = this.rows.get(id) ?? -1;
    return row >= 0 && this.isDeleted(row) ? -1 : row;
  }

  isDeleted(row: number): boolean {
    const flags = columnMap(this.columns as Columns<Topic>).flags;
    return flags !== undefined && ((flags[row] ?? 0) & FLAG_DELETED) !== 0;
  }

  /** Calls `listener` after every applied frame, until the returned function is called. */
  subscribe(listener: (store: ColumnStore<T>) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  apply(frame: Frame<T>): Applied {
    if (frame.kind === 'snapshot') this.replace(frame);
    else if (frame.epoch !== this.epoch) return 'mismatch';
    else if (frame.kind === 'append') {
      if (frame.baseRow !== this.count) return 'mismatch';
      this.append(frame);
    } else if (!this.patch(frame)) return 'mismatch';
    this.serverTimeMs = frame.serverTimeMs;
    this.journalSeq = frame.journalSeq;
    this.newestAtMs = newest(columnMap(frame.columns as Columns<Topic>).at_ms);
    this.version += 1;
    for (const listener of this.listeners) listener(this);
    return 'applied';
  }

  /** Forgets everything: the stream ended or belongs to someone else now. */
  clear(): void {
    this.count = 0;
    this.epoch = -1;
    this.ids = [];
    this.rows.clear();
    this.all = true;
    this.changedCount = 0;
    this.version += 1;
    for (const listener of this.listeners) listener(this);
  }

  private replace(frame: Frame<T>): void {
    this.reserve(frame.rows, false);
    this.copyFrom(frame, 0);
    this.count = frame.rows;
    this.epoch = frame.epoch;
    this.ids = frame.ids ?? [];
    this.rows.clear();
    this.ids.forEach((id, row) => this.rows.set(id, row));
    this.all = true;
    this.changedCount = 0;
  }

  private append(frame: Frame<T>): void {
    const base = this.count;
    this.reserve(base + frame.rows, true);
    this.copyFrom(frame, base);
    this.count = base + frame.rows;
    this.touch(frame.rows);
    (frame.ids ?? []).forEach((id, i) => {
      this.ids[base + i] = id;
      this.rows.set(id, base + i);
    });
    for (let i = 0; i < frame.rows; i++) this.changed[i] = base + i;
  }

  private patch(frame: Frame<T>): boolean {
    const row = frame.row;
    if (!row) return false;
    for (let i = 0; i < frame.rows; i++) if ((row[i] ?? NaN) >= this.count) return false;
    const to = columnMap(this.columns as Columns<Topic>);
    const from = columnMap(frame.columns as Columns<Topic>);
    for (const [name] of LAYOUT[this.topic]) {
      const target = to[name];
      const source = from[name];
      if (!target || !source) return false;
      for (let i = 0; i < frame.rows; i++) target[row[i] as number] = source[i] as number;
    }
    this.touch(frame.rows);
    this.changed.set(row);
    return true;
  }

  private touch(rows: number): void {
    if (this.changed.length < rows) this.changed = new Uint32Array(Math.max(rows, this.capacity));
    this.changedCount = rows;
    this.all = false;
  }

  private copyFrom(frame: Frame<T>, base: number): void {
    const to = columnMap(this.columns as Columns<Topic>);
    const from = columnMap(frame.columns as Columns<Topic>);
    for (const [name] of LAYOUT[this.topic]) to[name]?.set(from[name] ?? [], base);
  }

  private reserve(rows: number, keep: boolean): void {
    if (rows <= this.capacity) return;
    let capacity = this.capacity;
    while (capacity < rows) capacity *= 2;
    const old = columnMap(this.columns as Columns<Topic>);
    this.columns = makeColumns(this.topic, capacity);
    if (!keep) return;
    const grown = columnMap(this.columns as Columns<Topic>);
    for (const [name] of LAYOUT[this.topic]) grown[name]?.set(old[name] ?? []);
  }
}

function newest(at: ArrayLike<number> | undefined): number {
  let max = 0;
  if (!at) return max;
  for (let i = 0; i < at.length; i++) if ((at[i] as number) > max) max = at[i] as number;
  return max;
}
