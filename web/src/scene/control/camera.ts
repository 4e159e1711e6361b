import { Vector3, type PerspectiveCamera } from 'three';

const MIN_TILT = 0.06;
const MAX_TILT = 1.38;
const DAMPING = 9;
const FLY_S = 1.1;
/** A flight begins with its first picture, however long nothing was drawn before it. */
const FIRST_PICTURE_S = 1 / 60;

/** What the camera looks at, from where: azimuth clockwise from north, tilt from straight above. */
export interface Pose {
  x: number;
  y: number;
  z: number;
  distance: number;
  azimuth: number;
  tilt: number;
}

const KEYS = ['x', 'y', 'z', 'distance', 'azimuth', 'tilt'] as const;
const ease = (t: number) => (t < 0.5 ? 4 * t * t * t : 1 - (-2 * t + 2) ** 3 / 2);

/**
 * The camera hand: turn, pan and zoom by pointer, touch and keys with damping; flies to a pose; follows a point. It
 * keeps a wanted pose and lets the real one run after it, so that every input ends softly.
 */
export class CameraRig {
  readonly pose: Pose = { x: 0, y: 0, z: 0, distance: 1000, azimuth: -0.5, tilt: 0.9 };
  readonly want: Pose = { ...this.pose };
  minDistance = 8;
  maxDistance = 40_000;
  /** Changes jump instead of gliding. */
  still = false;
  private readonly camera: PerspectiveCamera;
  private readonly wake: () => void;
  private from: Pose | null = null;
  private flown = 0;
  private first = false;
  private element: HTMLElement | null = null;
  private readonly pointers = new Map<number, { x: number; y: number }>();
  private readonly held = new Set<string>();
  private readonly ray = new Vector3();
  /** Called when a person takes the camera, so that following ends. */
  onTaken: () => void = () => {};

  constructor(camera: PerspectiveCamera, wake: () => void) {
    this.camera = camera;
    this.wake = wake;
  }

  /**
   * Goes to a pose: at once when `still`, else along a soft curve of the same time at any pace of pictures. False, and
   * nothing changes, where the pose is no place: one number that is none would leave every later picture empty.
   */
  fly(to: Partial<Pose>): boolean {
    if (!Object.values(to).every(Number.isFinite)) return false;
    Object.assign(this.want, to);
    this.want.azimuth = this.pose.azimuth + wrap(this.want.azimuth - this.pose.azimuth);
    this.clamp();
    if (this.still) {
      Object.assign(this.pose, this.want);
      this.from = null;
    } else {
      this.from = { ...this.pose };
      this.flown = 0;
      this.first = true;
    }
    this.wake();
    return true;
  }

  /** Keeps looking at a point that moves. */
  track(x: number, y: number, z: number): void {
    if (!Number.isFinite(x + y + z)) return;
    this.want.x = x;
    this.want.y = y;
    this.want.z = z;
  }

  /** Advances by `dt` seconds of the clock on the wall; true while the picture still changes. */
  update(dt: number): boolean {
    this.keys(dt);
    const p = this.pose;
    const w = this.want;
    let moving = false;
    if (this.from) {
      this.flown = Math.min(1, this.flown + (this.first ? Math.min(dt, FIRST_PICTURE_S) : dt) / FLY_S);
      this.first = false;
      const t = ease(this.flown);
      for (const key of KEYS) p[key] = this.from[key] + (w[key] - this.from[key]) * t;
      // Distance glides on a logarithmic scale: every part of the way looks equally fast.
      p.distance = this.from.distance * (w.distance / this.from.distance) ** t;
      if (this.flown >= 1) this.from = null;
      moving = true;
    } else {
      const k = this.still ? 1 : 1 - Math.exp(-DAMPING * dt);
      for (const key of KEYS) {
        const gap = w[key] - p[key];
        const small = key === 'azimuth' || key === 'tilt' ? 2e-4 : p.distance * 2e-4;
        if (Math.abs(gap) < small) p[key] = w[key];
        else {
          p[key] += gap * k;
          moving = true;
        }
      }
    }
    this.place();
    return moving || this.held.size > 0;
  }

  /** Puts the three.js camera where the pose says. */
  place(): void {
    const p = this.pose;
    const c = this.camera;
    const out = Math.sin(p.tilt) * p.distance;
    c.position.set(
      p.x - Math.sin(p.azimuth) * out,
      p.y + Math.cos(p.tilt) * p.distance,
      p.z + Math.cos(p.azimuth) * out,
    );
    c.up.set(0, 1, 0);
    c.lookAt(p.x, p.y, p.z);
    c.near = Math.max(0.3, p.distance * 0.02);
    c.far = p.distance * 30 + 4000;
    c.updateProjectionMatrix();
    c.updateMatrixWorld();
  }

  attach(element: HTMLElement): () => void {
    this.element = element;
    const stop = new AbortController();
    const on = <K extends keyof HTMLElementEventMap>(
      type: K,
      run: (event: HTMLElementEventMap[K]) => void,
      passive = true,
    ) => element.addEventListener(type, run, { signal: stop.signal, passive });
    on('pointerdown', (e) => {
      this.pointers.set(e.pointerId, { x: e.clientX, y: e.clientY });
      element.setPointerCapture(e.pointerId);
    });
    const lift = (e: PointerEvent) => this.pointers.delete(e.pointerId);
    on('pointerup', lift);
    on('pointercancel', lift);
    on('pointermove', (e) => this.drag(e));
    on(
      'wheel',
      (e) => {
        e.preventDefault();
        const step = e.deltaMode === 1 ? e.deltaY * 18 : e.deltaY;
        this.zoom(Math.exp(Math.max(-120, Math.min(120, step)) * 0.0022), e.offsetX, e.offsetY);
      },
      false,
    );
    on('contextmenu', (e) => e.preventDefault(), false);
    on(
      'keydown',
      (e) => {
        if (!KEYBOARD.has(e.key) || e.ctrlKey || e.metaKey || e.altKey) return;
        e.preventDefault();
        this.held.add(e.key);
        this.taken();
      },
      false,
    );
    on('keyup', (e) => this.held.delete(e.key));
    on('blur', () => this.held.clear());
    return () => stop.abort();
  }

  private drag(e: PointerEvent): void {
    const before = this.pointers.get(e.pointerId);
    if (!before) return;
    const dx = e.clientX - before.x;
    const dy = e.clientY - before.y;
    if (this.pointers.size === 2) this.pinch(e, dx, dy);
    else if (e.shiftKey || (e.buttons & 6) !== 0) this.pan(dx, dy);
    else {
      this.want.azimuth += dx * 0.0052;
      this.want.tilt -= dy * 0.0042;
    }
    before.x = e.clientX;
    before.y = e.clientY;
    this.clamp();
    if (dx !== 0 || dy !== 0) this.taken();
  }

  private pinch(e: PointerEvent, dx: number, dy: number): void {
    const other = [...this.pointers].find(([id]) => id !== e.pointerId)?.[1];
    const mine = this.pointers.get(e.pointerId);
    if (!other || !mine) return;
    const before = Math.hypot(mine.x - other.x, mine.y - other.y);
    const after = Math.hypot(e.clientX - other.x, e.clientY - other.y);
    if (before > 0 && after > 0) this.want.distance *= before / after;
    this.want.azimuth += wrap(
      Math.atan2(e.clientY - other.y, e.clientX - other.x) - Math.atan2(mine.y - other.y, mine.x - other.x),
    );
    this.pan(dx / 2, dy / 2);
  }

  private pan(dx: number, dy: number): void {
    const height = this.element?.clientHeight ?? 800;
    const metres = (2 * this.want.distance * Math.tan((this.camera.fov * Math.PI) / 360)) / height;
    const s = Math.sin(this.want.azimuth);
    const c = Math.cos(this.want.azimuth);
    const x = -dx * metres;
    const z = (-dy * metres) / Math.max(0.35, Math.cos(this.want.tilt));
    this.want.x += c * x - s * z;
    this.want.z += s * x + c * z;
  }

  private zoom(factor: number, px: number, py: number): void {
    const before = this.want.distance;
    this.want.distance *= factor;
    this.clamp();
    const pulled = 1 - this.want.distance / before;
    const at = this.groundAt(px, py);
    // What lies under the pointer stays there.
    if (at && Math.hypot(at.x - this.pose.x, at.z - this.pose.z) < this.pose.distance * 3) {
      this.want.x += (at.x - this.want.x) * pulled;
      this.want.z += (at.z - this.want.z) * pulled;
    }
    this.taken();
  }

  /** The point of the ground under a pixel of the element. */
  private groundAt(px: number, py: number): Vector3 | null {
    const e = this.element;
    if (!e) return null;
    const origin = this.camera.position;
    this.ray
      .set((px / e.clientWidth) * 2 - 1, 1 - (py / e.clientHeight) * 2, 0.5)
      .unproject(this.camera)
      .sub(origin)
      .normalize();
    if (this.ray.y > -1e-3) return null;
    return this.ray.multiplyScalar(-origin.y / this.ray.y).add(origin);
  }

  private keys(dt: number): void {
    if (this.held.size === 0) return;
    const pace = this.want.distance * 0.55 * dt;
    const step = { x: 0, z: 0 };
    for (const key of this.held) {
      if (key === 'ArrowUp') step.z -= pace;
      else if (key === 'ArrowDown') step.z += pace;
      else if (key === 'ArrowLeft') step.x -= pace;
      else if (key === 'ArrowRight') step.x += pace;
      else if (key === 'q' || key === 'Q') this.want.azimuth += 1.1 * dt;
      else if (key === 'e' || key === 'E') this.want.azimuth -= 1.1 * dt;
      else if (key === '+' || key === '=') this.want.distance *= Math.exp(-1.3 * dt);
      else if (key === '-') this.want.distance *= Math.exp(1.3 * dt);
      else if (key === 'PageUp') this.want.tilt -= 0.8 * dt;
      else if (key === 'PageDown') this.want.tilt += 0.8 * dt;
    }
    const s = Math.sin(this.want.azimuth);
    const c = Math.cos(this.want.azimuth);
    this.want.x += c * step.x - s * step.z;
    this.want.z += s * step.x + c * step.z;
    this.clamp();
  }

  private clamp(): void {
    this.want.tilt = Math.min(MAX_TILT, Math.max(MIN_TILT, this.want.tilt));
    this.want.distance = Math.min(this.maxDistance, Math.max(this.minDistance, this.want.distance));
  }

  private taken(): void {
    this.from = null;
    this.onTaken();
    this.wake();
  }
}

const KEYBOARD = new Set([
  'ArrowUp',
  'ArrowDown',
  'ArrowLeft',
  'ArrowRight',
  'q',
  'Q',
  'e',
  'E',
  '+',
  '=',
  '-',
  'PageUp',
  'PageDown',
]);

/** An angle in −π to π. */
export function wrap(angle: number): number {
  return angle - 2 * Math.PI * Math.round(angle / (2 * Math.PI));
}
