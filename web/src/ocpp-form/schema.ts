/** The words of JSON Schema that the server describes payloads with, and what a form makes of them. */

export interface Schema {
  type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  properties?: Readonly<Record<string, Schema>>;
  required?: readonly string[];
  additionalProperties?: boolean;
  items?: Schema;
  enum?: readonly string[];
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  multipleOf?: number;
  minItems?: number;
  maxItems?: number;
  format?: 'date-time' | 'date';
  pattern?: string;
}

export interface OcppAction {
  action: string;
  request: Schema;
  answer: Schema;
}

export interface OcppActions {
  version: string;
  actions: OcppAction[];
}

/** How a value of a schema is asked for. */
export type Kind =
  'object' | 'list' | 'enum' | 'boolean' | 'integer' | 'number' | 'instant' | 'date' | 'text' | 'any';

export function kindOf(schema: Schema): Kind {
  switch (schema.type) {
    case 'object':
      return 'object';
    case 'array':
      return 'list';
    case 'boolean':
      return 'boolean';
    case 'integer':
      return 'integer';
    case 'number':
      return 'number';
    case 'string':
      if (schema.enum) return 'enum';
      if (schema.format === 'date-time') return 'instant';
      return schema.format === 'date' ? 'date' : 'text';
    default:
      return 'any';
  }
}

/** True where a value takes a block of its own rather than one line. */
export function isGroup(schema: Schema): boolean {
  const kind = kindOf(schema);
  return kind === 'object' || kind === 'list' || kind === 'any';
}

export type Plain = Record<string, unknown>;

export function isPlain(value: unknown): value is Plain {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Numbers that only tell requests apart: the desk draws one, so that nobody has to think of it. */
const drawn = new Set(['requestId', 'remoteStartId']);
const DRAWN_MAX = 2_000_000_000;

export function drawNumber(): number {
  return 1 + Math.floor(Math.random() * DRAWN_MAX);
}

/**
 * What a form of `schema` begins with: the groups that must be there, a list with the entries that it must have, and
 * nothing that somebody has to decide. Absent (undefined) for a value that is to be filled in.
 */
export function initial(schema: Schema, name = ''): unknown {
  switch (kindOf(schema)) {
    case 'object': {
      const out: Plain = {};
      for (const member of schema.required ?? []) {
        const of = schema.properties?.[member];
        const value = of && initial(of, member);
        if (value !== undefined) out[member] = value;
      }
      return out;
    }
    case 'list':
      return Array.from({ length: Math.max(1, schema.minItems ?? 0) }, () => initialItem(schema));
    case 'enum':
      return schema.enum?.length === 1 ? schema.enum[0] : undefined;
    case 'integer':
      return drawn.has(name) ? drawNumber() : undefined;
    default:
      return undefined;
  }
}

/** A new entry of a list: `null` stands for one that is still to be filled in. */
export function initialItem(list: Schema): unknown {
  return (list.items && initial(list.items)) ?? null;
}

/** The payload that a form of an action begins with. */
export function initialPayload(schema: Schema): Plain {
  const value = initial(schema);
  return isPlain(value) ? value : {};
}

/** Parts of names that people write in their own way. */
const spellings = new Map(
  [
    'EVSE',
    'ID',
    'IDs',
    'URL',
    'URI',
    'OCSP',
    'ICCID',
    'IMSI',
    'APN',
    'VPN',
    'SSL',
    'SoC',
    'DER',
    'OCPP',
    'CS',
    'CSMS',
  ]
    .concat(['V2X', 'EV', 'L1', 'L2', 'L3', 'PV', 'AC', 'DC', 'DCAC', 'ISO', 'VAT', 'PIN'])
    .map((word) => [word.toLowerCase(), word]),
);

/** `chargingProfilePurpose` reads "Charging profile purpose", `limit_L2` reads "Limit L2". */
export function label(name: string): string {
  const words = name
    .replace(/SoC/g, ' soc ')
    .replace(/v2x/gi, ' v2x ')
    .replace(/_/g, ' ')
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1 $2')
    .trim()
    .split(/\s+/)
    .map((word) => spellings.get(word.toLowerCase()) ?? word.toLowerCase());
  const text = words.join(' ');
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** What a value may be, in words: "Whole number, 0 to 10". */
export function limits(schema: Schema): string | null {
  const { minimum, maximum, maxLength, minItems, maxItems } = schema;
  const parts: string[] = [];
  const range =
    minimum !== undefined && maximum !== undefined
      ? `${minimum} to ${maximum}`
      : minimum !== undefined
        ? `${minimum} or more`
        : maximum !== undefined
          ? `up to ${maximum}`
          : null;
  switch (kindOf(schema)) {
    case 'integer':
      parts.push(range ? `Whole number, ${range}` : 'Whole number');
      break;
    case 'number':
      parts.push(range ? `Number, ${range}` : 'Number');
      if (schema.multipleOf !== undefined) parts.push(`steps of ${schema.multipleOf}`);
      break;
    case 'text':
      if (schema.pattern) parts.push('HH:MM');
      else if (maxLength !== undefined) parts.push(`Up to ${maxLength} characters`);
      break;
    case 'list':
      if (minItems !== undefined && maxItems !== undefined) parts.push(`${minItems} to ${maxItems} entries`);
      else if (maxItems !== undefined) parts.push(`Up to ${maxItems} entries`);
      else if ((minItems ?? 0) > 0) parts.push(`${minItems} or more entries`);
      break;
  }
  return parts.length > 0 ? parts.join(', ') : null;
}
