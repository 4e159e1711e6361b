import { Link, useNavigate } from '@tanstack/react-router';
import type { Transaction } from '@/api/types';
import { columnEnergy, dateTime, duration, instant } from '@/ui/format';
import { Glyph } from '@/ui/glyph';
import { EmptyState } from '@/ui/states';
import { DataTable, type Column, type Sort } from '@/ui/table';
import { useNow } from '@/ui/use-now';

export function TransactionState({ state }: { state: Transaction['state'] }) {
  if (state === 'active') {
    return (
      <span className="badge">
        <Glyph shape="bolt" color="var(--status-charging)" /> Running
      </span>
    );
  }
  if (state === 'orphan') {
    return (
      <span className="badge">
        <Glyph shape="triangle" color="var(--severity-major)" /> Incomplete
      </span>
    );
  }
  return (
    <span className="badge badge-quiet">
      <Glyph shape="circle" color="var(--status-parked)" size={10} /> Ended
    </span>
  );
}

/** A running transaction has lasted until now; an ended one says how long it took. */
export function Lasted({ transaction: t }: { transaction: Transaction }) {
  const now = useNow();
  const from = instant(t.started_at);
  const s = t.duration_s ?? (t.state === 'active' && from !== null ? (now - from) / 1000 : null);
  return <>{duration(s)}</>;
}

/** What a table of transactions may show of each; the tables choose from it. */
export const transactionColumns = {
  number: {
    key: 'number',
    label: 'Number',
    sort: (t) => t.number,
    cell: (t) => (
      <Link to="/transactions/$number" params={{ number: String(t.number) }} tabIndex={-1} className="num">
        {t.number}
      </Link>
    ),
  },
  state: {
    key: 'state',
    label: 'State',
    sort: (t) => t.state,
    cell: (t) => <TransactionState state={t.state} />,
  },
  station: {
    key: 'station',
    label: 'Station',
    sort: (t) => `${t.station} ${t.evse ?? 0}`,
    cell: (t) => (
      <>
        {t.station} <span className="faint num">· {t.evse ?? '–'}</span>
      </>
    ),
  },
  token: {
    key: 'token',
    label: 'Id token',
    wide: true,
    sort: (t) => t.id_token,
    cell: (t) => <span className="mono muted">{t.id_token ?? '–'}</span>,
  },
  started: {
    key: 'started',
    label: 'Started',
    wide: true,
    sort: (t) => instant(t.started_at),
    cell: (t) => <span className="num">{dateTime(t.started_at)}</span>,
  },
  duration: {
    key: 'duration',
    label: 'Duration',
    align: 'right',
    wide: true,
    sort: (t) => t.duration_s ?? Number.MAX_SAFE_INTEGER,
    cell: (t) => <Lasted transaction={t} />,
  },
  energy: {
    key: 'energy',
    label: 'Energy',
    align: 'right',
    sort: (t) => (t.energy_wh === null ? null : Number(t.energy_wh)),
    // Every digit stands on the page of the transaction.
    cell: (t) => columnEnergy(t.energy_wh),
  },
  flags: {
    key: 'flags',
    label: 'Checks',
    wide: true,
    sort: (t) => t.flags.length,
    cell: (t) =>
      t.flags.length === 0 && !t.offline ? (
        <span className="faint">None</span>
      ) : (
        <span style={{ display: 'inline-flex', gap: '0.25rem' }}>
          {t.offline && <span className="tag">offline</span>}
          {t.flags.map((flag) => (
            <span key={flag} className="tag" data-tone="warn">
              {flag.replaceAll('_', ' ')}
            </span>
          ))}
        </span>
      ),
  },
} satisfies Record<string, Column<Transaction>>;

const columns: readonly Column<Transaction>[] = Object.values(transactionColumns);
const withoutStation = columns.filter((c) => c.key !== 'station');

export function TransactionTable({
  rows,
  hideStation = false,
  sort,
  onSort,
  foot,
}: {
  rows: readonly Transaction[] | undefined;
  hideStation?: boolean;
  sort?: Sort | undefined;
  onSort?: (sort: Sort) => void;
  foot?: React.ReactNode;
}) {
  const navigate = useNavigate();
  return (
    <DataTable
      caption="Transactions"
      columns={hideStation ? withoutStation : columns}
      rows={rows}
      rowKey={(t) => String(t.number)}
      initialSort={{ key: 'number', dir: 'desc' }}
      {...(sort ? { sort } : {})}
      {...(onSort ? { onSort } : {})}
      foot={foot}
      onOpen={(t) => void navigate({ to: '/transactions/$number', params: { number: String(t.number) } })}
      empty={
        <EmptyState icon="transactions" title="No transactions">
          None was recorded for this view.
        </EmptyState>
      }
    />
  );
}
