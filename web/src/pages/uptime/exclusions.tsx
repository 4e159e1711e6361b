import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { api } from '@/api/client';
import type { Exclusion } from '@/api/uptime';
import { may } from '@/app/session';
import { useSession } from '@/app/use-session';
import { FormDialog } from '@/ui/form-dialog';
import { dateTime, instant } from '@/ui/format';
import { EmptyState } from '@/ui/states';
import { DataTable, type Column } from '@/ui/table';
import { toast } from '@/ui/toast';

/** Causes that the rule excludes, in words. */
const causes: readonly [string, string][] = [
  ['scheduled_maintenance', 'Scheduled maintenance'],
  ['utility_interruption', 'The utility was interrupted'],
  ['vehicle_fault', 'A fault of the vehicle'],
  ['vandalism', 'Vandalism'],
  ['natural_disaster', 'A natural disaster'],
  ['outside_hours', 'Outside opening hours'],
];
const causeWord = new Map(causes);

const HOUR_MS = 3_600_000;

/** A time as a `datetime-local` field shows it, in local time. */
function local(ms: number): string {
  const at = new Date(ms - new Date(ms).getTimezoneOffset() * 60_000);
  return at.toISOString().slice(0, 16);
}

export function ExclusionDialog({ scope, onClose }: { scope: string; onClose: () => void }) {
  const client = useQueryClient();
  const add = useMutation({
    mutationFn: (body: Record<string, unknown>) => api.post<Exclusion>('/uptime-exclusions', body),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ['uptime'] });
      toast('Outage excluded', { tone: 'good' });
      onClose();
    },
  });
  const [hour] = useState(() => Math.floor(Date.now() / HOUR_MS) * HOUR_MS);
  return (
    <FormDialog
      title="Exclude an outage"
      description="What of an outage lies in this time does not count against uptime. It may lie ahead."
      confirm="Exclude"
      busy="Saving…"
      pending={add.isPending}
      error={add.error}
      onClose={onClose}
      onSubmit={(read) =>
        add.mutate({
          scope: read('scope'),
          cause: read('cause'),
          from: new Date(read('from')).toISOString(),
          to: new Date(read('to')).toISOString(),
          ...(read('note') ? { note: read('note') } : {}),
        })
      }
    >
      <div className="field">
        <label htmlFor="ex-scope">Of what</label>
        <input id="ex-scope" name="scope" className="input mono" required defaultValue={scope} />
        <span className="hint">A connector, EVSE, station, site or zone; * for everything.</span>
      </div>
      <div className="field">
        <label htmlFor="ex-cause">Cause</label>
        <select id="ex-cause" name="cause" className="input">
          {causes.map(([value, word]) => (
            <option key={value} value={value}>
              {word}
            </option>
          ))}
        </select>
      </div>
      <div className="field">
        <label htmlFor="ex-from">From</label>
        <input
          id="ex-from"
          name="from"
          type="datetime-local"
          className="input"
          required
          defaultValue={local(hour)}
        />
      </div>
      <div className="field">
        <label htmlFor="ex-to">To</label>
        <input
          id="ex-to"
          name="to"
          type="datetime-local"
          className="input"
          required
          defaultValue={local(hour + HOUR_MS)}
        />
      </div>
      <div className="field">
        <label htmlFor="ex-note">Note, if any</label>
        <input id="ex-note" name="note" className="input" maxLength={1000} autoComplete="off" />
      </div>
    </FormDialog>
  );
}

export function ExclusionTable({ rows }: { rows: readonly Exclusion[] | undefined }) {
  const client = useQueryClient();
  const session = useSession();
  const { mutate, isPending } = useMutation({
    mutationFn: (id: number) => api.delete(`/uptime-exclusions/${id}`),
    onError: (error) => toast('The exclusion was not taken back', { tone: 'bad', detail: error.message }),
    onSettled: () => client.invalidateQueries({ queryKey: ['uptime'] }),
  });
  const allowed = may(session?.role, 'operator');
  const columns = useMemo<readonly Column<Exclusion>[]>(
    () => [
      {
        key: 'scope',
        label: 'Of',
        sort: (e) => e.scope,
        cell: (e) => <span className="mono">{e.scope}</span>,
      },
      {
        key: 'cause',
        label: 'Cause',
        sort: (e) => e.cause,
        cell: (e) => (
          <>
            {causeWord.get(e.cause) ?? e.cause} <span className="sub">{e.note}</span>
          </>
        ),
      },
      { key: 'from', label: 'From', wide: true, sort: (e) => instant(e.from), cell: (e) => dateTime(e.from) },
      { key: 'to', label: 'To', wide: true, sort: (e) => instant(e.to), cell: (e) => dateTime(e.to) },
      { key: 'by', label: 'By', wide: true, sort: (e) => e.by, cell: (e) => e.by },
      {
        key: 'act',
        label: 'Action',
        align: 'right',
        cell: (e) =>
          allowed && (
            <button
              type="button"
              className="btn btn-sm"
              disabled={isPending}
              aria-label={`Take back exclusion ${e.id} of ${e.scope}`}
              onClick={() => mutate(e.id)}
            >
              Take back
            </button>
          ),
      },
    ],
    [allowed, isPending, mutate],
  );
  return (
    <DataTable
      caption="Times that do not count against uptime"
      columns={columns}
      rows={rows}
      rowKey={(e) => String(e.id)}
      initialSort={{ key: 'from', dir: 'desc' }}
      empty={<EmptyState icon="inbox" title="Nothing is excluded" />}
    />
  );
}
