import { describe, expect, it } from 'vitest';
import { queriesOf } from './read';

describe('reading some twins', () => {
  it('names each once, quoted, in three queries', () => {
    expect(queriesOf([])).toEqual([]);
    expect(queriesOf(['a', "b'c", 'a'])).toEqual([
      [
        "SELECT * FROM DIGITALTWINS WHERE $dtId IN ['a','b''c']",
        "SELECT * FROM RELATIONSHIPS WHERE $sourceId IN ['a','b''c']",
        "SELECT * FROM RELATIONSHIPS WHERE $targetId IN ['a','b''c']",
      ],
    ]);
  });

  it('keeps to the limits of the strict dialect', () => {
    const short = queriesOf(Array.from({ length: 250 }, (_, n) => `t${n}`));
    expect(short).toHaveLength(3);
    const long = queriesOf(Array.from({ length: 200 }, (_, n) => `${n}-${'x'.repeat(120)}`));
    for (const text of long.flat()) expect(text.length).toBeLessThan(8_000);
    expect(
      long
        .flat()
        .join('')
        .match(/x{120}/g),
    ).toHaveLength(600);
  });
});
