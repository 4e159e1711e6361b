import type { Alarm, Command, Overview, Transaction } from '@/api/types';
import { ColumnStore } from './column-store';
import { decodeFrame, TOPICS, type Frame, type Topic } from './frames';
import { LatencyMeter } from './latency';
import type { FromWorker, Link, LiveOptions, ServerMessage, ToWorker, Traced, View } from './messages';

/** The records that arrive as they change. */
export interface LiveEvents {
  alarm: Alarm & Traced;
  command: Command & Traced;
  transaction: Transaction & Traced;
}
export type LiveEventType = keyof LiveEvents;

/** Traces of records that are kept; the oldest go first. */
const TRACES_MAX = 4_000;

/** What is known of a followed twin. */
export interface FocusValue {
  at: string;
  values: Record<string, unknown>;
  /** The frame or request that brought the newest value; null when that was before this page looked. */
  trace: string | null;
}

/** Where frames come from: the worker with its socket, or a generator on this page. */
export interface LiveSource {
  send(message: ToWorker): void;
  close(): void;
}
export type SourceFactory = (deliver: (message: FromWorker) => void) => LiveSource;

const STOPPED: Link = {
  state: 'stopped',
  sinceMs: 0,
  attempt: 0,
  offsetMs: null,
  rttMs: null,
  epochMs: 0,
  resyncs: 0,
  detail: null,
};

function workerSource(deliver: (message: FromWorker) => void): LiveSource {
  const worker = new Worker(new URL('./live.worker.ts', import.meta.url), { type: 'module', name: 'live' });
  worker.onmessage = (event: MessageEvent<FromWorker>) => deliver(event.data);
  const online = () => worker.postMessage({ t: 'online', online: navigator.onLine } satisfies ToWorker);
  globalThis.addEventListener('online', online);
  globalThis.addEventListener('offline', online);
  return {
    send: (message) =>
      worker.postMessage(message, message.t === 'recycle' ? { transfer: [message.buffer] } : undefined),
    close: () => {
      globalThis.removeEventListener('online', online);
      globalThis.removeEventListener('offline', online);
      worker.terminate();
    },
  };
}

/** `ws://…/live` beside the page. */
export function liveUrl(location: Location = globalThis.location): string {
  return `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/live`;
}

/**
 * The live network on this page: one link, one column store per topic, the newest key figures and focused values.
 * Listeners are called in the order of arrival; whoever renders text throttles (the hooks do).
 */
export class LiveClient {
  readonly stores: { readonly [T in Topic]: ColumnStore<T> } = {
    station: new ColumnStore('station'),
    connector: new ColumnStore('connector'),
    vehicle: new ColumnStore('vehicle'),
  };
  /** From the source to the picture, and from the source to the socket of this page: the second waits for no drawing. */
  readonly latency = new LatencyMeter();
  readonly arrival = new LatencyMeter();
  link: Link = STOPPED;
  kpi: Overview | null = null;
  /** Newest values of focused twins by name. */
  readonly focusValues = new Map<string, FocusValue>();
  /** The trace that changed a record last, by type and key, as far as this page has seen it change. */
  private readonly traces = new Map<string, string>();
  /** Seconds between ticks as subscribed. */
  tickS = 0.2;

  private source: LiveSource | null = null;
  private readonly makeSource: SourceFactory;
  private readonly linkListeners = new Set<() => void>();
  private readonly kpiListeners = new Set<() => void>();
  private readonly focusListeners = new Set<(twin: string) => void>();
  private readonly eventListeners = new Map<LiveEventType, Set<(record: never) => void>>();
  private readonly focusCounts = new Map<string, number>();

  constructor(makeSource: SourceFactory = workerSource) {
    this.makeSource = makeSource;
  }

  get started(): boolean {
    return this.source !== null;
  }

  /** Opens the link; does nothing when it is open. */
  start(options: Partial<LiveOptions> = {}, makeSource: SourceFactory = this.makeSource): void {
    if (this.source) return;
    const full = {
      url: options.url ?? liveUrl(),
      topics: options.topics ?? [...TOPICS],
      hz: options.hz ?? 5,
    };
    this.tickS = 1 / full.hz;
    this.source = makeSource((message) => this.deliver(message));
    this.source.send({ t: 'start', options: full });
    this.sendFocus();
  }

  /** Closes the link and forgets everything that was shown: whoever signs in next must not see it. */
  stop(): void {
    this.source?.send({ t: 'stop' });
    this.source?.close();
    this.source = null;
    for (const topic of TOPICS) this.stores[topic].clear();
    this.kpi = null;
    this.focusValues.clear();
    this.traces.clear();
    this.link = { ...STOPPED, sinceMs: Date.now() };
    for (const listener of this.linkListeners) listener();
    for (const listener of this.kpiListeners) listener();
  }

  /** Limits vehicles to a part of the world; null is everywhere. */
  setView(view: View | null): void {
    this.source?.send({ t: 'view', view });
  }

  /** Follows the properties of twins until the returned function is called; the server takes 64 in all. */
  focus(twins: readonly string[]): () => void {
    for (const twin of twins) this.focusCounts.set(twin, (this.focusCounts.get(twin) ?? 0) + 1);
    this.sendFocus();
    return () => {
      for (const twin of twins) {
        const left = (this.focusCounts.get(twin) ?? 1) - 1;
        if (left > 0) this.focusCounts.set(twin, left);
        else {
          this.focusCounts.delete(twin);
          this.focusValues.delete(twin);
        }
      }
      this.sendFocus();
    };
  }

  onLink(listener: () => void): () => void {
    this.linkListeners.add(listener);
    return () => this.linkListeners.delete(listener);
  }

  onKpi(listener: () => void): () => void {
    this.kpiListeners.add(listener);
    return () => this.kpiListeners.delete(listener);
  }

  onFocus(listener: (twin: string) => void): () => void {
    this.focusListeners.add(listener);
    return () => this.focusListeners.delete(listener);
  }

  /** Calls `listener` with every record of a type as it changes. */
  onEvent<T extends LiveEventType>(type: T, listener: (record: LiveEvents[T]) => void): () => void {
    const set = this.eventListeners.get(type) ?? new Set();
    this.eventListeners.set(type, set);
    set.add(listener as (record: never) => void);
    return () => set.delete(listener as (record: never) => void);
  }

  /** The trace of what changed a record last; null when it has not changed while this page was open. */
  traceOf(type: LiveEventType, key: string): string | null {
    return this.traces.get(`${type}:${key}`) ?? null;
  }

  private remember(record: ServerMessage & { type: LiveEventType }): void {
    if (!record.trace) return;
    const key = `${record.type}:${record.type === 'transaction' ? record.number : record.id}`;
    this.traces.delete(key);
    this.traces.set(key, record.trace);
    if (this.traces.size <= TRACES_MAX) return;
    for (const oldest of this.traces.keys()) {
      this.traces.delete(oldest);
      break;
    }
  }

  private sendFocus(): void {
    this.source?.send({ t: 'focus', twins: [...this.focusCounts.keys()] });
  }

  private deliver(message: FromWorker): void {
    if (message.t === 'link') {
      this.link = message.link;
      for (const listener of this.linkListeners) listener();
    } else if (message.t === 'frame')
      this.frame(message.buffer, message.length, message.ids, message.receivedMs ?? Date.now());
    else this.message(message.message);
  }

  private frame(buffer: ArrayBuffer, length: number, ids: string[] | null, receivedMs: number): void {
    const frame = decodeFrame(buffer, length, { ids: false });
    frame.ids = ids;
    const store = this.stores[frame.topic] as ColumnStore<Topic>;
    if (store.apply(frame as Frame<Topic>) === 'mismatch')
      this.source?.send({ t: 'resync', topic: frame.topic });
    else if (frame.kind === 'delta' && frame.rows > 0) {
      const source = this.link.epochMs + store.newestAtMs - (this.link.offsetMs ?? 0);
      this.latency.arrived(source);
      this.arrival.arrived(source);
      this.arrival.shown(receivedMs);
    }
    this.source?.send({ t: 'recycle', buffer });
  }

  private message(message: ServerMessage): void {
    switch (message.type) {
      case 'kpi':
        this.kpi = message;
        for (const listener of this.kpiListeners) listener();
        return;
      case 'focus': {
        const before = this.focusValues.get(message.twin)?.values;
        const values = { ...before, ...message.values };
        this.focusValues.set(message.twin, { at: message.at, values, trace: message.trace ?? null });
        for (const listener of this.focusListeners) listener(message.twin);
        return;
      }
      case 'alarm':
      case 'command':
      case 'transaction':
        this.remember(message);
        for (const listener of this.eventListeners.get(message.type) ?? []) listener(message as never);
        return;
      default:
        return;
    }
  }
}

/** The page's one live client. */
export const live = new LiveClient();
