import { useQueries } from '@tanstack/react-query';
import { useMemo } from 'react';
import { twinQuery } from '@/api/queries';
import type { Twin } from '@/api/types';
import { around, netOf, type Net } from '@/graph/net';

/** Twins that are drawn at most. */
export const MOST = 800;
/** Twins that are read one by one because the list does not hold them. */
const MOST_READ = 64;

/** The twins that are drawn: all that are listed, or those around the opened ones, as far as they are known. */
export function useNet(
  rows: readonly Twin[] | undefined,
  opened: readonly string[] | null,
  hidden: ReadonlySet<string>,
): { net: Net; left: number; twins: ReadonlyMap<string, Twin> } {
  const listed = useMemo(() => new Map((rows ?? []).map((t) => [t.id, t])), [rows]);
  const wanted = useMemo(() => (opened ?? []).filter((id) => !listed.has(id)), [opened, listed]);
  const opening = useRead(wanted);
  const known = useMemo(() => new Map([...listed, ...opening]), [listed, opening]);
  const ids = useMemo(() => {
    if (opened === null) return [...listed.keys()];
    const out = new Set<string>();
    for (const id of opened) {
      const twin = known.get(id);
      if (twin) for (const near of around(twin, MOST)) out.add(near);
    }
    return [...out];
  }, [opened, listed, known]);
  const unread = useMemo(() => ids.slice(0, MOST).filter((id) => !known.has(id)), [ids, known]);
  const rest = useRead(unread);
  const twins = useMemo(() => new Map([...known, ...rest]), [known, rest]);
  const net = useMemo(() => {
    const visible = ids.filter((id) => !hidden.has(twins.get(id)?.model ?? ''));
    return netOf(twins, new Set(visible.slice(0, MOST)));
  }, [ids, twins, hidden]);
  return { net, left: Math.max(0, ids.length - MOST), twins };
}

/** Some twins by id, as far as they have come. */
export function useRead(ids: readonly string[]): ReadonlyMap<string, Twin> {
  return useQueries({
    queries: ids.slice(0, MOST_READ).map((id) => ({ ...twinQuery(id), staleTime: 30_000 })),
    combine,
  });
}

const combine = (results: readonly { data: Twin | undefined }[]): ReadonlyMap<string, Twin> =>
  new Map(results.flatMap(({ data }) => (data ? [[data.id, data] as const] : [])));
