import { describe, expect, it } from 'vitest';
import type { Element, Restrictions } from '@/api/tariffs';
import { clock, week, weekOf } from './week';

const priced = (price: string, restrictions: Restrictions = {}): Element => ({
  components: [{ kind: 'energy', price }],
  restrictions,
});
// 2026-03-02 is a Monday.
const dates = weekOf('2026-03-05');
const told = (elements: Element[], day: number) =>
  week(elements, 'energy', dates)[day]?.map((s) => `${clock(s.from)}-${clock(s.to)} ${s.price ?? 'none'}`);

it('begins a week on Monday, also across the end of a month and on a Sunday', () => {
  expect(dates[0]).toBe('2026-03-02');
  expect(dates[6]).toBe('2026-03-08');
  expect(weekOf('2026-03-01')[0]).toBe('2026-02-23');
  expect(weekOf('2026-03-02T23:59')[0]).toBe('2026-03-02');
});

describe('the first group that holds gives the price', () => {
  it('by day and by night', () => {
    const elements = [priced('0.45', { start_time: '08:00', end_time: '20:00' }), priced('0.30')];
    expect(told(elements, 0)).toEqual(['00:00-08:00 0.30', '08:00-20:00 0.45', '20:00-24:00 0.30']);
  });

  it('over midnight, on the days that it names', () => {
    const night = priced('0.20', { start_time: '22:00', end_time: '06:00', days: ['saturday'] });
    expect(told([night, priced('0.40')], 5)).toEqual([
      '00:00-06:00 0.20',
      '06:00-22:00 0.40',
      '22:00-24:00 0.20',
    ]);
    // The day is that of the moment: Sunday morning is not Saturday.
    expect(told([night, priced('0.40')], 6)).toEqual(['00:00-24:00 0.40']);
  });

  it('from its first day on, and before its last', () => {
    const some = priced('0.10', { start_date: '2026-03-03', end_date: '2026-03-05' });
    const days = [0, 1, 2, 3].map((day) => told([some, priced('0.40')], day)?.[0]?.slice(-4));
    expect(days).toEqual(['0.40', '0.10', '0.10', '0.40']);
  });

  it('with only a beginning or only an end', () => {
    expect(told([priced('1', { start_time: '18:00' })], 2)).toEqual(['00:00-18:00 none', '18:00-24:00 1']);
    expect(told([priced('1', { end_time: '06:30' })], 2)).toEqual(['00:00-06:30 1', '06:30-24:00 none']);
  });
});

it('says where a group goes before by what the session is like, and leaves reservations out', () => {
  const elements = [
    priced('0.60', { min_power_w: '50000', start_time: '12:00' }),
    priced('9', { reservation: 'reservation' }),
    priced('0.40'),
  ];
  const slots = week(elements, 'energy', dates)[0];
  expect(slots).toEqual([
    { from: 0, to: 720, element: 2, price: '0.40', unless: [] },
    { from: 720, to: 1440, element: 2, price: '0.40', unless: [0] },
  ]);
  expect(week(elements, 'flat', dates)[0]).toEqual([
    { from: 0, to: 1440, element: null, price: null, unless: [] },
  ]);
});
