import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState, type FormEvent, type ReactNode } from 'react';
import { api, ApiError, seg } from '@/api/client';
import { keys } from '@/api/queries';
import type { Command } from '@/api/types';
import { live, onLiveEvent } from '@/live';
import { Dialog } from '@/ui/dialog';
import { instant, sentence } from '@/ui/format';
import { Icon } from '@/ui/icons';
import { TraceTag } from '@/ui/trace-tag';

/** A command in neutral words; the server says it in the station's version of OCPP. */
export type CommandBody = { command: 'remote_start' | 'remote_stop' | 'reset' | 'trigger' } & Record<
  string,
  unknown
>;

/** How long the server waits for the station before it answers. */
const WAIT_S = 30;

const progress: Record<Command['state'], number> = {
  requested: 0,
  sent: 1,
  accepted: 2,
  rejected: 2,
  failed: 2,
};

const finished = (command: Command | null) => command !== null && progress[command.state] === 2;

/** Of two sights of one command the one that knows more. */
function further(a: Command | null, b: Command | null): Command | null {
  if (!a || !b) return a ?? b;
  return progress[b.state] > progress[a.state] ? b : a;
}

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
          {command.reason ? sentence(command.reason) : 'The station gave no reason.'}
        </div>
      )}
      {over && command && (
        <p className="sub" style={{ marginTop: '0.5rem' }}>
          <TraceTag trace={live.traceOf('command', command.id)} />
        </p>
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
      // Until the call answers, the newest command of this station since the click is taken for ours, a minute of
      // clock difference allowed; the call's own answer then names it.
      const at = instant(command.requested_at) ?? 0;
      if (command.station !== station || at < since - 60_000) return;
      setStreamed((before) => (before && (instant(before.requested_at) ?? 0) > at ? before : command));
    });
  }, [since, station]);

  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    setSince(Date.now());
    setStreamed(null);
    send.mutate(body(new FormData(event.currentTarget)));
  };

  const own = send.data ?? null;
  const command =
    own === null
      ? send.isPending
        ? streamed
        : null
      : further(own, streamed?.id === own.id ? streamed : null);
  const waiting = send.isPending || (own !== null && !finished(command));
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
            {waiting ? 'Close and let it run' : 'Done'}
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
      {!send.isIdle && !problem && <CommandOutcome command={command} busy={waiting} />}
      {own !== null && waiting && (
        <p className="muted">
          No answer within {WAIT_S} s. The command goes on by itself; this window shows the answer if it
          comes.
        </p>
      )}
      {problem && (
        <div className="outcome" data-tone="bad" role="alert">
          <strong>{problem.problem.title ?? 'The command was not taken'}</strong>
          {problem.problem.detail}
        </div>
      )}
    </Dialog>
  );
}
