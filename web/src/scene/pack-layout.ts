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

export type CellShape = 'prismatic' | 'cylindrical' | 'pouch';

const GAP = 0.03;
const PITCH: Record<CellShape, readonly [number, number]> = {
  prismatic: [0.034, 0.16],
  cylindrical: [0.052, 0.052],
  pouch: [0.02, 0.18],
};
/** Cells of a car in a round can hold less than this; what holds more is flat. */
const ROUND_UP_TO_AH = 7;
/** So many cells in one string are small ones. */
const ROUND_FROM_CELLS = 193;

/** The shape that cells of this kind mostly have, where the pack does not say its own. */
export function usualShape(
  count: number,
  cellCapacityAh?: number | null,
  chemistry?: string | null,
): CellShape {
  if (cellCapacityAh != null) {
    if (cellCapacityAh < ROUND_UP_TO_AH) return 'cylindrical';
    return chemistry?.toUpperCase().startsWith('LFP') ? 'prismatic' : 'pouch';
  }
  return count >= ROUND_FROM_CELLS ? 'cylindrical' : 'prismatic';
}

/** Modules of `moduleSize` cells side by side, in a field as square as it gets. */
export function layOutPack(count: number, moduleSize: number, shape: CellShape): PackLayout {
  const size = Math.max(1, Math.min(moduleSize, count || 1));
  const modules = Math.max(1, Math.ceil(count / size));
  const [pitchX, pitchZ] = PITCH[shape];
  const columns = shape === 'cylindrical' ? Math.max(1, Math.ceil(Math.sqrt(size * 1.6))) : size;
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

/** The nearest cell in a direction of the pack's frame, the cell itself at an edge. */
export function neighbour(layout: PackLayout, from: number, dx: number, dz: number): number {
  const start = layout.cells[from];
  if (!start) return 0;
  let best = from;
  let least = Infinity;
  layout.cells.forEach((cell, i) => {
    const along = (cell.x - start.x) * dx + (cell.z - start.z) * dz;
    const across = Math.abs((cell.x - start.x) * dz) + Math.abs((cell.z - start.z) * dx);
    // A step to the side counts more than a longer one ahead, so that a row is walked to its end.
    const far = along + across * 3;
    if (along > 1e-6 && far < least) {
      least = far;
      best = i;
    }
  });
  return best;
}

/** How much of the picture a fitted pack takes. */
const FILLS = 0.9;

/**
 * From how far a box of width, height and depth is seen whole, looked at in its middle. `fov` is the vertical angle in
 * degrees, `aspect` the width of the picture over its height.
 */
export function fitDistance(
  [width, height, depth]: readonly [number, number, number],
  { azimuth, tilt }: { azimuth: number; tilt: number },
  fov: number,
  aspect: number,
): number {
  const up = Math.tan((fov * Math.PI) / 360) * FILLS;
  const across = up * (aspect > 0 ? aspect : 1.6);
  const [sa, ca, st, ct] = [Math.sin(azimuth), Math.cos(azimuth), Math.sin(tilt), Math.cos(tilt)];
  let distance = 0;
  for (const x of [-width / 2, width / 2])
    for (const y of [-height / 2, height / 2])
      for (const z of [-depth / 2, depth / 2]) {
        const right = x * ca + z * sa;
        const ahead = z * ca - x * sa;
        const near = ahead * st + y * ct;
        const high = y * st - ahead * ct;
        distance = Math.max(distance, near + Math.max(Math.abs(right) / across, Math.abs(high) / up));
      }
  return distance;
}
