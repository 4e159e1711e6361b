import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { flagWord, segmentWord } from './flags';

const schema = readFileSync('src/api/schema.generated.ts', 'utf8');

/** The names in backticks of the description before a field of the API. */
function namesBefore(field: string): string[] {
  const at = schema.indexOf(field, schema.indexOf('What a person should know'));
  const from = schema.lastIndexOf('@description', at);
  return [...schema.slice(from, at).matchAll(/`(\w+)`/g)].map((m) => m[1] ?? '');
}

describe('the checks of a transaction', () => {
  it('all have a sentence of their own', () => {
    const flags = namesBefore('flags: string[]');
    expect(flags.length).toBeGreaterThan(10);
    for (const flag of flags) expect(flagWord(flag), flag).toMatch(/\.$/);
    expect(flagWord('something_new')).toBe('something new');
  });

  it('name every kind of stretch', () => {
    for (const kind of ['metered', 'rollover', 'reset', 'glitch', 'regress', 'jump', 'unit_mistake']) {
      expect(segmentWord(kind), kind).not.toBe(kind);
    }
  });
});
