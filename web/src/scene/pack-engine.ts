import {
  AgXToneMapping,
  BoxGeometry,
  Color,
  CylinderGeometry,
  Vector3,
  type InstancedBufferAttribute,
  type Mesh,
  type PerspectiveCamera,
  type Scene,
  type WebGLRenderer,
} from 'three';
import { RoundedBoxGeometry } from 'three/examples/jsm/geometries/RoundedBoxGeometry.js';
import { tokens, type Theme } from '@/ui/tokens';
import { CameraRig } from './control/camera';
import { applyTheme, displayColor, makeUniforms } from './kit/context';
import { asPart, assemble, instanced, quad } from './kit/geometry';
import { paintMaterial, partUniforms, setParts, solidMaterial, type Part } from './kit/material';
import { disposeAll, drawAll, perInstance } from './modules/shared';
import { fitDistance, type CellShape, type PackLayout } from './pack-layout';
import { RAMP } from './pack-values';

const CELL_H = 0.1;
/** The lid stands over the cells and around them by so much. */
const LID_H = CELL_H + 0.045;
const LID_RIM = 0.07;
/** A cell with a warning stands out of its module by this much: seen without its colour. */
const RAISED = 0.035;
/** Where a pack is first looked at from. */
const LOOK = { azimuth: -0.55, tilt: 0.92 };
/** The lid of an open pack is this much wider, and this much higher in room units. */
const LID_WIDER = 1.45;
const LID_HIGHER = 2.6;
/** Room units: the kit's light is made for metres of a street, a pack is a tenth of that. */
const UNIT = 10;

const parts = (theme: Theme): Part[] => [
  { color: 0xffffff, rough: 0.38, metal: 0.15, glow: 0.86 },
  { color: theme === 'dark' ? 0x9aa4b2 : 0xd7dde6, rough: 0.25, metal: 0.85 },
  { color: theme === 'dark' ? 0x1c222b : 0xb9c2ce, rough: 0.55, metal: 0.3 },
  { color: 0xb87f4a, rough: 0.3, metal: 0.9 },
];

/** A pack: cells by value, bus bars, tray and a lid of glass; at most six draw calls. */
export class PackEngine {
  readonly rig: CameraRig;
  private readonly uniforms = makeUniforms();
  private readonly own = {
    uRamp: { value: RAMP.map((hex) => displayColor(new Color(), hex)) },
    uUnknown: { value: new Color() },
    uChosen: { value: -1 },
    uHover: { value: -1 },
    uOpen: { value: 0 },
    uSelect: { value: new Color() },
    uEdge: { value: new Color() },
  };
  private onPlaced: () => void = () => {};
  private readonly parts = partUniforms([]);
  private readonly meshes: Mesh[];
  /** Place along the ramp, and 1 where the cell stands out. */
  private readonly values: InstancedBufferAttribute;
  private openTo = 0;
  private moving = false;
  private lastMs = 0;
  private readonly gl: WebGLRenderer;
  private readonly stage: Scene;
  private readonly camera: PerspectiveCamera;
  private readonly layout: PackLayout;
  private readonly wake: () => void;

  constructor(
    gl: WebGLRenderer,
    stage: Scene,
    camera: PerspectiveCamera,
    layout: PackLayout,
    shape: CellShape,
    theme: Theme,
    wake: () => void,
  ) {
    this.gl = gl;
    this.stage = stage;
    this.camera = camera;
    this.layout = layout;
    this.wake = wake;
    gl.toneMapping = AgXToneMapping;
    gl.toneMappingExposure = 1.15;
    this.rig = new CameraRig(camera, wake);
    this.rig.minDistance = 2;
    this.rig.maxDistance = 60;
    this.uniforms.uFog.value.set(1e5, 2e5);
    this.rig.maxDistance = Math.max(60, this.fit(true).distance * 2);
    Object.assign(this.rig.want, { x: 0, z: 0, ...LOOK, ...this.fit(false) });
    Object.assign(this.rig.pose, this.rig.want);
    this.values = perInstance(new Float32Array(Math.max(1, layout.cells.length) * 2), 2);
    for (let i = 0; i < this.values.array.length; i += 2) this.values.array[i] = -1;
    this.meshes = this.build(shape);
    stage.add(...this.meshes);
    this.setTheme(theme);
  }

  /** The pose from which the whole pack is seen, closed or open. */
  private fit(open: boolean): { y: number; distance: number } {
    const { width, depth } = this.layout;
    const wider = (open ? LID_WIDER : 1) * UNIT;
    const height = LID_H * UNIT + (open ? LID_HIGHER : 0);
    const size = [(width + LID_RIM) * wider, height, (depth + LID_RIM) * wider] as const;
    const { fov, aspect } = this.camera;
    return { y: height / 2, distance: fitDistance(size, LOOK, fov, aspect) };
  }

  private build(shape: CellShape): Mesh[] {
    const { layout } = this;
    const n = layout.cells.length;
    const at = perInstance(new Float32Array(Math.max(1, n) * 4), 4);
    layout.cells.forEach((cell, i) => {
      const m = layout.modules[cell.module];
      (at.array as Float32Array).set([cell.x, cell.z, m?.x ?? 0, m?.z ?? 0], i * 4);
    });
    const cells = instanced(cellModel(shape, layout));
    cells.setAttribute('aAt', at);
    cells.setAttribute('aValue', this.values);
    cells.instanceCount = n;
    const solid = solidMaterial(
      this.uniforms,
      this.parts,
      /* glsl */ `
      attribute vec4 aAt;
      attribute vec2 aValue;
      uniform vec3 uRamp[10];
      uniform vec3 uUnknown, uSelect;
      uniform float uOpen, uChosen, uHover;
      vec3 place(inout vec3 p, inout vec3 n) {
        float id = float(gl_InstanceID);
        float f = clamp(aValue.x, 0.0, 1.0) * 9.0;
        int i = int(min(floor(f), 8.0));
        vec3 c = aValue.x < 0.0 ? uUnknown : mix(uRamp[i], uRamp[i + 1], f - float(i));
        float mark = max(1.0 - step(0.5, abs(id - uChosen)), 0.6 * (1.0 - step(0.5, abs(id - uHover))));
        // Flat colour reads exactly; a little light from above keeps the form.
        float form = 0.72 + 0.28 * n.y + 0.14 * n.z - 0.08 * abs(n.x);
        vGlow = vec4(mix(c * min(form * 1.08, 1.08), uSelect, mark * 0.35 * max(n.y, 0.2)), 1.0);
        vec2 open = (aAt.zw * 0.32 + (aAt.xy - aAt.zw) * 0.45) * uOpen;
        float lift = (mark * 0.015 + uOpen * 0.05 + aValue.y * ${RAISED.toFixed(3)}) * ${UNIT.toFixed(1)};
        return vec3(aAt.x + open.x, 0.0, aAt.y + open.y) * ${UNIT.toFixed(1)} + p * ${UNIT.toFixed(1)} + vec3(0.0, lift, 0.0);
      }`,
      this.own,
    );
    const modules = layout.modules.length;
    const boxes = perInstance(new Float32Array(modules * 4), 4);
    layout.modules.forEach((m, i) => (boxes.array as Float32Array).set([m.x, m.z, m.width, m.depth], i * 4));
    const tray = instanced(trayModel());
    tray.setAttribute('aBox', boxes);
    tray.instanceCount = modules;
    const trayMaterial = solidMaterial(
      this.uniforms,
      this.parts,
      /* glsl */ `
      attribute vec4 aBox;
      uniform float uOpen;
      vec3 place(inout vec3 p, inout vec3 n) {
        vec2 size = aBox.zw + 0.016;
        vec2 at = aBox.xy * (1.0 + uOpen * 0.32);
        size += (aBox.zw) * 0.45 * uOpen;
        return vec3(at.x + p.x * size.x, p.y + (p.y > 0.05 ? uOpen * 0.17 : 0.0), at.y + p.z * size.y) * ${UNIT.toFixed(1)};
      }`,
      this.own,
    );
    return [drawAll(cells, solid), drawAll(tray, trayMaterial), this.glass(), this.shadow()];
  }

  /** The lid: almost nothing, with a bright rim. */
  private glass(): Mesh {
    const { width, depth } = this.layout;
    const w = (width + LID_RIM) * UNIT;
    const d = (depth + LID_RIM) * UNIT;
    const h = LID_H * UNIT;
    const material = paintMaterial(
      this.uniforms,
      /* glsl */ `
      varying vec3 vN;
      uniform float uOpen;
      void main() {
        vN = normal;
        vUv = uv;
        float wider = 1.0 + uOpen * ${(LID_WIDER - 1).toFixed(2)};
        vWorld = position * vec3(wider, 1.0, wider) + vec3(0.0, uOpen * ${LID_HIGHER.toFixed(1)}, 0.0);
        gl_Position = projectionMatrix * viewMatrix * vec4(vWorld, 1.0);
      }`,
      /* glsl */ `
      varying vec3 vN;
      uniform vec3 uEdge;
      vec4 paint() {
        vec3 v = normalize(cameraPosition - vWorld);
        float fres = pow(1.0 - abs(dot(normalize(vN), v)), 3.0);
        vec2 e = min(vUv, 1.0 - vUv);
        float px = fwidth(vUv.x) + fwidth(vUv.y);
        float rim = smoothstep(px * 1.6, 0.0, min(e.x, e.y));
        vec3 l = normalize(vec3(0.5, 0.75, 0.3));
        float sheen = smoothstep(0.86, 0.98, dot(reflect(-v, normalize(vN)), l));
        return vec4(mix(uEdge, vec3(1.0), sheen), 0.03 + fres * 0.16 + rim * 0.5 + sheen * 0.1);
      }`,
      this.own,
    );
    const box = new BoxGeometry(w, h, d).translate(0, h / 2, 0);
    return drawAll(box, material, 4);
  }

  private shadow(): Mesh {
    const { width, depth } = this.layout;
    const material = paintMaterial(
      this.uniforms,
      /* glsl */ `
      uniform float uOpen;
      varying vec2 vHalf;
      void main() {
        vHalf = vec2(${(width / 2 + 0.03).toFixed(4)}, ${(depth / 2 + 0.03).toFixed(4)}) * ${UNIT.toFixed(1)} * (1.0 + uOpen * 0.4);
        vUv = position.xy * (vHalf + 3.0);
        vWorld = vec3(vUv.x, -0.12, vUv.y);
        gl_Position = projectionMatrix * viewMatrix * vec4(vWorld, 1.0);
      }`,
      /* glsl */ `
      varying vec2 vHalf;
      vec4 paint() {
        vec2 q = abs(vUv) - vHalf + 0.4;
        float d = length(max(q, 0.0)) + min(max(q.x, q.y), 0.0);
        float a = 1.0 - smoothstep(-1.2, 2.6, d);
        return vec4(mix(vec3(0.12, 0.15, 0.2), vec3(0.0), uDark), a * a * mix(0.42, 0.7, uDark));
      }`,
      this.own,
    );
    return drawAll(instancedOnce(), material, -2);
  }

  /** `values` 0 to 1 along the ramp, −1 unknown; `raised` cells stand out. */
  setValues(values: readonly number[], raised: ReadonlySet<number>): void {
    const array = this.values.array as Float32Array;
    let changed = false;
    for (let i = 0; i * 2 < array.length; i++) {
      const value = Math.fround(values[i] ?? -1);
      const up = raised.has(i) ? 1 : 0;
      if (array[i * 2] === value && array[i * 2 + 1] === up) continue;
      array[i * 2] = value;
      array[i * 2 + 1] = up;
      changed = true;
    }
    if (!changed) return;
    this.values.needsUpdate = true;
    this.wake();
  }

  setRamp(ramp: readonly number[]): void {
    ramp.forEach((hex, i) => displayColor(this.own.uRamp.value[i] as Color, hex));
    this.wake();
  }

  /** Called after every picture, so that what stands over it can follow. */
  listen(onPlaced: () => void): void {
    this.onPlaced = onPlaced;
    this.wake();
  }

  /** Where the top of a cell is on the element, in CSS pixels. */
  project(cell: number): { x: number; y: number } | null {
    if (!this.layout.cells[cell]) return null;
    const [x, z] = this.footOf(cell);
    const top = CELL_H + this.liftOf(cell) + 0.01;
    const p = new Vector3(x, top, z).multiplyScalar(UNIT).project(this.camera);
    const e = this.gl.domElement;
    return p.z > 1 ? null : { x: ((p.x + 1) / 2) * e.clientWidth, y: ((1 - p.y) / 2) * e.clientHeight };
  }

  /** The middle of a cell as far as the pack is open. */
  private footOf(cell: number): [number, number] {
    const at = this.layout.cells[cell] ?? { x: 0, z: 0, module: 0 };
    const m = this.layout.modules[at.module] ?? { x: 0, z: 0 };
    const open = this.own.uOpen.value;
    return [
      at.x + (m.x * 0.32 + (at.x - m.x) * 0.45) * open,
      at.z + (m.z * 0.32 + (at.z - m.z) * 0.45) * open,
    ];
  }

  private liftOf(cell: number): number {
    return this.own.uOpen.value * 0.05 + (this.values.array[cell * 2 + 1] ?? 0) * RAISED;
  }

  setTheme(theme: Theme): void {
    applyTheme(this.uniforms, theme);
    setParts(this.parts, parts(theme));
    displayColor(this.own.uUnknown.value, tokens.status.unknown[theme]);
    displayColor(this.own.uSelect.value, tokens.scene.selection[theme]);
    displayColor(this.own.uEdge.value, tokens.text.secondary[theme]);
    this.gl.setClearColor(tokens.scene.background[theme], 1);
    this.wake();
  }

  /** Changes jump instead of gliding. */
  setStill(still: boolean): void {
    this.rig.still = still;
    this.wake();
  }

  setOpen(open: boolean): void {
    if (open === (this.openTo === 1)) return;
    this.openTo = open ? 1 : 0;
    this.rig.fly(this.fit(open));
    this.wake();
  }

  mark(chosen: number, hover: number): void {
    this.own.uChosen.value = chosen;
    this.own.uHover.value = hover;
    this.wake();
  }

  /** The cell under a point of the element, −1 for none. */
  pick(px: number, py: number): number {
    const size = this.gl.domElement;
    const d = new Vector3((px / size.clientWidth) * 2 - 1, 1 - (py / size.clientHeight) * 2, 0.5)
      .unproject(this.camera)
      .sub(this.camera.position)
      .normalize();
    if (d.y > -1e-3) return -1;
    const from = this.camera.position;
    const { pitchX, pitchZ, cells } = this.layout;
    const under = (raised: boolean) => {
      const top = (CELL_H + this.own.uOpen.value * 0.05 + (raised ? RAISED : 0)) * UNIT;
      const t = (top - from.y) / d.y;
      const x = (from.x + d.x * t) / UNIT;
      const z = (from.z + d.z * t) / UNIT;
      return cells.findIndex((_, i) => {
        if (raised && this.values.array[i * 2 + 1] !== 1) return false;
        const [cx, cz] = this.footOf(i);
        return Math.abs(x - cx) < pitchX / 2 && Math.abs(z - cz) < pitchZ / 2;
      });
    };
    // What stands out hides what is behind it.
    const first = under(true);
    return first >= 0 ? first : under(false);
  }

  frame(ms: number): boolean {
    const passed = this.lastMs > 0 ? (ms - this.lastMs) / 1000 : 0.016;
    // After a rest the time since the last picture is no time that anything moved in.
    const dt = Math.min(this.moving ? 2 : 0.016, passed);
    this.lastMs = ms;
    const open = this.own.uOpen;
    const gap = this.openTo - open.value;
    if (gap !== 0) {
      open.value =
        Math.abs(gap) < 0.002 || this.rig.still ? this.openTo : open.value + gap * (1 - Math.exp(-7 * dt));
    }
    const moving = this.rig.update(dt) || gap !== 0;
    this.gl.render(this.stage, this.camera);
    this.onPlaced();
    this.moving = moving;
    return moving;
  }

  dispose(): void {
    disposeAll(this.meshes);
  }
}

function instancedOnce() {
  const g = instanced(quad());
  g.instanceCount = 1;
  return g;
}

/** One cell with its foot on y = 0, in metres. */
function cellModel(shape: CellShape, layout: PackLayout) {
  const shade = (_x: number, y: number) => 0.45 + 0.55 * Math.min(1, y / CELL_H);
  if (shape === 'prismatic') {
    const w = layout.pitchX * 0.9;
    const d = layout.pitchZ * 0.94;
    const pole = (z: number) => new CylinderGeometry(0.008, 0.008, 0.01, 12).translate(0, CELL_H + 0.004, z);
    return assemble([
      asPart(new RoundedBoxGeometry(w, CELL_H, d, 2, 0.003).translate(0, CELL_H / 2, 0), 0, shade),
      asPart(pole(-d * 0.34), 1),
      asPart(pole(d * 0.34), 1),
    ]);
  }
  if (shape === 'pouch') {
    const w = layout.pitchX;
    const d = layout.pitchZ;
    const tab = (z: number) => new BoxGeometry(0.002, 0.022, d * 0.16).translate(0, CELL_H, z);
    return assemble([
      asPart(
        new RoundedBoxGeometry(w * 0.72, CELL_H * 0.9, d * 0.86, 2, w * 0.2).translate(0, CELL_H / 2, 0),
        0,
        shade,
      ),
      // The seam all round.
      asPart(new BoxGeometry(w * 0.08, CELL_H * 0.98, d * 0.94).translate(0, CELL_H / 2, 0), 0, shade),
      asPart(tab(-d * 0.32), 1),
      asPart(tab(d * 0.32), 1),
    ]);
  }
  const r = layout.pitchX * 0.46;
  return assemble([
    asPart(new CylinderGeometry(r, r, CELL_H, 22).translate(0, CELL_H / 2, 0), 0, shade),
    asPart(new CylinderGeometry(r * 0.42, r * 0.46, 0.006, 16).translate(0, CELL_H + 0.003, 0), 1),
  ]);
}

/** A module's floor, end plates and the two bus bars over its poles, one unit wide and deep. */
function trayModel() {
  const box = (w: number, h: number, d: number, x: number, y: number, z: number) =>
    new BoxGeometry(w, h, d).translate(x, y, z);
  return assemble([
    asPart(box(1, 0.008, 1, 0, -0.005, 0), 2),
    asPart(box(0.012, CELL_H * 0.8, 1, -0.5, CELL_H * 0.38, 0), 2),
    asPart(box(0.012, CELL_H * 0.8, 1, 0.5, CELL_H * 0.38, 0), 2),
    asPart(box(0.94, 0.004, 0.05, 0, CELL_H + 0.012, -0.32), 3),
    asPart(box(0.94, 0.004, 0.05, 0, CELL_H + 0.012, 0.32), 3),
  ]);
}
