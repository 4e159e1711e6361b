import type { FormEvent, ReactNode } from 'react';
import { Dialog } from '@/ui/dialog';
import { CommandOutcome } from '../commands/outcome';
import { useCommand, WAIT_S, type CommandBody } from '../commands/use-command';

/**
 * Asks for what a neutral command needs, sends it, and stays open to show what the station said.
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
  const { send, idle, command, waiting, overdue, problem } = useCommand(station);
  const asking = idle || problem !== null;
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    send(body(new FormData(event.currentTarget)));
  };
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
      <form id="command-form" onSubmit={submit} style={{ display: asking ? 'grid' : 'none', gap: '1rem' }}>
        {children}
      </form>
      {!asking && <CommandOutcome command={command} busy={waiting} linked={false} />}
      {overdue && (
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
