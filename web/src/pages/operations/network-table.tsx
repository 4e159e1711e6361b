import { useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { sceneQuery, stationsQuery, vehiclesQuery } from '@/api/queries';
import { connectorEfficiencyQuery, efficiencyQuery } from '@/api/uptime';
import type { Station } from '@/api/types';
import { useList } from '@/api/use-list';
import { reading } from '@/app/live-overlay';
import { ConnectorName } from '@/app/names';
import type { Selection } from '@/app/url-state';
import { useTableRows, type StationLive, type VehicleLive } from '@/live';
import { percent, speed } from '@/ui/format';
import { SeverityGlyph, StatusBadge } from '@/ui/glyph';
import { Power } from '@/ui/quantity';
import { Segments } from '@/ui/segments';
import { EmptyState } from '@/ui/states';
import { DataTable, type Column } from '@/ui/table';
import { conductWords, type StationConduct } from './conduct';
import { utilisation } from './groups';
import { SiteTable, siteRows } from './site-table';

type What = 'stations' | 'sites' | 'vehicles';
/** Power as the other pages say it: none where a reading was never made. */
type Known<T> = Omit<T, 'powerW'> & { powerW: number | null };
type StationRow = Known<StationLive> & {
  name: string | null;
  zone: string | null;
  ofSite: number | null;
  conduct: StationConduct | undefined;
  firmware: string | null;
  used: number | null;
};

const severityRank = { none: 0, info: 1, minor: 2, major: 3, critical: 4 } as const;

const stationColumns: readonly Column<StationRow>[] = [
  {
    key: 'id',
    label: 'Station',
    sort: (s) => s.id,
    cell: (s) => (
      <>
        <strong style={{ fontWeight: 560 }}>{s.id}</strong>{' '}
        {s.name !== s.id && <span className="sub table-sub">{s.name}</span>}
      </>
    ),
  },
  { key: 'status', label: 'Status', sort: (s) => s.status, cell: (s) => <StatusBadge status={s.status} /> },
  {
    key: 'power',
    label: 'Power',
    align: 'right',
    sort: (s) => s.powerW,
    cell: (s) => (
      <>
        <Power w={s.powerW} />
        {s.ofSite !== null && s.ofSite > 0 && (
          <span className="sub table-sub">{percent(s.ofSite)} of its site</span>
        )}
      </>
    ),
  },
  {
    key: 'alarm',
    label: 'Alarm',
    wide: true,
    sort: (s) => severityRank[s.alarm],
    cell: (s) =>
      s.alarm === 'none' ? (
        <span className="faint">None</span>
      ) : (
        <span className="badge badge-severity" data-severity={s.alarm}>
          <SeverityGlyph severity={s.alarm} />
          {s.alarm[0]?.toUpperCase() + s.alarm.slice(1)}
        </span>
      ),
  },
  {
    key: 'care',
    label: 'Care',
    wide: true,
    sort: (s) => careWord(s),
    cell: (s) => careWord(s) ?? <span className="faint">None</span>,
  },
  {
    key: 'conduct',
    label: 'Protocol',
    wide: true,
    sort: (s) => (s.conduct?.quarantine ? 1e9 : 0) + (s.conduct?.breaches ?? 0),
    cell: (s) => {
      const said = conductWords(s.conduct);
      if (!said) return <span className="faint">Kept</span>;
      return (
        <span className="tag" data-tone="bad" title="Within the last hour">
          {said}
        </span>
      );
    },
  },
  {
    key: 'version',
    label: 'Version',
    wide: true,
    sort: (s) => `${s.ocppVersion ?? ''} ${s.firmware ?? ''}`,
    cell: (s) =>
      s.ocppVersion === null && s.firmware === null ? (
        <span className="faint">–</span>
      ) : (
        <>
          OCPP {s.ocppVersion ?? '–'}
          <span className="sub table-sub">{s.firmware ?? 'firmware not told'}</span>
        </>
      ),
  },
  {
    key: 'use',
    label: 'In use',
    align: 'right',
    wide: true,
    sort: (s) => s.used,
    cell: (s) => (
      <>
        {s.inUse} of {s.connectors}
        <span className="sub table-sub">{percent(s.used, 1)} in 7 days</span>
      </>
    ),
  },
];

/** What is being done to a station, in the words of its tag in the 3D view. */
function careWord(s: StationRow): string | null {
  return s.care ?? (s.status === 'Unavailable' ? 'Out of use' : null);
}

const vehicleColumns: readonly Column<Known<VehicleLive>>[] = [
  {
    key: 'id',
    label: 'Vehicle',
    sort: (v) => v.id,
    cell: (v) => <strong style={{ fontWeight: 560 }}>{v.id}</strong>,
  },
  { key: 'status', label: 'Status', sort: (v) => v.status, cell: (v) => <StatusBadge status={v.status} /> },
  { key: 'soc', label: 'Charge', align: 'right', sort: (v) => v.soc, cell: (v) => percent(v.soc) },
  {
    key: 'speed',
    label: 'Speed',
    align: 'right',
    wide: true,
    sort: (v) => v.speedMps,
    cell: (v) => speed(v.speedMps),
  },
  {
    key: 'power',
    label: 'Power',
    align: 'right',
    sort: (v) => v.powerW,
    cell: (v) => <Power w={v.powerW} />,
  },
  {
    key: 'connector',
    label: 'Plugged into',
    wide: true,
    sort: (v) => v.connector,
    cell: (v) => (v.connector ? <ConnectorName id={v.connector} /> : <span className="faint">–</span>),
  },
];

/** The last power of each station and vehicle by the API, which knows where there never was one. */
function useKnownPower(stations: readonly Station[] | undefined): ReadonlyMap<string, number | null> {
  const vehicles = useList(vehiclesQuery).rows;
  return useMemo(
    () => new Map([...(stations ?? []), ...(vehicles ?? [])].map((twin) => [twin.id, twin.power_w])),
    [stations, vehicles],
  );
}

/** Everything the 3D view shows, as rows: same live values, same selection. */
export function NetworkTable({
  selection,
  onSelect,
  conduct,
}: {
  selection: Selection | null;
  onSelect: (selection: Selection) => void;
  conduct: ReadonlyMap<string, StationConduct>;
}) {
  const [what, setWhat] = useState<What>(selection?.kind === 'vehicle' ? 'vehicles' : 'stations');
  const scene = useQuery(sceneQuery);
  const stations = useTableRows('station');
  const vehicleRows = useTableRows('vehicle');
  const told = useList(stationsQuery).rows;
  const connectors = useList(connectorEfficiencyQuery, 60_000).rows;
  const efficiency = useQuery(efficiencyQuery).data;
  const known = useKnownPower(told);
  const vehicles = useMemo(
    () => vehicleRows.map((v) => ({ ...v, powerW: reading(v.powerW, known.get(v.id) ?? null) })),
    [vehicleRows, known],
  );
  const sites = useMemo(() => siteRows(scene.data, stations, efficiency), [scene.data, stations, efficiency]);
  const rows = useMemo<StationRow[]>(() => {
    const shares = new Map(sites.flatMap((site) => site.stations.map((s) => [s.id, s.ofLoad] as const)));
    const placed = new Map(scene.data?.stations.map((s) => [s.id, s]));
    const firmware = new Map(told?.map((s) => [s.id, s.firmware_version]));
    const used = utilisation(connectors ?? []);
    return stations.map((s) => ({
      ...s,
      powerW: reading(s.powerW, known.get(s.id) ?? null),
      name: placed.get(s.id)?.name ?? null,
      zone: placed.get(s.id)?.zone ?? null,
      ofSite: shares.get(s.id) ?? null,
      conduct: conduct.get(s.id),
      firmware: firmware.get(s.id) ?? null,
      used: used.get(s.id) ?? null,
    }));
  }, [stations, sites, scene.data, known, told, connectors, conduct]);
  const zone = selection?.kind === 'zone' ? selection.id : null;
  const shown = zone ? rows.filter((s) => s.zone === zone) : rows;
  return (
    <section className="panel ops-table" aria-label="Network as a table">
      <header className="panel-head">
        <Segments<What>
          label="List"
          value={what}
          onChange={setWhat}
          options={[
            { value: 'stations', label: 'Stations', count: rows.length },
            { value: 'sites', label: 'Sites', count: sites.length },
            { value: 'vehicles', label: 'Vehicles', count: vehicles.length },
          ]}
        />
        {zone && what === 'stations' && <span className="aside">In the selected zone</span>}
      </header>
      {what === 'stations' ? (
        <DataTable
          caption="Stations, live"
          columns={stationColumns}
          rows={shown}
          rowKey={(s) => s.id}
          isSelected={(s) => selection?.kind === 'station' && selection.id === s.id}
          onOpen={(s) => onSelect({ kind: 'station', id: s.id })}
          initialSort={{ key: 'alarm', dir: 'desc' }}
          empty={<EmptyState icon="stations" title="No stations in view" />}
        />
      ) : what === 'sites' ? (
        <SiteTable rows={sites} />
      ) : (
        <DataTable
          caption="Vehicles, live"
          columns={vehicleColumns}
          rows={vehicles}
          rowKey={(v) => v.id}
          isSelected={(v) => selection?.kind === 'vehicle' && selection.id === v.id}
          onOpen={(v) => onSelect({ kind: 'vehicle', id: v.id })}
          initialSort={{ key: 'id', dir: 'asc' }}
          empty={<EmptyState icon="vehicles" title="No vehicles in view" />}
        />
      )}
    </section>
  );
}
