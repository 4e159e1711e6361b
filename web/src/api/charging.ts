import { queryOptions } from '@tanstack/react-query';
import { api, seg } from './client';
import { knownKey, type Known } from './knowledge';
import type { ListSpec } from './queries';
import type { components } from './schema.generated';
import type { Command } from './types';

/** Reservations, charging profiles and what they add up to, as docs/api.md describes them. */
type Schemas = components['schemas'];

export type Reservation = Schemas['Reservation'];
export type NewReservation = Schemas['NewReservation'];
/** A reservation, and the command by which the station was asked. */
export interface ReservationAsked {
  reservation: Reservation | null;
  command: Command;
}
export type Composite = Omit<Schemas['CompositeSchedule'], 'command'> & { command?: Command | null };
export type Slot = Schemas['ScheduleSlot'];
export type Difference = Schemas['ScheduleDifference'];
export type RateUnit = Schemas['RateUnit'];

/** How long the server waits for the station before it answers, in seconds. */
const WAIT_S = 30;

export const reservationsPath = (station: string) => `/stations/${seg(station)}/reservations`;

export const reservationsQuery = (station: string): ListSpec<Reservation> => ({
  key: [...knownKey(station), 'reservations'],
  path: reservationsPath(station),
  params: { limit: 500 },
});

export const profilesQuery = <T>(station: string): ListSpec<Known<T>> => ({
  key: [...knownKey(station), 'charging-profiles'],
  path: `/stations/${seg(station)}/charging-profiles`,
  params: { limit: 500 },
});

export interface CompositeWish {
  evse: number;
  unit: RateUnit;
  /** Seconds from now. */
  duration_s: number;
}

function readComposite(station: string, wish: CompositeWish, compare: boolean, signal?: AbortSignal) {
  return api.get<Composite>(`/stations/${seg(station)}/composite-schedule`, {
    params: { ...wish, ...(compare ? { compare, wait_s: WAIT_S } : {}) },
    ...(signal ? { signal } : {}),
  });
}

/** What the profiles add up to by our own reckoning; it asks nobody. */
export const compositeQuery = (station: string, wish: CompositeWish) =>
  queryOptions({
    queryKey: [...knownKey(station), 'composite', wish] as const,
    queryFn: ({ signal }) => readComposite(station, wish, false, signal),
    refetchInterval: 60_000,
  });

/** The same beside what the station answers when it is asked. */
export const compareComposite = (station: string, wish: CompositeWish, signal: AbortSignal) =>
  readComposite(station, wish, true, signal);
