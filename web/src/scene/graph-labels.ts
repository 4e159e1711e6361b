import { Vector3, type PerspectiveCamera } from 'three';
import type { Body, Tie } from '@/graph/force';

/** Names that are drawn at most; more could not be read. */
const MOST = 60;
const HEIGHT = 15;
/** Width of a letter of the small type, about. */
const LETTER = 6.1;

interface Wanted {
  key: string;
  text: string;
  x: number;
  y: number;
  kind: 'chosen' | 'near' | 'plain' | 'tie';
}

/** Names beside twins, and of the relationships of the chosen one: the most wanted first, none over another. */
export class GraphLabels {
  private readonly root: HTMLElement;
  private readonly free: HTMLElement[] = [];
  private used = new Map<string, HTMLElement>();
  private ties: readonly Tie[] = [];
  private readonly at = new Vector3();

  constructor(root: HTMLElement) {
    this.root = root;
  }

  set(ties: readonly Tie[]): void {
    this.ties = ties;
  }

  place(
    camera: PerspectiveCamera,
    width: number,
    height: number,
    bodies: readonly Body[],
    chosen: string | null,
    hover: string | null,
  ): void {
    const wanted = this.wanted(camera, width, height, bodies, chosen, hover);
    const taken: [x0: number, y0: number, x1: number, y1: number][] = [];
    const next = new Map<string, HTMLElement>();
    for (const { key, text, x, y, kind } of wanted) {
      if (next.size >= MOST) break;
      const w = text.length * LETTER + 6;
      const box: (typeof taken)[number] = [x - w / 2, y, x + w / 2, y + HEIGHT];
      if (taken.some((t) => box[0] < t[2] && box[2] > t[0] && box[1] < t[3] && box[3] > t[1])) continue;
      taken.push(box);
      const element = this.used.get(key) ?? this.free.pop() ?? document.createElement('span');
      this.used.delete(key);
      if (element.textContent !== text) element.textContent = text;
      element.className = `scene-label graph-label graph-label-${kind}`;
      element.style.transform = `translate(${x.toFixed(1)}px, ${y.toFixed(1)}px) translateX(-50%)`;
      if (!element.isConnected) this.root.append(element);
      next.set(key, element);
    }
    for (const element of this.used.values()) {
      element.remove();
      this.free.push(element);
    }
    this.used = next;
  }

  private wanted(
    camera: PerspectiveCamera,
    width: number,
    height: number,
    bodies: readonly Body[],
    chosen: string | null,
    hover: string | null,
  ): Wanted[] {
    const out: (Wanted & { rank: number })[] = [];
    const near = new Set<string>();
    const screen = (x: number, y: number, z: number) => {
      const p = this.at.set(x, y, z).project(camera);
      return p.z > 1 ? null : { x: ((p.x + 1) / 2) * width, y: ((1 - p.y) / 2) * height };
    };
    for (const { source, target, edge } of this.ties) {
      if (source.node.id !== chosen && target.node.id !== chosen) continue;
      near.add(source.node.id).add(target.node.id);
      const middle = screen((source.x + target.x) / 2, (source.y + target.y) / 2, (source.z + target.z) / 2);
      if (middle)
        out.push({
          key: `${edge.source} ${edge.name} ${edge.target}`,
          text: edge.name,
          x: middle.x,
          y: middle.y - HEIGHT / 2,
          kind: 'tie',
          rank: 2.5,
        });
    }
    for (const body of bodies) {
      const { id, label, degree } = body.node;
      const mine = id === chosen || id === hover;
      if (chosen !== null && !mine && near.size > 0 && !near.has(id)) continue;
      const p = screen(body.x, body.y - 2.2, body.z);
      if (!p || p.x < 0 || p.y < 0 || p.x > width || p.y > height) continue;
      const kind = id === chosen ? 'chosen' : near.has(id) || id === hover ? 'near' : 'plain';
      // Among equals the one with more relationships is read first.
      const rank =
        id === chosen ? 0 : id === hover ? 1 : near.has(id) ? 2 : 4 - Math.min(1, (degree ?? 0) / 1000);
      out.push({ key: id, text: label, x: p.x, y: p.y, kind, rank });
    }
    return out.sort((a, b) => a.rank - b.rank);
  }

  dispose(): void {
    this.root.replaceChildren();
  }
}
