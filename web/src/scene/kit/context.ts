import { Color, Vector2, Vector3, type PerspectiveCamera, type Scene, type Texture } from 'three';
import { tokens, type Theme } from '@/ui/tokens';
import { CONNECTOR_STATUS, STATION_STATUS, VEHICLE_STATUS } from '@/live/codes';
import type { LiveClient } from '@/live/client';
import { severityKey, statusKey } from '@/ui/tokens';
import type { Layout } from '../layout';
import type { QualityLevel } from '../control/quality';

/** Uniforms that every material of the scene shares: one object, so one write a picture reaches them all. */
export function makeUniforms() {
  return {
    uTime: { value: 0 },
    /** Smallest scale of a site per metre of distance: keeps things at least a few pixels tall. */
    uSiteK: { value: 0 },
    /** The same for vehicles on the road; smaller in large fleets. */
    uRoadK: { value: 0 },
    uExplode: { value: 0 },
    /** Highest storey that is shown. */
    uStorey: { value: 99 },
    uViewport: { value: new Vector2(1, 1) },
    uFog: { value: new Vector2(1, 2) },
    uFogColor: { value: new Color() },
    uSky: { value: new Color() },
    uHorizon: { value: new Color() },
    uFloor: { value: new Color() },
    uKey: { value: new Vector3() },
    uStation: { value: colors(STATION_STATUS.length) },
    uConnector: { value: colors(CONNECTOR_STATUS.length) },
    uVehicle: { value: colors(VEHICLE_STATUS.length) },
    uSeverity: { value: colors(5) },
    uFlow: { value: new Color() },
    uFlowBack: { value: new Color() },
    /** 1 dark, 0 light. */
    uDark: { value: 1 },
    /** 0 when the person asked for less motion. */
    uMotion: { value: 1 },
  };
}
export type SharedUniforms = ReturnType<typeof makeUniforms>;

/** A place kept free for every colour of a table. */
function colors(count: number): Color[] {
  return Array.from({ length: count }, () => new Color());
}

/** Display colour (sRGB components as they reach the screen), for light that must match the tokens exactly. */
export function displayColor(target: Color, hex: number): Color {
  return target.setRGB(((hex >> 16) & 255) / 255, ((hex >> 8) & 255) / 255, (hex & 255) / 255);
}

/** Puts the colours of a theme into the shared uniforms. */
export function applyTheme(u: SharedUniforms, theme: Theme): void {
  const dark = theme === 'dark';
  u.uDark.value = dark ? 1 : 0;
  displayColor(u.uFogColor.value, tokens.scene.fog[theme]);
  // Radiance of the studio: a large soft light overhead, a brighter horizon, a floor that gives a little back.
  if (dark) u.uSky.value.setRGB(0.68, 0.75, 0.86);
  else u.uSky.value.setRGB(1.05, 1.08, 1.12);
  if (dark) u.uHorizon.value.setRGB(0.3, 0.34, 0.41);
  else u.uHorizon.value.setRGB(0.86, 0.89, 0.93);
  if (dark) u.uFloor.value.setRGB(0.08, 0.09, 0.11);
  else u.uFloor.value.setRGB(0.4, 0.42, 0.46);
  if (dark) u.uKey.value.set(2.3, 2.24, 2.16);
  else u.uKey.value.set(1.75, 1.7, 1.6);
  STATION_STATUS.forEach((name, i) =>
    displayColor(u.uStation.value[i] as Color, tokens.status[statusKey(name)][theme]),
  );
  CONNECTOR_STATUS.forEach((name, i) =>
    displayColor(u.uConnector.value[i] as Color, tokens.status[statusKey(name)][theme]),
  );
  VEHICLE_STATUS.forEach((name, i) =>
    displayColor(u.uVehicle.value[i] as Color, tokens.status[statusKey(name)][theme]),
  );
  ['none', 'info', 'minor', 'major', 'critical'].forEach((name, i) =>
    displayColor(u.uSeverity.value[i] as Color, tokens.severity[severityKey(name)][theme]),
  );
  displayColor(u.uFlow.value, tokens.scene.flow[theme]);
  displayColor(u.uFlowBack.value, tokens.scene.flowBack[theme]);
}

/** What a module gets when it joins the scene. */
export interface SceneContext {
  scene: Scene;
  camera: PerspectiveCamera;
  uniforms: SharedUniforms;
  layout: Layout;
  live: LiveClient;
  theme: Theme;
  glyphs: Texture;
}

/** What can be pointed at. */
export interface Hit {
  kind: 'station' | 'vehicle' | 'zone' | 'connector';
  id: string;
  /** Distance from the camera in metres. */
  distance: number;
}

/**
 * One part of the picture. Modules hold GPU objects and copy from the column stores; React never sees an entity.
 * `onFrame` returns true while something still moves, so that a still network draws nothing.
 */
export interface SceneModule {
  attach(ctx: SceneContext): void;
  /** Stores changed: copy what the newest frames touched. `now` is scene time in seconds. */
  onSnapshot(now: number): void;
  onFrame(now: number): boolean;
  setTheme?(theme: Theme): void;
  setQuality?(level: QualityLevel): void;
  pick?(ray: PickRay): Hit | null;
  /** GPU bytes held in buffers and textures of this module. */
  bytes(): number;
  dispose(): void;
}

/** A pointer ray with what turns a distance into pixels. */
export interface PickRay {
  origin: Vector3;
  direction: Vector3;
  now: number;
}
