import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useState } from 'react';
import { historyBetweenQuery, historyQuery } from '@/api/queries';
import { Segments } from './segments';
import { EmptyState, ErrorState, Skeleton } from './states';
import type { tokens } from './tokens';

const HistoryChart = lazy(() => import('./chart').then((m) => ({ default: m.HistoryChart })));

const spans = [
  { value: '15', label: '15 min' },
  { value: '60', label: '1 h' },
  { value: '360', label: '6 h' },
  { value: '1440', label: '24 h' },
] as const;
/** About one bucket per four pixels of a wide panel. */
const POINTS = 240;
type Span = (typeof spans)[number]['value'];

export interface Trace {
  property: string;
  label: string;
  format: (value: number) => string;
  color: keyof typeof tokens.series;
  min?: number;
  max?: number;
}

/** One property over time, of several to choose from. */
export function HistoryPanel({
  twin,
  traces,
  live,
  title = 'History',
  between,
}: {
  twin: string;
  traces: readonly Trace[];
  /** Newest value per property with its time. */
  live?: (property: string) => { at: number; value: number } | null;
  title?: string;
  /** A closed span instead of "until now", RFC 3339. */
  between?: { from: string; to: string } | undefined;
}) {
  const [span, setSpan] = useState<Span>('60');
  const [property, setProperty] = useState(traces[0]?.property ?? '');
  const trace = traces.find((t) => t.property === property) ?? traces[0];
  const running = useQuery({
    ...historyQuery(twin, property, Number(span), POINTS),
    enabled: !between,
    placeholderData: (previous, previousQuery) =>
      previousQuery?.queryKey[3] === property ? previous : undefined,
  });
  const closed = useQuery({
    ...historyBetweenQuery(twin, property, between?.from ?? '', between?.to ?? '', POINTS),
    enabled: between !== undefined,
  });
  const query = between ? closed : running;
  if (!trace) return null;
  const points = query.data?.points;
  return (
    <section className="panel" aria-label={title}>
      <header className="panel-head" style={{ flexWrap: 'wrap' }}>
        <h2>{traces.length > 1 ? title : trace.label}</h2>
        {traces.length > 1 && (
          <Segments
            label="Property"
            value={property}
            onChange={setProperty}
            options={traces.map((t) => ({ value: t.property, label: t.label }))}
          />
        )}
        {!between && <Segments<Span> label="Time span" value={span} onChange={setSpan} options={spans} />}
      </header>
      {query.isError && !points ? (
        <ErrorState error={query.error} retry={() => void query.refetch()} what="The history" />
      ) : points === undefined ? (
        <ChartSkeleton />
      ) : points.length === 0 ? (
        <EmptyState title="No values in this span">
          {between
            ? 'Nothing was recorded, or it is older than what is kept.'
            : 'Choose a longer span, or wait for the first reading.'}
        </EmptyState>
      ) : (
        <Suspense fallback={<ChartSkeleton />}>
          <HistoryChart
            key={trace.property}
            label={trace.label}
            points={points}
            format={trace.format}
            color={trace.color}
            live={live?.(trace.property) ?? null}
            {...(trace.min === undefined ? {} : { min: trace.min })}
            {...(trace.max === undefined ? {} : { max: trace.max })}
          />
        </Suspense>
      )}
    </section>
  );
}

function ChartSkeleton() {
  return (
    <div role="status" style={{ padding: '1rem', height: '16rem' }}>
      <span className="visually-hidden">Loading</span>
      <Skeleton width="100%" height="100%" />
    </div>
  );
}
