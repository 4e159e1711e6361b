import { describe, expect, it } from 'vitest';
import type { Known, Variable } from '@/api/knowledge';
import type { Command } from '@/api/types';
import { controlOf, groupVariables, itemOf, outcomes, rangeOf } from './device-model';

const known = (value: Partial<Variable>): Known<Variable> => ({
  key: '',
  at: '2026-01-01T00:00:00Z',
  value: { component: 'TxCtrlr', variable: 'TxStartPoint', type: 'Actual', ...value },
});

describe('the device model', () => {
  it('has one row for all attributes of a variable, the actual value first', () => {
    const groups = groupVariables(
      [
        known({ component: 'EVSE', evse: 2, variable: 'Power', type: 'MaxSet', value: '22000' }),
        known({ component: 'EVSE', evse: 2, variable: 'Power', value: '11000', unit: 'W' }),
        known({ component: 'EVSE', evse: 10, variable: 'Power', value: '7000' }),
      ],
      '',
    );
    expect(groups.map((g) => g.name)).toEqual(['EVSE · EVSE 2', 'EVSE · EVSE 10']);
    expect(groups[0]?.rows).toHaveLength(1);
    expect(groups[0]?.rows[0]?.main.value).toBe('11000');
    expect(groups[0]?.rows[0]?.others.map((o) => o.type)).toEqual(['MaxSet']);
  });

  it('is searched by every word in component, variable and value', () => {
    const records = [known({ value: 'Authorized' }), known({ variable: 'StopTxOnInvalidId', value: 'true' })];
    expect(groupVariables(records, 'txctrlr TRUE')[0]?.rows.map((r) => r.name)).toEqual([
      'StopTxOnInvalidId',
    ]);
    expect(groupVariables(records, 'nothing like it')).toEqual([]);
  });

  it('offers a control by what is known of the values', () => {
    const of = (v: Partial<Variable>) => controlOf(known(v).value);
    expect(of({ data_type: 'boolean' })).toEqual({ kind: 'choice', options: ['true', 'false'] });
    expect(of({ data_type: 'OptionList', values: 'A, B' })).toEqual({ kind: 'choice', options: ['A', 'B'] });
    expect(of({ data_type: 'integer', min: 1 })).toMatchObject({ kind: 'number', step: '1', min: 1 });
    expect(of({ secret: true, data_type: 'string' })).toEqual({ kind: 'secret' });
    expect(of({})).toEqual({ kind: 'text' });
    expect(rangeOf(known({ data_type: 'integer', min: 1, max: 5 }).value)).toBe('integer · 1 to 5');
    expect(rangeOf(known({ data_type: 'string', max: 20 }).value)).toBe('string · at most 20 characters');
  });

  it('names a variable for the API without what is not there', () => {
    expect(itemOf(known({ evse: 1 }).value, 'x')).toEqual({
      component: 'TxCtrlr',
      evse: 1,
      variable: 'TxStartPoint',
      type: 'Actual',
      value: 'x',
    });
  });

  it('says what became of each, also when nothing was answered', () => {
    const set = (answer: unknown, reason: string | null = null) =>
      outcomes([
        {
          payload: {
            setVariableData: [{ component: { name: 'A', evse: { id: 1 } }, variable: { name: 'x' } }],
          },
          answer,
          reason,
        } as unknown as Command,
      ]).get('A · EVSE 1/x');
    const result = (status: string) => ({
      setVariableResult: [
        { attributeStatus: status, component: { name: 'A', evse: { id: 1 } }, variable: { name: 'x' } },
      ],
    });
    expect(set(result('RebootRequired'))).toEqual({ tone: 'warn', text: 'Set, after a restart' });
    expect(set(result('Rejected'))?.tone).toBe('bad');
    expect(set(null, 'the station did not answer')).toEqual({
      tone: 'bad',
      text: 'the station did not answer',
    });
    const key = { payload: { key: 'K' }, answer: { status: 'Accepted' }, reason: null } as unknown as Command;
    expect(outcomes([key]).get('Configuration/K')?.tone).toBe('good');
  });
});
