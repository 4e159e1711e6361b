/** Twenty-four rates, drawn by hand. */

export const HOURS = 24;

/**
 * What a hand drew from one hour to another: every hour between gets its rate, so that a fast stroke leaves no gap.
 * Rates are rounded to `step` and never below 0.
 */
export function stroke(
  profile: readonly number[],
  from: { hour: number; rate: number },
  to: { hour: number; rate: number },
  step = 0.01,
): number[] {
  const next = [...profile];
  const span = Math.abs(to.hour - from.hour);
  for (let i = 0; i <= span; i++) {
    const share = span === 0 ? 1 : i / span;
    const hour = from.hour + Math.sign(to.hour - from.hour) * i;
    if (hour < 0 || hour >= HOURS) continue;
    next[hour] = rounded(from.rate + (to.rate - from.rate) * share, step);
  }
  return next;
}

export function rounded(rate: number, step: number): number {
  return Math.max(0, Number((Math.round(rate / step) * step).toFixed(6)));
}

/** A top of the axis that holds every rate, with room to draw higher: 1, 2 or 5 times a power of ten. */
export function axisTop(profile: readonly number[]): number {
  const most = Math.max(0, ...profile) * 1.15;
  if (most <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(most));
  return ([1, 2, 5, 10].find((n) => n * power >= most) ?? 10) * power;
}

/** The step of an arrow key, and of a drawn rate: a hundredth of the axis in round figures. */
export function keyStep(top: number): number {
  return top / 100;
}

/** Every rate times a factor. */
export function scaled(profile: readonly number[], factor: number): number[] {
  return profile.map((rate) => Number((rate * factor).toFixed(6)));
}

/** Every hour the mean of itself and its neighbours round the clock; the sum of the day stays. */
export function smoothed(profile: readonly number[]): number[] {
  return profile.map((rate, i) => {
    const before = profile[(i + profile.length - 1) % profile.length] ?? rate;
    const after = profile[(i + 1) % profile.length] ?? rate;
    return Number(((before + 2 * rate + after) / 4).toFixed(6));
  });
}
