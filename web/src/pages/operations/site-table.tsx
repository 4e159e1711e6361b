import { NEAR_LIMIT, siteLoad, type SiteLoad } from '@/scene/site-load';
import type { Scene } from '@/api/types';
import type { NetworkEfficiency } from '@/api/uptime';
import type { StationLive } from '@/live';
import { percent, power } from '@/ui/format';
import { Glyph } from '@/ui/glyph';
import { Meter, Power } from '@/ui/quantity';
import { EmptyState } from '@/ui/states';
import { DataTable, type Column } from '@/ui/table';
import './site-table.css';

export type SiteRow = SiteLoad & {
  id: string;
  name: string;
  limited: boolean;
  /** Part of the last week in which its connectors were held; null where it is not known. */
  used: number | null;
  /** Its busiest station over the mean, by energy of the last week. */
  peakToMean: number | null;
};

/** Every site with the load of its stations, as the gauges of the 3D view show it. */
export function siteRows(
  scene: Scene | undefined,
  stations: readonly StationLive[],
  efficiency?: NetworkEfficiency,
): SiteRow[] {
  if (!scene) return [];
  const figures = new Map(efficiency?.sites.map((site) => [site.id, site]));
  const live = new Map(stations.map((s) => [s.id, s]));
  return scene.sites.flatMap((site) => {
    const own = scene.stations.filter((s) => s.site === site.id);
    if (own.length === 0) return [];
    const rated = own.reduce((sum, s) => sum + (s.max_power_w ?? 0), 0);
    const load = siteLoad(
      own.map((s) => ({ id: s.id, powerW: live.get(s.id)?.powerW ?? 0 })),
      site.grid?.max_power_w ?? rated,
    );
    const week = figures.get(site.id);
    return [
      {
        ...load,
        id: site.id,
        name: site.name,
        limited: site.grid?.max_power_w != null,
        used: week?.utilisation ?? null,
        peakToMean: week?.balance.peak_to_mean ?? null,
      },
    ];
  });
}

function Load({ row }: { row: SiteRow }) {
  const over = (row.share ?? 0) > 1;
  const near = (row.share ?? 0) >= NEAR_LIMIT;
  return (
    <span className="site-load">
      <Meter
        share={row.share}
        color={near ? 'var(--severity-major)' : 'var(--status-charging)'}
        label={`Load of ${row.name}: ${percent(row.share)} of its limit`}
      />
      <span className="num">{percent(row.share)}</span>
      {near && (
        <span className="badge">
          <Glyph shape="triangle" color="var(--severity-major)" />{' '}
          {over ? 'Over the limit' : 'Near the limit'}
        </span>
      )}
    </span>
  );
}

const columns: readonly Column<SiteRow>[] = [
  {
    key: 'site',
    label: 'Site',
    sort: (s) => s.name,
    cell: (s) => <strong style={{ fontWeight: 560 }}>{s.name}</strong>,
  },
  { key: 'load', label: 'Load', sort: (s) => s.share, cell: (s) => <Load row={s} /> },
  {
    key: 'power',
    label: 'Power',
    align: 'right',
    sort: (s) => s.powerW,
    cell: (s) => <Power w={s.powerW} />,
  },
  {
    key: 'limit',
    label: 'Limit',
    align: 'right',
    wide: true,
    sort: (s) => s.limitW,
    cell: (s) => (
      <>
        {power(s.limitW)} <span className="faint">{s.limited ? 'grid' : 'stations'}</span>
      </>
    ),
  },
  {
    key: 'used',
    label: 'Used, 7 days',
    align: 'right',
    wide: true,
    sort: (s) => s.used,
    cell: (s) => percent(s.used, 1),
  },
  {
    key: 'peak',
    label: 'Busiest station',
    align: 'right',
    wide: true,
    sort: (s) => s.peakToMean,
    cell: (s) => (s.peakToMean === null ? '–' : `${s.peakToMean.toFixed(1)} × mean`),
  },
  {
    key: 'shares',
    label: 'Share of each station',
    wide: true,
    cell: (s) => (
      <span className="site-shares">
        {s.stations
          .filter((station) => station.powerW > 0)
          .sort((a, b) => b.powerW - a.powerW)
          .map((station) => (
            <span key={station.id}>
              {station.id} <span className="num">{percent(station.ofLoad)}</span>
            </span>
          ))}
        {s.powerW === 0 && <span className="faint">Nothing taken</span>}
      </span>
    ),
  },
];

export function SiteTable({ rows }: { rows: readonly SiteRow[] }) {
  return (
    <DataTable
      caption="Sites, with their load against the limit of the grid connection and the share of each station, live"
      columns={columns}
      rows={rows}
      rowKey={(s) => s.id}
      initialSort={{ key: 'load', dir: 'desc' }}
      empty={<EmptyState icon="stations" title="No sites with stations" />}
    />
  );
}
