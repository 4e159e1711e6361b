/** The queries that read some twins with their relationships, within the limits of the strict dialect. */

/** Values of one `IN`, and characters of them: a query of the strict dialect has 8,000. */
const IDS_MAX = 100;
const CHARS_MAX = 6_000;

const quoted = (id: string) => `'${id.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;

/** Ids in groups that one query can name. */
function grouped(ids: readonly string[]): string[][] {
  const groups: string[][] = [];
  let chars = Infinity;
  for (const id of ids.map(quoted)) {
    let group = groups.at(-1);
    if (!group || group.length === IDS_MAX || chars + id.length > CHARS_MAX) {
      groups.push((group = []));
      chars = 0;
    }
    group.push(id);
    chars += id.length + 1;
  }
  return groups;
}

/** For each group of ids: their twins, what goes out of them, what comes in. */
export function queriesOf(ids: readonly string[]): string[][] {
  return grouped([...new Set(ids)]).map((group) => {
    const list = `IN [${group.join(',')}]`;
    return [
      `SELECT * FROM DIGITALTWINS WHERE $dtId ${list}`,
      `SELECT * FROM RELATIONSHIPS WHERE $sourceId ${list}`,
      `SELECT * FROM RELATIONSHIPS WHERE $targetId ${list}`,
    ];
  });
}
