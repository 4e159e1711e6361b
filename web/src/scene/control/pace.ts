/** How many times as long as a picture took nothing is drawn after it. */
const REST = 2;
const LOOK_EVERY_MS = 8;
/** A picture that nobody reports as finished is taken as finished. */
const GIVE_UP_MS = 2_000;

/** Tells whether all that was handed to the painter so far is on the canvas. */
export type Fence = () => boolean;

/** A fence on a WebGL context; a lost context has nothing left to do. */
export function fenceOn(gl: WebGL2RenderingContext): Fence {
  const sync = gl.fenceSync(gl.SYNC_GPU_COMMANDS_COMPLETE, 0);
  gl.flush();
  return () => {
    if (sync && !gl.isContextLost() && gl.getSyncParameter(sync, gl.SYNC_STATUS) !== gl.SIGNALED)
      return false;
    gl.deleteSync(sync);
    return true;
  };
}

/**
 * Leaves the processor to the rest of the page where it paints in place of a graphics chip: what moves by itself is
 * drawn again only after a rest of twice the time that the last picture took. What a person does is not held up: that
 * asks the canvas itself.
 */
export class Pace {
  private readonly draw: () => void;
  private readonly fence: () => Fence;
  /** A picture is on its way to the canvas, or rests. */
  private busy = false;
  private asked = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(draw: () => void, fence: () => Fence) {
    this.draw = draw;
    this.fence = fence;
  }

  /** Asks for a picture when the last one has had its rest. */
  ask(): void {
    if (this.busy) this.asked = true;
    else this.draw();
  }

  /** A picture that began at `began` was handed to the painter. */
  drawn(began: number): void {
    clearTimeout(this.timer);
    this.busy = true;
    const finished = this.fence();
    const look = () => {
      const took = performance.now() - began;
      this.timer =
        finished() || took > GIVE_UP_MS
          ? setTimeout(() => this.rested(), took * REST)
          : setTimeout(look, LOOK_EVERY_MS);
    };
    this.timer = setTimeout(look, LOOK_EVERY_MS);
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  private rested(): void {
    this.busy = false;
    if (!this.asked) return;
    this.asked = false;
    this.draw();
  }
}
