import { afterEach, describe, expect, it } from 'vitest';
import { may, takeKeyFromFragment } from './session';
import { linkView } from './link-view';
import { safeNext } from './router';
import type { Link } from '@/live/messages';

afterEach(() => history.replaceState(null, '', '/'));

describe('key links', () => {
  it('takes the key and leaves no trace of it in the address', () => {
    history.replaceState(null, '', '/?sel=station:CP-1#key=vt_a%2Bb');
    expect(takeKeyFromFragment()).toBe('vt_a+b');
    expect(location.hash).toBe('');
    expect(location.search).toBe('?sel=station:CP-1');
    expect(takeKeyFromFragment()).toBeNull();
  });

  it('leaves other fragments alone', () => {
    history.replaceState(null, '', '/#main');
    expect(takeKeyFromFragment()).toBeNull();
    expect(location.hash).toBe('#main');
  });
});

it('goes on only to a page of its own after signing in', () => {
  expect(safeNext('/stations/CP-1?x=1')).toBe('/stations/CP-1?x=1');
  for (const bad of [
    '//evil.example',
    '/\\evil.example',
    'https://evil.example',
    '/sign-in',
    '',
    7,
    undefined,
  ]) {
    expect(safeNext(bad)).toBeUndefined();
  }
});

it('orders the roles', () => {
  expect(may('viewer', 'operator')).toBe(false);
  expect(may('operator', 'operator')).toBe(true);
  expect(may('admin', 'viewer')).toBe(true);
  expect(may(undefined, 'viewer')).toBe(false);
});

describe('link state', () => {
  const link: Link = {
    state: 'live',
    sinceMs: 0,
    attempt: 3,
    offsetMs: 500,
    rttMs: 4,
    epochMs: 0,
    resyncs: 0,
    detail: null,
  };

  it('measures the age of the data by the server clock', () => {
    expect(linkView(link, 10_000, 8_500)).toMatchObject({ state: 'live', ageMs: 2_000 });
    expect(linkView(link, 10_000, 60_000).ageMs).toBe(0);
    expect(linkView(link, 10_000, null)).toMatchObject({ ageMs: null, dataTimeMs: null });
  });

  it('never says live when the link is not', () => {
    for (const state of ['stale', 'offline', 'connecting', 'stopped', 'reconnecting'] as const) {
      expect(linkView({ ...link, state }, 0, 0).state).not.toBe('live');
    }
  });
});
