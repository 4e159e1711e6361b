import { useState } from 'react';
import { layerNames, type LayerName, type Layers } from '@/app/url-state';
import { useConnectorCounts } from '@/live';
import { StatusGlyph } from '@/ui/glyph';
import { Icon } from '@/ui/icons';
import { statusKey, type StatusKey } from '@/ui/tokens';
import { useMedia } from '@/ui/use-media';

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
  labels: 'Labels',
};

/** Preparing and finishing are kinds of "occupied" to whoever looks for a free plug. */
function legendKey(word: string): StatusKey {
  const key = statusKey(word);
  return key === 'preparing' || key === 'finishing' ? 'occupied' : key;
}

/** What the colours and shapes mean, how many there are, and which layers are drawn. */
export function Legend({ layers, onToggle }: { layers: Layers; onToggle: (name: LayerName) => void }) {
  const narrow = useMedia('(max-width: 1179px)');
  // A small stage shows the city first; who opens or closes the legend decides from then on.
  const [chosen, setOpen] = useState<boolean | null>(null);
  const open = chosen ?? !narrow;
  const connectors = useConnectorCounts();
  const counts = new Map<StatusKey, number>();
  for (const [word, n] of connectors) counts.set(legendKey(word), (counts.get(legendKey(word)) ?? 0) + n);
  return (
    <section className="panel ops-panel legend" aria-label="Legend and layers">
      <button type="button" className="legend-toggle" aria-expanded={open} onClick={() => setOpen(!open)}>
        <Icon name="layers" size={14} /> Legend
        {open && <span className="faint legend-unit">connectors</span>}
        <Icon name={open ? 'chevronDown' : 'chevronUp'} size={12} />
      </button>
      {open && (
        <>
          <ul className="legend-keys" aria-label="Connectors by state">
            {shown.map(({ key, label }) => (
              <li key={key} data-none={(counts.get(key) ?? 0) === 0}>
                <StatusGlyph status={key} />
                <span>{label}</span>
                <span className="num faint">{connectors.size > 0 ? (counts.get(key) ?? 0) : '–'}</span>
              </li>
            ))}
          </ul>
          {layers.load && (
            <p className="legend-note">
              <span className="legend-gauge" aria-hidden="true">
                <i />
                <i />
              </span>
              Site load: a piece a station, full at the grid limit, hatched from 90 %
            </p>
          )}
          <div className="legend-layers" role="group" aria-label="Layers">
            {layerNames.map((name) => (
              <button key={name} type="button" aria-pressed={layers[name]} onClick={() => onToggle(name)}>
                {layers[name] && <Icon name="check" size={11} />}
                {layerLabel[name]}
              </button>
            ))}
          </div>
        </>
      )}
    </section>
  );
}
