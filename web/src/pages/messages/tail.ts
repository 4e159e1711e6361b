import type { Page } from '@/api/client';
import type { StationMessage } from '@/api/types';

/** Messages that are kept on a page; older ones are read again when they are asked for. */
export const KEPT_MAX = 2_000;

/** What a page holds of the log: newest first, and where the older ones go on. */
export interface Tail {
  rows: readonly StationMessage[];
  next: string | null;
}

/**
 * Puts the newest page ahead of what is held. A page that does not reach back to what is held leaves a gap: then only
 * the page is kept, so that what is on screen never misses anything in its midst.
 */
export function withHead(held: Tail | null, head: Page<StationMessage>): Tail {
  const newest = held?.rows[0];
  // A search that has gone further back in vain stays where it is until something comes.
  if (held && !newest && head.items.length === 0) return held;
  if (!held || !newest) return { rows: head.items, next: head.next };
  const at = head.items.findIndex((m) => m.number <= newest.number);
  if (at < 0 && head.next !== null) return { rows: head.items, next: head.next };
  const fresh = at < 0 ? head.items : head.items.slice(0, at);
  if (fresh.length === 0) return held;
  const rows = [...fresh, ...held.rows];
  if (rows.length <= KEPT_MAX) return { rows, next: held.next };
  const kept = rows.slice(0, KEPT_MAX);
  // The cursor of the log is the number of the last message that was read.
  return { rows: kept, next: String(kept[kept.length - 1]?.number ?? '') || null };
}

/** Puts an older page after what is held. */
export function withOlder(held: Tail, page: Page<StationMessage>): Tail {
  const last = held.rows[held.rows.length - 1]?.number ?? Infinity;
  return { rows: [...held.rows, ...page.items.filter((m) => m.number < last)], next: page.next };
}

/** How many of the newest page came after what is shown; "more" where the page does not reach back to it. */
export function newer(shown: Tail | null, head: Page<StationMessage>): { n: number; more: boolean } {
  const newest = shown?.rows[0]?.number ?? 0;
  const n = head.items.filter((m) => m.number > newest).length;
  return { n, more: n === head.items.length && head.next !== null };
}
