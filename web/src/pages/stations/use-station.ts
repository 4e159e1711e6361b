import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { stationQuery } from '@/api/queries';
import type { Station } from '@/api/types';
import { overlayConnector, overlayStation } from '@/app/live-overlay';
import { useConnectorsLive, useStationLive } from '@/live';

/**
 * A station with its connectors: the record from the API, overlaid with what the stream knows newer. Texts that the
 * stream does not carry (tokens, error codes) come from the record, which every change of a status refreshes.
 */
export function useStation(id: string) {
  const query = useQuery({ ...stationQuery(id), refetchInterval: 5_000 });
  const live = useStationLive(id);
  const connectors = useConnectorsLive(id);
  const station = useMemo<Station | undefined>(() => {
    if (!query.data) return undefined;
    const byId = new Map(connectors.map((c) => [c.id, c]));
    return {
      ...overlayStation(query.data, live),
      evses: (query.data.evses ?? []).map((evse) => ({
        ...evse,
        connectors: evse.connectors.map((c) => overlayConnector(c, byId.get(c.id))),
      })),
    };
  }, [query.data, live, connectors]);
  return { station, error: query.data ? null : query.error, retry: () => void query.refetch() };
}
