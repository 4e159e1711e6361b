/** What a level of quality asks of the renderer. */
export interface QualityLevel {
  /** Highest device pixel ratio. */
  dpr: number;
  /** Share of particles, 0 to 1. */
  particles: number;
  /** Labels shown at once. */
  labels: number;
}

/** Worst to best. */
export const LEVELS: readonly QualityLevel[] = [
  { dpr: 0.75, particles: 0.3, labels: 12 },
  { dpr: 1, particles: 0.45, labels: 20 },
  { dpr: 1.25, particles: 0.7, labels: 32 },
  { dpr: 1.5, particles: 1, labels: 50 },
  { dpr: 2, particles: 1, labels: 50 },
];

const SLOW_MS = 20;
const FAST_MS = 12;
const DOWN_AFTER_MS = 1000;
const UP_AFTER_MS = 5000;
/** Changes of direction after which the level stays. */
const FLIP_LIMIT = 2;
/** Longer than this is a pause (a hidden tab, a still scene) and no slow picture. */
const PAUSE_MS = 400;
const WINDOW = 60;

export interface QualityState {
  level: number;
  /** Newest frame times, oldest first, at most a second's worth. */
  samples: readonly number[];
  slowSince: number | null;
  fastSince: number | null;
  lastMove: -1 | 0 | 1;
  flips: number;
}

/** The state to start from. */
export function startQuality(level: number): QualityState {
  return {
    level: Math.min(LEVELS.length - 1, Math.max(0, Math.round(level))),
    samples: [],
    slowSince: null,
    fastSince: null,
    lastMove: 0,
    flips: 0,
  };
}

/** The level a device most likely holds, from what the browser tells. */
export function guessLevel(device: { cores: number; coarsePointer: boolean; software: boolean }): number {
  if (device.software) return 0;
  if (device.coarsePointer || device.cores <= 4) return 2;
  return device.cores <= 8 ? 3 : 4;
}

/**
 * One picture took `frameMs`: down a level when three quarters of a second's pictures are slower than 20 ms, up when
 * they are faster than 12 ms for five seconds, settled after two changes of direction. Pure.
 */
export function stepQuality(state: QualityState, nowMs: number, frameMs: number): QualityState {
  if (frameMs > PAUSE_MS) return { ...state, samples: [], slowSince: null, fastSince: null };
  const samples = [...state.samples, frameMs].slice(-WINDOW);
  const sorted = [...samples].sort((a, b) => a - b);
  const p75 = sorted[Math.floor(sorted.length * 0.75)] ?? 0;
  const slowSince = p75 > SLOW_MS ? (state.slowSince ?? nowMs) : null;
  const fastSince = p75 < FAST_MS ? (state.fastSince ?? nowMs) : null;
  const next = { ...state, samples, slowSince, fastSince };
  if (state.flips >= FLIP_LIMIT) return next;
  if (slowSince !== null && nowMs - slowSince >= DOWN_AFTER_MS) return move(next, -1);
  if (fastSince !== null && nowMs - fastSince >= UP_AFTER_MS) return move(next, 1);
  return next;
}

function move(state: QualityState, by: -1 | 1): QualityState {
  const level = state.level + by;
  if (level < 0 || level >= LEVELS.length) return { ...state, slowSince: null, fastSince: null };
  const flips = state.lastMove !== 0 && state.lastMove !== by ? state.flips + 1 : state.flips;
  return { level, samples: [], slowSince: null, fastSince: null, lastMove: by, flips };
}
