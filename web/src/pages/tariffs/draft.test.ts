import { expect, it } from 'vitest';
import { nextKind, readDecimal, toSpec } from './draft';

it('reads what a person types as a decimal, and nothing else', () => {
  expect(readDecimal(' 0,45 ')).toBe('0.45');
  expect(readDecimal('12')).toBe('12');
  for (const wrong of ['', '-1', '1e3', '0.1234567', 'free', '1.2.3']) expect(readDecimal(wrong)).toBeNull();
});

it('sends only what was said, and keeps what it does not edit', () => {
  const answer = toSpec({
    currency: 'EUR',
    rounding: 'total',
    min_price: { net: '' },
    elements: [
      {
        components: [{ kind: 'energy', price: '0,39', tax_percent: '', step: 1 }],
        restrictions: { days: [], start_time: '', end_time: '', min_power_w: '50000' },
      },
    ],
  });
  expect(answer).toEqual({
    spec: {
      currency: 'EUR',
      rounding: 'total',
      elements: [
        {
          components: [{ kind: 'energy', price: '0.39', step: 1 }],
          restrictions: { min_power_w: '50000' },
        },
      ],
    },
  });
});

it('says what cannot be sent', () => {
  const of = (components: { kind: 'energy'; price: string }[], restrictions = {}) =>
    toSpec({ currency: 'EUR', elements: [{ components, restrictions }] });
  expect(of([])).toHaveProperty('problem');
  expect(of([{ kind: 'energy', price: 'x' }])).toHaveProperty('problem');
  expect(of([{ kind: 'energy', price: '1' }], { start_time: '22:00' })).toHaveProperty('problem');
});

it('offers the kinds that have no price yet', () => {
  expect(nextKind({ components: [] })).toBe('energy');
  expect(nextKind({ components: [{ kind: 'energy', price: '1' }] })).toBe('time');
});
