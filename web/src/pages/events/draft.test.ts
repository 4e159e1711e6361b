import { describe, expect, it } from 'vitest';
import type { EventEndpoint } from '@/api/events';
import { bodyOf, columnIn, cutAt, draftOf, fresh, whereOf } from './draft';

const kept = (settings: EventEndpoint['settings']): EventEndpoint => ({
  name: 'hook',
  settings,
  has_secret: true,
  enabled: false,
  status: {
    place: 0,
    lag: 0,
    delivered: 0,
    failed_attempts: 0,
    dead: 0,
    lost: 0,
    retrying: false,
    dead_letter_bytes: 0,
    last_success_at: null,
    last_error_at: null,
    last_error: null,
  },
  created_at: '',
  created_by: '',
  changed_at: '',
});

describe('an endpoint on a form', () => {
  it('is sent with what its kind takes and nothing else', () => {
    expect(bodyOf({ ...fresh, url: ' https://h ', secret: 'Bearer x' })).toEqual({
      settings: {
        target: { kind: 'webhook', url: 'https://h', mode: 'structured', validation: 'cloud_events' },
      },
      secret: 'Bearer x',
      enabled: true,
    });
    expect(bodyOf({ ...fresh, kind: 'file', url: 'https://h', deadLetters: 'graveyard' })).toEqual({
      settings: { target: { kind: 'file' }, dead_letter_endpoint: 'graveyard' },
      enabled: true,
    });
    expect(
      bodyOf({ ...fresh, kind: 'mqtt', url: 'mqtt://b', place: 't', user: 'u' }).settings.target,
    ).toEqual({
      kind: 'mqtt',
      url: 'mqtt://b',
      topic: 't',
      version: '5',
      user: 'u',
    });
  });

  it('comes back as it was, with what the form does not show, and keeps its secret', () => {
    for (const settings of [
      {
        target: { kind: 'webhook', url: 'https://h', mode: 'binary', validation: 'none' },
        retry: { attempts_max: 3 },
      },
      {
        target: { kind: 'nats', url: 'nats://n', subject: 's', jetstream: false },
        dead_letter_endpoint: 'd',
      },
      { target: { kind: 'mqtt', url: 'mqtt://b', topic: 't', version: '3.1.1' } },
      { target: { kind: 'file' } },
    ] as EventEndpoint['settings'][]) {
      expect(bodyOf(draftOf(kept(settings)))).toEqual({ settings, enabled: false });
    }
    expect(whereOf({ target: { kind: 'nats', url: 'nats://n', subject: 's', jetstream: true } })).toBe(
      'nats://n, s, JetStream',
    );
  });
});

describe('a filter that is refused', () => {
  it('is marked where it is wrong', () => {
    const text = "type = 'é' AN x";
    expect(columnIn('`filter` is not right: column 12: expected AND or OR')).toBe(12);
    expect(columnIn('there is no endpoint')).toBeNull();
    expect(cutAt(text, 12)).toEqual(["type = 'é' ", 'AN', ' x']);
    expect(cutAt('a', 9)).toEqual(['a', '', '']);
  });
});
