import type { Kinds } from './kinds';

/** The query language of docs/query.md as an editor needs it: its words, what may come next, and where an error is. */

export const keywords = [
  'SELECT',
  'TOP',
  'FROM',
  'DIGITALTWINS',
  'RELATIONSHIPS',
  'JOIN',
  'RELATED',
  'MATCH',
  'WHERE',
  'AND',
  'OR',
  'NOT',
  'IN',
  'NIN',
  'AS',
  'AS OF',
  'GROUP BY',
  'ORDER BY',
  'ASC',
  'DESC',
  'TRUE',
  'FALSE',
  'NULL',
] as const;

export const functions: readonly { name: string; form: string; text: string }[] = [
  { name: 'IS_OF_MODEL', form: "(twin, 'model', exact)", text: 'of a kind or one that extends it' },
  { name: 'IS_DEFINED', form: '(path)', text: 'has a value' },
  { name: 'IS_NULL', form: '(path)', text: 'is null' },
  { name: 'IS_BOOL', form: '(path)', text: 'is true or false' },
  { name: 'IS_NUMBER', form: '(path)', text: 'is a number' },
  { name: 'IS_STRING', form: '(path)', text: 'is a text' },
  { name: 'IS_OBJECT', form: '(path)', text: 'is an object' },
  { name: 'IS_PRIMITIVE', form: '(path)', text: 'is neither object nor array' },
  { name: 'STARTSWITH', form: '(text, begin)', text: 'begins with' },
  { name: 'ENDSWITH', form: '(text, end)', text: 'ends with' },
  { name: 'CONTAINS', form: '(text, part)', text: 'has a part' },
  { name: 'ARRAY_CONTAINS', form: '(path, value)', text: 'an array has a value' },
  { name: 'COUNT', form: '()', text: 'how many' },
  { name: 'SUM', form: '(path)', text: 'sum' },
  { name: 'AVG', form: '(path)', text: 'mean' },
  { name: 'MIN', form: '(path)', text: 'least' },
  { name: 'MAX', form: '(path)', text: 'greatest' },
];

export interface Offer {
  label: string;
  kind: 'keyword' | 'function' | 'property' | 'relationship' | 'model' | 'name';
  /** Beside the label, quieter. */
  detail?: string;
  /** What is written, where it is not the label. */
  apply?: string;
}

export interface Offers {
  /** Where the word begins that they stand in for. */
  from: number;
  offers: Offer[];
}

/** The text with what stands in quotes made blank, of the same length. */
function bare(text: string): string {
  return text.replace(/'(?:[^'\\]|\\.|'')*'?|"(?:[^"\\]|\\.|"")*"?/g, (quoted) => ' '.repeat(quoted.length));
}

/** Names that the query gives: of its collections, and the kinds that it says of them. */
function namesIn(text: string): Map<string, string | null> {
  const plain = bare(text);
  const names = new Map<string, string | null>();
  const add = (name: string | undefined) => {
    if (name && !/^(?:JOIN|MATCH|WHERE|AS|ORDER|GROUP|RELATED)$/i.test(name)) names.set(name, null);
  };
  for (const m of plain.matchAll(/\b(?:DIGITALTWINS|RELATIONSHIPS)\s+(\w+)/gi)) add(m[1]);
  for (const m of plain.matchAll(/\bJOIN\s+(\w+)\s+RELATED\s+\w+\s*\.\s*\w+(?:\s+(\w+))?/gi)) {
    add(m[1]);
    add(m[2]);
  }
  for (const m of plain.matchAll(/\(\s*([A-Za-z_]\w*)\s*\)\s*<?-|->?\s*\(\s*([A-Za-z_]\w*)\s*\)/g)) {
    add(m[1]);
    add(m[2]);
  }
  for (const m of text.matchAll(/IS_OF_MODEL\s*\(\s*(?:(\w+)\s*,\s*)?'([^']*)'/gi)) {
    const name = m[1] ?? (names.size === 1 ? [...names.keys()][0] : undefined);
    if (name !== undefined && names.has(name)) names.set(name, m[2] ?? null);
  }
  return names;
}

function propertiesOf(kinds: Kinds, model: string | null): Offer[] {
  const of = model === null ? kinds.all.map((k) => k.id) : [model];
  const seen = new Map<string, Offer>();
  for (const id of of)
    for (const c of kinds.contents(id))
      if (c.kind === 'Property' && !seen.has(c.name))
        seen.set(c.name, { label: c.name, kind: 'property', detail: c.unit ?? c.type });
  return [
    { label: '$dtId', kind: 'property', detail: 'its id' },
    { label: '$metadata.$model', kind: 'property', detail: 'its kind' },
    { label: '$metadata.$lastUpdateTime', kind: 'property', detail: 'when it changed' },
    ...[...seen.values()].sort((a, b) => a.label.localeCompare(b.label)),
  ];
}

function relationshipsOf(kinds: Kinds, model: string | null): Offer[] {
  const of = model === null ? kinds.all.map((k) => k.id) : [model];
  const seen = new Map<string, Offer>();
  for (const id of of)
    for (const c of kinds.contents(id))
      if (c.kind === 'Relationship' && !seen.has(c.name))
        seen.set(c.name, {
          label: c.name,
          kind: 'relationship',
          detail: c.target === null ? 'to any' : `to ${kinds.label(c.target)}`,
        });
  return [...seen.values()].sort((a, b) => a.label.localeCompare(b.label));
}

/** What may be written at a place; null where nothing is offered. */
export function offersAt(text: string, at: number, kinds: Kinds): Offers | null {
  const before = text.slice(0, at);
  const quote = /IS_OF_MODEL\s*\(\s*(?:\w+\s*,\s*)?'([^']*)$/i.exec(before);
  if (quote) {
    return {
      from: at - (quote[1] ?? '').length,
      offers: kinds.all.map((k) => ({ label: k.id, kind: 'model', detail: k.label })),
    };
  }
  // Inside of another text there is nothing to say.
  if (/['"]/.test(bare(before).slice(-1)) || bare(`${before}\u0001`).slice(-1) !== '\u0001') return null;
  const names = namesIn(text);
  const related =
    /\bRELATED\s+(\w+)\s*\.\s*(\w*)$/i.exec(before) ??
    /-\[\s*(\w*)\s*:\s*(?:\w+\s*\|\s*)*(\w*)$/.exec(before);
  if (related) {
    const word = related[2] ?? '';
    return { from: at - word.length, offers: relationshipsOf(kinds, names.get(related[1] ?? '') ?? null) };
  }
  const dotted = /\b(\w+)\.([$\w]*)$/.exec(before);
  if (dotted && names.has(dotted[1] ?? '')) {
    return {
      from: at - (dotted[2] ?? '').length,
      offers: propertiesOf(kinds, names.get(dotted[1] ?? '') ?? null),
    };
  }
  const word = /[$\w]*$/.exec(before)?.[0] ?? '';
  const source = /\bFROM\s+\w*$/i.test(before);
  const offers: Offer[] = source
    ? [
        { label: 'DIGITALTWINS', kind: 'keyword', detail: 'all twins' },
        { label: 'RELATIONSHIPS', kind: 'keyword', detail: 'all relationships' },
      ]
    : [
        ...[...names.keys()].map((name): Offer => ({ label: name, kind: 'name', detail: 'of this query' })),
        ...(names.size === 1 || word.startsWith('$')
          ? propertiesOf(kinds, [...names.values()][0] ?? null)
          : []),
        ...keywords.map((label): Offer => ({ label, kind: 'keyword' })),
        ...functions.map(({ name, form, text: detail }): Offer => ({
          label: name,
          kind: 'function',
          detail: `${form} ${detail}`,
          apply: `${name}(`,
        })),
      ];
  return { from: at - word.length, offers };
}

/** Where a message of the server points to: "line 1, column 39: …". Columns count characters, from 1. */
export function placeOf(message: string, text: string): { at: number; message: string } | null {
  const match = /\bline (\d+), column (\d+):\s*(.*)/s.exec(message);
  if (!match) return null;
  const lines = text.split('\n');
  const line = Math.min(Math.max(1, Number(match[1])), lines.length);
  const start = lines.slice(0, line - 1).reduce((sum, l) => sum + l.length + 1, 0);
  // A character may be two units of the editor's text.
  const column = [...(lines[line - 1] ?? '')].slice(0, Number(match[2]) - 1).join('').length;
  return { at: start + column, message: match[3] ?? message };
}

const SOURCE =
  /\bFROM\s+(?:DIGITALTWINS|RELATIONSHIPS)(?:\s+(?!JOIN\b|MATCH\b|WHERE\b|AS\b|ORDER\b|GROUP\b)\w+)?/i;
const AS_OF = /^\s+AS\s+OF\s+'([^']*)'/i;

/** The moment that a query asks for, null for now. */
export function asOf(text: string): string | null {
  const source = SOURCE.exec(bare(text));
  return source ? (AS_OF.exec(text.slice(source.index + source[0].length))?.[1] ?? null) : null;
}

/** The same query of another moment; null for now. A query without a source stays as it is. */
export function withAsOf(text: string, instant: string | null): string {
  const source = SOURCE.exec(bare(text));
  if (!source) return text;
  const end = source.index + source[0].length;
  const rest = text.slice(end);
  const old = AS_OF.exec(rest);
  return (
    text.slice(0, end) + (instant === null ? '' : ` AS OF '${instant}'`) + rest.slice(old?.[0].length ?? 0)
  );
}
