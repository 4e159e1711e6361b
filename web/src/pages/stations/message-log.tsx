import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { messagesQuery } from '@/api/queries';
import type { StationMessage } from '@/api/types';
import { clock, instant } from '@/ui/format';
import { Icon } from '@/ui/icons';
import { Json } from '@/ui/json';
import { Segments } from '@/ui/segments';
import { EmptyState, ErrorState, SkeletonBlock } from '@/ui/states';
import { TraceTag } from '@/ui/trace-tag';

type Direction = 'all' | 'in' | 'out';

const refreshMs = 2_000;

function keyOf(m: StationMessage): string {
  return `${m.at} ${m.direction} ${m.kind} ${m.id ?? ''}`;
}

function Line({ message, open, onToggle }: { message: StationMessage; open: boolean; onToggle: () => void }) {
  const inward = message.direction === 'in';
  const bad = message.kind === 'error';
  return (
    <li>
      <button type="button" className="log-line" aria-expanded={open} onClick={onToggle}>
        <span className="num faint">{clock(instant(message.at))}</span>
        <Icon name={inward ? 'arrowIn' : 'arrowOut'} size={13} className={inward ? 'dir-in' : 'dir-out'} />
        <span className="truncate">
          <span className="visually-hidden">{inward ? 'From the station: ' : 'To the station: '}</span>
          <strong style={{ fontWeight: 560 }}>{message.action ?? 'Unknown action'}</strong>{' '}
          <span className="faint">{message.kind}</span>
        </span>
        {(bad || (message.outcome && message.kind !== 'call')) && (
          <span className="tag" data-tone={bad ? 'bad' : undefined}>
            {message.outcome ?? 'error'}
          </span>
        )}
      </button>
      {open && (
        <>
          <Json value={message.payload} label={`${message.action ?? 'Message'} payload`} />
          {message.trace && (
            <p className="sub log-trace">
              Trace <TraceTag trace={message.trace} />
            </p>
          )}
        </>
      )}
    </li>
  );
}

/** The newest OCPP frames of a station. Pausing keeps what is on screen; reading one pauses nothing else. */
export function MessageLog({ station }: { station: string }) {
  const [paused, setPaused] = useState(false);
  const [direction, setDirection] = useState<Direction>('all');
  const [open, setOpen] = useState<string | null>(null);
  const query = useQuery({ ...messagesQuery(station), refetchInterval: paused ? false : refreshMs });
  const items = useMemo(
    () => query.data?.items.filter((m) => direction === 'all' || m.direction === direction),
    [query.data, direction],
  );
  return (
    <section className="panel" aria-labelledby="log-title">
      <header className="panel-head">
        <h2 id="log-title">Messages</h2>
        <Link
          to="/stations/$stationId/$tab"
          params={{ stationId: station, tab: 'messages' }}
          className="link aside"
        >
          Search
        </Link>
        <Segments<Direction>
          label="Direction"
          value={direction}
          onChange={setDirection}
          options={[
            { value: 'all', label: 'All' },
            { value: 'in', label: 'From it' },
            { value: 'out', label: 'To it' },
          ]}
        />
        <button
          type="button"
          className="btn btn-ghost btn-icon"
          aria-pressed={paused}
          aria-label={paused ? 'Resume the message log' : 'Pause the message log'}
          title={paused ? 'Resume' : 'Pause'}
          onClick={() => setPaused(!paused)}
        >
          <Icon name={paused ? 'play' : 'pause'} />
        </button>
      </header>
      {query.isError && !query.data ? (
        <ErrorState error={query.error} retry={() => void query.refetch()} what="Messages" />
      ) : items === undefined ? (
        <SkeletonBlock />
      ) : items.length === 0 ? (
        <EmptyState title="No messages">Nothing was exchanged since the server last kept a log.</EmptyState>
      ) : (
        <ol className="log" aria-label="Messages, newest first" tabIndex={0}>
          {items.map((m) => {
            const key = keyOf(m);
            return (
              <Line
                key={key}
                message={m}
                open={open === key}
                onToggle={() => setOpen(open === key ? null : key)}
              />
            );
          })}
        </ol>
      )}
      {paused && <p className="chart-note">Paused. New messages are kept by the server.</p>}
    </section>
  );
}
