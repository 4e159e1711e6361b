import {
  useCallback,
  useEffect,
  useMemo,
  useRef,
  useState,
  type KeyboardEvent,
  type PointerEvent,
} from 'react';
import { usePreferences } from '@/app/preferences';
import {
  fit,
  neighbour,
  pan,
  projectionOf,
  toDegrees,
  toMetres,
  toPx,
  zoom,
  type Place,
  type Size,
  type View,
} from '@/swap/view';
import { Icon } from '@/ui/icons';
import {
  discPx,
  paintGround,
  paintScale,
  paintStations,
  type MapStation,
  type PlacedStation,
} from './map-paint';

export type { MapStation } from './map-paint';

/** Draws over the stations: places in metres become pixels by `toPx`. */
export type Overlay = (
  ctx: CanvasRenderingContext2D,
  toPx: (x: number, z: number) => [number, number],
) => void;

export interface SwapMapProps {
  /** What it shows, for those who do not see it. */
  label: string;
  stations: readonly MapStation[];
  chosen: string | null;
  onChoose: (id: string | null) => void;
  /** Stations may be moved: by pointer, or by arrow keys with Shift. */
  onMove?: ((id: string, to: { lat: number; lon: number }) => void) | undefined;
  /** A double click on open ground. */
  onPlace?: ((at: { lat: number; lon: number }) => void) | undefined;
  /** What lies on the ground that several maps share; by itself that is what this one shows. */
  ground?: readonly Place[];
  /** Where such maps look, all of them. */
  view?: View | null;
  onView?: (view: View) => void;
  overlay?: Overlay | undefined;
  /** What the colours mean, from the first to the last. */
  legend?: { from: string; to: string; ramp: string };
  /** A frame that wants to draw by itself takes the painter. */
  onPainter?: (paint: (() => void) | null) => void;
}

const CLICK_PX = 5;
const REACH_PX = 8;
const KEY_MOVE_PX = 12;
const ARROWS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
};

/** Stations where they stand, on a ground of our own: no map service is asked. */
export function SwapMap(props: SwapMapProps) {
  const { label, stations, chosen, onChoose, onMove, onPlace, overlay, onPainter } = props;
  const theme = usePreferences((s) => s.theme);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [size, setSize] = useState<Size>({ width: 0, height: 0 });
  const [ownView, setOwnView] = useState<View | null>(null);
  // The ground stays where it was while stations are moved or added.
  const ground = props.ground ?? stations;
  const [projection] = useState(() => projectionOf(ground));
  const placed = useMemo(
    (): PlacedStation[] => stations.map((s) => ({ ...s, x: projection.x(s.lon), z: projection.z(s.lat) })),
    [stations, projection],
  );
  const ready = size.width > 0;
  const [home, setHome] = useState<View | null>(null);
  if (ready && home === null) setHome(fit(ground, projection, size));
  const view = props.view ?? ownView ?? home;
  const { onView } = props;
  const setView = useCallback(
    (next: View) => {
      if (onView) onView(next);
      else setOwnView(next);
    },
    [onView],
  );

  useEffect(() => {
    const element = canvas.current;
    if (!element) return;
    const observer = new ResizeObserver(([entry]) => {
      if (entry) setSize({ width: entry.contentRect.width, height: entry.contentRect.height });
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const paint = useCallback(() => {
    const element = canvas.current;
    const ctx = element?.getContext('2d');
    if (!element || !ctx || !view || size.width === 0) return;
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    const [width, height] = [Math.round(size.width * ratio), Math.round(size.height * ratio)];
    if (element.width !== width) element.width = width;
    if (element.height !== height) element.height = height;
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    paintGround(ctx, view, size, theme);
    paintStations(ctx, placed, view, size, theme, chosen);
    overlay?.(ctx, (x, z) => toPx(view, size, x, z));
    paintScale(ctx, view, size, theme);
  }, [view, size, theme, placed, chosen, overlay]);
  useEffect(() => {
    paint();
    onPainter?.(paint);
    return () => onPainter?.(null);
  }, [paint, onPainter]);

  const pointer = usePointer({ placed, view, size, setView, onChoose, onMove, canvas, projection });
  const move = (event: KeyboardEvent) => {
    const way = ARROWS[event.key];
    const from = placed.find((s) => s.id === chosen);
    if (!view || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === '+' || event.key === '=')
      setView(zoom(view, size, 0.8, size.width / 2, size.height / 2));
    else if (event.key === '-') setView(zoom(view, size, 1.25, size.width / 2, size.height / 2));
    else if (event.key === 'Home') setView(fit(ground, projection, size));
    else if (event.key === 'Escape' && chosen !== null) onChoose(null);
    else if (way && event.shiftKey && from && onMove) {
      const step = KEY_MOVE_PX * view.metresPerPx;
      onMove(from.id, toDegrees(projection, from.x + way[0] * step, from.z + way[1] * step));
    } else if (way) {
      const next = from ? neighbour(placed, from, way[0], way[1]) : (placed[0]?.id ?? null);
      if (next !== null) onChoose(next);
    } else return;
    event.preventDefault();
  };

  return (
    <div className="swap-map">
      <canvas
        ref={canvas}
        tabIndex={0}
        role="application"
        aria-label={`${label} Arrow keys go from station to station${onMove ? ', with Shift they move it' : ''}; plus and minus zoom, Home shows everything.`}
        onKeyDown={move}
        onDoubleClick={(event) => {
          if (!view || !onPlace) return;
          const box = event.currentTarget.getBoundingClientRect();
          const [x, z] = toMetres(view, size, event.clientX - box.left, event.clientY - box.top);
          onPlace(toDegrees(projection, x, z));
        }}
        {...pointer}
      />
      {props.legend && (
        <p className="swap-map-legend" aria-hidden="true">
          {props.legend.from} <i style={{ background: props.legend.ramp }} /> {props.legend.to}
        </p>
      )}
      <div className="swap-map-tools" role="group" aria-label="Zoom">
        {(
          [
            ['Closer', 'plus', 0.7],
            ['Farther', 'minus', 1.4],
          ] as const
        ).map(([name, icon, factor]) => (
          <button
            key={name}
            type="button"
            className="btn btn-icon btn-sm"
            aria-label={name}
            title={name}
            onClick={() => view && setView(zoom(view, size, factor, size.width / 2, size.height / 2))}
          >
            <Icon name={icon} size={14} />
          </button>
        ))}
        <button type="button" className="btn btn-sm" onClick={() => setView(fit(ground, projection, size))}>
          All
        </button>
      </div>
    </div>
  );
}

interface Hand {
  placed: readonly PlacedStation[];
  view: View | null;
  size: Size;
  setView: (view: View) => void;
  onChoose: (id: string | null) => void;
  onMove: SwapMapProps['onMove'];
  canvas: { current: HTMLCanvasElement | null };
  projection: ReturnType<typeof projectionOf>;
}

/** Drag moves the ground or a station, the wheel and two fingers zoom, a click chooses. */
function usePointer({ placed, view, size, setView, onChoose, onMove, canvas, projection }: Hand) {
  const fingers = useRef(new Map<number, { x: number; y: number }>());
  const down = useRef<{ x: number; y: number; id: string | null; moved: boolean } | null>(null);
  const at = (event: { clientX: number; clientY: number }) => {
    const box = canvas.current?.getBoundingClientRect();
    return { x: event.clientX - (box?.left ?? 0), y: event.clientY - (box?.top ?? 0) };
  };
  const under = (x: number, y: number): string | null => {
    if (!view) return null;
    let [best, found]: [number, string | null] = [Number.POSITIVE_INFINITY, null];
    for (const station of placed) {
      const [px, py] = toPx(view, size, station.x, station.z);
      const away = Math.hypot(px - x, py - y);
      if (away < discPx(station.weight) + REACH_PX && away < best) [best, found] = [away, station.id];
    }
    return found;
  };
  // React listens to the wheel passively; the page must not scroll under the map.
  const wheel = useRef<(event: WheelEvent) => void>(() => {});
  useEffect(() => {
    wheel.current = (event) => {
      if (!view) return;
      event.preventDefault();
      const { x, y } = at(event);
      const step = Math.max(-120, Math.min(120, event.deltaMode === 1 ? event.deltaY * 18 : event.deltaY));
      setView(zoom(view, size, Math.exp(step * 0.0022), x, y));
    };
  });
  useEffect(() => {
    const element = canvas.current;
    const listen = (event: WheelEvent) => wheel.current(event);
    element?.addEventListener('wheel', listen, { passive: false });
    return () => element?.removeEventListener('wheel', listen);
  }, [canvas]);

  const pinch = (event: PointerEvent, before: { x: number; y: number }, now: { x: number; y: number }) => {
    const other = [...fingers.current].find(([id]) => id !== event.pointerId)?.[1];
    if (!view || !other) return;
    const factor =
      Math.hypot(before.x - other.x, before.y - other.y) /
      Math.max(1, Math.hypot(now.x - other.x, now.y - other.y));
    setView(zoom(view, size, factor, (now.x + other.x) / 2, (now.y + other.y) / 2));
  };
  return {
    onPointerDown: (event: PointerEvent<HTMLCanvasElement>) => {
      const { x, y } = at(event);
      fingers.current.set(event.pointerId, { x, y });
      event.currentTarget.setPointerCapture(event.pointerId);
      if (fingers.current.size === 1) down.current = { x, y, id: under(x, y), moved: false };
    },
    onPointerMove: (event: PointerEvent<HTMLCanvasElement>) => {
      const before = fingers.current.get(event.pointerId);
      const now = at(event);
      if (!before || !view) {
        event.currentTarget.style.cursor = under(now.x, now.y) === null ? '' : 'pointer';
        return;
      }
      fingers.current.set(event.pointerId, now);
      const hold = down.current;
      if (hold && Math.hypot(now.x - hold.x, now.y - hold.y) > CLICK_PX) hold.moved = true;
      if (fingers.current.size === 2) pinch(event, before, now);
      else if (hold?.moved && hold.id !== null && onMove) {
        const [x, z] = toMetres(view, size, now.x, now.y);
        onMove(hold.id, toDegrees(projection, x, z));
      } else if (hold?.moved) setView(pan(view, now.x - before.x, now.y - before.y));
    },
    onPointerUp: (event: PointerEvent<HTMLCanvasElement>) => {
      fingers.current.delete(event.pointerId);
      const hold = down.current;
      down.current = null;
      if (hold && !hold.moved) onChoose(hold.id);
      else if (hold?.id != null && onMove) onChoose(hold.id);
    },
    onPointerCancel: (event: PointerEvent<HTMLCanvasElement>) => {
      fingers.current.delete(event.pointerId);
      down.current = null;
    },
  };
}
