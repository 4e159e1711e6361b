let known: boolean | null = null;

/** True where a WebGL 2 context can be had. Asked once for the page, and given back: browsers grant only a few. */
export function hasWebGl(): boolean {
  if (known === null) {
    const context = document.createElement('canvas').getContext('webgl2');
    known = context !== null;
    context?.getExtension('WEBGL_lose_context')?.loseContext();
  }
  return known;
}
