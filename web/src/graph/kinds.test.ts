import { describe, expect, it } from 'vitest';
import { readKind, shortName, versionOf, type Kind } from './dtdl';
import { Kinds } from './kinds';

const documents = [
  { '@id': 'dtmi:a:Place;1', '@type': 'Interface', displayName: 'Place', contents: [] },
  {
    '@id': 'dtmi:a:Thing;1',
    '@type': 'Interface',
    displayName: { de: 'Ding', en: 'Thing' },
    contents: [{ '@type': 'Property', name: 'name', schema: 'string', writable: true }],
  },
  {
    '@id': 'dtmi:a:Car;2',
    '@type': 'Interface',
    description: 'Drives.',
    extends: ['dtmi:a:Thing;1', 'dtmi:a:Place;1'],
    contents: [
      { '@type': ['Property', 'Power'], name: 'power_w', schema: 'double', unit: 'watt' },
      { '@type': 'Property', name: 'cells', schema: { '@type': 'Array', elementSchema: 'double' } },
      {
        '@type': 'Property',
        name: 'status',
        schema: { '@type': 'Enum', valueSchema: 'string', enumValues: [{ name: 'On', enumValue: 'On' }] },
      },
      { '@type': 'Property', name: 'name', schema: 'integer' },
      { '@type': 'Relationship', name: 'at', target: 'dtmi:a:Place;1', maxMultiplicity: 1 },
      { '@type': 'Component', name: 'pack', schema: 'dtmi:a:Pack;1' },
      { '@type': 'Relationship', name: 'any' },
      { '@type': 'Nonsense', name: 'x' },
      'nothing',
    ],
  },
  { '@id': 'dtmi:a:Truck;1', '@type': 'Interface', extends: 'dtmi:a:Car;2' },
];
const kinds = new Kinds(documents.map(readKind).filter((k): k is Kind => k !== null));

describe('a kind of twin', () => {
  it('is read from its document', () => {
    expect(readKind('text')).toBeNull();
    expect(readKind({ '@type': 'Interface' })).toBeNull();
    const car = kinds.get('dtmi:a:Car;2');
    expect(car?.label).toBe('Car');
    expect(car?.contents.map((c) => [c.kind, c.name, c.type, c.target])).toEqual([
      ['Property', 'power_w', 'double', null],
      ['Property', 'cells', 'double[]', null],
      ['Property', 'status', 'Enum', null],
      ['Property', 'name', 'integer', null],
      ['Relationship', 'at', '', 'dtmi:a:Place;1'],
      ['Component', 'pack', '', 'dtmi:a:Pack;1'],
      ['Relationship', 'any', '', null],
    ]);
    expect(car?.contents[0]).toMatchObject({ unit: 'watt', semantics: ['Power'], writable: false });
    expect(car?.contents[2]?.words).toEqual(['On']);
    expect(kinds.label('dtmi:a:Thing;1')).toBe('Thing');
    expect(kinds.label('dtmi:b:Foreign;3')).toBe('Foreign');
    expect([shortName('dtmi:a:b:Car;2'), versionOf('dtmi:a:b:Car;2'), versionOf('dtmi:a')]).toEqual([
      'Car',
      '2',
      '',
    ]);
  });

  it('inherits, and its own word counts', () => {
    expect(kinds.line('dtmi:a:Truck;1')).toEqual([
      'dtmi:a:Truck;1',
      'dtmi:a:Car;2',
      'dtmi:a:Thing;1',
      'dtmi:a:Place;1',
    ]);
    const names = kinds.contents('dtmi:a:Truck;1').filter((c) => c.name === 'name');
    expect(names).toMatchObject([{ type: 'integer', from: 'dtmi:a:Car;2' }]);
    expect(kinds.isA('dtmi:a:Truck;1', 'dtmi:a:Place;1')).toBe(true);
    expect(kinds.isA('dtmi:a:Thing;1', 'dtmi:a:Car;2')).toBe(false);
    expect(kinds.family('dtmi:a:Thing;1').sort()).toEqual([
      'dtmi:a:Car;2',
      'dtmi:a:Thing;1',
      'dtmi:a:Truck;1',
    ]);
  });

  it('knows where it is used, also as one that it extends', () => {
    expect(kinds.uses('dtmi:a:Truck;1')).toEqual([{ kind: 'dtmi:a:Car;2', name: 'at', as: 'Relationship' }]);
    expect(kinds.uses('dtmi:a:Pack;1')).toEqual([{ kind: 'dtmi:a:Car;2', name: 'pack', as: 'Component' }]);
  });

  it('stands in the tree below each of its bases, and a ring ends', () => {
    expect(kinds.tree().map((line) => `${line.depth} ${line.id}`)).toEqual([
      '0 dtmi:a:Place;1',
      '1 dtmi:a:Car;2',
      '2 dtmi:a:Truck;1',
      '0 dtmi:a:Thing;1',
      '1 dtmi:a:Car;2',
      '2 dtmi:a:Truck;1',
    ]);
    const ring = new Kinds(
      [
        { '@id': 'dtmi:r:R;1', extends: [] },
        { '@id': 'dtmi:r:A;1', extends: ['dtmi:r:R;1', 'dtmi:r:B;1'] },
        { '@id': 'dtmi:r:B;1', extends: 'dtmi:r:A;1' },
      ].map((d) => readKind(d) as Kind),
    );
    expect(ring.tree().length).toBe(3);
    expect(ring.line('dtmi:r:A;1').length).toBe(3);
  });
});
