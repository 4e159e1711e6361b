import { Link } from '@tanstack/react-router';
import type { Filed } from '@/api/desk';
import { Camel } from '@/ui/camel';
import { dateTime, instant, plural, sentence } from '@/ui/format';
import { EmptyState } from '@/ui/states';
import { DataTable, type Column } from '@/ui/table';

function Message({ of: { detail } }: { of: Filed }) {
  return (
    <>
      <strong>
        <Camel text={detail.action ?? 'Unknown'} />
      </strong>{' '}
      <span className="sub">{[detail.kind, detail.direction].filter(Boolean).join(', ')}</span>
    </>
  );
}

const columnsOf = (withStation: boolean): readonly Column<Filed>[] => [
  {
    key: 'at',
    label: 'When',
    sort: (f) => instant(f.at),
    cell: (f) => (
      <>
        <span className="num">{dateTime(f.at)}</span>
        {withStation && <span className="sub narrow-sub">{f.station}</span>}
      </>
    ),
  },
  {
    key: 'station',
    label: 'Station',
    wide: true,
    sort: (f) => f.station,
    cell: (f) => (
      <Link to="/stations/$stationId/$tab" params={{ stationId: f.station, tab: 'security' }}>
        {f.station}
      </Link>
    ),
  },
  {
    key: 'action',
    label: 'Message',
    wide: true,
    sort: (f) => f.detail.action,
    cell: (f) => <Message of={f} />,
  },
  {
    key: 'what',
    label: 'What was wrong',
    cell: (f) => {
      const d = f.detail;
      return (
        <span className="filed-what">
          <span className="narrow-sub">
            <Message of={f} />
          </span>
          {d.code === 'NotFiled' ? (
            `${plural(d.count ?? 0, 'more breach')} in that minute`
          ) : (
            <>
              {d.field && <code>{d.field}</code>} {sentence(d.detail ?? '')}
            </>
          )}{' '}
          <span className="sub mono">
            <Camel text={d.code} />
          </span>
        </span>
      );
    },
  },
  {
    key: 'policy',
    label: 'Held',
    wide: true,
    sort: (f) => f.detail.policy,
    cell: (f) => <span className="muted">{f.detail.policy ?? '–'}</span>,
  },
];

const columns = columnsOf(true);
const withoutStation = columnsOf(false).filter((c) => c.key !== 'station');

/** Breaches one by one. */
export function FiledList({
  rows,
  withStation = false,
  more,
}: {
  rows: readonly Filed[] | undefined;
  withStation?: boolean;
  more: (() => void) | null;
}) {
  return (
    <DataTable
      caption="Breaches of the protocol, newest first"
      columns={withStation ? columns : withoutStation}
      rows={rows}
      rowKey={(f) => String(f.id)}
      initialSort={{ key: 'at', dir: 'desc' }}
      empty={
        <EmptyState icon="check" title="No breaches">
          Nothing was said that the protocol does not allow.
        </EmptyState>
      }
      foot={
        more && (
          <button type="button" className="btn btn-sm" onClick={more}>
            Show more
          </button>
        )
      }
    />
  );
}
