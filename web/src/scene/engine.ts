import type { Scene as Stage } from 'three';
import { AgXToneMapping, Vector3, type PerspectiveCamera, type WebGLRenderer } from 'three';
import type { Scene } from '@/api/types';
import type { LiveClient } from '@/live/client';
import type { Theme } from '@/ui/tokens';
import { tokens } from '@/ui/tokens';
import { rendererOf } from '@/ui/webgl';
import { CameraRig, type Pose } from './control/camera';
import { framebufferBytes, meterContext, type GpuCounts, type SceneStats } from './control/meter';
import { siteScale, storeyBase } from './control/pick';
import { LEVELS, startQuality, stepQuality, type QualityState } from './control/quality';
import {
  applyTheme,
  makeUniforms,
  type Hit,
  type PickRay,
  type SceneContext,
  type SceneModule,
} from './kit/context';
import { glyphAtlas } from './kit/glyphs';
import { layOut, type Layout, type PlacedSite } from './layout';
import { Fleet } from './modules/fleet';
import { Flows } from './modules/flows';
import { Ground } from './modules/ground';
import { Labels } from './modules/labels';
import { SiteLoads } from './modules/load';
import { Roads } from './modules/roads';
import { Sites } from './modules/sites';
import { Stations } from './modules/stations';
import { Tags } from './modules/tags';
import { Zones } from './modules/zones';
import type { CameraMode, Conduct, Layers, Selection, StationGroups } from './types';

/** A station looks at least this tall in CSS pixels, however far it is. */
const STATION_PX = 15;
const STATION_M = 2.2;
/** From this width on, in CSS pixels, panels float over the stage. */
const WIDE_PX = 600;
/** Longer than this between two pictures is a hidden tab, and nothing moves through it. */
const PAUSE_S = 2;
/** Meters of buildings before the storeys of a hub are offered. */
const HUB_NEAR_M = 420;

export interface EngineOptions {
  scene: Scene;
  live: LiveClient;
  theme: Theme;
  labels: HTMLElement;
  /** Asks for a picture, for a person waits for it. */
  wake: () => void;
  /** Asks for a picture, because the network has changed. */
  changed: () => void;
  setDpr: (dpr: number) => void;
  /** Fixed scene time in seconds, for pictures that must repeat. */
  freeze: number | null;
  still: boolean;
  level: number | 'auto';
  guessedLevel: number;
}

/** The scene: owns the modules, the camera and the figures, and draws one picture when asked. */
export class SceneEngine {
  readonly rig: CameraRig;
  readonly layout: Layout;
  readonly stats: SceneStats;
  private onNearHub: (site: PlacedSite | null, storey: number | null) => void = () => {};
  private onTaken: () => void = () => {};
  readonly uniforms = makeUniforms();
  private readonly ctx: SceneContext;
  private readonly gl: WebGLRenderer;
  private readonly options: EngineOptions;
  private readonly ground = new Ground();
  private readonly zones = new Zones();
  private readonly roads = new Roads();
  private readonly sites = new Sites();
  private readonly stations = new Stations();
  private readonly fleet = new Fleet();
  private readonly flows = new Flows();
  private readonly loads = new SiteLoads();
  private readonly tags = new Tags();
  private readonly labels: Labels;
  private readonly modules: SceneModule[];
  private readonly counts: GpuCounts;
  /** Samples per pixel, asked for once: the question waits for the GPU. */
  private readonly samples: number;
  private readonly stops: (() => void)[] = [];
  private quality: QualityState;
  private mode: CameraMode = 'overview';
  private selection: Selection | null = null;
  /** A chosen vehicle whose place is not known yet: the flight starts when it is. */
  private awaited: Selection | null = null;
  /** A vehicle that the camera flew to and stays with until a person takes the camera. */
  private tracked: string | null = null;
  private dirty = true;
  private moving = false;
  /** Whether a person moves the view, who wants to see it go. */
  steered = false;
  private lastMs = 0;
  private fpsFrom = 0;
  private fpsFrames = 0;
  private explodeTo = 0;
  private nearHub: PlacedSite | null = null;
  private storey: number | null = null;
  private readonly at = { x: 0, y: 0, z: 0, yaw: 0 };

  constructor(gl: WebGLRenderer, stage: Stage, camera: PerspectiveCamera, options: EngineOptions) {
    this.gl = gl;
    this.options = options;
    this.layout = layOut(options.scene);
    this.rig = new CameraRig(camera, options.wake);
    this.rig.onTaken = () => {
      this.awaited = null;
      this.tracked = null;
      if (this.mode !== 'follow') return;
      this.mode = 'overview';
      this.onTaken();
    };
    this.labels = new Labels(options.labels);
    this.modules = [
      this.ground,
      this.zones,
      this.roads,
      this.sites,
      this.stations,
      this.loads,
      this.tags,
      this.flows,
      this.fleet,
      this.labels,
    ];
    this.counts = meterContext(gl.getContext() as WebGL2RenderingContext);
    this.samples = (gl.getContext().getParameter(0x80a9) as number | null) ?? 1;
    gl.toneMapping = AgXToneMapping;
    gl.toneMappingExposure = 1.15;
    gl.info.autoReset = false;
    this.setStill(options.still);
    applyTheme(this.uniforms, options.theme);
    gl.setClearColor(tokens.scene.background[options.theme], 1);
    this.ctx = {
      scene: stage,
      camera,
      uniforms: this.uniforms,
      layout: this.layout,
      live: options.live,
      theme: options.theme,
      glyphs: glyphAtlas(),
    };
    for (const module of this.modules) module.attach(this.ctx);
    this.quality = startQuality(options.level === 'auto' ? options.guessedLevel : options.level);
    this.stats = emptyStats(rendererOf(gl.getContext()));
    this.applyQuality();
    for (const topic of ['station', 'connector', 'vehicle'] as const)
      this.stops.push(
        options.live.stores[topic].subscribe(() => {
          this.dirty = true;
          options.changed();
        }),
      );
    this.rig.maxDistance = this.layout.radius * 8;
    Object.assign(this.rig.pose, this.overview());
    Object.assign(this.rig.want, this.rig.pose);
    this.rig.place();
  }

  /** Draws one picture at `ms`; true while something moves. */
  frame(ms: number): boolean {
    const began = performance.now();
    const now = this.options.freeze ?? ms / 1000;
    const frameMs = this.lastMs > 0 ? ms - this.lastMs : 16;
    // After a rest the time since the last picture is no time that anything moved in.
    const dt = this.moving ? Math.min(PAUSE_S, frameMs / 1000) : Math.min(1 / 60, frameMs / 1000);
    this.lastMs = ms;
    this.uniforms.uTime.value = now;
    const ticked = this.dirty;
    if (this.dirty) {
      this.dirty = false;
      for (const module of this.modules) module.onSnapshot(now);
      this.stats.vehicles = this.options.live.stores.vehicle.count;
    }
    if (this.awaited && this.goTo(this.awaited)) this.awaited = null;
    this.follow(now);
    const opening = this.explode(dt);
    let moving = this.rig.update(dt) || opening;
    // A view that stays with a vehicle moves by itself, as the vehicle does.
    this.steered = moving && this.mode !== 'follow' && this.tracked === null;
    this.scale();
    for (const module of this.modules) moving = module.onFrame(now) || moving;
    this.gl.render(this.ctx.scene, this.ctx.camera);
    this.measure(began, ms, frameMs, ticked);
    this.options.live.latency.shown(Date.now());
    this.moving = moving;
    return moving && this.options.freeze === null;
  }

  /** Tells when a hub of several storeys comes near, and when a person ends the following. */
  listen(onNearHub: (site: PlacedSite | null, storey: number | null) => void, onTaken: () => void): void {
    this.onNearHub = onNearHub;
    this.onTaken = onTaken;
    onNearHub(this.nearHub, this.storey);
  }

  setTheme(theme: Theme): void {
    this.ctx.theme = theme;
    applyTheme(this.uniforms, theme);
    this.gl.setClearColor(tokens.scene.background[theme], 1);
    for (const module of this.modules) module.setTheme?.(theme);
    this.options.wake();
  }

  setLayers(layers: Layers): void {
    this.zones.setVisible(layers.zones);
    this.sites.setVisible(layers.stations);
    this.stations.setVisible(layers.stations);
    this.flows.setVisible(layers.flows, layers.stations);
    this.fleet.setVisible(layers.vehicles);
    this.loads.setVisible(layers.load && layers.stations);
    this.tags.setVisible({
      care: layers.care && layers.stations,
      versions: layers.versions && layers.stations,
      conduct: layers.violations && layers.stations,
    });
    this.labels.setVisible(layers.labels);
    this.labels.setLoads(layers.load);
    this.options.wake();
  }

  /** Tells stations apart by groups; null for their state. */
  setGroups(groups: StationGroups | null): void {
    this.stations.setGroups(groups);
    this.options.wake();
  }

  /** How stations keep to the protocol. */
  setConduct(conduct: ReadonlyMap<string, Conduct>): void {
    this.tags.setConduct(conduct);
    this.options.wake();
  }

  setMode(mode: CameraMode): void {
    if (mode === this.mode) return;
    this.mode = mode;
    if (mode === 'top') this.leave({ ...this.overview(), tilt: 0.06, azimuth: 0 });
    else if (mode === 'overview') this.leave(this.overview());
    else if (this.selection) this.visit(this.selection);
    this.options.wake();
  }

  /** Marks a twin and flies to it. */
  select(selection: Selection | null): void {
    const same = selection?.id === this.selection?.id;
    this.selection = selection;
    const of = (kind: Selection['kind']) => (selection?.kind === kind ? selection.id : null);
    const station = of('station') ?? this.stationOfConnector(of('connector'));
    this.stations.choose(station);
    this.fleet.choose(of('vehicle'));
    this.zones.choose(of('zone'));
    this.labels.choose(selection?.id ?? null);
    if (!selection) this.awaited = this.tracked = null;
    else if (!same) this.visit(selection);
    this.options.wake();
  }

  hover(hit: Hit | null): void {
    this.stations.hover(hit?.kind === 'station' ? hit.id : null);
    this.fleet.hover(hit?.kind === 'vehicle' ? hit.id : null);
    this.options.wake();
  }

  /** What lies under a point of the element, the nearest and most specific first. */
  pick(px: number, py: number): Hit | null {
    const size = this.gl.domElement;
    const direction = new Vector3(
      (px / size.clientWidth) * 2 - 1,
      1 - (py / size.clientHeight) * 2,
      0.5,
    ).unproject(this.ctx.camera);
    const origin = this.ctx.camera.position;
    const ray: PickRay = {
      origin,
      direction: direction.sub(origin).normalize(),
      now: this.uniforms.uTime.value,
    };
    const things = [this.fleet.pick(ray), this.stations.pick(ray)].filter((hit) => hit !== null);
    things.sort((a, b) => a.distance - b.distance);
    return things[0] ?? this.zones.pick(ray);
  }

  /** Highest storey shown; null shows all. */
  setStorey(level: number | null): void {
    if (level === this.storey) return;
    this.storey = level;
    this.uniforms.uStorey.value = level ?? 99;
    this.onNearHub(this.nearHub, level);
    this.options.wake();
  }

  /** Opens the storeys of hubs apart. */
  setExploded(open: boolean): void {
    this.explodeTo = open ? 1 : 0;
    this.options.wake();
  }

  reset(): void {
    this.mode = 'overview';
    this.leave(this.overview());
  }

  /** Changes jump instead of gliding, and nothing streams. */
  setStill(still: boolean): void {
    this.rig.still = still || this.options.freeze !== null;
    this.uniforms.uMotion.value = still ? 0 : 1;
    this.options.wake();
  }

  /** After a lost context: everything is uploaded again by three, the pictures only have to start. */
  restored(): void {
    this.dirty = true;
    this.options.wake();
  }

  dispose(): void {
    for (const stop of this.stops) stop();
    for (const module of this.modules) module.dispose();
    this.ctx.glyphs.dispose();
    if (window.__voltwinStats === this.stats) delete window.__voltwinStats;
  }

  /** Flies to a chosen thing, at once or when its place becomes known. */
  private visit(selection: Selection): void {
    this.tracked = null;
    this.awaited = this.goTo(selection) ? null : selection;
  }

  private leave(to: Partial<Pose>): void {
    this.awaited = this.tracked = null;
    this.rig.fly(to);
  }

  /** True when the flight began. */
  private goTo(selection: Selection): boolean {
    const tilt = 0.98;
    if (selection.kind === 'zone') {
      const zone = this.layout.zones.find((z) => z.id === selection.id);
      if (!zone) return false;
      const reach = Math.max(
        ...zone.ring.map(([x, z]) => Math.hypot(x - zone.centre[0], z - zone.centre[1])),
      );
      return this.rig.fly({
        x: zone.centre[0],
        y: 0,
        z: zone.centre[1],
        distance: reach * 3.4,
        tilt: 0.85,
      });
    }
    if (selection.kind === 'vehicle') {
      if (!this.fleet.locate(selection.id, this.uniforms.uTime.value, this.at)) return false;
      this.tracked = selection.id;
      return this.rig.fly({ x: this.at.x, y: this.at.y, z: this.at.z, distance: 90, tilt });
    }
    const id = selection.kind === 'station' ? selection.id : this.stationOfConnector(selection.id);
    const station = this.layout.stations.find((s) => s.id === id);
    const site = station && this.layout.sites[station.site];
    if (!station || !site) return false;
    // What stands above the chosen station would hide it.
    if (site.levels > 1) this.setStorey(station.level);
    const y = storeyBase(this.ctx, station.level) + 1;
    return this.rig.fly({
      x: site.x + station.x * 0.8,
      y,
      z: site.z + station.z + 1.5,
      distance: 30,
      azimuth: station.yaw + 0.5,
      tilt: 1.08,
    });
  }

  private stationOfConnector(connector: string | null): string | null {
    const bay = connector === null ? undefined : this.layout.bays.find((b) => b.connector === connector);
    return bay ? (this.layout.stations[bay.station]?.id ?? null) : null;
  }

  private overview(): Partial<Pose> {
    const { centre, radius } = this.layout;
    const aspect = this.ctx.camera.aspect || 1.6;
    const half = Math.tan((this.ctx.camera.fov * Math.PI) / 360);
    const distance = (radius * 0.7) / (half * Math.min(1, aspect * 0.78));
    // On a wide stage the legend lies over the near corner: the city stands a little higher and smaller there.
    const wide = this.gl.domElement.clientWidth >= WIDE_PX;
    const [z, away] = wide ? [centre[1] + radius * 0.2, 1.06] : [centre[1] + radius * 0.06, 1];
    return { x: centre[0], y: 0, z, distance: distance * away, azimuth: -0.42, tilt: 0.86 };
  }

  private follow(now: number): void {
    const chosen = this.mode === 'follow' && this.selection?.kind === 'vehicle' ? this.selection.id : null;
    const id = chosen ?? this.tracked;
    if (id !== null && this.fleet.locate(id, now, this.at)) this.rig.track(this.at.x, this.at.y, this.at.z);
  }

  private explode(dt: number): boolean {
    const u = this.uniforms.uExplode;
    const gap = this.explodeTo - u.value;
    if (gap === 0) return false;
    if (Math.abs(gap) < 0.002 || this.rig.still) u.value = this.explodeTo;
    else u.value += gap * (1 - Math.exp(-7 * dt));
    return true;
  }

  private scale(): void {
    const camera = this.ctx.camera;
    const element = this.gl.domElement;
    const height = Math.max(1, element.clientHeight);
    const perPixel = (2 * Math.tan((camera.fov * Math.PI) / 360)) / height;
    const n = this.options.live.stores.vehicle.count;
    const small = Math.min(1, element.clientWidth / 800) * 0.4 + 0.6;
    const k = (STATION_PX * small * perPixel) / STATION_M;
    this.uniforms.uSiteK.value = k;
    // A larger fleet is drawn smaller, or it would cover what it drives on.
    this.uniforms.uRoadK.value = k * Math.min(1, Math.max(0.1, (150 / Math.max(150, n)) ** 0.42));
    this.uniforms.uViewport.value.set(element.width, element.height);
    const d = this.rig.pose.distance;
    this.uniforms.uFog.value.set(d * 2.2 + 400, d * 6 + this.layout.radius * 2.2);
    const ratio = element.width / Math.max(1, element.clientWidth);
    this.stations.setPixel(ratio);
    this.flows.setPixel(ratio);
    this.tags.setPixel(ratio);
    this.hubs();
  }

  private hubs(): void {
    const p = this.rig.pose;
    let near: PlacedSite | null = null;
    for (const site of this.layout.sites) {
      if (site.levels < 2 || p.distance > HUB_NEAR_M) continue;
      if (Math.hypot(site.x - p.x, site.z - p.z) < 60 * siteScale(this.ctx, site.x, site.z)) near = site;
    }
    if (near !== this.nearHub) {
      this.nearHub = near;
      if (!near) this.setStorey(null);
      this.onNearHub(near, this.storey);
    }
  }

  private applyQuality(): void {
    const level = LEVELS[this.quality.level];
    if (!level) return;
    this.stats.quality = this.quality.level;
    this.options.setDpr(Math.min(level.dpr, window.devicePixelRatio || 1));
    for (const module of this.modules) module.setQuality?.(level);
  }

  private measure(began: number, ms: number, frameMs: number, ticked: boolean): void {
    const s = this.stats;
    const info = this.gl.info;
    s.frames += 1;
    s.drawCalls = info.render.calls;
    s.triangles = info.render.triangles;
    info.reset();
    s.uploadedBytes = this.counts.uploaded;
    if (ticked) s.tickUploadedBytes = this.counts.uploaded;
    else s.idleUploadedBytes = this.counts.uploaded;
    this.counts.uploaded = 0;
    s.cpuMs = performance.now() - began;
    this.fpsFrames += 1;
    if (ms - this.fpsFrom >= 1000) {
      s.fps = (this.fpsFrames * 1000) / (ms - this.fpsFrom);
      this.fpsFrom = ms;
      this.fpsFrames = 0;
      this.slowFigures();
    }
    window.__voltwinStats = s;
    if (this.options.level !== 'auto' || this.options.freeze !== null) return;
    const next = stepQuality(this.quality, ms, frameMs);
    const changed = next.level !== this.quality.level;
    this.quality = next;
    if (changed) this.applyQuality();
  }

  private slowFigures(): void {
    const s = this.stats;
    const e = this.gl.domElement;
    s.sceneBytes = this.modules.reduce((sum, module) => sum + module.bytes(), 0);
    const samples = this.samples;
    s.framebufferBytes = framebufferBytes(e.width, e.height, samples);
    s.stations = this.layout.stations.length;
    const q = this.options.live.latency.quantiles();
    s.latencyP50 = q?.p50 ?? null;
    s.latencyP95 = q?.p95 ?? null;
    const a = this.options.live.arrival.quantiles();
    s.arrivalP50 = a?.p50 ?? null;
    s.arrivalP95 = a?.p95 ?? null;
  }
}

function emptyStats(renderer: string): SceneStats {
  return {
    fps: 0,
    frames: 0,
    drawCalls: 0,
    triangles: 0,
    sceneBytes: 0,
    framebufferBytes: 0,
    uploadedBytes: 0,
    idleUploadedBytes: 0,
    tickUploadedBytes: 0,
    cpuMs: 0,
    latencyP50: null,
    latencyP95: null,
    arrivalP50: null,
    arrivalP95: null,
    quality: 0,
    vehicles: 0,
    stations: 0,
    renderer,
  };
}
