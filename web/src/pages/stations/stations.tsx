import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useMemo } from 'react';
import { stationsQuery } from '@/api/queries';
import type { Station } from '@/api/types';
import { useList } from '@/api/use-list';
import { overlayStation } from '@/app/live-overlay';
import { may } from '@/app/session';
import { placesOf, useScene } from '@/app/names';
import { formatSort, parseSort } from '@/app/url-state';
import { useSession } from '@/app/use-session';
import { useTableRows } from '@/live';
import { age, instant, percent } from '@/ui/format';
import { SeverityGlyph, StatusBadge } from '@/ui/glyph';
import { FilterField } from '@/ui/filter-field';
import { Icon } from '@/ui/icons';
import { Meter, Power } from '@/ui/quantity';
import { Segments } from '@/ui/segments';
import { EmptyState, ErrorState } from '@/ui/states';
import { DataTable, type Column } from '@/ui/table';
import { severityKey, statusKey } from '@/ui/tokens';
import { useNow } from '@/ui/use-now';

const route = getRouteApi('/shell/stations');

const groups = ['all', 'available', 'charging', 'occupied', 'faulted', 'offline'] as const;
type Group = (typeof groups)[number];

const severityRank = { none: 0, info: 1, minor: 2, major: 3, critical: 4 } as const;

/** The REST list with what the stream knows newer. */
function useStations() {
  const list = useList(stationsQuery);
  const live = useTableRows('station');
  const rows = useMemo(() => {
    if (!list.rows || live.length === 0) return list.rows;
    const byId = new Map(live.map((row) => [row.id, row]));
    return list.rows.map((station) => overlayStation(station, byId.get(station.id)));
  }, [list.rows, live]);
  return { ...list, rows };
}

function LastSeen({ station }: { station: Station }) {
  const now = useNow();
  const at = instant(station.last_seen);
  if (station.online) return <span className="muted">Connected</span>;
  return <span className="faint">{at === null ? 'Never' : `${age(now - at)} ago`}</span>;
}

const columns: readonly Column<Station>[] = [
  {
    key: 'station',
    label: 'Station',
    sort: (s) => s.id,
    cell: (s) => (
      <Link to="/stations/$stationId" params={{ stationId: s.id }} tabIndex={-1}>
        {s.id}
      </Link>
    ),
  },
  {
    key: 'name',
    label: 'Name',
    sort: (s) => s.name,
    wide: true,
    cell: (s) => <span className="muted">{s.name === s.id ? '–' : (s.name ?? '–')}</span>,
  },
  { key: 'status', label: 'Status', sort: (s) => s.status, cell: (s) => <StatusBadge status={s.status} /> },
  {
    key: 'alarm',
    label: 'Alarm',
    sort: (s) => severityRank[severityKey(s.alarm)],
    wide: true,
    cell: (s) =>
      s.alarm ? (
        <span className="badge badge-severity" data-severity={s.alarm}>
          <SeverityGlyph severity={s.alarm} />
          {s.alarm[0]?.toUpperCase() + s.alarm.slice(1)}
        </span>
      ) : (
        <span className="faint">None</span>
      ),
  },
  {
    key: 'power',
    label: 'Power',
    align: 'right',
    sort: (s) => s.power_w,
    cell: (s) => <Power w={s.power_w} />,
  },
  {
    key: 'load',
    label: 'Load',
    wide: true,
    width: '8rem',
    sort: (s) => (s.max_power_w && s.power_w !== null ? s.power_w / s.max_power_w : null),
    cell: (s) => {
      const share = s.max_power_w && s.power_w !== null ? s.power_w / s.max_power_w : null;
      return share === null ? (
        <span className="faint">–</span>
      ) : (
        <Meter share={share} color="var(--status-charging)" label={`Load of ${s.id}: ${percent(share)}`} />
      );
    },
  },
  {
    key: 'version',
    label: 'OCPP',
    wide: true,
    sort: (s) => s.ocpp_version,
    cell: (s) => <span className="tag">{s.ocpp_version ?? 'not said'}</span>,
  },
  {
    key: 'model',
    label: 'Model',
    wide: true,
    sort: (s) => `${s.vendor ?? ''} ${s.model ?? ''}`,
    cell: (s) => <span className="muted">{[s.vendor, s.model].filter(Boolean).join(' ') || '–'}</span>,
  },
  {
    key: 'seen',
    label: 'Last seen',
    wide: true,
    sort: (s) => (s.online ? Number.MAX_SAFE_INTEGER : instant(s.last_seen)),
    cell: (s) => <LastSeen station={s} />,
  },
];

export function StationsPage() {
  const search = route.useSearch();
  const navigate = useNavigate({ from: '/stations' });
  const session = useSession();
  const { rows, error, retry, more, loadingMore } = useStations();
  const group: Group = groups.find((g) => g === search.status) ?? 'all';
  const q = search.q ?? '';

  const counts = useMemo(() => {
    const out: Record<string, number> = {};
    for (const s of rows ?? []) out[statusKey(s.status)] = (out[statusKey(s.status)] ?? 0) + 1;
    return out;
  }, [rows]);
  const scene = useScene();
  const shown = useMemo(() => {
    const text = q.trim().toLowerCase();
    return rows?.filter(
      (s) =>
        (group === 'all' || statusKey(s.status) === group) &&
        (text === '' ||
          [s.id, s.name, s.vendor, s.model, s.serial_number, ...placesOf(scene, s.id)].some((v) =>
            v?.toLowerCase().includes(text),
          )),
    );
  }, [rows, group, q, scene]);

  return (
    <div className="page page-fill">
      <header className="page-head">
        <div className="titles">
          <h1>Stations</h1>
        </div>
        {may(session?.role, 'operator') && (
          <Link to="/bulk/new" className="btn">
            <Icon name="bulk" /> Command many
          </Link>
        )}
        {may(session?.role, 'admin') && (
          <Link to="/onboarding" className="btn">
            <Icon name="plus" /> Add station
          </Link>
        )}
      </header>
      <div className="toolbar">
        <FilterField
          label="Filter stations"
          placeholder="Filter by id, name, model…"
          value={q}
          onChange={(text) => void navigate({ search: (s) => ({ ...s, q: text }), replace: true })}
        />
        <div className="segments-scroll">
          <Segments<Group>
            label="Status"
            value={group}
            onChange={(value) =>
              void navigate({
                search: (s) => ({ ...s, status: value === 'all' ? undefined : value }),
                replace: true,
              })
            }
            options={groups.map((value) => ({
              value,
              label: value === 'all' ? 'All' : value[0]?.toUpperCase() + value.slice(1),
              count: rows && (value === 'all' ? rows.length : (counts[value] ?? 0)),
            }))}
          />
        </div>
      </div>
      <section className="panel" aria-label="Stations">
        {error ? (
          <ErrorState error={error} retry={retry} what="Stations" />
        ) : (
          <DataTable
            caption="Stations, with status, power and identity"
            columns={columns}
            rows={shown}
            rowKey={(s) => s.id}
            onOpen={(s) => void navigate({ to: '/stations/$stationId', params: { stationId: s.id } })}
            sort={parseSort(search.sort) ?? { key: 'station', dir: 'asc' }}
            onSort={(sort) =>
              void navigate({ search: (s) => ({ ...s, sort: formatSort(sort) }), replace: true })
            }
            empty={
              rows?.length === 0 ? (
                <EmptyState icon="stations" title="No stations yet">
                  Add one here, or let it connect: a station that knocks with an unknown identity waits under
                  Claims.
                </EmptyState>
              ) : (
                <EmptyState icon="filter" title="No station matches">
                  Change the filter to see others.
                </EmptyState>
              )
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
    </div>
  );
}
