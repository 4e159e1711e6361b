import {
  Color,
  DataTexture,
  FloatType,
  InstancedBufferAttribute,
  NearestFilter,
  RGBAFormat,
  type BufferGeometry,
  type InstancedBufferGeometry,
  type Mesh,
} from 'three';
import { VehicleMotion } from '@/live/motion';
import { tokens, type Theme } from '@/ui/tokens';
import { hitCapsule, scaleAt, storeyBase } from '../control/pick';
import { displayColor, type Hit, type PickRay, type SceneContext, type SceneModule } from '../kit/context';
import { car, carFar, instanced, quad } from '../kit/geometry';
import { paintMaterial, partUniforms, setParts, solidMaterial, type Part } from '../kit/material';
import { disposeAll, drawAll, markRange, sharedBytes } from './shared';
import { SLAB_M } from './sites';

/** From this many vehicles on the far model is drawn, and rings are left out. */
const FAR_FROM = 2500;

const parts = (theme: Theme): Part[] => {
  const dark = theme === 'dark';
  return [
    { color: dark ? 0xb9c2ce : 0xfafbfc, rough: 0.32, metal: 0.25, tint: 1 },
    { color: 0x0a0e13, rough: 0.08, metal: 0 },
    { color: 0x0d0f12, rough: 0.85, metal: 0 },
    { color: 0x8b95a3, rough: 0.3, metal: 0.9 },
    { color: 0xffffff, rough: 0.2, metal: 0, glow: 0 },
    { color: dark ? 0xa51f14 : 0xb8281b, rough: 0.3, metal: 0 },
  ];
};

const PLACE_CAR = /* glsl */ `
  attribute vec4 aPath;
  attribute vec2 aHeading, aBay;
  attribute float aStart;
  attribute vec4 aState;
  uniform sampler2D uBays;
  uniform float uBase;
  uniform vec3 uVehicle[7];
  struct Pose { vec2 anchor; vec3 local; float yaw; float docked; float level; };
  void bayAt(float bay, inout vec2 anchor, inout vec3 local, inout float yaw, inout float level) {
    int i = int(bay + 0.5) * 2;
    int w = textureSize(uBays, 0).x;
    vec4 a = texelFetch(uBays, ivec2(i % w, i / w), 0);
    vec4 b = texelFetch(uBays, ivec2((i + 1) % w, (i + 1) / w), 0);
    anchor = a.xy;
    local = vec3(a.z, storeyY(b.x) + ${SLAB_M.toFixed(2)}, a.w);
    yaw = b.y;
    level = b.x;
  }
  Pose poseAt() {
    float duration = aState.x * 0.02;
    float t = duration <= 0.0 ? 1.0 : clamp((uTime - uBase - aStart) / duration, 0.0, 1.0);
    float turnBy = mod(aHeading.y - aHeading.x + 98304.0, 65536.0) - 32768.0;
    Pose pose;
    pose.level = -1.0;
    float ha = aHeading.x / 65536.0 * 6.2831853, hb = ha + turnBy / 65536.0 * 6.2831853;
    vec2 a = aPath.xy, b = aPath.zw;
    vec3 la = vec3(0.0), lb = vec3(0.0);
    float dock = step(0.5, aBay.x) * (1.0 - t) + step(0.5, aBay.y) * t;
    if (aBay.x > 0.5) bayAt(aBay.x, a, la, ha, pose.level);
    if (aBay.y > 0.5) bayAt(aBay.y, b, lb, hb, pose.level);
    // Coming and going eases; driving keeps its pace.
    float e = aBay.x == aBay.y ? t : t * t * (3.0 - 2.0 * t);
    float d = mod(hb - ha + 9.42477796, 6.2831853) - 3.14159265;
    pose.anchor = mix(a, b, e);
    pose.local = mix(la, lb, e);
    pose.yaw = ha + d * e;
    pose.docked = dock;
    return pose;
  }
  vec3 poseWorld(Pose pose, vec3 local) {
    float s = mix(scaleAt(pose.anchor, uRoadK), scaleAt(pose.anchor, uSiteK), pose.docked);
    s *= step(0.5, mod(aState.w, 2.0)) * (pose.docked > 0.5 ? storeySeen(pose.level) : 1.0);
    local.xz = turn(local.xz, pose.yaw);
    return vec3(pose.anchor.x, 0.0, pose.anchor.y) + (pose.local + local) * s;
  }
`;

/** Vehicles: two snapshots per instance, mixed on the GPU; between ticks nothing is computed here or uploaded. */
export class Fleet implements SceneModule {
  readonly motion = new VehicleMotion();
  private ctx: SceneContext | null = null;
  private meshes: Mesh[] = [];
  private near: InstancedBufferGeometry | null = null;
  private far: InstancedBufferGeometry | null = null;
  private rings: InstancedBufferGeometry | null = null;
  private readonly bayOfConnector = new Map<string, number>();
  private parts = partUniforms([]);
  private version = -1;
  private generation = -1;
  private visible = true;
  private moving = 0;
  private readonly out = new Float64Array(4);
  private readonly own = {
    uBays: { value: null as DataTexture | null },
    uBase: { value: 0 },
    uChosen: { value: -1 },
    uHover: { value: -1 },
    uSelect: { value: new Color() },
  };

  attach(ctx: SceneContext): void {
    this.ctx = ctx;
    this.parts = partUniforms(parts(ctx.theme));
    this.setTheme(ctx.theme);
    this.motion.setProjection(ctx.layout.projection);
    this.bays(ctx);
    this.near = instanced(car());
    this.far = instanced(carFar());
    this.rings = instanced(quad());
    const solid = solidMaterial(
      ctx.uniforms,
      this.parts,
      /* glsl */ `${PLACE_CAR}
      vec3 place(inout vec3 p, inout vec3 n) {
        Pose pose = poseAt();
        n.xz = turn(n.xz, pose.yaw);
        int status = int(aState.y + 0.5);
        // Paint varies a little between vehicles, as a real fleet does; state lives in the ring below.
        float shade = fract(float(gl_InstanceID) * 0.6180339);
        vTint = vec3(mix(0.55, 1.0, shade * shade)) * (status == 6 ? mix(vec3(1.0), uVehicle[6], 0.55) : vec3(1.0));
        vGlow = vec4(1.0, 0.97, 0.9, 1.0);
        return poseWorld(pose, p);
      }`,
      this.own,
    );
    this.meshes = [
      drawAll(this.near, solid),
      drawAll(this.far, solid),
      drawAll(this.rings, this.ringMaterial(ctx), -1),
    ];
    ctx.scene.add(...this.meshes);
  }

  private ringMaterial(ctx: SceneContext) {
    return paintMaterial(
      ctx.uniforms,
      /* glsl */ `${PLACE_CAR}
      uniform float uChosen, uHover;
      varying vec4 vState;
      varying float vMark;
      void main() {
        Pose pose = poseAt();
        vUv = position.xy * vec2(2.3, 3.6);
        vState = aState;
        float id = float(gl_InstanceID);
        vMark = max(1.0 - step(0.5, abs(id - uChosen)), 0.5 * (1.0 - step(0.5, abs(id - uHover))));
        vWorld = poseWorld(pose, vec3(vUv.x, 0.02, vUv.y));
        gl_Position = projectionMatrix * viewMatrix * vec4(vWorld, 1.0);
      }`,
      /* glsl */ `
      uniform vec3 uVehicle[7];
      uniform vec3 uSelect;
      varying vec4 vState;
      varying float vMark;
      float rounded(vec2 p, vec2 half_, float r) {
        vec2 q = abs(p) - half_ + r;
        return length(max(q, 0.0)) + min(max(q.x, q.y), 0.0) - r;
      }
      vec4 paint() {
        int status = int(vState.y + 0.5);
        float d = rounded(vUv, vec2(0.86, 2.1), 0.5);
        float px = fwidth(vUv.x) + fwidth(vUv.y);
        float shadow = (1.0 - smoothstep(-0.35, 0.75, d)) * mix(0.42, 0.7, uDark);
        vec4 c = vec4(vec3(0.0), shadow);
        // Only what is not plain driving gets colour: waiting, charging, faulted.
        float loud = status == 2 || status == 4 || status == 6 ? 1.0 : status == 3 ? 0.55 : 0.0;
        float breathe = status == 6 ? 0.75 + 0.25 * sin(uTime * 5.0) * uMotion : 1.0;
        float rim = smoothstep(px, -px, abs(d - 0.52) - 0.07) * loud * breathe;
        float mark = smoothstep(px, -px, abs(d - 0.95) - 0.09) * vMark;
        c = mix(c, vec4(uVehicle[status], 1.0), rim);
        return mix(c, vec4(uSelect, 1.0), mark);
      }`,
      this.own,
    );
  }

  /** Bay places in a texture: two texels a bay, bay 0 unused. */
  private bays(ctx: SceneContext): void {
    const width = 256;
    const texels = (ctx.layout.bays.length + 1) * 2;
    const height = Math.max(1, Math.ceil(texels / width));
    const data = new Float32Array(width * height * 4);
    ctx.layout.bays.forEach((bay, i) => {
      const site = ctx.layout.sites[bay.site];
      data.set([site?.x ?? 0, site?.z ?? 0, bay.x, bay.z, bay.level, bay.yaw, 0, 0], (i + 1) * 8);
      this.bayOfConnector.set(bay.connector, i + 1);
    });
    const texture = new DataTexture(data, width, height, RGBAFormat, FloatType);
    texture.minFilter = texture.magFilter = NearestFilter;
    texture.needsUpdate = true;
    this.own.uBays.value = texture;
    const connectors = ctx.live.stores.connector;
    this.motion.setBays((row) => this.bayOfConnector.get(connectors.ids[row] ?? '') ?? 0);
  }

  setTheme(theme: Theme): void {
    setParts(this.parts, parts(theme));
    displayColor(this.own.uSelect.value, tokens.scene.selection[theme]);
  }

  choose(id: string | null): void {
    this.own.uChosen.value = this.rowOf(id);
  }

  hover(id: string | null): void {
    this.own.uHover.value = this.rowOf(id);
  }

  setVisible(visible: boolean): void {
    this.visible = visible;
    this.draws();
  }

  onSnapshot(now: number): void {
    const ctx = this.ctx;
    if (!ctx) return;
    const store = ctx.live.stores.vehicle;
    if (store.version === this.version) return;
    // Frames that were coalesced before this picture have lost their row lists: take every row.
    if (this.version >= 0 && store.version !== this.version + 1) store.all = true;
    this.version = store.version;
    this.motion.apply(store, now, ctx.live.tickS);
    this.own.uBase.value = this.motion.base;
    this.moving = this.motion.settledAt;
    if (this.motion.generation !== this.generation) this.bind();
    else this.upload();
    this.draws();
  }

  /** True while a vehicle is on its way. */
  onFrame(now: number): boolean {
    return now < this.moving;
  }

  /** Where a vehicle stands: x, y, z and yaw, or false when that is not known (yet). */
  locate(id: string, now: number, out: { x: number; y: number; z: number; yaw: number }): boolean {
    const row = this.rowOf(id);
    // The store may know a row that no picture has taken over yet, or one without a position.
    if (row < 0 || !this.ctx || !this.motion.placed(row)) return false;
    this.locateRow(row, now, out);
    return true;
  }

  pick(ray: PickRay): Hit | null {
    const ctx = this.ctx;
    if (!ctx || !this.visible) return null;
    let best = Infinity;
    let found = -1;
    const at = { x: 0, y: 0, z: 0, yaw: 0 };
    for (let row = 0; row < this.motion.count; row++) {
      if (!this.motion.placed(row)) continue;
      const s = this.locateRow(row, ray.now, at);
      const distance = hitCapsule(ray, at.x, at.y + 0.7 * s, at.z, 2 * s);
      if (distance !== null && distance < best) [best, found] = [distance, row];
    }
    const id = ctx.live.stores.vehicle.ids[found];
    return id === undefined ? null : { kind: 'vehicle', id, distance: best };
  }

  bytes(): number {
    const image = this.own.uBays.value?.image.data as Float32Array | undefined;
    return sharedBytes(this.meshes.map((mesh) => mesh.geometry)) + (image?.byteLength ?? 0);
  }

  dispose(): void {
    disposeAll(this.meshes);
    this.own.uBays.value?.dispose();
  }

  private locateRow(row: number, now: number, at: { x: number; y: number; z: number; yaw: number }): number {
    const ctx = this.ctx as SceneContext;
    this.motion.sample(row, now, this.out);
    const bay = ctx.layout.bays[(this.motion.bay[row * 2 + 1] as number) - 1];
    const site = bay ? ctx.layout.sites[bay.site] : undefined;
    if (bay && site && (this.out[3] as number) > 0.5) {
      const s = scaleAt(ctx, site.x, site.z, ctx.uniforms.uSiteK.value);
      at.x = site.x + bay.x * s;
      at.y = storeyBase(ctx, bay.level) * s;
      at.z = site.z + bay.z * s;
      at.yaw = bay.yaw;
      return s;
    }
    at.x = this.out[0] as number;
    at.y = 0;
    at.z = this.out[1] as number;
    at.yaw = this.out[2] as number;
    return scaleAt(ctx, at.x, at.z, ctx.uniforms.uRoadK.value);
  }

  private rowOf(id: string | null): number {
    return id === null ? -1 : (this.ctx?.live.stores.vehicle.rowOf(id) ?? -1);
  }

  private draws(): void {
    const far = this.motion.count > FAR_FROM;
    const [near, farMesh, rings] = this.meshes;
    if (near) near.visible = this.visible && !far && this.motion.count > 0;
    if (farMesh) farMesh.visible = this.visible && far;
    if (rings) rings.visible = this.visible && this.motion.count > 0 && this.motion.count <= 20_000;
    for (const g of [this.near, this.far, this.rings]) if (g) g.instanceCount = this.motion.count;
  }

  private bind(): void {
    this.generation = this.motion.generation;
    const m = this.motion;
    const made: Record<string, InstancedBufferAttribute> = {
      aPath: new InstancedBufferAttribute(m.path, 4),
      aHeading: new InstancedBufferAttribute(m.heading, 2),
      aBay: new InstancedBufferAttribute(m.bay, 2),
      aStart: new InstancedBufferAttribute(m.start, 1),
      aState: new InstancedBufferAttribute(m.state, 4),
    };
    for (const g of [this.near, this.far, this.rings]) {
      if (!g) continue;
      // The old buffers are freed with the geometry's next dispose; release them now.
      (g as BufferGeometry).dispose();
      for (const [name, attribute] of Object.entries(made)) g.setAttribute(name, attribute);
    }
  }

  private upload(): void {
    const g = this.near;
    if (!g || this.motion.lastDirty < 0) return;
    for (const name of ['aPath', 'aHeading', 'aBay', 'aStart', 'aState'])
      markRange(
        g.getAttribute(name) as InstancedBufferAttribute,
        this.motion.firstDirty,
        this.motion.lastDirty,
      );
  }
}
