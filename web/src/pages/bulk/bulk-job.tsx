import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { api, type Page } from '@/api/client';
import { bulkKey, bulkQuery, bulkStationsQuery, type BulkCommand, type BulkStation } from '@/api/ocpp';
import { PageHead } from '@/app/page-head';
import { may } from '@/app/session';
import { useSession } from '@/app/use-session';
import { count, dateTime, duration, instant, plural, sentence } from '@/ui/format';
import { Icon } from '@/ui/icons';
import { Json } from '@/ui/json';
import { toast } from '@/ui/toast';
import { filterWords } from '../jobs/filter';
import { JobMissing } from '../jobs/frames';
import { StationOutcomes } from '../jobs/outcomes';
import { JobProgress } from '../jobs/progress';
import { repeat } from './draft';
import { bulkKind, commandName, commandOf, commandWords, isOpen, repeatable, stationStates } from './logic';
import { JobState } from './tag';

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

/** One bulk command: how far it has come and what became of it at each station. */
export function BulkJobPage() {
  const { bulkId } = route.useParams();
  const { status } = route.useSearch();
  const navigate = useNavigate({ from: '/bulk/$bulkId' });
  const session = useSession();
  const query = useQuery({
    ...bulkQuery(bulkId),
    refetchInterval: (q) => (q.state.data && !isOpen(q.state.data.state) ? false : REFRESH_MS),
  });
  const job = query.data;
  if (!job) return <JobMissing kind={bulkKind} error={query.error} retry={() => void query.refetch()} />;
  const command = commandOf(job.request);
  const from = instant(job.requested_at);
  const to = instant(job.finished_at);
  return (
    <div className="page">
      <PageHead
        parent={{ to: bulkKind.to, label: bulkKind.many }}
        here={dateTime(job.requested_at)}
        title={commandName(job.request)}
        beside={
          <>
            <JobState state={job.state} />
            <span className="faint">
              {filterWords(job.request.filter)}, by {job.requested_by}
            </span>
          </>
        }
        actions={may(session?.role, 'operator') && <Actions job={job} />}
      />
      <section className="panel job-summary" aria-label="Progress">
        <div role="status">
          <JobProgress job={job} states={stationStates} />
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
      <StationOutcomes<BulkStation>
        job={job}
        states={stationStates}
        status={status}
        onStatus={(state) => void navigate({ search: (s) => ({ ...s, status: state }), replace: true })}
        list={(state) => bulkStationsQuery(job.id, state)}
        refreshMs={isOpen(job.state) ? STATIONS_MS : false}
        caption="What became of it at each station"
      />
    </div>
  );
}
