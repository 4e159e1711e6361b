import { describe, expect, it } from 'vitest';
import type { Violation } from '@/api/ocpp';
import type { StationMessage } from '@/api/types';
import { faultsOf, frameOf, isWrong, pairs, summary, violationsByMessage, violationsOf } from './frames';
import { KEPT_MAX, newer, withHead, withOlder } from './tail';

function message(number: number, over: Partial<StationMessage> = {}): StationMessage {
  return {
    number,
    station: 'CP-1',
    at: new Date(1_700_000_000_000 + number * 10).toISOString(),
    direction: 'in',
    kind: 'call',
    action: 'Heartbeat',
    id: `m${number}`,
    payload: [2, `m${number}`, 'Heartbeat', {}],
    outcome: null,
    trace: null,
    ...over,
  };
}

const page = (numbers: number[], next: string | null = null) => ({
  items: numbers.map((n) => message(n)),
  next,
});
const numbers = (tail: { rows: readonly StationMessage[] } | null) => tail?.rows.map((m) => m.number);

describe('a frame', () => {
  it('is taken apart by its kind', () => {
    expect(frameOf(message(1, { payload: [2, 'a', 'Reset', { type: 'Soft' }] })).payload).toEqual({
      type: 'Soft',
    });
    expect(frameOf(message(1, { payload: [3, 'a', { status: 'Accepted' }] })).payload).toEqual({
      status: 'Accepted',
    });
    expect(
      frameOf(message(1, { payload: [6, 'a', 'NotifyPeriodicEventStream', { id: 1 }] })).payload,
    ).toEqual({
      id: 1,
    });
    const error = frameOf(message(1, { payload: [4, 'a', 'NotImplemented', 'no such thing', { x: 1 }] }));
    expect(error.error).toEqual({ code: 'NotImplemented', description: 'no such thing' });
    expect(error.payload).toEqual({ x: 1 });
    expect(frameOf(message(1, { payload: '[2,"a","Da' })).cut).toBe('[2,"a","Da');
    expect(frameOf(message(1, { payload: [3] })).payload).toBeUndefined();
  });

  it('is summed up in a line', () => {
    expect(summary(message(1, { payload: [3, 'a', { status: 'Accepted' }] }))).toBe('status: Accepted');
    expect(summary(message(1, { payload: [4, 'a', 'GenericError', '', {}] }))).toBe('GenericError');
  });
});

describe('calls and answers', () => {
  it('belong together by station, id and direction', () => {
    const call = message(1, { id: 'x' });
    const ours = message(2, { id: 'x', direction: 'out', action: 'Reset' });
    const answer = message(5, { id: 'x', direction: 'out', kind: 'result' });
    const error = message(7, { id: 'x', direction: 'in', kind: 'error' });
    const other = message(8, { id: 'x', station: 'CP-2', direction: 'out', kind: 'result' });
    const found = pairs([other, error, answer, ours, call]);
    expect(found.get(1)).toEqual({ other: answer, ms: 40 });
    expect(found.get(5)).toEqual({ other: call, ms: 40 });
    expect(found.get(2)?.other.number).toBe(7);
    expect(found.has(8)).toBe(false);
  });

  it('are told apart when a station uses an id again', () => {
    const found = pairs([
      message(1, { id: '1' }),
      message(2, { id: '1', direction: 'out', kind: 'result' }),
      message(9, { id: '1' }),
      message(11, { id: '1', direction: 'out', kind: 'result' }),
    ]);
    expect([found.get(1)?.other.number, found.get(9)?.other.number, found.get(11)?.ms]).toEqual([2, 11, 20]);
  });
});

describe('violations', () => {
  const filed: Violation = {
    id: 3,
    station: 'CP-1',
    at: message(4).at,
    detail: { code: 'FormatViolation', field: 'mood', detail: 'no such property', message_id: 'm4' },
  };

  it('mark the message that they were filed for, and its field', () => {
    const marks = violationsByMessage([filed]);
    expect(violationsOf(message(4), marks)).toEqual([filed]);
    expect(violationsOf(message(4, { direction: 'out' }), marks)).toEqual([]);
    expect(violationsOf(message(4, { station: 'CP-2' }), marks)).toEqual([]);
    expect(violationsOf(message(4, { at: '2020-01-01T00:00:00Z' }), marks)).toEqual([]);
    expect(faultsOf([filed]).get('mood')).toBe('no such property');
    expect(isWrong(message(4), [filed])).toBe(true);
    expect(isWrong(message(4), [])).toBe(false);
    expect(isWrong(message(4, { outcome: 'late' }), [])).toBe(true);
  });
});

describe('the live tail', () => {
  it('puts new messages ahead, each once', () => {
    const first = withHead(null, page([3, 2, 1], '1'));
    expect(first.next).toBe('1');
    const second = withHead(first, page([5, 4, 3, 2], '2'));
    expect(numbers(second)).toEqual([5, 4, 3, 2, 1]);
    expect(second.next).toBe('1');
    expect(withHead(second, page([5, 4], '4'))).toBe(second);
  });

  it('begins anew rather than hide a gap', () => {
    const held = withHead(null, page([3, 2, 1], '1'));
    const after = withHead(held, page([9, 8, 7], '7'));
    expect(numbers(after)).toEqual([9, 8, 7]);
    expect(after.next).toBe('7');
    expect(numbers(withHead(held, page([9, 8], null)))).toEqual([9, 8, 3, 2, 1]);
  });

  it('keeps what was read further back, and bounds what it holds', () => {
    const held = withOlder(withHead(null, page([9, 8], '8')), page([8, 7, 6], '6'));
    expect(numbers(held)).toEqual([9, 8, 7, 6]);
    expect(held.next).toBe('6');
    const many = Array.from({ length: KEPT_MAX }, (_, i) => KEPT_MAX + 100 - i);
    const full = withHead(null, page(many, '101'));
    const more = withHead(full, page([KEPT_MAX + 101, KEPT_MAX + 100], '5'));
    expect(more.rows.length).toBe(KEPT_MAX);
    expect(more.next).toBe(String(more.rows[KEPT_MAX - 1]?.number));
    const searching = { rows: [], next: '400' };
    expect(withHead(searching, page([], '900'))).toBe(searching);
  });

  it('counts what waits while it is paused', () => {
    const held = withHead(null, page([3, 2], '2'));
    expect(newer(held, page([6, 5, 3], '3'))).toEqual({ n: 2, more: false });
    expect(newer(held, page([9, 8, 7], '7'))).toEqual({ n: 3, more: true });
  });
});
