import { api, ApiError } from '@/api/client';
import { keys, sessionQuery } from '@/api/queries';
import type { Role, Session } from '@/api/types';
import { queryClient } from './query-client';

/** Who is signed in, or null; any failure other than a refusal is thrown, because "unknown" is not "signed out". */
export async function currentSession(): Promise<Session | null> {
  try {
    return await queryClient.ensureQueryData(sessionQuery);
  } catch (error) {
    if (error instanceof ApiError && (error.status === 401 || error.status === 403)) return null;
    throw error;
  }
}

const endings = new Set<() => void>();

/** `forget` is run when somebody else may sit before the page: what was typed is not theirs to see. */
export function atSessionEnd(forget: () => void): void {
  endings.add(forget);
}

function forgetAll(): void {
  queryClient.clear();
  for (const forget of endings) forget();
}

export type Credentials = { key: string } | { tenant: string; user: string; password: string };

export async function signIn(credentials: Credentials): Promise<Session> {
  const session = await api.post<Session>('/session', credentials);
  forgetAll();
  queryClient.setQueryData(keys.session, session);
  return session;
}

export async function signOut(): Promise<void> {
  await api.delete<void>('/session');
  forgetAll();
}

const rank: Record<Role, number> = { viewer: 0, operator: 1, admin: 2 };

/** Whether a role may do what needs `least`. The server decides again on every call. */
export function may(role: Role | undefined, least: Role): boolean {
  return role !== undefined && rank[role] >= rank[least];
}

/**
 * Takes the key out of a `#key=...` link and out of the address bar, so that it stays in no history entry and no
 * copied address.
 */
export function takeKeyFromFragment(): string | null {
  const match = /^#key=([^&]+)$/.exec(location.hash);
  if (!match?.[1]) return null;
  history.replaceState(history.state, '', location.pathname + location.search);
  try {
    return decodeURIComponent(match[1]);
  } catch {
    return match[1];
  }
}
