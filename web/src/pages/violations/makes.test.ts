import { describe, expect, it } from 'vitest';
import type { Breach, ValidationRule } from '@/api/desk';
import { bindingRule, byMake, makeName } from './makes';

const breach = (more: Partial<Breach>): Breach => ({
  vendor: 'V',
  model: 'M',
  firmware_version: '1',
  code: 'FormatViolation',
  action: 'Heartbeat',
  count: 2,
  first_at: '2026-01-01T00:00:00Z',
  last_at: '2026-01-02T00:00:00Z',
  last_station: 'S',
  ...more,
});
const rule = (more: Partial<ValidationRule>): ValidationRule => ({
  vendor: 'V',
  policy: 'lenient',
  set_by: 'a',
  set_at: '2026-01-01T00:00:00Z',
  ...more,
});

describe('breaches by make', () => {
  it('are added up over kinds, with the newest time', () => {
    const makes = byMake([
      breach({}),
      breach({ code: 'Other', count: 3, last_at: '2026-01-05T00:00:00Z' }),
      breach({ firmware_version: '2' }),
    ]);
    expect(makes).toHaveLength(2);
    expect(makes[0]).toMatchObject({ count: 5, kinds: 2, last_at: '2026-01-05T00:00:00Z' });
    expect(makeName({ vendor: '', model: null })).toBe('Make not told');
  });

  it('are held by the most particular rule', () => {
    const rules = [
      rule({}),
      rule({ model: 'M', firmware_version: '1', policy: 'quarantine' }),
      rule({ model: 'M', policy: 'strict' }),
    ];
    const make = { vendor: 'V', model: 'M', firmware_version: '1' };
    expect(bindingRule(rules, make)?.policy).toBe('quarantine');
    expect(bindingRule(rules, { ...make, firmware_version: '2' })?.policy).toBe('strict');
    expect(bindingRule(rules, { ...make, model: 'N' })?.policy).toBe('lenient');
    expect(bindingRule(rules, { ...make, vendor: 'W' })).toBeUndefined();
  });
});
