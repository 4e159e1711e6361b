import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { url } from '@/api/client';
import { receiptQuery, type Receipt } from '@/api/tariffs';
import { dateTime } from '@/ui/format';
import { Icon } from '@/ui/icons';
import { EmptyState, ErrorState, SkeletonBlock } from '@/ui/states';
import { CostTable } from './cost-table';
import { amount } from './money';
import './tariffs.css';

const reasonWord: Readonly<Record<string, string>> = {
  ended: 'first issue',
  events: 'corrected: more was received',
  tariff: 'corrected: another tariff',
};

/** What else there is to know of it: other tariffs, the station's own cost, quarantine. */
function Remarks({ receipt }: { receipt: Receipt }) {
  const { tariff_changes: changes, unchanged, station_cost: told, cost } = receipt;
  const said = told?.gross ?? told?.net;
  return (
    <>
      {changes.map((change, i) => (
        <p key={i} className="sub receipt-note">
          From {dateTime(change.from)} by{' '}
          <Link to="/tariffs/$tariffId" params={{ tariffId: change.tariff }} className="link">
            {change.tariff_name}
          </Link>
          , version {change.tariff_version}.
        </p>
      ))}
      {unchanged && (
        <p className="sub receipt-note">
          Without another tariff it would be {amount(unchanged.gross, cost.currency)}; the difference is{' '}
          {amount(unchanged.difference, cost.currency)}.
        </p>
      )}
      {told?.agrees === false && said && (
        <p className="sub receipt-note">The station works out {amount(said, told.currency ?? '')} instead.</p>
      )}
      {receipt.quarantined && <p className="sub receipt-note">A station in quarantine told some of it.</p>}
    </>
  );
}

/** What a transaction costs: so far, or its receipt. */
export function ReceiptPanel({ number, running }: { number: number; running: boolean }) {
  const { data, error, refetch, isPending } = useQuery(receiptQuery(number, running));
  return (
    <section className="panel" aria-labelledby="receipt">
      <header className="panel-head">
        <h2 id="receipt">{data && !data.final ? 'Cost so far' : 'Receipt'}</h2>
        {data && (
          <a
            className="btn btn-sm aside"
            href={url(`/transactions/${number}/receipt`, { format: 'html' })}
            target="_blank"
            rel="noreferrer"
          >
            <Icon name="arrowOut" size={13} /> Print
          </a>
        )}
      </header>
      {error && !data ? (
        <ErrorState error={error} retry={() => void refetch()} what="The receipt" />
      ) : isPending ? (
        <SkeletonBlock lines={4} />
      ) : data === null || data === undefined ? (
        <EmptyState icon="tariffs" title="No tariff applies">
          <Link to="/tariffs" className="link">
            Assign one
          </Link>{' '}
          to price transactions that start from then on.
        </EmptyState>
      ) : (
        <>
          <CostTable cost={data.cost} caption={`Cost of transaction ${number}`} />
          <p className="sub receipt-note">
            By{' '}
            <Link to="/tariffs/$tariffId" params={{ tariffId: data.tariff }} className="link">
              {data.tariff_name}
            </Link>
            , version {data.tariff_version}, times of {data.time_zone}
            {data.final
              ? `. Revision ${data.revision ?? 1} of ${dateTime(data.created_at)}, ${reasonWord[data.reason ?? ''] ?? data.reason ?? ''}.`
              : '. Final when the transaction has ended.'}
          </p>
          <Remarks receipt={data} />
        </>
      )}
    </section>
  );
}
