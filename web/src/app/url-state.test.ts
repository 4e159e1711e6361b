import { describe, expect, it } from 'vitest';
import {
  formatLayers,
  formatSelection,
  formatSort,
  layerNames,
  parseLayers,
  parseSelection,
  parseSort,
  readListSearch,
  readMessageSearch,
  readOperationsSearch,
  readTokenSearch,
} from './url-state';

describe('selection', () => {
  it('goes both ways, with ids that hold colons', () => {
    for (const selection of [
      { kind: 'station', id: 'CP-1' },
      { kind: 'connector', id: 'CP:1:2:1' },
      { kind: 'vehicle', id: 'a b/ä' },
    ] as const) {
      expect(parseSelection(formatSelection(selection))).toEqual(selection);
    }
  });

  it('drops what it does not know', () => {
    for (const text of [undefined, '', 'station', 'station:', 'rocket:1', ':x'])
      expect(parseSelection(text)).toBeNull();
  });
});

describe('layers', () => {
  it('shows everything on the plain address', () => {
    expect(Object.values(parseLayers(undefined)).every(Boolean)).toBe(true);
    expect(formatLayers(parseLayers(undefined))).toBeUndefined();
  });

  it('goes both ways for every combination', () => {
    for (let bits = 0; bits < 2 ** layerNames.length; bits++) {
      const layers = parseLayers(layerNames.filter((_, i) => (bits >> i) & 1).join(','));
      expect(parseLayers(formatLayers(layers))).toEqual(layers);
    }
  });
});

describe('addresses', () => {
  it('keeps what it knows and forgets the rest', () => {
    expect(
      readOperationsSearch({
        sel: 'station:CP-1',
        view: 'table',
        cam: 'top',
        hide: 'flows,nonsense',
        evil: '<script>',
      }),
    ).toEqual({ sel: 'station:CP-1', view: 'table', cam: 'top', hide: 'flows' });
    expect(readOperationsSearch({ sel: 7, view: 'x', cam: 'overview', hide: ['a'] })).toEqual({
      sel: undefined,
      view: undefined,
      cam: undefined,
      hide: undefined,
    });
  });

  it('takes a number typed into a filter as text', () => {
    expect(readListSearch({ q: 1041, status: 'active' })).toEqual({
      q: '1041',
      status: 'active',
      sort: undefined,
    });
  });

  it('sorts both ways', () => {
    for (const text of ['power', '-power']) {
      const sort = parseSort(text);
      expect(sort && formatSort(sort)).toBe(text);
    }
  });
});

describe('the message log', () => {
  it('keeps its filters and the number of what is open, and drops the rest', () => {
    expect(
      readMessageSearch({ station: 'CP-1', id: 17, dir: 'in', q: '', open: '42', other: 1, kind: ['a'] }),
    ).toEqual({ station: 'CP-1', id: '17', dir: 'in', open: 42 });
    expect(readMessageSearch({ dir: 'sideways', open: 'x' })).toEqual({});
  });
});

describe('the address of the id tokens', () => {
  it('keeps the one that is open, whatever it holds, and drops what it does not know', () => {
    expect(readTokenSearch({ q: 'a', parent: 7, open: 'A/1.x', view: 'table' })).toEqual({
      q: 'a',
      status: undefined,
      sort: undefined,
      parent: '7',
      open: 'A/1.x',
    });
  });
});
