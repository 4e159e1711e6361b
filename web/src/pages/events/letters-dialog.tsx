import { useMutation, useQueryClient } from '@tanstack/react-query';
import { deadLettersQuery, eventsKey, redeliver, type DeadLetter } from '@/api/events';
import { useList } from '@/api/use-list';
import { Dialog } from '@/ui/dialog';
import { count, dateTime, instant, plural, sentence } from '@/ui/format';
import { Json } from '@/ui/json';
import { EmptyState, ErrorState } from '@/ui/states';
import { DataTable, type Column } from '@/ui/table';
import { toast } from '@/ui/toast';

const columns: readonly Column<DeadLetter>[] = [
  { key: 'n', label: 'Number', sort: (l) => l.sequence, cell: (l) => count(l.sequence) },
  {
    key: 'event',
    label: 'Event',
    cell: (l) => (
      <details>
        <summary>
          {l.event.type ?? 'Event'} <span className="sub">{l.event.subject}</span>
        </summary>
        <Json value={l.event} label={`Event ${l.sequence}`} />
      </details>
    ),
  },
  { key: 'why', label: 'Why', cell: (l) => <span className="muted wraps">{sentence(l.reason)}</span> },
  {
    key: 'at',
    label: 'Given up',
    wide: true,
    sort: (l) => instant(l.at),
    cell: (l) => <span className="num">{dateTime(l.at)}</span>,
  },
];

/** What an endpoint did not take, and a way to send it again. */
export function LettersDialog({
  endpoint,
  allowed,
  onClose,
}: {
  endpoint: string;
  allowed: boolean;
  onClose: () => void;
}) {
  const client = useQueryClient();
  const list = useList(deadLettersQuery(endpoint));
  const again = useMutation({
    mutationFn: () => redeliver(endpoint),
    onSuccess: ({ events }) => toast(`${plural(events, 'event')} taken now`, { tone: 'good' }),
    onError: (error) =>
      toast(`${endpoint} did not take it again`, { tone: 'bad', detail: sentence(error.message) }),
    onSettled: () => client.invalidateQueries({ queryKey: eventsKey }),
  });
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={`What ${endpoint} did not take`}
      footer={
        <>
          {allowed && (
            <button
              type="button"
              className="btn"
              disabled={again.isPending || list.rows?.length === 0}
              onClick={() => again.mutate()}
            >
              {again.isPending ? 'Sending…' : 'Send again'}
            </button>
          )}
          <button type="button" className="btn btn-primary" onClick={onClose}>
            Done
          </button>
        </>
      }
    >
      {list.error ? (
        <ErrorState error={list.error} retry={list.retry} what="The dead letters" />
      ) : (
        <DataTable
          caption={`Events that ${endpoint} did not take`}
          columns={columns}
          rows={list.rows}
          rowKey={(l) => String(l.sequence)}
          initialSort={{ key: 'n', dir: 'asc' }}
          empty={<EmptyState icon="check" title="It took everything" />}
        />
      )}
    </Dialog>
  );
}
