import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { someTwinsQuery } from '@/api/graph';
import type { Twin } from '@/api/types';
import { around, netOf, type Net } from '@/graph/net';

/** Twins that are drawn at most. */
export const MOST = 800;
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

/** Twins that are read at most beside those of the list. */
const MOST_READ = 5_000;

const none: ReadonlyMap<string, Twin> = new Map();

/** Some twins by id, as far as they have come; of those that were read before, what was read then. */
export function useRead(ids: readonly string[]): ReadonlyMap<string, Twin> {
  const wanted = useMemo(() => ids.slice(0, MOST_READ), [ids]);
  const { data } = useQuery({
    ...someTwinsQuery(wanted),
    enabled: wanted.length > 0,
    placeholderData: keepPreviousData,
  });
  return wanted.length > 0 ? (data ?? none) : none;
}
