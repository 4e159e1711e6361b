import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useMemo } from 'react';
import { vehiclesQuery } from '@/api/queries';
import type { Vehicle } from '@/api/types';
import { useList } from '@/api/use-list';
import { overlayVehicle } from '@/app/live-overlay';
import { ConnectorName, ZoneName } from '@/app/names';
import { formatSort, parseSort } from '@/app/url-state';
import { useTableRows } from '@/live';
import { distance, percent, speed } from '@/ui/format';
import { StatusBadge } from '@/ui/glyph';
import { FilterField } from '@/ui/filter-field';
import { Meter, Power } from '@/ui/quantity';
import { Segments } from '@/ui/segments';
import { EmptyState, ErrorState } from '@/ui/states';
import { DataTable, type Column } from '@/ui/table';
import { statusKey } from '@/ui/tokens';
import { stationOf } from './use-vehicle';

const route = getRouteApi('/shell/vehicles');

const groups = ['all', 'driving', 'queuing', 'charging', 'parked', 'faulted'] as const;
type Group = (typeof groups)[number];

const columns: readonly Column<Vehicle>[] = [
  {
    key: 'vehicle',
    label: 'Vehicle',
    sort: (v) => v.id,
    cell: (v) => (
      <Link to="/vehicles/$vehicleId" params={{ vehicleId: v.id }} tabIndex={-1}>
        {v.id}
      </Link>
    ),
  },
  {
    key: 'name',
    label: 'Name',
    wide: true,
    sort: (v) => v.name,
    cell: (v) => <span className="muted">{v.name ?? '–'}</span>,
  },
  { key: 'status', label: 'Status', sort: (v) => v.status, cell: (v) => <StatusBadge status={v.status} /> },
  {
    key: 'soc',
    label: 'State of charge',
    sort: (v) => v.soc,
    width: '11rem',
    cell: (v) => (
      <span
        style={{ display: 'grid', gridTemplateColumns: '3.2rem minmax(1.5rem, 1fr)', alignItems: 'center' }}
      >
        <span className="num">{percent(v.soc)}</span>
        <Meter
          share={v.soc}
          color={v.soc !== null && v.soc < 0.15 ? 'var(--severity-major)' : 'var(--text-tertiary)'}
          label={`State of charge of ${v.id}`}
        />
      </span>
    ),
  },
  {
    key: 'speed',
    label: 'Speed',
    align: 'right',
    wide: true,
    sort: (v) => v.speed_mps,
    cell: (v) => speed(v.speed_mps),
  },
  {
    key: 'power',
    label: 'Power',
    align: 'right',
    sort: (v) => v.power_w,
    cell: (v) => <Power w={v.power_w} />,
  },
  {
    key: 'connector',
    label: 'Plugged into',
    wide: true,
    sort: (v) => v.connector,
    cell: (v) =>
      v.connector ? (
        <Link to="/stations/$stationId" params={{ stationId: stationOf(v.connector) }} tabIndex={-1}>
          <ConnectorName id={v.connector} />
        </Link>
      ) : (
        <span className="faint">–</span>
      ),
  },
  {
    key: 'zone',
    label: 'Zone',
    wide: true,
    sort: (v) => v.zone,
    cell: (v) => (
      <span className="muted">
        <ZoneName id={v.zone} />
      </span>
    ),
  },
  {
    key: 'odometer',
    label: 'Odometer',
    align: 'right',
    wide: true,
    sort: (v) => v.odometer_m,
    cell: (v) => <span className="muted">{distance(v.odometer_m)}</span>,
  },
];

export function VehiclesPage() {
  const search = route.useSearch();
  const navigate = useNavigate({ from: '/vehicles' });
  const list = useList(vehiclesQuery);
  const live = useTableRows('vehicle');
  const group: Group = groups.find((g) => g === search.status) ?? 'all';
  const q = search.q ?? '';
  const rows = useMemo(() => {
    if (!list.rows || live.length === 0) return list.rows;
    const byId = new Map(live.map((row) => [row.id, row]));
    return list.rows.map((vehicle) => overlayVehicle(vehicle, byId.get(vehicle.id)));
  }, [list.rows, live]);
  const counts = useMemo(() => {
    const out: Record<string, number> = {};
    for (const v of rows ?? []) out[statusKey(v.status)] = (out[statusKey(v.status)] ?? 0) + 1;
    return out;
  }, [rows]);
  const shown = useMemo(() => {
    const text = q.trim().toLowerCase();
    return rows?.filter(
      (v) =>
        (group === 'all' || statusKey(v.status) === group) &&
        (text === '' ||
          [v.id, v.name, v.zone, v.connector, v.pack].some((x) => x?.toLowerCase().includes(text))),
    );
  }, [rows, group, q]);

  return (
    <div className="page page-fill">
      <header className="page-head">
        <div className="titles">
          <h1>Vehicles</h1>
        </div>
      </header>
      <div className="toolbar">
        <FilterField
          label="Filter vehicles"
          placeholder="Filter by id, name, zone…"
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
      <section className="panel" aria-label="Vehicles">
        {list.error ? (
          <ErrorState error={list.error} retry={list.retry} what="Vehicles" />
        ) : (
          <DataTable
            caption="Vehicles, with status, state of charge and position in the network"
            columns={columns}
            rows={shown}
            rowKey={(v) => v.id}
            onOpen={(v) => void navigate({ to: '/vehicles/$vehicleId', params: { vehicleId: v.id } })}
            sort={parseSort(search.sort) ?? { key: 'vehicle', dir: 'asc' }}
            onSort={(sort) =>
              void navigate({ search: (s) => ({ ...s, sort: formatSort(sort) }), replace: true })
            }
            empty={
              rows?.length === 0 ? (
                <EmptyState icon="vehicles" title="No vehicles yet">
                  A vehicle appears when its twin is created or its telemetry arrives.
                </EmptyState>
              ) : (
                <EmptyState icon="filter" title="No vehicle matches">
                  Change the filter to see others.
                </EmptyState>
              )
            }
            foot={
              list.more && (
                <button type="button" className="btn btn-sm" onClick={list.more} disabled={list.loadingMore}>
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
