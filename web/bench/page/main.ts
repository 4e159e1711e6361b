import { PerspectiveCamera, Scene, WebGLRenderer } from 'three';
import { LiveClient } from '@/live/client';
import { benchScene, workerFleet, type BenchSource } from '@/scene/bench';
import { LEVELS } from '@/scene/control/quality';
import type { SceneStats } from '@/scene/control/meter';
import { SceneEngine } from '@/scene/engine';

/**
 * The scene alone: no React, no clocks, no stream but the one that is ticked here, pictures drawn one by one when
 * asked. What the main thread does between two marks is then the cost of the pictures, and of nothing else.
 */

/** Drawn at a tenth of the size that the page pretends to have: painting in software is not what is measured. */
const PIXEL_RATIO = 0.1;
const WIDTH = 1440;
const HEIGHT = 900;
/** Milliseconds of scene time between two pictures. */
const FRAME_MS = 1000 / 60;

/** Instances of each draw call that are handed on; one call costs the main thread the same however many it draws. */
const DRAWN = 16;

/** Spares the software painter what is not measured: the calls stay, the crowd behind them goes. */
function thin(gl: WebGL2RenderingContext): void {
  const elements = gl.drawElementsInstanced.bind(gl);
  gl.drawElementsInstanced = (mode, count, type, offset, instances) =>
    elements(mode, count, type, offset, Math.min(instances, DRAWN));
  const arrays = gl.drawArraysInstanced.bind(gl);
  gl.drawArraysInstanced = (mode, first, count, instances) =>
    arrays(mode, first, count, Math.min(instances, DRAWN));
}

/**
 * `rest`: the page waits for its turn to draw and draws nothing. `still`: time goes on, the camera rests. `turn`: the
 * camera turns, so that labels are placed again. `tick`: as `turn`, and every picture takes a fresh value of every
 * vehicle.
 */
export type Mode = 'rest' | 'still' | 'turn' | 'tick';

export interface BenchPage {
  ready: Promise<void>;
  stats: () => SceneStats;
  run: (mode: Mode, frames: number) => Promise<void>;
}

declare global {
  interface Window {
    bench?: BenchPage;
  }
}

const vehicles = Number(new URLSearchParams(location.search).get('vehicles') ?? 25);

function element(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}

const turn = () => new Promise<void>((resolve) => requestAnimationFrame(() => resolve()));

function start(): BenchPage {
  const gl = new WebGLRenderer({ antialias: true, powerPreference: 'high-performance' });
  thin(gl.getContext() as WebGL2RenderingContext);
  gl.setPixelRatio(PIXEL_RATIO);
  gl.setSize(WIDTH, HEIGHT);
  element('stage').prepend(gl.domElement);
  const camera = new PerspectiveCamera(30, WIDTH / HEIGHT, 1, 100_000);
  let source: BenchSource | null = null;
  const live = new LiveClient((deliver) => {
    source = workerFleet(deliver, vehicles, 1, 'asked');
    return source;
  });
  live.start({ url: 'bench:', hz: 5 });
  const engine = new SceneEngine(gl, new Scene(), camera, {
    scene: benchScene(),
    live,
    theme: 'dark',
    labels: element('labels'),
    wake: () => {},
    changed: () => {},
    setDpr: () => {},
    freeze: null,
    still: false,
    level: LEVELS.length - 1,
    guessedLevel: LEVELS.length - 1,
  });
  const store = live.stores.vehicle;
  const arrived = (version: number) =>
    new Promise<void>((resolve) => {
      if (store.version > version) {
        resolve();
        return;
      }
      const stop = store.subscribe(() => {
        if (store.version <= version) return;
        stop();
        resolve();
      });
    });
  let ms = 1000;
  const picture = () => engine.frame((ms += FRAME_MS));
  const run = async (mode: Mode, frames: number) => {
    for (let i = 0; i < frames; i++) {
      await turn();
      if (mode === 'rest') continue;
      if (mode === 'tick') {
        const next = arrived(store.version);
        source?.tick();
        await next;
      }
      if (mode !== 'still') engine.rig.want.azimuth += 0.004;
      picture();
    }
  };
  const ready = (async () => {
    await arrived(0);
    // Programs are compiled and buffers made with the first pictures; the browser then catches up.
    await run('tick', 3);
    await run('turn', 5);
  })();
  return { ready, stats: () => ({ ...engine.stats }), run };
}

window.bench = start();
