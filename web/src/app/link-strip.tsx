import { Link } from '@tanstack/react-router';
import { useKpi, useLinkState } from '@/live';
import { age, clock, instant } from '@/ui/format';
import { SeverityGlyph } from '@/ui/glyph';
import { Icon } from '@/ui/icons';
import { useNow } from '@/ui/use-now';
import { linkView } from './link-view';

function useLinkView() {
  const link = useLinkState();
  const kpi = useKpi();
  const now = useNow();
  return linkView(link, now, instant(kpi?.at));
}

/** Always in sight: is what I see true now? */
export function LinkStrip() {
  const link = useLinkState();
  const view = useLinkView();
  return (
    <>
      {/* The state alone is announced; how old the data is changes every second. */}
      <span className="visually-hidden" role="status">
        {view.label}
      </span>
      <span className="link-state" data-state={view.state} title={view.detail}>
        {view.state === 'live' ? (
          <span className="pulse" aria-hidden="true" />
        ) : (
          <Icon name={view.state === 'offline' ? 'wifiOff' : 'refresh'} size={13} />
        )}
        <span aria-hidden="true">
          {view.label}
          {view.ageMs !== null && view.state !== 'live' && <span className="num"> {age(view.ageMs)}</span>}
        </span>
      </span>
      <span className="strip-fact strip-time">
        <span>Data</span>
        <time className={view.state === 'live' ? 'num' : 'num stale'}>{clock(view.dataTimeMs)}</time>
      </span>
      <span className="strip-fact strip-latency">
        <span>Latency</span>
        <span className="num">{link.rttMs === null ? '–' : `${Math.round(link.rttMs)} ms`}</span>
      </span>
    </>
  );
}

const order = ['critical', 'major', 'minor', 'info'] as const;

export function AlarmCounts() {
  const kpi = useKpi();
  return (
    <Link to="/alarms" className="alarm-counts">
      <span className="visually-hidden">Alarms: </span>
      {order.map((severity) => {
        const n = kpi?.alarms[severity];
        return (
          <span
            key={severity}
            className="alarm-count"
            data-zero={!n}
            title={`${n ?? 'Not yet known'} ${severity}`}
          >
            <SeverityGlyph severity={severity} size={11} />
            {n ?? '–'}
            <span className="visually-hidden"> {severity}, </span>
          </span>
        );
      })}
      {kpi && <span className="visually-hidden">{kpi.alarms.unacknowledged} not acknowledged</span>}
    </Link>
  );
}

/** Says on every page, across its full width, that the figures below have stopped. */
export function LinkBanner() {
  const view = useLinkView();
  if (view.state === 'live' || (view.state === 'reconnecting' && (view.ageMs ?? 0) < 5_000)) return null;
  return (
    <p className="link-banner">
      <Icon name="warn" size={14} />
      {view.state === 'offline' ? 'No connection to the server.' : 'The live stream is interrupted.'} Values
      below are as of {view.dataTimeMs === null ? 'an earlier visit' : clock(view.dataTimeMs)}.
    </p>
  );
}
