import { useId, useLayoutEffect, useRef, useState, type PointerEvent } from 'react';
import { ticks, valueAt, type Step } from './schedule';
import './step-chart.css';

export interface StepLine {
  name: string;
  steps: readonly Step[];
  /** A colour of the theme, `var(--series-s1)`. */
  color: string;
  /** Drawn strongly, and filled. */
  strong?: boolean;
  dashed?: boolean;
  /** As wide as a strong line, without its fill. */
  wide?: boolean;
}

/** What is marked behind the lines: a stretch of time, between two values or over the whole height. */
export interface Band {
  from: number;
  to: number;
  between: readonly [number, number] | null;
}

const HEIGHT = 240;
const EDGE = { left: 52, right: 12, top: 12, bottom: 26 };
const HOUR = 3_600_000;

const two = (n: number) => String(n).padStart(2, '0');
const hourText = (ms: number) => {
  const d = new Date(ms);
  return `${two(d.getHours())}:${two(d.getMinutes())}`;
};

/** Hours that fit beside each other. */
function hourTicks(from: number, to: number, width: number): number[] {
  const room = Math.max(2, Math.floor(width / 64));
  const every = ([1, 2, 3, 4, 6, 12, 24].find((h) => (to - from) / (h * HOUR) <= room) ?? 24) * HOUR;
  const zone = new Date(from).getTimezoneOffset() * 60_000;
  const first = Math.ceil((from - zone) / every) * every + zone;
  const at: number[] = [];
  for (let t = first; t <= to; t += every) at.push(t);
  return at;
}

/** Values that hold until the next: one step line each. What is under the pointer, or now, stands in the legend. */
export function StepChart({
  label,
  lines,
  bands = [],
  bandName,
  from,
  to,
  now,
  format,
}: {
  label: string;
  lines: readonly StepLine[];
  bands?: readonly Band[];
  /** What the bands mean, for the legend. */
  bandName?: string;
  from: number;
  to: number;
  now: number;
  format: (value: number) => string;
}) {
  const box = useRef<HTMLDivElement>(null);
  const title = useId();
  const hatch = useId();
  const [width, setWidth] = useState(720);
  const [cursor, setCursor] = useState<number | null>(null);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element || typeof ResizeObserver === 'undefined') return;
    const observer = new ResizeObserver(([entry]) => entry && setWidth(entry.contentRect.width));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const values = lines.flatMap((l) => l.steps.map((s) => s.value ?? 0));
  const axis = ticks(Math.min(0, ...values), Math.max(0, ...values));
  const [low = 0, high = 1] = [axis[0], axis.at(-1)];
  const inner = Math.max(10, width - EDGE.left - EDGE.right);
  const x = (at: number) => EDGE.left + ((Math.min(Math.max(at, from), to) - from) / (to - from)) * inner;
  const y = (value: number) =>
    EDGE.top + (1 - (value - low) / (high - low)) * (HEIGHT - EDGE.top - EDGE.bottom);
  const move = (event: PointerEvent<SVGSVGElement>) => {
    const left = event.clientX - event.currentTarget.getBoundingClientRect().left;
    const share = (left - EDGE.left) / inner;
    setCursor(share < 0 || share > 1 ? null : from + share * (to - from));
  };
  const shown = cursor ?? Math.min(Math.max(now, from), to);
  return (
    <div className="step-chart" ref={box}>
      <svg
        width={width}
        height={HEIGHT}
        role="img"
        aria-labelledby={title}
        onPointerMove={move}
        onPointerLeave={() => setCursor(null)}
      >
        <title id={title}>{label}</title>
        <defs>
          <pattern
            id={hatch}
            width="6"
            height="6"
            patternUnits="userSpaceOnUse"
            patternTransform="rotate(45)"
          >
            <rect className="band-ground" width="6" height="6" />
            <line className="band-line" x1="0" x2="0" y1="0" y2="6" />
          </pattern>
        </defs>
        {bands.map(({ from: begin, to: end, between }) => {
          const top = between ? y(Math.max(...between)) : EDGE.top;
          const bottom = between ? y(Math.min(...between)) : HEIGHT - EDGE.bottom;
          return (
            <rect
              key={begin}
              x={x(begin)}
              width={Math.max(1, x(end) - x(begin))}
              y={top}
              height={Math.max(1, bottom - top)}
              fill={`url(#${hatch})`}
            />
          );
        })}
        {axis.map((value) => (
          <g key={value}>
            <line className="grid" x1={EDGE.left} x2={width - EDGE.right} y1={y(value)} y2={y(value)} />
            <text className="tick" x={EDGE.left - 8} y={y(value) + 4} textAnchor="end">
              {format(value)}
            </text>
          </g>
        ))}
        {hourTicks(from, to, inner).map((at) => (
          <text key={at} className="tick" x={x(at)} y={HEIGHT - 8} textAnchor="middle">
            {hourText(at)}
          </text>
        ))}
        {lines.map((line) => (
          <Line key={line.name} line={line} x={x} y={y} end={to} />
        ))}
        {now >= from && now <= to && (
          <line className="now" x1={x(now)} x2={x(now)} y1={EDGE.top} y2={HEIGHT - EDGE.bottom} />
        )}
        {cursor !== null && (
          <line className="cursor" x1={x(cursor)} x2={x(cursor)} y1={EDGE.top} y2={HEIGHT - EDGE.bottom} />
        )}
      </svg>
      <ul className="step-legend">
        <li className="faint num">{cursor === null ? `Now, ${hourText(shown)}` : hourText(shown)}</li>
        {lines.map((line) => {
          const value = valueAt(line.steps, shown);
          return (
            <li key={line.name}>
              <span
                className="swatch"
                style={{ borderColor: line.color, borderTopStyle: line.dashed ? 'dashed' : 'solid' }}
              />
              {line.name} <strong className="num">{value === null ? 'no limit' : format(value)}</strong>
            </li>
          );
        })}
        {bands.length > 0 && bandName && (
          <li>
            <span className="swatch-band" /> {bandName}
          </li>
        )}
      </ul>
    </div>
  );
}

/** The stretches of a line that have a value; each is a path of its own. */
function Line({
  line,
  x,
  y,
  end,
}: {
  line: StepLine;
  x: (at: number) => number;
  y: (value: number) => number;
  end: number;
}) {
  let stroke = '';
  let fill = '';
  let pen = false;
  line.steps.forEach((step, i) => {
    const until = x(line.steps[i + 1]?.at ?? end);
    if (step.value === null) {
      pen = false;
      return;
    }
    stroke += `${pen ? 'L' : 'M'}${x(step.at)} ${y(step.value)}L${until} ${y(step.value)}`;
    fill += `M${x(step.at)} ${y(0)}V${y(step.value)}H${until}V${y(0)}Z`;
    pen = true;
  });
  return (
    <>
      {line.strong && <path d={fill} fill={line.color} opacity={0.12} />}
      <path
        d={stroke}
        fill="none"
        stroke={line.color}
        strokeWidth={line.strong || line.wide ? 2 : 1.25}
        strokeDasharray={line.dashed ? '5 4' : undefined}
        strokeLinejoin="round"
      />
    </>
  );
}
