import type { Link } from '@/live/messages';

export interface LinkView {
  state: 'live' | 'reconnecting' | 'stale' | 'offline';
  label: string;
  detail: string;
  /** Server time of the newest data, in ms. */
  dataTimeMs: number | null;
  /** How old that is by the server's clock; null before anything has come. */
  ageMs: number | null;
}

/** What the strip says about the link. A page without data is never "live", whatever the socket says. */
export function linkView(link: Link, nowMs: number, dataTimeMs: number | null): LinkView {
  const ageMs = dataTimeMs === null ? null : Math.max(0, nowMs + (link.offsetMs ?? 0) - dataTimeMs);
  const base = { dataTimeMs, ageMs };
  switch (link.state) {
    case 'live':
      return { ...base, state: 'live', label: 'Live', detail: 'Values arrive as they change.' };
    case 'stale':
      return {
        ...base,
        state: 'stale',
        label: 'Stale',
        detail: 'Connected, but the server has gone silent.',
      };
    case 'offline':
      return {
        ...base,
        state: 'offline',
        label: 'Offline',
        detail: link.detail ?? 'The server cannot be reached.',
      };
    case 'connecting':
    case 'stopped':
      return { ...base, state: 'reconnecting', label: 'Connecting', detail: 'Opening the live stream.' };
    case 'reconnecting':
      return {
        ...base,
        state: 'reconnecting',
        label: 'Reconnecting',
        detail: `Attempt ${link.attempt}${link.detail ? `: ${link.detail}` : ''}.`,
      };
  }
}
