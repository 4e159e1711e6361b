import { Color, type InstancedBufferAttribute, type Mesh } from 'three';
import { tokens, type Theme } from '@/ui/tokens';
import { displayColor, type SceneContext, type SceneModule } from '../kit/context';
import { instanced, quad } from '../kit/geometry';
import { paintMaterial } from '../kit/material';
import { NEAR_LIMIT } from '../site-load';
import { disposeAll, drawAll, perInstance, sharedBytes } from './shared';

/**
 * Load of each site against the limit of its grid connection: a gauge on the ground along its front, full at the
 * limit, with a piece for each station in the length of its share. Pieces alternate between two tones and stand apart,
 * so that shares are read without colour; near the limit the gauge is hatched, and above it the end mark turns solid.
 */
export class SiteLoads implements SceneModule {
  private ctx: SceneContext | null = null;
  private meshes: Mesh[] = [];
  private dyn: InstancedBufferAttribute | null = null;
  private version = -1;
  private readonly own = {
    uTrack: { value: new Color() },
    uEdge: { value: new Color() },
    uTone: { value: [new Color(), new Color()] },
    uNear: { value: new Color() },
    uOver: { value: new Color() },
  };

  attach(ctx: SceneContext): void {
    this.ctx = ctx;
    this.setTheme(ctx.theme);
    const { sites, stations } = ctx.layout;
    // A track for each site, then a piece for each station.
    const n = sites.length + stations.length;
    const place = new Float32Array(Math.max(1, n) * 4);
    const dyn = new Float32Array(Math.max(1, n) * 4);
    sites.forEach((s, i) => place.set([s.x, s.z, s.width, s.depth], i * 4));
    stations.forEach((station, i) => {
      const s = sites[station.site];
      place.set([s?.x ?? 0, s?.z ?? 0, s?.width ?? 0, s?.depth ?? 0], (sites.length + i) * 4);
    });
    this.dyn = perInstance(dyn, 4);
    const g = instanced(quad());
    g.setAttribute('aPlace', perInstance(place, 4));
    g.setAttribute('aDyn', this.dyn);
    g.instanceCount = n;
    const material = paintMaterial(
      ctx.uniforms,
      /* glsl */ `
      attribute vec4 aPlace, aDyn;
      varying vec4 vDyn;
      varying float vLength;
      void main() {
        float s = scaleAt(aPlace.xy, uSiteK);
        vDyn = aDyn;
        // From the left corner of the front: aDyn is from, to, kind (0 track, 1 and 2 the tones), share of the limit.
        float from = aDyn.x * aPlace.z, to = aDyn.y * aPlace.z;
        vLength = max(to - from, 0.0);
        float shown = step(0.001, vLength);
        vUv = vec2(position.x * 0.5 + 0.5, position.y * 0.5 + 0.5);
        vec3 local = vec3(-0.5 * aPlace.z + mix(from, to, vUv.x), 0.05 + 0.01 * aDyn.z,
          aPlace.w * 0.5 + 0.8 + vUv.y * 1.6) * shown;
        vWorld = vec3(aPlace.x, 0.0, aPlace.y) + local * s;
        gl_Position = projectionMatrix * viewMatrix * vec4(vWorld, 1.0);
        gl_Position.z -= 0.0001 * aDyn.z * gl_Position.w;
      }`,
      /* glsl */ `
      uniform vec3 uTrack, uEdge, uNear, uOver;
      uniform vec3 uTone[2];
      varying vec4 vDyn;
      varying float vLength;
      vec4 paint() {
        float x = vUv.x * vLength, px = fwidth(x) + 1e-4;
        if (vDyn.z < 0.5) {
          // The track ends at the limit with a mark; over the limit the mark is filled.
          float end = smoothstep(px, -px, vLength - x - (vDyn.w > 1.0 ? 0.9 : 0.28));
          float edge = smoothstep(0.12, 0.06, min(vUv.y, 1.0 - vUv.y));
          vec3 mark = vDyn.w > 1.0 ? uOver : uEdge;
          return vec4(mix(mix(uTrack, uEdge, edge * 0.6), mark, end), mix(0.85, 1.0, end));
        }
        bool near = vDyn.w >= ${NEAR_LIMIT.toFixed(2)};
        vec3 tone = vDyn.z < 1.5 ? uTone[0] : uTone[1];
        vec3 c = near ? uNear : tone;
        // Hatched when near the limit: seen without colour.
        if (near) c = mix(c, uTrack, 0.65 * step(0.5, fract((x + vUv.y * 1.1) * 0.9)));
        float gap = smoothstep(0.0, px, vLength - x - 0.14);
        float body = step(0.16, vUv.y) * step(vUv.y, 0.84);
        return vec4(c, gap * body);
      }`,
      this.own,
    );
    this.meshes = [drawAll(g, material, -1)];
    ctx.scene.add(...this.meshes);
  }

  setTheme(theme: Theme): void {
    displayColor(this.own.uTrack.value, tokens.scene.structure[theme]);
    displayColor(this.own.uEdge.value, tokens.border.control[theme]);
    displayColor(this.own.uTone.value[0] as Color, tokens.status.charging[theme]);
    displayColor(this.own.uTone.value[1] as Color, tokens.status.preparing[theme]);
    displayColor(this.own.uNear.value, tokens.severity.major[theme]);
    displayColor(this.own.uOver.value, tokens.severity.critical[theme]);
  }

  setVisible(visible: boolean): void {
    for (const mesh of this.meshes) mesh.visible = visible;
  }

  onSnapshot(): void {
    const ctx = this.ctx;
    if (!ctx || !this.dyn) return;
    const store = ctx.live.stores.station;
    if (store.version === this.version) return;
    this.version = store.version;
    const dyn = this.dyn.array as Float32Array;
    const { sites, stations } = ctx.layout;
    const power = stations.map((station) => {
      const row = store.rowOf(station.id);
      return row < 0 ? 0 : Math.max(0, store.columns.power_w[row] as number);
    });
    const load = new Float64Array(sites.length);
    stations.forEach((station, i) => (load[station.site] = (load[station.site] ?? 0) + (power[i] ?? 0)));
    const filled = new Float64Array(sites.length);
    const pieces = new Uint16Array(sites.length);
    sites.forEach((site, i) => {
      const known = site.limitW > 0;
      dyn.set([0, known ? 1 : 0, 0, known ? (load[i] ?? 0) / site.limitW : 0], i * 4);
    });
    stations.forEach((station, i) => {
      const at = station.site;
      const limit = sites[at]?.limitW ?? 0;
      // Over the limit the pieces share the length: the gauge stays on its forecourt.
      const scale = limit > 0 ? 1 / Math.max(limit, load[at] ?? 0) : 0;
      const from = filled[at] ?? 0;
      const to = from + (power[i] ?? 0) * scale;
      filled[at] = to;
      if (to > from) pieces[at] = (pieces[at] ?? 0) + 1;
      dyn.set(
        [from, to, 1 + ((pieces[at] ?? 0) % 2), limit > 0 ? (load[at] ?? 0) / limit : 0],
        (sites.length + i) * 4,
      );
    });
    this.dyn.needsUpdate = true;
  }

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
