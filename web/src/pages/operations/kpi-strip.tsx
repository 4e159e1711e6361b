import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { overviewQuery } from '@/api/queries';
import type { Overview } from '@/api/types';
import { useKpi } from '@/live';
import { count, percent, plural, power } from '@/ui/format';
import { StatusGlyph } from '@/ui/glyph';
import { Energy, Meter, Power } from '@/ui/quantity';
import { Skeleton } from '@/ui/states';
import './kpi-strip.css';

/** The key figures: from the stream, and from the API until it speaks. */
export function useOverview(): Overview | null {
  const live = useKpi();
  const query = useQuery({ ...overviewQuery, enabled: live === null });
  return live ?? query.data ?? null;
}

function Kpi({
  label,
  value,
  note,
  to,
}: {
  label: string;
  value: ReactNode;
  note: ReactNode;
  to?: ReactNode;
}) {
  return (
    <div className="kpi">
      <dt>{to ?? label}</dt>
      <dd>
        <span className="kpi-value">{value}</span>
        <span className="kpi-note">{note}</span>
      </dd>
    </div>
  );
}

/** A station works with one of its connectors faulted; that is no "none". */
function Faults({ stations, connectors }: { stations: number; connectors: number }) {
  if (stations > 0)
    return (
      <Link to="/stations" search={{ status: 'faulted' }} className="kpi-bad">
        <StatusGlyph status="faulted" size={10} /> {stations} faulted
      </Link>
    );
  if (connectors > 0)
    return (
      <Link to="/alarms" className="kpi-bad">
        <StatusGlyph status="faulted" size={10} /> {plural(connectors, 'connector')} faulted
      </Link>
    );
  return <>None faulted</>;
}

export function KpiStrip() {
  const o = useOverview();
  const wait = <Skeleton width="4ch" />;
  const share = o && o.max_power_w > 0 ? o.power_w / o.max_power_w : null;
  const charging = o?.connectors.by_status.Charging ?? 0;
  const free = o?.connectors.by_status.Available ?? 0;
  return (
    <dl className="kpis" aria-label="Key figures" aria-busy={o === null}>
      <Kpi
        label="Power now"
        value={o ? <Power w={o.power_w} /> : wait}
        note={
          <span className="kpi-load">
            <Meter share={share} color="var(--status-charging)" label={`Utilisation ${percent(share)}`} />
            <span>
              {percent(share)} of {power(o?.max_power_w)} rated
            </span>
          </span>
        }
      />
      <Kpi
        label="Charging"
        value={o ? count(charging) : wait}
        note={o ? `${count(free)} of ${count(o.connectors.total)} connectors free` : ''}
      />
      <Kpi
        label="Stations online"
        to={<Link to="/stations">Stations online</Link>}
        value={
          o ? (
            <>
              {count(o.stations.online)}
              <span className="of"> / {count(o.stations.total)}</span>
            </>
          ) : (
            wait
          )
        }
        note={o && <Faults stations={o.stations.faulted} connectors={o.connectors.by_status.Faulted ?? 0} />}
      />
      <Kpi
        label="Vehicles"
        to={<Link to="/vehicles">Vehicles</Link>}
        value={o ? count(o.vehicles.total) : wait}
        note={
          o && (
            <>
              {o.vehicles.driving} driving · {o.vehicles.queuing} queuing
              {o.vehicles.faulted > 0 && (
                <>
                  {' · '}
                  <Link to="/vehicles" search={{ status: 'faulted' }} className="kpi-bad">
                    <StatusGlyph status="faulted" size={10} /> {o.vehicles.faulted}
                    <span className="visually-hidden"> faulted</span>
                  </Link>
                </>
              )}
            </>
          )
        }
      />
      <Kpi
        label="Energy today"
        value={o ? <Energy wh={o.energy_today_wh} /> : wait}
        note={o ? plural(o.sessions_today, 'session') : ''}
      />
    </dl>
  );
}
