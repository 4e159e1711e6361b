import { Canvas } from '@react-three/fiber';
import { useCallback, useEffect, useMemo, useRef, useState, type PointerEvent } from 'react';
import type { Theme } from '@/ui/tokens';
import { useReducedMotion } from '@/ui/use-media';
import { hasWebGl, paintsInSoftware } from '@/ui/webgl';
import { EngineKit, type MakeEngine } from './engine-kit';
import { PackEngine } from './pack-engine';
import { layOutPack, rampCss, valueRange, type CellShape } from './pack-layout';
import './scene.css';

/** One entry a cell; a list that the pack does not report is empty. */
export interface PackCells {
  voltage_v: readonly number[];
  temp_c: readonly number[];
  soc: readonly number[];
}
export type PackMode = 'temperature' | 'voltage' | 'soc';

export interface PackSceneProps {
  packId?: string;
  cells: PackCells;
  /** Cells of a module; 12 unless the pack says otherwise. */
  moduleSize?: number;
  shape?: CellShape;
  theme: Theme;
  /** What colours the cells; the person may change it. */
  mode?: PackMode;
  explode?: boolean;
  onSelect?: (cell: number | null) => void;
  className?: string;
}

interface Scale {
  key: keyof PackCells;
  name: string;
  /** Narrowest range that is worth the whole ramp. */
  least: number;
  text: (value: number) => string;
}
const SCALES: Readonly<Record<PackMode, Scale>> = {
  temperature: { key: 'temp_c', name: 'Temperature', least: 4, text: (v) => `${v.toFixed(1)} °C` },
  voltage: { key: 'voltage_v', name: 'Voltage', least: 0.02, text: (v) => `${v.toFixed(3)} V` },
  soc: { key: 'soc', name: 'State of charge', least: 0.04, text: (v) => `${(v * 100).toFixed(1)} %` },
};
const MODES: readonly PackMode[] = ['temperature', 'voltage', 'soc'];
const CYLINDERS_FROM = 193;

/** A battery pack opened: every cell in the colour of its value, with a legend that names the range. */
export function PackScene(props: PackSceneProps) {
  const { cells, theme, moduleSize = 12, onSelect, className } = props;
  const count = Math.max(cells.voltage_v.length, cells.temp_c.length, cells.soc.length);
  const shape = props.shape ?? (count >= CYLINDERS_FROM ? 'cylindrical' : 'prismatic');
  const layout = useMemo(() => layOutPack(count, moduleSize, shape), [count, moduleSize, shape]);
  const [chosenMode, setMode] = useState<PackMode | null>(null);
  const [open, setOpen] = useState(props.explode ?? false);
  const [engine, setEngine] = useState<PackEngine | null>(null);
  const [chosen, setChosen] = useState(-1);
  const [hover, setHover] = useState<{ cell: number; x: number; y: number } | null>(null);
  const root = useRef<HTMLDivElement>(null);
  const still = useReducedMotion();
  const mode =
    chosenMode ?? props.mode ?? MODES.find((m) => cells[SCALES[m].key].length > 0) ?? 'temperature';
  const scale = SCALES[mode];
  const values = cells[scale.key];
  const [low, high] = valueRange(values, scale.least);
  // the theme may change without a new engine
  const firstTheme = useRef(theme);
  const make = useCallback<MakeEngine<PackEngine>>(
    (gl, scene, camera, wake) => new PackEngine(gl, scene, camera, layout, shape, firstTheme.current, wake),
    [layout, shape],
  );

  useEffect(
    () =>
      engine?.setValues(
        Array.from({ length: count }, (_, i) => {
          const v = values[i];
          return v === undefined || !Number.isFinite(v) ? -1 : (v - low) / (high - low);
        }),
      ),
    [engine, values, low, high, count],
  );
  useEffect(() => engine?.setTheme(theme), [engine, theme]);
  useEffect(() => engine?.setOpen(open), [engine, open]);
  useEffect(() => engine?.setStill(still), [engine, still]);
  useEffect(() => engine?.mark(chosen, hover?.cell ?? -1), [engine, chosen, hover?.cell]);
  useEffect(() => (engine && root.current ? engine.rig.attach(root.current) : undefined), [engine]);

  if (!hasWebGl())
    return (
      <div className={`scene-root scene-message ${className ?? ''}`} role="note">
        This browser cannot draw the 3D view. The table lists every cell.
      </div>
    );
  const at = (event: PointerEvent<HTMLDivElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  return (
    <div
      ref={root}
      className={`scene-root ${className ?? ''}`}
      tabIndex={0}
      role="application"
      aria-label={`${count} cells in 3D, coloured by ${scale.name.toLowerCase()}. The table lists the same values.`}
      onPointerMove={(event) => {
        if (event.buttons !== 0 || !(event.target instanceof HTMLCanvasElement)) return;
        const { x, y } = at(event);
        const cell = engine?.pick(x, y) ?? -1;
        setHover(cell < 0 ? null : { cell, x, y });
      }}
      onPointerLeave={() => setHover(null)}
      onClick={(event) => {
        if (!(event.target instanceof HTMLCanvasElement)) return;
        const cell = hover?.cell ?? -1;
        setChosen(cell);
        onSelect?.(cell < 0 ? null : cell);
      }}
    >
      <Canvas
        frameloop="demand"
        dpr={paintsInSoftware() ? 1 : [1, 2]}
        flat
        gl={{ antialias: !paintsInSoftware() }}
        camera={{ fov: 26, near: 0.1, far: 500 }}
      >
        <EngineKit make={make} onEngine={setEngine} />
      </Canvas>
      <div className="scene-storeys pack-tools" role="group" aria-label="Cell view">
        {MODES.filter((m) => cells[SCALES[m].key].length > 0).map((m) => (
          <button key={m} type="button" aria-pressed={m === mode} onClick={() => setMode(m)}>
            {SCALES[m].name}
          </button>
        ))}
        <button type="button" aria-pressed={open} onClick={() => setOpen(!open)}>
          Exploded
        </button>
      </div>
      <div className="pack-legend">
        {scale.name}
        <i style={{ background: rampCss() }} />
        <span>
          <span>{scale.text(low)}</span>
          <span>{scale.text(high)}</span>
        </span>
      </div>
      {hover && (
        <div className="scene-tip" style={{ transform: `translate(${hover.x + 14}px, ${hover.y + 14}px)` }}>
          {tip(hover.cell, cells)}
        </div>
      )}
    </div>
  );
}

function tip(cell: number, cells: PackCells): string {
  const lines = MODES.flatMap((m) => {
    const v = cells[SCALES[m].key][cell];
    return v !== undefined && Number.isFinite(v) ? [SCALES[m].text(v)] : [];
  });
  return [`Cell ${cell + 1}`, ...lines].join('\n');
}
