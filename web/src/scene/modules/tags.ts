import {
  CanvasTexture,
  Color,
  LinearFilter,
  LinearMipmapLinearFilter,
  type InstancedBufferAttribute,
  type Mesh,
  type Texture,
} from 'three';
import { STATION_STATUS } from '@/live/codes';
import { FLAG_DIAGNOSTICS, FLAG_FIRMWARE_UPDATE } from '@/live/frames';
import { tokens, type Theme } from '@/ui/tokens';
import { displayColor, type SceneContext, type SceneModule } from '../kit/context';
import { instanced, quad } from '../kit/geometry';
import { paintMaterial } from '../kit/material';
import type { Conduct } from '../types';
import { disposeAll, drawAll, perInstance, sharedBytes } from './shared';
import { SLAB_M } from './sites';

/** What a tag can say; 0 is nothing. The words are the sign, so no colour has to be told apart. */
const WORDS = [
  '',
  'Updating',
  'Diagnostics',
  'Out of use',
  '1.6',
  '2.0.1',
  '2.1',
  'Violations',
  'Quarantine',
] as const;
const CONDUCT: Readonly<Record<Conduct, number>> = { violations: 7, quarantine: 8 };
/** Rows of the atlas. */
const ROWS = 16;
/** Tags of one station: what is done to it, its version, how it keeps to the protocol. */
const SLOTS = 3;
const CELL_W = 192;
const CELL_H = 40;
const FONT_PX = 26;
/** Height of a tag on the screen. */
const TAG_PX = 15;
const UNAVAILABLE = STATION_STATUS.indexOf('Unavailable');
const VERSIONS: Readonly<Record<number, number>> = { 16: 4, 201: 5, 21: 6 };
/** Site scale up to which stations are apart on the screen, as for their names. */
const APART = 2.2;

interface Atlas {
  texture: Texture;
  /** Width of each word with its margins, in cells. */
  widths: number[];
}

function wordAtlas(): Atlas {
  const canvas = document.createElement('canvas');
  canvas.width = CELL_W;
  canvas.height = CELL_H * ROWS;
  const c = canvas.getContext('2d');
  const widths = WORDS.map(() => 0);
  if (c) {
    c.font = `600 ${FONT_PX}px "Inter Variable", system-ui, sans-serif`;
    c.fillStyle = '#fff';
    c.textBaseline = 'middle';
    c.textAlign = 'center';
    WORDS.forEach((word, i) => {
      if (word === '') return;
      widths[i] = Math.min(1, (c.measureText(word).width + 24) / CELL_W);
      c.fillText(word, CELL_W / 2, CELL_H * (i + 0.5) + 1, CELL_W - 8);
    });
  }
  const texture = new CanvasTexture(canvas);
  texture.flipY = false;
  texture.minFilter = LinearMipmapLinearFilter;
  texture.magFilter = LinearFilter;
  return { texture, widths };
}

/**
 * Small tags beside a station's marker: what is being done to it (new firmware, diagnostics, taken out of use) and how
 * it keeps to the protocol, which are seen from afar, and the OCPP version that it speaks, once stations are apart on
 * the screen.
 */
export class Tags implements SceneModule {
  private ctx: SceneContext | null = null;
  private meshes: Mesh[] = [];
  private atlas: Atlas | null = null;
  private dyn: InstancedBufferAttribute | null = null;
  private version = -1;
  private readonly own = {
    uWords: { value: null as Texture | null },
    uWidths: { value: WORDS.map(() => 0) },
    uPixel: { value: 1 },
    uCare: { value: 1 },
    uVersions: { value: 1 },
    uConduct: { value: 1 },
    uPlate: { value: new Color() },
    uPlateCare: { value: new Color() },
    uPlateConduct: { value: new Color() },
    uInk: { value: new Color() },
    uInkCare: { value: new Color() },
  };

  attach(ctx: SceneContext): void {
    this.ctx = ctx;
    this.atlas = wordAtlas();
    this.own.uWords.value = this.atlas.texture;
    this.own.uWidths.value = this.atlas.widths;
    this.setTheme(ctx.theme);
    const n = ctx.layout.stations.length;
    const place = new Float32Array(Math.max(1, n) * SLOTS * 4);
    const local = new Float32Array(Math.max(1, n) * SLOTS * 4);
    ctx.layout.stations.forEach((s, i) => {
      const site = ctx.layout.sites[s.site];
      for (let k = 0; k < SLOTS; k++) {
        place.set([site?.x ?? 0, site?.z ?? 0, s.level, 0], (i * SLOTS + k) * 4);
        local.set([s.x, s.z, s.cabinet ? 2.4 : 1.75, k], (i * SLOTS + k) * 4);
      }
    });
    this.dyn = perInstance(new Uint8Array(Math.max(1, n) * SLOTS), 1);
    const g = instanced(quad());
    g.setAttribute('aPlace', perInstance(place, 4));
    g.setAttribute('aLocal', perInstance(local, 4));
    g.setAttribute('aWord', this.dyn);
    g.instanceCount = n * SLOTS;
    this.meshes = [drawAll(g, this.material(ctx), 21)];
    ctx.scene.add(...this.meshes);
  }

  private material(ctx: SceneContext) {
    return paintMaterial(
      ctx.uniforms,
      /* glsl */ `
      attribute vec4 aPlace, aLocal;
      attribute float aWord;
      uniform float uPixel, uCare, uVersions, uConduct;
      uniform float uWidths[${WORDS.length}];
      varying float vWord, vWide;
      void main() {
        float s = scaleAt(aPlace.xy, uSiteK);
        bool care = aLocal.w < 0.5, conduct = aLocal.w > 1.5;
        float shown = aWord < 0.5 ? 0.0 : care ? uCare : conduct ? uConduct
          : uVersions * step(s, ${APART.toFixed(1)});
        vWord = aWord;
        vWide = uWidths[int(aWord + 0.5)];
        vUv = position.xy;
        vec3 p = vec3(aLocal.x, aLocal.z + storeyY(aPlace.z) + ${SLAB_M.toFixed(2)}, aLocal.y) * s;
        vWorld = vec3(aPlace.x, 0.0, aPlace.y) + p;
        vec4 clip = projectionMatrix * viewMatrix * vec4(vWorld, 1.0);
        float h = ${(TAG_PX / 2).toFixed(1)} * uPixel * shown * storeySeen(aPlace.z);
        float w = h * ${(CELL_W / CELL_H).toFixed(2)} * vWide;
        // Right of the marker: what is done to the station in line with it, the version below; left of it its conduct.
        vec2 from = vec2((14.0 * uPixel + w) * (conduct ? -1.0 : 1.0), (care || conduct ? 13.0 : -3.0) * uPixel);
        clip.xy += (position.xy * vec2(w, h) + from) / uViewport * 2.0 * clip.w;
        clip.z -= 0.0005 * clip.w;
        gl_Position = clip;
      }`,
      /* glsl */ `
      uniform sampler2D uWords;
      uniform vec3 uPlate, uPlateCare, uPlateConduct, uInk, uInkCare;
      varying float vWord, vWide;
      vec4 paint() {
        bool conduct = vWord > 6.5, loud = vWord < 3.5 || conduct;
        vec2 uv = vec2(0.5 + vUv.x * 0.5 * vWide, (floor(vWord + 0.5) + 0.5 - vUv.y * 0.5) / ${ROWS.toFixed(1)});
        float ink = texture2D(uWords, uv).a;
        float aspect = ${(CELL_W / CELL_H).toFixed(2)} * vWide;
        vec2 q = abs(vUv * vec2(aspect, 1.0)) - vec2(aspect - 0.55, 0.45);
        float d = length(max(q, 0.0)) + min(max(q.x, q.y), 0.0) - 0.5;
        float px = fwidth(d) + 1e-4;
        vec3 plate = conduct ? uPlateConduct : loud ? uPlateCare : uPlate;
        vec3 c = mix(plate, loud ? uInkCare : uInk, ink);
        return vec4(c, smoothstep(px, -px, d) * (loud ? 1.0 : 0.92));
      }`,
      this.own,
    );
  }

  setTheme(theme: Theme): void {
    displayColor(this.own.uPlate.value, tokens.surface.overlay[theme]);
    displayColor(this.own.uInk.value, tokens.text.primary[theme]);
    displayColor(this.own.uPlateCare.value, tokens.warning.text[theme]);
    displayColor(this.own.uPlateConduct.value, tokens.danger.text[theme]);
    displayColor(this.own.uInkCare.value, tokens.text.inverse[theme]);
  }

  setPixel(ratio: number): void {
    this.own.uPixel.value = ratio;
  }

  setVisible(shown: { care: boolean; versions: boolean; conduct: boolean }): void {
    this.own.uCare.value = shown.care ? 1 : 0;
    this.own.uVersions.value = shown.versions ? 1 : 0;
    this.own.uConduct.value = shown.conduct ? 1 : 0;
    for (const mesh of this.meshes) mesh.visible = shown.care || shown.versions || shown.conduct;
  }

  /** How stations keep to the protocol; one that is not here keeps to it. */
  setConduct(conduct: ReadonlyMap<string, Conduct>): void {
    const words = this.dyn?.array;
    if (!this.dyn || !words) return;
    this.ctx?.layout.stations.forEach((station, i) => {
      const word = conduct.get(station.id);
      words[i * SLOTS + 2] = word ? CONDUCT[word] : 0;
    });
    this.dyn.needsUpdate = true;
  }

  onSnapshot(): void {
    const ctx = this.ctx;
    if (!ctx || !this.dyn) return;
    const store = ctx.live.stores.station;
    if (store.version === this.version) return;
    this.version = store.version;
    const words = this.dyn.array as Uint8Array;
    ctx.layout.stations.forEach((station, i) => {
      const row = store.rowOf(station.id);
      const flags = row < 0 ? 0 : (store.columns.flags[row] as number);
      const status = row < 0 ? -1 : (store.columns.status[row] as number);
      words[i * SLOTS] =
        (flags & FLAG_FIRMWARE_UPDATE) !== 0
          ? 1
          : (flags & FLAG_DIAGNOSTICS) !== 0
            ? 2
            : status === UNAVAILABLE
              ? 3
              : 0;
      words[i * SLOTS + 1] = row < 0 ? 0 : (VERSIONS[store.columns.protocol[row] as number] ?? 0);
    });
    this.dyn.needsUpdate = true;
  }

  onFrame(): boolean {
    return false;
  }

  bytes(): number {
    return sharedBytes(this.meshes.map((mesh) => mesh.geometry)) + CELL_W * CELL_H * ROWS * 4 * 1.33;
  }

  dispose(): void {
    disposeAll(this.meshes);
    this.atlas?.texture.dispose();
  }
}
