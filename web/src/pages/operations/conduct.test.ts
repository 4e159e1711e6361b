import { describe, expect, it } from 'vitest';
import type { Filed, ValidationRules } from '@/api/desk';
import type { Station } from '@/api/types';
import { conductOf, conductTag, conductWords, policyOf } from './conduct';

const now = Date.parse('2026-03-01T12:00:00Z');
const filed = (station: string, minutesAgo: number, detail: object = { code: 'FormatViolation' }) =>
  ({ id: 1, station, at: new Date(now - minutesAgo * 60_000).toISOString(), detail }) as Filed;
const page = (items: Filed[], next: string | null = null) => ({ items, next });
const station = (id: string, vendor: string | null = 'Acme', firmware: string | null = '1.0') =>
  ({ id, vendor, model: 'M', firmware_version: firmware }) as Station;
const rules = (change: Partial<ValidationRules> = {}): ValidationRules => ({
  default: 'strict',
  items: [],
  stations: [],
  ...change,
});
const rule = { set_by: 'x', set_at: '2026-01-01T00:00:00Z' };

describe('conduct', () => {
  it('counts the breaches of the last hour by station, with those that were only counted', () => {
    const all = conductOf(
      page([
        filed('A', 1),
        filed('A', 59, { code: 'NotFiled', count: 40 }),
        filed('A', 61),
        filed('B', 5, { code: 'Quarantined' }),
      ]),
      [],
      [],
      undefined,
      now,
    );
    expect([...all]).toEqual([['A', { quarantine: false, breaches: 41, atLeast: false }]]);
    expect(conductWords(all.get('A'))).toBe('41 breaches');
  });

  it('says “at least” where the newest do not reach back an hour, and for an alarm of older ones', () => {
    const alarm = (code: string) => ({ code, station: 'C', cleared_at: null });
    const all = conductOf(page([filed('A', 1)], 'more'), [alarm('ProtocolViolations')], [], undefined, now);
    expect(conductWords(all.get('A'))).toBe('At least 1 breach');
    expect(conductWords(all.get('C'))).toBe('At least 1 breach');
    expect(conductOf(undefined, [alarm('GroundFailure')], [], undefined, now).size).toBe(0);
  });

  it('knows quarantine by the station, by its make and by default', () => {
    const quarantine = { policy: 'quarantine', ...rule } as const;
    const made = rules({
      items: [
        { vendor: 'Acme', model: null, firmware_version: null, ...quarantine },
        { vendor: 'Acme', model: 'M', firmware_version: '2.0', ...rule, policy: 'lenient' },
      ],
      stations: [{ station: 'free', ...rule, policy: 'strict' }],
    });
    expect(policyOf(made, station('A'))).toBe('quarantine');
    expect(policyOf(made, station('B', 'Acme', '2.0'))).toBe('lenient');
    expect(policyOf(made, station('free'))).toBe('strict');
    expect(policyOf(made, station('D', null))).toBe('strict');
    const all = conductOf(undefined, [], [station('A'), station('free')], made, now);
    expect([...all.keys()]).toEqual(['A']);
    expect(conductWords(all.get('A'))).toBe('Quarantine');
    expect(conductTag({ quarantine: true, breaches: 3, atLeast: false })).toBe('quarantine');
    expect(conductTag({ quarantine: false, breaches: 3, atLeast: false })).toBe('violations');
  });
});
