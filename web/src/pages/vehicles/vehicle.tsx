import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { lazy, Suspense, useMemo, useState } from 'react';
import { batteryQuery } from '@/api/batteries';
import { twinQuery } from '@/api/queries';
import type { Vehicle } from '@/api/types';
import { useFocus } from '@/live';
import { PageHead } from '@/app/page-head';
import { count, distance, energy, measure, percent, power, speed } from '@/ui/format';
import { Glyph, StatusBadge } from '@/ui/glyph';
import { HistoryPanel, type Trace } from '@/ui/history-panel';
import { Icon } from '@/ui/icons';
import { Power } from '@/ui/quantity';
import { Boundary } from '@/ui/boundary';
import { EmptyState, ErrorState, SkeletonBlock } from '@/ui/states';
import { DataTable, type Column } from '@/ui/table';
import { useNow } from '@/ui/use-now';
import { ConnectorName, ZoneName } from '@/app/names';
import { usePreferences } from '@/app/preferences';
import { verdict } from '@/pages/batteries/words';
import { cellRows, packState, type CellRow } from './pack';
import { stationOf, useVehicle } from './use-vehicle';
import './vehicle.css';

const PackScene = lazy(() => import('@/scene').then((m) => ({ default: m.PackScene })));

const route = getRouteApi('/shell/vehicles/$vehicleId');

const traces: readonly Trace[] = [
  { property: 'soc', label: 'State of charge', format: percent, color: 's3', min: 0, max: 1 },
  { property: 'power_w', label: 'Power', format: power, color: 's1' },
  { property: 'speed_mps', label: 'Speed', format: speed, color: 's2' },
];

const cellColumns: readonly Column<CellRow>[] = [
  {
    key: 'cell',
    label: 'Cell',
    sort: (c) => c.index,
    cell: (c) => <span className="num">{c.index + 1}</span>,
  },
  {
    key: 'voltage',
    label: 'Voltage',
    align: 'right',
    sort: (c) => c.voltage_v,
    cell: (c) => measure(c.voltage_v, 'V', 3),
  },
  {
    key: 'deviation',
    label: 'From mean',
    align: 'right',
    sort: (c) => (c.deviation_v === null ? null : Math.abs(c.deviation_v)),
    cell: (c) => measure(c.deviation_v === null ? null : c.deviation_v * 1000, 'mV', 0),
  },
  {
    key: 'temp',
    label: 'Temperature',
    align: 'right',
    sort: (c) => c.temp_c,
    cell: (c) => measure(c.temp_c, '°C', 1),
  },
  { key: 'soc', label: 'Charge', align: 'right', sort: (c) => c.soc, cell: (c) => percent(c.soc, 1) },
];

function Pack({ packId }: { packId: string }) {
  const theme = usePreferences((s) => s.theme);
  const query = useQuery({ ...twinQuery(packId), refetchInterval: 15_000 });
  const focused = useFocus(useMemo(() => [packId], [packId]));
  const newer = focused.get(packId);
  const pack = useMemo(() => query.data && packState(query.data, newer), [query.data, newer]);
  const rows = useMemo(() => pack && cellRows(pack.cells, pack.count), [pack]);
  return (
    <section className="panel" aria-labelledby="pack">
      <header className="panel-head">
        <h2 id="pack">Battery pack</h2>
        <span className="aside mono">{packId}</span>
      </header>
      {query.error && !query.data ? (
        <ErrorState error={query.error} retry={() => void query.refetch()} what="The pack" />
      ) : !pack || !rows ? (
        <SkeletonBlock />
      ) : (
        <>
          <dl className="facts panel-body">
            {(
              [
                ['Chemistry', pack.chemistry ?? '–'],
                ['Capacity', energy(pack.capacity_wh)],
                ['State of health', percent(pack.soh, 1)],
                ['Voltage', measure(pack.voltage_v, 'V')],
                ['Current', measure(pack.current_a, 'A')],
                ['Temperature', measure(pack.temp_c, '°C')],
                ['Cells', count(pack.count)],
              ] as const
            ).map(([label, value]) => (
              <div key={label}>
                <dt>{label}</dt>
                <dd>{value}</dd>
              </div>
            ))}
          </dl>
          {pack.count === 0 ? (
            <EmptyState title="No cell readings">The pack reports itself as a whole.</EmptyState>
          ) : (
            <div className="pack">
              <div className="pack-scene">
                <Boundary fallback={<EmptyState icon="cube" title="The 3D view is not available here" />}>
                  <Suspense fallback={<SkeletonBlock />}>
                    <PackScene packId={packId} cells={pack.cells} theme={theme} />
                  </Suspense>
                </Boundary>
              </div>
              <div className="pack-table">
                <DataTable
                  caption="Cells of the pack"
                  columns={cellColumns}
                  rows={rows}
                  rowKey={(c) => String(c.index)}
                  initialSort={{ key: 'deviation', dir: 'desc' }}
                  empty={null}
                />
              </div>
            </div>
          )}
        </>
      )}
    </section>
  );
}

const tones = {
  good: { shape: 'circle', color: 'var(--status-available)' },
  warn: { shape: 'triangle', color: 'var(--severity-major)' },
  bad: { shape: 'octagon', color: 'var(--severity-critical)' },
  none: { shape: 'question', color: 'var(--text-tertiary)' },
} as const;

/** The driver's own question, before any figure. */
function Health({ packId }: { packId: string }) {
  const { data } = useQuery(batteryQuery(packId));
  if (!data) return null;
  const { tone, text } = verdict(data);
  return (
    <p className="health" data-tone={tone}>
      <Glyph {...tones[tone]} size={18} />
      <strong>{text}</strong>
      <Link to="/batteries/$batteryId" params={{ batteryId: packId }} className="btn btn-sm">
        See the battery
      </Link>
    </p>
  );
}

function Figures({ vehicle: v }: { vehicle: Vehicle }) {
  return (
    <dl className="stats">
      <div className="stat">
        <dt>State of charge</dt>
        <dd>{percent(v.soc)}</dd>
      </div>
      <div className="stat">
        <dt>Speed</dt>
        <dd>{speed(v.speed_mps)}</dd>
      </div>
      <div className="stat">
        <dt>{(v.power_w ?? 0) < 0 ? 'Power, from the battery' : 'Power, into the battery'}</dt>
        <dd>
          <Power w={v.power_w === null ? null : Math.abs(v.power_w)} />
        </dd>
      </div>
      <div className="stat">
        <dt>Odometer</dt>
        <dd>{distance(v.odometer_m)}</dd>
      </div>
      <div className="stat">
        <dt>Plugged into</dt>
        <dd>
          {v.connector ? (
            <Link to="/stations/$stationId" params={{ stationId: stationOf(v.connector) }} className="link">
              <ConnectorName id={v.connector} />
            </Link>
          ) : (
            '–'
          )}
        </dd>
      </div>
    </dl>
  );
}

export function VehiclePage() {
  const { vehicleId } = route.useParams();
  const { vehicle, error, retry } = useVehicle(vehicleId);
  const [packOpen, setPackOpen] = useState(true);
  const now = useNow();
  if (!vehicle) {
    return (
      <div className="page">
        <PageHead
          parent={{ to: '/vehicles', label: 'Vehicles' }}
          here={vehicleId}
          title={`Vehicle ${vehicleId}`}
        />
        {error ? (
          <ErrorState error={error} retry={retry} what={`Vehicle ${vehicleId}`} />
        ) : (
          <SkeletonBlock lines={8} />
        )}
      </div>
    );
  }
  const value: Record<string, number | null> = {
    soc: vehicle.soc,
    power_w: vehicle.power_w,
    speed_mps: vehicle.speed_mps,
  };
  return (
    <div className="page">
      <PageHead
        parent={{ to: '/vehicles', label: 'Vehicles' }}
        here={vehicle.id}
        title={vehicle.name ?? vehicle.id}
        beside={
          <>
            <StatusBadge status={vehicle.status} />
            {vehicle.zone && (
              <span className="tag">
                <ZoneName id={vehicle.zone} />
              </span>
            )}
          </>
        }
        actions={
          <>
            <Link to="/" search={{ sel: `vehicle:${vehicle.id}` }} className="btn">
              <Icon name="target" size={14} /> Show in network
            </Link>
            {vehicle.pack && (
              <button
                type="button"
                className="btn"
                aria-expanded={packOpen}
                onClick={() => setPackOpen(!packOpen)}
              >
                <Icon name="cube" size={14} /> {packOpen ? 'Close the pack' : 'Open the pack'}
              </button>
            )}
          </>
        }
      />
      {vehicle.pack && <Health packId={vehicle.pack} />}
      <Figures vehicle={vehicle} />
      {vehicle.pack && packOpen && <Pack packId={vehicle.pack} />}
      <HistoryPanel
        twin={vehicle.id}
        traces={traces}
        live={(property) => {
          const v = value[property];
          return v == null ? null : { at: now, value: v };
        }}
      />
    </div>
  );
}
