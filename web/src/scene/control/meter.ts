/** What a picture cost, counted where it happens: on the WebGL context. */
export interface GpuCounts {
  /** Bytes handed to the GPU since the counter was last taken. */
  uploaded: number;
  /** Bytes of live buffers and textures. */
  held: number;
}

type Sized = { byteLength: number };

function sizeOf(data: unknown): number {
  if (typeof data === 'number') return data;
  return data && typeof (data as Sized).byteLength === 'number' ? (data as Sized).byteLength : 0;
}

/** Wraps the upload calls of a context with counters; the calls themselves are unchanged. */
export function meterContext(gl: WebGL2RenderingContext): GpuCounts {
  const counts: GpuCounts = { uploaded: 0, held: 0 };
  const buffers = new WeakMap<WebGLBuffer, number>();
  const bound = new Map<number, WebGLBuffer | null>();
  const bindBuffer = gl.bindBuffer.bind(gl);
  gl.bindBuffer = (target, buffer) => {
    bound.set(target, buffer);
    bindBuffer(target, buffer);
  };
  const bufferData = gl.bufferData.bind(gl) as (...args: unknown[]) => void;
  gl.bufferData = ((target: number, data: unknown, ...rest: unknown[]) => {
    const bytes = sizeOf(data);
    if (typeof data !== 'number') counts.uploaded += bytes;
    const buffer = bound.get(target);
    if (buffer) {
      counts.held += bytes - (buffers.get(buffer) ?? 0);
      buffers.set(buffer, bytes);
    }
    bufferData(target, data, ...rest);
  }) as typeof gl.bufferData;
  const bufferSubData = gl.bufferSubData.bind(gl) as (...args: unknown[]) => void;
  gl.bufferSubData = ((
    target: number,
    offset: number,
    data: unknown,
    from: number = 0,
    length: number = 0,
  ) => {
    const unit = (data as { BYTES_PER_ELEMENT?: number } | null)?.BYTES_PER_ELEMENT ?? 1;
    counts.uploaded += length > 0 ? length * unit : sizeOf(data) - from * unit;
    if (length > 0) bufferSubData(target, offset, data, from, length);
    else bufferSubData(target, offset, data, from);
  }) as unknown as typeof gl.bufferSubData;
  const deleteBuffer = gl.deleteBuffer.bind(gl);
  gl.deleteBuffer = (buffer) => {
    if (buffer) counts.held -= buffers.get(buffer) ?? 0;
    deleteBuffer(buffer);
  };
  return counts;
}

/**
 * Framebuffer bytes by arithmetic: colour and depth per sample, and the resolved colour twice (drawn and shown). The
 * browser does not tell; drivers may take more.
 */
export function framebufferBytes(width: number, height: number, samples: number): number {
  return width * height * (8 * Math.max(1, samples) + 8);
}

/** What the HUD and tests read. */
export interface SceneStats {
  fps: number;
  frames: number;
  drawCalls: number;
  triangles: number;
  /** GPU bytes of buffers and textures, and the framebuffer estimate. */
  sceneBytes: number;
  framebufferBytes: number;
  /** Bytes uploaded by the newest picture, and by the newest picture that took no tick. */
  uploadedBytes: number;
  idleUploadedBytes: number;
  /** Bytes uploaded by the newest picture that took a tick. */
  tickUploadedBytes: number;
  /** JavaScript time of the newest picture. */
  cpuMs: number;
  latencyP50: number | null;
  latencyP95: number | null;
  /** From the source to this page's socket: what the network and the server take, without the drawing. */
  arrivalP50: number | null;
  arrivalP95: number | null;
  quality: number;
  vehicles: number;
  stations: number;
  renderer: string;
}

declare global {
  interface Window {
    /** Figures of the 3D scene on this page, for measurements. */
    __voltwinStats?: SceneStats;
  }
}
