import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useMemo } from 'react';
import { transactionsQuery } from '@/api/queries';
import { useList } from '@/api/use-list';
import { formatSort, parseSort } from '@/app/url-state';
import { Icon } from '@/ui/icons';
import { Segments } from '@/ui/segments';
import { ErrorState } from '@/ui/states';
import { TransactionTable } from './transaction-table';

const route = getRouteApi('/shell/transactions');

const states = [
  { value: 'all', label: 'All' },
  { value: 'active', label: 'Running' },
  { value: 'ended', label: 'Ended' },
] as const;
type State = (typeof states)[number]['value'];

export function TransactionsPage() {
  const search = route.useSearch();
  const navigate = useNavigate({ from: '/transactions' });
  const state: State = states.find((s) => s.value === search.status)?.value ?? 'all';
  const { rows, error, retry, more, loadingMore } = useList(
    transactionsQuery(state === 'all' ? {} : { state }),
  );
  const q = search.q ?? '';
  const shown = useMemo(() => {
    const text = q.trim().toLowerCase();
    if (!text) return rows;
    return rows?.filter((t) =>
      [String(t.number), t.transaction_id, t.station, t.id_token, t.stopped_reason].some((v) =>
        v?.toLowerCase().includes(text),
      ),
    );
  }, [rows, q]);
  return (
    <div className="page page-fill">
      <header className="page-head">
        <div className="titles">
          <h1>Transactions</h1>
        </div>
      </header>
      <div className="toolbar">
        <label className="search-field">
          <span className="visually-hidden">Filter transactions</span>
          <Icon name="filter" size={14} />
          <input
            className="input"
            type="search"
            placeholder="Filter by number, station, token…"
            value={q}
            onChange={(e) =>
              void navigate({ search: (s) => ({ ...s, q: e.target.value || undefined }), replace: true })
            }
          />
        </label>
        <Segments<State>
          label="State"
          value={state}
          options={states}
          onChange={(value) =>
            void navigate({
              search: (s) => ({ ...s, status: value === 'all' ? undefined : value }),
              replace: true,
            })
          }
        />
        <span className="spacer" />
        {shown && <span className="tally">{shown.length} shown</span>}
      </div>
      <section className="panel" aria-label="Transactions">
        {error ? (
          <ErrorState error={error} retry={retry} what="Transactions" />
        ) : (
          <TransactionTable
            rows={shown}
            sort={parseSort(search.sort) ?? { key: 'number', dir: 'desc' }}
            onSort={(sort) =>
              void navigate({ search: (s) => ({ ...s, sort: formatSort(sort) }), replace: true })
            }
            foot={
              more && (
                <button type="button" className="btn btn-sm" onClick={more} disabled={loadingMore}>
                  Load more
                </button>
              )
            }
          />
        )}
      </section>
    </div>
  );
}
