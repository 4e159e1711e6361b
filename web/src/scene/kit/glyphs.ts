import { CanvasTexture, LinearFilter, LinearMipmapLinearFilter, type Texture } from 'three';
import { shapePaths } from '@/ui/glyph';
import { statusKey, statusShape, type Shape } from '@/ui/tokens';

/** The silhouettes in the order of the atlas, 4 × 4. */
export const ATLAS: readonly Shape[] = [
  'circle',
  'ring',
  'bolt',
  'pause',
  'square',
  'half',
  'flag',
  'slash',
  'diamond',
  'triangle',
  'octagon',
  'cross',
  'dots',
  'arrow',
  'bar',
  'question',
];
const CELL = 64;

/** Cell of a status word in the atlas. */
export function glyphOf(word: string): number {
  return Math.max(0, ATLAS.indexOf(statusShape[statusKey(word)]));
}

/** All silhouettes as one white-on-clear texture, drawn from the same paths as the interface uses. */
export function glyphAtlas(): Texture {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = CELL * 4;
  const c = canvas.getContext('2d');
  if (c) {
    c.strokeStyle = c.fillStyle = '#fff';
    c.lineCap = 'round';
    ATLAS.forEach((shape, i) => {
      c.save();
      c.translate((i % 4) * CELL + 8, Math.floor(i / 4) * CELL + 8);
      c.scale((CELL - 16) / 12, (CELL - 16) / 12);
      const { solid, outline } = shapePaths(shape);
      if (solid) c.fill(new Path2D(solid));
      c.lineWidth = 1.8;
      if (outline) c.stroke(new Path2D(outline));
      c.restore();
    });
  }
  const texture = new CanvasTexture(canvas);
  texture.flipY = false;
  texture.minFilter = LinearMipmapLinearFilter;
  texture.magFilter = LinearFilter;
  texture.anisotropy = 4;
  return texture;
}
