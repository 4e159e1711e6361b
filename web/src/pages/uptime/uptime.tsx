import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { exclusionsQuery, uptimeQuery, type StationUptime, type UptimeFigures } from '@/api/uptime';
import { useList } from '@/api/use-list';
import { StationName, stationName, useScene } from '@/app/names';
import { may } from '@/app/session';
import { formatSort, parseSort } from '@/app/url-state';
import { useSession } from '@/app/use-session';
import { duration } from '@/ui/format';
import { Glyph } from '@/ui/glyph';
import { FilterField } from '@/ui/filter-field';
import { Icon } from '@/ui/icons';
import { Segments } from '@/ui/segments';
import { EmptyState, ErrorState } from '@/ui/states';
import { DataTable, type Column } from '@/ui/table';
import { ExclusionDialog, ExclusionTable } from './exclusions';
import './uptime.css';

const route = getRouteApi('/shell/uptime');

const windows = [
  { value: 'year', label: '12 months', days: null },
  { value: 'month', label: '30 days', days: 30 },
  { value: 'week', label: '7 days', days: 7 },
] as const;
type WindowName = (typeof windows)[number]['value'];

/** The window of an address; twelve months, as the rule says, for anything else. */
export function windowDays(status: string | undefined): number | null {
  return windows.find((w) => w.value === status)?.days ?? null;
}

/** A figure by the 97 % rule: shape and word beside the number, and how long was watched where that is less. */
export function UptimeFigure({ of }: { of: UptimeFigures }) {
  if (of.uptime_percent == null) return <span className="faint">Not yet watched</span>;
  return (
    <span className="uptime-figure">
      <Glyph
        shape={of.meets_97 ? 'circle' : 'triangle'}
        color={of.meets_97 ? 'var(--status-available)' : 'var(--severity-major)'}
      />
      <strong className="num">{of.uptime_percent.toFixed(2)} %</strong>
      <span className="sub">{of.meets_97 ? 'meets 97 %' : 'below 97 %'}</span>
    </span>
  );
}

const columns: readonly Column<StationUptime>[] = [
  {
    key: 'station',
    label: 'Station',
    sort: (s) => s.id,
    cell: (s) => (
      <Link
        to="/uptime/$twinId"
        params={{ twinId: s.id }}
        search={(before) => ({ status: before.status })}
        from="/uptime"
        tabIndex={-1}
      >
        {s.id} <StationName id={s.id} />
      </Link>
    ),
  },
  { key: 'uptime', label: 'Uptime', sort: (s) => s.uptime_percent, cell: (s) => <UptimeFigure of={s} /> },
  {
    key: 'connectors',
    label: 'Connectors that meet it',
    align: 'right',
    wide: true,
    sort: (s) => s.connectors.filter((c) => c.meets_97).length - s.connectors.length,
    cell: (s) => `${s.connectors.filter((c) => c.meets_97).length} of ${s.connectors.length}`,
  },
  {
    key: 'outage',
    label: 'Outage',
    align: 'right',
    sort: (s) => s.outage_s,
    cell: (s) => duration(s.outage_s),
  },
  {
    key: 'excluded',
    label: 'Of it excluded',
    align: 'right',
    wide: true,
    sort: (s) => s.excluded_s,
    cell: (s) => duration(s.excluded_s),
  },
  {
    key: 'watched',
    label: 'Watched',
    align: 'right',
    wide: true,
    sort: (s) => s.period_s,
    cell: (s) =>
      s.whole_window ? (
        'The whole window'
      ) : (
        <span title="A connector is measured since it was first seen">
          {duration(s.connectors.length > 0 ? s.period_s / s.connectors.length : 0)}
        </span>
      ),
  },
];

export function UptimePage() {
  const search = route.useSearch();
  const navigate = useNavigate({ from: '/uptime' });
  const session = useSession();
  const [excluding, setExcluding] = useState(false);
  const name: WindowName = windows.find((w) => w.value === search.status)?.value ?? 'year';
  const { rows, error, retry, more, loadingMore } = useList(uptimeQuery(windowDays(search.status)));
  const exclusions = useList(exclusionsQuery);
  const q = (search.q ?? '').trim().toLowerCase();
  const scene = useScene();
  const shown = useMemo(
    () => rows?.filter((s) => [s.id, stationName(scene, s.id)].some((v) => v?.toLowerCase().includes(q))),
    [rows, q, scene],
  );
  const ports = rows?.flatMap((s) => s.connectors) ?? [];
  const judged = ports.filter((c) => c.meets_97 != null);
  const good = judged.filter((c) => c.meets_97).length;
  return (
    <div className="page">
      <header className="page-head">
        <div className="titles">
          <h1>Uptime</h1>
        </div>
        {may(session?.role, 'operator') && (
          <div className="page-actions">
            <button type="button" className="btn" onClick={() => setExcluding(true)}>
              <Icon name="plus" size={14} /> Exclude an outage
            </button>
          </div>
        )}
      </header>
      <p className="muted uptime-rule">
        By the 97 % rule for public chargers (23 CFR 680.116): minutes of the window less outage that is not
        excluded, over the minutes of the window. A younger connector is measured since it was first seen.
      </p>
      <dl className="stats">
        <div className="stat">
          <dt>Connectors at 97 % or more</dt>
          <dd>
            {rows ? good : '–'} <span className="faint">of {judged.length}</span>
          </dd>
        </div>
        <div className="stat">
          <dt>Below the rule</dt>
          <dd>{rows ? judged.length - good : '–'}</dd>
        </div>
        <div className="stat">
          <dt>Outage in all</dt>
          <dd>{rows ? duration(ports.reduce((sum, c) => sum + c.outage_s, 0)) : '–'}</dd>
        </div>
        <div className="stat">
          <dt>Of it excluded</dt>
          <dd>{rows ? duration(ports.reduce((sum, c) => sum + c.excluded_s, 0)) : '–'}</dd>
        </div>
      </dl>
      <div className="toolbar">
        <FilterField
          label="Filter stations"
          placeholder="Filter by station…"
          value={search.q}
          onChange={(text) => void navigate({ search: (s) => ({ ...s, q: text }), replace: true })}
        />
        <Segments<WindowName>
          label="Window"
          value={name}
          options={windows}
          onChange={(value) =>
            void navigate({
              search: (s) => ({ ...s, status: value === 'year' ? undefined : value }),
              replace: true,
            })
          }
        />
        <span className="spacer" />
        {shown && <span className="tally">{shown.length} shown</span>}
      </div>
      <section className="panel" aria-label="Uptime by station">
        {error ? (
          <ErrorState error={error} retry={retry} what="Uptime" />
        ) : (
          <DataTable
            caption="Uptime by station"
            columns={columns}
            rows={shown}
            rowKey={(s) => s.id}
            onOpen={(s) =>
              void navigate({
                to: '/uptime/$twinId',
                params: { twinId: s.id },
                search: { status: search.status },
              })
            }
            sort={parseSort(search.sort) ?? { key: 'uptime', dir: 'asc' }}
            onSort={(sort) =>
              void navigate({ search: (s) => ({ ...s, sort: formatSort(sort) }), replace: true })
            }
            empty={
              <EmptyState icon="uptime" title={rows?.length === 0 ? 'No stations yet' : 'No station matches'}>
                {rows?.length === 0
                  ? 'Uptime is measured from the first time that a station connects.'
                  : 'Change the filter to see others.'}
              </EmptyState>
            }
            foot={
              more && (
                <button type="button" className="btn btn-sm" onClick={more} disabled={loadingMore}>
                  Load more
                </button>
              )
            }
          />
        )}
      </section>
      <section className="panel" aria-labelledby="exclusions">
        <header className="panel-head">
          <h2 id="exclusions">Excluded</h2>
          <span className="aside">Outages here do not count</span>
        </header>
        {exclusions.error ? (
          <ErrorState error={exclusions.error} retry={exclusions.retry} what="Exclusions" />
        ) : (
          <ExclusionTable rows={exclusions.rows} />
        )}
      </section>
      {excluding && <ExclusionDialog scope="" onClose={() => setExcluding(false)} />}
    </div>
  );
}
