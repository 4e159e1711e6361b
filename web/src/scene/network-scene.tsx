import { Canvas, useFrame, useThree } from '@react-three/fiber';
import { useCallback, useEffect, useMemo, useRef, useState, type PointerEvent, type ReactNode } from 'react';
import type { PerspectiveCamera } from 'three';
import type { Scene } from '@/api/types';
import { live as pageLive, type LiveClient } from '@/live/client';
import type { Theme } from '@/ui/tokens';
import { useReducedMotion } from '@/ui/use-media';
import { hasWebGl, paintsInSoftware } from '@/ui/webgl';
import { benchClient, benchScene, parseBench } from './bench';
import { fenceOn, Pace } from './control/pace';
import { guessLevel } from './control/quality';
import { SceneEngine } from './engine';
import { Hud } from './hud';
import type { Hit } from './kit/context';
import type { PlacedSite } from './layout';
import type { CameraMode, Conduct, Layers, Quality, Selection, StationGroups } from './types';
import './scene.css';

export interface NetworkSceneProps {
  /** The answer of `GET /api/v1/scene`. */
  scene: Scene;
  selection: Selection | null;
  onSelect: (selection: Selection | null) => void;
  camera?: CameraMode;
  onCamera?: (mode: CameraMode) => void;
  layers?: Layers;
  /** Tells stations apart by these instead of by their state. */
  groups?: StationGroups | null;
  /** Stations that do not keep to the protocol. */
  conduct?: ReadonlyMap<string, Conduct>;
  theme: Theme;
  quality?: Quality;
  /** Stands over the stage until the first picture was drawn. */
  loading?: ReactNode;
  className?: string;
}

const ALL: Layers = {
  zones: true,
  stations: true,
  vehicles: true,
  flows: true,
  load: true,
  care: true,
  versions: true,
  violations: true,
  labels: true,
};
const NOBODY: ReadonlyMap<string, Conduct> = new Map();
/** A press that moves farther than this turns the camera and chooses nothing. */
const CLICK_PX = 5;
const HOVER_EVERY_MS = 70;

interface Settings {
  freeze: number | null;
  bench: number | null;
  seed: number;
  hud: boolean;
}

/** What the address asks of the scene: `freeze=<seconds>`, `seed=<n>`, `bench=vehicles:<n>`, `hud=1`. */
export function readSettings(query: string): Settings {
  const q = new URLSearchParams(query);
  const freeze = Number(q.get('freeze') ?? Number.NaN);
  const seed = Number(q.get('seed') ?? 1);
  return {
    freeze: Number.isFinite(freeze) && freeze >= 0 ? Math.min(freeze, 3600) : null,
    bench: parseBench(q.get('bench')),
    seed: Number.isFinite(seed) ? seed : 1,
    hud: q.get('hud') === '1',
  };
}

/** The network in 3D. Needs WebGL 2; without it the element says so and the tables carry on. */
export function NetworkScene(props: NetworkSceneProps) {
  const [settings] = useState(() => readSettings(globalThis.location?.search ?? ''));
  const [client] = useState<LiveClient>(() =>
    settings.bench === null ? pageLive : benchClient(settings.bench, settings.seed, settings.freeze),
  );
  const scene = useMemo(
    () => (settings.bench === null ? props.scene : benchScene()),
    [settings, props.scene],
  );
  useEffect(() => {
    if (settings.bench === null && !pageLive.started) pageLive.start();
    return () => {
      if (client !== pageLive) client.stop();
    };
  }, [client, settings]);
  if (!hasWebGl())
    return (
      <div className={`scene-root scene-message ${props.className ?? ''}`} role="note">
        This browser cannot draw the 3D view. The table shows the same network.
      </div>
    );
  return <Stage {...props} scene={scene} client={client} settings={settings} />;
}

function Stage({
  scene,
  selection,
  onSelect,
  camera = 'overview',
  onCamera,
  layers = ALL,
  groups = null,
  conduct = NOBODY,
  theme,
  quality = 'auto',
  loading,
  className,
  client,
  settings,
}: NetworkSceneProps & { client: LiveClient; settings: Settings }) {
  const [engine, setEngine] = useState<SceneEngine | null>(null);
  const [lost, setLost] = useState(false);
  const [drawn, setDrawn] = useState(false);
  const onDrawn = useCallback(() => setDrawn(true), []);
  const still = useReducedMotion();
  const [hud, setHud] = useState(settings.hud);
  const [hub, setHub] = useState<{ site: PlacedSite; storey: number | null } | null>(null);
  const labels = useRef<HTMLDivElement>(null);
  const root = useRef<HTMLDivElement>(null);
  const pointer = usePointer(engine, onSelect);

  useEffect(() => engine?.setTheme(theme), [engine, theme]);
  useEffect(() => engine?.setStill(still), [engine, still]);
  useEffect(() => engine?.setLayers(layers), [engine, layers]);
  useEffect(() => engine?.setGroups(groups), [engine, groups]);
  useEffect(() => engine?.setConduct(conduct), [engine, conduct]);
  useEffect(() => engine?.select(selection), [engine, selection]);
  useEffect(() => engine?.setMode(camera), [engine, camera]);
  useEffect(() => {
    if (!engine || !root.current) return;
    engine.listen(
      (site, storey) => setHub(site && { site, storey }),
      () => onCamera?.('overview'),
    );
    return engine.rig.attach(root.current);
  }, [engine, onCamera]);

  return (
    <div
      ref={root}
      className={`scene-root ${className ?? ''}`}
      tabIndex={0}
      role="application"
      aria-label="Network in 3D. Arrow keys move, Q and E turn, plus and minus zoom, Home shows everything, Escape ends the selection, I shows performance figures."
      onKeyDown={(event) => {
        if (event.target !== event.currentTarget) return;
        if (event.key === 'Home') engine?.reset();
        else if (event.key === 'Escape') onSelect(null);
        else if (event.key === 'i' && !event.ctrlKey && !event.metaKey) setHud((on) => !on);
      }}
      {...pointer.handlers}
    >
      <Canvas
        frameloop="demand"
        dpr={1}
        flat
        gl={{
          antialias: !paintsInSoftware(),
          powerPreference: 'high-performance',
          preserveDrawingBuffer: settings.freeze !== null,
        }}
        camera={{ fov: 30, near: 1, far: 100_000 }}
        fallback={null}
      >
        <Kit
          scene={scene}
          client={client}
          settings={settings}
          theme={theme}
          still={still}
          quality={quality}
          labels={labels}
          onEngine={setEngine}
          onLost={setLost}
          onDrawn={onDrawn}
        />
      </Canvas>
      <div ref={labels} className="scene-labels" aria-hidden="true" />
      {pointer.tip}
      {hub && engine && <Storeys key={hub.site.id} hub={hub.site} storey={hub.storey} engine={engine} />}
      {hud && engine && <Hud stats={engine.stats} />}
      {!drawn && !lost && loading}
      {lost && (
        <div className="scene-message scene-lost" role="status">
          The graphics processor was taken away. The view returns by itself.
        </div>
      )}
    </div>
  );
}

interface KitProps {
  scene: Scene;
  client: LiveClient;
  settings: Settings;
  theme: Theme;
  still: boolean;
  quality: Quality;
  labels: { current: HTMLDivElement | null };
  onEngine: (engine: SceneEngine | null) => void;
  onLost: (lost: boolean) => void;
  onDrawn: () => void;
}

/** The only component inside the canvas: builds the engine, and draws when it is asked to. */
function Kit({
  scene,
  client,
  settings,
  theme,
  still,
  quality,
  labels,
  onEngine,
  onLost,
  onDrawn,
}: KitProps) {
  const get = useThree((state) => state.get);
  const engine = useRef<SceneEngine | null>(null);
  const pace = useRef<Pace | null>(null);
  const firstTheme = useRef(theme);
  const firstStill = useRef(still);

  useEffect(() => {
    const { gl, scene: stage, camera, invalidate, setDpr } = get();
    const element = labels.current;
    if (!element) return;
    const software = paintsInSoftware();
    // A measurement wants as many pictures as there can be.
    const rests = software && settings.bench === null;
    const context = gl.getContext() as WebGL2RenderingContext;
    const paced = rests ? new Pace(invalidate, () => fenceOn(context)) : null;
    pace.current = paced;
    const made = new SceneEngine(gl, stage, camera as PerspectiveCamera, {
      scene,
      live: client,
      theme: firstTheme.current,
      labels: element,
      wake: () => invalidate(),
      changed: () => (paced ? paced.ask() : invalidate()),
      setDpr: (dpr) => setDpr(dpr),
      freeze: settings.freeze,
      still: firstStill.current,
      level: quality,
      guessedLevel: guessLevel({
        cores: navigator.hardwareConcurrency || 4,
        coarsePointer: matchMedia('(pointer: coarse)').matches,
        software,
      }),
    });
    engine.current = made;
    onEngine(made);
    const onContextLost = (event: Event) => {
      event.preventDefault();
      onLost(true);
    };
    const onContextBack = () => {
      onLost(false);
      made.restored();
    };
    gl.domElement.addEventListener('webglcontextlost', onContextLost);
    gl.domElement.addEventListener('webglcontextrestored', onContextBack);
    invalidate();
    return () => {
      gl.domElement.removeEventListener('webglcontextlost', onContextLost);
      gl.domElement.removeEventListener('webglcontextrestored', onContextBack);
      paced?.stop();
      pace.current = null;
      engine.current = null;
      onEngine(null);
      made.dispose();
    };
  }, [get, scene, client, settings, quality, labels, onEngine, onLost]);

  // A priority above 0 hands drawing to us; without an engine there is nothing to draw.
  useFrame((state) => {
    const drawing = engine.current;
    if (!drawing) return;
    const now = performance.now();
    const more = drawing.frame(now);
    pace.current?.drawn(now);
    if (more && pace.current && !drawing.steered) pace.current.ask();
    else if (more) state.invalidate();
    if (drawing.stats.frames === 1) onDrawn();
  }, 1);
  return null;
}

/** Hover, click and the note beside the pointer. */
function usePointer(engine: SceneEngine | null, onSelect: (selection: Selection | null) => void) {
  const [hit, setHit] = useState<{ hit: Hit; x: number; y: number } | null>(null);
  const down = useRef<{ x: number; y: number } | null>(null);
  const last = useRef(0);
  const at = (event: PointerEvent<HTMLDivElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  const onPointerMove = useCallback(
    (event: PointerEvent<HTMLDivElement>) => {
      const now = performance.now();
      if (!engine || event.buttons !== 0 || now - last.current < HOVER_EVERY_MS) return;
      if (!(event.target instanceof HTMLCanvasElement)) return;
      last.current = now;
      const { x, y } = at(event);
      const found = engine.pick(x, y);
      const thing = found && found.kind !== 'zone' ? found : null;
      event.currentTarget.style.cursor = thing ? 'pointer' : '';
      setHit((before) => {
        if (before?.hit.id !== thing?.id) engine.hover(thing);
        return thing ? { hit: thing, x, y } : null;
      });
    },
    [engine],
  );
  const handlers = {
    onPointerMove,
    onPointerDown: (event: PointerEvent<HTMLDivElement>) => {
      down.current =
        event.target instanceof HTMLCanvasElement ? { x: event.clientX, y: event.clientY } : null;
    },
    onPointerUp: (event: PointerEvent<HTMLDivElement>) => {
      const from = down.current;
      down.current = null;
      if (!engine || !from || event.button !== 0) return;
      if (Math.hypot(event.clientX - from.x, event.clientY - from.y) > CLICK_PX) return;
      const { x, y } = at(event);
      const found = engine.pick(x, y);
      onSelect(found ? { kind: found.kind, id: found.id } : null);
    },
    onPointerLeave: () => {
      engine?.hover(null);
      setHit(null);
    },
  };
  const tip = hit ? (
    <div
      className="scene-tip"
      style={{ transform: `translate(${hit.x + 14}px, ${hit.y + 14}px)` }}
      aria-hidden="true"
    >
      {hit.hit.id}
    </div>
  ) : null;
  return { handlers, tip };
}

/** Which storeys of a hub are seen, and whether they stand apart. */
function Storeys({ hub, storey, engine }: { hub: PlacedSite; storey: number | null; engine: SceneEngine }) {
  const setStorey = (level: number | null) => engine.setStorey(level);
  const [open, setOpen] = useState(false);
  useEffect(() => engine.setExploded(open), [engine, open]);
  useEffect(
    () => () => {
      engine.setExploded(false);
    },
    [engine],
  );
  const levels = Array.from({ length: hub.levels }, (_, i) => hub.levels - 1 - i);
  return (
    <div className="scene-storeys" role="group" aria-label={`Storeys of ${hub.name}`}>
      <button type="button" aria-pressed={storey === null} onClick={() => setStorey(null)}>
        All
      </button>
      {levels.map((level) => (
        <button
          key={level}
          type="button"
          aria-pressed={storey === level}
          aria-label={`Up to storey ${level}`}
          onClick={() => setStorey(level)}
        >
          L{level}
        </button>
      ))}
      <button type="button" aria-pressed={open} onClick={() => setOpen(!open)}>
        {open ? 'Close' : 'Open'}
      </button>
    </div>
  );
}
