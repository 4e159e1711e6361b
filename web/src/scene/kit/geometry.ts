import {
  BoxGeometry,
  BufferAttribute,
  BufferGeometry,
  CylinderGeometry,
  InstancedBufferGeometry,
  PlaneGeometry,
} from 'three';
import { RoundedBoxGeometry } from 'three/examples/jsm/geometries/RoundedBoxGeometry.js';
import { mergeGeometries, toCreasedNormals } from 'three/examples/jsm/utils/BufferGeometryUtils.js';

/** Shade of a vertex by its place, 0 to 1: the darkening near the ground that a soft sky gives. */
type Shadow = (x: number, y: number, z: number) => number;
const footShadow =
  (height: number): Shadow =>
  (_x, y) =>
    0.42 + 0.58 * Math.min(1, Math.max(0, y / height));

/** Marks every vertex of a geometry with its part number and baked shade. */
export function asPart(geometry: BufferGeometry, part: number, shadow: Shadow = () => 1): BufferGeometry {
  const flat = geometry.index ? geometry.toNonIndexed() : geometry;
  const position = flat.getAttribute('position');
  const data = new Float32Array(position.count * 2);
  for (let i = 0; i < position.count; i++) {
    data[i * 2] = part;
    data[i * 2 + 1] = shadow(position.getX(i), position.getY(i), position.getZ(i));
  }
  const out = new BufferGeometry();
  out.setAttribute('position', position);
  out.setAttribute('normal', flat.getAttribute('normal'));
  out.setAttribute('aPart', new BufferAttribute(data, 2));
  return out;
}

/** One geometry of many parts. */
export function assemble(parts: BufferGeometry[]): BufferGeometry {
  const merged = mergeGeometries(parts);
  for (const part of parts) part.dispose();
  return merged;
}

/** Turns a model into one that is drawn per instance. */
export function instanced(model: BufferGeometry): InstancedBufferGeometry {
  const geometry = new InstancedBufferGeometry();
  geometry.index = model.index;
  for (const [name, attribute] of Object.entries(model.attributes)) geometry.setAttribute(name, attribute);
  geometry.instanceCount = 0;
  return geometry;
}

/** A quad of two triangles in x, z (on the ground) or x, y (upright), −1 to 1. */
export function quad(): BufferGeometry {
  return new PlaneGeometry(2, 2);
}

const box = (w: number, h: number, d: number, x: number, y: number, z: number) =>
  new BoxGeometry(w, h, d).translate(x, y, z);
const soft = (w: number, h: number, d: number, r: number, x: number, y: number, z: number) =>
  new RoundedBoxGeometry(w, h, d, Math.max(w, h, d) > 1.2 && Math.min(w, h, d) > 0.2 ? 2 : 1, r).translate(
    x,
    y,
    z,
  );

export const STATION_PARTS = { shell: 0, plinth: 1, screen: 2, light: 3, trim: 4 } as const;

/** A free-standing DC cabinet, 2.1 m; its front is +z. */
export function dcCabinet(): BufferGeometry {
  const foot = footShadow(0.9);
  return assemble([
    asPart(soft(1.12, 0.14, 0.86, 0.04, 0, 0.07, 0), STATION_PARTS.plinth),
    asPart(soft(0.96, 2.0, 0.66, 0.09, 0, 1.1, 0), STATION_PARTS.shell, foot),
    asPart(soft(0.8, 1.72, 0.06, 0.03, 0, 1.16, 0.325), STATION_PARTS.trim, foot),
    asPart(box(0.52, 0.36, 0.02, 0, 1.55, 0.365), STATION_PARTS.screen),
    asPart(soft(0.055, 1.66, 0.055, 0.025, -0.435, 1.16, 0.335), STATION_PARTS.light),
    asPart(soft(0.055, 1.66, 0.055, 0.025, 0.435, 1.16, 0.335), STATION_PARTS.light),
    asPart(soft(0.9, 0.05, 0.6, 0.02, 0, 2.115, 0), STATION_PARTS.light),
  ]);
}

/** A slim AC post, 1.5 m. */
export function acPost(): BufferGeometry {
  const foot = footShadow(0.6);
  return assemble([
    asPart(new CylinderGeometry(0.3, 0.34, 0.08, 20).translate(0, 0.04, 0), STATION_PARTS.plinth),
    asPart(soft(0.4, 1.4, 0.26, 0.1, 0, 0.76, 0), STATION_PARTS.shell, foot),
    asPart(soft(0.3, 0.5, 0.05, 0.02, 0, 1.12, 0.12), STATION_PARTS.trim),
    asPart(
      new CylinderGeometry(0.11, 0.11, 0.03, 20).rotateX(Math.PI / 2).translate(0, 0.98, 0.145),
      STATION_PARTS.screen,
    ),
    asPart(soft(0.34, 0.08, 0.3, 0.03, 0, 1.48, 0), STATION_PARTS.light),
  ]);
}

export const CAR_PARTS = { body: 0, glass: 1, tyre: 2, rim: 3, head: 4, tail: 5 } as const;

/** Cross sections of a compact car: z, half width, sill, belt line, top, half width of the top. Front is −z. */
const SECTIONS: readonly (readonly [number, number, number, number, number, number])[] = [
  [-2.14, 0.6, 0.4, 0.62, 0.65, 0.5],
  [-2.04, 0.8, 0.27, 0.7, 0.75, 0.68],
  [-1.5, 0.89, 0.23, 0.82, 0.88, 0.76],
  [-0.98, 0.91, 0.23, 0.9, 0.97, 0.78],
  [-0.18, 0.92, 0.23, 0.94, 1.46, 0.63],
  [0.55, 0.92, 0.23, 0.95, 1.5, 0.64],
  [1.3, 0.92, 0.23, 0.98, 1.44, 0.62],
  [1.86, 0.89, 0.25, 0.99, 1.1, 0.72],
  [2.04, 0.83, 0.32, 0.88, 0.98, 0.68],
  [2.12, 0.7, 0.42, 0.78, 0.82, 0.58],
];

function ring(section: (typeof SECTIONS)[number]): [number, number][] {
  const [, w, sill, belt, top, tw] = section;
  const right: [number, number][] = [
    [w * 0.86, sill],
    [w, sill + 0.14],
    [w, belt - 0.1],
    [w * 0.965, belt],
    [tw, top - 0.05],
    [tw * 0.8, top],
  ];
  return [...right, ...right.map(([x, y]): [number, number] => [-x, y]).reverse()];
}

/** A compact electric car, 4.3 m: lofted body with a glass house, wheels, lamps. */
export function car(): BufferGeometry {
  const body: number[] = [];
  const glass: number[] = [];
  const rings = SECTIONS.map(ring);
  const n = rings[0]?.length ?? 0;
  for (let s = 0; s + 1 < SECTIONS.length; s++) {
    for (let i = 0; i < n; i++) {
      const j = (i + 1) % n;
      const corner = (section: number, k: number) => {
        const [x, y] = ((rings[section] ?? [])[k] ?? [0, 0]) as [number, number];
        return [x, y, SECTIONS[section]?.[0] as number] as const;
      };
      const house = s >= 3 && s <= 6;
      const side = i === 3 || i === 7;
      const roof = i === 4 || i === 5 || i === 6;
      const isGlass = house && (side || (roof && (s === 3 || s === 6)));
      const out = isGlass ? glass : body;
      const [a, b, c, d] = [corner(s, i), corner(s, j), corner(s + 1, j), corner(s + 1, i)];
      out.push(...a, ...b, ...c, ...a, ...c, ...d);
    }
  }
  for (const [s, flip] of [
    [0, false],
    [SECTIONS.length - 1, true],
  ] as const) {
    const z = SECTIONS[s]?.[0] as number;
    const points = rings[s] ?? [];
    for (let i = 1; i + 1 < points.length; i++) {
      const tri = [points[0], points[i], points[i + 1]] as [
        [number, number],
        [number, number],
        [number, number],
      ];
      for (const [x, y] of flip ? tri : [tri[0], tri[2], tri[1]]) body.push(x as number, y as number, z);
    }
  }
  const shell = (points: number[], crease: number) => {
    const g = new BufferGeometry();
    g.setAttribute('position', new BufferAttribute(new Float32Array(points), 3));
    g.computeVertexNormals();
    return toCreasedNormals(g, crease);
  };
  const under = footShadow(0.75);
  const parts = [
    asPart(shell(body, 0.62), CAR_PARTS.body, under),
    asPart(shell(glass, 0.5), CAR_PARTS.glass),
  ];
  for (const x of [-0.8, 0.8]) {
    for (const z of [-1.34, 1.32]) {
      const wheel = new CylinderGeometry(0.335, 0.335, 0.24, 14).rotateZ(Math.PI / 2).translate(x, 0.335, z);
      const rim = new CylinderGeometry(0.22, 0.22, 0.26, 10).rotateZ(Math.PI / 2).translate(x, 0.335, z);
      parts.push(asPart(wheel, CAR_PARTS.tyre), asPart(rim, CAR_PARTS.rim));
    }
    const side = Math.sign(x);
    parts.push(
      asPart(soft(0.36, 0.08, 0.16, 0.03, side * 0.52, 0.67, -2.06), CAR_PARTS.head),
      asPart(soft(0.3, 0.09, 0.2, 0.03, side * 0.62, 0.86, 2.03), CAR_PARTS.tail),
    );
  }
  parts.push(asPart(box(1.3, 0.04, 0.16, 0, 0.87, 2.02), CAR_PARTS.tail));
  return assemble(parts);
}

/** The same car far away: a body and a glass house, 20 triangles. */
export function carFar(): BufferGeometry {
  const house = new CylinderGeometry(0.62, 0.98, 0.55, 4, 1, true).rotateY(Math.PI / 4).scale(0.86, 1, 1.75);
  return assemble([
    asPart(box(1.8, 0.62, 4.2, 0, 0.6, 0), CAR_PARTS.body),
    asPart(house.translate(0, 1.18, 0.2), CAR_PARTS.glass),
  ]);
}

export const SOCKET_PARTS = { housing: 0, face: 1, rim: 2 } as const;

/** A socket: a short housing with a face, axis +z, radius 1 (scaled by the shader). */
export function socket(): BufferGeometry {
  return assemble([
    asPart(
      new CylinderGeometry(1, 1.12, 0.5, 20).rotateX(Math.PI / 2).translate(0, 0, 0.25),
      SOCKET_PARTS.rim,
    ),
    asPart(
      new CylinderGeometry(0.78, 0.78, 0.06, 20).rotateX(Math.PI / 2).translate(0, 0, 0.52),
      SOCKET_PARTS.face,
    ),
  ]);
}
