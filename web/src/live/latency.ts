/** Measurements kept for the quantiles. */
const WINDOW = 256;

/** Quantiles of the newest measurements. */
export interface Quantiles {
  p50: number;
  p95: number;
  count: number;
}

/**
 * Time from the source to the pixel: `arrived` notes the source time of a frame's newest value, `shown` closes it at
 * the first picture drawn afterwards. Costs nothing per picture when nothing has arrived.
 */
export class LatencyMeter {
  private readonly samples = new Float64Array(WINDOW);
  private count = 0;
  private next = 0;
  private pending = Number.NaN;

  /** `sourceMs`: source time of the newest value, in this clock. */
  arrived(sourceMs: number): void {
    // The oldest value that waits is the honest one when two frames land between two pictures.
    if (Number.isNaN(this.pending) || sourceMs < this.pending) this.pending = sourceMs;
  }

  /** A picture was drawn at `nowMs`. */
  shown(nowMs: number): void {
    if (Number.isNaN(this.pending)) return;
    this.samples[this.next] = Math.max(0, nowMs - this.pending);
    this.next = (this.next + 1) % WINDOW;
    this.count = Math.min(this.count + 1, WINDOW);
    this.pending = Number.NaN;
  }

  /** Null before the first measurement. Sorts a copy: call it once a second, not once a picture. */
  quantiles(): Quantiles | null {
    if (this.count === 0) return null;
    const sorted = this.samples.slice(0, this.count).sort();
    const at = (q: number) => sorted[Math.min(this.count - 1, Math.floor(q * this.count))] as number;
    return { p50: at(0.5), p95: at(0.95), count: this.count };
  }
}
