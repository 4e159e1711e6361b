import { tokens, type Theme } from '@/ui/tokens';
import type { Kinds } from './kinds';

/** The solids by which kinds are told apart without their colour. */
export const solids = ['ball', 'box', 'octahedron', 'drum', 'cone'] as const;
export type Solid = (typeof solids)[number];

const hues = ['s1', 's2', 's3', 's4', 's5', 's6'] as const;

export interface Look {
  solid: Solid;
  color: Readonly<Record<Theme, number>>;
}

const unknown: Look = { solid: 'ball', color: tokens.status.unknown };

/** How each kind looks: five solids and six colours give thirty looks before one comes again. */
export function looksOf(kinds: Kinds): (model: string | null) => Look {
  const places = new Map(kinds.all.map((kind, i) => [kind.id, i]));
  return (model) => {
    const i = model === null ? undefined : places.get(model);
    if (i === undefined) return unknown;
    return {
      solid: solids[i % solids.length] ?? 'ball',
      color: tokens.series[hues[i % hues.length] ?? 's1'],
    };
  };
}
