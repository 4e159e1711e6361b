import { useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { violationsQuery, type MessageFilter } from '@/api/ocpp';
import type { StationMessage } from '@/api/types';
import type { MessageSearch } from '@/app/url-state';
import { count } from '@/ui/format';
import { Icon } from '@/ui/icons';
import { EmptyState, ErrorState, SkeletonBlock } from '@/ui/states';
import { useMedia } from '@/ui/use-media';
import { MessageFilters } from './filters';
import { pairs, violationsByMessage } from './frames';
import { MessageDetail } from './message-detail';
import { MessageList } from './message-list';
import { useMessageTail } from './use-tail';
import './messages.css';

const BESIDE = '(min-width: 1180px)';

function filterOf(search: MessageSearch, station: string | undefined): MessageFilter {
  return {
    station: station ?? search.station,
    action: search.action,
    kind: search.kind,
    direction: search.dir,
    outcome: search.outcome,
    text: search.q,
    id: search.id,
    from: search.from,
    to: search.to,
  };
}

/** The message log under its filters: of all stations, or of one. The address holds the filters and what is open. */
export function MessageView({
  station,
  search,
  onSearch,
}: {
  station?: string;
  search: MessageSearch;
  onSearch: (change: Partial<MessageSearch>) => void;
}) {
  const [paused, setPaused] = useState(false);
  const beside = useMedia(BESIDE);
  const filter = useMemo(() => filterOf(search, station), [search, station]);
  const { tail, error, retry, waiting, older, loadingOlder, olderError } = useMessageTail(filter, paused);
  const filed = useQuery(violationsQuery(filter.station));
  const marks = useMemo(() => violationsByMessage(filed.data?.items ?? []), [filed.data]);
  const paired = useMemo(() => pairs(tail?.rows ?? []), [tail]);
  const [kept, setKept] = useState<StationMessage | null>(null);
  const number = search.open ?? null;
  // An open message stays open when newer ones have pushed it off the page.
  const open =
    number === null
      ? null
      : (tail?.rows.find((m) => m.number === number) ?? (kept?.number === number ? kept : null));
  const show = (message: StationMessage) => {
    const same = message.number === number;
    setKept(same ? null : message);
    onSearch({ open: same ? undefined : message.number });
  };
  const detail = open && (
    <MessageDetail
      key={open.number}
      message={open}
      marks={marks}
      fixedStation={station !== undefined}
      onSearch={onSearch}
      onClose={() => onSearch({ open: undefined })}
    />
  );
  const filtered = Object.entries(filter).some(([key, value]) => value && !(key === 'station' && station));
  return (
    <>
      <MessageFilters search={search} fixedStation={station !== undefined} onChange={onSearch} />
      <div
        className="msg"
        data-beside={beside && open !== null}
        onKeyDown={(event) => {
          if (event.key === 'Escape' && open) onSearch({ open: undefined });
        }}
      >
        <section className="panel msg-panel" aria-label="Messages">
          <header className="msg-bar">
            <button
              type="button"
              className="btn btn-sm"
              aria-pressed={paused}
              onClick={() => setPaused(!paused)}
            >
              <Icon name={paused ? 'play' : 'pause'} size={13} /> {paused ? 'Go on' : 'Pause'}
            </button>
            <span className="msg-live" data-paused={paused} role="status">
              {paused ? 'Paused' : 'Live'}
            </span>
            {waiting && waiting.n > 0 && (
              <span className="num faint">
                {waiting.more && 'more than '}
                {waiting.n} new
              </span>
            )}
            <span className="spacer" />
            {tail && <span className="tally">{count(tail.rows.length)} read</span>}
          </header>
          {error ? (
            <ErrorState error={error} retry={retry} what="Messages" />
          ) : !tail ? (
            <SkeletonBlock lines={10} />
          ) : tail.rows.length === 0 ? (
            <EmptyState
              icon={filtered ? 'filter' : 'inbox'}
              title={filtered ? 'No message matches' : 'No messages yet'}
            >
              {older
                ? 'Not in the newest 50,000. Older ones have not been looked at.'
                : filtered
                  ? 'Change the filters to see others.'
                  : 'What stations and this server say to each other appears here.'}
            </EmptyState>
          ) : (
            <MessageList
              rows={tail.rows}
              pairs={paired}
              marks={marks}
              open={number}
              withStation={station === undefined}
              onOpen={show}
              detail={beside ? null : detail}
            />
          )}
          {olderError !== null && (
            <p className="problem msg-older" role="alert">
              Older messages could not be read.
            </p>
          )}
          {older && (
            <div className="msg-older">
              <button type="button" className="btn btn-sm" onClick={older} disabled={loadingOlder}>
                {loadingOlder ? 'Reading…' : tail?.rows.length ? 'Older messages' : 'Search further back'}
              </button>
            </div>
          )}
        </section>
        {beside && detail && <aside className="panel msg-side">{detail}</aside>}
      </div>
    </>
  );
}
