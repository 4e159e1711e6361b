import { describe, expect, it } from 'vitest';
import type { TariffSpec } from '@/api/tariffs';
import { newElement, nextKind, printMinutes, readDecimal, readMinutes, toDraft, toSpec } from './draft';

/** Every field that a tariff can have, as docs/tariffs.md shows them. */
const whole: TariffSpec = {
  currency: 'EUR',
  elements: [
    {
      components: [
        { kind: 'energy', price: '0.45', tax_percent: '19', step: 500 },
        { kind: 'time', price: '1.20', tax_percent: '19', step: 60 },
        { kind: 'parking', price: '6.00', tax_percent: '19', step: 60 },
        { kind: 'flat', price: '0.50', tax_percent: '19' },
      ],
      restrictions: {
        start_time: '08:00',
        end_time: '20:00',
        start_date: '2026-01-01',
        end_date: '2027-01-01',
        days: ['monday', 'friday'],
        min_energy_wh: '1000.5',
        max_energy_wh: '50000',
        min_power_w: '11000',
        max_power_w: '50000',
        min_current_a: '16',
        max_current_a: '63.5',
        min_duration_s: 90,
        max_duration_s: 7200,
      },
    },
    {
      components: [{ kind: 'time', price: '2' }],
      restrictions: { reservation: 'reservation_expires' },
    },
  ],
  min_price: { net: '0.50', gross: '0.60' },
  max_price: { net: '80', gross: '95.20' },
  idle_grace_s: 630,
  rounding: 'total',
  texts: [{ language: 'en', text: 'Day price' }],
  url: 'https://example.org/tariff',
  valid_from: '2026-01-01T00:00:00.000Z',
  valid_to: '2027-01-01T00:00:30.000Z',
};

/** The problems of a tariff of one group that is changed. */
function problems(change: (element: ReturnType<typeof newElement>) => void, more: object = {}) {
  const element = structuredClone(newElement());
  change(element);
  const draft = { ...toDraft({ currency: 'EUR', elements: [] }), elements: [element], ...more };
  return [...toSpec(draft).problems.keys()];
}

describe('a tariff', () => {
  it('comes back from the form as it went in, every field of it', () => {
    expect(toSpec(toDraft(whole))).toEqual({ spec: whole, problems: new Map() });
  });

  it('holds only what was said', () => {
    const bare: TariffSpec = {
      currency: 'EUR',
      elements: [{ components: [{ kind: 'energy', price: '0.39' }] }],
    };
    expect(toSpec(toDraft(bare)).spec).toEqual(bare);
  });

  it('takes kWh and kW with a comma, exactly', () => {
    const draft = toDraft(whole);
    const element = newElement();
    draft.elements[0] = { ...element, when: { ...element.when, energy: ['1,0005', ''], power: ['', '22'] } };
    const { spec, problems: none } = toSpec(draft);
    expect(none.size).toBe(0);
    expect(spec.elements[0]?.restrictions).toMatchObject({ min_energy_wh: '1000.5', max_power_w: '22000' });
    expect(spec.elements[0]?.restrictions).not.toHaveProperty('max_energy_wh');
  });
});

describe('what cannot be sent is said at its field', () => {
  const price = ({ components: [first] }: ReturnType<typeof newElement>) => {
    if (!first) throw new Error('a group without a price');
    return first;
  };
  it.each([
    ['elements[0].components[0].price', (e) => (price(e).price = 'free')],
    ['elements[0].components[0].price', (e) => (price(e).price = '')],
    ['elements[0].components[0].tax_percent', (e) => (price(e).tax = '101')],
    ['elements[0].components[0].step', (e) => (price(e).step = '0')],
    ['elements[0].components[0].step', (e) => (price(e).step = '1.5')],
    ['elements[0].components[1].kind', (e) => e.components.push({ ...price(e) })],
    ['elements[0].restrictions.max_energy_wh', (e) => (e.when = { ...e.when, energy: ['10', '10'] })],
    ['elements[0].restrictions.min_power_w', (e) => (e.when = { ...e.when, power: ['much', ''] })],
    ['elements[0].restrictions.max_duration_s', (e) => (e.when = { ...e.when, duration: ['60', '1:30'] })],
    ['elements[0].restrictions.min_duration_s', (e) => (e.when = { ...e.when, duration: ['1:75', ''] })],
    [
      'elements[0].restrictions.end_date',
      (e) => (e.when = { ...e.when, startDate: '2026-02-01', endDate: '2026-02-01' }),
    ],
  ] as [string, (e: ReturnType<typeof newElement>) => void][])('%s', (field, change) => {
    expect(problems(change)).toEqual([field]);
  });

  it.each([
    ['min_price.net', { min: { net: '5', gross: '' }, max: { net: '4', gross: '' } }],
    ['max_price.gross', { max: { net: '5', gross: '4' } }],
    ['max_price.net', { max: { net: '', gross: '4' } }],
    ['idle_grace_s', { grace: '1441' }],
    ['url', { url: 'javascript:alert(1)' }],
    ['texts[0].language', { texts: [{ language: 'EN', text: 'x' }] }],
    ['valid_to', { validFrom: '2026-02-01T00:00', validTo: '2026-01-01T00:00' }],
  ])('%s', (field, more) => {
    expect(problems(() => {}, more)).toEqual([field]);
  });
});

it('reads what a person types as a decimal, and nothing else', () => {
  expect(readDecimal(' 0,45 ')).toBe('0.45');
  expect(readDecimal('12')).toBe('12');
  for (const wrong of ['', '-1', '1e3', '0.1234567', 'free', '1.2.3']) expect(readDecimal(wrong)).toBeNull();
});

it('reads and writes minutes with seconds', () => {
  for (const s of [0, 59, 60, 90, 3600, 86_399]) expect(readMinutes(printMinutes(s))).toBe(s);
  expect(printMinutes(90)).toBe('1:30');
  for (const wrong of ['', '-1', '1:60', '1.5', 'one']) expect(readMinutes(wrong)).toBeNull();
});

it('offers the kinds that have no price yet', () => {
  expect(nextKind({ ...newElement(), components: [] })).toBe('energy');
  expect(nextKind(newElement())).toBe('time');
});
