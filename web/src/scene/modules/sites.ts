import type { InstancedBufferGeometry } from 'three';
import { BoxGeometry, Color, type Mesh } from 'three';
import { tokens, type Theme } from '@/ui/tokens';
import type { SceneContext, SceneModule } from '../kit/context';
import { asPart, instanced, quad } from '../kit/geometry';
import { paintMaterial, partUniforms, setParts, solidMaterial, type Part } from '../kit/material';
import type { PlacedSite } from '../layout';
import { disposeAll, drawAll, perInstance, sharedBytes } from './shared';

/** Height of a storey with the hub closed; `storeyY` in the shaders agrees. */
export const STOREY_M = 3.4;
export const EXPLODE_M = 5;
export const SLAB_M = 0.14;

interface Block {
  site: PlacedSite;
  level: number;
  at: [number, number, number];
  size: [number, number, number];
  kind: number;
}

const parts = (theme: Theme): Part[] => [
  { color: tokens.scene.structure[theme], rough: 0.72, metal: 0, tint: 1 },
];

/** Forecourts and storeys: slabs, columns and roof beams as instances of one block, with soft contact shadows. */
export class Sites implements SceneModule {
  private meshes: Mesh[] = [];
  private parts = partUniforms([]);
  private readonly tints = { uKinds: { value: [new Color(), new Color(), new Color()] } };

  attach(ctx: SceneContext): void {
    this.parts = partUniforms(parts(ctx.theme));
    this.setTheme(ctx.theme);
    const blocks = ctx.layout.sites.flatMap(blocksOf);
    const solid = this.blockGeometry(blocks);
    const material = solidMaterial(
      ctx.uniforms,
      this.parts,
      /* glsl */ `
        attribute vec4 aPlace, aSize;
        attribute vec3 aAt;
        uniform vec3 uKinds[3];
        vec3 place(inout vec3 p, inout vec3 n) {
          float s = scaleAt(aPlace.xy, uSiteK) * storeySeen(aPlace.z);
          vec3 size = aSize.xyz;
          // Columns stretch with the storeys when the hub opens.
          if (aSize.w > 0.5 && aSize.w < 1.5) size.y += uExplode * ${EXPLODE_M.toFixed(1)};
          vec3 local = aAt + p * size + vec3(0.0, size.y * 0.5, 0.0);
          local.y += storeyY(aPlace.z);
          vTint = uKinds[int(aSize.w + 0.5)];
          return vec3(aPlace.x, 0.0, aPlace.y) + local * s;
        }`,
      this.tints,
    );
    const shadow = paintMaterial(
      ctx.uniforms,
      /* glsl */ `
        attribute vec4 aSite;
        varying vec2 vHalf;
        void main() {
          float s = scaleAt(aSite.xy, uSiteK);
          vHalf = aSite.zw * 0.5;
          vUv = position.xy * (vHalf + 7.0);
          vec2 xz = aSite.xy + (vUv + vec2(-0.8, -1.0)) * s;
          vWorld = vec3(xz.x, 0.0, xz.y);
          gl_Position = projectionMatrix * viewMatrix * vec4(vWorld, 1.0);
        }`,
      /* glsl */ `
        varying vec2 vHalf;
        vec4 paint() {
          vec2 q = abs(vUv) - vHalf + 1.0;
          float d = length(max(q, 0.0)) + min(max(q.x, q.y), 0.0);
          float a = 1.0 - smoothstep(-2.0, 6.5, d);
          return vec4(mix(vec3(0.16, 0.19, 0.24), vec3(0.0), uDark), a * a * mix(0.4, 0.6, uDark));
        }`,
    );
    const ground = instanced(quad()) as InstancedBufferGeometry;
    const rows = new Float32Array(Math.max(1, ctx.layout.sites.length) * 4);
    ctx.layout.sites.forEach((s, i) => rows.set([s.x, s.z, s.width, s.depth], i * 4));
    ground.setAttribute('aSite', perInstance(rows, 4));
    ground.instanceCount = ctx.layout.sites.length;
    this.meshes = [drawAll(solid, material), drawAll(ground, shadow, -4)];
    ctx.scene.add(...this.meshes);
  }

  setTheme(theme: Theme): void {
    setParts(
      this.parts,
      parts(theme).map((p) => ({ ...p, color: 0xffffff })),
    );
    const [slab, column, beam] = this.tints.uKinds.value as [Color, Color, Color];
    slab.setHex(tokens.scene.grid[theme]);
    if (theme === 'dark') slab.multiplyScalar(0.8);
    column.setHex(tokens.scene.structure[theme]);
    beam.setHex(tokens.scene.structure[theme]);
  }

  setVisible(visible: boolean): void {
    for (const mesh of this.meshes) mesh.visible = visible;
  }

  private blockGeometry(blocks: readonly Block[]): InstancedBufferGeometry {
    const geometry = instanced(asPart(new BoxGeometry(1, 1, 1), 0, (_x, y) => (y > 0 ? 1 : 0.5)));
    const n = Math.max(1, blocks.length);
    const place = new Float32Array(n * 4);
    const size = new Float32Array(n * 4);
    const at = new Float32Array(n * 3);
    blocks.forEach((b, i) => {
      place.set([b.site.x, b.site.z, b.level, 0], i * 4);
      size.set([...b.size, b.kind], i * 4);
      at.set(b.at, i * 3);
    });
    geometry.setAttribute('aPlace', perInstance(place, 4));
    geometry.setAttribute('aSize', perInstance(size, 4));
    geometry.setAttribute('aAt', perInstance(at, 3));
    geometry.instanceCount = blocks.length;
    return geometry;
  }

  onSnapshot(): void {}

  onFrame(): boolean {
    return false;
  }

  bytes(): number {
    return sharedBytes(this.meshes.map((mesh) => mesh.geometry));
  }

  dispose(): void {
    disposeAll(this.meshes);
  }
}

function blocksOf(site: PlacedSite): Block[] {
  const blocks: Block[] = [];
  const { width: w, depth: d } = site;
  const storeys = Math.max(1, site.levels);
  for (let level = 0; level < storeys; level++) {
    const storey = site.levels > 0 ? level : -1;
    blocks.push({ site, level: storey, at: [0, 0, 0], size: [w, SLAB_M, d], kind: 0 });
    if (site.levels === 0) continue;
    for (const x of [-1, 1]) {
      for (const z of [-1, 0, 1]) {
        const at: [number, number, number] = [x * (w / 2 - 0.5), SLAB_M, z * (d / 2 - 0.5)];
        if (level < storeys - 1)
          blocks.push({ site, level, at, size: [0.26, STOREY_M - SLAB_M, 0.26], kind: 1 });
      }
      // A low parapet keeps the storey readable from above.
      blocks.push({ site, level, at: [x * (w / 2 - 0.06), SLAB_M, 0], size: [0.12, 0.55, d], kind: 2 });
    }
    blocks.push({ site, level, at: [0, SLAB_M, -d / 2 + 0.06], size: [w, 0.55, 0.12], kind: 2 });
  }
  return blocks;
}
