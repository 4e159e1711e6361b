/** GLSL that every instanced thing of the scene shares. */

/** Where things stand: scale of a site by its distance, storeys, yaw. */
export const PLACE = /* glsl */ `
uniform float uTime, uSiteK, uRoadK, uExplode, uStorey, uMotion, uDark;
uniform vec2 uViewport;
float scaleAt(vec2 anchor, float k) {
  return max(1.0, k * distance(cameraPosition, vec3(anchor.x, 0.0, anchor.y)));
}
vec2 turn(vec2 v, float yaw) {
  float c = cos(yaw), s = sin(yaw);
  return vec2(c * v.x - s * v.y, s * v.x + c * v.y);
}
float storeyY(float level) { return max(level, 0.0) * (3.4 + uExplode * 5.0); }
// Storeys above the chosen one fold to nothing.
float storeySeen(float level) { return step(level, uStorey + 0.5); }
`;

/** Light of the studio and the way to the screen: lit colour is tone mapped, state colour is exact, fog is last. */
export const SHADE = /* glsl */ `
uniform vec3 uSky, uHorizon, uFloor, uKey, uFogColor;
uniform vec2 uFog;
uniform float uDark;
const vec3 KEY_DIR = vec3(0.42, 0.78, 0.46);
vec3 studio(vec3 r, float rough) {
  vec3 sky = mix(uHorizon, uSky, smoothstep(0.0, 0.9, r.y));
  float w = 0.06 + rough * 0.6;
  vec3 env = mix(uFloor, sky, smoothstep(-w, w, r.y));
  // Two soft boxes: a wide one over the shoulder, a thin strip on the far side.
  float a = smoothstep(0.80 - w, 0.86 + w * 0.6, dot(r, normalize(vec3(0.5, 0.75, 0.3))));
  float b = smoothstep(0.90 - w, 0.95 + w * 0.5, dot(r, normalize(vec3(-0.75, 0.5, -0.35))));
  return env + (a * 1.9 + b * 0.8) * (1.0 - rough * 0.72) * mix(vec3(0.9), vec3(0.75, 0.82, 0.95), uDark);
}
vec3 shade(vec3 albedo, vec3 n, vec3 v, float rough, float metal, float ao) {
  vec3 l = normalize(KEY_DIR);
  vec3 h = normalize(l + v);
  float nl = max(dot(n, l), 0.0), nv = max(dot(n, v), 0.02), nh = max(dot(n, h), 0.0);
  vec3 f0 = mix(vec3(0.04), albedo, metal);
  vec3 fres = f0 + (max(vec3(1.0 - rough), f0) - f0) * pow(1.0 - nv, 5.0);
  float a2 = pow(rough, 4.0) + 1e-4;
  float d = nh * nh * (a2 - 1.0) + 1.0;
  float spec = a2 / (3.14159 * d * d) * 0.25;
  vec3 ambient = mix(uFloor, uSky, n.y * 0.5 + 0.5) * 0.62 + uHorizon * 0.2;
  vec3 diffuse = albedo * (1.0 - metal) * (ambient * ao + uKey * nl * 0.42 * mix(0.6, 1.0, ao));
  vec3 reflected = studio(reflect(-v, n), rough) * fres * mix(0.55, 1.0, ao);
  return diffuse + reflected + uKey * min(spec, 4.0) * fres * nl * 0.5;
}
float fogAt(vec3 world) {
  return smoothstep(uFog.x, uFog.y, distance(world.xz, cameraPosition.xz));
}
`;

/** Tone map, then what must keep its exact colour, then fog. Expects \`lit\`, \`glow\` (display), \`glowMix\`. */
export const FINISH = /* glsl */ `
  gl_FragColor = vec4(lit, alpha);
  #include <tonemapping_fragment>
  #include <colorspace_fragment>
  gl_FragColor.rgb = mix(gl_FragColor.rgb, glow, glowMix);
  gl_FragColor.rgb = mix(gl_FragColor.rgb, uFogColor, fog);
`;
