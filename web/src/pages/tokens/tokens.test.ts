import { describe, expect, it } from 'vitest';
import type { IdToken } from '@/api/tokens';
import { readCsv } from '@/ui/csv';
import { check, writeCsv } from './csv';
import { bodyOf, draftOf, requestOf, standing, wishWords } from './logic';

const token: IdToken = {
  id_token: '04A2',
  type: 'ISO14443',
  status: 'accepted',
  expires_at: '2027-03-01T10:20:30Z',
  parent: 'FLEET',
  group: null,
  language: 'de',
  concurrent_allowed: true,
  vehicle: null,
  note: 'blue, "spare"\nkey',
  only_at: ['ST-1', 'ST-2:1'],
  changed_at: '2026-01-01T00:00:00Z',
  changed_by: 'somebody',
};

describe('an id token', () => {
  it('expires by itself, and stays what a person made it', () => {
    const at = Date.parse('2027-03-01T10:20:30Z');
    expect(standing(token, at - 1)).toBe('accepted');
    expect(standing(token, at)).toBe('expired');
    expect(standing({ ...token, status: 'blocked' }, at)).toBe('blocked');
  });

  it('keeps in a change what is not changed', () => {
    const { id_token: _id, changed_at: _at, changed_by: _by, ...rest } = token;
    expect(bodyOf(token, { status: 'blocked' })).toEqual({ ...rest, status: 'blocked' });
    // Through the form too, with the seconds that it does not show.
    expect(requestOf(draftOf(token), token)).toEqual(rest);
    expect(requestOf({ ...draftOf(token), expires: '', parent: ' ' }, token)).toMatchObject({
      expires_at: null,
      parent: null,
    });
    expect(requestOf({ ...draftOf(null), id_token: ' A ', only_at: 'x, y' }, null)).toMatchObject({
      id_token: 'A',
      only_at: ['x', 'y'],
    });
  });
});

describe('a file of tokens', () => {
  it('is read with quotes, commas and line ends in its cells', () => {
    expect(readCsv('a,b\r\n"x, ""y""\nz",  2 \n\n3,\n')).toEqual([
      { line: 1, cells: ['a', 'b'] },
      { line: 2, cells: ['x, "y"\nz', '2'] },
      { line: 5, cells: ['3', ''] },
    ]);
  });

  it('names every line that the server would refuse', () => {
    const file = [
      'id_token,status,expires_at,concurrent_allowed,language',
      'A,accepted,2027-01-01T00:00:00Z,true,de',
      'B,nice,,,',
      'a,,,,',
      ',,,,',
      'C,,tomorrow,,',
      'D,,,yes,',
      'E,,,,much-too-long',
      'F,,',
    ].join('\n');
    const { tokens, faults } = check(file);
    expect(tokens).toBe(8);
    expect(faults.map((f) => f.line)).toEqual([3, 4, 5, 6, 7, 8, 9]);
    expect(faults[1]?.text).toContain('line 2');
    expect(check('token\nA\n').faults[0]).toMatchObject({ line: 1 });
    expect(check('').faults).toHaveLength(1);
    expect(check('\uFEFFid_token\nA\nB\n')).toEqual({ tokens: 2, faults: [] });
  });

  it('comes back as it was written', () => {
    const text = writeCsv([token, { ...token, id_token: 'B', expires_at: null, only_at: [], note: '' }]);
    const [header, first, second] = readCsv(text);
    expect(check(text)).toEqual({ tokens: 2, faults: [] });
    expect(first?.cells[header?.cells.indexOf('note') ?? -1]).toBe(token.note);
    expect(first?.cells[header?.cells.indexOf('only_at') ?? -1]).toBe('ST-1 ST-2:1');
    expect(second?.cells[0]).toBe('B');
  });
});

describe('a local list', () => {
  it('is said in words', () => {
    expect(wishWords({ mode: 'off' })).toBe('None');
    expect(wishWords({ mode: 'all' })).toMatch(/^All/);
    expect(wishWords({ mode: 'chosen', tokens: ['A'], parents: ['F', 'G'] })).toBe('1 token and 2 parents');
    expect(wishWords({ mode: 'chosen' })).toMatch(/none yet/);
  });
});
