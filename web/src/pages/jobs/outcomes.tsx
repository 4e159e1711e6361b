import { Link, useNavigate } from '@tanstack/react-router';
import { useMemo, useState, type ReactNode } from 'react';
import type { ListSpec } from '@/api/queries';
import { useList } from '@/api/use-list';
import { clock, instant, sentence } from '@/ui/format';
import { Segments } from '@/ui/segments';
import { EmptyState, ErrorState } from '@/ui/states';
import { DataTable, type Column } from '@/ui/table';
import { CommandShown } from './command-shown';
import { StationTag } from './progress';
import { stateIn, type StateOf } from './states';

/** Where one station of many stands. */
export interface Outcome {
  station: string;
  state: string;
  detail?: string | null | undefined;
  command?: string | null | undefined;
  changed_at: string;
}

/** The page of a station, on the tab that tells more of what was asked of it. */
const pageOf = (stationId: string, tab: string | undefined) =>
  tab === undefined
    ? ({ to: '/stations/$stationId', params: { stationId } } as const)
    : ({ to: '/stations/$stationId/$tab', params: { stationId, tab } } as const);

/** Where each station stands, by outcome; a row opens the command that the station was given. */
export function StationOutcomes<T extends Outcome>({
  job,
  states,
  status,
  onStatus,
  list: specOf,
  refreshMs,
  caption,
  tab,
  columns: more,
  shown: shownOf,
}: {
  job: { total: number; by_state: Readonly<Record<string, number>> };
  states: readonly StateOf[];
  /** The outcome that alone is shown, as the address says it. */
  status: string | undefined;
  onStatus: (state: string | undefined) => void;
  list: (state: string | undefined) => ListSpec<T>;
  refreshMs: number | false;
  caption: string;
  tab?: string;
  /** What else there is to say of a station. */
  columns?: readonly Column<T>[];
  /** What stands above the command of a station. */
  shown?: (row: T) => ReactNode;
}) {
  const navigate = useNavigate();
  const state = states.find((s) => s.id === status)?.id;
  const list = useList(specOf(state), refreshMs);
  const [shown, setShown] = useState<T | null>(null);
  const options = useMemo(
    () => [
      { value: 'all', label: 'All', count: job.total },
      ...states
        .filter((s) => (job.by_state[s.id] ?? 0) > 0 || s.id === state)
        .map((s) => ({ value: s.id, label: s.word, count: job.by_state[s.id] ?? 0 })),
    ],
    [job, states, state],
  );
  const columns = useMemo(
    (): readonly Column<T>[] => [
      {
        key: 'station',
        label: 'Station',
        sort: (row) => row.station,
        cell: (row) => (
          <Link {...pageOf(row.station, tab)} tabIndex={-1}>
            {row.station}
          </Link>
        ),
      },
      {
        key: 'state',
        label: 'Outcome',
        sort: (row) => states.findIndex((s) => s.id === row.state),
        cell: (row) => <StationTag state={stateIn(states, row.state)} />,
      },
      ...(more ?? []),
      {
        key: 'detail',
        label: 'Why',
        wide: true,
        cell: (row) => <span className="muted job-words">{row.detail ? sentence(row.detail) : ''}</span>,
      },
      {
        key: 'at',
        label: 'At',
        align: 'right',
        wide: true,
        sort: (row) => instant(row.changed_at),
        cell: (row) => clock(instant(row.changed_at)),
      },
    ],
    [states, tab, more],
  );
  return (
    <>
      <div className="segments-scroll">
        <Segments
          label="Outcome"
          value={state ?? 'all'}
          options={options}
          onChange={(value) => onStatus(value === 'all' ? undefined : value)}
        />
      </div>
      <section className="panel" aria-label="Outcome by station">
        {list.error ? (
          <ErrorState error={list.error} retry={list.retry} what="Stations" />
        ) : (
          <DataTable
            caption={caption}
            columns={columns}
            rows={list.rows}
            rowKey={(row) => row.station}
            initialSort={{ key: 'station', dir: 'asc' }}
            onOpen={(row) => (row.command ? setShown(row) : void navigate(pageOf(row.station, tab)))}
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
        <CommandShown station={shown.station} command={shown.command} onClose={() => setShown(null)}>
          {shownOf?.(shown)}
        </CommandShown>
      )}
    </>
  );
}
