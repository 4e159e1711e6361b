/** What a line of the message log says: frames taken apart, calls matched with their answers. */

import type { Violation } from '@/api/ocpp';
import type { StationMessage } from '@/api/types';
import { brief } from '@/ocpp-form/brief';
import { instant } from '@/ui/format';

export interface Frame {
  /** The payload of a call or answer; the details of an error. */
  payload: unknown;
  error: { code: string; description: string } | null;
  /** The frame as text, where it was too long for the log or is no JSON. */
  cut: string | null;
}

const text = (value: unknown) => (typeof value === 'string' ? value : '');

/** Takes the frame of a message apart: `[2, id, action, payload]` and so on. */
export function frameOf(message: StationMessage): Frame {
  const frame: unknown = message.payload;
  if (!Array.isArray(frame)) {
    return typeof frame === 'string'
      ? { payload: null, error: null, cut: frame }
      : { payload: frame, error: null, cut: null };
  }
  switch (frame[0]) {
    case 2:
    case 6:
      return { payload: frame[3], error: null, cut: null };
    case 3:
      return { payload: frame[2], error: null, cut: null };
    case 4:
    case 5:
      return {
        payload: frame[4] ?? {},
        error: { code: text(frame[2]), description: text(frame[3]) },
        cut: null,
      };
    default:
      return { payload: frame, error: null, cut: null };
  }
}

/** The line of a message: what it holds, or what went wrong. */
export function summary(message: StationMessage): string {
  const frame = frameOf(message);
  if (frame.cut !== null) return frame.cut.slice(0, 120);
  if (frame.error) return [frame.error.code, frame.error.description].filter(Boolean).join(': ');
  return brief(frame.payload, 140);
}

const answers = new Set(['result', 'error']);
const isCall = (m: StationMessage) => m.kind === 'call';

/** Calls of stations and of ours may have the same id: an answer goes the other way. */
function exchange(m: StationMessage): string | null {
  if (m.id === null || m.id === undefined) return null;
  if (!isCall(m) && !answers.has(m.kind)) return null;
  const asker = isCall(m) ? m.direction : m.direction === 'in' ? 'out' : 'in';
  return `${m.station}\n${asker}\n${m.id}`;
}

export interface Pair {
  other: StationMessage;
  /** From the call to the answer. */
  ms: number;
}

/**
 * By number of the message: the call of an answer, the answer of a call. Ids are used again after a restart of the
 * station, so that a call belongs to the first answer after it.
 */
export function pairs(messages: readonly StationMessage[]): ReadonlyMap<number, Pair> {
  const out = new Map<number, Pair>();
  const open = new Map<string, StationMessage>();
  for (const message of [...messages].sort((a, b) => a.number - b.number)) {
    const key = exchange(message);
    if (key === null) continue;
    if (isCall(message)) {
      open.set(key, message);
      continue;
    }
    const call = open.get(key);
    if (!call) continue;
    open.delete(key);
    const ms = Math.max(0, (instant(message.at) ?? 0) - (instant(call.at) ?? 0));
    out.set(call.number, { other: message, ms });
    out.set(message.number, { other: call, ms });
  }
  return out;
}

/** Filed breaches by the message that broke the rule. */
export function violationsByMessage(filed: readonly Violation[]): ReadonlyMap<string, Violation[]> {
  const out = new Map<string, Violation[]>();
  for (const violation of filed) {
    const id = violation.detail?.message_id;
    if (!id) continue;
    const key = markKey(violation.station, id);
    out.set(key, [...(out.get(key) ?? []), violation]);
  }
  return out;
}

export function markKey(station: string, id: string): string {
  return `${station}\n${id}`;
}

/** How far a breach may be filed from its message: ids are used again after restarts. */
const NEAR_MS = 60_000;

/** The breaches of one message: those of the side that sent it, near its time. */
export function violationsOf(
  message: StationMessage,
  marks: ReadonlyMap<string, Violation[]>,
): readonly Violation[] {
  if (!message.id || message.direction !== 'in') return [];
  const at = instant(message.at) ?? 0;
  return (marks.get(markKey(message.station, message.id)) ?? []).filter(
    (v) => Math.abs((instant(v.at) ?? 0) - at) <= NEAR_MS,
  );
}

/** Fields at fault and what is wrong with each, as the decoded view marks them. */
export function faultsOf(violations: readonly Violation[]): ReadonlyMap<string, string> {
  const out = new Map<string, string>();
  for (const { detail } of violations) {
    if (detail.field) out.set(detail.field, detail.detail ?? detail.code ?? 'is wrong');
  }
  return out;
}

/** True where something was wrong with a message, by the log or by what was filed. */
export function isWrong(message: StationMessage, violations: readonly Violation[]): boolean {
  return (
    violations.length > 0 ||
    message.kind === 'malformed' ||
    message.kind === 'error' ||
    (message.outcome !== null && message.outcome !== undefined)
  );
}

const kinds: Readonly<Record<string, string>> = {
  call: 'Call',
  result: 'Answer',
  error: 'Error',
  send: 'Send',
  malformed: 'Unreadable',
};

export function kindWord(kind: string): string {
  return kinds[kind] ?? kind;
}
