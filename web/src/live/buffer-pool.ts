/** Smallest buffer handed out; sizes are powers of two from here. */
const MIN_BYTES = 1024;
/** Kept per size; more would only hide a leak. */
const KEEP_PER_SIZE = 4;

/** Reuses the buffers that travel between worker and page, so that a steady stream allocates nothing large. */
export class BufferPool {
  private readonly free = new Map<number, ArrayBuffer[]>();

  /** A buffer of at least `bytes`. */
  take(bytes: number): ArrayBuffer {
    const size = 2 ** Math.ceil(Math.log2(Math.max(bytes, MIN_BYTES)));
    return this.free.get(size)?.pop() ?? new ArrayBuffer(size);
  }

  /** A pooled copy of a frame. */
  copy(source: ArrayBuffer): ArrayBuffer {
    const buffer = this.take(source.byteLength);
    new Uint8Array(buffer).set(new Uint8Array(source));
    return buffer;
  }

  /** Takes a buffer back; one of a foreign size is left to the collector. */
  give(buffer: ArrayBuffer): void {
    const size = buffer.byteLength;
    if (size < MIN_BYTES || (size & (size - 1)) !== 0) return;
    const list = this.free.get(size) ?? [];
    if (list.length < KEEP_PER_SIZE) list.push(buffer);
    this.free.set(size, list);
  }
}
