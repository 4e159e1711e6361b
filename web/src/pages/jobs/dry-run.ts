import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { api, ApiError } from '@/api/client';

const REST_MS = 300;

/** What a request would do, asked of the server as it is written; `null` asks nothing. */
export function useDryRun<T>(path: string, body: object | null) {
  const text = JSON.stringify(body && { ...body, dry_run: true });
  const [rested, setRested] = useState(text);
  useEffect(() => {
    if (text === rested) return;
    const timer = setTimeout(() => setRested(text), REST_MS);
    return () => clearTimeout(timer);
  }, [text, rested]);
  const query = useQuery({
    queryKey: [path.slice(1), 'dry-run', rested] as const,
    queryFn: ({ signal }) => api.post<T>(path, JSON.parse(rested), { signal }),
    enabled: rested !== 'null',
    placeholderData: keepPreviousData,
    staleTime: 5_000,
    refetchInterval: 15_000,
    retry: false,
  });
  const current = text === rested && !query.isPlaceholderData;
  return {
    run: body === null || query.error ? null : (query.data ?? null),
    /** What is shown belongs to what is written. */
    current: current && !query.isFetching,
    error: body !== null && query.error instanceof ApiError ? query.error : null,
  };
}
