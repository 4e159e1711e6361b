/** Reading an OpenAPI 3 document as far as the page shows it. Whatever is missing or odd is left out, never an error. */

export interface Schema {
  $ref?: string;
  type?: string | string[];
  format?: string;
  description?: string;
  enum?: unknown[];
  const?: unknown;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  prefixItems?: Schema[];
  additionalProperties?: Schema | boolean;
  oneOf?: Schema[];
  anyOf?: Schema[];
  allOf?: Schema[];
  minimum?: number;
  maximum?: number;
  maxLength?: number;
  maxItems?: number;
  default?: unknown;
  example?: unknown;
  examples?: unknown[];
}

export interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header';
  required: boolean;
  description: string | null;
  schema: Schema;
}

export interface Operation {
  id: string;
  method: string;
  path: string;
  tag: string;
  summary: string;
  description: string | null;
  parameters: Parameter[];
  body: { schema: Schema; required: boolean; example: unknown } | null;
  responses: { status: string; description: string; schema: Schema | null }[];
}

export interface Api {
  title: string;
  version: string;
  description: string | null;
  tags: { name: string; operations: Operation[] }[];
  schemas: Record<string, Schema>;
}

type Obj = Record<string, unknown>;
const obj = (v: unknown): Obj => (v !== null && typeof v === 'object' && !Array.isArray(v) ? (v as Obj) : {});
const arr = (v: unknown): unknown[] => (Array.isArray(v) ? v : []);
const str = (v: unknown): string | null => (typeof v === 'string' && v !== '' ? v : null);

const methods = ['get', 'post', 'put', 'patch', 'delete'] as const;

/** The JSON schema of a content map, whatever the media type is called. */
function jsonContent(content: unknown): { schema: Schema; example: unknown } | null {
  const entry = Object.entries(obj(content)).find(([type]) => type.includes('json'));
  if (!entry) return null;
  const media = obj(entry[1]);
  return { schema: obj(media.schema) as Schema, example: media.example };
}

export function readOpenApi(document: unknown): Api {
  const root = obj(document);
  const info = obj(root.info);
  const components = obj(root.components);
  const sharedParameters = obj(components.parameters);
  const sharedResponses = obj(components.responses);
  const byTag = new Map<string, Operation[]>();
  for (const tag of arr(root.tags)) {
    const name = str(obj(tag).name);
    if (name) byTag.set(name, []);
  }
  const follow = (value: unknown, shared: Obj): Obj => {
    const ref = str(obj(value).$ref);
    return ref ? obj(shared[ref.split('/').at(-1) ?? '']) : obj(value);
  };
  for (const [path, item] of Object.entries(obj(root.paths))) {
    for (const method of methods) {
      if (!(method in obj(item))) continue;
      const op = obj(obj(item)[method]);
      const tag = str(arr(op.tags)[0]) ?? path.replace(/^\/api\/v1/, '').split('/')[1] ?? 'other';
      const body = jsonContent(obj(op.requestBody).content);
      const operation: Operation = {
        // Not the operation id: nothing here needs it, and documents have been seen that repeat one.
        id: `${method} ${path}`,
        method: method.toUpperCase(),
        path,
        tag,
        summary: str(op.summary) ?? str(op.description)?.split('\n')[0] ?? path,
        description: str(op.description),
        parameters: [...arr(obj(item).parameters), ...arr(op.parameters)].flatMap((raw) => {
          const p = follow(raw, sharedParameters);
          const name = str(p.name);
          const place = p.in;
          if (!name || (place !== 'path' && place !== 'query' && place !== 'header')) return [];
          return [
            {
              name,
              in: place,
              required: p.required === true || place === 'path',
              description: str(p.description),
              schema: obj(p.schema) as Schema,
            },
          ];
        }),
        body: body && {
          schema: body.schema,
          required: obj(op.requestBody).required === true,
          example: body.example,
        },
        responses: Object.entries(obj(op.responses)).map(([status, raw]) => {
          const response = follow(raw, sharedResponses);
          return {
            status,
            description: str(response.description) ?? '',
            schema: jsonContent(response.content)?.schema ?? null,
          };
        }),
      };
      const list = byTag.get(tag) ?? [];
      list.push(operation);
      byTag.set(tag, list);
    }
  }
  return {
    title: str(info.title) ?? 'API',
    version: str(info.version) ?? '',
    description: str(info.description),
    tags: [...byTag]
      .filter(([, list]) => list.length > 0)
      .map(([name, operations]) => ({ name, operations })),
    schemas: obj(components.schemas) as Record<string, Schema>,
  };
}

/** The schema that a reference names; the schema itself where it is none. */
export function resolve(
  schema: Schema,
  schemas: Record<string, Schema>,
): { name: string | null; schema: Schema } {
  const name = schema.$ref?.split('/').at(-1) ?? null;
  return { name, schema: name === null ? schema : (schemas[name] ?? {}) };
}

/** A type in words: `string (date-time)`, `Station[]`, `number or null`. */
export function typeWords(schema: Schema): string {
  const name = schema.$ref?.split('/').at(-1);
  if (name) return name;
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((v) => JSON.stringify(v)).join(' | ');
  const options = schema.oneOf ?? schema.anyOf;
  if (options) return options.map(typeWords).join(' or ');
  if (schema.allOf) return schema.allOf.map(typeWords).join(' and ');
  const types = Array.isArray(schema.type) ? schema.type : schema.type ? [schema.type] : [];
  if (types.includes('array')) {
    const of = schema.items ? typeWords(schema.items) : 'any';
    return `${of.includes(' ') ? `(${of})` : of}[]${types.includes('null') ? ' or null' : ''}`;
  }
  const words = types.join(' or ') || (schema.properties ? 'object' : 'any');
  return schema.format ? `${words} (${schema.format})` : words;
}

/** A body to start from: examples where there are any, otherwise the required properties with plain values. */
export function sample(schema: Schema, schemas: Record<string, Schema>, depth = 0): unknown {
  const { schema: s } = resolve(schema, schemas);
  if (s.example !== undefined) return s.example;
  if (s.examples?.[0] !== undefined) return s.examples[0];
  if (s.default !== undefined) return s.default;
  if (s.const !== undefined) return s.const;
  if (s.enum) return s.enum[0] ?? null;
  if (depth > 5) return null;
  const option = (s.oneOf ?? s.anyOf)?.find((o) => o.type !== 'null');
  if (option) return sample(option, schemas, depth + 1);
  if (s.allOf)
    return Object.assign({}, ...s.allOf.map((part) => sample(part, schemas, depth + 1))) as unknown;
  const type = Array.isArray(s.type) ? s.type.find((t) => t !== 'null') : s.type;
  if (type === 'object' || s.properties) {
    const wanted = s.required?.length ? s.required : Object.keys(s.properties ?? {});
    return Object.fromEntries(
      wanted.flatMap((name) => {
        const property = s.properties?.[name];
        return property ? [[name, sample(property, schemas, depth + 1)]] : [];
      }),
    );
  }
  if (type === 'array') return s.items ? [sample(s.items, schemas, depth + 1)] : [];
  if (type === 'string') return s.format === 'date-time' ? new Date(0).toISOString() : '';
  if (type === 'integer' || type === 'number') return s.minimum ?? 0;
  if (type === 'boolean') return false;
  return null;
}

/** The address of a call: path parameters encoded, empty query parameters left out. */
export function callUrl(operation: Operation, values: Readonly<Record<string, string>>): string {
  let path = operation.path;
  const query = new URLSearchParams();
  for (const p of operation.parameters) {
    const value = values[p.name]?.trim() ?? '';
    if (p.in === 'path') path = path.replace(`{${p.name}}`, encodeURIComponent(value));
    else if (p.in === 'query' && value !== '') query.set(p.name, value);
  }
  const base = path.startsWith('/api/') ? path : `/api/v1${path}`;
  const text = query.toString();
  return text ? `${base}?${text}` : base;
}
