import { useState } from 'react';
import { commandsQuery } from '@/api/queries';
import type { Command } from '@/api/types';
import { useList } from '@/api/use-list';
import { brief } from '@/ocpp-form/brief';
import { Dialog } from '@/ui/dialog';
import { dateTime, instant } from '@/ui/format';
import { Icon } from '@/ui/icons';
import { EmptyState, ErrorState } from '@/ui/states';
import { DataTable, type Column } from '@/ui/table';
import { CommandOutcome, latency } from './outcome';

export const stateTones: Partial<Record<string, 'good' | 'warn' | 'bad'>> = {
  accepted: 'good',
  rejected: 'bad',
  failed: 'bad',
};

const columns: readonly Column<Command>[] = [
  {
    key: 'at',
    label: 'When',
    sort: (c) => instant(c.requested_at),
    cell: (c) => <span className="num">{dateTime(c.requested_at)}</span>,
  },
  { key: 'action', label: 'Action', sort: (c) => c.action, cell: (c) => <strong>{c.action}</strong> },
  {
    key: 'payload',
    label: 'Payload',
    wide: true,
    cell: (c) => <span className="muted cmd-brief">{brief(c.payload)}</span>,
  },
  {
    key: 'state',
    label: 'Outcome',
    sort: (c) => c.state,
    cell: (c) => (
      <span className="tag" data-tone={stateTones[c.state]}>
        {c.state}
      </span>
    ),
  },
  {
    key: 'took',
    label: 'Took',
    align: 'right',
    wide: true,
    sort: (c) => (instant(c.finished_at) ?? 0) - (instant(c.requested_at) ?? 0),
    cell: (c) => latency(c) ?? <span className="faint">–</span>,
  },
  { key: 'by', label: 'By', wide: true, sort: (c) => c.requested_by, cell: (c) => c.requested_by },
];

/** What the station was told before, with its answers; each can be the beginning of the next. */
export function CommandHistory({
  station,
  onAgain,
}: {
  station: string;
  onAgain: ((command: Command) => void) | null;
}) {
  const { rows, error, retry, more, loadingMore } = useList(commandsQuery(station), 5_000);
  const [shown, setShown] = useState<string | null>(null);
  const open = rows?.find((c) => c.id === shown);
  const close = () => setShown(null);
  return (
    <section className="panel" aria-labelledby="commands-title">
      <header className="panel-head">
        <h2 id="commands-title">Sent before</h2>
        <span className="aside">Newest first</span>
      </header>
      {error ? (
        <ErrorState error={error} retry={retry} what="Commands" />
      ) : (
        <DataTable
          caption={`Commands to ${station}`}
          columns={columns}
          rows={rows}
          rowKey={(c) => c.id}
          initialSort={{ key: 'at', dir: 'desc' }}
          onOpen={(c) => setShown(c.id)}
          isSelected={(c) => c.id === shown}
          empty={
            <EmptyState icon="trigger" title="Nobody has commanded this station yet">
              What is asked of it appears here with its answer.
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
      {open && (
        <Dialog
          open
          onOpenChange={(is) => !is && close()}
          title={open.action}
          description={`Asked by ${open.requested_by}, ${dateTime(open.requested_at)}.`}
          footer={
            <>
              {onAgain && (
                <button
                  type="button"
                  className="btn"
                  onClick={() => {
                    close();
                    onAgain(open);
                  }}
                >
                  <Icon name="refresh" size={14} /> Use again
                </button>
              )}
              <button type="button" className="btn btn-primary" onClick={close}>
                Done
              </button>
            </>
          }
        >
          <CommandOutcome command={open} busy={open.finished_at === null} />
        </Dialog>
      )}
    </section>
  );
}
