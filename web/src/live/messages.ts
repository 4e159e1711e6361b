import type { Alarm, Command, Overview, Transaction } from '@/api/types';
import type { Topic } from './frames';

/** Degrees; the part of the world whose vehicles a client wants. */
export interface View {
  south: number;
  west: number;
  north: number;
  east: number;
}

/** Which frame or request brought something: what the server's logs know it by. */
export interface Traced {
  trace?: string | null;
}

/** JSON messages of the server, as `docs/live-stream.md` lists them. */
export type ServerMessage =
  | {
      type: 'hello';
      protocol: number;
      tenant: string;
      epoch_ms: number;
      server_time_ms: number;
      journal_seq: number;
    }
  | ({ type: 'kpi' } & Overview)
  | ({ type: 'alarm' } & Alarm & Traced)
  | ({ type: 'command' } & Command & Traced)
  | ({ type: 'transaction' } & Transaction & Traced)
  | ({ type: 'focus'; twin: string; at: string; values: Record<string, unknown> } & Traced)
  | { type: 'pong'; t: number }
  | { type: 'error'; detail: string };

/**
 * What the link is doing. `stale`: connected but silent for three ticks, so what is shown is old. `reconnecting`:
 * lost, and trying. `offline`: lost for so long (or the browser says so) that nobody should wait for it.
 */
export type LinkState = 'connecting' | 'live' | 'stale' | 'reconnecting' | 'offline' | 'stopped';

export interface Link {
  state: LinkState;
  /** When this state began, in `Date.now()` time. */
  sinceMs: number;
  /** Failed attempts since the link was last up. */
  attempt: number;
  /** Server clock minus this clock, of the ping with the shortest way; null before the first answer. */
  offsetMs: number | null;
  /** Round trip of the newest ping. */
  rttMs: number | null;
  /** `epoch_ms` of `hello`: what `at_ms` counts from. */
  epochMs: number;
  /** Fresh snapshots that had to be asked for since the page opened. */
  resyncs: number;
  detail: string | null;
}

export interface LiveOptions {
  url: string;
  topics: Topic[];
  /** Ticks a second, 0.2 to 20. */
  hz: number;
}

/** Page → worker. */
export type ToWorker =
  | { t: 'start'; options: LiveOptions }
  | { t: 'stop' }
  | { t: 'view'; view: View | null }
  | { t: 'focus'; twins: string[] }
  | { t: 'resync'; topic: Topic }
  | { t: 'online'; online: boolean }
  | { t: 'recycle'; buffer: ArrayBuffer };

/** Worker → page. */
export type FromWorker =
  | { t: 'link'; link: Link }
  | {
      t: 'frame';
      buffer: ArrayBuffer;
      length: number;
      ids: string[] | null;
      /** When it came off the socket; a page that is busy takes it over later. */
      receivedMs?: number;
    }
  | { t: 'message'; message: ServerMessage };
