import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { api, type Page } from '@/api/client';
import { bulkKey, bulkQuery, bulkStationsQuery, type BulkCommand, type BulkStation } from '@/api/ocpp';
import { useList } from '@/api/use-list';
import { may } from '@/app/session';
import { useSession } from '@/app/use-session';
import { clock, count, dateTime, duration, instant, plural, sentence } from '@/ui/format';
import { Icon } from '@/ui/icons';
import { Json } from '@/ui/json';
import { Segments } from '@/ui/segments';
import { EmptyState, ErrorState, SkeletonBlock } from '@/ui/states';
import { DataTable, type Column } from '@/ui/table';
import { toast } from '@/ui/toast';
import { CommandShown } from './command-shown';
import { repeat } from './draft';
import {
  commandName,
  commandOf,
  commandWords,
  filterWords,
  isOpen,
  repeatable,
  stateOf,
  stationStates,
} from './logic';
import { JobProgress, JobState, StationTag } from './progress';
import './bulk.css';

const route = getRouteApi('/shell/bulk/$bulkId');

const REFRESH_MS = 1_500;
const STATIONS_MS = 3_000;
/** Pages that are read to gather the stations that may be asked again. */
const PAGE = 500;

/** All stations of a job that are in one of `states`. */
async function stationsIn(id: string, states: readonly string[]): Promise<string[]> {
  const out: string[] = [];
  for (const state of states) {
    let cursor: string | null = null;
    do {
      const page: Page<BulkStation> = await api.get<Page<BulkStation>>(
        `/bulk-commands/${encodeURIComponent(id)}/stations`,
        { params: { state, limit: PAGE, cursor } },
      );
      out.push(...page.items.map((row) => row.station));
      cursor = page.next;
    } while (cursor !== null);
  }
  return out;
}

function Actions({ job }: { job: BulkCommand }) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const cancel = useMutation({
    mutationFn: () => api.post<BulkCommand>(`/bulk-commands/${encodeURIComponent(job.id)}/cancel`),
    onError: (error) => toast('It was not stopped', { tone: 'bad', detail: error.message }),
    onSettled: () => client.invalidateQueries({ queryKey: bulkKey }),
  });
  const again = useMutation({
    mutationFn: (states: readonly string[] | null) =>
      states ? stationsIn(job.id, states) : Promise.resolve(null),
    onSuccess: (stations) => {
      repeat(job.request, stations);
      void navigate({ to: '/bulk/new' });
    },
    onError: (error) => toast('The stations could not be read', { tone: 'bad', detail: error.message }),
  });
  const left = repeatable.reduce((n, state) => n + (job.by_state[state] ?? 0), 0);
  if (isOpen(job.state)) {
    return (
      <button
        type="button"
        className="btn btn-danger"
        disabled={job.state === 'cancelling' || cancel.isPending}
        onClick={() => cancel.mutate()}
      >
        <Icon name="stop" size={13} /> {job.state === 'cancelling' ? 'Stopping…' : 'Stop'}
      </button>
    );
  }
  return (
    <>
      {left > 0 && (
        <button
          type="button"
          className="btn"
          disabled={again.isPending}
          onClick={() => again.mutate(repeatable)}
        >
          <Icon name="refresh" size={14} /> Repeat for {plural(left, 'station')} that did not take it
        </button>
      )}
      <button type="button" className="btn" disabled={again.isPending} onClick={() => again.mutate(null)}>
        <Icon name="copy" size={14} /> Use again
      </button>
    </>
  );
}

const columns: readonly Column<BulkStation>[] = [
  {
    key: 'station',
    label: 'Station',
    sort: (row) => row.station,
    cell: (row) => (
      <Link to="/stations/$stationId" params={{ stationId: row.station }} tabIndex={-1}>
        {row.station}
      </Link>
    ),
  },
  {
    key: 'state',
    label: 'Outcome',
    sort: (row) => stationStates.findIndex((s) => s.id === row.state),
    cell: (row) => <StationTag state={stateOf(row.state)} />,
  },
  {
    key: 'detail',
    label: 'Why',
    wide: true,
    cell: (row) => <span className="muted bulk-words">{row.detail ? sentence(row.detail) : ''}</span>,
  },
  {
    key: 'at',
    label: 'At',
    align: 'right',
    wide: true,
    sort: (row) => instant(row.changed_at),
    cell: (row) => clock(instant(row.changed_at)),
  },
];

function StationOutcomes({ job }: { job: BulkCommand }) {
  const { status } = route.useSearch();
  const navigate = useNavigate({ from: '/bulk/$bulkId' });
  const state = stationStates.find((s) => s.id === status)?.id;
  const open = isOpen(job.state);
  const list = useList(bulkStationsQuery(job.id, state), open ? STATIONS_MS : false);
  const [shown, setShown] = useState<BulkStation | null>(null);
  const options = useMemo(
    () => [
      { value: 'all', label: 'All', count: job.total },
      ...stationStates
        .filter((s) => (job.by_state[s.id] ?? 0) > 0 || s.id === state)
        .map((s) => ({ value: s.id, label: s.word, count: job.by_state[s.id] ?? 0 })),
    ],
    [job, state],
  );
  return (
    <>
      <div className="segments-scroll">
        <Segments
          label="Outcome"
          value={state ?? 'all'}
          options={options}
          onChange={(value) =>
            void navigate({
              search: (s) => ({ ...s, status: value === 'all' ? undefined : value }),
              replace: true,
            })
          }
        />
      </div>
      <section className="panel" aria-label="Outcome by station">
        {list.error ? (
          <ErrorState error={list.error} retry={list.retry} what="Stations" />
        ) : (
          <DataTable
            caption="What became of it at each station"
            columns={columns}
            rows={list.rows}
            rowKey={(row) => row.station}
            initialSort={{ key: 'station', dir: 'asc' }}
            onOpen={(row) =>
              row.command
                ? setShown(row)
                : void navigate({ to: '/stations/$stationId', params: { stationId: row.station } })
            }
            empty={<EmptyState icon="filter" title="No station with this outcome" />}
            max={1_000}
            foot={
              list.more && (
                <button type="button" className="btn btn-sm" onClick={list.more} disabled={list.loadingMore}>
                  Load more
                </button>
              )
            }
          />
        )}
      </section>
      {shown?.command && (
        <CommandShown station={shown.station} command={shown.command} onClose={() => setShown(null)} />
      )}
    </>
  );
}

/** One bulk command: how far it has come and what became of it at each station. */
export function BulkJobPage() {
  const { bulkId } = route.useParams();
  const session = useSession();
  const query = useQuery({
    ...bulkQuery(bulkId),
    refetchInterval: (q) => (q.state.data && !isOpen(q.state.data.state) ? false : REFRESH_MS),
  });
  const job = query.data;
  if (!job) {
    return (
      <div className="page">
        <h1 className="visually-hidden">Bulk command</h1>
        {query.error ? (
          <ErrorState error={query.error} retry={() => void query.refetch()} what="Bulk command" />
        ) : (
          <SkeletonBlock lines={8} />
        )}
      </div>
    );
  }
  const command = commandOf(job.request);
  const from = instant(job.requested_at);
  const to = instant(job.finished_at);
  return (
    <div className="page">
      <header className="page-head">
        <div className="titles">
          <nav className="crumb" aria-label="Breadcrumb">
            <Link to="/bulk">Bulk commands</Link>
            <Icon name="chevronRight" size={10} />
            <span aria-current="page">{dateTime(job.requested_at)}</span>
          </nav>
          <div className="title-line">
            <h1>{commandName(job.request)}</h1>
            <JobState state={job.state} />
            <span className="faint">
              {filterWords(job.request.filter)}, by {job.requested_by}
            </span>
          </div>
        </div>
        {may(session?.role, 'operator') && (
          <div className="page-actions">
            <Actions job={job} />
          </div>
        )}
      </header>
      <section className="panel bulk-summary" aria-label="Progress">
        <div role="status">
          <JobProgress job={job} />
        </div>
        {job.reason && (
          <div className="outcome" data-tone="bad">
            {sentence(job.reason)}
          </div>
        )}
        <dl className="facts">
          <div>
            <dt>Stations</dt>
            <dd>{count(job.total)}</dd>
          </div>
          <div>
            <dt>Accepted</dt>
            <dd>{count(job.by_state.accepted ?? 0)}</dd>
          </div>
          <div>
            <dt>Begun</dt>
            <dd>{dateTime(job.requested_at)}</dd>
          </div>
          <div>
            <dt>{to === null ? 'At once' : 'Took'}</dt>
            <dd>
              {from !== null && to !== null
                ? duration((to - from) / 1_000)
                : plural(job.request.concurrency ?? 16, 'station')}
            </dd>
          </div>
        </dl>
        <details>
          <summary>
            What they are told: <span className="muted">{commandWords(job.request)}</span>
          </summary>
          <Json value={command} label="The command" />
        </details>
      </section>
      <StationOutcomes job={job} />
    </div>
  );
}
