import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import { uptimeDetailQuery, type UptimeDetail } from '@/api/uptime';
import { may } from '@/app/session';
import { PageHead } from '@/app/page-head';
import { useSession } from '@/app/use-session';
import { dateTime, duration, instant } from '@/ui/format';
import { Glyph } from '@/ui/glyph';
import { Icon } from '@/ui/icons';
import { EmptyState, ErrorState, SkeletonBlock } from '@/ui/states';
import { DataTable, type Column } from '@/ui/table';
import { ExclusionDialog } from './exclusions';
import { UptimeFigure, windowDays } from './uptime';
import './uptime.css';

const route = getRouteApi('/shell/uptime/$twinId');

type Outage = UptimeDetail['intervals'][number];

const causeWord: Readonly<Record<string, string>> = {
  offline: 'No connection',
  faulted: 'Faulted',
  unavailable: 'Unavailable',
};

const lasted = (o: Outage) => ((instant(o.to) ?? 0) - (instant(o.from) ?? 0)) / 1000;

const columns: readonly Column<Outage>[] = [
  { key: 'from', label: 'From', sort: (o) => instant(o.from), cell: (o) => dateTime(o.from) },
  { key: 'lasted', label: 'Lasted', align: 'right', sort: lasted, cell: (o) => duration(lasted(o)) },
  { key: 'connector', label: 'Connector', wide: true, sort: (o) => o.connector, cell: (o) => o.connector },
  {
    key: 'cause',
    label: 'Cause',
    sort: (o) => o.cause,
    cell: (o) => (
      <span className="badge">
        <Glyph
          shape={o.cause === 'faulted' ? 'diamond' : o.cause === 'offline' ? 'cross' : 'slash'}
          color={`var(--status-${o.cause})`}
        />
        {causeWord[o.cause] ?? o.cause}
      </span>
    ),
  },
  {
    key: 'counts',
    label: 'Counts',
    wide: true,
    sort: (o) => (o.unobserved ? 2 : o.excluded_by != null ? 1 : 0),
    cell: (o) =>
      o.unobserved ? (
        <span className="muted">No: nobody watched</span>
      ) : o.excluded_by != null ? (
        <span className="muted">No: exclusion {o.excluded_by}</span>
      ) : (
        'Yes'
      ),
  },
];

/** How the figures of a station or connector come about. */
export function UptimeDetailPage() {
  const { twinId } = route.useParams();
  const search = route.useSearch();
  const session = useSession();
  const [excluding, setExcluding] = useState(false);
  const { data, error, refetch } = useQuery(uptimeDetailQuery(twinId, windowDays(search.status)));
  return (
    <div className="page">
      <PageHead
        parent={{ to: '/uptime', label: 'Uptime' }}
        here={twinId}
        title={`Uptime of ${twinId}`}
        actions={
          may(session?.role, 'operator') && (
            <button type="button" className="btn" onClick={() => setExcluding(true)}>
              <Icon name="plus" size={14} /> Exclude an outage
            </button>
          )
        }
      />
      {error ? (
        <ErrorState error={error} retry={() => void refetch()} what={`Uptime of ${twinId}`} />
      ) : !data ? (
        <SkeletonBlock lines={8} />
      ) : (
        <>
          <dl className="stats">
            <div className="stat">
              <dt>Uptime</dt>
              <dd>{data.uptime_percent == null ? '–' : `${data.uptime_percent.toFixed(2)} %`}</dd>
            </div>
            <div className="stat">
              <dt>Outage</dt>
              <dd>{duration(data.outage_s)}</dd>
            </div>
            <div className="stat">
              <dt>Of it excluded</dt>
              <dd>{duration(data.excluded_s)}</dd>
            </div>
            <div className="stat">
              <dt>Nobody watched</dt>
              <dd>{duration(data.unobserved_s)}</dd>
            </div>
          </dl>
          {!data.whole_window && data.since && (
            <p className="muted">
              Watched since {dateTime(data.since)}: the figure is over that time, not over the whole window.
            </p>
          )}
          <section className="panel" aria-labelledby="ports">
            <header className="panel-head">
              <h2 id="ports">Connectors</h2>
            </header>
            <ul className="uptime-ports">
              {data.connectors.map((port) => (
                <li key={port.id}>
                  <span className="mono">{port.id}</span>
                  <UptimeFigure of={port} />
                  <span className="muted">{duration(port.outage_s)} out</span>
                </li>
              ))}
              {data.connectors.length === 0 && <li className="faint">No connector was seen yet</li>}
            </ul>
          </section>
          <section className="panel" aria-labelledby="intervals">
            <header className="panel-head">
              <h2 id="intervals">Outages</h2>
              <span className="aside">{data.intervals.length >= 1000 ? 'The newest 1,000' : ''}</span>
            </header>
            <DataTable
              caption="Outages, newest first"
              columns={columns}
              rows={data.intervals}
              rowKey={(o) => `${o.connector} ${o.from} ${o.to}`}
              initialSort={{ key: 'from', dir: 'desc' }}
              empty={<EmptyState icon="check" title="No outage in this window" />}
            />
          </section>
        </>
      )}
      {excluding && <ExclusionDialog scope={twinId} onClose={() => setExcluding(false)} />}
    </div>
  );
}
