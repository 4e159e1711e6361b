import type { Twin } from '@/api/types';
import { csv } from '@/ui/csv';
import type { Edge } from './net';

/** One row of an answer: a flat object, a twin or relationship itself, or several under their names. */
export type AnswerRow = Record<string, unknown>;

const isObject = (value: unknown): value is AnswerRow =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isTwin = (value: unknown): value is AnswerRow & { $dtId: string } =>
  isObject(value) && typeof value.$dtId === 'string';
const isRelationship = (value: unknown): value is AnswerRow =>
  isObject(value) && typeof value.$sourceId === 'string' && typeof value.$targetId === 'string';

/** Columns in the order in which they come; what Azure keeps about a twin stands last. */
export function columnsOf(rows: readonly AnswerRow[]): string[] {
  const columns = new Set<string>();
  for (const row of rows) for (const key of Object.keys(row)) columns.add(key);
  const last = ['$etag', '$metadata'].filter((key) => columns.delete(key));
  return [...columns, ...last];
}

/** A value in a line. A twin in a column of its own is told by its id. */
export function cellText(value: unknown): string {
  if (value === undefined) return '';
  if (isTwin(value)) return value.$dtId;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

export function answerCsv(rows: readonly AnswerRow[]): string {
  const columns = columnsOf(rows);
  const cell = (value: unknown) =>
    value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value);
  return csv([columns, ...rows.map((row) => columns.map((column) => cell(row[column])))]);
}

/** What an answer holds of the graph: twins as our API would give them, and relationships. */
export function graphIn(rows: readonly AnswerRow[]): { twins: Map<string, Twin>; edges: Edge[] } {
  const twins = new Map<string, Twin>();
  const edges = new Map<string, Edge>();
  const look = (value: unknown) => {
    if (isRelationship(value)) {
      const edge = {
        source: String(value.$sourceId),
        target: String(value.$targetId),
        name: String(value.$relationshipName ?? ''),
      };
      edges.set(`${edge.source}\n${edge.name}\n${edge.target}`, edge);
    } else if (isTwin(value)) {
      const metadata = isObject(value.$metadata) ? value.$metadata : {};
      twins.set(value.$dtId, {
        id: value.$dtId,
        model: typeof metadata.$model === 'string' ? metadata.$model : '',
        etag: String(value.$etag ?? ''),
        updated_at: String(metadata.$lastUpdateTime ?? ''),
        properties: Object.fromEntries(Object.entries(value).filter(([key]) => !key.startsWith('$'))),
        metadata: {},
        relationships: [],
        incoming: [],
      });
    }
  };
  for (const row of rows) {
    look(row);
    for (const value of Object.values(row)) look(value);
  }
  for (const { source, target, name } of edges.values()) {
    const id = `${name}-${target}`;
    twins.get(source)?.relationships.push({ id, name, target });
    twins.get(target)?.incoming.push({ id, name, source });
  }
  return { twins, edges: [...edges.values()] };
}
