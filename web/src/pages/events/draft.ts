import type { EndpointSettings, EventEndpoint, NewEndpoint, Target, TargetKind } from '@/api/events';

/** An endpoint that is being written, every field as it was typed. */
export interface EndpointDraft {
  name: string;
  kind: TargetKind;
  url: string;
  /** Topic or subject. */
  place: string;
  user: string;
  secret: string;
  mode: 'structured' | 'binary';
  validation: 'cloud_events' | 'event_grid' | 'none';
  version: '5' | '3.1.1';
  jetstream: boolean;
  deadLetters: string;
  enabled: boolean;
  /** What is not on the form and stays as it is. */
  retry: EndpointSettings['retry'];
}

export const fresh: EndpointDraft = {
  name: '',
  kind: 'webhook',
  url: '',
  place: 'voltwin/{twin}',
  user: '',
  secret: '',
  mode: 'structured',
  validation: 'cloud_events',
  version: '5',
  jetstream: true,
  deadLetters: '',
  enabled: true,
  retry: undefined,
};

export const kinds: readonly { value: TargetKind; label: string; address: string }[] = [
  { value: 'webhook', label: 'Webhook', address: 'https://hook.example/events' },
  { value: 'mqtt', label: 'MQTT', address: 'mqtts://broker.example:8883' },
  { value: 'nats', label: 'NATS', address: 'tls://nats.example:4222' },
  { value: 'file', label: 'Files', address: '' },
];

function targetOf(d: EndpointDraft): Target {
  const url = d.url.trim();
  const user = d.user.trim() === '' ? {} : { user: d.user.trim() };
  switch (d.kind) {
    case 'webhook':
      return { kind: 'webhook', url, mode: d.mode, validation: d.validation };
    case 'mqtt':
      return { kind: 'mqtt', url, topic: d.place.trim(), version: d.version, ...user };
    case 'nats':
      return { kind: 'nats', url, subject: d.place.trim(), jetstream: d.jetstream, ...user };
    case 'file':
      return { kind: 'file' };
  }
}

export function bodyOf(d: EndpointDraft): NewEndpoint {
  return {
    settings: {
      target: targetOf(d),
      ...(d.retry === undefined ? {} : { retry: d.retry }),
      ...(d.deadLetters === '' ? {} : { dead_letter_endpoint: d.deadLetters }),
    },
    ...(d.secret === '' ? {} : { secret: d.secret }),
    enabled: d.enabled,
  };
}

export function draftOf({ name, settings, enabled }: EventEndpoint): EndpointDraft {
  const { target: t } = settings;
  return {
    ...fresh,
    name,
    enabled,
    kind: t.kind,
    url: t.kind === 'file' ? '' : t.url,
    place: t.kind === 'mqtt' ? t.topic : t.kind === 'nats' ? t.subject : fresh.place,
    user: (t.kind === 'mqtt' || t.kind === 'nats') && t.user ? t.user : '',
    mode: (t.kind === 'webhook' && t.mode) || fresh.mode,
    validation: (t.kind === 'webhook' && t.validation) || fresh.validation,
    version: (t.kind === 'mqtt' && t.version) || fresh.version,
    jetstream: t.kind === 'nats' ? t.jetstream === true : fresh.jetstream,
    deadLetters: settings.dead_letter_endpoint ?? '',
    retry: settings.retry,
  };
}

/** Where it goes, in a line. */
export function whereOf({ target: t }: EndpointSettings): string {
  switch (t.kind) {
    case 'webhook':
      return t.url;
    case 'mqtt':
      return `${t.url}, ${t.topic}`;
    case 'nats':
      return `${t.url}, ${t.subject}${t.jetstream ? ', JetStream' : ''}`;
    case 'file':
      return 'NDJSON files in the data folder';
  }
}

/** Filters that many begin with. */
export const filters: readonly { title: string; filter: string }[] = [
  { title: 'Everything', filter: 'true' },
  { title: 'New values of twins', filter: "type = 'Microsoft.DigitalTwins.Twin.Update'" },
  {
    title: 'Changes of vehicles',
    filter:
      "type = 'Microsoft.DigitalTwins.Twin.Update' AND STARTS_WITH($body.modelId, 'dtmi:voltwin:Vehicle')",
  },
  { title: 'Relationships', filter: "CONTAINS(subject, '/relationships/')" },
  { title: 'Telemetry', filter: "type = 'microsoft.iot.telemetry'" },
];

/** The place that a refusal names: "column 12: …". Columns count characters, from 1. */
export function columnIn(message: string): number | null {
  const match = /\bcolumn (\d+)\b/.exec(message);
  return match ? Number(match[1]) : null;
}

/** A filter cut where it is wrong, so that the place can be marked. */
export function cutAt(text: string, column: number): [before: string, wrong: string, after: string] {
  const characters = [...text];
  const at = Math.min(Math.max(0, column - 1), characters.length);
  const word = /^[\w$.]+/.exec(characters.slice(at).join(''))?.[0].length ?? 1;
  const end = Math.max(at + 1, at + word);
  return [
    characters.slice(0, at).join(''),
    characters.slice(at, end).join(''),
    characters.slice(end).join(''),
  ];
}
