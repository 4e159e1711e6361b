import { getRouteApi, Link, useParams } from '@tanstack/react-router';
import { Suspense, useState } from 'react';
import type { Station } from '@/api/types';
import { may } from '@/app/session';
import { PageHead } from '@/app/page-head';
import { useSession } from '@/app/use-session';
import { age, dateTime, instant } from '@/ui/format';
import { SeverityBadge, StatusBadge } from '@/ui/glyph';
import { Icon } from '@/ui/icons';
import { ErrorState, SkeletonBlock } from '@/ui/states';
import { useNow } from '@/ui/use-now';
import { CommandDialogs, type CommandTarget } from './commands';
import { panelId, StationTabs, tabId } from './station-tabs';
import { tabOf } from './tabs';
import { useStation } from './use-station';

const route = getRouteApi('/shell/stations/$stationId');

function Header({ station, onCommand }: { station: Station; onCommand: (target: CommandTarget) => void }) {
  const session = useSession();
  const now = useNow();
  const seen = instant(station.last_seen);
  const act = (kind: CommandTarget['kind']) => () => onCommand({ kind, station });
  return (
    <PageHead
      parent={{ to: '/stations', label: 'Stations' }}
      here={station.id}
      title={station.name ?? station.id}
      beside={
        <>
          <StatusBadge status={station.status} />
          <span className="tag">OCPP {station.ocpp_version ?? 'not said'}</span>
          {station.alarm && <SeverityBadge severity={station.alarm} />}
          <span className="faint">
            {station.online
              ? 'Connected'
              : seen === null
                ? 'Has never connected'
                : `Last heard ${age(now - seen)} ago, ${dateTime(station.last_seen)}`}
          </span>
        </>
      }
      actions={
        <>
          <Link to="/" search={{ sel: `station:${station.id}` }} className="btn">
            <Icon name="target" size={14} /> Show in network
          </Link>
          {may(session?.role, 'operator') && (
            <>
              <button type="button" className="btn" onClick={act('trigger')}>
                <Icon name="trigger" size={14} /> Ask for message
              </button>
              <button type="button" className="btn" onClick={act('reset')}>
                <Icon name="refresh" size={14} /> Reset
              </button>
            </>
          )}
          {may(session?.role, 'admin') && (
            <button type="button" className="btn" onClick={act('credentials')}>
              <Icon name="key" size={14} /> New password
            </button>
          )}
        </>
      }
    />
  );
}

/** The frame of a station: who it is and what can be done to it at once, above the tab that the address names. */
export function StationPage() {
  const { stationId } = route.useParams();
  const { tab: name } = useParams({ strict: false });
  const { station, error, retry } = useStation(stationId);
  const [target, setTarget] = useState<CommandTarget | null>(null);

  if (error) {
    return (
      <div className="page">
        <PageHead
          parent={{ to: '/stations', label: 'Stations' }}
          here={stationId}
          title={`Station ${stationId}`}
        />
        <ErrorState error={error} retry={retry} what={`Station ${stationId}`} />
      </div>
    );
  }
  if (!station) {
    return (
      <div className="page">
        <h1>{stationId}</h1>
        <SkeletonBlock lines={8} />
      </div>
    );
  }
  const tab = tabOf(name);
  const Tab = tab.component;
  return (
    <div className="page station-page">
      <Header station={station} onCommand={setTarget} />
      <StationTabs station={station} current={tab.id} />
      <div role="tabpanel" id={panelId} aria-labelledby={tabId(tab.id)} className="stack" tabIndex={-1}>
        <Suspense fallback={<SkeletonBlock lines={8} />}>
          <Tab station={station} onCommand={setTarget} />
        </Suspense>
      </div>
      {target && <CommandDialogs target={{ ...target, station }} onClose={() => setTarget(null)} />}
    </div>
  );
}
