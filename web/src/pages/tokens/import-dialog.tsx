import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useMemo, useRef, useState } from 'react';
import { ApiError } from '@/api/client';
import { importTokens, tokensKey } from '@/api/tokens';
import { Dialog } from '@/ui/dialog';
import { Field } from '@/ui/field';
import { bytes, count, plural, sentence } from '@/ui/format';
import { Icon } from '@/ui/icons';
import { Prose } from '@/ui/prose';
import { BYTES_MAX, check, type Checked, type Fault } from './csv';

/** Faults that are listed; the rest is counted. */
const FAULTS_SHOWN = 100;

function Faults({ checked }: { checked: Checked }) {
  const { faults } = checked;
  return (
    <section aria-label="What is wrong with the file">
      <p className="fault-head" role="alert">
        <Icon name="warn" size={14} /> {plural(faults.length, 'line')} to put right; nothing is taken over
        before.
      </p>
      <ol className="faults" tabIndex={0} aria-label="Lines at fault">
        {faults.slice(0, FAULTS_SHOWN).map((fault: Fault) => (
          <li key={`${fault.line} ${fault.text}`}>
            <span className="num faint">Line {fault.line}</span>
            <span>
              <Prose text={sentence(fault.text)} />
            </span>
          </li>
        ))}
      </ol>
      {faults.length > FAULTS_SHOWN && (
        <p className="faint">and {count(faults.length - FAULTS_SHOWN)} more</p>
      )}
    </section>
  );
}

/** Many tokens out of a file: all of them or none. What is wrong is shown line by line before anything is sent. */
export function ImportDialog({ onClose }: { onClose: () => void }) {
  const client = useQueryClient();
  const stop = useRef<AbortController | null>(null);
  const [text, setText] = useState('');
  const [file, setFile] = useState<string | null>(null);
  const [unread, setUnread] = useState<string | null>(null);
  const checked = useMemo(() => (text.trim() === '' ? null : check(text)), [text]);
  const send = useMutation({
    mutationFn: () => {
      stop.current = new AbortController();
      return importTokens(text, stop.current.signal);
    },
    onSuccess: () => void client.invalidateQueries({ queryKey: tokensKey }),
  });
  const read = async (chosen: File) => {
    send.reset();
    setFile(chosen.name);
    setText('');
    setUnread(null);
    if (chosen.size > BYTES_MAX) {
      setUnread(`The file has ${bytes(chosen.size)}; it may have ${bytes(BYTES_MAX)}.`);
      return;
    }
    try {
      setText(await chosen.text());
    } catch {
      setUnread('The file cannot be read.');
    }
  };
  const close = () => {
    stop.current?.abort();
    onClose();
  };
  const done = send.data;
  const problem = send.error && send.error.name !== 'AbortError' ? send.error : null;
  const good = checked !== null && checked.faults.length === 0 && checked.tokens > 0;
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && close()}
      title="Import id tokens"
      description="A CSV file with the column id_token and any of type, status, expires_at, parent, group, language, concurrent_allowed, vehicle, note and only_at. A token that is there is replaced."
      footer={
        done ? (
          <button type="button" className="btn btn-primary" onClick={close} autoFocus>
            Done
          </button>
        ) : (
          <>
            <button type="button" className="btn" onClick={close}>
              Cancel
            </button>
            <button
              type="button"
              className="btn btn-primary"
              disabled={!good || send.isPending}
              onClick={() => send.mutate()}
            >
              {send.isPending
                ? 'Importing…'
                : checked && good
                  ? `Import ${plural(checked.tokens, 'token')}`
                  : 'Import'}
            </button>
          </>
        )
      }
    >
      {done ? (
        <div className="outcome" data-tone="good" role="status">
          <strong>{plural(done.added + done.changed, 'token')} taken over</strong>
          {count(done.added)} new, {count(done.changed)} replaced.
        </div>
      ) : (
        <>
          <label className="btn file-choice">
            <input
              type="file"
              accept=".csv,text/csv,text/plain"
              className="visually-hidden"
              onChange={(e) => {
                const chosen = e.target.files?.[0];
                if (chosen) void read(chosen);
                e.target.value = '';
              }}
            />
            <Icon name="upload" size={14} /> {file ?? 'Choose a file'}
          </label>
          <Field label="Or paste it here">
            {(field) => (
              <textarea
                {...field}
                className="input"
                rows={5}
                spellCheck={false}
                placeholder={'id_token,status,parent\n04A2B3C4D5E6F7,accepted,FLEET'}
                value={text.length > 20_000 ? `${text.slice(0, 20_000)}\n…` : text}
                readOnly={text.length > 20_000}
                onChange={(e) => {
                  send.reset();
                  setFile(null);
                  setText(e.target.value);
                }}
              />
            )}
          </Field>
          {unread && (
            <div className="outcome" data-tone="bad" role="alert">
              {unread}
            </div>
          )}
          {checked && checked.faults.length > 0 && <Faults checked={checked} />}
          {good && (
            <p className="muted" role="status">
              {plural(checked.tokens, 'token')}, nothing wrong with {checked.tokens === 1 ? 'it' : 'them'}.
            </p>
          )}
          {problem && (
            <div className="outcome" data-tone="bad" role="alert">
              <strong>{problem instanceof ApiError ? 'Nothing was taken over' : 'It was not sent'}</strong>
              {sentence(problem.message)}
            </div>
          )}
        </>
      )}
    </Dialog>
  );
}
