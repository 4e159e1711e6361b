import type { Twin } from '@/api/types';

/** What is drawn of a twin: what it is called, its kind, and how it is. */
export interface Node {
  id: string;
  /** Null while the twin itself was not read. */
  model: string | null;
  label: string;
  status: string | null;
  /** Relationships, drawn or not; null while they are not known. */
  degree: number | null;
}

export interface Edge {
  source: string;
  target: string;
  name: string;
}

export interface Net {
  nodes: Node[];
  edges: Edge[];
}

/** A twin that another is related to, seen from there. */
export interface Neighbour {
  id: string;
  name: string;
  way: 'out' | 'in';
}

const word = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);

export const labelOf = (twin: Pick<Twin, 'id' | 'properties'>): string =>
  word(twin.properties.name) ?? twin.id;

export function neighbours(twin: Twin): Neighbour[] {
  return [
    ...twin.relationships.map((r) => ({ id: r.target, name: r.name, way: 'out' as const })),
    ...twin.incoming.map((r) => ({ id: r.source, name: r.name, way: 'in' as const })),
  ];
}

/** Neighbours by relationship and direction, what goes out first. */
export function grouped(twin: Twin): { name: string; way: 'out' | 'in'; ids: string[] }[] {
  const groups = new Map<string, { name: string; way: 'out' | 'in'; ids: string[] }>();
  for (const { id, name, way } of neighbours(twin)) {
    const key = `${way} ${name}`;
    const group = groups.get(key);
    if (group) group.ids.push(id);
    else groups.set(key, { name, way, ids: [id] });
  }
  return [...groups.values()];
}

/** The twins that are shown with the relationships among them; of two that know of the same one, it is drawn once. */
export function netOf(twins: ReadonlyMap<string, Twin>, shown: ReadonlySet<string>): Net {
  const nodes: Node[] = [];
  const edges = new Map<string, Edge>();
  const add = (source: string, target: string, name: string) => {
    if (shown.has(source) && shown.has(target))
      edges.set(`${source}\n${name}\n${target}`, { source, target, name });
  };
  for (const id of shown) {
    const twin = twins.get(id);
    nodes.push({
      id,
      model: twin?.model ?? null,
      label: twin ? labelOf(twin) : id,
      status: twin ? word(twin.properties.status) : null,
      degree: twin ? twin.relationships.length + twin.incoming.length : null,
    });
    if (!twin) continue;
    for (const r of twin.relationships) add(id, r.target, r.name);
    for (const r of twin.incoming) add(r.source, id, r.name);
  }
  return { nodes, edges: [...edges.values()] };
}

/** A twin and those around it, at most `most`. */
export function around(twin: Twin, most: number): Set<string> {
  const out = new Set([twin.id]);
  for (const { id } of neighbours(twin)) {
    if (out.size >= most) break;
    out.add(id);
  }
  return out;
}
