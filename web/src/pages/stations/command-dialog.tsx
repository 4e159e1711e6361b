import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState, type FormEvent, type ReactNode } from 'react';
import { api, ApiError, seg } from '@/api/client';
import { keys } from '@/api/queries';
import type { Command } from '@/api/types';
import { onLiveEvent } from '@/live';
import { Dialog } from '@/ui/dialog';
import { instant } from '@/ui/format';
import { Icon } from '@/ui/icons';

/** A command in neutral words; the server says it in the station's version of OCPP. */
export type CommandBody = { command: 'remote_start' | 'remote_stop' | 'reset' | 'trigger' } & Record<
  string,
  unknown
>;

/** How long the server waits for the station before it answers. */
const WAIT_S = 30;

const finished = (command: Command | null) =>
  command !== null && ['accepted', 'rejected', 'failed'].includes(command.state);

function latency(command: Command): string | null {
  const from = instant(command.requested_at);
  const to = instant(command.finished_at);
  if (from === null || to === null) return null;
  const ms = Math.max(0, to - from);
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** Requested, sent, answered: what is known and nothing more. */
export function CommandOutcome({ command, busy }: { command: Command | null; busy: boolean }) {
  const state = command?.state;
  const sent = state === 'sent' || state === 'accepted' || state === 'rejected';
  const good = state === 'accepted';
  const over = finished(command);
  const took = command ? latency(command) : null;
  return (
    <div role="status" aria-live="polite">
      <ol className="steps">
        <li data-done="true" data-tone="good">
          <span className="dot">
            <Icon name="check" size={12} />
          </span>
          Requested
        </li>
        <li data-done={sent} data-tone={sent ? 'good' : undefined} data-busy={busy && !sent && !over}>
          <span className="dot">{sent && <Icon name="check" size={12} />}</span>
          {sent ? 'Sent to the station' : state === 'failed' ? 'Not confirmed as sent' : 'Sending'}
        </li>
        <li
          data-done={over}
          data-tone={over ? (good ? 'good' : 'bad') : undefined}
          data-busy={busy && sent && !over}
        >
          <span className="dot">{over && <Icon name={good ? 'check' : 'close'} size={12} />}</span>
          {over
            ? good
              ? 'Accepted by the station'
              : state === 'rejected'
                ? 'Rejected by the station'
                : 'Failed'
            : 'Waiting for the answer'}
          {took && <span className="when">{took}</span>}
        </li>
      </ol>
      {over && command && (command.reason || !good) && (
        <div className="outcome" data-tone={good ? 'good' : 'bad'} style={{ marginTop: '0.75rem' }}>
          {command.reason ?? 'The station gave no reason.'}
        </div>
      )}
      {over && command?.answer != null && (
        <details style={{ marginTop: '0.75rem' }}>
          <summary className="muted">The station’s answer</summary>
          <pre className="code" tabIndex={0}>
            {JSON.stringify(command.answer, null, 2)}
          </pre>
        </details>
      )}
    </div>
  );
}

/**
 * Asks for what a command needs, sends it, and stays open to show what the station said. The call itself waits for
 * the answer; the stream shows the steps between.
 */
export function CommandDialog({
  station,
  title,
  description,
  confirm,
  danger = false,
  body,
  children,
  onClose,
}: {
  station: string;
  title: string;
  description: ReactNode;
  confirm: string;
  danger?: boolean;
  body: (form: FormData) => CommandBody;
  children?: ReactNode;
  onClose: () => void;
}) {
  const client = useQueryClient();
  const [streamed, setStreamed] = useState<Command | null>(null);
  const [since, setSince] = useState<number | null>(null);
  const send = useMutation({
    mutationFn: (command: CommandBody) =>
      api.post<Command>(`/stations/${seg(station)}/commands`, command, { params: { wait_s: WAIT_S } }),
    onSettled: () => {
      void client.invalidateQueries({ queryKey: keys.commands });
      void client.invalidateQueries({ queryKey: keys.transactions });
      void client.invalidateQueries({ queryKey: [...keys.stations, 'one', station] });
    },
  });

  useEffect(() => {
    if (since === null) return;
    return onLiveEvent('command', (command) => {
      // The newest command of this station since the click is ours; a minute of clock difference is allowed for.
      const at = instant(command.requested_at) ?? 0;
      if (command.station === station && at > since - 60_000) {
        setStreamed((before) => (before && (instant(before.requested_at) ?? 0) > at ? before : command));
      }
    });
  }, [since, station]);

  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    setSince(Date.now());
    setStreamed(null);
    send.mutate(body(new FormData(event.currentTarget)));
  };

  const command = send.data ?? (send.isPending ? streamed : null);
  const problem = send.error instanceof ApiError ? send.error : null;
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={title}
      description={description}
      footer={
        send.isIdle || problem ? (
          <>
            <button type="button" className="btn" onClick={onClose}>
              Cancel
            </button>
            <button
              type="submit"
              form="command-form"
              className={danger ? 'btn btn-danger' : 'btn btn-primary'}
            >
              {problem ? 'Try again' : confirm}
            </button>
          </>
        ) : (
          <button type="button" className="btn btn-primary" onClick={onClose} autoFocus>
            {send.isPending ? 'Close and let it run' : 'Done'}
          </button>
        )
      }
    >
      <form
        id="command-form"
        onSubmit={submit}
        style={{ display: send.isIdle || problem ? 'grid' : 'none', gap: '1rem' }}
      >
        {children}
      </form>
      {!send.isIdle && !problem && <CommandOutcome command={command} busy={send.isPending} />}
      {problem && (
        <div className="outcome" data-tone="bad" role="alert">
          <strong>{problem.problem.title ?? 'The command was not taken'}</strong>
          {problem.problem.detail}
        </div>
      )}
    </Dialog>
  );
}
