import { useQuery } from '@tanstack/react-query';
import { sceneQuery } from '@/api/queries';
import type { Overview, Scene } from '@/api/types';
import type { Selection } from '@/app/url-state';
import { percent, plural, power } from '@/ui/format';
import { NEAR_LIMIT } from '@/scene/site-load';
import { Meter } from '@/ui/quantity';
import { SkeletonBlock } from '@/ui/states';
import { useOverview } from './kpi-strip';
import './zone-panel.css';

type Zone = Overview['zones'][number];

/**
 * What the grid connections of a zone bear together, in watts; null where a site of it has none that is known. What the
 * stations could take together is no limit: using all of it is what they are for.
 */
export function gridLimit(scene: Scene | undefined, zone: string): number | null {
  if (!scene) return null;
  const sites = new Set(scene.stations.filter((s) => s.zone === zone).map((s) => s.site));
  let sum = 0;
  for (const id of sites) {
    const limit = scene.sites.find((site) => site.id === id)?.grid?.max_power_w;
    if (limit == null) return null;
    sum += limit;
  }
  return sum > 0 ? sum : null;
}

function ZoneRow({
  zone,
  limit,
  pressed,
  onPress,
}: {
  zone: Zone;
  limit: number | null;
  pressed: boolean;
  onPress: () => void;
}) {
  const share = limit === null ? null : zone.power_w / limit;
  const used = zone.max_power_w > 0 ? zone.power_w / zone.max_power_w : null;
  const near = share !== null && share >= NEAR_LIMIT;
  return (
    <li>
      <button type="button" aria-pressed={pressed} onClick={onPress}>
        <span className="zone-name truncate">{zone.name}</span>
        <span className="zone-figure num">
          {power(zone.power_w)} <span className="faint">{percent(share)}</span>
        </span>
        <span className="zone-bar">
          <Meter
            share={share}
            color={near ? 'var(--severity-major)' : 'var(--status-charging)'}
            label={`Load of ${zone.name}: ${percent(share)} of its grid connections`}
          />
        </span>
        <span className="zone-note">
          {zone.in_use} of {zone.connectors} in use · {percent(used)} utilised ·{' '}
          {plural(zone.vehicles, 'vehicle')}
          {near && <strong> · near its limit</strong>}
        </span>
      </button>
    </li>
  );
}

/** Where the load is. */
export function ZonePanel({
  selected,
  onSelect,
}: {
  selected: string | null;
  onSelect: (selection: Selection | null) => void;
}) {
  const o = useOverview();
  const zones = o?.zones;
  const scene = useQuery(sceneQuery).data;
  return (
    <section className="panel ops-panel" aria-labelledby="ops-zones">
      <header className="panel-head">
        <h2 id="ops-zones">Zones</h2>
        <span className="aside">Of the grid connection</span>
      </header>
      {zones === undefined ? (
        <SkeletonBlock lines={4} />
      ) : zones.length === 0 ? (
        <p className="ops-calm">No zones are drawn yet</p>
      ) : (
        <ul className="ops-zones">
          {zones.map((zone) => (
            <ZoneRow
              key={zone.id}
              zone={zone}
              limit={gridLimit(scene, zone.id)}
              pressed={selected === zone.id}
              onPress={() => onSelect(selected === zone.id ? null : { kind: 'zone', id: zone.id })}
            />
          ))}
        </ul>
      )}
    </section>
  );
}
