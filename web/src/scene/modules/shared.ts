import {
  InstancedBufferAttribute,
  Mesh,
  type BufferGeometry,
  type InstancedBufferGeometry,
  type Material,
} from 'three';

/** A mesh that is never culled as a whole: its instances are everywhere. */
export function drawAll(geometry: BufferGeometry, material: Material, order = 0): Mesh {
  const mesh = new Mesh(geometry, material);
  mesh.frustumCulled = false;
  mesh.matrixAutoUpdate = false;
  mesh.renderOrder = order;
  return mesh;
}

/** Per-instance attribute of `size` numbers. */
export function perInstance(
  array: Float32Array | Uint8Array | Uint16Array,
  size: number,
  normalized = false,
): InstancedBufferAttribute {
  return new InstancedBufferAttribute(array, size, normalized);
}

/** GPU bytes of geometries, attributes that several share counted once. */
export function sharedBytes(geometries: readonly BufferGeometry[]): number {
  const seen = new Set<ArrayLike<number>>();
  let bytes = 0;
  const add = (array: { byteLength: number } & ArrayLike<number>) => {
    if (!seen.has(array)) bytes += array.byteLength;
    seen.add(array);
  };
  for (const g of geometries) {
    if (g.index) add(g.index.array);
    for (const attribute of Object.values(g.attributes)) add(attribute.array);
  }
  return bytes;
}

/** Marks a range of instances for upload. */
export function markRange(attribute: InstancedBufferAttribute, first: number, last: number): void {
  attribute.clearUpdateRanges();
  attribute.addUpdateRange(first * attribute.itemSize, (last - first + 1) * attribute.itemSize);
  attribute.needsUpdate = true;
}

/** Frees what a module made. */
export function disposeAll(meshes: readonly Mesh[]): void {
  const seen = new Set<{ dispose(): void }>();
  for (const mesh of meshes) {
    mesh.removeFromParent();
    seen.add(mesh.geometry as InstancedBufferGeometry);
    for (const material of Array.isArray(mesh.material) ? mesh.material : [mesh.material]) seen.add(material);
  }
  for (const part of seen) part.dispose();
}
