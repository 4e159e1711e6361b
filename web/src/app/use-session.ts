import { useQuery } from '@tanstack/react-query';
import { sessionQuery } from '@/api/queries';
import type { Session } from '@/api/types';

/** Who is signed in; undefined only while a page outside the shell shows. */
export function useSession(): Session | undefined {
  return useQuery({ ...sessionQuery, enabled: false }).data;
}
