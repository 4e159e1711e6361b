import { useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { batteryHistoryQuery, type Bucket } from '@/api/batteries';
import { clock, measure, percent } from '@/ui/format';
import { Segments } from '@/ui/segments';
import { EmptyState, ErrorState, SkeletonBlock } from '@/ui/states';
import { Plot, type PlotLine } from './plot';

const spans = [
  { value: '60', label: '1 h' },
  { value: '360', label: '6 h' },
  { value: '1440', label: '24 h' },
  { value: '10080', label: '7 days' },
] as const;
type Span = (typeof spans)[number]['value'];
const POINTS = 240;

const kinds = [
  { value: 'soc', label: 'Charge' },
  { value: 'soh', label: 'Health' },
  { value: 'temp_c', label: 'Temperature' },
  { value: 'residual_v', label: 'Residual' },
  { value: 'current_a', label: 'Current' },
] as const;
type Kind = (typeof kinds)[number]['value'];

const format: Readonly<Record<Kind, (v: number) => string>> = {
  soc: (v) => percent(v),
  soh: (v) => percent(v, 1),
  temp_c: (v) => measure(v, '°C'),
  residual_v: (v) => measure(v * 1000, 'mV'),
  current_a: (v) => measure(v, 'A', 0),
};

/** The estimate with its bounds, and beside it what the pack itself says, where it says it. */
export function historyLines(series: Readonly<Record<string, Bucket[]>>, kind: Kind): PlotLine[] {
  const own = series[kind] ?? [];
  const at = (name: string) => new Map((series[name] ?? []).map(([t, , mean]) => [t, mean]));
  const [low, high] = [at(`${kind}_low`), at(`${kind}_high`)];
  const bounded = kind === 'soc' || kind === 'soh';
  const lines: PlotLine[] = [];
  if (own.length > 0) {
    lines.push({
      name: kind === 'temp_c' ? 'Measured' : bounded ? 'Twin' : kind === 'current_a' ? 'Current' : 'Residual',
      color: 'var(--series-s1)',
      points: own.map(([t, least, mean, most]) => ({
        x: t,
        y: mean,
        low: bounded ? (low.get(t) ?? mean) : least,
        high: bounded ? (high.get(t) ?? mean) : most,
      })),
    });
  }
  const beside =
    kind === 'soc' ? series.reported_soc : kind === 'temp_c' ? series.temp_estimate_c : undefined;
  if (beside && beside.length > 0) {
    lines.push({
      name: kind === 'soc' ? 'The vehicle says' : 'Twin',
      color: 'var(--series-s2)',
      dash: '5 4',
      points: beside.map(([t, , mean]) => ({ x: t, y: mean })),
    });
  }
  return lines;
}

export function HistoryPart({ id }: { id: string }) {
  const [spanOf, setSpan] = useState<Span>('60');
  const [kind, setKind] = useState<Kind>('soc');
  const query = useQuery({
    ...batteryHistoryQuery(id, Number(spanOf), POINTS),
    placeholderData: (previous) => previous,
  });
  const lines = useMemo(() => historyLines(query.data?.series ?? {}, kind), [query.data, kind]);
  const day = Number(spanOf) > 1440;
  const first = lines[0]?.points[0];
  const last = lines[0]?.points.at(-1);
  return (
    <section className="panel" aria-labelledby="history">
      <header className="panel-head" style={{ flexWrap: 'wrap' }}>
        <h2 id="history">History</h2>
        <div className="segments-scroll">
          <Segments<Kind> label="Value" value={kind} onChange={setKind} options={kinds} />
        </div>
        <Segments<Span> label="Time span" value={spanOf} onChange={setSpan} options={spans} />
      </header>
      {query.error && !query.data ? (
        <ErrorState error={query.error} retry={() => void query.refetch()} what="The history" />
      ) : !query.data ? (
        <SkeletonBlock />
      ) : lines.length === 0 ? (
        <EmptyState title="No values in this span" />
      ) : (
        <Plot
          summary={`${kinds.find((k) => k.value === kind)?.label ?? ''} over time${last ? `, now ${format[kind](last.y)}` : ''}`}
          lines={lines}
          x={{
            format: (t) =>
              day
                ? new Date(t).toLocaleDateString('en', { day: 'numeric', month: 'short' })
                : clock(t).slice(0, last && first && last.x - first.x < 600_000 ? 8 : 5),
            label: 'Local time',
          }}
          y={{ format: format[kind], ...(kind === 'soc' ? { min: 0, max: 1 } : {}) }}
        />
      )}
    </section>
  );
}
