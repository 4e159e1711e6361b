import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { FormEvent, ReactNode } from 'react';
import { api, ApiError, seg } from '@/api/client';
import { knownKey } from '@/api/knowledge';
import { keys } from '@/api/queries';
import type { Command } from '@/api/types';
import { Dialog } from '@/ui/dialog';
import { sentence } from '@/ui/format';
import { CommandOutcome } from '../commands/outcome';

/** How long the server waits for the station before it answers. */
export const WAIT = { params: { wait_s: 30 } } as const;

/** An OCPP action to a station, answered with what the station said. */
export function tell(station: string, action: string, payload: unknown): Promise<Command> {
  return api.post<Command>(`/stations/${seg(station)}/commands`, { action, payload }, WAIT);
}

/** Reads anew whatever is shown of a station once it was asked for something. */
export function useRefreshed(station: string): () => void {
  const client = useQueryClient();
  return () => {
    void client.invalidateQueries({ queryKey: knownKey(station) });
    void client.invalidateQueries({ queryKey: keys.commands });
    void client.invalidateQueries({ queryKey: [...keys.stations, 'one', station] });
  };
}

/**
 * Asks a person for what a request needs, sends it, and stays to show what the station answered. `send` answers with
 * the command, or null where none was needed.
 */
export function AskDialog({
  station,
  title,
  description,
  confirm,
  danger = false,
  send,
  children,
  aside,
  onClose,
}: {
  station: string;
  title: string;
  description?: ReactNode;
  confirm: string;
  danger?: boolean;
  send: (form: FormData) => Promise<Command | null>;
  children?: ReactNode;
  /** Shown under the form and while it is being sent. */
  aside?: ReactNode;
  onClose: () => void;
}) {
  const refreshed = useRefreshed(station);
  const ask = useMutation({
    mutationFn: send,
    onSettled: refreshed,
    onSuccess: (command) => {
      if (command === null) onClose();
    },
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    ask.mutate(new FormData(event.currentTarget));
  };
  const problem = ask.error;
  const asking = ask.isIdle || problem !== null;
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={title}
      description={description}
      footer={
        asking ? (
          <>
            <button type="button" className="btn" onClick={onClose}>
              Cancel
            </button>
            <button
              type="submit"
              form="ask-form"
              className={danger ? 'btn btn-danger' : 'btn btn-primary'}
              autoFocus={children === undefined}
            >
              {problem ? 'Try again' : confirm}
            </button>
          </>
        ) : (
          <button type="button" className="btn btn-primary" onClick={onClose} autoFocus>
            {ask.isPending ? 'Close and let it run' : 'Done'}
          </button>
        )
      }
    >
      <form id="ask-form" className="ask-form" onSubmit={submit} hidden={!asking}>
        {children}
      </form>
      {aside}
      {!asking && !aside && <CommandOutcome command={ask.data ?? null} busy={ask.isPending} linked={false} />}
      {problem && (
        <div className="outcome" data-tone="bad" role="alert">
          <strong>
            {problem instanceof ApiError
              ? sentence(problem.problem.title ?? 'It was not taken')
              : 'That cannot be sent'}
          </strong>
          {problem instanceof ApiError ? problem.problem.detail : problem.message}
        </div>
      )}
    </Dialog>
  );
}
