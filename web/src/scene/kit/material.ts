import { Color, DoubleSide, ShaderMaterial, Vector4, type IUniform } from 'three';
import type { SharedUniforms } from './context';
import { FINISH, PLACE, SHADE } from './shader';

/** Surface of one part of a model. */
export interface Part {
  /** 0xRRGGBB. */
  color: number;
  rough: number;
  metal: number;
  /** How much of the instance's state colour the part takes, 0 to 1. */
  glow?: number;
  /** How much of the instance's tint the part takes. */
  tint?: number;
}

const MAX_PARTS = 10;

/** The parts of a model as uniforms; write again on a change of theme. */
export function partUniforms(parts: readonly Part[]) {
  const color = Array.from({ length: MAX_PARTS }, () => new Color());
  const surface = Array.from({ length: MAX_PARTS }, () => new Vector4());
  const uniforms = { uPartColor: { value: color }, uPartSurface: { value: surface } };
  setParts(uniforms, parts);
  return uniforms;
}

export function setParts(uniforms: ReturnType<typeof partUniforms>, parts: readonly Part[]): void {
  parts.forEach((part, i) => {
    uniforms.uPartColor.value[i]?.setHex(part.color);
    uniforms.uPartSurface.value[i]?.set(part.rough, part.metal, part.glow ?? 0, part.tint ?? 0);
  });
}

/**
 * The material of every solid instanced model. `instance` is GLSL that declares the instance attributes and
 * `vec3 place(inout vec3 p, inout vec3 n)`, which returns the world position and sets `vGlow` (display colour and
 * strength) and `vTint`.
 */
export function solidMaterial(
  shared: SharedUniforms,
  parts: ReturnType<typeof partUniforms>,
  instance: string,
  extra: Record<string, IUniform> = {},
): ShaderMaterial {
  return new ShaderMaterial({
    uniforms: { ...shared, ...parts, ...extra },
    vertexShader: /* glsl */ `
      attribute vec2 aPart;
      uniform vec3 uPartColor[${MAX_PARTS}];
      uniform vec4 uPartSurface[${MAX_PARTS}];
      varying vec3 vNormal, vWorld, vAlbedo;
      varying vec4 vSurface, vGlow;
      vec3 vTint = vec3(1.0);
      ${PLACE}
      ${instance}
      void main() {
        vec3 p = position;
        vec3 n = normal;
        vGlow = vec4(0.0);
        vec3 world = place(p, n);
        int part = int(aPart.x + 0.5);
        vec4 surface = uPartSurface[part];
        vAlbedo = mix(uPartColor[part], uPartColor[part] * vTint, surface.w);
        vSurface = vec4(surface.xy, aPart.y, 0.0);
        vGlow.a *= surface.z;
        vNormal = n;
        vWorld = world;
        gl_Position = projectionMatrix * viewMatrix * vec4(world, 1.0);
      }`,
    fragmentShader: /* glsl */ `
      varying vec3 vNormal, vWorld, vAlbedo;
      varying vec4 vSurface, vGlow;
      ${SHADE}
      void main() {
        vec3 n = normalize(vNormal);
        vec3 v = normalize(cameraPosition - vWorld);
        vec3 lit = shade(vAlbedo, n, v, vSurface.x, vSurface.y, vSurface.z);
        float alpha = 1.0;
        vec3 glow = vGlow.rgb;
        float glowMix = vGlow.a;
        float fog = fogAt(vWorld);
        ${FINISH}
      }`,
  });
}

/** A flat, unlit, transparent material: ground paint, rings, sprites. The fragment writes `vec4 paint()`. */
export function paintMaterial(
  shared: SharedUniforms,
  vertex: string,
  fragment: string,
  extra: Record<string, IUniform> = {},
  options: { depthTest?: boolean } = {},
): ShaderMaterial {
  return new ShaderMaterial({
    uniforms: { ...shared, ...extra },
    transparent: true,
    side: DoubleSide,
    depthWrite: false,
    depthTest: options.depthTest ?? true,
    toneMapped: false,
    vertexShader: /* glsl */ `
      varying vec3 vWorld;
      varying vec2 vUv;
      ${PLACE}
      ${vertex}`,
    fragmentShader: /* glsl */ `
      varying vec3 vWorld;
      varying vec2 vUv;
      uniform vec3 uFogColor;
      uniform vec2 uFog;
      uniform float uTime, uDark, uMotion;
      ${fragment}
      void main() {
        vec4 c = paint();
        float fog = smoothstep(uFog.x, uFog.y, distance(vWorld.xz, cameraPosition.xz));
        gl_FragColor = vec4(c.rgb, c.a * (1.0 - fog));
        if (gl_FragColor.a < 0.004) discard;
      }`,
  });
}
