import { css, tokens, type Theme } from '@/ui/tokens';

function mix(a: number, b: number, t: number): number {
  const part = (shift: number) => {
    const [x, y] = [(a >> shift) & 255, (b >> shift) & 255];
    return Math.round(x + (y - x) * t) << shift;
  };
  return part(16) | part(8) | part(0);
}

function along(stops: readonly number[], share: number): string {
  const at = Math.min(1, Math.max(0, share)) * (stops.length - 1);
  const low = Math.min(stops.length - 2, Math.floor(at));
  return css(mix(stops[low] ?? 0, stops[low + 1] ?? 0, at - low));
}

/** From calm to bad, for what should be low: waits, losses, a shelf that is empty. */
export function badness(share: number, theme: Theme): string {
  const { status, severity } = tokens;
  return along(
    [status.available[theme], severity.minor[theme], severity.major[theme], severity.critical[theme]],
    share,
  );
}

/** The colours of `badness` as a CSS gradient. */
export function badnessCss(theme: Theme): string {
  return `linear-gradient(90deg, ${[0, 0.33, 0.67, 1].map((share) => badness(share, theme)).join(', ')})`;
}

/** From quiet to loud in one hue, for how much something is used. */
export function loudness(share: number, theme: Theme): string {
  const { surface, use } = tokens;
  return along(
    theme === 'dark'
      ? [surface.active.dark, use.below.dark, use.about.dark, use.above.dark]
      : [surface.active.light, use.below.light, use.about.light, use.above.light],
    share,
  );
}

/** −1 better, 0 the same, 1 worse: two hues that every common colour vision tells apart. */
export function betterWorse(share: number, theme: Theme): string {
  const { series, status } = tokens;
  return along([series.s1[theme], status.unknown[theme], series.s5[theme]], (share + 1) / 2);
}
