import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useMemo } from 'react';
import { api, type Page } from '@/api/client';
import type { AuditEntry } from '@/api/types';
import { Camel } from '@/ui/camel';
import { FilterField } from '@/ui/filter-field';
import { clock, dateTime, instant, plural } from '@/ui/format';
import { EmptyState, ErrorState } from '@/ui/states';
import { DataTable, type Column } from '@/ui/table';

const route = getRouteApi('/shell/audit');
const PAGE = 200;

/** What was acted on, with a way to it where it has a page. */
function Subject({ entry: { action, subject } }: { entry: AuditEntry }) {
  const of = action.slice(0, action.indexOf('.'));
  if (of === 'station' || of === 'command') {
    return (
      <Link to="/stations/$stationId" params={{ stationId: subject }}>
        {subject}
      </Link>
    );
  }
  if (of === 'tariff' && action !== 'tariff.assign') {
    return (
      <Link to="/tariffs/$tariffId" params={{ tariffId: subject }}>
        {subject}
      </Link>
    );
  }
  return <>{subject}</>;
}

const columns: readonly Column<AuditEntry>[] = [
  {
    key: 'at',
    label: 'When',
    sort: (e) => instant(e.at),
    cell: (e) => (
      <>
        <span className="num nowrap">{dateTime(e.at)}</span>
        <span className="sub num wide">{clock(instant(e.at)).slice(-3)}</span>
      </>
    ),
  },
  { key: 'by', label: 'By', sort: (e) => e.by, cell: (e) => <strong>{e.by}</strong> },
  {
    key: 'action',
    label: 'What',
    sort: (e) => e.action,
    cell: (e) => (
      <>
        <code>
          <Camel text={e.action} />
        </code>
        <span className="sub narrow-sub">
          <Subject entry={e} />
        </span>
      </>
    ),
  },
  {
    key: 'subject',
    label: 'On',
    wide: true,
    sort: (e) => e.subject,
    cell: (e) => <Subject entry={e} />,
  },
  {
    key: 'detail',
    label: 'More',
    wide: true,
    cell: (e) => <span className="muted wraps">{e.detail}</span>,
  },
];

/** Who did what: every change that a person, a program or a part of the system made. */
export function AuditPage() {
  const search = route.useSearch();
  const navigate = useNavigate({ from: '/audit' });
  const query = useInfiniteQuery({
    queryKey: ['audit'] as const,
    queryFn: ({ signal, pageParam }) =>
      api.get<Page<AuditEntry>>('/audit', { signal, params: { limit: PAGE, cursor: pageParam } }),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next,
    refetchInterval: (q) => ((q.state.data?.pages.length ?? 0) <= 1 ? 10_000 : false),
  });
  const q = (search.q ?? '').trim().toLowerCase();
  const read = useMemo(() => query.data?.pages.flatMap((page) => page.items), [query.data]);
  const rows = useMemo(
    () => read?.filter((e) => [e.by, e.action, e.subject, e.detail].some((v) => v.toLowerCase().includes(q))),
    [read, q],
  );
  const older = query.hasNextPage && (
    <button
      type="button"
      className="btn btn-sm"
      disabled={query.isFetchingNextPage}
      onClick={() => void query.fetchNextPage()}
    >
      Load older
    </button>
  );
  return (
    <div className="page page-fill">
      <header className="page-head">
        <div className="titles">
          <h1>Audit</h1>
          <p>Who did what, and when. Nothing here can be changed or removed.</p>
        </div>
      </header>
      <div className="toolbar">
        <FilterField
          label="Filter the audit"
          placeholder="Filter by person, action, station…"
          value={search.q}
          onChange={(text) => void navigate({ search: (s) => ({ ...s, q: text }), replace: true })}
        />
        {rows && read && (
          <span className="tally">
            {q === '' ? '' : `${rows.length} of `}
            {query.hasNextPage ? `the newest ${read.length}` : plural(read.length, 'entry')}
          </span>
        )}
      </div>
      <section className="panel" aria-label="Audit">
        {query.error && !read ? (
          <ErrorState error={query.error} retry={() => void query.refetch()} what="The audit" />
        ) : (
          <DataTable
            caption="Who did what, newest first"
            columns={columns}
            rows={rows}
            rowKey={(e) => String(e.id)}
            initialSort={{ key: 'at', dir: 'desc' }}
            max={5_000}
            empty={
              q === '' ? (
                <EmptyState title="Nobody has changed anything yet" />
              ) : (
                <EmptyState icon="filter" title="No entry matches" action={older}>
                  {older ? 'Older entries are not read yet.' : 'Change the filter to see others.'}
                </EmptyState>
              )
            }
            foot={older}
          />
        )}
      </section>
    </div>
  );
}
