import type { Slot } from '@/api/charging';
import { instant } from '@/ui/format';

/** A charging schedule as OCPP spells it, in whichever version. */
export interface Schedule {
  startSchedule?: string;
  duration?: number;
  chargingRateUnit?: string;
  chargingSchedulePeriod: {
    startPeriod: number;
    limit?: number;
    setpoint?: number;
    dischargeLimit?: number;
  }[];
}

export interface Profile {
  id?: number;
  chargingProfileId?: number;
  stackLevel?: number;
  chargingProfilePurpose?: string;
  chargingProfileKind?: string;
  recurrencyKind?: string;
  validFrom?: string;
  validTo?: string;
  transactionId?: string | number;
  chargingSchedule: Schedule | Schedule[];
}

/** From `at` on the value holds; null where nothing limits. */
export interface Step {
  at: number;
  value: number | null;
}

export function schedulesOf(profile: Profile): Schedule[] {
  const all = Array.isArray(profile.chargingSchedule) ? profile.chargingSchedule : [profile.chargingSchedule];
  return all.filter((s): s is Schedule => Array.isArray(s?.chargingSchedulePeriod));
}

/** `A` or `W`; W where none is said. */
export function unitOf(schedule: Schedule | undefined): 'A' | 'W' {
  return schedule?.chargingRateUnit === 'A' ? 'A' : 'W';
}

const limitOf = (p: Schedule['chargingSchedulePeriod'][number]) => p.setpoint ?? p.limit ?? null;

/** The steps of a schedule that begins at `start`, and nothing after its duration. */
export function stepsFrom(schedule: Schedule, start: number): Step[] {
  const end = schedule.duration === undefined ? Infinity : start + schedule.duration * 1000;
  const steps = schedule.chargingSchedulePeriod
    .map((p) => ({ at: start + p.startPeriod * 1000, value: limitOf(p) }))
    .filter((s) => s.at < end)
    .sort((a, b) => a.at - b.at);
  return end === Infinity ? steps : [...steps, { at: end, value: null }];
}

/** The steps of a composite schedule: its slots follow each other until its end. */
export function stepsOfSlots(slots: readonly Slot[], start: number, duration_s: number): Step[] {
  return [
    ...slots.map((s) => ({ at: start + s.start_s * 1000, value: s.setpoint ?? s.limit ?? null })),
    { at: start + duration_s * 1000, value: null },
  ];
}

const DAY = 86_400_000;

/**
 * Where a profile limits between two times. Null for one that is told relative to a transaction: it has no time of its
 * own. A daily or weekly one comes back; what lies outside of its validity does not count.
 */
export function stepsOf(profile: Profile, from: number, to: number): Step[] | null {
  if (profile.chargingProfileKind === 'Relative') return null;
  const every =
    profile.chargingProfileKind === 'Recurring'
      ? profile.recurrencyKind === 'Weekly'
        ? 7 * DAY
        : DAY
      : null;
  const steps: Step[] = [];
  for (const schedule of schedulesOf(profile)) {
    const start = instant(schedule.startSchedule);
    if (start === null) continue;
    if (every === null) {
      steps.push(...stepsFrom(schedule, start));
      continue;
    }
    const first = start + Math.floor((from - start) / every) * every;
    for (let at = Math.max(first, start); at < to; at += every) {
      const once = stepsFrom(schedule, at).filter((s) => s.at < at + every);
      steps.push(...once);
    }
  }
  return clip(
    steps.sort((a, b) => a.at - b.at),
    Math.max(from, instant(profile.validFrom) ?? from),
    Math.min(to, instant(profile.validTo) ?? to),
  );
}

/** The steps between two times: the value at the beginning, and null after the end. */
export function clip(steps: readonly Step[], from: number, to: number): Step[] {
  if (from >= to) return [];
  const before = steps.filter((s) => s.at <= from).at(-1);
  const inside = steps.filter((s) => s.at > from && s.at < to);
  return [{ at: from, value: before?.value ?? null }, ...inside, { at: to, value: null }];
}

/** What holds at a time. */
export function valueAt(steps: readonly Step[], at: number): number | null {
  let value: number | null = null;
  for (const step of steps) {
    if (step.at > at) break;
    value = step.value;
  }
  return value;
}

/** Round numbers from 0 (or below) to at least the greatest value, for an axis. */
export function ticks(min: number, max: number): number[] {
  const span = Math.max(max, 0) - Math.min(min, 0) || 1;
  const rough = span / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 2.5, 5, 10].find((f) => f * power >= rough) ?? 10) * power;
  const low = Math.floor(Math.min(min, 0) / step);
  const high = Math.max(Math.ceil(max / step), low + 1);
  return Array.from({ length: high - low + 1 }, (_, i) => (low + i) * step);
}

/** What a limit is as the version of the station spells a profile. */
export function limitProfile(
  version: string | null,
  wish: { evse: number; watts: number; hours: number; id: number; from: string },
): Record<string, unknown> {
  const station = wish.evse === 0;
  const schedule = {
    chargingRateUnit: 'W',
    startSchedule: wish.from,
    duration: Math.round(wish.hours * 3600),
    chargingSchedulePeriod: [{ startPeriod: 0, limit: wish.watts }],
  };
  const profile = { stackLevel: 1, chargingProfileKind: 'Absolute' };
  if (version === '1.6') {
    return {
      connectorId: wish.evse,
      csChargingProfiles: {
        ...profile,
        chargingProfileId: wish.id,
        chargingProfilePurpose: station ? 'ChargePointMaxProfile' : 'TxDefaultProfile',
        chargingSchedule: schedule,
      },
    };
  }
  return {
    evseId: wish.evse,
    chargingProfile: {
      ...profile,
      id: wish.id,
      chargingProfilePurpose: station ? 'ChargingStationMaxProfile' : 'TxDefaultProfile',
      chargingSchedule: [{ id: 1, ...schedule }],
    },
  };
}
