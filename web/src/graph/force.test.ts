import { describe, expect, it } from 'vitest';
import { Force } from './force';
import type { Edge, Node } from './net';

const node = (id: string): Node => ({ id, model: null, label: id, status: null, degree: 2 });
const edge = (source: string, target: string): Edge => ({ source, target, name: 'r' });
const nodes = Array.from({ length: 30 }, (_, i) => node(`n${i}`));
const ring = nodes.map((n, i) => edge(n.id, `n${(i + 1) % nodes.length}`));
const places = (force: Force) => force.bodies.map((b) => [b.x, b.y, b.z].map((v) => v.toFixed(6)));
const far = (force: Force, a: string, b: string) => {
  const [p, q] = [force.body(a), force.body(b)];
  return p && q ? Math.hypot(p.x - q.x, p.y - q.y, p.z - q.z) : NaN;
};

describe('where twins stand', () => {
  it('comes to rest, the same each time', () => {
    const [one, two] = [new Force(), new Force()];
    for (const force of [one, two]) {
      force.set(nodes, ring, false);
      force.settle();
    }
    expect(one.step()).toBe(false);
    expect(places(one)).toEqual(places(two));
    expect(
      places(one)
        .flat()
        .every((v) => Number.isFinite(Number(v))),
    ).toBe(true);
    // Related twins are nearer than those across the ring, and none stand in each other.
    expect(far(one, 'n0', 'n1')).toBeLessThan(far(one, 'n0', 'n15') / 2);
    expect(far(one, 'n0', 'n1')).toBeGreaterThan(3);
  });

  it('keeps what was there in place when more comes, and puts that beside it', () => {
    const force = new Force();
    force.set(nodes, ring, false);
    force.settle();
    const before = places(force);
    force.set([...nodes, node('new')], [...ring, edge('n3', 'new')], false);
    expect(places(force).slice(0, nodes.length)).toEqual(before);
    expect(far(force, 'n3', 'new')).toBeLessThan(20);
    force.set(nodes, ring, false);
    expect(force.bodies.length).toBe(nodes.length);
  });

  it('lies in one plane when it is to be flat, and does not move when nothing came', () => {
    const force = new Force();
    force.set(nodes, ring, true);
    force.settle();
    expect(force.bodies.every((b) => b.y === 0)).toBe(true);
    force.set(nodes, ring, true);
    expect(force.step()).toBe(false);
  });
});
