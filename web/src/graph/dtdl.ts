/** What a DTDL document says of a kind of twin, as a page shows it. Judging documents is the server's. */

type Json = Record<string, unknown>;

export type ContentKind = 'Property' | 'Telemetry' | 'Relationship' | 'Component' | 'Command';

export interface Content {
  kind: ContentKind;
  name: string;
  label: string;
  description: string;
  /** The type in a word: "double", "Enum", "double[]"; the target of a relationship is apart. */
  type: string;
  /** The words of an enumeration. */
  words: readonly string[];
  unit: string | null;
  /** Quantities and other types that stand beside the kind: "Power". */
  semantics: readonly string[];
  writable: boolean;
  /** Of a relationship or component: the kind at its end; null for a relationship to any. */
  target: string | null;
  /** Of a relationship: how many a twin may have. */
  most: number | null;
}

/** A kind of twin. */
export interface Kind {
  id: string;
  /** "Charging station". */
  label: string;
  description: string;
  /** DTMIs of the kinds that it is one of. */
  bases: readonly string[];
  contents: readonly Content[];
  document: unknown;
}

const contentKinds: readonly ContentKind[] = [
  'Property',
  'Telemetry',
  'Relationship',
  'Component',
  'Command',
];

const isJson = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const list = (value: unknown): unknown[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value];
const word = (value: unknown): string | null => (typeof value === 'string' ? value : null);

/** A text that may be given by language; English where there is, else the first. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (!isJson(value)) return '';
  return word(value.en) ?? Object.values(value).map(word).find(Boolean) ?? '';
}

/** "dtmi:voltwin:ChargingStation;1" is called "ChargingStation"; where it lives and its version are left out. */
export function shortName(dtmi: string): string {
  const path = dtmi.replace(/;[\d.]+$/, '');
  return path.slice(path.lastIndexOf(':') + 1) || dtmi;
}

/** "1" of "dtmi:voltwin:ChargingStation;1"; empty where it has none. */
export function versionOf(dtmi: string): string {
  return /;([\d.]+)$/.exec(dtmi)?.[1] ?? '';
}

function typeOf(schema: unknown): string {
  if (typeof schema === 'string') return schema.startsWith('dtmi:') ? shortName(schema) : schema;
  if (!isJson(schema)) return '';
  const kind =
    list(schema['@type'])
      .map(word)
      .find((t) => t !== null) ?? 'Object';
  if (kind === 'Array') return `${typeOf(schema.elementSchema)}[]`;
  if (kind === 'Map') {
    const of = isJson(schema.mapValue) ? typeOf(schema.mapValue.schema) : '';
    return of ? `Map of ${of}` : 'Map';
  }
  return kind;
}

function wordsOf(schema: unknown): string[] {
  if (!isJson(schema) || !list(schema['@type']).includes('Enum')) return [];
  return list(schema.enumValues).flatMap((v) => (isJson(v) && v.name !== undefined ? [String(v.name)] : []));
}

/** A kind that is written in place counts by its id. */
const idOf = (value: unknown): string | null => word(value) ?? (isJson(value) ? word(value['@id']) : null);

function readContent(value: unknown): Content | null {
  if (!isJson(value)) return null;
  const types = list(value['@type']).flatMap((t) => word(t) ?? []);
  const kind = contentKinds.find((k) => types.includes(k));
  const name = word(value.name);
  if (!kind || !name) return null;
  const unit = word(value.unit);
  return {
    kind,
    name,
    label: textOf(value.displayName),
    description: textOf(value.description),
    type: kind === 'Component' || kind === 'Relationship' ? '' : typeOf(value.schema),
    words: wordsOf(value.schema),
    unit,
    semantics: types.filter((t) => t !== kind),
    writable: value.writable === true,
    target: kind === 'Component' ? idOf(value.schema) : kind === 'Relationship' ? idOf(value.target) : null,
    most: typeof value.maxMultiplicity === 'number' ? value.maxMultiplicity : null,
  };
}

/** Reads one interface; null for what is none. */
export function readKind(document: unknown): Kind | null {
  if (!isJson(document)) return null;
  const id = word(document['@id']);
  if (!id) return null;
  return {
    id,
    label: textOf(document.displayName) || shortName(id),
    description: textOf(document.description),
    bases: list(document.extends).flatMap((base) => idOf(base) ?? []),
    contents: list(document.contents).flatMap((content) => readContent(content) ?? []),
    document,
  };
}
