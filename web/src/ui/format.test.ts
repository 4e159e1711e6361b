import { describe, expect, it } from 'vitest';
import {
  age,
  bytes,
  clock,
  connectorNumber,
  dateTime,
  distance,
  duration,
  energy,
  exactEnergy,
  instant,
  measure,
  NONE,
  percent,
  plug,
  plural,
  power,
  speed,
} from './format';

describe('figures', () => {
  it('tells the size of a file in powers of two', () => {
    expect([bytes(0), bytes(1023), bytes(1536), bytes(94_890), bytes(3 * 1024 ** 3), bytes(null)]).toEqual([
      '0 B',
      '1,023 B',
      '1.5 KiB',
      '92.7 KiB',
      '3.0 GiB',
      '–',
    ]);
  });

  it('never shows a missing reading as zero', () => {
    for (const text of [
      power(null),
      energy(undefined),
      percent(NaN),
      speed(null),
      measure(null, 'V'),
      duration(null),
    ]) {
      expect(text).toBe(NONE);
    }
    expect(exactEnergy(null)).toBe(NONE);
    expect(dateTime('not a time')).toBe(NONE);
  });

  it('scales power and energy', () => {
    expect(power(0)).toBe('0 kW');
    expect(power(-0.2)).toBe('0 kW');
    expect(power(840)).toBe('840 W');
    expect(power(7_360)).toBe('7.4 kW');
    expect(power(150_000)).toBe('150 kW');
    expect(power(-11_000)).toBe('-11.0 kW');
    expect(power(1_250_000)).toBe('1.3 MW');
    expect(energy(1_834_000)).toBe('1.8 MWh');
    expect(energy(0)).toBe('0 kWh');
  });

  it('rounds to nothing without a sign', () => {
    expect(measure(-0.04, 'A', 1)).toBe('0.0 A');
    expect(percent(-0.0001)).toBe('0 %');
  });

  it('says speed and distance', () => {
    expect(speed(13.888)).toBe('50 km/h');
    expect(distance(950)).toBe('950 m');
    expect(distance(15_877_500)).toBe('15,877.5 km');
  });
});

describe('exact energies', () => {
  it('keeps every digit', () => {
    expect(exactEnergy('19049.688')).toBe('19.049688 kWh');
    expect(exactEnergy('100000')).toBe('100.0 kWh');
    expect(exactEnergy('7')).toBe('0.007 kWh');
    expect(exactEnergy('0')).toBe('0.0 kWh');
    expect(exactEnergy('1234567890.000001')).toBe('1,234,567.890000001 kWh');
    expect(exactEnergy('-1500')).toBe('−1.5 kWh');
  });

  it('agrees with arithmetic where arithmetic is exact', () => {
    for (let wh = 0; wh < 20_000; wh += 37) {
      expect(Number(exactEnergy(String(wh)).replace(/[, kWh]/g, ''))).toBeCloseTo(wh / 1000, 9);
    }
  });

  it('refuses what is no number', () => {
    expect(exactEnergy('1e3')).toBe(NONE);
    expect(exactEnergy('12,5')).toBe(NONE);
  });
});

describe('times', () => {
  it('says how long', () => {
    expect(duration(9)).toBe('9 s');
    expect(duration(728)).toBe('12 min 08 s');
    expect(duration(3_840)).toBe('1 h 04 min');
    expect(duration(90_000)).toBe('1 d 01 h');
  });

  it('says how long ago, and nothing below zero', () => {
    expect(age(-5_000)).toBe('now');
    expect(age(12_400)).toBe('12 s');
    expect(age(240_000)).toBe('4 min');
    expect(age(3 * 3_600_000)).toBe('3 h');
    expect(age(50 * 3_600_000)).toBe('2 d');
  });

  it('reads RFC 3339', () => {
    expect(instant('2026-11-21T08:00:00Z')).toBe(Date.UTC(2026, 10, 21, 8));
    expect(instant(null)).toBeNull();
    expect(clock(new Date(2026, 10, 21, 9, 5, 7).getTime())).toBe('09:05:07');
  });
});

it('counts and numbers in words', () => {
  expect(plural(1, 'vehicle')).toBe('1 vehicle');
  expect(plural(0, 'vehicle')).toBe('0 vehicles');
  expect(connectorNumber({ evse_id: 2, connector_id: 1 })).toBe('2');
  expect(connectorNumber({ evse_id: 2, connector_id: 2 })).toBe('2.2');
});

it('calls a plug what people call it', () => {
  expect(plug('cCCS2')).toBe('CCS 2');
  expect(plug('cG105')).toBe('CHAdeMO');
  expect(plug('wSomething')).toBe('wSomething');
});
