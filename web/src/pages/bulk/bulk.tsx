import { Link, useNavigate } from '@tanstack/react-router';
import { bulkListQuery, type BulkCommand } from '@/api/ocpp';
import { useList } from '@/api/use-list';
import { may } from '@/app/session';
import { useSession } from '@/app/use-session';
import { dateTime, instant } from '@/ui/format';
import { Icon } from '@/ui/icons';
import { EmptyState, ErrorState } from '@/ui/states';
import { DataTable, type Column } from '@/ui/table';
import { filterWords } from '../jobs/filter';
import { JobProgress } from '../jobs/progress';
import { commandName, isOpen, stationStates } from './logic';
import { JobState } from './tag';
import '../jobs/jobs.css';

const REFRESH_MS = 3_000;

const columns: readonly Column<BulkCommand>[] = [
  {
    key: 'at',
    label: 'When',
    sort: (job) => instant(job.requested_at),
    cell: (job) => (
      <Link to="/bulk/$bulkId" params={{ bulkId: job.id }} className="num" tabIndex={-1}>
        {dateTime(job.requested_at)}
      </Link>
    ),
  },
  {
    key: 'command',
    label: 'Command',
    sort: (job) => commandName(job.request),
    cell: (job) => <strong>{commandName(job.request)}</strong>,
  },
  {
    key: 'who',
    label: 'Stations',
    wide: true,
    cell: (job) => <span className="muted job-words">{filterWords(job.request?.filter)}</span>,
  },
  {
    key: 'progress',
    label: 'Progress',
    width: '16rem',
    sort: (job) => job.finished / Math.max(1, job.total),
    cell: (job) => <JobProgress job={job} states={stationStates} />,
  },
  {
    key: 'state',
    label: 'State',
    wide: true,
    sort: (job) => job.state,
    cell: (job) => <JobState state={job.state} />,
  },
  { key: 'by', label: 'By', wide: true, sort: (job) => job.requested_by, cell: (job) => job.requested_by },
];

/** What was told to many stations at once. */
export function BulkPage() {
  const navigate = useNavigate();
  const session = useSession();
  const { rows, error, retry, more, loadingMore } = useList(bulkListQuery, REFRESH_MS);
  const running = rows?.filter((job) => isOpen(job.state)).length ?? 0;
  const add = may(session?.role, 'operator') && (
    <Link to="/bulk/new" className="btn btn-primary">
      <Icon name="plus" /> New bulk command
    </Link>
  );
  return (
    <div className="page page-fill">
      <header className="page-head">
        <div className="titles">
          <h1>Bulk commands</h1>
          <p>One command to all stations of a filter, and what became of it at each.</p>
        </div>
        {running > 0 && <span className="tag">{running} running</span>}
        {add}
      </header>
      <section className="panel" aria-label="Bulk commands">
        {error ? (
          <ErrorState error={error} retry={retry} what="Bulk commands" />
        ) : (
          <DataTable
            caption="Bulk commands, with stations, progress and state"
            columns={columns}
            rows={rows}
            rowKey={(job) => job.id}
            initialSort={{ key: 'at', dir: 'desc' }}
            onOpen={(job) => void navigate({ to: '/bulk/$bulkId', params: { bulkId: job.id } })}
            empty={
              <EmptyState icon="bulk" title="Nothing was told to many stations yet">
                Choose stations by zone, make, firmware or version, write the command once, and see first whom
                it would reach.
              </EmptyState>
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
