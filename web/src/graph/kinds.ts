import { shortName, type Content, type Kind } from './dtdl';

/** A content and the kind that it comes from, where that is another. */
export interface Inherited extends Content {
  from: string | null;
}

export interface Use {
  /** The kind that names this one, and by which relationship or component. */
  kind: string;
  name: string;
  as: 'Relationship' | 'Component';
}

/** All kinds of twin that the server knows, and how they hang together. */
export class Kinds<K extends Kind = Kind> {
  readonly all: readonly K[];
  private readonly byId: ReadonlyMap<string, K>;
  private readonly extended: ReadonlyMap<string, readonly string[]>;

  constructor(kinds: readonly K[]) {
    this.all = [...kinds].sort((a, b) => a.label.localeCompare(b.label) || a.id.localeCompare(b.id));
    this.byId = new Map(this.all.map((kind) => [kind.id, kind]));
    const extended = new Map<string, string[]>();
    for (const kind of this.all) {
      for (const base of kind.bases) extended.set(base, [...(extended.get(base) ?? []), kind.id]);
    }
    this.extended = extended;
  }

  get(id: string): K | undefined {
    return this.byId.get(id);
  }

  /** What people call it; its short name where nobody told. */
  label(id: string): string {
    return this.byId.get(id)?.label ?? shortName(id);
  }

  /** Kinds that extend it directly. */
  children(id: string): readonly string[] {
    return this.extended.get(id) ?? [];
  }

  /** It and all that it extends, nearest first, each once. */
  line(id: string): string[] {
    const out = [id];
    for (let i = 0; i < out.length; i++) {
      for (const base of this.byId.get(out[i] ?? '')?.bases ?? []) if (!out.includes(base)) out.push(base);
    }
    return out;
  }

  isA(id: string, base: string): boolean {
    return this.line(id).includes(base);
  }

  /** It and all that extend it, at any distance. */
  family(id: string): string[] {
    return this.all.filter((kind) => this.isA(kind.id, id)).map((kind) => kind.id);
  }

  /** What a twin of this kind has, its own first, then what it inherits. */
  contents(id: string): Inherited[] {
    const seen = new Set<string>();
    const out: Inherited[] = [];
    for (const of of this.line(id)) {
      for (const content of this.byId.get(of)?.contents ?? []) {
        if (seen.has(content.name)) continue;
        seen.add(content.name);
        out.push({ ...content, from: of === id ? null : of });
      }
    }
    return out;
  }

  property(id: string, name: string): Content | undefined {
    return this.contents(id).find(
      (c) => c.name === name && (c.kind === 'Property' || c.kind === 'Telemetry'),
    );
  }

  /** Where other kinds name it, or one that it is. */
  uses(id: string): Use[] {
    const line = this.line(id);
    return this.all.flatMap((kind) =>
      kind.contents.flatMap((c) =>
        (c.kind === 'Relationship' || c.kind === 'Component') && c.target !== null && line.includes(c.target)
          ? [{ kind: kind.id, name: c.name, as: c.kind }]
          : [],
      ),
    );
  }

  /** Kinds that extend none that is known: where the tree begins. */
  roots(): K[] {
    return this.all.filter((kind) => !kind.bases.some((base) => this.byId.has(base)));
  }

  /** The tree of inheritance as lines; a kind with two bases stands below each. */
  tree(): { id: string; depth: number; key: string }[] {
    const out: { id: string; depth: number; key: string }[] = [];
    const walk = (id: string, depth: number, path: string) => {
      const key = `${path}/${id}`;
      // A ring of bases is refused by the server; it must not hang the page all the same.
      if (path.split('/').includes(id)) return;
      out.push({ id, depth, key });
      for (const child of this.children(id)) walk(child, depth + 1, key);
    };
    for (const root of this.roots()) walk(root.id, 0, '');
    return out;
  }
}
