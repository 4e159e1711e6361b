interface Painter {
  name: string;
}

let known: Painter | null | undefined;

/** What draws, as far as the browser tells. */
export function rendererOf(context: WebGLRenderingContext | WebGL2RenderingContext): string {
  const info = context.getExtension('WEBGL_debug_renderer_info');
  return String(context.getParameter(info ? info.UNMASKED_RENDERER_WEBGL : context.RENDERER));
}

/** What draws WebGL 2 on this page. Asked once, and its context given back: browsers grant only a few. */
function painter(): Painter | null {
  if (known === undefined) {
    const context = document.createElement('canvas').getContext('webgl2');
    known = context && { name: rendererOf(context) };
    context?.getExtension('WEBGL_lose_context')?.loseContext();
  }
  return known;
}

/** True where a WebGL 2 context can be had. */
export function hasWebGl(): boolean {
  return painter() !== null;
}

/** True where the processor paints what a graphics chip should. */
export function paintsInSoftware(): boolean {
  return /swiftshader|llvmpipe|software|basic render/i.test(painter()?.name ?? '');
}
