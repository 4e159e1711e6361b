import type { InstancedBufferAttribute } from 'three';
import { Color, PlaneGeometry, BufferAttribute, type BufferGeometry, type Mesh } from 'three';
import { tokens, type Theme } from '@/ui/tokens';
import type { QualityLevel } from '../control/quality';
import { displayColor, type SceneContext, type SceneModule } from '../kit/context';
import { instanced, quad, socket } from '../kit/geometry';
import { paintMaterial, partUniforms, setParts, solidMaterial, type Part } from '../kit/material';
import { disposeAll, drawAll, perInstance, sharedBytes } from './shared';
import { SLAB_M } from './sites';

/** Pulses on one cable at the best quality. */
const PULSES = 14;
/** Power at which pulses run at full pace; more only makes them denser. */
const FULL_PACE_W = 150_000;
const CABLE_STEPS = 14;

const parts = (theme: Theme): Part[] => [
  { color: theme === 'dark' ? 0x2a313b : 0x6b7688, rough: 0.5, metal: 0.1 },
  { color: 0x07090c, rough: 0.35, metal: 0.1, glow: 0.25 },
  { color: theme === 'dark' ? 0x4d5868 : 0xb4bdca, rough: 0.4, metal: 0.4, glow: 0.85 },
];

const CONNECTOR = /* glsl */ `
  attribute vec4 aPlace, aFrom, aTo, aDyn;
  attribute vec2 aPhase;
  uniform vec3 uConnector[11];
  vec3 siteWorld(vec3 local, float s) {
    local.y += storeyY(aPlace.z) + ${SLAB_M.toFixed(2)};
    return vec3(aPlace.x, 0.0, aPlace.y) + local * s;
  }
  // From the socket up, out and down to the charge port: a cable that hangs.
  vec3 cableAt(float u) {
    vec3 a = aFrom.xyz, d = aTo.xyz;
    vec3 out_ = vec3(-sin(aPlace.w) * 0.0, 0.0, 0.0);
    vec3 b = mix(a, d, 0.25) + vec3(0.0, 0.42, 0.0) + out_;
    vec3 c = mix(a, d, 0.72) + vec3(0.0, -0.62, 0.0);
    float v = 1.0 - u;
    return v * v * v * a + 3.0 * v * v * u * b + 3.0 * v * u * u * c + u * u * u * d;
  }
  // Something is plugged in: Preparing to Finishing, and Occupied.
  float plugged(float status) { return (status > 1.5 && status < 6.5) || status > 9.5 ? 1.0 : 0.0; }
`;

/** Connectors: painted bays, sockets by type, cables, and pulses of energy that run the way the power does. */
export class Flows implements SceneModule {
  private ctx: SceneContext | null = null;
  private meshes: Mesh[] = [];
  private parts = partUniforms([]);
  private dyn: InstancedBufferAttribute | null = null;
  private phase: InstancedBufferAttribute | null = null;
  private rows = new Int32Array(0);
  private speed = new Float32Array(0);
  private version = -1;
  private flowing = 0;
  private readonly own = {
    uPaint: { value: new Color() },
    uCable: { value: new Color() },
    uPulses: { value: PULSES },
    uPulsePx: { value: 1 },
  };

  attach(ctx: SceneContext): void {
    this.ctx = ctx;
    this.parts = partUniforms(parts(ctx.theme));
    this.setTheme(ctx.theme);
    const { bays, sites } = ctx.layout;
    const n = Math.max(1, bays.length);
    const place = new Float32Array(n * 4);
    const from = new Float32Array(n * 4);
    const to = new Float32Array(n * 4);
    bays.forEach((bay, i) => {
      const site = sites[bay.site];
      const facing = Math.cos(bay.yaw);
      place.set([site?.x ?? 0, site?.z ?? 0, bay.level, bay.yaw], i * 4);
      from.set([bay.socketX, bay.socketY, bay.socketZ, 0], i * 4);
      // The charge port sits on the front left wing.
      const side = Math.sign(bay.socketX - bay.x) || 1;
      to.set([bay.x + side * 0.84, 0.82, bay.z - facing * 1.45, side], i * 4);
    });
    this.rows = new Int32Array(n).fill(-1);
    this.speed = new Float32Array(n);
    this.dyn = perInstance(new Float32Array(n * 4), 4);
    this.phase = perInstance(new Float32Array(n * 2), 2);
    const attributes = {
      aPlace: perInstance(place, 4),
      aFrom: perInstance(from, 4),
      aTo: perInstance(to, 4),
      aDyn: this.dyn,
      aPhase: this.phase,
    };
    const make = (model: BufferGeometry) => {
      const g = instanced(model);
      for (const [name, attribute] of Object.entries(attributes)) g.setAttribute(name, attribute);
      g.instanceCount = bays.length;
      return g;
    };
    this.meshes = [
      drawAll(make(quad()), this.bayMaterial(ctx), -3),
      drawAll(make(socket()), this.socketMaterial(ctx)),
      drawAll(make(new PlaneGeometry(1, 2, CABLE_STEPS, 1)), this.cableMaterial(ctx), 2),
      drawAll(make(pulseQuads()), this.pulseMaterial(ctx), 3),
    ];
    ctx.scene.add(...this.meshes);
  }

  private bayMaterial(ctx: SceneContext) {
    return paintMaterial(
      ctx.uniforms,
      /* glsl */ `${CONNECTOR}
      varying float vStatus;
      void main() {
        float s = scaleAt(aPlace.xy, uSiteK) * storeySeen(aPlace.z);
        vStatus = aDyn.x;
        vUv = position.xy * vec2(1.45, 2.7);
        // The bay's middle is under the vehicle: aTo is its port.
        float facing = cos(aPlace.w);
        vec3 local = vec3(aTo.x - aTo.w * 0.84 + vUv.x, 0.02, aTo.z + facing * 1.45 + vUv.y * facing);
        vWorld = siteWorld(local, s);
        gl_Position = projectionMatrix * viewMatrix * vec4(vWorld, 1.0);
      }`,
      /* glsl */ `
      uniform vec3 uConnector[11];
      uniform vec3 uPaint;
      varying float vStatus;
      vec4 paint() {
        float px = fwidth(vUv.x) + fwidth(vUv.y);
        vec3 color = uConnector[int(vStatus + 0.5)];
        // Painted lines on both sides, a bar in the colour of the state at the kerb.
        float line = smoothstep(px, 0.0, abs(abs(vUv.x) - 1.38) - 0.05) * step(-2.3, vUv.y);
        float bar = smoothstep(px, 0.0, abs(vUv.y + 2.42) - 0.1) * step(abs(vUv.x), 1.1);
        float busy = vStatus > 1.5 && vStatus < 9.5 ? 1.0 : 0.0;
        float fill = busy * 0.16 * smoothstep(2.6, -2.6, vUv.y);
        vec4 c = vec4(color, fill);
        c = mix(c, vec4(uPaint, 0.8), line);
        return mix(c, vec4(color, 1.0), bar);
      }`,
      this.own,
    );
  }

  private socketMaterial(ctx: SceneContext) {
    return solidMaterial(
      ctx.uniforms,
      this.parts,
      /* glsl */ `${CONNECTOR}
      vec3 place(inout vec3 p, inout vec3 n) {
        float s = scaleAt(aPlace.xy, uSiteK) * storeySeen(aPlace.z);
        // Type 2 round, CCS and MCS taller than wide, CHAdeMO wide.
        float kind = aDyn.w;
        vec2 shape = kind > 2.5 && kind < 3.5 || kind > 5.5 && kind < 6.5 || kind > 8.5 && kind < 9.5
          ? vec2(0.13, 0.2) : kind > 3.5 && kind < 4.5 ? vec2(0.19, 0.15) : vec2(0.13);
        vec3 q = vec3(p.xy * shape, p.z * 0.14);
        vec2 side = vec2(aTo.w, 0.0);
        // Faces look sideways, away from the cabinet.
        float away = sign(aFrom.x - aTo.x) * -1.0;
        q = vec3(q.z * away, q.y, q.x);
        n = vec3(n.z * away, n.y, n.x);
        vGlow = vec4(uConnector[int(aDyn.x + 0.5)], 1.0);
        return siteWorld(aFrom.xyz + q, s);
      }`,
      this.own,
    );
  }

  private cableMaterial(ctx: SceneContext) {
    return paintMaterial(
      ctx.uniforms,
      /* glsl */ `${CONNECTOR}
      varying float vPower;
      void main() {
        float s = scaleAt(aPlace.xy, uSiteK) * storeySeen(aPlace.z) * plugged(aDyn.x);
        float u = position.x + 0.5;
        vec3 p = siteWorld(cableAt(u), s), q = siteWorld(cableAt(u + 0.02), s);
        vec3 side = normalize(cross(q - p + vec3(1e-5), cameraPosition - p));
        vWorld = p + side * position.y * 0.042 * s;
        vUv = vec2(u, position.y);
        vPower = aDyn.y;
        gl_Position = projectionMatrix * viewMatrix * vec4(vWorld, 1.0);
      }`,
      /* glsl */ `
      uniform vec3 uCable, uFlow, uFlowBack;
      varying float vPower;
      vec4 paint() {
        float light = 1.0 - vUv.y * vUv.y;
        vec3 flow = vPower < 0.0 ? uFlowBack : uFlow;
        vec3 c = uCable * (0.7 + 0.5 * light);
        return vec4(mix(c, flow, abs(vPower) > 0.001 ? 0.35 : 0.0), 1.0);
      }`,
      this.own,
    );
  }

  private pulseMaterial(ctx: SceneContext) {
    return paintMaterial(
      ctx.uniforms,
      /* glsl */ `${CONNECTOR}
      attribute float aPulse;
      uniform float uPulses, uPulsePx;
      varying float vPower;
      void main() {
        float s = scaleAt(aPlace.xy, uSiteK) * storeySeen(aPlace.z);
        vPower = aDyn.y;
        // More power, more pulses; none for none. Without motion they stand, and the taper shows the way.
        float wanted = abs(vPower) < 0.001 ? 0.0 : mix(4.0, uPulses, sqrt(min(1.0, abs(vPower))));
        float seen = step(aPulse + 0.5, wanted) * plugged(aDyn.x);
        float u = fract(aPulse / max(floor(wanted), 1.0) + aPhase.x + (uTime - aPhase.y) * aDyn.z * uMotion);
        vec3 p = siteWorld(cableAt(u), s);
        vWorld = p;
        vUv = position.xy;
        vec4 clip = projectionMatrix * viewMatrix * vec4(p, 1.0);
        float ends = smoothstep(0.0, 0.08, u) * smoothstep(1.0, 0.92, u);
        float taper = uMotion > 0.5 ? 1.0 : mix(0.4, 1.3, vPower > 0.0 ? u : 1.0 - u);
        float size = seen * ends * taper * max(2.4 * uPulsePx, 0.11 * s * uViewport.y * projectionMatrix[1][1] * 0.5 / clip.w);
        clip.xy += position.xy * size / uViewport * 2.0 * clip.w;
        clip.z -= 0.0002 * clip.w;
        gl_Position = clip;
      }`,
      /* glsl */ `
      uniform vec3 uFlow, uFlowBack;
      varying float vPower;
      vec4 paint() {
        float r = length(vUv);
        vec3 c = vPower < 0.0 ? uFlowBack : uFlow;
        float core = smoothstep(0.5, 0.3, r);
        return vec4(mix(c, mix(c, vec3(1.0), uDark), core * 0.75), core + (1.0 - smoothstep(0.2, 1.0, r)) * 0.5);
      }`,
      this.own,
    );
  }

  setTheme(theme: Theme): void {
    setParts(this.parts, parts(theme));
    displayColor(this.own.uPaint.value, tokens.scene.structureLight[theme]);
    displayColor(this.own.uCable.value, theme === 'dark' ? 0x59636f : 0x2c3440);
  }

  setQuality(level: QualityLevel): void {
    this.own.uPulses.value = Math.max(4, Math.round(PULSES * level.particles));
  }

  setPixel(ratio: number): void {
    this.own.uPulsePx.value = ratio;
  }

  setVisible(flows: boolean, stations: boolean): void {
    this.meshes.forEach((mesh, i) => (mesh.visible = i < 2 ? stations : flows && stations));
  }

  onSnapshot(now: number): void {
    const ctx = this.ctx;
    if (!ctx || !this.dyn || !this.phase) return;
    const store = ctx.live.stores.connector;
    if (store.version === this.version) return;
    this.version = store.version;
    const dyn = this.dyn.array as Float32Array;
    const phase = this.phase.array as Float32Array;
    this.flowing = 0;
    ctx.layout.bays.forEach((bay, i) => {
      let row = this.rows[i] as number;
      if (row < 0 || store.ids[row] !== bay.connector) {
        row = store.rowOf(bay.connector);
        this.rows[i] = row;
      }
      const power = row < 0 ? 0 : (store.columns.power_w[row] as number);
      const share = Math.max(-1, Math.min(1, power / FULL_PACE_W));
      const speed = pace(power);
      // Keeps pulses where they are when the power changes: only their pace does.
      const old = this.speed[i] as number;
      if (speed !== old) {
        const at = (phase[i * 2] as number) + (now - (phase[i * 2 + 1] as number)) * old;
        phase[i * 2] = at - Math.floor(at);
        phase[i * 2 + 1] = now;
        this.speed[i] = speed;
      }
      dyn[i * 4] = row < 0 ? 0 : Math.min(store.columns.status[row] as number, 10);
      dyn[i * 4 + 1] = share === 0 ? 0 : Math.sign(share) * Math.max(Math.abs(share), 0.002);
      dyn[i * 4 + 2] = speed;
      dyn[i * 4 + 3] = row < 0 ? 0 : (store.columns.kind[row] as number);
      if (power !== 0) this.flowing += 1;
    });
    this.dyn.needsUpdate = true;
    this.phase.needsUpdate = true;
  }

  onFrame(): boolean {
    return this.flowing > 0 && this.ctx?.uniforms.uMotion.value === 1 && this.meshes[3]?.visible === true;
  }

  bytes(): number {
    return sharedBytes(this.meshes.map((mesh) => mesh.geometry));
  }

  dispose(): void {
    disposeAll(this.meshes);
  }
}

/** Cable lengths a second for a power: the sign is the way, zero stands still, monotone and capped. */
export function pace(powerW: number): number {
  if (powerW === 0) return 0;
  return Math.sign(powerW) * (0.12 + 0.55 * Math.sqrt(Math.min(1, Math.abs(powerW) / FULL_PACE_W)));
}

/** All pulses of one cable as quads that know their number. */
function pulseQuads(): BufferGeometry {
  const one = new PlaneGeometry(2, 2).toNonIndexed();
  const source = one.getAttribute('position');
  const position = new Float32Array(PULSES * source.count * 3);
  const pulse = new Float32Array(PULSES * source.count);
  for (let i = 0; i < PULSES; i++) {
    position.set(source.array, i * source.count * 3);
    pulse.fill(i, i * source.count, (i + 1) * source.count);
  }
  one.setAttribute('position', new BufferAttribute(position, 3));
  one.setAttribute('aPulse', new BufferAttribute(pulse, 1));
  one.deleteAttribute('normal');
  one.deleteAttribute('uv');
  return one;
}
