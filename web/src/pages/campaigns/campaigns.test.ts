import { describe, expect, it } from 'vitest';
import type { CampaignRequest } from '@/api/campaigns';
import { emptyFilter } from '../jobs/filter';
import {
  atWork,
  draftFrom,
  emptyCampaign,
  finishedOf,
  missing,
  nameOf,
  requestOf,
  terms,
  versionIn,
} from './logic';

const whole = {
  ...emptyCampaign,
  filter: { ...emptyFilter, vendor: 'ACME' },
  file: 'f',
  version: ' 2.4.0 ',
  canary: '2',
  by: 'percent' as const,
  percent: '12.5',
  pause_above: '10',
  timed: true,
  time_zone: 'Europe/Berlin',
};

describe('a firmware campaign', () => {
  it('is not asked for before all of it is said, and says what lacks', () => {
    expect(missing(emptyCampaign)).toBe('Choose stations.');
    expect(requestOf({ ...whole, file: '' })).toBeNull();
    expect(missing({ ...whole, signed: true })).toMatch(/certificate/);
    expect(missing(whole)).toBeNull();
  });

  it('goes to the API in its own units', () => {
    expect(requestOf(whole)).toMatchObject({
      name: 'To 2.4.0',
      version: '2.4.0',
      filter: { vendor: 'ACME' },
      waves: { canary: 2, percent: 12.5, pause_above: 0.1 },
      window: { from: '01:00', to: '05:00', time_zone: 'Europe/Berlin' },
      retry_after_s: 600,
      silent_s: 21_600,
    });
    expect(requestOf({ ...whole, by: 'all', timed: false })).not.toHaveProperty('window');
    expect(requestOf({ ...whole, by: 'all' })?.waves).toEqual({ canary: 2, pause_above: 0.1 });
    // Not a number: the server is to name the field, nobody guesses.
    expect(requestOf({ ...whole, attempts: '' })?.attempts).toBe(0);
  });

  it('comes back from the API as it was written', () => {
    const request = requestOf({
      ...whole,
      signed: true,
      certificate: 'C',
      signature: 'S S',
    }) as CampaignRequest;
    expect(request.signature).toBe('SS');
    expect(requestOf(draftFrom(request))).toEqual(request);
  });

  it('is named after its version until somebody names it', () => {
    expect(nameOf(emptyCampaign)).toBe('');
    expect(nameOf({ ...emptyCampaign, version: '3' })).toBe('To 3');
    expect(nameOf({ ...emptyCampaign, version: '3', name: '' })).toBe('');
  });

  it('counts who is at work and who has come to an end', () => {
    const states = {
      installed: 3,
      failed: 1,
      given_up: 1,
      cancelled: 2,
      downloading: 4,
      verifying: 1,
      pending: 9,
    };
    expect(finishedOf(states)).toBe(7);
    expect(atWork(states)).toBe(5);
  });

  it('is told in words', () => {
    const words = Object.fromEntries(terms(requestOf(whole) as CampaignRequest));
    expect(words.Waves).toBe('2 stations first, then 12.5 % of all a wave');
    expect(words['Pauses when']).toBe('more than 10 % of a wave failed');
    expect(words.Hours).toBe('01:00 to 05:00, Europe/Berlin or the site’s zone');
  });

  it('guesses a version from the name of a file, and none where none stands', () => {
    expect(versionIn('acme-dc150_v2.4.1.bin')).toBe('2.4.1');
    expect(versionIn('2.4.0-rc.1.img')).toBe('2.4.0-rc.1');
    expect(versionIn('fw-2.4.1-signed.bin')).toBe('2.4.1');
    expect(versionIn('dc150.bin')).toBeNull();
  });
});
