import { describe, expect, it } from 'vitest';
import { answerCsv, cellText, columnsOf, graphIn } from './answer';
import { readKind, type Kind } from './dtdl';
import { Kinds } from './kinds';
import { asOf, offersAt, placeOf, withAsOf } from './language';

const kinds = new Kinds(
  [
    {
      '@id': 'dtmi:a:Site;1',
      displayName: 'Site',
      contents: [{ '@type': 'Relationship', name: 'contains', target: 'dtmi:a:Station;1' }],
    },
    {
      '@id': 'dtmi:a:Station;1',
      displayName: 'Station',
      contents: [
        { '@type': 'Property', name: 'power_w', schema: 'double', unit: 'watt' },
        { '@type': 'Relationship', name: 'hasEvse' },
      ],
    },
  ].map((d) => readKind(d) as Kind),
);
/** What is offered where `|` stands. */
const at = (marked: string) => {
  const place = marked.indexOf('|');
  const text = marked.replace('|', '');
  const found = offersAt(text, place, kinds);
  return found && { word: text.slice(found.from, place), labels: found.offers.map((o) => o.label) };
};

describe('what an editor offers', () => {
  it('knows where one may choose from', () => {
    expect(at('SELECT * FROM |')?.labels).toEqual(['DIGITALTWINS', 'RELATIONSHIPS']);
    expect(at('SELECT * FROM dig|')).toEqual({ word: 'dig', labels: ['DIGITALTWINS', 'RELATIONSHIPS'] });
    expect(at("SELECT * FROM DIGITALTWINS WHERE IS_OF_MODEL('dtmi:a|")).toEqual({
      word: 'dtmi:a',
      labels: ['dtmi:a:Site;1', 'dtmi:a:Station;1'],
    });
  });

  it('names the properties of a collection, of its kind alone where the query tells it', () => {
    expect(at('SELECT T.| FROM DIGITALTWINS T')?.labels).toContain('power_w');
    const site = "FROM DIGITALTWINS S JOIN C RELATED S.contains WHERE IS_OF_MODEL(S, 'dtmi:a:Site;1') AND ";
    expect(at(`SELECT * ${site} S.|`)?.labels).not.toContain('power_w');
    expect(at(`SELECT * ${site} C.po|`)).toMatchObject({ word: 'po' });
    expect(at(`SELECT * ${site} C.|`)?.labels).toContain('power_w');
    expect(at('SELECT * FROM DIGITALTWINS S JOIN C RELATED S.|')?.labels).toEqual(['contains', 'hasEvse']);
    expect(at('SELECT X FROM DIGITALTWINS MATCH (S)-[:|]->(X)')?.labels).toEqual(['contains', 'hasEvse']);
  });

  it('offers words elsewhere, and nothing within a text', () => {
    expect(at('SELECT * FROM DIGITALTWINS T WH|')?.labels).toEqual(
      expect.arrayContaining(['WHERE', 'T', 'COUNT']),
    );
    expect(at("SELECT * FROM DIGITALTWINS T WHERE T.name = 'it|")).toBeNull();
    expect(at("SELECT * FROM DIGITALTWINS T WHERE T.name = 'it''s' |")).not.toBeNull();
  });
});

describe('where an error is', () => {
  it('counts lines and characters', () => {
    const text = "SELECT *\nFROM DIGITALTWINS T WHERE T.x = '😀' AND";
    const told = placeOf('line 2, column 37: expected a value or a name, found the end', text);
    expect(told).toEqual({ at: 9 + 37, message: 'expected a value or a name, found the end' });
    expect(placeOf('SqlQueryError: line 1, column 1: x', 'SELECT')).toEqual({ at: 0, message: 'x' });
    // A place beyond the text is its end, and no place is none.
    expect(placeOf('line 9, column 99: x', 'SELECT')?.at).toBe(6);
    expect(placeOf('timed out', 'SELECT')).toBeNull();
  });
});

describe('the moment of a query', () => {
  const now = "SELECT 'FROM DIGITALTWINS X' FROM DIGITALTWINS T WHERE T.a = 1";
  it('is put behind the source, changed, and taken away', () => {
    const past = withAsOf(now, '2026-11-20T12:00:00Z');
    expect(past).toBe(
      "SELECT 'FROM DIGITALTWINS X' FROM DIGITALTWINS T AS OF '2026-11-20T12:00:00Z' WHERE T.a = 1",
    );
    expect(asOf(past)).toBe('2026-11-20T12:00:00Z');
    expect(withAsOf(past, '2026-11-21T00:00:00Z')).toContain("AS OF '2026-11-21T00:00:00Z' WHERE");
    expect(withAsOf(past, null)).toBe(now);
    expect(asOf(now)).toBeNull();
    expect(withAsOf('SELECT * FROM DIGITALTWINS WHERE x = 1', 't')).toBe(
      "SELECT * FROM DIGITALTWINS AS OF 't' WHERE x = 1",
    );
    expect(withAsOf('SELECT', 't')).toBe('SELECT');
  });
});

describe('an answer', () => {
  const twin = {
    $dtId: 'S',
    $etag: 'W/"1"',
    $metadata: { $model: 'dtmi:a:Station;1', $lastUpdateTime: '2026-11-21T08:00:00Z' },
    power_w: 7,
  };
  const rows = [
    { T: twin, n: 'a, "b"' },
    { R: { $relationshipId: 'r', $sourceId: 'P', $targetId: 'S', $relationshipName: 'contains' } },
  ];
  it('becomes a table and a file', () => {
    expect(columnsOf([twin, { x: 1 }])).toEqual(['$dtId', 'power_w', 'x', '$etag', '$metadata']);
    expect([cellText(twin), cellText(7), cellText(undefined), cellText([1])]).toEqual(['S', '7', '', '[1]']);
    expect(answerCsv([{ a: 'x,y', b: 1 }, { b: null }])).toBe('a,b\n"x,y",1\n,null\n');
  });

  it('holds twins and relationships wherever they stand', () => {
    const { twins, edges } = graphIn(rows);
    expect([...twins.values()]).toMatchObject([
      { id: 'S', model: 'dtmi:a:Station;1', properties: { power_w: 7 }, incoming: [{ source: 'P' }] },
    ]);
    expect(edges).toEqual([{ source: 'P', target: 'S', name: 'contains' }]);
    expect(graphIn([{ COUNT: 3 }]).twins.size).toBe(0);
  });
});
