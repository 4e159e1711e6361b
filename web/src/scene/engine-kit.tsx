import { useFrame, useThree } from '@react-three/fiber';
import { useEffect, useRef } from 'react';
import type { PerspectiveCamera, Scene, WebGLRenderer } from 'three';

/** What draws a canvas by itself; `frame` says whether another picture is wanted. */
export interface SceneEngine {
  frame: (now: number) => boolean;
  dispose: () => void;
}

export type MakeEngine<E extends SceneEngine> = (
  gl: WebGLRenderer,
  scene: Scene,
  camera: PerspectiveCamera,
  wake: () => void,
) => E;

/**
 * Makes an engine within a canvas that draws on demand, hands it out, and ends it. A new `make` makes a new one. A lost
 * context is kept, so that the browser can give it back.
 */
export function EngineKit<E extends SceneEngine>({
  make,
  onEngine,
}: {
  make: MakeEngine<E>;
  onEngine: (engine: E | null) => void;
}) {
  const get = useThree((state) => state.get);
  const engine = useRef<E | null>(null);
  useEffect(() => {
    const { gl, scene, camera, invalidate } = get();
    const made = make(gl, scene, camera as PerspectiveCamera, () => invalidate());
    engine.current = made;
    onEngine(made);
    const keep = (event: Event) => event.preventDefault();
    const back = () => invalidate();
    gl.domElement.addEventListener('webglcontextlost', keep);
    gl.domElement.addEventListener('webglcontextrestored', back);
    invalidate();
    return () => {
      gl.domElement.removeEventListener('webglcontextlost', keep);
      gl.domElement.removeEventListener('webglcontextrestored', back);
      engine.current = null;
      onEngine(null);
      made.dispose();
    };
  }, [get, make, onEngine]);
  useFrame((state) => {
    if (engine.current?.frame(performance.now())) state.invalidate();
  }, 1);
  return null;
}
