import { afterEach, describe, expect, it, vi } from 'vitest';
import { ApiError } from '@/api/client';
import { lazyRouteComponent, PageMissing, preloadPages } from './lazy-route-component';

const Page = () => null;

afterEach(() => vi.unstubAllGlobals());

describe('a page in a file of its own', () => {
  it('is fetched once', async () => {
    const load = vi.fn(() => Promise.resolve({ Page }));
    const lazy = lazyRouteComponent(load, 'Page');
    await lazy.preload?.();
    await lazy.preload?.();
    await preloadPages();
    expect(load).toHaveBeenCalledTimes(1);
  });

  it('says that the server is away, and is asked for again with the next attempt', async () => {
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('Failed to fetch')));
    const load = vi
      .fn()
      .mockRejectedValueOnce(new TypeError('Failed to fetch dynamically imported module'))
      .mockResolvedValueOnce({ Page });
    const lazy = lazyRouteComponent<{ Page: typeof Page }, 'Page'>(load, 'Page');
    await expect(lazy.preload?.()).rejects.toMatchObject({ name: 'ApiError', status: 0 });
    await expect(lazy.preload?.()).resolves.toBeUndefined();
    expect(load).toHaveBeenCalledTimes(2);
  });

  it('tells a file that is gone from a server that is away', async () => {
    vi.stubGlobal('fetch', () => Promise.resolve(new Response(null)));
    const lazy = lazyRouteComponent<{ Page: typeof Page }, 'Page'>(() => Promise.reject(new Error()), 'Page');
    const failure = await Promise.resolve(lazy.preload?.()).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(PageMissing);
    expect(failure).not.toBeInstanceOf(ApiError);
  });
});
