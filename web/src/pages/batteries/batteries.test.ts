import { describe, expect, it } from 'vitest';
import { historyLines } from './history-part';
import { steps } from './plot';
import { fresh, presets, problems, readIds, request, scenario } from './what-if-draft';
import { bounded, signed, span, statusWord, verdict } from './words';

describe('words', () => {
  it('says spans as people do', () => {
    expect([span(1 / 24), span(7), span(61), span(900), span(null)]).toEqual([
      '1 h',
      '7 days',
      '2 months',
      '2.5 years',
      'over 20 years',
    ]);
  });
  it('names a status that it does not know by its own word', () => {
    expect(statusWord('synchronised').label).toBe('In step');
    expect(statusWord('new-one').label).toBe('new-one');
  });
  it('gives a figure its interval and a difference its sign', () => {
    expect(bounded({ value: 0.912, low: 0.9, high: 0.92 })).toBe('91.2 % (90.0 to 92.0)');
    expect(bounded(null)).toBe('–');
    expect([signed(1.44), signed(-0.2), signed(-0.01)]).toEqual(['+1.4', '−0.2', '0.0']);
  });
  it('answers the driver by the worst that is known', () => {
    const soh = { value: 0.92, low: 0.9, high: 0.94 };
    const of = (severity: string | null, status = 'synchronised', health: typeof soh | null = soh) =>
      verdict({ status, soh: health, warnings: severity ? [{ severity }] : [] }).tone;
    expect(of(null, 'synchronised', { value: 1, low: 0.79, high: 1.26 })).toBe('none');
    expect([of(null), of('minor'), of('major'), of('critical'), of(null, 'unknown', null)]).toEqual([
      'good',
      'good',
      'warn',
      'bad',
      'none',
    ]);
  });
});

describe('plot', () => {
  it('steps in round figures within the span', () => {
    expect(steps(-0.1, 4.9)).toEqual([0, 1, 2, 3, 4]);
    expect(steps(0, 100)).toEqual([0, 20, 40, 60, 80, 100]);
    expect(steps(3, 3)).toEqual([3]);
  });
});

describe('history', () => {
  it('puts the bounds around the estimate and the vehicle beside it', () => {
    const lines = historyLines(
      {
        soc: [[1, 0.5, 0.5, 0.5, 1]],
        soc_low: [[1, 0.4, 0.4, 0.4, 1]],
        soc_high: [[1, 0.6, 0.6, 0.6, 1]],
        reported_soc: [[1, 0.55, 0.55, 0.55, 1]],
      },
      'soc',
    );
    expect(lines.map((line) => line.name)).toEqual(['Twin', 'The vehicle says']);
    expect(lines[0]?.points).toEqual([{ x: 1, y: 0.5, low: 0.4, high: 0.6 }]);
  });
  it('is empty where nothing was seen', () => expect(historyLines({}, 'soh')).toEqual([]));
});

describe('what if', () => {
  it('sends only what differs from today', () => {
    expect(presets[0] && scenario(presets[0])).toEqual({
      name: 'Charge late, to 80 %',
      charge_late: true,
      charge_to_soc: 0.8,
    });
    expect(request(['A'], 10, [fresh(1)])).toEqual({
      batteries: ['A'],
      days: 3650,
      scenarios: [{ name: 'Habit 1' }],
    });
  });
  it('names the field that is wrong', () => {
    const wrong = { ...fresh(1), name: ' ', upTo: true, upToPercent: 5, v2g: true, v2gFrom: 20, v2gTo: 18 };
    expect(Object.keys(problems(wrong)).sort()).toEqual(['name', 'upToPercent', 'v2gTo']);
    expect(problems({ ...fresh(1), upToPercent: 5 })).toEqual({});
  });
  it('reads the packs of an address once each', () => expect(readIds('a, b,,a')).toEqual(['a', 'b']));
});
