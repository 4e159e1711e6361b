import type { AsyncRouteComponent } from '@tanstack/react-router';
import { createElement, use, type ComponentType } from 'react';
import { ApiError } from '@/api/client';

/** The server answers, but no longer has the file: most likely a newer release is running there. */
export class PageMissing extends Error {
  constructor() {
    super('the server has no such page any more: a newer version may be running');
    this.name = 'PageMissing';
  }
}

type Page = ComponentType<Record<string, never>>;

/** Every page that is fetched when it is opened, so that all can be fetched before. */
const pages: (() => Promise<void>)[] = [];

/** Whether the server answers at all. */
export async function reachable(): Promise<boolean> {
  try {
    await fetch('/', { method: 'HEAD', cache: 'no-store' });
    return true;
  } catch {
    return false;
  }
}

/**
 * A page in a file of its own. Unlike the router's own function it never reloads the window when the file cannot be
 * fetched: with the server away that would end in the browser's error page, and what is on screen would be lost. The
 * failure goes to the route's error component, and each further attempt asks again.
 */
export function lazyRouteComponent<M extends Record<K, ComponentType>, K extends keyof M>(
  load: () => Promise<M>,
  name: K,
): AsyncRouteComponent<Record<string, never>> {
  let page: Page | null = null;
  let pending: Promise<void> | null = null;
  const preload = (): Promise<void> => {
    pending ??= load().then(
      (module) => {
        page = module[name] as Page;
      },
      async () => {
        pending = null;
        throw (await reachable()) ? new PageMissing() : new ApiError(0, {});
      },
    );
    return pending;
  };
  pages.push(preload);
  function LazyPage(props: Record<string, never>) {
    if (!page) use(preload());
    return page && createElement(page, props);
  }
  return Object.assign(LazyPage, { preload });
}

/** Fetches every page one after the other, so that a server that goes away takes none with it. */
export async function preloadPages(): Promise<void> {
  for (const preload of pages) {
    try {
      await preload();
    } catch {
      // Opening the page says what is wrong; the rest would fail the same way.
      return;
    }
  }
}
