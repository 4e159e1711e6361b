import { renderToString } from 'react-dom/server';
import { describe, expect, it } from 'vitest';
import answered from './actions.generated.json?raw';
import { describe as says, groupOf } from './catalogue';
import { SchemaForm } from './form';
import { readPayload } from './json-tab';
import { at, set, type Path } from './path';
import { initialPayload, isPlain, kindOf, type Plain, type Schema } from './schema';
import { validate } from './validate';

/** What the server answers for each version, as `e2e/commands.spec.ts` proves. */
const versions = JSON.parse(answered) as Record<string, Record<string, Schema>>;

/** A payload with every field of a schema once. */
function full(schema: Schema): unknown {
  switch (kindOf(schema)) {
    case 'object':
      return Object.fromEntries(
        Object.entries(schema.properties ?? {}).map(([name, of]) => [name, full(of)]),
      );
    case 'list':
      return Array.from({ length: Math.max(1, schema.minItems ?? 1) }, () => full(schema.items ?? {}));
    case 'enum':
      return schema.enum?.[0];
    case 'boolean':
      return true;
    case 'integer':
    case 'number':
      return Math.min(Math.max(1, schema.minimum ?? 1), schema.maximum ?? Infinity);
    case 'instant':
      return '2026-01-31T08:00:00Z';
    case 'date':
      return '2026-01-31';
    case 'any':
      return { free: ['form'] };
    default:
      return schema.pattern ? '08:30' : 'a';
  }
}

/** Every place in a schema at which a value must be there, in the payload that `full` makes. */
function needed(schema: Schema, path: Path = []): Path[] {
  if (schema.type === 'array') return needed(schema.items ?? {}, [...path, 0]);
  return Object.entries(schema.properties ?? {}).flatMap(([name, of]) => [
    ...(schema.required?.includes(name) && kindOf(of) !== 'any' ? [[...path, name]] : []),
    ...needed(of, [...path, name]),
  ]);
}

const draw = (schema: Schema, value: Plain, strict: boolean) =>
  renderToString(
    <SchemaForm
      schema={schema}
      value={value}
      broken={null}
      strict={strict}
      onChange={() => undefined}
      onBroken={() => undefined}
    />,
  );

for (const [version, actions] of Object.entries(versions)) {
  describe(`every action of OCPP ${version}`, () => {
    it('is described', () => {
      expect(Object.keys(actions).length).toBeGreaterThan(20);
      for (const action of Object.keys(actions)) {
        expect(says(action), action).not.toBeNull();
        expect(action === 'DataTransfer' || groupOf(action) !== 'Other', action).toBe(true);
      }
    });

    it('has a form, empty and filled in', { timeout: 60_000 }, () => {
      for (const [action, schema] of Object.entries(actions)) {
        const empty = draw(schema, initialPayload(schema), true);
        for (const name of schema.required ?? []) expect(empty, `${action}.${name}`).toContain(`>${name}<`);
        const value = full(schema);
        expect(isPlain(value), action).toBe(true);
        const filled = draw(schema, value as Plain, true);
        expect(filled, action).not.toContain('role="alert"');
        for (const name of Object.keys(schema.properties ?? {})) {
          expect(filled, `${action}.${name}`).toContain(`>${name}<`);
        }
      }
    });

    it('takes the full payload, by form and by JSON alike', () => {
      for (const [action, schema] of Object.entries(actions)) {
        const value = full(schema);
        expect(validate(schema, value), action).toEqual([]);
        expect(readPayload(JSON.stringify(value, null, 2)), action).toEqual({ value });
      }
    });

    it('misses each field that must be there', () => {
      for (const [action, schema] of Object.entries(actions)) {
        const value = full(schema);
        for (const path of needed(schema)) {
          expect(at(value, path), `${action} ${path.join('.')}`).toBeDefined();
          const found = validate(schema, set(value, path, undefined));
          expect(found, `${action} ${path.join('.')}`).toEqual([{ path, message: 'is missing' }]);
        }
      }
    });

    it('refuses a field that it does not have', () => {
      for (const [action, schema] of Object.entries(actions)) {
        expect(validate(schema, { ...(full(schema) as Plain), noSuchField: 1 }), action).toEqual([
          { path: ['noSuchField'], message: 'is no field of this message' },
        ]);
      }
    });
  });
}
