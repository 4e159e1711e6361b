import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Pace } from './control/pace';

describe('the pace of a painter without a graphics chip', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  /** A painter that takes `tookMs` for each picture. */
  function painter(tookMs: number) {
    const at: number[] = [];
    const pace = new Pace(
      () => {
        at.push(Math.round(performance.now()));
        pace.drawn(performance.now());
      },
      () => {
        const until = performance.now() + tookMs;
        return () => performance.now() >= until;
      },
    );
    return { pace, at };
  }

  it('rests twice as long as a picture took, and draws once for all that asked meanwhile', () => {
    const { pace, at } = painter(80);
    const from = performance.now();
    for (let ms = 0; ms < 1_000; ms += 10) {
      pace.ask();
      vi.advanceTimersByTime(10);
    }
    expect(at[0]).toBe(Math.round(from));
    for (let i = 1; i < at.length; i++) expect((at[i] as number) - (at[i - 1] as number)).toBe(240);
  });

  it('draws nothing that nobody asked for', () => {
    const { pace, at } = painter(20);
    pace.ask();
    vi.advanceTimersByTime(5_000);
    expect(at).toHaveLength(1);
    pace.ask();
    expect(at).toHaveLength(2);
  });

  it('waits no longer than two seconds for a painter that never says that it is done', () => {
    const { pace, at } = painter(Number.POSITIVE_INFINITY);
    pace.ask();
    pace.ask();
    vi.advanceTimersByTime(5_900);
    expect(at).toHaveLength(1);
    vi.advanceTimersByTime(200);
    expect(at).toHaveLength(2);
  });
});
