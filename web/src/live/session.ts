import { decodeFrame, WireError, type Frame, type Topic } from './frames';
import type { Link, LinkState, LiveOptions, ServerMessage, View } from './messages';

/** The part of a WebSocket that the session uses. */
export interface SocketLike {
  binaryType: string;
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  onerror: (() => void) | null;
  send(data: string): void;
  close(code?: number): void;
}

/** The world as the session sees it; tests bring their own. */
export interface SessionWorld {
  connect(url: string): SocketLike;
  now(): number;
  random(): number;
  setTimeout(run: () => void, ms: number): number;
  clearTimeout(timer: number): void;
  onLink(link: Link): void;
  onFrame(frame: Frame, buffer: ArrayBuffer): void;
  onMessage(message: ServerMessage): void;
}

/** The server speaks at least once a second (`kpi`): three missed are silence. */
const STALE_AFTER_MS = 3000;
/** A socket silent for this long is dead, whatever TCP believes. */
const DEAD_AFTER_MS = 15_000;
const OFFLINE_AFTER_MS = 30_000;
const PING_EVERY_MS = 5000;
const WATCH_EVERY_MS = 500;
const BACKOFF_FIRST_MS = 400;
const BACKOFF_MAX_MS = 15_000;
/** A connection shorter than this does not reset the backoff. */
const STEADY_AFTER_MS = 5000;
const MAX_FOCUS = 64;
const OFFSET_SAMPLES = 8;

interface TopicState {
  seq: number;
  epoch: number;
  count: number;
  /** A snapshot was asked for; deltas until it comes are dropped. */
  waiting: boolean;
  askedAt: number;
}

/** Waiting time before attempt `attempt` (from 1): exponential with full-width jitter, never below half. */
export function backoffMs(attempt: number, random: number): number {
  const full = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** Math.min(attempt - 1, 10));
  return full * (0.5 + 0.5 * random);
}

/**
 * One live link: connects, subscribes, checks every frame's sequence and epoch, asks for a fresh snapshot on a gap,
 * measures the clock offset, and tries again for ever with backoff and jitter when the socket is lost.
 */
export class LiveSession {
  private readonly world: SessionWorld;
  private options: LiveOptions | null = null;
  private socket: SocketLike | null = null;
  private readonly topics = new Map<Topic, TopicState>();
  private readonly offsets: { rtt: number; offset: number }[] = [];
  private view: View | null = null;
  private twins: string[] = [];
  private lastHeard = 0;
  private lastPing = 0;
  private openedAt = 0;
  private lostAt = 0;
  private browserOnline = true;
  private retryTimer = 0;
  private watchTimer = 0;
  private link: Link;

  constructor(world: SessionWorld) {
    this.world = world;
    this.link = {
      state: 'stopped',
      sinceMs: world.now(),
      attempt: 0,
      offsetMs: null,
      rttMs: null,
      epochMs: 0,
      resyncs: 0,
      detail: null,
    };
  }

  start(options: LiveOptions): void {
    this.stop();
    this.options = options;
    this.lostAt = this.world.now();
    this.update({ state: 'connecting', attempt: 0, detail: null });
    this.watch();
    this.connect();
  }

  stop(): void {
    this.options = null;
    this.world.clearTimeout(this.retryTimer);
    this.world.clearTimeout(this.watchTimer);
    this.drop();
    if (this.link.state !== 'stopped') this.update({ state: 'stopped' });
  }

  setView(view: View | null): void {
    this.view = view;
    this.send({ op: 'view', view });
  }

  setFocus(twins: string[]): void {
    this.twins = twins.slice(0, MAX_FOCUS);
    this.send({ op: 'focus', twins: this.twins });
  }

  setBrowserOnline(online: boolean): void {
    this.browserOnline = online;
    if (!this.options) return;
    if (online && !this.socket) this.retryNow();
    else if (!online && !this.socket) this.update({ state: 'offline' });
  }

  /** Asks for a fresh snapshot, at most once a second per topic. */
  resync(topic: Topic): void {
    const state = this.topics.get(topic);
    const now = this.world.now();
    if (!state || (state.waiting && now - state.askedAt < 1000)) return;
    state.waiting = true;
    state.askedAt = now;
    this.send({ op: 'resync', topic });
    this.update({ resyncs: this.link.resyncs + 1 });
  }

  private connect(): void {
    const options = this.options;
    if (!options) return;
    let socket: SocketLike;
    try {
      socket = this.world.connect(options.url);
    } catch (error) {
      this.lost(error instanceof Error ? error.message : 'the address cannot be opened');
      return;
    }
    this.socket = socket;
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => this.opened(socket);
    socket.onmessage = (event) => this.heard(socket, event.data);
    socket.onclose = (event) => {
      if (this.socket === socket) this.lost(event.reason || `closed with code ${event.code}`);
    };
    socket.onerror = null;
    // Counts as hearing, so that an attempt that hangs is cut off like a connection that went silent.
    this.lastHeard = this.world.now();
  }

  private opened(socket: SocketLike): void {
    const options = this.options;
    if (!options || this.socket !== socket) return;
    this.openedAt = this.lastHeard = this.world.now();
    this.topics.clear();
    for (const topic of options.topics)
      this.topics.set(topic, { seq: -1, epoch: -1, count: 0, waiting: true, askedAt: this.openedAt });
    this.send({
      op: 'subscribe',
      topics: options.topics,
      hz: options.hz,
      ...(this.view ? { view: this.view } : {}),
    });
    if (this.twins.length > 0) this.send({ op: 'focus', twins: this.twins });
    this.ping();
  }

  private heard(socket: SocketLike, data: unknown): void {
    if (this.socket !== socket) return;
    this.lastHeard = this.world.now();
    if (this.link.state !== 'live') this.update({ state: 'live', detail: null });
    if (data instanceof ArrayBuffer) this.frame(data);
    else if (typeof data === 'string') this.message(data);
  }

  private frame(buffer: ArrayBuffer): void {
    let frame: Frame;
    try {
      frame = decodeFrame(buffer);
    } catch (error) {
      // The header may be the broken part, so there is no telling which topic lost a frame.
      if (error instanceof WireError) for (const topic of this.topics.keys()) this.resync(topic);
      return;
    }
    const state = this.topics.get(frame.topic);
    if (!state) return;
    if (frame.kind === 'snapshot') {
      state.epoch = frame.epoch;
      state.count = frame.rows;
      state.waiting = false;
    } else {
      const inOrder = frame.seq === (state.seq + 1) >>> 0 && frame.epoch === state.epoch;
      const fits = frame.kind === 'delta' || frame.baseRow === state.count;
      if (state.waiting || !inOrder || !fits) {
        state.seq = frame.seq;
        this.resync(frame.topic);
        return;
      }
      if (frame.kind === 'append') state.count += frame.rows;
    }
    state.seq = frame.seq;
    this.world.onFrame(frame, buffer);
  }

  private message(text: string): void {
    let message: ServerMessage;
    try {
      message = JSON.parse(text) as ServerMessage;
    } catch {
      return;
    }
    if (typeof message !== 'object' || message === null) return;
    if (message.type === 'hello') {
      const offsetMs = this.link.offsetMs ?? message.server_time_ms - this.world.now();
      this.update({ epochMs: message.epoch_ms, offsetMs });
    } else if (message.type === 'pong') this.pong(message.t);
    this.world.onMessage(message);
  }

  private ping(): void {
    this.lastPing = this.world.now();
    this.send({ op: 'ping', t: this.lastPing });
  }

  private pong(sentAt: number): void {
    const rtt = this.world.now() - sentAt;
    if (!(rtt >= 0 && rtt < 60_000)) return;
    this.update({ rttMs: rtt });
  }

  /**
   * A frame's server time bounds the offset from below by its way here; the largest of recent bounds, plus half a
   * round trip, is the best estimate that one-way messages allow.
   */
  noteServerTime(serverTimeMs: number): void {
    const lower = serverTimeMs - this.world.now();
    this.offsets.push({ rtt: this.link.rttMs ?? 0, offset: lower });
    if (this.offsets.length > OFFSET_SAMPLES) this.offsets.shift();
    const best = this.offsets.reduce((a, b) => (b.offset > a.offset ? b : a));
    this.link.offsetMs = best.offset + best.rtt / 2;
  }

  private lost(detail: string): void {
    const now = this.world.now();
    const steady = this.openedAt > 0 && now - this.openedAt > STEADY_AFTER_MS;
    this.drop();
    if (!this.options) return;
    if (this.link.state === 'live' || this.link.state === 'stale') this.lostAt = now;
    const attempt = steady ? 1 : this.link.attempt + 1;
    this.update({ state: this.downState(), attempt, detail });
    this.world.clearTimeout(this.retryTimer);
    this.retryTimer = this.world.setTimeout(() => this.connect(), backoffMs(attempt, this.world.random()));
  }

  private retryNow(): void {
    this.world.clearTimeout(this.retryTimer);
    this.connect();
  }

  private downState(): LinkState {
    const long = this.world.now() - this.lostAt > OFFLINE_AFTER_MS;
    return long || !this.browserOnline ? 'offline' : 'reconnecting';
  }

  private drop(): void {
    const socket = this.socket;
    this.socket = null;
    this.openedAt = 0;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    try {
      socket.close();
    } catch {
      // A socket that never opened may refuse to close; it is forgotten either way.
    }
  }

  private watch(): void {
    this.watchTimer = this.world.setTimeout(() => {
      if (!this.options) return;
      this.watch();
      const now = this.world.now();
      const silent = now - this.lastHeard;
      if (!this.socket) {
        const state = this.downState();
        if (state !== this.link.state && this.link.state !== 'connecting') this.update({ state });
      } else if (silent > DEAD_AFTER_MS) this.lost(`nothing heard for ${Math.round(silent / 1000)} s`);
      else if (this.openedAt > 0) {
        if (silent > STALE_AFTER_MS && this.link.state === 'live') this.update({ state: 'stale' });
        if (now - this.lastPing >= PING_EVERY_MS) this.ping();
        for (const [topic, state] of this.topics)
          if (state.waiting && state.seq >= 0 && now - state.askedAt > 3000) this.resync(topic);
      }
    }, WATCH_EVERY_MS);
  }

  private send(body: unknown): void {
    if (this.openedAt === 0) return;
    try {
      this.socket?.send(JSON.stringify(body));
    } catch {
      // A socket that is closing throws; its close event does the rest.
    }
  }

  private update(change: Partial<Link>): void {
    const moved = change.state !== undefined && change.state !== this.link.state;
    this.link = { ...this.link, ...change, sinceMs: moved ? this.world.now() : this.link.sinceMs };
    this.world.onLink(this.link);
  }
}
