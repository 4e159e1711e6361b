import { useQuery } from '@tanstack/react-query';
import { useId, useMemo } from 'react';
import { versions } from '@/api/ocpp';
import { sceneQuery, stationsQuery } from '@/api/queries';
import type { Station } from '@/api/types';
import { useList } from '@/api/use-list';
import { Check } from '@/ui/field';
import { Segments } from '@/ui/segments';
import { filterOf, readIds, type FilterDraft } from './filter';

interface Choice {
  value: string;
  word: string;
}

function Choose({
  label,
  any,
  value,
  choices,
  onChange,
}: {
  label: string;
  any: string;
  value: string;
  choices: readonly Choice[];
  onChange: (value: string) => void;
}) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <select id={id} className="input" value={value} onChange={(event) => onChange(event.target.value)}>
        <option value="">{any}</option>
        {value !== '' && !choices.some((c) => c.value === value) && <option value={value}>{value}</option>}
        {choices.map((c) => (
          <option key={c.value} value={c.value}>
            {c.word}
          </option>
        ))}
      </select>
    </div>
  );
}

/** What stations say of one property, most common first. */
function counted(stations: readonly Station[], of: (s: Station) => string | null): Choice[] {
  const counts = new Map<string, number>();
  for (const station of stations) {
    const value = of(station);
    if (value) counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  return [...counts]
    .sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0]))
    .map(([value, n]) => ({ value, word: `${value} (${n})` }));
}

/** Which stations are meant. Whatever is chosen must hold together. */
export function StationFilter({
  filter,
  onChange,
}: {
  filter: FilterDraft;
  onChange: (change: Partial<FilterDraft>) => void;
}) {
  const scene = useQuery(sceneQuery);
  const { rows } = useList(stationsQuery);
  const id = useId();
  const stations = useMemo(() => rows ?? [], [rows]);
  const choices = useMemo(() => {
    const of = stations.filter((s) => !filter.vendor || s.vendor === filter.vendor);
    return {
      vendor: counted(stations, (s) => s.vendor),
      model: counted(of, (s) => s.model),
      firmware: counted(
        of.filter((s) => !filter.model || s.model === filter.model),
        (s) => s.firmware_version,
      ),
    };
  }, [stations, filter.vendor, filter.model]);
  const zones = (scene.data?.zones ?? []).map((z) => ({ value: z.id, word: z.name ?? z.id }));
  const sites = (scene.data?.sites ?? [])
    .filter((s) => !filter.zone || s.zone === filter.zone)
    .map((s) => ({ value: s.id, word: s.name ?? s.id }));
  const ids = readIds(filter.ids).length;
  const nothing = filterOf({ ...filter, all: false }) === null;
  return (
    <div className="job-filter">
      <Choose
        label="Zone"
        any="Any zone"
        value={filter.zone}
        choices={zones}
        onChange={(zone) => onChange({ zone, site: '' })}
      />
      <Choose
        label="Site"
        any="Any site"
        value={filter.site}
        choices={sites}
        onChange={(site) => onChange({ site })}
      />
      <Choose
        label="Vendor"
        any="Any vendor"
        value={filter.vendor}
        choices={choices.vendor}
        onChange={(vendor) => onChange({ vendor, model: '', firmware_version: '' })}
      />
      <Choose
        label="Model"
        any="Any model"
        value={filter.model}
        choices={choices.model}
        onChange={(model) => onChange({ model, firmware_version: '' })}
      />
      <Choose
        label="Firmware"
        any="Any firmware"
        value={filter.firmware_version}
        choices={choices.firmware}
        onChange={(firmware_version) => onChange({ firmware_version })}
      />
      <div className="field job-wide">
        <span className="label">OCPP version</span>
        <Segments
          label="OCPP version"
          value={filter.ocpp_version || 'any'}
          options={[
            { value: 'any', label: 'Any' },
            ...versions.map((v) => ({ value: v as string, label: v })),
          ]}
          onChange={(value) => onChange({ ocpp_version: value === 'any' ? '' : value })}
        />
      </div>
      <div className="field job-wide">
        <span className="label">Connection</span>
        <Segments<FilterDraft['online']>
          label="Connection"
          value={filter.online}
          options={[
            { value: 'any', label: 'Any' },
            { value: 'yes', label: 'Connected' },
            { value: 'no', label: 'Offline' },
          ]}
          onChange={(online) => onChange({ online })}
        />
      </div>
      <details className="job-ids" open={ids > 0}>
        <summary>
          These very stations{' '}
          {ids > 0 && (
            <span className="tag">
              {ids} {ids === 1 ? 'id' : 'ids'}
            </span>
          )}
        </summary>
        <div className="field">
          <label htmlFor={id}>Ids, one a line or with commas between</label>
          <textarea
            id={id}
            className="input"
            rows={4}
            spellCheck={false}
            value={filter.ids}
            onChange={(event) => onChange({ ids: event.target.value })}
          />
        </div>
      </details>
      {nothing && (
        <div className="job-all">
          <Check label="Yes, all stations" checked={filter.all} onChange={(all) => onChange({ all })} />
        </div>
      )}
    </div>
  );
}
