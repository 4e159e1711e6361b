/** A payload against its schema, with every fault said in plain words beside the field that has it. */

import { pathText, type Path } from './path';
import { isPlain, kindOf, type Schema } from './schema';

export interface Fault {
  path: Path;
  /** A sentence without its subject: "is missing". */
  message: string;
}

const instantText = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i;
const dateText = /^\d{4}-\d\d-\d\d$/;

export function validate(schema: Schema, value: unknown, path: Path = []): Fault[] {
  const faults: Fault[] = [];
  check(schema, value, path, faults);
  return faults;
}

/** The first fault of each field, by the field as the server names it. */
export function byField(faults: readonly Fault[]): ReadonlyMap<string, string> {
  const out = new Map<string, string>();
  for (const fault of faults) {
    const field = pathText(fault.path);
    if (!out.has(field)) out.set(field, fault.message);
  }
  return out;
}

function check(schema: Schema, value: unknown, path: Path, faults: Fault[]): void {
  const fault = (message: string) => void faults.push({ path, message });
  const kind = kindOf(schema);
  if (kind === 'any') return;
  if (value === undefined || value === null) return fault('is missing');
  switch (kind) {
    case 'object':
      return isPlain(value) ? checkMembers(schema, value, path, faults) : fault('must be a group of fields');
    case 'list':
      return Array.isArray(value) ? checkList(schema, value, path, faults) : fault('must be a list');
    case 'boolean':
      if (typeof value !== 'boolean') fault('must be yes or no');
      return;
    case 'integer':
    case 'number':
      return checkNumber(schema, value, fault);
    default:
      return checkText(schema, value, fault);
  }
}

function checkMembers(schema: Schema, value: Record<string, unknown>, path: Path, faults: Fault[]): void {
  const members = schema.properties ?? {};
  for (const name of schema.required ?? []) {
    const of = members[name];
    // A list that lacks its entries is told from one that is not there at all by its own message.
    if (value[name] === undefined && of) check(of, undefined, [...path, name], faults);
  }
  for (const [name, member] of Object.entries(value)) {
    const of = Object.hasOwn(members, name) ? members[name] : undefined;
    if (of) check(of, member, [...path, name], faults);
    else if (schema.additionalProperties === false) {
      faults.push({ path: [...path, name], message: 'is no field of this message' });
    }
  }
}

function checkList(schema: Schema, value: unknown[], path: Path, faults: Fault[]): void {
  const { minItems, maxItems, items } = schema;
  if (minItems !== undefined && value.length < minItems) {
    faults.push({ path, message: `needs at least ${minItems} ${minItems === 1 ? 'entry' : 'entries'}` });
  }
  if (maxItems !== undefined && value.length > maxItems) {
    faults.push({ path, message: `has ${value.length} entries; ${maxItems} are allowed` });
  }
  if (items) value.forEach((item, i) => check(items, item, [...path, i], faults));
}

function checkNumber(schema: Schema, value: unknown, fault: (message: string) => void): void {
  const { minimum, maximum, multipleOf } = schema;
  if (typeof value !== 'number' || !Number.isFinite(value)) return fault('must be a number');
  if (schema.type === 'integer' && !Number.isInteger(value)) return fault('must be a whole number');
  if (minimum !== undefined && value < minimum) return fault(`must be ${minimum} or more`);
  if (maximum !== undefined && value > maximum) return fault(`must be ${maximum} or less`);
  if (multipleOf !== undefined && multipleOf > 0) {
    const steps = value / multipleOf;
    // Decimals are held in binary: 0.3 / 0.1 is not quite 3.
    if (Math.abs(steps - Math.round(steps)) > 1e-6) fault(`must be a multiple of ${multipleOf}`);
  }
}

function checkText(schema: Schema, value: unknown, fault: (message: string) => void): void {
  if (typeof value !== 'string') return fault('must be text');
  if (schema.enum && !schema.enum.includes(value)) {
    return fault(value === '' ? 'is missing' : `“${value}” is none of the words allowed here`);
  }
  const length = [...value].length;
  if (schema.maxLength !== undefined && length > schema.maxLength) {
    return fault(`has ${length} characters; ${schema.maxLength} are allowed`);
  }
  if (schema.format === 'date-time' && (!instantText.test(value) || Number.isNaN(Date.parse(value)))) {
    return fault('must be a time such as 2026-01-31T08:00:00Z');
  }
  if (schema.format === 'date' && (!dateText.test(value) || Number.isNaN(Date.parse(value)))) {
    return fault('must be a date such as 2026-01-31');
  }
  if (schema.pattern !== undefined && !new RegExp(schema.pattern, 'u').test(value)) {
    fault('does not have the form that is asked for here, such as 08:30');
  }
}
