import { Color, type InstancedBufferAttribute, type Mesh } from 'three';
import { STATION_STATUS } from '@/live/codes';
import { tokens, type Theme } from '@/ui/tokens';
import { displayColor, type Hit, type PickRay, type SceneContext, type SceneModule } from '../kit/context';
import { acPost, dcCabinet, instanced, quad } from '../kit/geometry';
import { ATLAS, glyphOf } from '../kit/glyphs';
import { paintMaterial, partUniforms, setParts, solidMaterial, type Part } from '../kit/material';
import { disposeAll, drawAll, perInstance, sharedBytes } from './shared';
import { SLAB_M } from './sites';
import { hitCapsule, siteScale, storeyBase } from '../control/pick';
import { GROUPS_MAX, type StationGroups } from '../types';

const parts = (theme: Theme): Part[] => {
  const dark = theme === 'dark';
  return [
    { color: dark ? 0x8a94a3 : 0xf4f6f9, rough: 0.42, metal: 0.1 },
    { color: dark ? 0x2a313b : 0x9aa4b2, rough: 0.8, metal: 0 },
    { color: dark ? 0x05070a : 0x10151c, rough: 0.12, metal: 0, glow: 0.35 },
    { color: 0xffffff, rough: 0.3, metal: 0, glow: 1 },
    { color: dark ? 0x1a2029 : 0x39424f, rough: 0.28, metal: 0.2 },
  ];
};

/** GLSL shared by everything that belongs to a station. */
const STATION = /* glsl */ `
  attribute vec4 aPlace, aDyn;
  attribute vec4 aLocal;
  attribute float aGroup;
  uniform float uByGroup;
  uniform vec3 uGroup[${GROUPS_MAX}];
  uniform vec3 uStation[7];
  uniform vec3 uSeverity[5];
  // By its state, or by what the page tells stations apart by.
  vec3 stationColor() {
    return uByGroup > 0.5 ? uGroup[int(aGroup + 0.5)] : uStation[int(aDyn.x + 0.5)];
  }
  vec3 stationAt(vec3 local, float s) {
    local.xz = turn(local.xz, -aPlace.w) + aLocal.xy;
    local.y += storeyY(aPlace.z) + ${SLAB_M.toFixed(2)};
    return vec3(aPlace.x, 0.0, aPlace.y) + local * s;
  }
`;

/**
 * Stations: cabinets and posts with a light bar in the colour of the state, a ring of twenty segments on the ground
 * for the load, a pulse for an alarm, and a marker of constant size with the silhouette of the state. Colour and
 * silhouette can be those of a group of stations instead, such as all of one firmware.
 */
export class Stations implements SceneModule {
  private ctx: SceneContext | null = null;
  private meshes: Mesh[] = [];
  private parts = partUniforms([]);
  private dyn: InstancedBufferAttribute | null = null;
  private group: InstancedBufferAttribute | null = null;
  private groups: StationGroups | null = null;
  private theme: Theme = 'dark';
  private rowOfStation = new Int32Array(0);
  private version = -1;
  private alarms = 0;
  private readonly own = {
    uGlyphs: { value: null as unknown },
    uGlyphOf: { value: [] as number[] },
    uPlate: { value: new Color() },
    uInk: { value: new Color() },
    uRingOff: { value: new Color() },
    uChosen: { value: -1 },
    uHover: { value: -1 },
    uSelect: { value: new Color() },
    uPixel: { value: 1 },
    uByGroup: { value: 0 },
    uGroup: { value: Array.from({ length: GROUPS_MAX }, () => new Color()) },
    uGroupGlyph: { value: new Array<number>(GROUPS_MAX).fill(0) },
  };

  attach(ctx: SceneContext): void {
    this.ctx = ctx;
    this.parts = partUniforms(parts(ctx.theme));
    this.setTheme(ctx.theme);
    this.own.uGlyphs.value = ctx.glyphs;
    this.own.uGlyphOf.value = STATION_STATUS.map(glyphOf);
    const n = ctx.layout.stations.length;
    const place = new Float32Array(Math.max(1, n) * 4);
    const local = new Float32Array(Math.max(1, n) * 4);
    const dyn = new Uint8Array(Math.max(1, n) * 4);
    ctx.layout.stations.forEach((s, i) => {
      const site = ctx.layout.sites[s.site];
      place.set([site?.x ?? 0, site?.z ?? 0, s.level, s.yaw], i * 4);
      local.set([s.x, s.z, s.cabinet ? 1 : 0, i], i * 4);
    });
    this.rowOfStation = new Int32Array(n).fill(-1);
    const attributes = {
      aPlace: perInstance(place, 4),
      aLocal: perInstance(local, 4),
      aDyn: perInstance(dyn, 4),
      aGroup: perInstance(new Uint8Array(Math.max(1, n)), 1),
    };
    this.dyn = attributes.aDyn;
    this.group = attributes.aGroup;
    const make = (model = quad()) => {
      const g = instanced(model);
      for (const [name, attribute] of Object.entries(attributes)) g.setAttribute(name, attribute);
      g.instanceCount = n;
      return g;
    };
    const body = (cabinet: number) =>
      solidMaterial(
        ctx.uniforms,
        this.parts,
        /* glsl */ `${STATION}
        uniform float uChosen, uHover;
        vec3 place(inout vec3 p, inout vec3 n) {
          float s = scaleAt(aPlace.xy, uSiteK) * storeySeen(aPlace.z);
          float mine = 1.0 - step(0.5, abs(aLocal.z - ${cabinet.toFixed(1)}));
          n.xz = turn(n.xz, -aPlace.w);
          vGlow = vec4(stationColor(), aDyn.x < 0.5 && uByGroup < 0.5 ? 0.55 : 1.0);
          return stationAt(p * mine, s);
        }`,
        this.own,
      );
    this.meshes = [
      drawAll(make(dcCabinet()), body(1)),
      drawAll(make(acPost()), body(0)),
      drawAll(make(), this.padMaterial(ctx), -2),
      drawAll(make(), this.markerMaterial(ctx), 20),
    ];
    ctx.scene.add(...this.meshes);
  }

  private padMaterial(ctx: SceneContext) {
    return paintMaterial(
      ctx.uniforms,
      /* glsl */ `${STATION}
      varying vec4 vDyn;
      varying float vId;
      void main() {
        float s = scaleAt(aPlace.xy, uSiteK) * storeySeen(aPlace.z);
        vUv = position.xy * 3.2;
        vDyn = aDyn;
        vId = aLocal.w;
        vWorld = stationAt(vec3(vUv.x, 0.03, vUv.y), s);
        gl_Position = projectionMatrix * viewMatrix * vec4(vWorld, 1.0);
      }`,
      /* glsl */ `
      uniform vec3 uStation[7];
      uniform vec3 uSeverity[5];
      uniform vec3 uFlow, uFlowBack, uRingOff, uSelect;
      uniform float uChosen, uHover;
      varying vec4 vDyn;
      varying float vId;
      vec4 over(vec4 a, vec4 b) {
        float o = b.a + a.a * (1.0 - b.a);
        return vec4((b.rgb * b.a + a.rgb * a.a * (1.0 - b.a)) / max(o, 1e-4), o);
      }
      vec4 paint() {
        float r = length(vUv);
        float px = fwidth(r) + 1e-4;
        vec2 q = abs(vUv) - vec2(0.38, 0.24);
        float d = length(max(q, 0.0));
        vec4 c = vec4(vec3(0.0), (1.0 - smoothstep(0.0, 0.75, d)) * mix(0.3, 0.55, uDark));
        // Twenty segments, lit clockwise from the front by the share of the station's power.
        float turnAt = fract(atan(vUv.x, -vUv.y) / 6.28318 + 0.5);
        float segment = turnAt * 20.0;
        float within = min(fract(segment), 1.0 - fract(segment));
        float gap = smoothstep(0.0, px * 3.2 / max(r, 0.1) + 0.02, within - 0.07);
        float band = smoothstep(px, -px, abs(r - 1.12) - 0.095);
        float lit = step(floor(segment) + 0.5, vDyn.z / 255.0 * 20.0);
        vec3 flow = vDyn.w > 0.5 ? uFlowBack : uFlow;
        c = over(c, vec4(mix(uRingOff, flow, lit), band * gap * mix(0.5, 1.0, lit)));
        if (vDyn.y > 0.5) {
          vec3 alarm = uSeverity[int(vDyn.y + 0.5)];
          float phase = fract(uTime * mix(0.45, 0.8, step(2.5, vDyn.y))) * uMotion + (1.0 - uMotion) * 0.35;
          float radius = 1.3 + phase * 1.7;
          float ring = smoothstep(0.16 + px, 0.0, abs(r - radius)) * (1.0 - phase);
          float halo = (1.0 - smoothstep(1.2, 2.9, r)) * 0.22;
          c = over(c, vec4(alarm, max(ring * 0.9, halo)));
        }
        float mark = max(1.0 - step(0.5, abs(vId - uChosen)), 0.55 * (1.0 - step(0.5, abs(vId - uHover))));
        if (mark > 0.0) c = over(c, vec4(uSelect, mark * smoothstep(px * 1.5, 0.0, abs(r - 1.5) - 0.05)));
        return c;
      }`,
      this.own,
    );
  }

  private markerMaterial(ctx: SceneContext) {
    const material = paintMaterial(
      ctx.uniforms,
      /* glsl */ `${STATION}
      uniform float uPixel, uChosen, uHover;
      uniform float uGlyphOf[7], uGroupGlyph[${GROUPS_MAX}];
      varying vec4 vDyn;
      varying vec3 vColor;
      varying float vMark, vCell;
      void main() {
        float s = scaleAt(aPlace.xy, uSiteK);
        vUv = position.xy;
        vDyn = aDyn;
        vColor = stationColor();
        vCell = uByGroup > 0.5 ? uGroupGlyph[int(aGroup + 0.5)] : uGlyphOf[int(aDyn.x + 0.5)];
        vMark = max(1.0 - step(0.5, abs(aLocal.w - uChosen)), 0.6 * (1.0 - step(0.5, abs(aLocal.w - uHover))));
        vWorld = stationAt(vec3(0.0, mix(1.75, 2.4, aLocal.z), 0.0), s);
        vec4 clip = projectionMatrix * viewMatrix * vec4(vWorld, 1.0);
        float bad = step(3.5, aDyn.x) * step(aDyn.x, 4.5) + step(0.5, aDyn.y);
        float size = mix(9.0, 12.0, min(1.0, bad + vMark)) * uPixel * storeySeen(aPlace.z);
        clip.xy += (position.xy * size + vec2(0.0, size * 1.25)) / uViewport * 2.0 * clip.w;
        clip.z -= 0.0004 * clip.w;
        gl_Position = clip;
      }`,
      /* glsl */ `
      uniform vec3 uSeverity[5];
      uniform vec3 uPlate, uSelect;
      uniform sampler2D uGlyphs;
      varying vec4 vDyn;
      varying vec3 vColor;
      varying float vMark, vCell;
      vec4 paint() {
        float r = length(vUv), px = fwidth(r);
        vec3 color = vColor;
        float cell = floor(vCell + 0.5);
        vec2 uv = (vec2(mod(cell, 4.0), floor(cell / 4.0)) + 0.5 + vec2(vUv.x, -vUv.y) * 0.74) / 4.0;
        float glyph = abs(vUv.x) < 0.66 && abs(vUv.y) < 0.66 ? texture2D(uGlyphs, uv).a : 0.0;
        float disc = smoothstep(px, -px, r - 0.93);
        float rim = smoothstep(px * 1.2, 0.0, abs(r - 0.87) - 0.045);
        vec3 rimColor = vMark > 0.9 ? uSelect : vDyn.y > 0.5 ? uSeverity[int(vDyn.y + 0.5)] : mix(uPlate, color, 0.7);
        vec3 c = mix(uPlate, rimColor, rim);
        c = mix(c, color, glyph);
        return vec4(c, disc * 0.96);
      }`,
      this.own,
    );
    return material;
  }

  setTheme(theme: Theme): void {
    setParts(this.parts, parts(theme));
    displayColor(this.own.uPlate.value, tokens.surface.raised[theme]);
    displayColor(this.own.uRingOff.value, tokens.scene.structureLight[theme]);
    displayColor(this.own.uSelect.value, tokens.scene.selection[theme]);
    this.theme = theme;
    this.paintGroups();
  }

  /** Tells stations apart by groups instead of by state; null for their state. */
  setGroups(groups: StationGroups | null): void {
    this.groups = groups;
    this.paintGroups();
    const attribute = this.group;
    if (!attribute || !groups) return;
    const last = Math.max(0, Math.min(GROUPS_MAX, groups.looks.length) - 1);
    this.ctx?.layout.stations.forEach((station, i) => {
      attribute.array[i] = Math.min(last, groups.of.get(station.id) ?? last);
    });
    attribute.needsUpdate = true;
  }

  private paintGroups(): void {
    this.own.uByGroup.value = this.groups ? 1 : 0;
    this.groups?.looks.slice(0, GROUPS_MAX).forEach(({ color, shape }, i) => {
      displayColor(this.own.uGroup.value[i] as Color, color[this.theme]);
      this.own.uGroupGlyph.value[i] = Math.max(0, ATLAS.indexOf(shape));
    });
  }

  setPixel(ratio: number): void {
    this.own.uPixel.value = ratio;
  }

  choose(id: string | null): void {
    this.own.uChosen.value = this.indexOf(id);
  }

  hover(id: string | null): void {
    this.own.uHover.value = this.indexOf(id);
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
    const dyn = this.dyn.array as Uint8Array;
    this.alarms = 0;
    ctx.layout.stations.forEach((station, i) => {
      let row = this.rowOfStation[i] as number;
      if (row < 0 || store.ids[row] !== station.id) {
        row = store.rowOf(station.id);
        this.rowOfStation[i] = row;
      }
      const o = i * 4;
      if (row < 0) {
        dyn[o] = 0;
        return;
      }
      const power = store.columns.power_w[row] as number;
      const max = (store.columns.max_power_w[row] as number) || station.maxPowerW || 1;
      dyn[o] = Math.min(store.columns.status[row] as number, 6);
      dyn[o + 1] = Math.min(store.columns.alarm[row] as number, 4);
      dyn[o + 2] = Math.round(Math.min(1, Math.abs(power) / max) * 255);
      dyn[o + 3] = power < 0 ? 1 : 0;
      if (dyn[o + 1]) this.alarms += 1;
    });
    this.dyn.needsUpdate = true;
  }

  onFrame(): boolean {
    return this.alarms > 0 && this.ctx?.uniforms.uMotion.value === 1;
  }

  pick(ray: PickRay): Hit | null {
    const ctx = this.ctx;
    if (!ctx || !this.meshes[0]?.visible) return null;
    let best: Hit | null = null;
    for (const station of ctx.layout.stations) {
      const site = ctx.layout.sites[station.site];
      if (!site || station.level > ctx.uniforms.uStorey.value + 0.5) continue;
      const s = siteScale(ctx, site.x, site.z);
      const y = (storeyBase(ctx, station.level) + 1.3) * s;
      const distance = hitCapsule(ray, site.x + station.x * s, y, site.z + station.z * s, 1.5 * s);
      if (distance !== null && (best === null || distance < best.distance))
        best = { kind: 'station', id: station.id, distance };
    }
    return best;
  }

  bytes(): number {
    return sharedBytes(this.meshes.map((mesh) => mesh.geometry)) + 256 * 256 * 4 * 1.33;
  }

  dispose(): void {
    disposeAll(this.meshes);
  }

  private indexOf(id: string | null): number {
    return id === null ? -1 : (this.ctx?.layout.stations.findIndex((s) => s.id === id) ?? -1);
  }
}
