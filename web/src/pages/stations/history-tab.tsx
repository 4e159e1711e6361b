import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { receiptQuery } from '@/api/tariffs';
import type { ListSpec } from '@/api/queries';
import { PAGE, keys } from '@/api/queries';
import type { Transaction } from '@/api/types';
import { uptimeDetailQuery } from '@/api/uptime';
import { useList } from '@/api/use-list';
import { connectorNumber, instant, plug, plural } from '@/ui/format';
import { Segments } from '@/ui/segments';
import { EmptyState, ErrorState, SkeletonBlock } from '@/ui/states';
import { DataTable, type Column } from '@/ui/table';
import { useNow } from '@/ui/use-now';
import { amount } from '../tariffs/money';
import { transactionColumns, TransactionState } from '../transactions/transaction-table';
import { stretchesOf, Timeline } from './timeline';
import type { TabProps } from './tabs';
import './history.css';

const spans = [
  { value: '1', label: '24 h' },
  { value: '7', label: '7 d' },
  { value: '30', label: '30 d' },
] as const;
type Span = (typeof spans)[number]['value'];
const DAY = 86_400_000;
/** Rows at once: each asks for its receipt. */
const SHOWN = 25;

const ofConnector = (station: string, evse: number, connector: number): ListSpec<Transaction> => {
  const params = { station, evse, connector };
  return {
    key: [...keys.transactions, 'list', params],
    path: '/transactions',
    params: { limit: PAGE, ...params },
  };
};

function Price({ transaction: t }: { transaction: Transaction }) {
  const { data, isPending, error } = useQuery(receiptQuery(t.number, t.state === 'active'));
  if (isPending) return <span className="skeleton" style={{ width: '6ch' }} aria-hidden="true" />;
  if (error || !data) return <span className="faint">{error ? 'unknown' : 'no tariff'}</span>;
  return (
    <span className="num">
      {amount(data.cost.gross, data.cost.currency)}
      {!data.final && <span className="sub"> so far</span>}
    </span>
  );
}

const { number, started, duration, energy, token } = transactionColumns;

const columns: readonly Column<Transaction>[] = [
  number,
  { ...started, wide: false },
  duration,
  energy,
  { key: 'cost', label: 'Cost', align: 'right', cell: (t) => <Price transaction={t} /> },
  {
    key: 'end',
    label: 'Ended by',
    wide: true,
    sort: (t) => t.stopped_reason,
    cell: (t) =>
      t.state === 'active' ? (
        <TransactionState state="active" />
      ) : (
        <span className="muted">{t.stopped_reason ?? 'not told'}</span>
      ),
  },
  token,
];

/** What a connector has done: who charged there, for how much, and when it could not. */
export default function HistoryTab({ station }: TabProps) {
  const navigate = useNavigate();
  const connectors = useMemo(() => station.evses.flatMap((e) => e.connectors), [station.evses]);
  const [chosen, setChosen] = useState<string | null>(null);
  const [span, setSpan] = useState<Span>('7');
  const [pages, setPages] = useState(1);
  const now = useNow();
  const connector = connectors.find((c) => c.id === chosen) ?? connectors[0];
  const spec = ofConnector(station.id, connector?.evse_id ?? 0, connector?.connector_id ?? 0);
  const { rows, error, retry } = useList(spec, 15_000);
  const outages = useQuery({ ...uptimeDetailQuery(station.id, Number(span)), refetchInterval: 60_000 });
  if (!connector) {
    return (
      <section className="panel">
        <EmptyState icon="stations" title="No connectors yet">
          The station tells of them when it connects.
        </EmptyState>
      </section>
    );
  }
  const to = Math.ceil(now / 60_000) * 60_000;
  const from = to - Number(span) * DAY;
  const watched = outages.data?.connectors.find((c) => c.id === connector.id);
  const stretches = stretchesOf({
    from,
    to,
    since: instant(watched?.since),
    outages: outages.data?.intervals.filter((o) => o.connector === connector.id) ?? [],
    sessions: rows ?? [],
  });
  const newest = rows?.toSorted((a, b) => b.number - a.number);
  return (
    <>
      <div className="toolbar">
        <div className="segments-scroll">
          <Segments
            label="Connector"
            value={connector.id}
            onChange={(id) => {
              setChosen(id);
              setPages(1);
            }}
            options={connectors.map((c) => ({
              value: c.id,
              label: `${connectorNumber(c)} · ${plug(c.type)}`,
            }))}
          />
        </div>
        <span className="spacer" />
        <Segments<Span> label="Time span" value={span} onChange={setSpan} options={spans} />
      </div>
      <section className="panel" aria-labelledby="timeline">
        <header className="panel-head">
          <h2 id="timeline">Availability</h2>
          {watched?.uptime_percent != null && (
            <Link to="/uptime/$twinId" params={{ twinId: connector.id }} className="link aside">
              {watched.uptime_percent.toFixed(2)} % uptime
            </Link>
          )}
        </header>
        {outages.error && !outages.data ? (
          <ErrorState error={outages.error} retry={() => void outages.refetch()} what="Availability" />
        ) : !outages.data ? (
          <SkeletonBlock lines={2} />
        ) : (
          <Timeline
            label={`Connector ${connectorNumber(connector)}`}
            from={from}
            to={to}
            stretches={stretches}
          />
        )}
      </section>
      <section className="panel" aria-labelledby="sessions">
        <header className="panel-head">
          <h2 id="sessions">Sessions on connector {connectorNumber(connector)}</h2>
          {rows && <span className="aside">{plural(rows.length, 'session')}</span>}
        </header>
        {error ? (
          <ErrorState error={error} retry={retry} what="Sessions" />
        ) : (
          <DataTable
            caption={`Sessions on connector ${connectorNumber(connector)}`}
            columns={columns}
            rows={newest?.slice(0, pages * SHOWN)}
            rowKey={(t) => String(t.number)}
            initialSort={{ key: 'number', dir: 'desc' }}
            onOpen={(t) =>
              void navigate({ to: '/transactions/$number', params: { number: String(t.number) } })
            }
            empty={
              <EmptyState icon="transactions" title="Nobody has charged here yet">
                Each session appears as soon as it begins.
              </EmptyState>
            }
            foot={
              (newest?.length ?? 0) > pages * SHOWN && (
                <button type="button" className="btn btn-sm" onClick={() => setPages(pages + 1)}>
                  Show more
                </button>
              )
            }
          />
        )}
      </section>
    </>
  );
}
