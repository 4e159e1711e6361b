import { useMemo, useState } from 'react';
import { usePreferences } from '@/app/preferences';
import { badness, badnessCss } from '@/swap/ramp';
import type { SwapStation } from '@/swap/scenario';
import { usual, writeStations } from '@/swap/stations-file';
import { Field } from '@/ui/field';
import { count, plural } from '@/ui/format';
import { Icon } from '@/ui/icons';
import { saveFile } from '@/ui/save-file';
import { EmptyState } from '@/ui/states';
import { DataTable, type Column } from '@/ui/table';
import { NumberField, useForm } from './form';
import { Section } from './sections';
import { StationsFileDialog } from './stations-file-dialog';
import { SwapMap, type MapStation } from './swap-map';

/** A name that no station has yet. */
export function freeId(stations: readonly SwapStation[]): string {
  const taken = new Set(stations.map((s) => s.id));
  let n = stations.length + 1;
  while (taken.has(`S${n}`)) n += 1;
  return `S${n}`;
}

/** Demand to a pack and hour in the busiest hour: near 1 and above, packs run out. */
export function pressure(station: SwapStation, profile: readonly number[]): number {
  return (Math.max(0, ...profile) * station.demand_scale) / Math.max(1, station.batteries);
}

function StationFields({ index, onRemove }: { index: number; onRemove: () => void }) {
  const { scenario, set, disabled, problems } = useForm();
  const station = scenario.stations[index];
  if (!station) return null;
  const at = `stations[${index}]`;
  return (
    <section className="swap-station" aria-label={`Station ${station.id}`}>
      <Field label="Id" problem={problems.get(`${at}.id`)}>
        {(field) => (
          <input
            {...field}
            className="input"
            maxLength={128}
            disabled={disabled}
            value={station.id}
            onChange={(event) => set(`${at}.id`, event.target.value)}
          />
        )}
      </Field>
      <div className="swap-fields">
        <NumberField key={`${index} bays`} path={`${at}.bays`} label="Bays" />
        <NumberField key={`${index} batteries`} path={`${at}.batteries`} label="Packs" />
        <NumberField key={`${index} chargers`} path={`${at}.chargers`} label="Chargers" />
        <NumberField key={`${index} grid`} path={`${at}.grid_kw`} label="Connection, kW" optional />
        <NumberField key={`${index} scale`} path={`${at}.demand_scale`} label="Scale of demand" />
        <NumberField key={`${index} lat`} path={`${at}.lat`} label="Latitude" />
        <NumberField key={`${index} lon`} path={`${at}.lon`} label="Longitude" />
      </div>
      {!disabled && scenario.stations.length > 1 && (
        <button type="button" className="btn btn-sm" onClick={onRemove}>
          Remove {station.id}
        </button>
      )}
    </section>
  );
}

export function StationsSection() {
  const { scenario, set, disabled, problems } = useForm();
  const theme = usePreferences((s) => s.theme);
  const [chosen, setChosen] = useState<string | null>(scenario.stations[0]?.id ?? null);
  const [importing, setImporting] = useState(false);
  const { stations, demand } = scenario;
  // A station that is being renamed stays the chosen one.
  const [place, setPlace] = useState(0);
  const byId = stations.findIndex((s) => s.id === chosen);
  const index = byId >= 0 ? byId : Math.min(place, stations.length - 1);
  const choose = (id: string | null) => {
    setChosen(id);
    setPlace(
      Math.max(
        0,
        stations.findIndex((s) => s.id === id),
      ),
    );
  };
  const faulty = useMemo(
    () =>
      new Set(
        [...problems.keys()].flatMap((field) => {
          const at = /^stations\[(\d+)\]/.exec(field)?.[1];
          return at === undefined ? [] : [Number(at)];
        }),
      ),
    [problems],
  );
  const shown = useMemo((): MapStation[] => {
    const most = Math.max(1e-9, ...stations.map((s) => s.demand_scale));
    return stations.map((station) => ({
      id: station.id,
      lat: station.lat,
      lon: station.lon,
      color: badness((pressure(station, demand.profile_per_h) - 0.3) / 0.7, theme),
      text: `${station.batteries} packs · ${plural(station.bays, 'bay')}`,
      weight: station.demand_scale / most,
    }));
  }, [stations, demand.profile_per_h, theme]);
  const add = (at?: { lat: number; lon: number }) => {
    const like = stations[index];
    const station: SwapStation = {
      ...usual,
      ...like,
      id: freeId(stations),
      lat: at?.lat ?? Number(((like?.lat ?? 0) + 0.01).toFixed(5)),
      lon: at?.lon ?? like?.lon ?? 0,
    };
    delete station.trace;
    set('stations', [...stations, station]);
    setChosen(station.id);
  };
  const columns: readonly Column<SwapStation>[] = [
    {
      key: 'id',
      label: 'Station',
      sort: (s) => s.id,
      cell: (s) => (
        <span className={faulty.has(stations.indexOf(s)) ? 'problem' : undefined}>
          <strong>{s.id}</strong>
          {faulty.has(stations.indexOf(s)) && ' to correct'}
        </span>
      ),
    },
    { key: 'bays', label: 'Bays', align: 'right', sort: (s) => s.bays, cell: (s) => count(s.bays) },
    {
      key: 'packs',
      label: 'Packs',
      align: 'right',
      sort: (s) => s.batteries,
      cell: (s) => count(s.batteries),
    },
    {
      key: 'chargers',
      label: 'Chargers',
      align: 'right',
      wide: true,
      sort: (s) => s.chargers,
      cell: (s) => count(s.chargers),
    },
    {
      key: 'grid',
      label: 'Connection',
      align: 'right',
      wide: true,
      sort: (s) => s.grid_kw,
      cell: (s) => (s.grid_kw === null ? 'no limit' : `${count(s.grid_kw)} kW`),
    },
    {
      key: 'scale',
      label: 'Demand',
      align: 'right',
      sort: (s) => s.demand_scale,
      cell: (s) => `× ${Number(s.demand_scale.toFixed(2))}`,
    },
  ];
  return (
    <Section title="Stations" aside={plural(stations.length, 'station')}>
      {problems.has('stations') && (
        <p className="problem" role="alert">
          {problems.get('stations')}
        </p>
      )}
      <div className="swap-places">
        <SwapMap
          label={`Map of ${plural(stations.length, 'station')}. The colour tells the demand for each pack in the busiest hour.`}
          stations={shown}
          legend={{ from: 'packs enough', to: 'few for the busiest hour', ramp: badnessCss(theme) }}
          chosen={stations[index]?.id ?? null}
          onChoose={choose}
          onMove={
            disabled
              ? undefined
              : (id, to) =>
                  set(
                    'stations',
                    stations.map((s) => (s.id === id ? { ...s, ...to } : s)),
                  )
          }
          onPlace={disabled ? undefined : add}
        />
        <StationFields
          key={index}
          index={index}
          onRemove={() => {
            set(
              'stations',
              stations.filter((_, i) => i !== index),
            );
            setChosen(stations[index === 0 ? 1 : index - 1]?.id ?? null);
          }}
        />
      </div>
      <div className="toolbar">
        {!disabled && (
          <>
            <button type="button" className="btn btn-sm" onClick={() => add()}>
              <Icon name="plus" size={14} /> Add a station
            </button>
            <button type="button" className="btn btn-sm" onClick={() => setImporting(true)}>
              <Icon name="upload" size={14} /> Import CSV
            </button>
          </>
        )}
        <button
          type="button"
          className="btn btn-sm"
          onClick={() => saveFile(writeStations(stations), 'stations.csv', 'text/csv')}
        >
          <Icon name="download" size={14} /> Export CSV
        </button>
        {!disabled && (
          <span className="sub">Drag a station to move it; a double click on the map adds one.</span>
        )}
      </div>
      <DataTable
        caption="Stations of the scenario"
        columns={columns}
        rows={stations}
        rowKey={(s) => s.id}
        onOpen={(s) => choose(s.id)}
        isSelected={(s) => s === stations[index]}
        max={200}
        empty={<EmptyState title="No station" />}
      />
      {importing && (
        <StationsFileDialog
          onClose={() => setImporting(false)}
          onTake={(list) => {
            set('stations', list);
            setChosen(list[0]?.id ?? null);
            setImporting(false);
          }}
        />
      )}
    </Section>
  );
}
