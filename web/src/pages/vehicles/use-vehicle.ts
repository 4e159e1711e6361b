import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { vehicleQuery } from '@/api/queries';
import { overlayVehicle } from '@/app/live-overlay';
import { useVehicleLive } from '@/live';

/** A vehicle: the record from the API, overlaid with the stream. */
export function useVehicle(id: string) {
  const query = useQuery({ ...vehicleQuery(id), refetchInterval: 10_000 });
  const live = useVehicleLive(id);
  const vehicle = useMemo(() => query.data && overlayVehicle(query.data, live), [query.data, live]);
  return { vehicle, error: query.data ? null : query.error, retry: () => void query.refetch() };
}

/** `CP-1:2:1` stands at station `CP-1`: the identity may hold colons itself, the two numbers are last. */
export function stationOf(connector: string): string {
  return connector.split(':').slice(0, -2).join(':') || connector;
}
