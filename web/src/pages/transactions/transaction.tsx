import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { transactionQuery } from '@/api/queries';
import type { Transaction } from '@/api/types';
import { PageHead } from '@/app/page-head';
import { dateTime, energy, exactEnergy, instant, percent, power } from '@/ui/format';
import { HistoryPanel, type Trace } from '@/ui/history-panel';
import { ErrorState, SkeletonBlock } from '@/ui/states';
import { ReceiptPanel } from '../tariffs/receipt-panel';
import { flagWord } from './flags';
import { Ledger } from './ledger';
import { Lasted, TransactionState } from './transaction-table';

const route = getRouteApi('/shell/transactions/$number');

const traces: readonly Trace[] = [
  { property: 'power_w', label: 'Power', format: power, color: 's1' },
  { property: 'energy_wh', label: 'Meter', format: energy, color: 's3' },
  { property: 'soc', label: 'State of charge', format: percent, color: 's2', min: 0, max: 1 },
];

/** A minute around an ended transaction; a running one is shown until now. */
function span(t: Transaction): { from: string; to: string } | undefined {
  const from = instant(t.started_at);
  const to = instant(t.ended_at);
  if (from === null || to === null) return undefined;
  return { from: new Date(from - 60_000).toISOString(), to: new Date(to + 60_000).toISOString() };
}

export function TransactionPage() {
  const { number } = route.useParams();
  const query = useQuery({
    ...transactionQuery(number),
    refetchInterval: (q) => (q.state.data?.state === 'active' ? 5_000 : false),
  });
  const t = query.data;
  if (!t) {
    return (
      <div className="page">
        <h1>Transaction {number}</h1>
        {query.error ? (
          <ErrorState error={query.error} retry={() => void query.refetch()} what={`Transaction ${number}`} />
        ) : (
          <SkeletonBlock lines={6} />
        )}
      </div>
    );
  }
  const facts: [string, React.ReactNode][] = [
    [
      'Station',
      <Link key="s" to="/stations/$stationId" params={{ stationId: t.station }} className="link">
        {t.station}
      </Link>,
    ],
    [
      'Connector',
      t.evse === null ? '–' : `${t.evse}${t.connector && t.connector > 1 ? `.${t.connector}` : ''}`,
    ],
    [
      'Id token',
      <span key="t" className="mono">
        {t.id_token ?? '–'}
      </span>,
    ],
    [
      'Transaction id',
      <span key="i" className="mono">
        {t.transaction_id}
      </span>,
    ],
    ['Started', dateTime(t.started_at)],
    ['Ended', t.ended_at ? dateTime(t.ended_at) : 'Still running'],
    ['Meter at start', exactEnergy(t.meter_start_wh)],
    [t.ended_at ? 'Meter at end' : 'Meter now', exactEnergy(t.meter_stop_wh)],
    ['Reason for the end', t.stopped_reason ?? '–'],
    ['Events received', String(t.events)],
    ['Recorded offline', t.offline ? 'Yes, delivered later' : 'No'],
  ];
  return (
    <div className="page">
      <PageHead
        parent={{ to: '/transactions', label: 'Transactions' }}
        here={t.number}
        title={`Transaction ${t.number}`}
        beside={<TransactionState state={t.state} />}
      />
      <dl className="stats">
        <div className="stat">
          <dt>Energy</dt>
          <dd>{exactEnergy(t.energy_wh)}</dd>
        </div>
        <div className="stat">
          <dt>Duration</dt>
          <dd>
            <Lasted transaction={t} />
          </dd>
        </div>
        <div className="stat">
          <dt>Checks raised</dt>
          <dd>{t.flags.length}</dd>
        </div>
      </dl>
      {t.flags.length > 0 && (
        <ul className="outcome" data-tone="warn">
          {t.flags.map((flag) => (
            <li key={flag}>{flagWord(flag)}</li>
          ))}
        </ul>
      )}
      <section className="panel" aria-labelledby="facts">
        <header className="panel-head">
          <h2 id="facts">Record</h2>
        </header>
        <dl className="facts panel-body">
          {facts.map(([label, value]) => (
            <div key={label}>
              <dt>{label}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      </section>
      <Ledger segments={t.segments} />
      <ReceiptPanel number={t.number} running={t.state === 'active'} />
      {t.evse !== null && (
        <HistoryPanel
          twin={`${t.station}:${t.evse}:${t.connector ?? 1}`}
          title="Connector during this transaction"
          traces={traces}
          between={span(t)}
        />
      )}
    </div>
  );
}
