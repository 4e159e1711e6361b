import { PerspectiveCamera, Scene, Texture } from 'three';
import { describe, expect, it } from 'vitest';
import { LiveClient } from '@/live/client';
import { makeColumns, type Frame } from '@/live/frames';
import { benchScene } from './bench';
import { CameraRig } from './control/camera';
import { makeUniforms, type SceneContext } from './kit/context';
import { layOut } from './layout';
import { Fleet } from './modules/fleet';

const rig = () => new CameraRig(new PerspectiveCamera(30, 1.6), () => {});

describe('flights', () => {
  it.each([2, 10, 60])('last the same time on the clock at %i pictures a second', (fps) => {
    const camera = rig();
    camera.fly({ x: 500, z: -300, distance: 90 });
    let s = 0;
    while (camera.update(1 / fps)) {
      s += 1 / fps;
      expect(s).toBeLessThan(3);
    }
    expect(s).toBeGreaterThan(1);
    // The last pictures before and after the end, and one that finds nothing left to do.
    expect(s).toBeLessThan(1.1 + 3 / fps);
    expect(camera.pose).toMatchObject({ x: 500, z: -300, distance: 90 });
  });

  it('refuse a place that is none, and leave the camera where it is', () => {
    const camera = rig();
    const before = { ...camera.pose };
    expect(camera.fly({ x: Number.NaN, z: 10 })).toBe(false);
    expect(camera.fly({ x: 10, distance: Number.POSITIVE_INFINITY })).toBe(false);
    camera.track(Number.NaN, 0, 0);
    camera.update(1);
    expect(camera.pose).toEqual(before);
  });

  it('land where a moving thing is, not where it was', () => {
    const camera = rig();
    camera.fly({ x: 100, z: 0 });
    for (let i = 0; i < 90; i++) {
      camera.track(100 + i, 0, 0);
      camera.update(1 / 60);
    }
    expect(camera.pose.x).toBeGreaterThan(180);
  });
});

function vehicle(placed: boolean): Frame<'vehicle'> {
  const columns = makeColumns('vehicle', 1);
  columns.lat_e7[0] = placed ? 475_000_000 : -2_147_483_648;
  columns.lon_e7[0] = placed ? 85_000_000 : -2_147_483_648;
  columns.connector[0] = 0xffffffff;
  const clock = { seq: 0, journalSeq: 0, serverTimeUs: 0, serverTimeMs: 0 };
  return {
    ...clock,
    topic: 'vehicle',
    kind: 'snapshot',
    epoch: 1,
    rows: 1,
    baseRow: 0,
    row: null,
    columns,
    ids: ['EV-1'],
  };
}

function fleet() {
  const live = new LiveClient(() => ({ send: () => {}, close: () => {} }));
  const module = new Fleet();
  const ctx = {
    scene: new Scene(),
    camera: new PerspectiveCamera(),
    uniforms: makeUniforms(),
    layout: layOut(benchScene()),
    live,
    theme: 'dark',
    glyphs: new Texture(),
  } as unknown as SceneContext;
  module.attach(ctx);
  return { module, store: live.stores.vehicle };
}

describe('a vehicle on the map', () => {
  const at = { x: 0, y: 0, z: 0, yaw: 0 };

  it('is nowhere before a picture took its row over, and then somewhere', () => {
    const { module, store } = fleet();
    expect(module.locate('EV-1', 1, at)).toBe(false);
    store.apply(vehicle(true));
    expect(module.locate('EV-1', 1, at)).toBe(false);
    module.onSnapshot(1);
    expect(module.locate('EV-1', 1, at)).toBe(true);
    expect(Number.isFinite(at.x + at.y + at.z + at.yaw)).toBe(true);
  });

  it('is nowhere while its position is not known', () => {
    const { module, store } = fleet();
    store.apply(vehicle(false));
    module.onSnapshot(1);
    expect(module.locate('EV-1', 1, at)).toBe(false);
  });
});
