import { Projection } from '@/live/motion';

export interface Place {
  id: string;
  lat: number;
  lon: number;
}

/** What a map shows: the point in its middle in metres, and metres of the ground to a pixel of the screen. */
export interface View {
  x: number;
  z: number;
  metresPerPx: number;
}

export interface Size {
  width: number;
  height: number;
}

const MARGIN_PX = 56;
/** Names stand below their stations, and the scale below them. */
const TALL_PX = 76;
/** A single station is shown with this much around it. */
const LEAST_M = 2_000;
const NEAREST = 0.5;
const FARTHEST = 20_000;

/** Where latitude and longitude are counted from: the middle of all places. */
export function projectionOf(places: readonly Place[]): Projection {
  const { lat, lon } = bounds(places);
  return new Projection((lat[0] + lat[1]) / 2, (lon[0] + lon[1]) / 2);
}

function bounds(places: readonly Place[]): { lat: [number, number]; lon: [number, number] } {
  if (places.length === 0) return { lat: [0, 0], lon: [0, 0] };
  let [south, north, west, east] = [90, -90, 180, -180];
  for (const { lat, lon } of places) {
    south = Math.min(south, lat);
    north = Math.max(north, lat);
    west = Math.min(west, lon);
    east = Math.max(east, lon);
  }
  return { lat: [south, north], lon: [west, east] };
}

/** The view that holds every place. */
export function fit(places: readonly Place[], projection: Projection, size: Size): View {
  const { lat, lon } = bounds(places);
  const wide = Math.max(LEAST_M, projection.x(lon[1]) - projection.x(lon[0]));
  const tall = Math.max(LEAST_M, projection.z(lat[0]) - projection.z(lat[1]));
  const room = {
    width: Math.max(40, size.width - 2 * MARGIN_PX),
    height: Math.max(40, size.height - 2 * TALL_PX),
  };
  return {
    x: (projection.x(lon[0]) + projection.x(lon[1])) / 2,
    z: (projection.z(lat[0]) + projection.z(lat[1])) / 2,
    metresPerPx: Math.max(wide / room.width, tall / room.height),
  };
}

export function toPx(view: View, size: Size, x: number, z: number): [number, number] {
  return [
    (x - view.x) / view.metresPerPx + size.width / 2,
    (z - view.z) / view.metresPerPx + size.height / 2,
  ];
}

export function toMetres(view: View, size: Size, px: number, py: number): [number, number] {
  return [
    (px - size.width / 2) * view.metresPerPx + view.x,
    (py - size.height / 2) * view.metresPerPx + view.z,
  ];
}

/** Closer or farther by a factor; what lies under the pixel stays there. */
export function zoom(view: View, size: Size, factor: number, px: number, py: number): View {
  const [x, z] = toMetres(view, size, px, py);
  const metresPerPx = Math.min(FARTHEST, Math.max(NEAREST, view.metresPerPx * factor));
  const kept = metresPerPx / view.metresPerPx;
  return { x: x + (view.x - x) * kept, z: z + (view.z - z) * kept, metresPerPx };
}

export function pan(view: View, dx: number, dy: number): View {
  return { ...view, x: view.x - dx * view.metresPerPx, z: view.z - dy * view.metresPerPx };
}

/** Latitude and longitude of a point, in the digits that a metre needs. */
export function toDegrees(projection: Projection, x: number, z: number): { lat: number; lon: number } {
  const perLon = projection.x(projection.lon + 1);
  const perLat = projection.z(projection.lat - 1);
  return {
    lat: Number((projection.lat - z / perLat).toFixed(5)),
    lon: Number((projection.lon + x / perLon).toFixed(5)),
  };
}

/** A round length that is near `px` pixels wide, for the scale and the lines below the map. */
export function roundLength(view: View, px: number): number {
  const metres = view.metresPerPx * px;
  const power = 10 ** Math.floor(Math.log10(metres));
  return ([5, 2, 1].find((n) => n * power <= metres) ?? 1) * power;
}

/**
 * The place that lies next in the direction of an arrow key: near, and not far to the side. Null where there is none.
 */
export function neighbour(
  places: readonly { id: string; x: number; z: number }[],
  from: { x: number; z: number },
  dx: number,
  dz: number,
): string | null {
  let best = Number.POSITIVE_INFINITY;
  let found: string | null = null;
  for (const place of places) {
    const along = (place.x - from.x) * dx + (place.z - from.z) * dz;
    const aside = Math.abs((place.x - from.x) * dz - (place.z - from.z) * dx);
    if (along <= 1e-6 || aside > along * 2) continue;
    const cost = along + 2 * aside;
    if (cost < best) [best, found] = [cost, place.id];
  }
  return found;
}
