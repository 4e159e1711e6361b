import { describe, expect, it } from 'vitest';
import { stretchesOf } from './timeline';

const iso = (ms: number) => new Date(ms).toISOString();
const outage = (from: number, to: number, cause = 'offline', unobserved = false) => ({
  from: iso(from),
  to: iso(to),
  cause,
  unobserved,
});

describe('the timeline of a connector', () => {
  it('fills the whole span without gaps, whatever overlaps', () => {
    const stretches = stretchesOf({
      from: 0,
      to: 100,
      since: 10,
      outages: [outage(20, 40, 'faulted'), outage(90, 200)],
      sessions: [{ number: 1, state: 'ended', started_at: iso(30), ended_at: iso(60) }],
    });
    expect(stretches).toEqual([
      { state: 'unknown', from: 0, to: 10 },
      { state: 'available', from: 10, to: 20 },
      { state: 'faulted', from: 20, to: 40 },
      { state: 'charging', from: 40, to: 60 },
      { state: 'available', from: 60, to: 90 },
      { state: 'offline', from: 90, to: 100 },
    ]);
  });

  it('is not watched where nothing is known of it, or the server was down', () => {
    const nothing = { from: 0, to: 10, outages: [], sessions: [] };
    expect(stretchesOf({ ...nothing, since: null })).toEqual([{ state: 'unknown', from: 0, to: 10 }]);
    expect(stretchesOf({ ...nothing, since: 0, outages: [outage(4, 6, 'offline', true)] })[1]?.state).toBe(
      'unknown',
    );
  });

  it('charges until now where a session runs', () => {
    const stretches = stretchesOf({
      from: 0,
      to: 10,
      since: 0,
      outages: [],
      sessions: [{ number: 1, state: 'active', started_at: iso(4), ended_at: null }],
    });
    expect(stretches.at(-1)).toEqual({ state: 'charging', from: 4, to: 10 });
  });
});
