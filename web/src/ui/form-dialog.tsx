import { useId, type FormEvent, type ReactNode } from 'react';
import { ApiError } from '@/api/client';
import { Dialog } from './dialog';
import { sentence } from './format';
import { Prose } from './prose';

/** What a form holds, read by name: every text without spaces around it. */
export type Read = (name: string) => string;

interface Common {
  title: string;
  description?: ReactNode;
  /** What the button says, and what it says meanwhile. */
  confirm: string;
  busy: string;
  pending: boolean;
  onClose: () => void;
}

/** What went wrong, in the server's words where it has some. */
export function Problem({ error }: { error: Error | null }) {
  if (!error) return null;
  return (
    <p className="field" role="alert">
      <span className="problem">
        <Prose text={sentence(error instanceof ApiError ? error.message : 'It was not taken')} />
      </span>
    </p>
  );
}

/** A question with fields: sends them, and says what was wrong with them. */
export function FormDialog({
  error,
  onSubmit,
  children,
  done,
  ...rest
}: Common & {
  error: Error | null;
  onSubmit: (read: Read) => void;
  children: ReactNode;
  /** What came of it, shown instead of the form until it is closed. */
  done?: ReactNode;
}) {
  const form = useId();
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    onSubmit((name) => String(data.get(name) ?? '').trim());
  };
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && rest.onClose()}
      title={rest.title}
      description={rest.description}
      footer={
        done ? (
          <button type="button" className="btn btn-primary" onClick={rest.onClose} autoFocus>
            Done
          </button>
        ) : (
          <>
            <button type="button" className="btn" onClick={rest.onClose}>
              Cancel
            </button>
            <button type="submit" form={form} className="btn btn-primary" disabled={rest.pending}>
              {rest.pending ? rest.busy : rest.confirm}
            </button>
          </>
        )
      }
    >
      {done ?? (
        <form id={form} className="dialog-form" onSubmit={submit}>
          {children}
          <Problem error={error} />
        </form>
      )}
    </Dialog>
  );
}

/** A question before something that cannot be taken back: the harmless answer has the focus. */
export function ConfirmDialog({
  keep = 'Keep it',
  onConfirm,
  ...rest
}: Common & { keep?: string; onConfirm: () => void }) {
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && rest.onClose()}
      title={rest.title}
      description={rest.description}
      footer={
        <>
          <button type="button" className="btn" onClick={rest.onClose} autoFocus>
            {keep}
          </button>
          <button type="button" className="btn btn-danger" disabled={rest.pending} onClick={onConfirm}>
            {rest.pending ? rest.busy : rest.confirm}
          </button>
        </>
      }
    />
  );
}
