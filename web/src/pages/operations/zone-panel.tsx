import type { Selection } from '@/app/url-state';
import { percent, plural, power } from '@/ui/format';
import { Meter } from '@/ui/quantity';
import { SkeletonBlock } from '@/ui/states';
import { useOverview } from './kpi-strip';

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
  return (
    <section className="panel ops-panel" aria-labelledby="ops-zones">
      <header className="panel-head">
        <h2 id="ops-zones">Zones</h2>
        <span className="aside">Power of limit</span>
      </header>
      {zones === undefined ? (
        <SkeletonBlock lines={4} />
      ) : zones.length === 0 ? (
        <p className="ops-calm">No zones are drawn yet</p>
      ) : (
        <ul className="ops-zones">
          {zones.map((zone) => {
            const share = zone.max_power_w > 0 ? zone.power_w / zone.max_power_w : null;
            const high = share !== null && share > 0.9;
            return (
              <li key={zone.id}>
                <button
                  type="button"
                  aria-pressed={selected === zone.id}
                  onClick={() => onSelect(selected === zone.id ? null : { kind: 'zone', id: zone.id })}
                >
                  <span className="zone-name truncate">{zone.name}</span>
                  <span className="zone-figure num">
                    {power(zone.power_w)} <span className="faint">{percent(share)}</span>
                  </span>
                  <span className="zone-bar">
                    <Meter
                      share={share}
                      color={high ? 'var(--severity-major)' : 'var(--status-charging)'}
                      label={`Load of ${zone.name}: ${percent(share)}`}
                    />
                  </span>
                  <span className="zone-note">
                    {zone.in_use} of {zone.connectors} in use · {plural(zone.vehicles, 'vehicle')}
                    {high && <strong> · near its limit</strong>}
                  </span>
                </button>
              </li>
            );
          })}
        </ul>
      )}
    </section>
  );
}
