import { useEffect, useMemo, useRef, useState } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { HistoryPoint } from '@/api/types';
import { usePreferences } from '@/app/preferences';
import { clock } from './format';
import { css, tokens, type Theme } from './tokens';

export interface HistoryChartProps {
  /** What the line is, as the legend and a screen reader say it. */
  label: string;
  points: readonly HistoryPoint[];
  format: (value: number) => string;
  /** Which of the shared series colours. */
  color?: keyof typeof tokens.series;
  height?: number;
  /** Newest live value with its time in ms: continues the line between two reads of the history. */
  live?: { at: number; value: number } | null;
  min?: number;
  max?: number;
}

/** Times in s and mean, min, max of each bucket, as uPlot wants them. */
export function toColumns(
  points: readonly HistoryPoint[],
  live: { at: number; value: number } | null | undefined,
): [number[], number[], number[], number[]] {
  const out: [number[], number[], number[], number[]] = [[], [], [], []];
  for (const [t, lo, mean, hi] of points) {
    out[0].push(t / 1000);
    out[1].push(mean);
    out[2].push(lo);
    out[3].push(hi);
  }
  const last = out[0].at(-1);
  if (live && (last === undefined || live.at / 1000 > last)) {
    out[0].push(live.at / 1000);
    for (const i of [1, 2, 3] as const) out[i].push(live.value);
  }
  return out;
}

const alpha = (color: number, a: number) =>
  css(color) +
  Math.round(a * 255)
    .toString(16)
    .padStart(2, '0');

/** Clock of an axis tick, with the day where it changes and seconds where ticks are that close. */
export function tick(t: number, before: number | undefined, step: number): string {
  const d = new Date(t * 1000);
  const p = before === undefined ? null : new Date(before * 1000);
  const time = step < 60 ? clock(t * 1000) : clock(t * 1000).slice(0, 5);
  return p && p.getDate() !== d.getDate() ? `${d.getDate()}.${d.getMonth() + 1}. ${time}` : time;
}

function options(props: HistoryChartProps, theme: Theme, width: number, height: number): uPlot.Options {
  const color = tokens.series[props.color ?? 's1'][theme];
  const axis = {
    stroke: css(tokens.series.axis[theme]),
    font: '11px "Inter Variable", sans-serif',
    grid: { stroke: css(tokens.series.grid[theme]), width: 1 },
    ticks: { show: false },
  };
  return {
    width,
    height,
    padding: [8, 12, 0, 0],
    cursor: { points: { size: 6 }, y: false },
    legend: { live: true },
    scales: {
      y: {
        range: (_u, lo, hi) => {
          const from = props.min ?? Math.min(lo, 0);
          const to = props.max ?? Math.max(hi, from + 1e-9);
          return [from, props.max ?? to + (to - from) * 0.08];
        },
      },
    },
    axes: [
      {
        ...axis,
        size: 30,
        space: 70,
        values: (_u, splits, _axis, _space, step) => splits.map((t, i) => tick(t, splits[i - 1], step)),
      },
      { ...axis, size: 62, space: 34, values: (_u, splits) => splits.map((v) => props.format(v)) },
    ],
    series: [
      { label: 'At', value: (_u, t) => (t == null ? '–' : clock(t * 1000)) },
      {
        label: props.label,
        stroke: css(color),
        width: 1.5,
        fill: alpha(color, 0.08),
        points: { show: false },
        value: (_u, v) => (v == null ? '–' : props.format(v)),
      },
      {
        label: 'Lowest',
        stroke: 'transparent',
        points: { show: false },
        value: (_u, v) => (v == null ? '–' : props.format(v)),
      },
      {
        label: 'Highest',
        stroke: 'transparent',
        points: { show: false },
        value: (_u, v) => (v == null ? '–' : props.format(v)),
      },
    ],
    bands: [{ series: [3, 2], fill: alpha(color, 0.16) }],
  };
}

/** A line of means over its band from lowest to highest. The summary beside it says the same in words. */
export function HistoryChart(props: HistoryChartProps) {
  const theme = usePreferences((s) => s.theme);
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [width, setWidth] = useState(0);
  const height = props.height ?? 220;
  const { points, live } = props;
  const data = useMemo(() => toColumns(points, live), [points, live]);
  const latest = useRef({ props, data });
  useEffect(() => {
    latest.current = { props, data };
  });

  useEffect(() => {
    const element = host.current;
    if (!element) return;
    const observer = new ResizeObserver(([entry]) => {
      if (entry) setWidth(Math.floor(entry.contentRect.width));
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const ready = width > 0;
  useEffect(() => {
    const element = host.current;
    if (!element || !ready) return;
    const current = latest.current;
    const chart = new uPlot(
      options(current.props, theme, element.clientWidth, current.props.height ?? 220),
      current.data,
      element,
    );
    plot.current = chart;
    return () => {
      chart.destroy();
      plot.current = null;
    };
  }, [theme, ready, props.label]);

  useEffect(() => {
    if (ready) plot.current?.setSize({ width, height });
  }, [ready, width, height]);

  useEffect(() => {
    plot.current?.setData(data);
  }, [data]);

  const summary = useMemo(() => {
    const means = data[1];
    if (means.length === 0) return `${props.label}: no values`;
    const f = props.format;
    return `${props.label}: now ${f(means.at(-1) ?? 0)}, lowest ${f(Math.min(...data[2]))}, highest ${f(Math.max(...data[3]))}`;
  }, [data, props.label, props.format]);

  return (
    <div className="chart">
      <div ref={host} role="img" aria-label={summary} style={{ minHeight: height }} />
    </div>
  );
}
