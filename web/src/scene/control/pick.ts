import type { PickRay, SceneContext } from '../kit/context';
import { EXPLODE_M, SLAB_M, STOREY_M } from '../modules/sites';

/** Scale of a site as the shaders compute it. */
export function siteScale(ctx: SceneContext, x: number, z: number): number {
  return scaleAt(ctx, x, z, ctx.uniforms.uSiteK.value);
}

export function scaleAt(ctx: SceneContext, x: number, z: number, k: number): number {
  const p = ctx.camera.position;
  return Math.max(1, k * Math.hypot(p.x - x, p.y, p.z - z));
}

/** Height of a storey's floor in the frame of its site, before scaling. */
export function storeyBase(ctx: SceneContext, level: number): number {
  return Math.max(level, 0) * (STOREY_M + ctx.uniforms.uExplode.value * EXPLODE_M) + SLAB_M;
}

/** Distance along the ray at which it passes a ball, null when it misses. Bounds are balls: cheap and forgiving. */
export function hitCapsule(ray: PickRay, x: number, y: number, z: number, radius: number): number | null {
  const dx = x - ray.origin.x;
  const dy = y - ray.origin.y;
  const dz = z - ray.origin.z;
  const along = dx * ray.direction.x + dy * ray.direction.y + dz * ray.direction.z;
  if (along <= 0) return null;
  const off = dx * dx + dy * dy + dz * dz - along * along;
  return off <= radius * radius ? along : null;
}
