import { useEffect, useId, useRef, useState, type KeyboardEvent, type PointerEvent } from 'react';
import { axisTop, HOURS, keyStep, rounded, scaled, smoothed, stroke } from '@/swap/profile';

const HEIGHT = 190;
const LEFT = 44;
const BOTTOM = 22;
const TOP = 8;

const hourName = (hour: number) => `${String(hour).padStart(2, '0')}:00`;

function figure(rate: number): string {
  return rate >= 100 ? rate.toFixed(0) : rate >= 10 ? rate.toFixed(1) : rate.toFixed(2);
}

/** Rates by the hour, drawn by pointer over the bars, or by arrow keys bar by bar. */
export function ProfileEditor({
  label,
  unit,
  profile,
  disabled,
  problem,
  onChange,
}: {
  label: string;
  /** What a rate counts, "vehicles an hour". */
  unit: string;
  profile: readonly number[];
  disabled: boolean;
  problem?: string | undefined;
  onChange: (profile: number[]) => void;
}) {
  const id = useId();
  const svg = useRef<SVGSVGElement>(null);
  const [width, setWidth] = useState(720);
  const bar = (width - LEFT) / HOURS;
  useEffect(() => {
    const element = svg.current;
    if (!element) return;
    const observer = new ResizeObserver(([entry]) => {
      if (entry && entry.contentRect.width > LEFT) setWidth(entry.contentRect.width);
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const [active, setActive] = useState(0);
  // The axis stands still while a stroke lasts, or the bar would run from the hand.
  const [held, setHeld] = useState<{ top: number; last: { hour: number; rate: number } } | null>(null);
  const top = held?.top ?? axisTop(profile);
  const step = keyStep(top);
  const height = (rate: number) => (Math.min(rate, top) / top) * (HEIGHT - BOTTOM - TOP);

  const pointAt = (event: PointerEvent, axis: number) => {
    const box = svg.current?.getBoundingClientRect();
    if (!box) return null;
    const x = ((event.clientX - box.left) / box.width) * width;
    const y = ((event.clientY - box.top) / box.height) * HEIGHT;
    const hour = Math.min(HOURS - 1, Math.max(0, Math.floor((x - LEFT) / bar)));
    const share = (HEIGHT - BOTTOM - y) / (HEIGHT - BOTTOM - TOP);
    return { hour, rate: Math.min(1, Math.max(0, share)) * axis };
  };
  const begin = (event: PointerEvent<SVGSVGElement>) => {
    const axis = axisTop(profile);
    const point = disabled || event.button !== 0 ? null : pointAt(event, axis);
    if (!point) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    setHeld({ top: axis, last: point });
    setActive(point.hour);
    onChange(stroke(profile, point, point, keyStep(axis)));
  };
  const draw = (event: PointerEvent<SVGSVGElement>) => {
    const point = held && pointAt(event, held.top);
    if (!held || !point) return;
    onChange(stroke(profile, held.last, point, keyStep(held.top)));
    setHeld({ ...held, last: point });
    setActive(point.hour);
  };
  const onKey = (event: KeyboardEvent, hour: number) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const rate = profile[hour] ?? 0;
    const size = step * (event.shiftKey ? 10 : 1);
    const to: Record<string, number> = {
      ArrowUp: rate + size,
      ArrowDown: rate - size,
      PageUp: rate + 10 * step,
      PageDown: rate - 10 * step,
      Delete: 0,
    };
    const go: Record<string, number> = {
      ArrowLeft: Math.max(0, hour - 1),
      ArrowRight: Math.min(HOURS - 1, hour + 1),
      Home: 0,
      End: HOURS - 1,
    };
    const next = go[event.key];
    const value = to[event.key];
    if (next !== undefined) {
      setActive(next);
      svg.current?.querySelector<SVGElement>(`[data-hour="${next}"]`)?.focus();
    } else if (value !== undefined && !disabled)
      onChange(profile.map((r, i) => (i === hour ? rounded(value, step) : r)));
    else return;
    event.preventDefault();
  };
  const lines = [0, 0.25, 0.5, 0.75, 1];
  return (
    <div className="profile" role="group" aria-labelledby={`${id}-label`}>
      <div className="profile-head">
        <span id={`${id}-label`} className="label">
          {label}
        </span>
        <output className="num muted">
          {hourName(active)}–{hourName(active + 1)}: {figure(profile[active] ?? 0)} {unit}
        </output>
      </div>
      <svg
        ref={svg}
        viewBox={`0 0 ${width} ${HEIGHT}`}
        className="profile-bars"
        data-disabled={disabled}
        onPointerDown={begin}
        onPointerMove={draw}
        onPointerUp={() => setHeld(null)}
        onPointerCancel={() => setHeld(null)}
      >
        <g aria-hidden="true">
          {lines.map((share) => {
            const y = HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP);
            return (
              <g key={share}>
                <line x1={LEFT} x2={width} y1={y} y2={y} className="profile-line" />
                <text x={LEFT - 6} y={y + 3.5} textAnchor="end">
                  {Number((share * top).toPrecision(3))}
                </text>
              </g>
            );
          })}
          {[0, 6, 12, 18].map((hour) => (
            <text key={hour} x={LEFT + hour * bar} y={HEIGHT - 6}>
              {hourName(hour)}
            </text>
          ))}
        </g>
        {profile.slice(0, HOURS).map((rate, hour) => (
          <g
            key={hour}
            role="slider"
            data-hour={hour}
            tabIndex={hour === active ? 0 : -1}
            aria-label={`${label}, ${hourName(hour)}`}
            aria-valuemin={0}
            aria-valuemax={10_000}
            aria-valuenow={rate}
            aria-valuetext={`${figure(rate)} ${unit}`}
            aria-disabled={disabled}
            onFocus={() => setActive(hour)}
            onKeyDown={(event) => onKey(event, hour)}
          >
            <rect
              x={LEFT + hour * bar}
              y={TOP}
              width={bar}
              height={HEIGHT - BOTTOM - TOP}
              className="profile-slot"
            />
            <rect
              x={LEFT + hour * bar + 1.5}
              y={HEIGHT - BOTTOM - Math.max(1.5, height(rate))}
              width={bar - 3}
              height={Math.max(1.5, height(rate))}
              rx={2}
              className="profile-bar"
            />
          </g>
        ))}
      </svg>
      {problem && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
      {!disabled && (
        <div className="profile-tools">
          <button type="button" className="btn btn-sm" onClick={() => onChange(scaled(profile, 1.1))}>
            10 % more
          </button>
          <button type="button" className="btn btn-sm" onClick={() => onChange(scaled(profile, 1 / 1.1))}>
            10 % less
          </button>
          <button type="button" className="btn btn-sm" onClick={() => onChange(smoothed(profile))}>
            Smoother
          </button>
          <span className="sub">
            Draw over the bars, or use the arrow keys; with Shift in steps ten times as large.
          </span>
        </div>
      )}
    </div>
  );
}
