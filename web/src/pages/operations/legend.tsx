import { useState, type ReactNode } from 'react';
import { layerNames, type ColorMode, type LayerName, type Layers } from '@/app/url-state';
import { useConnectorCounts } from '@/live';
import { Glyph, StatusGlyph } from '@/ui/glyph';
import { Icon } from '@/ui/icons';
import { css, statusKey, type StatusKey, type Theme } from '@/ui/tokens';
import { useMedia } from '@/ui/use-media';
import type { StationConduct } from './conduct';
import type { Group } from './groups';
import './legend.css';

const shown: readonly { key: StatusKey; label: string }[] = [
  { key: 'available', label: 'Available' },
  { key: 'charging', label: 'Charging' },
  { key: 'occupied', label: 'Occupied' },
  { key: 'suspended', label: 'Suspended' },
  { key: 'reserved', label: 'Reserved' },
  { key: 'unavailable', label: 'Unavailable' },
  { key: 'faulted', label: 'Faulted' },
  { key: 'offline', label: 'Offline' },
];

const layerLabel: Record<LayerName, string> = {
  zones: 'Zones',
  stations: 'Stations',
  vehicles: 'Vehicles',
  flows: 'Energy flow',
  load: 'Site load',
  care: 'Maintenance',
  versions: 'OCPP version',
  violations: 'Violations',
  labels: 'Labels',
};

export const colorLabel: Record<ColorMode, string> = {
  status: 'State',
  ocpp: 'OCPP',
  firmware: 'Firmware',
  use: 'Use',
};

/** Preparing and finishing are kinds of "occupied" to whoever looks for a free plug. */
function legendKey(word: string): StatusKey {
  const key = statusKey(word);
  return key === 'preparing' || key === 'finishing' ? 'occupied' : key;
}

function States() {
  const connectors = useConnectorCounts();
  const counts = new Map<StatusKey, number>();
  for (const [word, n] of connectors) counts.set(legendKey(word), (counts.get(legendKey(word)) ?? 0) + n);
  return (
    <ul className="legend-keys" aria-label="Connectors by state">
      {shown.map(({ key, label }) => (
        <li key={key} data-none={(counts.get(key) ?? 0) === 0}>
          <StatusGlyph status={key} />
          <span>{label}</span>
          <span className="num faint">{connectors.size > 0 ? (counts.get(key) ?? 0) : '–'}</span>
        </li>
      ))}
    </ul>
  );
}

function Groups({ groups, theme, label }: { groups: readonly Group[]; theme: Theme; label: string }) {
  return (
    <ul className="legend-keys legend-groups" aria-label={label}>
      {groups.map((group) => (
        <li key={group.key} data-none={group.count === 0}>
          <Glyph shape={group.look.shape} color={css(group.look.color[theme])} />
          <span className="truncate" title={group.label}>
            {group.label}
          </span>
          <span className="num faint">{group.count}</span>
        </li>
      ))}
    </ul>
  );
}

function Note({ sign, children }: { sign: ReactNode; children: ReactNode }) {
  return (
    <li>
      <span className="legend-sign" aria-hidden="true">
        {sign}
      </span>
      <span>{children}</span>
    </li>
  );
}

/** What the signs beside and around stations mean. */
function Signs({ layers, conduct }: { layers: Layers; conduct: ReadonlyMap<string, StationConduct> }) {
  const all = [...conduct.values()];
  const quarantined = all.filter((c) => c.quarantine).length;
  const breaking = all.filter((c) => c.breaches > 0).length;
  return (
    <ul className="legend-notes" aria-label="Signs">
      {layers.stations && (
        <Note sign={<i className="legend-ring" />}>Share of a station’s power; pulses with an alarm</Note>
      )}
      {layers.load && (
        <Note
          sign={
            <span className="legend-gauge">
              <i />
              <i />
            </span>
          }
        >
          Load of the grid limit; hatched from 90 %
        </Note>
      )}
      {layers.care && (
        <Note sign={<b className="legend-tag">Care</b>}>New firmware, diagnostics, out of use</Note>
      )}
      {layers.violations && (
        <Note sign={<b className="legend-tag legend-tag-bad">Protocol</b>}>
          {breaking + quarantined === 0
            ? 'Kept by all within the last hour'
            : `${breaking} broke it within the hour, ${quarantined} in quarantine`}
        </Note>
      )}
    </ul>
  );
}

/** What the colours, shapes and signs mean, how many there are, and which layers are drawn. */
export function Legend({
  layers,
  onToggle,
  mode,
  groups,
  theme,
  conduct,
}: {
  layers: Layers;
  onToggle: (name: LayerName) => void;
  /** What the colour of a station tells. */
  mode: ColorMode;
  /** The groups of that mode; null for the states. */
  groups: readonly Group[] | null;
  theme: Theme;
  conduct: ReadonlyMap<string, StationConduct>;
}) {
  const narrow = useMedia('(max-width: 1179px)');
  // A small stage shows the city first; who opens or closes the legend decides from then on.
  const [chosen, setOpen] = useState<boolean | null>(null);
  const open = chosen ?? !narrow;
  const hidden = layerNames.filter((name) => !layers[name]).length;
  return (
    <section className="panel ops-panel legend" aria-label="Legend and layers">
      <button type="button" className="legend-toggle" aria-expanded={open} onClick={() => setOpen(!open)}>
        <Icon name="layers" size={14} /> Legend
        {open && <span className="faint legend-unit">{groups ? 'stations' : 'connectors'}</span>}
        <Icon name={open ? 'chevronDown' : 'chevronUp'} size={12} />
      </button>
      {open && (
        <>
          {groups ? (
            <Groups groups={groups} theme={theme} label={`Stations by ${colorLabel[mode]}`} />
          ) : (
            <States />
          )}
          <Signs layers={layers} conduct={conduct} />
          <details className="legend-fold">
            <summary>
              Layers
              <span className="faint">{hidden === 0 ? 'all shown' : `${hidden} hidden`}</span>
            </summary>
            <div className="legend-layers" role="group" aria-label="Layers">
              {layerNames.map((name) => (
                <button key={name} type="button" aria-pressed={layers[name]} onClick={() => onToggle(name)}>
                  {layers[name] && <Icon name="check" size={11} />}
                  {layerLabel[name]}
                </button>
              ))}
            </div>
          </details>
        </>
      )}
    </section>
  );
}
