import { describe, expect, it } from 'vitest';
import { payloadKey, repeat, useBulkDraft } from './draft';
import { draftOf, emptyFilter, filterOf, filterWords, readIds } from '../jobs/filter';
import { stateIn } from '../jobs/states';
import { commandName, commandOf, commandWords, commonVersion, stationStates } from './logic';

describe('whom a bulk command means', () => {
  it('is nobody until somebody says so', () => {
    expect(filterOf(emptyFilter)).toBeNull();
    expect(filterOf({ ...emptyFilter, all: true })).toEqual({ all: true });
    // What was chosen narrows: "all" beside it would not.
    expect(filterOf({ ...emptyFilter, all: true, vendor: 'ACME' })).toEqual({ vendor: 'ACME' });
  });

  it('holds what was chosen and nothing that was not', () => {
    const draft = { ...emptyFilter, zone: 'z', online: 'no' as const, ids: 'A, B\nA;C' };
    expect(filterOf(draft)).toEqual({ zone: 'z', online: false, stations: ['A', 'B', 'C'] });
    expect(filterOf(draftOf({ zone: 'z', online: false, stations: ['A', 'B', 'C'] }))).toEqual(
      filterOf(draft),
    );
    expect(readIds('  \n')).toEqual([]);
  });

  it('is said in words', () => {
    expect(filterWords({ all: true })).toBe('All stations');
    expect(filterWords({ vendor: 'ACME', model: 'M1', online: true })).toBe('ACME M1, connected');
    expect(filterWords({ stations: ['A', 'B', 'C', 'D'] })).toBe('4 stations by id');
    expect(filterWords({ stations: ['A'], ocpp_version: '1.6' })).toBe('A, OCPP 1.6');
    expect(filterWords(undefined)).toBe('–');
  });
});

describe('what stations are told', () => {
  it('has a name, and fields of its own', () => {
    const request = { filter: {}, concurrency: 4, action: 'ClearCache', payload: { a: 1 } };
    expect(commandName(request)).toBe('ClearCache');
    expect(commandName({ filter: {}, command: 'reset' })).toBe('Reset');
    expect(commandOf(request)).toEqual({ action: 'ClearCache', payload: { a: 1 } });
    expect(commandWords(request)).toBe('a: 1');
    expect(commandWords({ filter: {}, command: 'reset', immediate: true })).toBe('immediate: true');
    expect(commandWords({ filter: {}, command: 'reset' })).toBe('Reset');
    expect(commonVersion({ '1.6': 2, '2.1': 5 })).toBe('2.1');
    expect(commonVersion({})).toBeNull();
    expect(stateIn(stationStates, 'not_sent').word).toBe('Not sent');
    expect(stateIn(stationStates, 'new state').word).toBe('new state');
  });

  it('can be said again, to those alone that did not take it', () => {
    const payload = { key: 'HeartbeatInterval', value: '60' };
    repeat({ filter: { zone: 'z' }, action: 'ChangeConfiguration', payload, concurrency: 2 }, ['A', 'B']);
    const { draft } = useBulkDraft.getState();
    expect(filterOf(draft.filter)).toEqual({ stations: ['A', 'B'] });
    expect(draft).toMatchObject({ mode: 'action', action: 'ChangeConfiguration', concurrency: 2 });
    expect(draft.payloads[payloadKey('1.6', 'ChangeConfiguration')]?.value).toEqual(payload);
    repeat({ filter: { zone: 'z' }, command: 'reset', immediate: true }, null);
    expect(useBulkDraft.getState().draft).toMatchObject({ mode: 'reset', immediate: true });
    expect(filterOf(useBulkDraft.getState().draft.filter)).toEqual({ zone: 'z' });
  });
});
