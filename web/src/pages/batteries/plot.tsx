import { useEffect, useId, useRef, useState, type ReactNode } from 'react';

/** One line of a {@link Plot}, with a band around it where the value is not certain. */
export interface PlotLine {
  name: string;
  color: string;
  dash?: string;
  points: readonly { x: number; y: number; low?: number; high?: number }[];
}

interface PlotProps {
  /** What a screen reader is told instead of the picture. */
  summary: string;
  lines: readonly PlotLine[];
  x: { format: (v: number) => string; label: string; min?: number; max?: number };
  y: { format: (v: number) => string; min?: number; max?: number };
  height?: number;
  /** Lines that mark a value of y. */
  marks?: readonly { y: number; label: string }[];
  /** Ground behind a span of x, as the layers of a cell. */
  spans?: readonly { from: number; to: number; label: string }[];
  children?: ReactNode;
}

/** Before it is known how wide it may be. */
const WIDTH = 640;
const LEFT = 52;
const BOTTOM = 24;
const TOP = 10;
const RIGHT = 10;

/** About five round steps over a span. */
export function steps(min: number, max: number, about = 5): number[] {
  const span = max - min;
  if (!(span > 0)) return [min];
  const raw = span / about;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = ([1, 2, 5, 10].find((m) => m * power >= raw) ?? 10) * power;
  const out: number[] = [];
  // adding nothing makes a zero of the zero below zero
  for (let i = Math.ceil(min / step - 1e-9); i * step <= max + step * 1e-9; i++) out.push(i * step + 0);
  return out;
}

/** Lines with bands over any axis: time of day and time over years both fit in it. */
export function Plot({ summary, lines, x, y, height = 220, marks = [], spans = [], children }: PlotProps) {
  const clip = useId();
  const host = useRef<HTMLElement>(null);
  const [W, setWidth] = useState(WIDTH);
  // One unit is one pixel: letters are as large as they are anywhere else.
  useEffect(() => {
    const element = host.current?.firstElementChild;
    if (!element) return;
    const observer = new ResizeObserver(([entry]) => {
      if (entry && entry.contentRect.width > 0) setWidth(Math.round(entry.contentRect.width));
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const all = lines.flatMap((line) => line.points);
  if (all.length === 0) return null;
  const xs = all.map((p) => p.x);
  const ys = all.flatMap((p) => [p.low ?? p.y, p.high ?? p.y]);
  const [x0, x1] = [x.min ?? Math.min(...xs), x.max ?? Math.max(...xs)];
  const pad = (Math.max(...ys) - Math.min(...ys)) * 0.08 || Math.abs(ys[0] ?? 1) * 0.05 || 1;
  const [y0, y1] = [y.min ?? Math.min(...ys) - pad, y.max ?? Math.max(...ys) + pad];
  const px = (v: number) => LEFT + ((v - x0) / (x1 - x0 || 1)) * (W - LEFT - RIGHT);
  const py = (v: number) => TOP + (1 - (v - y0) / (y1 - y0 || 1)) * (height - TOP - BOTTOM);
  const path = (points: readonly { x: number; y: number }[]) =>
    points.map((p, i) => `${i === 0 ? 'M' : 'L'}${px(p.x).toFixed(1)} ${py(p.y).toFixed(1)}`).join('');
  const band = (points: PlotLine['points']) => {
    const high = points.map((p) => ({ x: p.x, y: p.high ?? p.y }));
    const low = points.map((p) => ({ x: p.x, y: p.low ?? p.y })).reverse();
    return `${path(high)}${path(low).replace('M', 'L')}Z`;
  };
  return (
    <figure className="plot" ref={host}>
      <svg viewBox={`0 0 ${W} ${height}`} role="img" aria-label={summary} style={{ height }}>
        <clipPath id={clip}>
          <rect x={LEFT} y={TOP} width={W - LEFT - RIGHT} height={height - TOP - BOTTOM} />
        </clipPath>
        {spans.map((s, i) => (
          <g key={s.label}>
            <rect
              x={px(s.from)}
              y={TOP}
              width={px(s.to) - px(s.from)}
              height={height - TOP - BOTTOM}
              className={i % 2 === 0 ? 'plot-span' : 'plot-span odd'}
            />
            <text x={(px(s.from) + px(s.to)) / 2} y={TOP + 13} textAnchor="middle" className="plot-text">
              {s.label}
            </text>
          </g>
        ))}
        {steps(y0, y1).map((v) => (
          <g key={v}>
            <line x1={LEFT} x2={W - RIGHT} y1={py(v)} y2={py(v)} className="plot-grid" />
            <text x={LEFT - 6} y={py(v) + 4} textAnchor="end" className="plot-text">
              {y.format(v)}
            </text>
          </g>
        ))}
        {steps(x0, x1, W < 480 ? 3 : 6).map((v) => (
          <text key={v} x={px(v)} y={height - 7} textAnchor="middle" className="plot-text">
            {x.format(v)}
          </text>
        ))}
        {marks.map((m) => (
          <g key={m.label}>
            <line x1={LEFT} x2={W - RIGHT} y1={py(m.y)} y2={py(m.y)} className="plot-mark" />
            <text x={W - RIGHT - 4} y={py(m.y) - 5} textAnchor="end" className="plot-text">
              {m.label}
            </text>
          </g>
        ))}
        <g clipPath={`url(#${clip})`}>
          {lines.map(
            (line) =>
              line.points.some((p) => p.low !== undefined) && (
                <path key={line.name} d={band(line.points)} fill={line.color} opacity={0.16} />
              ),
          )}
          {lines.map((line) => (
            <path
              key={line.name}
              d={path(line.points)}
              fill="none"
              stroke={line.color}
              strokeWidth={1.8}
              strokeDasharray={line.dash}
              vectorEffect="non-scaling-stroke"
            />
          ))}
        </g>
      </svg>
      <figcaption>
        <span className="faint">{x.label}</span>
        {lines.length > 1 && (
          <span className="plot-legend">
            {lines.map((line) => (
              <span key={line.name}>
                <svg width="18" height="6" aria-hidden="true">
                  <line
                    x1="0"
                    x2="18"
                    y1="3"
                    y2="3"
                    stroke={line.color}
                    strokeWidth="2"
                    strokeDasharray={line.dash}
                  />
                </svg>
                {line.name}
              </span>
            ))}
          </span>
        )}
        {children}
      </figcaption>
    </figure>
  );
}
