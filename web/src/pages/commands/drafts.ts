import { create } from 'zustand';
import { atSessionEnd } from '@/app/session';
import type { Draft } from './payload-editor';

/** Drafts that are kept; the oldest goes first. */
const KEPT_MAX = 50;

interface Drafts {
  /** By station and action, the newest last. */
  items: ReadonlyMap<string, Draft>;
  keep: (station: string, action: string, draft: Draft) => void;
}

/** What is being written outlives a look at another tab or page; it is gone with the session or the window. */
export const useDrafts = create<Drafts>((set) => ({
  items: new Map(),
  keep: (station, action, draft) =>
    set((s) => {
      const items = new Map(s.items);
      const key = draftKey(station, action);
      items.delete(key);
      items.set(key, draft);
      for (const oldest of items.keys()) {
        if (items.size <= KEPT_MAX) break;
        items.delete(oldest);
      }
      return { items };
    }),
}));

atSessionEnd(() => useDrafts.setState({ items: new Map() }));

export function draftKey(station: string, action: string): string {
  return `${station}\n${action}`;
}
