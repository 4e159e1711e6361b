import { getRouteApi, Link } from '@tanstack/react-router';
import { useState } from 'react';
import { transactionsQuery } from '@/api/queries';
import type { Station } from '@/api/types';
import { useList } from '@/api/use-list';
import { may } from '@/app/session';
import { useSession } from '@/app/use-session';
import { useFollowed } from '@/live';
import { age, count, dateTime, instant, power } from '@/ui/format';
import { SeverityBadge, StatusBadge } from '@/ui/glyph';
import { HistoryPanel, type Trace } from '@/ui/history-panel';
import { Icon } from '@/ui/icons';
import { Power } from '@/ui/quantity';
import { ErrorState, SkeletonBlock } from '@/ui/states';
import { useNow } from '@/ui/use-now';
import { TransactionTable } from '../transactions/transaction-table';
import { CommandDialogs, type CommandTarget } from './commands';
import { ConnectorCard } from './connector-card';
import { MessageLog } from './message-log';
import { useStation } from './use-station';

const route = getRouteApi('/shell/stations/$stationId');

/** Connectors that are followed closely: what the stream allows one page. */
const FOLLOWED_MAX = 32;

const traces: readonly Trace[] = [{ property: 'power_w', label: 'Power', format: power, color: 's1' }];

function Identity({ station }: { station: Station }) {
  const rows: [string, string | null][] = [
    ['Vendor', station.vendor],
    ['Model', station.model],
    ['Serial number', station.serial_number],
    ['Firmware', station.firmware_version],
    ['Zone', station.zone],
    ['Site', station.site],
    ['Hub, level', station.hub ? `${station.hub}, ${station.level ?? '–'}` : null],
    ['Boot', station.boot_status],
  ];
  return (
    <section className="panel" aria-labelledby="identity">
      <header className="panel-head">
        <h2 id="identity">Identity</h2>
      </header>
      <dl className="facts panel-body">
        {rows.map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{value ?? '–'}</dd>
          </div>
        ))}
        <div>
          <dt>Position</dt>
          <dd>
            {station.lat_deg == null || station.lon_deg == null
              ? '–'
              : `${station.lat_deg.toFixed(5)}, ${station.lon_deg.toFixed(5)}`}
          </dd>
        </div>
      </dl>
    </section>
  );
}

function Header({ station, onCommand }: { station: Station; onCommand: (target: CommandTarget) => void }) {
  const session = useSession();
  const now = useNow();
  const seen = instant(station.last_seen);
  const act = (kind: CommandTarget['kind']) => () => onCommand({ kind, station });
  return (
    <header className="page-head">
      <div className="titles">
        <nav className="crumb" aria-label="Breadcrumb">
          <Link to="/stations">Stations</Link>
          <Icon name="chevronRight" size={10} />
          <span aria-current="page">{station.id}</span>
        </nav>
        <div className="title-line">
          <h1>{station.name ?? station.id}</h1>
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
        </div>
      </div>
      <div className="page-actions">
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
      </div>
    </header>
  );
}

export function StationPage() {
  const { stationId } = route.useParams();
  const session = useSession();
  const { station, error, retry } = useStation(stationId);
  const transactions = useList(transactionsQuery({ station: stationId }));
  const [target, setTarget] = useState<CommandTarget | null>(null);
  const now = useNow();
  const plugs = station?.evses?.flatMap((evse) => evse.connectors.map((c) => c.id)) ?? [];
  const followed = useFollowed(plugs.slice(0, FOLLOWED_MAX));

  if (error) {
    return (
      <div className="page">
        <h1 className="visually-hidden">Station {stationId}</h1>
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
  const connectors = (station.evses ?? []).flatMap((evse) => evse.connectors);
  return (
    <div className="page">
      <Header station={station} onCommand={setTarget} />
      <dl className="stats">
        <div className="stat">
          <dt>Power now</dt>
          <dd>
            <Power w={station.power_w} />
          </dd>
        </div>
        <div className="stat">
          <dt>Power limit</dt>
          <dd>
            <Power w={station.max_power_w} />
          </dd>
        </div>
        <div className="stat">
          <dt>Running transactions</dt>
          <dd>{count(station.active_transactions)}</dd>
        </div>
        <div className="stat">
          <dt>Connectors charging</dt>
          <dd>
            {connectors.filter((c) => c.status === 'Charging').length}
            <span className="faint"> of {connectors.length}</span>
          </dd>
        </div>
      </dl>
      <section aria-label="Connectors" className="connectors">
        {connectors.map((connector) => (
          <ConnectorCard
            key={connector.id}
            connector={connector}
            evseBusy={connectors.some((c) => c.evse_id === connector.evse_id && c.transaction_id !== null)}
            canCommand={may(session?.role, 'operator')}
            trace={followed.get(connector.id)?.trace ?? null}
            onStart={() => setTarget({ kind: 'start', station, connector })}
            onStop={() => setTarget({ kind: 'stop', station, connector })}
          />
        ))}
      </section>
      <HistoryPanel
        twin={station.id}
        traces={traces}
        live={() => (station.power_w == null || !station.online ? null : { at: now, value: station.power_w })}
      />
      <div className="columns">
        <div className="stack">
          <section className="panel" aria-labelledby="transactions">
            <header className="panel-head">
              <h2 id="transactions">Transactions</h2>
              <Link to="/transactions" search={{ q: station.id }} className="link aside">
                All
              </Link>
            </header>
            {transactions.error ? (
              <ErrorState error={transactions.error} retry={transactions.retry} what="Transactions" />
            ) : (
              <TransactionTable rows={transactions.rows?.slice(0, 20)} hideStation />
            )}
          </section>
          <Identity station={station} />
        </div>
        <MessageLog station={station.id} />
      </div>
      {target && <CommandDialogs target={{ ...target, station }} onClose={() => setTarget(null)} />}
    </div>
  );
}
