import { Canvas } from '@react-three/fiber';
import { useCallback, useEffect, useRef, useState, type PointerEvent } from 'react';
import type { Look } from '@/graph/look';
import type { Net } from '@/graph/net';
import { live } from '@/live';
import type { Theme } from '@/ui/tokens';
import { useReducedMotion } from '@/ui/use-media';
import { hasWebGl, paintsInSoftware } from '@/ui/webgl';
import { EngineKit, type MakeEngine } from './engine-kit';
import { GraphEngine } from './graph-engine';
import './scene.css';
import './graph-scene.css';

export interface GraphSceneProps {
  net: Net;
  look: (model: string | null) => Look;
  theme: Theme;
  chosen: string | null;
  flat: boolean;
  onChoose: (id: string | null) => void;
  /** Asked for its neighbours, by a double click. */
  onOpen: (id: string) => void;
  label: string;
  /** What is said of the twin under the pointer. */
  tip: (id: string) => string;
  /** Grows when everything is to be seen again. */
  fit: number;
}

/** Twins and their relationships in space. A list beside it says the same. */
export function GraphScene(props: GraphSceneProps) {
  const { net, look, theme, chosen, flat, onChoose, onOpen, tip, fit } = props;
  const [engine, setEngine] = useState<GraphEngine | null>(null);
  const [hover, setHover] = useState<{ id: string; x: number; y: number } | null>(null);
  const root = useRef<HTMLDivElement>(null);
  const labels = useRef<HTMLDivElement>(null);
  const pressed = useRef<{ x: number; y: number } | null>(null);
  const still = useReducedMotion();
  const first = useRef({ look, theme });

  useEffect(() => engine?.setStill(still), [engine, still]);
  useEffect(() => engine?.setNet(net, look, flat), [engine, net, look, flat]);
  useEffect(() => engine?.fit(flat), [engine, flat, fit]);
  useEffect(() => engine?.setTheme(theme), [engine, theme]);
  useEffect(() => engine?.mark(chosen, hover?.id ?? null), [engine, chosen, hover?.id]);
  useEffect(() => (engine && root.current ? engine.rig.attach(root.current) : undefined), [engine]);
  useEffect(() => (engine ? live.onFocus((twin) => engine.pulse(twin)) : undefined), [engine]);

  const make = useCallback<MakeEngine<GraphEngine>>(
    (gl, scene, camera, wake) =>
      new GraphEngine(
        gl,
        scene,
        camera,
        labels.current ?? document.createElement('div'),
        first.current.look,
        first.current.theme,
        wake,
      ),
    [],
  );
  if (!hasWebGl())
    return (
      <div className="scene-root scene-message" role="note">
        This browser cannot draw the graph. The list shows the same twins.
      </div>
    );
  const at = (event: { clientX: number; clientY: number; currentTarget: HTMLElement }) => {
    const box = event.currentTarget.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  const under = (event: PointerEvent<HTMLDivElement> | React.MouseEvent<HTMLDivElement>) => {
    const { x, y } = at(event);
    return engine?.pick(x, y) ?? null;
  };
  return (
    <div
      ref={root}
      className="scene-root graph-scene"
      tabIndex={0}
      role="application"
      aria-label={props.label}
      data-hover={hover !== null}
      onPointerDown={(event) => {
        pressed.current = { x: event.clientX, y: event.clientY };
      }}
      onPointerMove={(event) => {
        if (event.buttons !== 0 || event.pointerType === 'touch') return;
        const id = under(event);
        setHover(id === null ? null : { id, ...at(event) });
      }}
      onPointerLeave={() => setHover(null)}
      onClick={(event) => {
        const from = pressed.current;
        // Whoever turned the camera has chosen nothing.
        if (!from || Math.hypot(event.clientX - from.x, event.clientY - from.y) > 5) return;
        onChoose(under(event));
      }}
      onDoubleClick={(event) => {
        const id = under(event);
        if (id !== null) onOpen(id);
      }}
    >
      <Canvas
        frameloop="demand"
        dpr={paintsInSoftware() ? 1 : [1, 2]}
        flat
        gl={{ antialias: !paintsInSoftware() }}
        camera={{ fov: 40, near: 0.1, far: 5000 }}
      >
        <EngineKit make={make} onEngine={setEngine} />
      </Canvas>
      <div ref={labels} className="scene-labels" aria-hidden="true" />
      {hover && (
        <div className="scene-tip" style={{ transform: `translate(${hover.x + 14}px, ${hover.y + 14}px)` }}>
          {tip(hover.id)}
        </div>
      )}
    </div>
  );
}
