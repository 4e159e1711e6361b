import { Link } from '@tanstack/react-router';
import { transactionsQuery } from '@/api/queries';
import type { Station } from '@/api/types';
import { useList } from '@/api/use-list';
import { may } from '@/app/session';
import { useSession } from '@/app/use-session';
import { useFollowed } from '@/live';
import { count, power } from '@/ui/format';
import { HistoryPanel, type Trace } from '@/ui/history-panel';
import { Power } from '@/ui/quantity';
import { ErrorState } from '@/ui/states';
import { useNow } from '@/ui/use-now';
import { TransactionTable } from '../transactions/transaction-table';
import { ConnectorCard } from './connector-card';
import { MessageLog } from './message-log';
import type { TabProps } from './tabs';

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

/** The station at a glance: what it does now, its load, its newest transactions and messages. */
export default function OverviewTab({ station, onCommand }: TabProps) {
  const session = useSession();
  const transactions = useList(transactionsQuery({ station: station.id }));
  const now = useNow();
  const connectors = (station.evses ?? []).flatMap((evse) => evse.connectors);
  const followed = useFollowed(connectors.slice(0, FOLLOWED_MAX).map((c) => c.id));
  return (
    <>
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
            onStart={() => onCommand({ kind: 'start', station, connector })}
            onStop={() => onCommand({ kind: 'stop', station, connector })}
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
    </>
  );
}
