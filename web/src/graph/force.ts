import {
  forceLink,
  forceManyBody,
  forceSimulation,
  forceX,
  forceY,
  forceZ,
  type Point,
  type Simulation,
} from 'd3-force-3d';
import type { Edge, Node } from './net';

/** A twin with its place. */
export interface Body extends Point {
  node: Node;
  x: number;
  y: number;
  z: number;
}

/** An edge between two places. */
export interface Tie {
  source: Body;
  target: Body;
  edge: Edge;
}

const LENGTH = 7;
const REPULSION = -34;
const REACH = 110;
/** Towards the middle, so that parts that nothing relates stay in the picture. */
const CENTRING = 0.05;
/** The share of twins that the first picture holds for sure. */
const NEARLY_ALL = 0.97;
/** Most steps until all is at rest. */
const STEPS = 320;

/**
 * Where twins stand: related ones pull, all push. What was there keeps its place when more comes, and what comes begins
 * beside what it is related to. The same net always comes to the same picture.
 */
export class Force {
  bodies: Body[] = [];
  ties: Tie[] = [];
  private byId = new Map<string, Body>();
  private simulation: Simulation<Body> | null = null;
  private flat = false;

  set(nodes: readonly Node[], edges: readonly Edge[], flat: boolean): void {
    const before = this.byId;
    const beside = new Map<string, Body>();
    for (const { source, target } of edges) {
      const [s, t] = [before.get(source), before.get(target)];
      if (s && !t && !beside.has(target)) beside.set(target, s);
      if (t && !s && !beside.has(source)) beside.set(source, t);
    }
    let fresh = 0;
    this.bodies = nodes.map((node) => {
      const old = before.get(node.id);
      if (old) {
        old.node = node;
        return old;
      }
      const near = beside.get(node.id);
      const [x, y, z] = spiral(fresh++, near ? LENGTH * 0.6 : LENGTH);
      return { node, x: (near?.x ?? 0) + x, y: flat ? 0 : (near?.y ?? 0) + y, z: (near?.z ?? 0) + z };
    });
    this.byId = new Map(this.bodies.map((body) => [body.node.id, body]));
    this.ties = edges.flatMap((edge) => {
      const [source, target] = [this.byId.get(edge.source), this.byId.get(edge.target)];
      return source && target ? [{ source, target, edge }] : [];
    });
    const unchanged = fresh === 0 && before.size === this.byId.size && flat === this.flat;
    this.flat = flat;
    if (flat) for (const body of this.bodies) Object.assign(body, { y: 0, vy: 0 });
    this.simulation = forceSimulation(this.bodies, 3)
      .stop()
      .force(
        'tie',
        forceLink(this.ties).distance(
          // Hubs of many keep their twins at a distance at which they have room.
          (tie: Tie) => LENGTH * (1 + Math.log10(1 + Math.min(crowd(tie), 200)) * 0.5),
        ),
      )
      .force('push', forceManyBody().strength(REPULSION).distanceMax(REACH))
      .force('x', forceX(0).strength(CENTRING))
      .force('y', forceY(0).strength(flat ? 1 : CENTRING * 1.6))
      .force('z', forceZ(0).strength(CENTRING))
      .alpha(unchanged ? 0 : before.size === 0 ? 1 : 0.5);
  }

  body(id: string): Body | undefined {
    return this.byId.get(id);
  }

  /** One step; false when all is at rest. */
  step(): boolean {
    const simulation = this.simulation;
    if (!simulation || simulation.alpha() < simulation.alphaMin()) return false;
    simulation.tick();
    if (this.flat) for (const body of this.bodies) Object.assign(body, { y: 0, vy: 0 });
    return true;
  }

  /** Goes to the end at once. */
  settle(): void {
    for (let i = 0; i < STEPS && this.step(); i++);
  }

  /** How far from the middle nearly all are; a few that nothing relates may be farther out. */
  radius(): number {
    const far = this.bodies.map((b) => Math.hypot(b.x, b.y, b.z)).sort((a, b) => a - b);
    return Math.max(LENGTH, far[Math.floor((far.length - 1) * NEARLY_ALL)] ?? 0);
  }
}

const crowd = (tie: Tie) => Math.max(tie.source.node.degree ?? 0, tie.target.node.degree ?? 0);

/** Points on a growing ball, as seeds stand in a sunflower. */
function spiral(i: number, step: number): [number, number, number] {
  const golden = Math.PI * (3 - Math.sqrt(5));
  const r = step * Math.cbrt(i + 1) * 0.8;
  const y = 1 - (2 * ((i * 7) % 31)) / 31;
  const ring = Math.sqrt(Math.max(0, 1 - y * y));
  return [Math.cos(golden * i) * ring * r, y * r, Math.sin(golden * i) * ring * r];
}
