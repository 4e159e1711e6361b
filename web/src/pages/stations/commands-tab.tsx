import { useState } from 'react';
import { commandsQuery } from '@/api/queries';
import type { Command } from '@/api/types';
import { useList } from '@/api/use-list';
import { Dialog } from '@/ui/dialog';
import { dateTime, instant } from '@/ui/format';
import { Json } from '@/ui/json';
import { EmptyState, ErrorState } from '@/ui/states';
import { DataTable, type Column } from '@/ui/table';
import { CommandOutcome } from './command-dialog';
import type { TabProps } from './tabs';

const tones: Partial<Record<Command['state'], 'good' | 'bad'>> = {
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
    key: 'state',
    label: 'Outcome',
    sort: (c) => c.state,
    cell: (c) => (
      <span className="tag" data-tone={tones[c.state]}>
        {c.state}
      </span>
    ),
  },
  { key: 'by', label: 'By', wide: true, sort: (c) => c.requested_by, cell: (c) => c.requested_by },
  {
    key: 'reason',
    label: 'Reason',
    wide: true,
    cell: (c) => <span className="muted">{c.reason ?? '–'}</span>,
  },
];

/** What the station was told, and what it said to it. */
export default function CommandsTab({ station }: TabProps) {
  const { rows, error, retry, more, loadingMore } = useList(commandsQuery(station.id), 5_000);
  const [shown, setShown] = useState<string | null>(null);
  const open = rows?.find((c) => c.id === shown);
  return (
    <section className="panel" aria-labelledby="commands-title">
      <header className="panel-head">
        <h2 id="commands-title">Commands</h2>
        <span className="aside">Newest first</span>
      </header>
      {error ? (
        <ErrorState error={error} retry={retry} what="Commands" />
      ) : (
        <DataTable
          caption={`Commands to ${station.id}`}
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
          onOpenChange={(is) => !is && setShown(null)}
          title={open.action}
          description={`Asked by ${open.requested_by}, ${dateTime(open.requested_at)}.`}
          footer={
            <button type="button" className="btn btn-primary" onClick={() => setShown(null)}>
              Done
            </button>
          }
        >
          <CommandOutcome command={open} busy={open.finished_at === null} />
          <Json value={open.payload} label={`Payload of ${open.action}`} />
        </Dialog>
      )}
    </section>
  );
}
