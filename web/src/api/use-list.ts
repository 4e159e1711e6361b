import { useInfiniteQuery } from '@tanstack/react-query';
import { useEffect, useMemo, useRef } from 'react';
import { api, type Page } from './client';
import type { ListSpec } from './queries';

/** Pages read without being asked, so that sorting and filtering see the whole of an ordinary network. */
const EAGER_PAGES = 10;

export interface List<T> {
  rows: T[] | undefined;
  error: unknown;
  retry: () => void;
  /** More rows exist on the server than were read. */
  more: (() => void) | null;
  loadingMore: boolean;
}

/** A whole list, page by page, up to a bound; beyond it the user asks for more. */
export function useList<T>(spec: ListSpec<T>, refetchInterval: number | false = false): List<T> {
  const query = useInfiniteQuery({
    queryKey: spec.key,
    queryFn: ({ signal, pageParam }) =>
      api.get<Page<T>>(spec.path, { signal, params: { ...spec.params, cursor: pageParam } }),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next,
    refetchInterval,
  });
  const { data, hasNextPage, isFetchingNextPage, fetchNextPage, isError, refetch } = query;
  const rows = useMemo(() => data?.pages.flatMap((page) => page.items), [data]);
  const pages = data?.pages.length ?? 0;
  const watched = refetchInterval !== false;
  const before = useRef(watched);
  useEffect(() => {
    // What is no longer watched is read once more: it has come to its end since the last look.
    if (before.current && !watched) void refetch();
    before.current = watched;
  }, [watched, refetch]);
  useEffect(() => {
    if (hasNextPage && !isFetchingNextPage && !isError && pages < EAGER_PAGES) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, isError, pages, fetchNextPage]);
  return {
    rows,
    // A list that is on screen stays there when a refresh fails; the link state says that it is old.
    error: rows ? null : query.error,
    retry: () => void refetch(),
    more: hasNextPage && pages >= EAGER_PAGES ? () => void fetchNextPage() : null,
    loadingMore: isFetchingNextPage,
  };
}
