import type { Scene, SceneStation } from '@/api/types';
import { Projection } from '@/live/motion';

/** Width of one parking bay and its depth, metres. */
export const BAY_WIDTH = 2.9;
export const BAY_DEPTH = 5.4;
/** From the station's front to the kerb of its bays. */
const KERB = 0.9;
/** Clear width between two rows that stand back to back. */
const BACK = 1.4;
const MARGIN = 2.2;
/** Stations of a row before a second row opens. */
const ROW_LENGTH = 4;
/** From this power on a station is a cabinet and not a post. */
const CABINET_W = 30_000;
/** Stations without a site that stand this close share a forecourt. */
const CLUSTER_M = 60;

export interface PlacedStation {
  id: string;
  name: string;
  site: number;
  /** In the frame of the site: x right, z towards its front. */
  x: number;
  z: number;
  /** Turn about the vertical; the front of a model is +z. */
  yaw: number;
  /** Storey of a hub, −1 on the ground outside one. */
  level: number;
  cabinet: boolean;
  maxPowerW: number;
  connectors: number;
}

export interface PlacedBay {
  connector: string;
  station: number;
  site: number;
  x: number;
  z: number;
  yaw: number;
  level: number;
  /** The socket on the station, in the frame of the site, and its height. */
  socketX: number;
  socketY: number;
  socketZ: number;
}

export interface PlacedSite {
  id: string;
  name: string;
  /** Metres from the origin, x east, z south. */
  x: number;
  z: number;
  width: number;
  depth: number;
  /** Storeys; 0 for an open forecourt. */
  levels: number;
  hub: boolean;
  /** What its grid connection bears; without one, what its stations could take together. Watts. */
  limitW: number;
  /** Whether a grid connection says so. */
  limited: boolean;
}

export interface PlacedZone {
  id: string;
  name: string;
  /** Ring of x, z in metres. */
  ring: [number, number][];
  centre: [number, number];
  /** Where its name goes: inside, and away from the sites. */
  label: [number, number];
}

/** A straight stretch of road from x, z to x, z in metres. */
export type PlacedRoad = readonly [number, number, number, number];

export interface Layout {
  projection: Projection;
  zones: PlacedZone[];
  roads: PlacedRoad[];
  sites: PlacedSite[];
  stations: PlacedStation[];
  bays: PlacedBay[];
  /** Half the extent of everything, metres, and its middle. */
  radius: number;
  centre: [number, number];
}

interface Group {
  id: string;
  name: string;
  x: number;
  z: number;
  levels: number;
  hub: boolean;
  gridW: number | null;
  stations: SceneStation[];
}

/**
 * Where everything stands. Maps are too coarse to say which way a cabinet faces, so stations that share a hub or a
 * site are set out as a forecourt: rows of stations with a bay per connector, back to back from the second row on,
 * and by storey in a hub. The same scene gives the same picture every time.
 */
export function layOut(scene: Scene): Layout {
  const projection = new Projection(scene.origin.lat_deg, scene.origin.lon_deg);
  const groups = group(scene, projection);
  const layout: Layout = {
    projection,
    zones: scene.zones.map((zone) => {
      const ring = zone.boundary.map(([lon, lat]): [number, number] => [
        projection.x(lon),
        projection.z(lat),
      ]);
      const centre = middle(ring);
      return { id: zone.id, name: zone.name, ring, centre, label: labelPlace(ring, centre, groups) };
    }),
    roads: scene.zones.flatMap((zone) => zone.roads.flatMap((line) => stretches(line, projection))),
    sites: [],
    stations: [],
    bays: [],
    radius: 500,
    centre: [0, 0],
  };
  groups.forEach((g) => setOut(g, layout));
  frame(layout);
  return layout;
}

function stretches(line: readonly [number, number][], projection: Projection): PlacedRoad[] {
  const points = line.map(([lon, lat]) => [projection.x(lon), projection.z(lat)] as const);
  return points.slice(1).map((to, i) => {
    const from = points[i] ?? to;
    return [from[0], from[1], to[0], to[1]] as const;
  });
}

function group(scene: Scene, projection: Projection): Group[] {
  const groups = new Map<string, Group>();
  const hubs = new Map(scene.hubs.map((hub) => [hub.id, hub]));
  const sites = new Map(scene.sites.map((site) => [site.id, site]));
  const loose: Group[] = [];
  const open = (
    key: string,
    from: { id: string; name: string; lat_deg: number; lon_deg: number },
    levels: number,
    gridW: number | null,
  ) => {
    const found = groups.get(key) ?? {
      id: from.id,
      name: from.name,
      x: projection.x(from.lon_deg),
      z: projection.z(from.lat_deg),
      levels,
      hub: levels > 0,
      gridW,
      stations: [],
    };
    groups.set(key, found);
    return found;
  };
  const grid = (site: string | null) => (site === null ? null : (sites.get(site)?.grid?.max_power_w ?? null));
  for (const hub of scene.hubs) open(`hub:${hub.id}`, hub, Math.max(1, hub.levels), grid(hub.site));
  for (const station of [...scene.stations].sort((a, b) =>
    a.id.localeCompare(b.id, 'en', { numeric: true }),
  )) {
    const hub = station.hub !== null ? hubs.get(station.hub) : undefined;
    const site = station.site !== null ? sites.get(station.site) : undefined;
    if (hub) open(`hub:${hub.id}`, hub, Math.max(1, hub.levels), grid(hub.site)).stations.push(station);
    else if (site) {
      const g = open(`site:${site.id}`, site, 0, grid(site.id));
      // A hub on the same site stands where the site is: its forecourt goes beside it.
      g.stations.push(station);
    } else if (station.lat_deg !== null && station.lon_deg !== null) {
      const x = projection.x(station.lon_deg);
      const z = projection.z(station.lat_deg);
      const near = loose.find((g) => Math.hypot(g.x - x, g.z - z) < CLUSTER_M);
      if (near) near.stations.push(station);
      else
        loose.push({
          id: station.id,
          name: station.name ?? station.id,
          x,
          z,
          levels: 0,
          hub: false,
          gridW: null,
          stations: [station],
        });
    }
  }
  return [...groups.values(), ...loose].filter((g) => g.stations.length > 0 || g.hub);
}

function setOut(g: Group, layout: Layout): void {
  const site = layout.sites.length;
  const storeys = new Map<number, SceneStation[]>();
  for (const station of g.stations) {
    const level = g.hub ? Math.min(Math.max(station.level ?? 0, 0), g.levels - 1) : -1;
    storeys.set(level, [...(storeys.get(level) ?? []), station]);
  }
  let width = 12;
  let rows = 1;
  for (const [level, stations] of storeys) {
    const twoRows = stations.length > ROW_LENGTH;
    const half = Math.ceil(stations.length / (twoRows ? 2 : 1));
    rows = Math.max(rows, twoRows ? 2 : 1);
    for (const [index, side] of (twoRows ? [0, 1] : [0]).entries()) {
      const row = stations.slice(side * half, (side + 1) * half);
      const span = row.reduce((sum, s) => sum + Math.max(1, s.connectors.length) * BAY_WIDTH, 0);
      width = Math.max(width, span + 2 * MARGIN);
      let x = -span / 2;
      for (const station of row) x = place(station, level, site, x, index === 1, twoRows, layout);
    }
  }
  const depth = rows * (BAY_DEPTH + KERB) + BACK + 2 * MARGIN;
  layout.sites.push({
    id: g.id,
    name: g.name,
    x: g.x,
    z: g.z,
    width,
    depth,
    levels: g.hub ? g.levels : 0,
    hub: g.hub,
    limitW: g.gridW ?? g.stations.reduce((sum, s) => sum + (s.max_power_w ?? 0), 0),
    limited: g.gridW !== null,
  });
}

function place(
  station: SceneStation,
  level: number,
  site: number,
  from: number,
  back: boolean,
  twoRows: boolean,
  layout: Layout,
): number {
  const bays = Math.max(1, station.connectors.length);
  const width = bays * BAY_WIDTH;
  const facing = back ? -1 : 1;
  const yaw = back ? Math.PI : 0;
  const z = twoRows ? (facing * BACK) / 2 : -(BAY_DEPTH + KERB) / 2;
  const x = (from + width / 2) * (back ? -1 : 1);
  const index = layout.stations.length;
  const max = station.max_power_w ?? station.connectors.reduce((sum, c) => sum + (c.max_power_w ?? 0), 0);
  const cabinet = max >= CABINET_W || station.connectors.some((c) => (c.max_power_w ?? 0) >= CABINET_W);
  layout.stations.push({
    id: station.id,
    name: station.name ?? station.id,
    site,
    x,
    z,
    yaw,
    level,
    cabinet,
    maxPowerW: max,
    connectors: station.connectors.length,
  });
  const side = cabinet ? 0.53 : 0.25;
  station.connectors.forEach((connector, i) => {
    const offset = (i - (bays - 1) / 2) * BAY_WIDTH;
    const along = Math.sign(offset) || (i % 2 === 0 ? -1 : 1);
    layout.bays.push({
      connector: connector.id,
      station: index,
      site,
      x: x + facing * offset,
      z: z + facing * (KERB + BAY_DEPTH / 2),
      // Vehicles stand nose to the station: the front of the car model is −z.
      yaw,
      level,
      socketX: x + facing * along * side,
      socketY: cabinet ? 1.02 : 0.72,
      socketZ: z + facing * 0.08,
    });
  });
  return from + width;
}

function middle(ring: readonly [number, number][]): [number, number] {
  if (ring.length === 0) return [0, 0];
  let area = 0;
  let x = 0;
  let z = 0;
  for (let i = 0; i < ring.length; i++) {
    const [ax, az] = ring[i] as [number, number];
    const [bx, bz] = ring[(i + 1) % ring.length] as [number, number];
    const cross = ax * bz - bx * az;
    area += cross;
    x += (ax + bx) * cross;
    z += (az + bz) * cross;
  }
  if (Math.abs(area) < 1) return ring[0] as [number, number];
  return [x / (3 * area), z / (3 * area)];
}

/** Halfway from the middle towards the corner that is farthest from every site. */
function labelPlace(
  ring: readonly [number, number][],
  centre: [number, number],
  sites: readonly { x: number; z: number }[],
): [number, number] {
  let best = centre;
  let room = -1;
  for (const [x, z] of ring) {
    const p: [number, number] = [(centre[0] + x) / 2, (centre[1] + z) / 2];
    const near = Math.min(...sites.map((site) => Math.hypot(site.x - p[0], site.z - p[1])));
    if (near > room) [best, room] = [p, near];
  }
  return best;
}

function frame(layout: Layout): void {
  let [west, east, north, south] = [Infinity, -Infinity, Infinity, -Infinity];
  const take = (x: number, z: number) => {
    west = Math.min(west, x);
    east = Math.max(east, x);
    north = Math.min(north, z);
    south = Math.max(south, z);
  };
  for (const zone of layout.zones) for (const [x, z] of zone.ring) take(x, z);
  for (const site of layout.sites) take(site.x, site.z);
  if (west > east) return;
  layout.centre = [(west + east) / 2, (north + south) / 2];
  layout.radius = Math.max(60, Math.hypot(east - west, south - north) / 2);
}
