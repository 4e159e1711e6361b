import { describe, expect, it } from 'vitest';
import { callUrl, readOpenApi, sample, typeWords } from './openapi';

const document = {
  openapi: '3.1.0',
  info: { title: 'T', version: '1' },
  paths: {
    '/api/v1/stations/{id}': {
      parameters: [{ name: 'id', in: 'path', schema: { type: 'string' } }],
      get: {
        tags: ['stations'],
        operationId: 'station',
        summary: 'One',
        responses: { 200: { description: 'ok' } },
      },
      patch: {
        tags: ['stations'],
        requestBody: {
          content: { 'application/merge-patch+json': { schema: { $ref: '#/components/schemas/Patch' } } },
        },
        parameters: [{ name: 'limit', in: 'query', schema: { type: 'integer' } }],
        responses: {},
      },
    },
    '/broken': { get: null },
  },
  components: {
    schemas: {
      Patch: {
        type: 'object',
        required: ['name', 'loop', 'at'],
        properties: {
          name: { type: ['string', 'null'] },
          loop: { $ref: '#/components/schemas/Patch' },
          at: { type: 'string', format: 'date-time' },
          extra: { type: 'number' },
        },
      },
    },
  },
};

describe('reading', () => {
  const api = readOpenApi(document);

  it('groups operations by tag and inherits path parameters', () => {
    const stations = api.tags.find((t) => t.name === 'stations');
    expect(stations?.operations.map((o) => o.method)).toEqual(['GET', 'PATCH']);
    expect(stations?.operations[1]?.parameters.map((p) => [p.name, p.required])).toEqual([
      ['id', true],
      ['limit', false],
    ]);
  });

  it('answers an empty document instead of failing on nonsense', () => {
    for (const bad of [null, 7, 'x', [], { paths: [] }]) expect(readOpenApi(bad).tags).toEqual([]);
  });

  it('makes a body to start from, and stops in a circle', () => {
    const patch = api.schemas.Patch ?? {};
    const body = sample(patch, api.schemas) as Record<string, unknown>;
    expect(Object.keys(body)).toEqual(['name', 'loop', 'at']);
    expect(JSON.stringify(body).length).toBeLessThan(1_000);
  });

  it('builds the address of a call', () => {
    const patch = api.tags[0]?.operations[1];
    expect(patch && callUrl(patch, { id: 'a/b:1', limit: '5' })).toBe('/api/v1/stations/a%2Fb%3A1?limit=5');
    expect(patch && callUrl(patch, { id: 'x', limit: ' ' })).toBe('/api/v1/stations/x');
  });
});

it('says types in words', () => {
  expect(typeWords({ type: ['string', 'null'] })).toBe('string or null');
  expect(typeWords({ type: 'array', items: { $ref: '#/components/schemas/Zone' } })).toBe('Zone[]');
  expect(typeWords({ oneOf: [{ type: 'null' }, { $ref: '#/x/Station' }] })).toBe('null or Station');
  expect(typeWords({ type: 'string', format: 'uuid' })).toBe('string (uuid)');
});
