import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { batteriesQuery, batteryOverviewQuery, type Battery, type BatteryOverview } from '@/api/batteries';
import { useList } from '@/api/use-list';
import { formatSort, parseSort } from '@/app/url-state';
import { count, energy, measure, percent, plural } from '@/ui/format';
import { FilterField } from '@/ui/filter-field';
import { Icon } from '@/ui/icons';
import { EmptyState, ErrorState, SkeletonBlock } from '@/ui/states';
import { DataTable, type Column } from '@/ui/table';
import { BoundsBar, SyncBadge, WarningTag } from './parts';
import { causeLabel, statusWord } from './words';
import './batteries.css';

const route = getRouteApi('/shell/batteries');

const columns: readonly Column<Battery>[] = [
  {
    key: 'id',
    label: 'Pack',
    sort: (b) => b.id,
    cell: (b) => (
      <Link to="/batteries/$batteryId" params={{ batteryId: b.id }} tabIndex={-1}>
        {b.vehicle_name ?? b.vehicle ?? b.id}
      </Link>
    ),
  },
  { key: 'chemistry', label: 'Chemistry', wide: true, cell: (b) => b.chemistry ?? '–' },
  { key: 'status', label: 'Twin', cell: (b) => <SyncBadge of={b} /> },
  {
    key: 'soh',
    label: 'Health',
    width: '11rem',
    sort: (b) => b.soh?.value,
    cell: (b) => <BoundsBar of={b.soh} label={`Health of ${b.id}`} min={0.5} max={1.05} />,
  },
  {
    key: 'soc',
    label: 'Charge',
    width: '11rem',
    wide: true,
    sort: (b) => b.soc?.value,
    cell: (b) => <BoundsBar of={b.soc} label={`State of charge of ${b.id}`} />,
  },
  {
    key: 'temp',
    label: 'Temperature',
    align: 'right',
    wide: true,
    sort: (b) => b.temp_c?.value,
    cell: (b) => measure(b.temp_c?.value, '°C'),
  },
  {
    key: 'residual',
    label: 'Residual a cell',
    align: 'right',
    wide: true,
    sort: (b) => b.residual_rms_v,
    cell: (b) => measure(b.residual_rms_v === null ? null : b.residual_rms_v * 1000, 'mV'),
  },
  {
    key: 'risk',
    label: 'Warnings',
    sort: (b) => b.risk,
    cell: (b) =>
      b.warnings.length === 0 ? (
        <span className="faint">None</span>
      ) : (
        <span className="row-tags">
          {b.warnings.slice(0, 2).map((w) => (
            <WarningTag key={`${w.cause}${w.cell ?? ''}`} warning={w} />
          ))}
          {b.warnings.length > 2 && <span className="sub">+{b.warnings.length - 2}</span>}
        </span>
      ),
  },
];

/** How healthy the fleet is, as a distribution: a mean hides the few that matter. */
function Histogram({ of }: { of: BatteryOverview }) {
  const first = of.soh_histogram.findIndex((bin) => bin.count > 0);
  const bins = of.soh_histogram.slice(Math.max(0, first - 2));
  const most = Math.max(1, ...bins.map((bin) => bin.count));
  if (first < 0) return <p className="faint">No pack is known well enough yet.</p>;
  const known = bins.reduce((sum, bin) => sum + bin.count, 0);
  const low = bins.filter((bin) => bin.to <= 0.8).reduce((sum, bin) => sum + bin.count, 0);
  return (
    <div
      className="histogram"
      role="img"
      aria-label={`Health of ${plural(known, 'pack')}: ${low} of them below 80 %`}
    >
      <div className="bars">
        {bins.map((bin) => (
          <span
            key={bin.from}
            title={`${percent(bin.from)} to ${percent(bin.to)}: ${plural(bin.count, 'pack')}`}
            data-low={bin.to <= 0.8 || undefined}
          >
            <i style={{ height: `${(bin.count / most) * 100}%` }} />
          </span>
        ))}
      </div>
      <div className="axis">
        <span>{percent(bins[0]?.from)}</span>
        <span>State of health</span>
        <span>{percent(bins.at(-1)?.to)}</span>
      </div>
    </div>
  );
}

interface Chips {
  label: string;
  counts: Record<string, number>;
  name: (key: string) => string;
  chosen: string | undefined;
  choose: (key: string | undefined) => void;
}

/** Counts that filter the list below when they are pressed. */
function Chips({ label, counts, name, chosen, choose }: Chips) {
  const entries = Object.entries(counts).filter(([key, n]) => n > 0 || key === chosen);
  if (entries.length === 0) return null;
  return (
    <div className="chips" role="group" aria-label={label}>
      <span className="chips-label">{label}</span>
      {entries
        .sort((a, b) => b[1] - a[1])
        .map(([key, n]) => (
          <button
            key={key}
            type="button"
            className="chip"
            aria-pressed={chosen === key}
            onClick={() => choose(chosen === key ? undefined : key)}
          >
            {name(key)} <span className="count">{n}</span>
          </button>
        ))}
    </div>
  );
}

function Overview({ of }: { of: BatteryOverview }) {
  const attention = Object.values(of.by_warning).reduce((sum, n) => sum + n, 0);
  return (
    <dl className="stats">
      <div className="stat">
        <dt>Packs</dt>
        <dd>{count(of.count)}</dd>
      </div>
      <div className="stat">
        <dt>Mean health</dt>
        <dd>{percent(of.mean_soh, 1)}</dd>
      </div>
      <div className="stat">
        <dt>In the packs now</dt>
        <dd>
          {energy(of.energy_wh)} <span className="faint">of {energy(of.capacity_wh)}</span>
        </dd>
      </div>
      <div className="stat">
        <dt>In step with their twin</dt>
        <dd>
          {of.by_status.synchronised ?? 0} <span className="faint">of {of.count}</span>
        </dd>
      </div>
      <div className="stat">
        <dt>Open warnings</dt>
        <dd>{attention}</dd>
      </div>
    </dl>
  );
}

export function BatteriesPage() {
  const search = route.useSearch();
  const navigate = useNavigate({ from: '/batteries' });
  const overview = useQuery(batteryOverviewQuery);
  const sort = parseSort(search.sort) ?? { key: 'risk', dir: 'desc' as const };
  const set = (change: Partial<typeof search>) =>
    void navigate({ search: (s) => ({ ...s, ...change }), replace: true });
  const list = useList(
    batteriesQuery({
      sort: sort.key,
      order: sort.dir,
      chemistry: search.chemistry,
      status: search.status,
      warning: search.warning,
      q: search.q,
    }),
    15_000,
  );
  const filtered = Boolean(search.chemistry ?? search.status ?? search.warning ?? search.q);
  return (
    <div className="page">
      <header className="page-head">
        <div className="titles">
          <h1>Batteries</h1>
        </div>
        <div className="page-actions">
          <Link to="/batteries/what-if" search={{ ids: '' }} className="btn">
            <Icon name="layers" size={14} /> What if…
          </Link>
        </div>
      </header>
      {overview.error && !overview.data ? (
        <ErrorState error={overview.error} retry={() => void overview.refetch()} what="The overview" />
      ) : !overview.data ? (
        <SkeletonBlock lines={3} />
      ) : (
        <>
          <Overview of={overview.data} />
          <section className="panel fleet" aria-labelledby="health">
            <header className="panel-head">
              <h2 id="health">Health of the fleet</h2>
              <span className="aside">Below 80 % is marked</span>
            </header>
            <div className="panel-body fleet-body">
              <Histogram of={overview.data} />
              <div className="fleet-chips">
                <Chips
                  label="Twin"
                  counts={overview.data.by_status}
                  name={(key) => statusWord(key).label}
                  chosen={search.status}
                  choose={(status) => set({ status })}
                />
                <Chips
                  label="Warnings"
                  counts={overview.data.by_warning}
                  name={causeLabel}
                  chosen={search.warning}
                  choose={(warning) => set({ warning })}
                />
                <Chips
                  label="Chemistry"
                  counts={overview.data.by_chemistry}
                  name={(key) => key}
                  chosen={search.chemistry}
                  choose={(chemistry) => set({ chemistry })}
                />
              </div>
            </div>
          </section>
        </>
      )}
      <div className="toolbar">
        <FilterField
          label="Filter batteries"
          placeholder="Filter by pack or vehicle…"
          value={search.q}
          onChange={(q) => set({ q: q || undefined })}
        />
        {filtered && (
          <button
            type="button"
            className="btn btn-sm"
            onClick={() => set({ q: undefined, status: undefined, warning: undefined, chemistry: undefined })}
          >
            Show all
          </button>
        )}
        <span className="spacer" />
        {list.rows && <span className="tally">{list.rows.length} shown</span>}
      </div>
      <section className="panel" aria-label="Batteries">
        {list.error ? (
          <ErrorState error={list.error} retry={list.retry} what="Batteries" />
        ) : (
          <DataTable
            caption="Batteries, with health, charge, temperature and warnings"
            columns={columns}
            rows={list.rows}
            rowKey={(b) => b.id}
            onOpen={(b) => void navigate({ to: '/batteries/$batteryId', params: { batteryId: b.id } })}
            sort={sort}
            onSort={(next) => set({ sort: formatSort(next) })}
            empty={
              filtered ? (
                <EmptyState icon="filter" title="No battery matches">
                  Change the filter to see others.
                </EmptyState>
              ) : (
                <EmptyState icon="battery" title="No batteries yet">
                  A battery appears when the twin of a pack is created or its telemetry arrives.
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
