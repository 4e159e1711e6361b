import { describe, expect, it } from 'vitest';
import {
  clip,
  limitProfile,
  stepsFrom,
  stepsOf,
  stepsOfSlots,
  ticks,
  valueAt,
  type Profile,
} from './schedule';

const at = (text: string) => Date.parse(`2026-03-01T${text}Z`);
const profile = (more: Partial<Profile>): Profile => ({
  chargingProfileKind: 'Absolute',
  chargingSchedule: [
    {
      startSchedule: '2026-03-01T10:00:00Z',
      chargingSchedulePeriod: [
        { startPeriod: 0, limit: 11_000 },
        { startPeriod: 3600, limit: 7_000 },
      ],
    },
  ],
  ...more,
});

describe('charging schedules', () => {
  it('hold a step until the next, and nothing after their duration', () => {
    const schedule = {
      duration: 3600,
      chargingSchedulePeriod: [
        { startPeriod: 0, limit: 10 },
        { startPeriod: 1800, limit: 6 },
        { startPeriod: 7200, limit: 1 },
      ],
    };
    const steps = stepsFrom(schedule, 0);
    expect(steps.map((s) => s.value)).toEqual([10, 6, null]);
    expect(valueAt(steps, 1_799_999)).toBe(10);
    expect(valueAt(steps, 1_800_000)).toBe(6);
    expect(valueAt(steps, 3_600_000)).toBeNull();
    expect(valueAt(steps, -1)).toBeNull();
  });

  it('are cut to a window and to the validity of their profile', () => {
    const steps = stepsOf(profile({ validTo: '2026-03-01T10:30:00Z' }), at('09:00:00'), at('12:00:00'));
    expect(steps).toEqual([
      { at: at('09:00:00'), value: null },
      { at: at('10:00:00'), value: 11_000 },
      { at: at('10:30:00'), value: null },
    ]);
    expect(clip([], 5, 5)).toEqual([]);
  });

  it('come back each day when they are daily', () => {
    const steps = stepsOf(
      profile({ chargingProfileKind: 'Recurring', recurrencyKind: 'Daily' }),
      at('10:30:00') + 86_400_000,
      at('12:00:00') + 86_400_000,
    );
    expect(steps?.map((s) => s.value)).toEqual([11_000, 7_000, null]);
  });

  it('have no time when they are relative', () => {
    expect(stepsOf(profile({ chargingProfileKind: 'Relative' }), 0, 1)).toBeNull();
  });

  it('are composed of slots that follow each other until the end', () => {
    const slot = { phases: null, phase_to_use: null, discharge_limit: null, min_rate: null };
    const slots = [
      { ...slot, start_s: 0, limit: 11_000, setpoint: null },
      { ...slot, start_s: 60, limit: null, setpoint: null },
      { ...slot, start_s: 90, limit: 9_000, setpoint: -3_000 },
    ];
    const steps = stepsOfSlots(slots, 1_000_000, 120);
    expect(steps.map((s) => [s.at - 1_000_000, s.value])).toEqual([
      [0, 11_000],
      [60_000, null],
      [90_000, -3_000],
      [120_000, null],
    ]);
  });

  it('are drawn on round numbers that hold every value', () => {
    expect(ticks(0, 22_000)).toEqual([0, 10_000, 20_000, 30_000]);
    expect(ticks(-4_000, 11_000)).toEqual([-5_000, 0, 5_000, 10_000, 15_000]);
    expect(ticks(0, 0).length).toBeGreaterThan(1);
  });

  it('are spelled as the version wants them', () => {
    const wish = { evse: 0, watts: 7000, hours: 2, id: 5, from: '2026-03-01T10:00:00Z' };
    expect(limitProfile('1.6', wish)).toMatchObject({
      connectorId: 0,
      csChargingProfiles: { chargingProfileId: 5, chargingProfilePurpose: 'ChargePointMaxProfile' },
    });
    expect(limitProfile('2.1', { ...wish, evse: 2 })).toMatchObject({
      evseId: 2,
      chargingProfile: { id: 5, chargingProfilePurpose: 'TxDefaultProfile', chargingSchedule: [{ id: 1 }] },
    });
  });
});
