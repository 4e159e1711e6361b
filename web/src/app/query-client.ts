import { QueryClient } from '@tanstack/react-query';
import { ApiError } from '@/api/client';

/** One cache for the REST side; what moves every second lives in `src/live` and never comes here. */
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      gcTime: 5 * 60_000,
      refetchOnWindowFocus: false,
      // A refusal stays a refusal; only a broken link or a busy server is worth another try.
      retry: (count, error) => count < 2 && !(error instanceof ApiError && error.status < 500),
      retryDelay: (attempt) => Math.min(500 * 2 ** attempt, 4_000),
    },
    mutations: { retry: false },
  },
});
