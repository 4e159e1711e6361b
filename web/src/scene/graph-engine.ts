import {
  AgXToneMapping,
  Color,
  ConeGeometry,
  CylinderGeometry,
  IcosahedronGeometry,
  OctahedronGeometry,
  Vector3,
  type BufferGeometry,
  type InstancedBufferAttribute,
  type Mesh,
  type PerspectiveCamera,
  type Scene,
  type WebGLRenderer,
} from 'three';
import { RoundedBoxGeometry } from 'three/examples/jsm/geometries/RoundedBoxGeometry.js';
import { Force, type Body } from '@/graph/force';
import { solids, type Look, type Solid } from '@/graph/look';
import type { Net } from '@/graph/net';
import { tokens, type Theme } from '@/ui/tokens';
import { CameraRig } from './control/camera';
import { GraphLabels } from './graph-labels';
import { applyTheme, displayColor, makeUniforms } from './kit/context';
import { asPart, instanced, quad } from './kit/geometry';
import { paintMaterial, partUniforms, setParts, solidMaterial, type Part } from './kit/material';
import { disposeAll, drawAll, perInstance } from './modules/shared';

const LEAST_RADIUS = 1.1;
const MOST_RADIUS = 2.8;
/** A few twins alone do not fill the picture. */
const NEAREST = 48;
/** Smallest radius at a distance, as a share of it: a few pixels, however far. */
const SEEN = 0.0062;
/** Steps of the layout in one picture: small nets come to rest quickly, large ones stay fluent. */
const STEPS = 2;
/** Seconds that a twin glows after a value of it came. */
const PULSE_S = 0.9;

const parts: readonly Part[] = [{ color: 0xffffff, rough: 0.45, metal: 0.1, glow: 0.88 }];

const models: Readonly<Record<Solid, () => BufferGeometry>> = {
  ball: () => new IcosahedronGeometry(1, 3),
  box: () => new RoundedBoxGeometry(1.55, 1.55, 1.55, 2, 0.16),
  octahedron: () => new OctahedronGeometry(1.28),
  drum: () => new CylinderGeometry(1.05, 1.05, 1.25, 28),
  cone: () => new ConeGeometry(1.15, 2, 28),
};

/** More relationships, a larger twin. */
const radiusOf = (body: Body) =>
  Math.min(MOST_RADIUS, LEAST_RADIUS + 0.22 * Math.sqrt(Math.max(0, (body.node.degree ?? 1) - 1)));

interface Group {
  mesh: Mesh;
  at: InstancedBufferAttribute;
  paint: InstancedBufferAttribute;
  bodies: Body[];
}

/** Twins as solids by kind, relationships as lines with a point at their end; one draw call a solid and one for all lines. */
export class GraphEngine {
  readonly rig: CameraRig;
  /** A person took the camera: it is no longer moved to hold everything. */
  private taken = false;
  private readonly force = new Force();
  private readonly labels: GraphLabels;
  private readonly uniforms = makeUniforms();
  private readonly own = { uSelect: { value: new Color() }, uLine: { value: new Color() } };
  private readonly parts = partUniforms(parts);
  private groups: Group[] = [];
  private lines: Mesh | null = null;
  private ends: [InstancedBufferAttribute, InstancedBufferAttribute, InstancedBufferAttribute] | null = null;
  private theme: Theme;
  private look: (model: string | null) => Look;
  private chosen: string | null = null;
  private hover: string | null = null;
  private readonly pulses = new Map<string, number>();
  private still = false;
  private dirty = true;
  private lastMs = 0;
  private readonly gl: WebGLRenderer;
  private readonly stage: Scene;
  private readonly camera: PerspectiveCamera;
  private readonly wake: () => void;
  private readonly at = new Vector3();

  constructor(
    gl: WebGLRenderer,
    stage: Scene,
    camera: PerspectiveCamera,
    labels: HTMLElement,
    look: (model: string | null) => Look,
    theme: Theme,
    wake: () => void,
  ) {
    this.gl = gl;
    this.stage = stage;
    this.camera = camera;
    this.look = look;
    this.theme = theme;
    this.wake = wake;
    this.labels = new GraphLabels(labels);
    gl.toneMapping = AgXToneMapping;
    gl.toneMappingExposure = 1.1;
    this.rig = new CameraRig(camera, wake);
    this.rig.minDistance = 6;
    this.rig.maxDistance = 2_000;
    this.rig.onTaken = () => {
      this.taken = true;
    };
    Object.assign(this.rig.want, { x: 0, y: 0, z: 0, distance: 60, azimuth: -0.4, tilt: 0.95 });
    Object.assign(this.rig.pose, this.rig.want);
    this.uniforms.uFog.value.set(1e5, 2e5);
    setParts(this.parts, parts);
    this.setTheme(theme);
  }

  setNet(net: Net, look: (model: string | null) => Look, flat: boolean): void {
    this.look = look;
    this.force.set(net.nodes, net.edges, flat);
    if (this.still) this.force.settle();
    this.build();
    this.labels.set(this.force.ties);
    this.dirty = true;
    this.wake();
  }

  /** The camera goes to where everything is seen, and stays there until a person takes it. */
  fit(flat: boolean): void {
    this.taken = false;
    Object.assign(this.rig.want, { x: 0, y: 0, z: 0, tilt: flat ? 0.06 : 0.95 });
    this.wake();
  }

  mark(chosen: string | null, hover: string | null): void {
    this.chosen = chosen;
    this.hover = hover;
    this.dirty = true;
    this.wake();
  }

  /** A value of the twin came. */
  pulse(id: string): void {
    if (!this.force.body(id)) return;
    this.pulses.set(id, performance.now());
    this.wake();
  }

  setStill(still: boolean): void {
    this.still = still;
    this.rig.still = still;
    if (still) this.force.settle();
    this.dirty = true;
    this.wake();
  }

  setTheme(theme: Theme): void {
    this.theme = theme;
    applyTheme(this.uniforms, theme);
    displayColor(this.own.uSelect.value, tokens.scene.selection[theme]);
    displayColor(this.own.uLine.value, tokens.text.tertiary[theme]);
    this.gl.setClearColor(tokens.scene.background[theme], 1);
    this.dirty = true;
    this.wake();
  }

  private build(): void {
    this.clear();
    for (const solid of solids) {
      const bodies = this.force.bodies.filter((b) => this.look(b.node.model).solid === solid);
      if (bodies.length === 0) continue;
      const geometry = instanced(asPart(models[solid](), 0));
      const at = perInstance(new Float32Array(bodies.length * 4), 4);
      const paint = perInstance(new Float32Array(bodies.length * 4), 4);
      geometry.setAttribute('aAt', at);
      geometry.setAttribute('aPaint', paint);
      geometry.instanceCount = bodies.length;
      const mesh = drawAll(geometry, this.solid());
      this.groups.push({ mesh, at, paint, bodies });
      this.stage.add(mesh);
    }
    const n = this.force.ties.length;
    if (n === 0) return;
    const geometry = instanced(quad());
    this.ends = [
      perInstance(new Float32Array(n * 4), 4),
      perInstance(new Float32Array(n * 4), 4),
      perInstance(new Float32Array(n), 1),
    ];
    geometry.setAttribute('aFrom', this.ends[0]);
    geometry.setAttribute('aTo', this.ends[1]);
    geometry.setAttribute('aStrong', this.ends[2]);
    geometry.instanceCount = n;
    this.lines = drawAll(geometry, this.line(), 1);
    this.stage.add(this.lines);
  }

  private solid() {
    return solidMaterial(
      this.uniforms,
      this.parts,
      /* glsl */ `
      attribute vec4 aAt, aPaint;
      uniform vec3 uSelect;
      vec3 place(inout vec3 p, inout vec3 n) {
        float mark = max(aPaint.w, 0.0), faded = max(-aPaint.w, 0.0);
        float form = 0.7 + 0.3 * n.y + 0.12 * n.z - 0.06 * abs(n.x);
        vec3 c = mix(aPaint.rgb * min(form * 1.06, 1.06), uSelect, mark * 0.5);
        vGlow = vec4(c, 1.0 - faded * 0.72);
        float r = max(aAt.w, distance(cameraPosition, aAt.xyz) * ${SEEN.toFixed(4)} * (0.6 + 0.4 * aAt.w));
        return aAt.xyz + p * r * (1.0 + mark * 0.25);
      }`,
      this.own,
    );
  }

  private line() {
    return paintMaterial(
      this.uniforms,
      /* glsl */ `
      attribute vec4 aFrom, aTo;
      attribute float aStrong;
      varying vec3 vLine;
      varying vec2 vLook;
      void main() {
        vec3 a = (viewMatrix * vec4(aFrom.xyz, 1.0)).xyz;
        vec3 b = (viewMatrix * vec4(aTo.xyz, 1.0)).xyz;
        vec3 dir = normalize(b - a + 1e-5);
        a += dir * aFrom.w;
        b -= dir * aTo.w;
        vec4 ca = projectionMatrix * vec4(a, 1.0);
        vec4 cb = projectionMatrix * vec4(b, 1.0);
        vec2 half_ = uViewport * 0.5;
        vec2 sa = ca.xy / ca.w * half_;
        vec2 sb = cb.xy / cb.w * half_;
        vec2 d = sb - sa;
        float len = length(d);
        vec2 side = vec2(-d.y, d.x) / max(len, 1e-3);
        float t = position.x * 0.5 + 0.5;
        float across = position.y * 6.0;
        float w = mix(ca.w, cb.w, t);
        vec2 s = mix(sa, sb, t) + side * across;
        // Lines are straight on the screen: what varies along them must not follow the depth.
        vLine = vec3(t * len, across, 1.0) * w;
        vLook = vec2(len, aStrong);
        vWorld = vec3(0.0);
        vUv = uv;
        gl_Position = ca.w < 0.2 || cb.w < 0.2
          ? vec4(2.0, 2.0, 2.0, 1.0)
          : vec4(s / half_ * w, mix(ca.z, cb.z, t), w);
      }`,
      /* glsl */ `
      varying vec3 vLine;
      varying vec2 vLook;
      uniform vec3 uLine, uSelect;
      vec4 paint() {
        vec2 p = vLine.xy / vLine.z;
        float left = vLook.x - p.x;
        // The last pixels widen backwards to a point.
        float width = left < 9.0 ? max(left * 0.42, 0.3) : 0.55 + max(vLook.y, 0.0) * 0.5;
        float a = 1.0 - smoothstep(width - 0.4, width + 0.8, abs(p.y));
        float strength = vLook.y < 0.0 ? 0.16 : mix(0.55, 0.95, vLook.y);
        return vec4(mix(uLine, uSelect, max(vLook.y, 0.0)), a * strength);
      }`,
      this.own,
    );
  }

  /** Copies places and colours into what the shaders read. */
  private copy(now: number): boolean {
    const near = this.nearChosen();
    const color = new Color();
    let pulsing = false;
    for (const { at, paint, bodies } of this.groups) {
      const places = at.array as Float32Array;
      const paints = paint.array as Float32Array;
      bodies.forEach((body, i) => {
        const { id, model } = body.node;
        const age = (now - (this.pulses.get(id) ?? -1e9)) / 1000;
        const beat = !this.still && age < PULSE_S ? Math.sin((Math.PI * age) / PULSE_S) : 0;
        if (beat > 0) pulsing = true;
        else this.pulses.delete(id);
        places.set([body.x, body.y, body.z, radiusOf(body) * (1 + beat * 0.18)], i * 4);
        displayColor(color, this.look(model).color[this.theme]);
        const state =
          id === this.chosen ? 1 : id === this.hover ? 0.6 : near && !near.has(id) ? -1 : beat * 0.5;
        paints.set([color.r, color.g, color.b, state], i * 4);
      });
      at.needsUpdate = true;
      paint.needsUpdate = true;
    }
    if (this.ends) {
      const [from, to, strong] = this.ends;
      this.force.ties.forEach(({ source, target }, i) => {
        (from.array as Float32Array).set([source.x, source.y, source.z, radiusOf(source)], i * 4);
        (to.array as Float32Array).set([target.x, target.y, target.z, radiusOf(target) + 0.15], i * 4);
        const touches = source.node.id === this.chosen || target.node.id === this.chosen;
        (strong.array as Float32Array)[i] = this.chosen === null ? 0 : touches ? 1 : -1;
      });
      for (const end of this.ends) end.needsUpdate = true;
    }
    return pulsing;
  }

  /** The chosen twin and its neighbours; null while none is chosen. */
  private nearChosen(): Set<string> | null {
    if (this.chosen === null || !this.force.body(this.chosen)) return null;
    const near = new Set([this.chosen]);
    for (const { source, target } of this.force.ties) {
      if (source.node.id === this.chosen) near.add(target.node.id);
      if (target.node.id === this.chosen) near.add(source.node.id);
    }
    return near;
  }

  /** The twin under a point of the element, null for none. */
  pick(px: number, py: number): string | null {
    const { clientWidth, clientHeight } = this.gl.domElement;
    const from = this.camera.position;
    const ray = this.at
      .set((px / clientWidth) * 2 - 1, 1 - (py / clientHeight) * 2, 0.5)
      .unproject(this.camera)
      .sub(from)
      .normalize();
    let best: { id: string; along: number } | null = null;
    for (const body of this.force.bodies) {
      const [dx, dy, dz] = [body.x - from.x, body.y - from.y, body.z - from.z];
      const along = dx * ray.x + dy * ray.y + dz * ray.z;
      // What is far away is still as large as a finger's tip.
      const radius = Math.max(radiusOf(body) * 1.15, along * 0.008);
      if (along <= 0 || dx * dx + dy * dy + dz * dz - along * along > radius * radius) continue;
      if (!best || along < best.along) best = { id: body.node.id, along };
    }
    return best?.id ?? null;
  }

  frame(ms: number): boolean {
    const dt = Math.min(0.1, this.lastMs > 0 ? (ms - this.lastMs) / 1000 : 0.016);
    this.lastMs = ms;
    const { clientWidth, clientHeight } = this.gl.domElement;
    this.uniforms.uViewport.value.set(clientWidth, clientHeight);
    let moving = false;
    for (let i = 0; i < STEPS && !this.still; i++) moving = this.force.step() || moving;
    if (!this.taken) {
      const narrow = Math.min(1, this.camera.aspect || 1);
      this.rig.want.distance = Math.max(NEAREST, (this.force.radius() + MOST_RADIUS) / (0.35 * narrow));
    }
    moving = this.rig.update(dt) || moving;
    const pulsing = (moving || this.dirty || this.pulses.size > 0) && this.copy(ms);
    this.gl.render(this.stage, this.camera);
    this.labels.place(this.camera, clientWidth, clientHeight, this.force.bodies, this.chosen, this.hover);
    this.dirty = false;
    return moving || pulsing;
  }

  private clear(): void {
    disposeAll([...this.groups.map((g) => g.mesh), ...(this.lines ? [this.lines] : [])]);
    this.groups = [];
    this.lines = null;
    this.ends = null;
  }

  dispose(): void {
    this.clear();
    this.labels.dispose();
  }
}
