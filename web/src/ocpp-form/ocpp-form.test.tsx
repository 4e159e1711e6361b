import { act } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { brief, hasHidden } from './brief';
import { describe as says, groupOf, mostUsed } from './catalogue';
import { SchemaForm } from './form';
import { singular } from './group';
import { readPayload } from './json-tab';
import { at, move, pathText, set } from './path';
import { initialPayload, label, limits, type Plain, type Schema } from './schema';
import { localText, numberOf, placeOf, rfc3339 } from './texts';
import { byField, validate } from './validate';

const profile: Schema = {
  type: 'object',
  additionalProperties: false,
  required: ['connectorId', 'csChargingProfiles'],
  properties: {
    connectorId: { type: 'integer', minimum: 0 },
    csChargingProfiles: {
      type: 'object',
      additionalProperties: false,
      required: ['stackLevel', 'chargingProfilePurpose', 'chargingSchedule'],
      properties: {
        stackLevel: { type: 'integer', minimum: 0, maximum: 10 },
        chargingProfilePurpose: { type: 'string', enum: ['TxProfile', 'TxDefaultProfile'] },
        validFrom: { type: 'string', format: 'date-time' },
        chargingSchedule: {
          type: 'object',
          additionalProperties: false,
          required: ['chargingSchedulePeriod'],
          properties: {
            chargingSchedulePeriod: {
              type: 'array',
              minItems: 1,
              maxItems: 3,
              items: {
                type: 'object',
                additionalProperties: false,
                required: ['startPeriod', 'limit'],
                properties: {
                  startPeriod: { type: 'integer' },
                  limit: { type: 'number', multipleOf: 0.1 },
                },
              },
            },
          },
        },
        customData: {
          type: 'object',
          required: ['vendorId'],
          properties: { vendorId: { type: 'string', maxLength: 8 } },
        },
      },
    },
  },
};

const good: Plain = {
  connectorId: 1,
  csChargingProfiles: {
    stackLevel: 2,
    chargingProfilePurpose: 'TxProfile',
    chargingSchedule: { chargingSchedulePeriod: [{ startPeriod: 0, limit: 16.3 }] },
    customData: { vendorId: 'com.ex', more: [1, 2] },
  },
};

const faults = (schema: Schema, value: unknown) => Object.fromEntries(byField(validate(schema, value)));

describe('the check', () => {
  it('takes a payload that keeps to its schema', () => {
    expect(validate(profile, good)).toEqual([]);
  });

  it('names the field and says what is wrong with it', () => {
    const path = ['csChargingProfiles', 'chargingSchedule', 'chargingSchedulePeriod'];
    const cases: [unknown, string, RegExp][] = [
      [set(good, ['connectorId'], undefined), 'connectorId', /missing/],
      [set(good, ['connectorId'], -1), 'connectorId', /0 or more/],
      [set(good, ['connectorId'], 1.5), 'connectorId', /whole number/],
      [set(good, ['connectorId'], 'one'), 'connectorId', /a number/],
      [set(good, ['csChargingProfiles', 'stackLevel'], 11), 'csChargingProfiles.stackLevel', /10 or less/],
      [
        set(good, ['csChargingProfiles', 'chargingProfilePurpose'], 'Other'),
        'csChargingProfiles.chargingProfilePurpose',
        /none of the words/,
      ],
      [set(good, ['csChargingProfiles', 'validFrom'], '8 am'), 'csChargingProfiles.validFrom', /a time/],
      [set(good, path, []), 'csChargingProfiles.chargingSchedule.chargingSchedulePeriod', /at least 1 entry/],
      [
        set(good, [...path, 0, 'limit'], 16.25),
        'csChargingProfiles.chargingSchedule.chargingSchedulePeriod[0].limit',
        /multiple of 0.1/,
      ],
      [
        set(
          good,
          path,
          Array.from({ length: 4 }, () => ({ startPeriod: 0, limit: 1 })),
        ),
        'csChargingProfiles.chargingSchedule.chargingSchedulePeriod',
        /4 entries; 3/,
      ],
      [
        set(good, ['csChargingProfiles', 'customData', 'vendorId'], 'far too long'),
        'csChargingProfiles.customData.vendorId',
        /12 characters; 8/,
      ],
      [set(good, ['extra'], true), 'extra', /no field/],
      [set(good, ['csChargingProfiles'], 'x'), 'csChargingProfiles', /group/],
    ];
    for (const [value, field, message] of cases) {
      const found = faults(profile, value);
      expect(Object.keys(found), field).toEqual([field]);
      expect(found[field]).toMatch(message);
    }
  });

  it('lets vendors put into custom data what they like', () => {
    expect(faults(profile, set(good, ['csChargingProfiles', 'customData', 'own'], { a: 1 }))).toEqual({});
  });

  it('knows the time of day, dates, and anything at all', () => {
    const time: Schema = { type: 'string', pattern: '^([01][0-9]|2[0-3]):[0-5][0-9]$' };
    expect(validate(time, '23:59')).toEqual([]);
    expect(validate(time, '24:00')).toHaveLength(1);
    expect(validate({ type: 'string', format: 'date' }, '2026-02-31x')).toHaveLength(1);
    expect(validate({}, undefined)).toEqual([]);
    expect(validate({}, { any: ['thing'] })).toEqual([]);
  });
});

describe('a new payload', () => {
  it('holds what must be there and decides nothing', () => {
    expect(initialPayload(profile)).toEqual({
      csChargingProfiles: { chargingSchedule: { chargingSchedulePeriod: [{}] } },
    });
  });

  it('draws the number of a request', () => {
    const drawn = initialPayload({
      type: 'object',
      required: ['requestId'],
      properties: { requestId: { type: 'integer' } },
    });
    expect(drawn.requestId).toBeTypeOf('number');
  });
});

describe('paths', () => {
  it('read, change and remove without touching the rest', () => {
    const before = structuredClone(good);
    const path = ['csChargingProfiles', 'chargingSchedule', 'chargingSchedulePeriod', 0, 'limit'];
    expect(at(good, path)).toBe(16.3);
    expect(at(set(good, path, 8), path)).toBe(8);
    expect(at(set(good, path.slice(0, 1), undefined), path)).toBeUndefined();
    expect(good).toEqual(before);
    expect(pathText(path)).toBe('csChargingProfiles.chargingSchedule.chargingSchedulePeriod[0].limit');
    expect(set('text', ['a', 0, 'b'], 1)).toEqual({ a: [{ b: 1 }] });
    expect(move([1, 2, 3], 0, 1)).toEqual([2, 1, 3]);
    expect(move([1, 2, 3], 0, -1)).toEqual([1, 2, 3]);
  });
});

describe('words and figures', () => {
  it('are read as people write them', () => {
    expect([numberOf('1,5'), numberOf(' 7 '), numberOf('1.'), numberOf(''), numberOf('x1')]).toEqual([
      1.5,
      7,
      1,
      undefined,
      'x1',
    ]);
    expect(rfc3339(localText('2026-03-01T12:34:56Z') ?? '')).toBe('2026-03-01T12:34:56Z');
    expect(localText('tomorrow')).toBeNull();
    expect(label('chargingProfilePurpose')).toBe('Charging profile purpose');
    expect(label('evseId')).toBe('EVSE ID');
    expect(label('idTag')).toBe('ID tag');
    expect([label('limit_L2'), label('limitAtSoC'), label('v2xBaseline')]).toEqual([
      'Limit L2',
      'Limit at SoC',
      'V2X baseline',
    ]);
    expect(singular('chargingProfiles')).toBe('chargingProfile');
    expect(singular('status')).toBe('status');
    expect(limits({ type: 'integer', minimum: 0, maximum: 9 })).toBe('Whole number, 0 to 9');
  });

  it('sum a payload up in a line', () => {
    expect(brief({ key: 'HeartbeatInterval', value: '60' })).toBe('key: HeartbeatInterval, value: 60');
    expect(brief({})).toBe('');
    expect(brief(good).length).toBeLessThanOrEqual(90);
    expect(hasHidden({ a: [{ password: '***' }] })).toBe(true);
    expect(hasHidden(good)).toBe(false);
  });

  it('tell where JSON breaks', () => {
    const read = readPayload('{\n  "a": 1,\n  oops\n}');
    expect(read).toHaveProperty('broken');
    expect(readPayload('[1]')).toHaveProperty('broken');
    expect(readPayload('{"a":1}')).toEqual({ value: { a: 1 } });
    expect(placeOf(new SyntaxError('bad at position 5'), 'ab\ncdef')).toBe('line 2, column 3');
  });

  it('put what is sent most first', () => {
    const names = ['GetLog', 'Reset', 'SetVariables', 'ClearCache'];
    expect(mostUsed(names, ['ClearCache', 'ClearCache', 'GetLog'], 2)).toEqual(['ClearCache', 'GetLog']);
    expect(mostUsed(names, [], 3)).toEqual(['SetVariables', 'Reset', 'GetLog']);
    expect(groupOf('NoSuchAction')).toBe('Other');
    expect(says('Heartbeat')).toMatch(/alive/);
  });
});

describe('the form', { timeout: 60_000 }, () => {
  let root: Root;
  let box: HTMLElement;
  let value: Plain;
  let schema: Schema;
  let broken: string | null;
  let strict: boolean;

  const draw = () =>
    act(() => {
      root.render(
        <SchemaForm
          schema={schema}
          value={value}
          broken={broken}
          strict={strict}
          onChange={(next) => {
            value = next;
            broken = null;
          }}
          onBroken={(next) => {
            broken = next;
          }}
        />,
      );
    });
  const button = (name: string) =>
    [...box.querySelectorAll('button')].find(
      (b) => b.textContent?.trim() === name || b.getAttribute('aria-label') === name,
    );
  const click = async (name: string) => {
    expect(button(name), name).toBeDefined();
    await act(async () => button(name)?.click());
    await draw();
  };
  const type = async (input: Element | null, text: string) => {
    const field = input as HTMLInputElement | HTMLTextAreaElement;
    const setter = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(field) as object, 'value')?.set;
    await act(async () => {
      setter?.call(field, text);
      field.dispatchEvent(new Event('input', { bubbles: true }));
    });
    await draw();
  };

  beforeEach(async () => {
    (globalThis as Record<string, unknown>).IS_REACT_ACT_ENVIRONMENT = true;
    box = document.body.appendChild(document.createElement('div'));
    root = createRoot(box);
    schema = profile;
    value = initialPayload(profile);
    broken = null;
    strict = false;
    await draw();
  });
  afterEach(() => act(() => root.unmount()));

  it('says nothing is wrong before somebody wants to send, and everything after', async () => {
    expect(box.querySelectorAll('.problem')).toHaveLength(0);
    strict = true;
    await draw();
    expect(box.querySelector('[role="alert"]')?.textContent).toContain('5 fields need a look');
    expect(box.querySelectorAll('[aria-invalid="true"]').length).toBeGreaterThanOrEqual(4);
  });

  it('adds, fills in and removes what may be there', async () => {
    await click('Charging schedule period');
    expect(at(value, ['csChargingProfiles', 'chargingSchedule', 'chargingSchedulePeriod'])).toEqual([{}, {}]);
    await click('Remove Charging schedule period 2');
    const limit = [...box.querySelectorAll('label')].find((l) => l.textContent?.startsWith('Limit'));
    await type(document.getElementById(limit?.htmlFor ?? ''), '16,5');
    expect(at(value, ['csChargingProfiles', 'chargingSchedule', 'chargingSchedulePeriod', 0])).toEqual({
      limit: 16.5,
    });
    // An entry or field that was added stays when it is emptied, to be filled in anew.
    await click('Custom data');
    expect(at(value, ['csChargingProfiles', 'customData'])).toEqual({});
    await click('Remove Custom data');
    expect(at(value, ['csChargingProfiles', 'customData'])).toBeUndefined();
  });

  it('keeps a field that was added while it is emptied and typed again', async () => {
    await act(() => root.unmount());
    root = createRoot(box);
    const many: Schema = {
      type: 'object',
      properties: {
        group: {
          type: 'object',
          properties: Object.fromEntries(
            ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => [name, { type: 'integer' } as Schema]),
          ),
        },
        words: { type: 'array', items: { type: 'string' } },
      },
    };
    value = { group: { a: 1 }, words: ['x'] };
    schema = many;
    await draw();
    const field = (end: string) => box.querySelector(`input[id$="${end}"]`);
    await type(field('group-a'), '');
    expect(value).toEqual({ group: { a: null }, words: ['x'] });
    expect(validate(many, value)).toHaveLength(1);
    await type(field('group-a'), '5');
    await type(field('words-0'), '');
    expect(value).toEqual({ group: { a: 5 }, words: [null] });
    await type(field('words-0'), 'y');
    expect(value).toEqual({ group: { a: 5 }, words: ['y'] });
    await click('Remove A');
    expect(value).toEqual({ group: {}, words: ['y'] });
  });

  it('keeps form and JSON the same value, both ways', async () => {
    value = structuredClone(good);
    await draw();
    await click('JSON');
    const text = () => box.querySelector('textarea');
    expect(JSON.parse(text()?.value ?? '')).toEqual(good);
    const changed = set(good, ['csChargingProfiles', 'stackLevel'], 7);
    await type(text(), JSON.stringify(changed));
    expect(value).toEqual(changed);
    await type(text(), '{"connectorId": ');
    expect(broken).not.toBeNull();
    expect(value).toEqual(changed);
    await type(text(), JSON.stringify(good));
    await click('Form');
    const level = [...box.querySelectorAll('label')].find((l) => l.textContent?.startsWith('Stack level'));
    expect((document.getElementById(level?.htmlFor ?? '') as HTMLInputElement).value).toBe('2');
    expect(value).toEqual(good);
    expect(box.textContent).toContain('Changed in the JSON');
  });
});
