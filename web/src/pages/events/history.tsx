import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { logQuery, putHistory, type EventLog } from '@/api/events';
import { bytes, count, duration, sentence } from '@/ui/format';
import { ErrorState, SkeletonBlock } from '@/ui/states';
import { toast } from '@/ui/toast';

/** Tables change every ten seconds at most. */
const REFRESH_MS = 5_000;

const tables: Readonly<Record<string, string>> = {
  property_updates: 'Values of twins and relationships as they changed',
  twin_events: 'Twins that came and went',
  relationship_events: 'Relationships that came and went',
};

function Tables({ log }: { log: EventLog }) {
  const sizes = new Map(log.history_tables.map((table) => [table.name, table.bytes]));
  return (
    <dl className="facts history-facts">
      {Object.entries(tables).map(([name, what]) => (
        <div key={name}>
          <dt>{what}</dt>
          <dd>
            <code className="mono event-where">
              {log.history_folder}/{name}
            </code>
            <span className="sub num">
              {' '}
              {sizes.has(name) ? bytes(sizes.get(name)) : 'nothing written yet'}
            </span>
          </dd>
        </div>
      ))}
      <div>
        <dt>Event log that they are written from</dt>
        <dd className="num">
          {count(Math.max(0, log.head - log.first + 1))} events, kept for {duration(log.keep_s)}
        </dd>
      </div>
    </dl>
  );
}

/** Data history: whether changes become tables on the server's disk, where these are, and how large. */
export function HistoryPanel({ allowed }: { allowed: boolean }) {
  const client = useQueryClient();
  const query = useQuery({ ...logQuery, refetchInterval: REFRESH_MS });
  const log = query.data ?? null;
  const on = log?.history ?? false;
  const put = useMutation({
    mutationFn: (history: boolean) => putHistory(log, history),
    onSuccess: (log) => {
      client.setQueryData(logQuery.queryKey, log);
      toast(log.history ? 'Data history is written' : 'Data history is written no more', { tone: 'good' });
    },
    onError: (error) =>
      toast('Data history stays as it was', { tone: 'bad', detail: sentence(error.message) }),
  });
  return (
    <section className="panel" aria-labelledby="event-history">
      <header className="panel-head">
        <h2 id="event-history">Data history</h2>
        <span className="aside">Changes as Delta tables, for Spark, Fabric, DuckDB</span>
        {query.data !== undefined && (
          <button
            type="button"
            role="switch"
            className="switch"
            aria-checked={on}
            aria-labelledby="event-history"
            disabled={!allowed || put.isPending}
            onClick={() => put.mutate(!on)}
          >
            <span className="switch-track" aria-hidden>
              <span />
            </span>
            {on ? 'On' : 'Off'}
          </button>
        )}
      </header>
      {query.error && query.data === undefined ? (
        <ErrorState error={query.error} retry={() => void query.refetch()} what="Data history" />
      ) : query.data === undefined ? (
        <SkeletonBlock lines={3} />
      ) : (
        <div className="panel-body stack">
          {log && (on || log.history_tables.length > 0) ? (
            <Tables log={log} />
          ) : (
            <p className="muted">
              {allowed
                ? 'Nothing is written. Turned on, every change from then on is a row of a table in the data folder of the server, for 400 days.'
                : 'Nothing is written. An admin can turn it on.'}
            </p>
          )}
          {log && !on && log.history_tables.length > 0 && (
            <p className="muted">
              Nothing is added to them now. Turned on again, they go on where they stopped, as far as the log
              reaches back.
            </p>
          )}
        </div>
      )}
    </section>
  );
}
