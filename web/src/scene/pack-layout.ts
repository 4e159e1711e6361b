/** Where a cell stands: module, and metres in the pack's frame. */
export interface CellPlace {
  module: number;
  x: number;
  z: number;
}

export interface PackLayout {
  cells: CellPlace[];
  modules: { x: number; z: number; width: number; depth: number }[];
  width: number;
  depth: number;
  /** Cell pitch along x and z, metres. */
  pitchX: number;
  pitchZ: number;
}

export type CellShape = 'prismatic' | 'cylindrical';

const GAP = 0.03;
const PITCH: Record<CellShape, readonly [number, number]> = {
  prismatic: [0.034, 0.16],
  cylindrical: [0.052, 0.052],
};

/** Modules of `moduleSize` cells side by side, in a field as square as it gets. */
export function layOutPack(count: number, moduleSize: number, shape: CellShape): PackLayout {
  const size = Math.max(1, Math.min(moduleSize, count || 1));
  const modules = Math.max(1, Math.ceil(count / size));
  const [pitchX, pitchZ] = PITCH[shape];
  const columns = shape === 'prismatic' ? size : Math.max(1, Math.ceil(Math.sqrt(size * 1.6)));
  const rows = Math.ceil(size / columns);
  const width = columns * pitchX;
  const depth = rows * pitchZ;
  const across = Math.max(1, Math.round(Math.sqrt((modules * (depth + GAP) * 1.5) / (width + GAP))));
  const down = Math.ceil(modules / across);
  const total = { w: across * (width + GAP) - GAP, d: down * (depth + GAP) - GAP };
  const layout: PackLayout = { cells: [], modules: [], width: total.w, depth: total.d, pitchX, pitchZ };
  for (let m = 0; m < modules; m++) {
    const x = (m % across) * (width + GAP) - total.w / 2 + width / 2;
    const z = Math.floor(m / across) * (depth + GAP) - total.d / 2 + depth / 2;
    layout.modules.push({ x, z, width, depth });
    for (let i = 0; i < size && layout.cells.length < count; i++) {
      layout.cells.push({
        module: m,
        x: x + ((i % columns) + 0.5) * pitchX - width / 2,
        z: z + (Math.floor(i / columns) + 0.5) * pitchZ - depth / 2,
      });
    }
  }
  return layout;
}

/** Dark blue to yellow, even in lightness for every common colour vision (cividis). */
export const RAMP: readonly number[] = [
  0x00224e, 0x123570, 0x3b496c, 0x575d6d, 0x707173, 0x8a8678, 0xa59c74, 0xc3b369, 0xe1cc55, 0xfee838,
];

/** The ramp as a CSS gradient. */
export function rampCss(): string {
  return `linear-gradient(90deg, ${RAMP.map((c) => `#${c.toString(16).padStart(6, '0')}`).join(', ')})`;
}

/** Range of the values, never narrower than `least`, so that noise does not look like a difference. */
export function valueRange(values: readonly number[], least: number): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (const v of values) {
    if (!Number.isFinite(v)) continue;
    low = Math.min(low, v);
    high = Math.max(high, v);
  }
  if (low > high) return [0, least];
  const missing = least - (high - low);
  return missing > 0 ? [low - missing / 2, high + missing / 2] : [low, high];
}
