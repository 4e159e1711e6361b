import type { Look, Solid } from '@/graph/look';
import { css, type Theme } from '@/ui/tokens';

const drawn: Readonly<Record<Solid, string>> = {
  ball: 'M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11Z',
  box: 'M3 3h10v10H3Z',
  octahedron: 'M8 1.5 14 8l-6 6.5L2 8Z',
  drum: 'M3 4.2C3 2.7 13 2.7 13 4.2v7.6c0 1.5-10 1.5-10 0Z',
  cone: 'M8 1.8 14 14H2Z',
};

/** The solid of a kind as it is drawn in the graph. */
export function KindSign({ look, theme, size = 12 }: { look: Look; theme: Theme; size?: number }) {
  return (
    <svg
      className="glyph"
      width={size}
      height={size}
      viewBox="0 0 16 16"
      aria-hidden="true"
      focusable="false"
    >
      <path d={drawn[look.solid]} fill={css(look.color[theme])} />
    </svg>
  );
}
