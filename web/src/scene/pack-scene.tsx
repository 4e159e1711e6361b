import { Canvas } from '@react-three/fiber';
import {
  useCallback,
  useEffect,
  useMemo,
  useRef,
  useState,
  type KeyboardEvent,
  type MouseEvent,
} from 'react';
import { SeverityGlyph } from '@/ui/glyph';
import type { Theme } from '@/ui/tokens';
import { useReducedMotion } from '@/ui/use-media';
import { hasWebGl, paintsInSoftware } from '@/ui/webgl';
import { EngineKit, type MakeEngine } from './engine-kit';
import { PackEngine } from './pack-engine';
import { layOutPack, neighbour, usualShape, type CellShape, type PackLayout } from './pack-layout';
import {
  cellText,
  modeName,
  modesOf,
  packView,
  rampCss,
  rampOf,
  worstOf,
  type CellWarning,
  type PackCells,
  type PackInput,
  type PackMode,
  type PackView,
  type PackWhole,
} from './pack-values';
import './scene.css';
import './pack-scene.css';

export interface PackSceneProps {
  packId?: string;
  cells: PackCells;
  /** Colours all cells alike where they are not told apart. */
  whole?: PackWhole;
  /** Cells with a warning stand out; leave away where nobody looks for faults. */
  warnings?: readonly CellWarning[];
  /** How many cells, where they do not say it themselves. */
  count?: number | null;
  /** Cells of a module; 12 unless the pack says otherwise. */
  moduleSize?: number;
  shape?: CellShape;
  chemistry?: string | null;
  theme: Theme;
  /** What colours the cells; the person may change it. */
  mode?: PackMode;
  explode?: boolean;
  /** When the values are of, in words; leave away for now. */
  asOf?: string | null;
  onSelect?: (cell: number | null) => void;
  className?: string;
}

const nothing: PackWhole = {};
/** What an arrow means in the frame of the screen: right and away from who looks. */
const ARROWS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowRight: [1, 0],
  ArrowLeft: [-1, 0],
  ArrowDown: [0, 1],
  ArrowUp: [0, -1],
};

/** A step of the screen as the nearest axis of the pack, however it is turned. */
export function alongAxis([dx, dz]: readonly [number, number], azimuth: number): [number, number] {
  const x = Math.cos(azimuth) * dx - Math.sin(azimuth) * dz;
  const z = Math.sin(azimuth) * dx + Math.cos(azimuth) * dz;
  return Math.abs(x) >= Math.abs(z) ? [Math.sign(x), 0] : [0, Math.sign(z)];
}

/** A battery pack opened: every cell in the colour of its value, with a legend and a sentence that say the same. */
export function PackScene(props: PackSceneProps) {
  const { cells, theme, moduleSize = 12, chemistry = null, onSelect, className } = props;
  const whole = props.whole ?? nothing;
  const warnings = props.warnings ?? null;
  const told = Math.max(cells.voltage_v.length, cells.temp_c.length, cells.soc.length);
  const count = told > 0 ? told : (props.count ?? 0);
  const shape = props.shape ?? usualShape(count, whole.capacity_ah, chemistry);
  const layout = useMemo(() => layOutPack(count, moduleSize, shape), [count, moduleSize, shape]);
  const input = useMemo<PackInput>(
    () => ({ count, cells, whole, warnings }),
    [count, cells, whole, warnings],
  );
  const modes = useMemo(() => modesOf(input), [input]);
  const [wanted, setMode] = useState<PackMode | null>(null);
  const mode = shownMode(modes, wanted, props.mode);
  const view = useMemo(() => packView(mode, input), [mode, input]);
  const raised = useMemo(() => new Set(worstOf(warnings ?? [], count).keys()), [warnings, count]);
  const [open, setOpen] = useState(props.explode ?? false);
  const [engine, setEngine] = useState<PackEngine | null>(null);
  const [picked, setPicked] = useState(-1);
  const [hover, setHover] = useState<{ cell: number; x: number; y: number } | null>(null);
  const stage = useRef<HTMLDivElement>(null);
  const still = useReducedMotion();
  const chosen = picked < count ? picked : -1;
  // the theme may change without a new engine
  const firstTheme = useRef(theme);
  const make = useCallback<MakeEngine<PackEngine>>(
    (gl, scene, camera, wake) => new PackEngine(gl, scene, camera, layout, shape, firstTheme.current, wake),
    [layout, shape],
  );

  useEffect(() => engine?.setValues(view.at, raised), [engine, view, raised]);
  useEffect(() => engine?.setRamp(rampOf(view.ramp, theme)), [engine, view.ramp, theme]);
  useEffect(() => engine?.setTheme(theme), [engine, theme]);
  useEffect(() => engine?.setOpen(open), [engine, open]);
  useEffect(() => engine?.setStill(still), [engine, still]);
  useEffect(() => engine?.mark(chosen, hover?.cell ?? -1), [engine, chosen, hover?.cell]);
  useEffect(() => (engine && stage.current ? engine.rig.attach(stage.current) : undefined), [engine]);

  if (!hasWebGl())
    return (
      <div className={`scene-root scene-message ${className ?? ''}`} role="note">
        This browser cannot draw the 3D view. {view.note}
      </div>
    );
  const choose = (cell: number) => {
    setPicked(cell);
    onSelect?.(cell < 0 ? null : cell);
  };
  const at = (event: MouseEvent<HTMLDivElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  // Before the camera sees them: arrows walk from cell to cell, and with Shift they move the picture.
  const onKeys = (event: KeyboardEvent<HTMLDivElement>) => {
    if (
      event.target !== event.currentTarget ||
      event.shiftKey ||
      event.ctrlKey ||
      event.metaKey ||
      event.altKey
    )
      return;
    const to = walked(event.key, layout, chosen, engine?.rig.want.azimuth ?? 0);
    if (to === null) return;
    event.preventDefault();
    event.stopPropagation();
    choose(to);
  };
  return (
    <div className={`pack-root ${className ?? ''}`}>
      <div className="pack-bar">
        <Modes modes={modes} mode={mode} onChange={setMode} />
        <div className="scene-storeys">
          <button type="button" aria-pressed={open} onClick={() => setOpen(!open)}>
            Exploded
          </button>
        </div>
      </div>
      <div
        ref={stage}
        className="scene-root pack-stage"
        tabIndex={0}
        role="application"
        aria-roledescription="3D view"
        aria-label={`${count} cells, coloured by ${view.name.toLowerCase()}. ${view.note} Arrows walk from cell to cell, Q and E turn, plus and minus zoom.`}
        onKeyDownCapture={onKeys}
        onPointerMove={(event) => {
          if (event.buttons !== 0 || !(event.target instanceof HTMLCanvasElement)) return;
          const { x, y } = at(event);
          const cell = engine?.pick(x, y) ?? -1;
          setHover(cell < 0 ? null : { cell, x, y });
        }}
        onPointerLeave={() => setHover(null)}
        onClick={(event) => {
          if (!(event.target instanceof HTMLCanvasElement)) return;
          const { x, y } = at(event);
          choose(engine?.pick(x, y) ?? -1);
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
        <Labels engine={engine} view={view} chosen={chosen} />
        {chosen >= 0 && (
          <div className="pack-chosen" aria-hidden="true">
            {cellText(chosen, input).join('\n')}
          </div>
        )}
        {hover && hover.cell !== chosen && (
          <div className="scene-tip" style={{ transform: `translate(${hover.x + 14}px, ${hover.y + 14}px)` }}>
            {cellText(hover.cell, input).join('\n')}
          </div>
        )}
      </div>
      <Foot view={view} theme={theme} raised={raised.size > 0} asOf={props.asOf ?? null} />
      <p className="visually-hidden" aria-live="polite">
        {chosen >= 0 ? cellText(chosen, input).join(', ') : ''}
      </p>
    </div>
  );
}

/** What the person chose, else what the page asks for, as far as something is known for it. */
function shownMode(
  modes: readonly PackMode[],
  ...wanted: readonly (PackMode | null | undefined)[]
): PackMode {
  return wanted.find((m) => m != null && modes.includes(m)) ?? modes[0] ?? 'temperature';
}

/** Where a key leads from a cell: −1 lets go, null is none of ours. */
function walked(key: string, layout: PackLayout, chosen: number, azimuth: number): number | null {
  const last = layout.cells.length - 1;
  if (last < 0) return null;
  if (key === 'Escape') return chosen < 0 ? null : -1;
  if (key === 'Home') return 0;
  if (key === 'End') return last;
  const arrow = ARROWS[key];
  if (!arrow) return null;
  if (chosen < 0) return 0;
  return neighbour(layout, chosen, ...alongAxis(arrow, azimuth));
}

/** One row: what does not fit is scrolled to, and what holds is in sight. */
function Modes({
  modes,
  mode,
  onChange,
}: {
  modes: readonly PackMode[];
  mode: PackMode;
  onChange: (mode: PackMode) => void;
}) {
  const row = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const box = row.current;
    const button = box?.querySelector<HTMLElement>('[aria-pressed="true"]');
    if (box && button) box.scrollLeft = button.offsetLeft - (box.clientWidth - button.offsetWidth) / 2;
  }, [mode]);
  return (
    <div ref={row} className="scene-storeys" role="group" aria-label="Colour of the cells">
      {modes.map((m) => (
        <button key={m} type="button" aria-pressed={m === mode} onClick={() => onChange(m)}>
          {modeName[m]}
        </button>
      ))}
    </div>
  );
}

/** Room that a label takes, so that none lies on another. */
const LABEL = { width: 104, height: 20 };

/** Numbers over the cells that matter: they follow the picture without React. */
function Labels({ engine, view, chosen }: { engine: PackEngine | null; view: PackView; chosen: number }) {
  const host = useRef<HTMLDivElement>(null);
  const labels = [
    ...(chosen >= 0 ? [{ cell: chosen, text: `Cell ${chosen + 1}` }] : []),
    ...view.labels.filter((label) => label.cell !== chosen),
  ];
  const key = labels.map((label) => label.cell).join();
  useEffect(() => {
    if (!engine) return;
    const cells = key === '' ? [] : key.split(',').map(Number);
    engine.listen(() => {
      const taken: { x: number; y: number }[] = [];
      cells.forEach((cell, i) => {
        const element = host.current?.children[i];
        if (!(element instanceof HTMLElement)) return;
        const at = engine.project(cell);
        element.style.visibility = at ? 'visible' : 'hidden';
        if (!at) return;
        while (taken.some((t) => Math.abs(t.x - at.x) < LABEL.width && Math.abs(t.y - at.y) < LABEL.height))
          at.y -= LABEL.height;
        taken.push(at);
        element.style.transform = `translate(${at.x.toFixed(1)}px, ${at.y.toFixed(1)}px) translate(-50%, -100%)`;
      });
    });
    return () => engine.listen(() => {});
  }, [engine, key]);
  return (
    <div ref={host} className="scene-labels" aria-hidden="true">
      {labels.map((label) => (
        <span key={label.cell} className="pack-label" data-chosen={label.cell === chosen || undefined}>
          {label.text}
        </span>
      ))}
    </div>
  );
}

const FAULT_LEGEND = [
  ['critical', 'Critical'],
  ['major', 'Major'],
  ['minor', 'Minor'],
  ['none', 'None'],
] as const;

function Foot({
  view,
  theme,
  raised,
  asOf,
}: {
  view: PackView;
  theme: Theme;
  raised: boolean;
  asOf: string | null;
}) {
  return (
    <div className="pack-foot">
      <div className="pack-legend">
        {view.name}
        {view.ends ? (
          <>
            <i style={{ background: rampCss(rampOf(view.ramp, theme)) }} />
            <span>
              <span>{view.ends[0]}</span>
              <span>{view.ends[1]}</span>
            </span>
          </>
        ) : (
          <ul>
            {FAULT_LEGEND.map(([key, word]) => (
              <li key={key}>
                <SeverityGlyph severity={key} /> {word}
              </li>
            ))}
          </ul>
        )}
      </div>
      <p className="pack-note">
        {asOf && <strong>As of {asOf}. </strong>}
        {view.note}
        {raised && ' Raised cells have a warning.'}
      </p>
    </div>
  );
}
