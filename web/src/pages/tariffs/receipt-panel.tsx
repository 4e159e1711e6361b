import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { url } from '@/api/client';
import { receiptQuery } from '@/api/tariffs';
import { dateTime } from '@/ui/format';
import { Icon } from '@/ui/icons';
import { EmptyState, ErrorState, SkeletonBlock } from '@/ui/states';
import { CostTable } from './cost-table';
import './tariffs.css';

const reasonWord: Readonly<Record<string, string>> = {
  ended: 'first issue',
  events: 'corrected: more was received',
  tariff: 'corrected: another tariff',
};

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
        </>
      )}
    </section>
  );
}
