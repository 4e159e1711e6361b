import { BufferAttribute, BufferGeometry, Color, type Mesh } from 'three';
import { tokens, type Theme } from '@/ui/tokens';
import { displayColor, type SceneContext, type SceneModule } from '../kit/context';
import { paintMaterial } from '../kit/material';
import type { PlacedRoad } from '../layout';
import { disposeAll, drawAll, sharedBytes } from './shared';

/** Half the width of a carriageway, metres. */
const HALF_M = 4.2;

/** The roads: one strip with round ends per stretch, all in one draw, as wide as the vehicles that are on them. */
export class Roads implements SceneModule {
  private mesh: Mesh | null = null;
  private readonly own = { uRoad: { value: new Color() }, uLine: { value: new Color() } };

  attach(ctx: SceneContext): void {
    this.setTheme(ctx.theme);
    const vertex = /* glsl */ `
      attribute vec4 aStretch; // direction x, z; side; end (0 or 1)
      attribute float aLength;
      varying vec3 vRoad; // along, across, length in metres
      varying float vHalf;
      void main() {
        // vehicles never get smaller than a few pixels, and roads keep up with them
        float scale = max(1.0, uRoadK * distance(cameraPosition, position));
        float half_m = ${HALF_M.toFixed(1)} * (1.0 + (scale - 1.0) * 0.42);
        vec2 along = aStretch.xy;
        vec2 across = vec2(-along.y, along.x);
        float out_m = (aStretch.w * 2.0 - 1.0) * half_m;
        vec2 p = position.xz + along * out_m + across * aStretch.z * half_m;
        vRoad = vec3(aStretch.w * aLength + out_m, aStretch.z * half_m, aLength);
        vHalf = half_m;
        vWorld = vec3(p.x, 0.07, p.y);
        vUv = vec2(0.0);
        gl_Position = projectionMatrix * viewMatrix * vec4(vWorld, 1.0);
      }`;
    const fragment = /* glsl */ `
      uniform vec3 uRoad, uLine;
      varying vec3 vRoad;
      varying float vHalf;
      vec4 paint() {
        float beyond = max(abs(vRoad.x - vRoad.z * 0.5) - vRoad.z * 0.5, 0.0);
        float off = length(vec2(beyond, vRoad.y)) / vHalf;
        float soft = fwidth(off);
        float inside = 1.0 - smoothstep(1.0 - soft, 1.0, off);
        float kerb = smoothstep(0.86 - soft, 0.86, off);
        float dash = step(0.5, fract(vRoad.x / (vHalf * 3.2)));
        float centre = (1.0 - smoothstep(0.035, 0.035 + soft, abs(vRoad.y) / vHalf)) * dash;
        vec3 c = mix(uRoad, uLine, max(kerb * 0.35, centre * 0.75) * (1.0 - step(0.001, beyond)));
        return vec4(c, inside);
      }`;
    this.mesh = drawAll(
      roadGeometry(ctx.layout.roads),
      paintMaterial(ctx.uniforms, vertex, fragment, this.own),
      -4,
    );
    this.mesh.visible = ctx.layout.roads.length > 0;
    ctx.scene.add(this.mesh);
  }

  setTheme(theme: Theme): void {
    displayColor(this.own.uRoad.value, tokens.scene.road[theme]);
    displayColor(this.own.uLine.value, tokens.scene.zoneEdge[theme]);
  }

  onSnapshot(): void {}

  onFrame(): boolean {
    return false;
  }

  pick(): null {
    return null;
  }

  bytes(): number {
    return this.mesh ? sharedBytes([this.mesh.geometry]) : 0;
  }

  dispose(): void {
    if (this.mesh) disposeAll([this.mesh]);
  }
}

function roadGeometry(roads: readonly PlacedRoad[]): BufferGeometry {
  const position = new Float32Array(roads.length * 12);
  const stretch = new Float32Array(roads.length * 16);
  const length = new Float32Array(roads.length * 4);
  const index = new Uint32Array(roads.length * 6);
  roads.forEach(([ax, az, bx, bz], road) => {
    const metres = Math.hypot(bx - ax, bz - az) || 1;
    const [dx, dz] = [(bx - ax) / metres, (bz - az) / metres];
    for (let corner = 0; corner < 4; corner++) {
      const [end, side] = [corner >> 1, corner & 1 ? 1 : -1];
      const at = road * 4 + corner;
      position.set([end ? bx : ax, 0, end ? bz : az], at * 3);
      stretch.set([dx, dz, side, end], at * 4);
      length[at] = metres;
    }
    const first = road * 4;
    index.set([first, first + 1, first + 2, first + 2, first + 1, first + 3], road * 6);
  });
  const geometry = new BufferGeometry();
  geometry.setAttribute('position', new BufferAttribute(position, 3));
  geometry.setAttribute('aStretch', new BufferAttribute(stretch, 4));
  geometry.setAttribute('aLength', new BufferAttribute(length, 1));
  geometry.setIndex(new BufferAttribute(index, 1));
  return geometry;
}
