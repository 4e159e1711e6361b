import { useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useMemo, useRef, useState, type ReactNode } from 'react';
import { knownKey } from '@/api/knowledge';
import { stationsQuery } from '@/api/queries';
import { localListQuery, setLocalList, type ListWish, type LocalList } from '@/api/tokens';
import type { Station } from '@/api/types';
import { useList } from '@/api/use-list';
import { StationName } from '@/app/names';
import { may } from '@/app/session';
import { PageHead } from '@/app/page-head';
import { useSession } from '@/app/use-session';
import { count, plural, sentence } from '@/ui/format';
import { Icon } from '@/ui/icons';
import { Meter } from '@/ui/quantity';
import { EmptyState, ErrorState, Skeleton } from '@/ui/states';
import { DataTable, type Column } from '@/ui/table';
import { toast } from '@/ui/toast';
import { ListTag, useSync, WishDialog } from './local-list';
import { wishWords } from './logic';
import './tokens.css';

const route = getRouteApi('/shell/id-tokens/lists');

/** Stations at once: each is asked about by a call of its own. */
const SHOWN = 25;
/** Stations that are set at the same time. */
const AT_ONCE = 4;

/** What is known of one station's list, in a cell of its row; the cells share one answer. */
function Of({ station, show }: { station: Station; show: (list: LocalList) => ReactNode }) {
  const { data, error } = useQuery(localListQuery(station.id));
  if (data) return <>{show(data)}</>;
  return error ? (
    <span className="faint" title={error.message}>
      unknown
    </span>
  ) : (
    <Skeleton width="8ch" />
  );
}

function SyncButton({ station, list }: { station: Station; list: LocalList }) {
  const sync = useSync(station.id);
  if (list.wanted.mode === 'off' && list.pending === 0) return null;
  return (
    <button
      type="button"
      className="btn btn-sm"
      disabled={!station.online && !sync.isPending}
      aria-label={sync.isPending ? `Stop waiting for ${station.id}` : `Update the list of ${station.id}`}
      onClick={() => (sync.isPending ? sync.stop() : sync.mutate())}
    >
      <Icon name={sync.isPending ? 'stop' : 'refresh'} size={13} /> {sync.isPending ? 'Stop' : 'Update'}
    </button>
  );
}

function columnsFor(allowed: boolean): readonly Column<Station>[] {
  return [
    {
      key: 'station',
      label: 'Station',
      sort: (s) => s.id,
      cell: (s) => (
        <>
          <Link to="/stations/$stationId/$tab" params={{ stationId: s.id, tab: 'charging' }} tabIndex={-1}>
            {s.id}
          </Link>{' '}
          <StationName id={s.id} />
        </>
      ),
    },
    {
      key: 'state',
      label: 'List',
      cell: (s) => <Of station={s} show={(l) => <ListTag state={l.state} busy={l.under_way} />} />,
    },
    {
      key: 'wanted',
      label: 'Is to hold',
      wide: true,
      cell: (s) => <Of station={s} show={(l) => <span className="muted">{wishWords(l.wanted)}</span>} />,
    },
    {
      key: 'entries',
      label: 'Holds',
      align: 'right',
      wide: true,
      cell: (s) => <Of station={s} show={(l) => count(l.entries)} />,
    },
    {
      key: 'version',
      label: 'Version',
      align: 'right',
      wide: true,
      cell: (s) => <Of station={s} show={(l) => (l.version > 0 ? count(l.version) : '–')} />,
    },
    {
      key: 'pending',
      label: 'To send',
      align: 'right',
      wide: true,
      cell: (s) => (
        <Of
          station={s}
          show={(l) => (
            <>
              {count(l.pending)}
              {l.left_out > 0 && <span className="sub"> {count(l.left_out)} do not fit</span>}
            </>
          )}
        />
      ),
    },
    {
      key: 'act',
      label: 'Action',
      align: 'right',
      cell: (s) => allowed && <Of station={s} show={(l) => <SyncButton station={s} list={l} />} />,
    },
  ];
}

interface Setting {
  done: number;
  of: number;
  failed: string[];
}

/** Tells many stations what to hold, a few at a time; it can be stopped, and says who was not told. */
function useSetMany() {
  const client = useQueryClient();
  const stop = useRef(false);
  const [setting, setSetting] = useState<Setting | null>(null);
  const run = async (stations: readonly Station[], wish: ListWish) => {
    stop.current = false;
    const state: Setting = { done: 0, of: stations.length, failed: [] };
    setSetting({ ...state });
    const left = [...stations];
    let why = '';
    const worker = async () => {
      for (let s = left.shift(); s && !stop.current; s = left.shift()) {
        try {
          client.setQueryData(localListQuery(s.id).queryKey, await setLocalList(s.id, wish));
        } catch (error) {
          state.failed.push(s.id);
          why = error instanceof Error ? error.message : String(error);
        }
        state.done += 1;
        setSetting({ ...state });
        void client.invalidateQueries({ queryKey: knownKey(s.id) });
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    setSetting(null);
    const good = state.done - state.failed.length;
    if (state.failed.length > 0)
      toast(`${plural(state.failed.length, 'station')} not set`, {
        tone: 'bad',
        detail: `${state.failed.slice(0, 5).join(', ')}: ${sentence(why)}`,
      });
    else
      toast(`${plural(good, 'station')} set`, {
        tone: stop.current ? 'warn' : 'good',
        detail: stop.current
          ? `Stopped; ${plural(state.of - state.done, 'station')} left as before.`
          : 'Each is told when it is connected.',
      });
  };
  return {
    setting,
    run,
    stop: () => {
      stop.current = true;
    },
  };
}

/** The local authorisation lists of all stations: what each is to hold, and what it holds. */
export function LocalListsPage() {
  const search = route.useSearch();
  const navigate = useNavigate({ from: '/id-tokens/lists' });
  const session = useSession();
  const allowed = may(session?.role, 'operator');
  const { rows, error, retry } = useList(stationsQuery, 30_000);
  const [pages, setPages] = useState(1);
  const [wishing, setWishing] = useState(false);
  const many = useSetMany();
  const q = (search.q ?? '').trim().toLowerCase();
  const matching = rows
    ?.filter((s) => q === '' || [s.id, s.name, s.vendor, s.model].some((v) => v?.toLowerCase().includes(q)))
    .sort((a, b) => a.id.localeCompare(b.id, 'en', { numeric: true }));
  const columns = useMemo(() => columnsFor(allowed), [allowed]);
  return (
    <div className="page page-fill">
      <PageHead
        parent={{ to: '/id-tokens', label: 'Id tokens' }}
        here="Local lists"
        title="Local authorisation lists"
        actions={
          allowed &&
          matching &&
          matching.length > 0 &&
          !many.setting && (
            <button type="button" className="btn" onClick={() => setWishing(true)}>
              <Icon name="edit" size={14} /> Set for {plural(matching.length, 'station')}…
            </button>
          )
        }
      >
        <p>Which tokens each station lets charge by itself while it cannot reach us.</p>
      </PageHead>
      <div className="toolbar">
        <label className="search-field">
          <span className="visually-hidden">Filter stations</span>
          <Icon name="filter" size={14} />
          <input
            className="input"
            type="search"
            placeholder="Filter by id, name, model…"
            value={search.q ?? ''}
            onChange={(e) => {
              setPages(1);
              void navigate({ search: (s) => ({ ...s, q: e.target.value || undefined }), replace: true });
            }}
          />
        </label>
        {many.setting && (
          <div className="token-setting" role="status">
            <span className="num">
              {count(many.setting.done)} of {count(many.setting.of)} set
            </span>
            <Meter
              share={many.setting.done / Math.max(1, many.setting.of)}
              color="var(--accent-default)"
              label="Stations set"
            />
            <button type="button" className="btn btn-sm" onClick={many.stop}>
              Stop
            </button>
          </div>
        )}
      </div>
      <section className="panel" aria-label="Local lists">
        {error ? (
          <ErrorState error={error} retry={retry} what="Stations" />
        ) : (
          <DataTable
            caption="Local authorisation lists by station"
            columns={columns}
            rows={matching?.slice(0, pages * SHOWN)}
            rowKey={(s) => s.id}
            initialSort={{ key: 'station', dir: 'asc' }}
            onOpen={(s) =>
              void navigate({ to: '/stations/$stationId/$tab', params: { stationId: s.id, tab: 'charging' } })
            }
            empty={
              <EmptyState icon="stations" title={q ? 'No station matches' : 'No stations yet'}>
                {q ? 'Change the filter to see others.' : 'Lists appear as stations are added.'}
              </EmptyState>
            }
            foot={
              matching &&
              matching.length > pages * SHOWN && (
                <>
                  <span>
                    {pages * SHOWN} of {count(matching.length)}
                  </span>
                  <button type="button" className="btn btn-sm" onClick={() => setPages(pages + 1)}>
                    Show more
                  </button>
                </>
              )
            }
          />
        )}
      </section>
      {wishing && matching && (
        <WishDialog
          title={`Local lists of ${plural(matching.length, 'station')}`}
          wanted={{ mode: 'all' }}
          save={(wish) => {
            void many.run(matching, wish);
            return Promise.resolve();
          }}
          onClose={() => setWishing(false)}
        />
      )}
    </div>
  );
}
