import { BufferAttribute, BufferGeometry, Color, DoubleSide, ShapeUtils, Vector2, type Mesh } from 'three';
import { tokens, type Theme } from '@/ui/tokens';
import { displayColor, type Hit, type PickRay, type SceneContext, type SceneModule } from '../kit/context';
import { paintMaterial } from '../kit/material';
import type { PlacedZone } from '../layout';
import { disposeAll, drawAll, sharedBytes } from './shared';

/** Zones as raised, translucent plates: a faint fill, a crisp rim, a curtain of light that fades upwards. */
export class Zones implements SceneModule {
  private meshes: Mesh[] = [];
  private zones: PlacedZone[] = [];
  private readonly own = {
    uZone: { value: new Color() },
    uEdge: { value: new Color() },
    uAccent: { value: new Color() },
    /** Number of the chosen zone, −1 for none. */
    uChosen: { value: -1 },
  };

  attach(ctx: SceneContext): void {
    this.setTheme(ctx.theme);
    this.zones = ctx.layout.zones.filter((zone) => zone.ring.length >= 3);
    const height = ctx.layout.radius * 0.035;
    const vertex = /* glsl */ `
      attribute vec2 aZone;
      varying float vZone;
      varying float vKind;
      void main() {
        vWorld = position; vUv = vec2(0.0, position.y / ${height.toFixed(3)}); vZone = aZone.x; vKind = aZone.y;
        gl_Position = projectionMatrix * viewMatrix * vec4(position, 1.0);
      }`;
    const fragment = /* glsl */ `
      uniform vec3 uZone, uEdge, uAccent;
      uniform float uChosen;
      varying float vZone, vKind;
      vec4 paint() {
        float chosen = 1.0 - step(0.5, abs(vZone - uChosen));
        vec3 edge = mix(uEdge, uAccent, chosen);
        if (vKind < 0.5) return vec4(mix(uZone, uAccent, chosen * 0.25), mix(0.34, 0.3, uDark) + chosen * 0.12);
        if (vKind < 1.5) return vec4(edge, 0.75 + 0.25 * chosen);
        return vec4(edge, pow(1.0 - clamp(vUv.y, 0.0, 1.0), 2.2) * mix(0.2, 0.28, chosen + uDark * 0.3));
      }`;
    const material = paintMaterial(ctx.uniforms, vertex, fragment, this.own);
    material.side = DoubleSide;
    const mesh = drawAll(zoneGeometry(this.zones, ctx.layout.radius, height), material, -5);
    this.meshes = [mesh];
    ctx.scene.add(mesh);
  }

  setTheme(theme: Theme): void {
    displayColor(this.own.uZone.value, tokens.scene.zone[theme]);
    displayColor(this.own.uEdge.value, tokens.scene.zoneEdge[theme]);
    displayColor(this.own.uAccent.value, tokens.accent.default[theme]);
  }

  choose(id: string | null): void {
    this.own.uChosen.value = id === null ? -1 : this.zones.findIndex((zone) => zone.id === id);
  }

  setVisible(visible: boolean): void {
    for (const mesh of this.meshes) mesh.visible = visible;
  }

  onSnapshot(): void {}

  onFrame(): boolean {
    return false;
  }

  pick(ray: PickRay): Hit | null {
    if (!this.meshes[0]?.visible || ray.direction.y >= -1e-4) return null;
    const distance = -ray.origin.y / ray.direction.y;
    const x = ray.origin.x + ray.direction.x * distance;
    const z = ray.origin.z + ray.direction.z * distance;
    const zone = this.zones.find((candidate) => inside(candidate.ring, x, z));
    return zone ? { kind: 'zone', id: zone.id, distance } : null;
  }

  bytes(): number {
    return sharedBytes(this.meshes.map((mesh) => mesh.geometry));
  }

  dispose(): void {
    disposeAll(this.meshes);
  }
}

/** Even-odd rule. */
export function inside(ring: readonly [number, number][], x: number, z: number): boolean {
  let odd = false;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
    const [ax, az] = ring[i] as [number, number];
    const [bx, bz] = ring[j] as [number, number];
    if (az > z !== bz > z && x < ((bx - ax) * (z - az)) / (bz - az) + ax) odd = !odd;
  }
  return odd;
}

/** Kind 0 fill, 1 rim, 2 curtain; all zones in one geometry. */
function zoneGeometry(zones: readonly PlacedZone[], radius: number, height: number): BufferGeometry {
  const position: number[] = [];
  const zone: number[] = [];
  const put = (number: number, kind: number, ...points: number[]) => {
    position.push(...points);
    for (let i = 0; i < points.length / 3; i++) zone.push(number, kind);
  };
  const width = radius * 0.0022;
  zones.forEach(({ ring }, number) => {
    const points = ring.map(([x, z]) => new Vector2(x, z));
    if (points.length > 3 && points[0]?.distanceTo(points.at(-1) as Vector2) === 0) points.pop();
    for (const [a, b, c] of ShapeUtils.triangulateShape(points, []) as [number, number, number][]) {
      const [p, q, r] = [points[a], points[b], points[c]] as [Vector2, Vector2, Vector2];
      put(number, 0, p.x, 0.05, p.y, q.x, 0.05, q.y, r.x, 0.05, r.y);
    }
    points.forEach((p, i) => {
      const q = points[(i + 1) % points.length] as Vector2;
      const along = q.clone().sub(p).normalize().multiplyScalar(width);
      const [nx, nz] = [-along.y, along.x];
      const [px, pz, qx, qz] = [p.x - along.x, p.y - along.y, q.x + along.x, q.y + along.y];
      const strip = [px - nx, pz - nz, qx - nx, qz - nz, qx + nx, qz + nz, px + nx, pz + nz] as const;
      const y = 0.1;
      put(number, 1, strip[0], y, strip[1], strip[2], y, strip[3], strip[4], y, strip[5]);
      put(number, 1, strip[0], y, strip[1], strip[4], y, strip[5], strip[6], y, strip[7]);
      put(number, 2, p.x, 0, p.y, q.x, 0, q.y, q.x, height, q.y);
      put(number, 2, p.x, 0, p.y, q.x, height, q.y, p.x, height, p.y);
    });
  });
  const geometry = new BufferGeometry();
  geometry.setAttribute('position', new BufferAttribute(new Float32Array(position), 3));
  geometry.setAttribute('aZone', new BufferAttribute(new Float32Array(zone), 2));
  return geometry;
}
