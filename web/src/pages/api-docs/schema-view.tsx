import { Prose } from '@/ui/prose';
import { resolve, typeWords, type Schema } from './openapi';

const DEPTH = 4;

function limits(schema: Schema): string {
  const parts: string[] = [];
  if (schema.minimum !== undefined) parts.push(`at least ${schema.minimum}`);
  if (schema.maximum !== undefined) parts.push(`at most ${schema.maximum}`);
  if (schema.maxLength !== undefined) parts.push(`at most ${schema.maxLength} characters`);
  if (schema.maxItems !== undefined) parts.push(`at most ${schema.maxItems} items`);
  return parts.join(', ');
}

/** The object that a schema comes down to, through references, arrays and "or null". */
function inner(schema: Schema, schemas: Record<string, Schema>): Schema {
  const { schema: s } = resolve(schema, schemas);
  if (s.items) return inner(s.items, schemas);
  const option = (s.oneOf ?? s.anyOf)?.filter((o) => o.type !== 'null');
  if (option?.length === 1 && option[0]) return inner(option[0], schemas);
  if (s.allOf) {
    return {
      properties: Object.assign({}, ...s.allOf.map((part) => inner(part, schemas).properties)) as Record<
        string,
        Schema
      >,
      required: s.allOf.flatMap((part) => inner(part, schemas).required ?? []),
    };
  }
  return s;
}

/** Properties of a schema, nested ones behind a disclosure. */
export function SchemaView({
  schema,
  schemas,
  depth = 0,
}: {
  schema: Schema;
  schemas: Record<string, Schema>;
  depth?: number;
}) {
  const object = inner(schema, schemas);
  const properties = Object.entries(object.properties ?? {});
  if (properties.length === 0) {
    return (
      <p className="muted">
        <code className="mono">{typeWords(schema)}</code>{' '}
        {object.description && <Prose text={object.description} />}
      </p>
    );
  }
  return (
    <ul className="schema">
      {properties.map(([name, property]) => {
        const nested = Object.keys(inner(property, schemas).properties ?? {}).length > 0 && depth < DEPTH;
        const bound = limits(property);
        const line = (
          <>
            <code className="mono schema-name">{name}</code>
            <code className="mono schema-type">{typeWords(property)}</code>
            {object.required?.includes(name) && <span className="tag">required</span>}
          </>
        );
        return (
          <li key={name}>
            {nested ? (
              <details>
                <summary>{line}</summary>
                <SchemaView schema={property} schemas={schemas} depth={depth + 1} />
              </details>
            ) : (
              <div className="schema-line">{line}</div>
            )}
            {(property.description || bound) && (
              <p className="schema-text">
                <Prose text={[property.description, bound].filter(Boolean).join(' ')} />
              </p>
            )}
          </li>
        );
      })}
    </ul>
  );
}
