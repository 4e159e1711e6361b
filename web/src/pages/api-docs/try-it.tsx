import { useState, type FormEvent } from 'react';
import { Icon } from '@/ui/icons';
import { Json } from '@/ui/json';
import { callUrl, sample, typeWords, type Operation, type Schema } from './openapi';

interface Answer {
  status: number;
  text: string;
  took: number;
  bytes: number;
  body: unknown;
  isJson: boolean;
}

/** Longer answers are cut: the page is for trying, not for exporting. */
const SHOWN_CHARACTERS = 200_000;

async function call(operation: Operation, url: string, body: string | null): Promise<Answer> {
  const started = performance.now();
  const response = await fetch(url, {
    method: operation.method,
    credentials: 'same-origin',
    cache: 'no-store',
    headers: { 'x-voltwin': '1', ...(body === null ? {} : { 'content-type': 'application/json' }) },
    ...(body === null ? {} : { body }),
  });
  const text = await response.text();
  const answer = {
    status: response.status,
    text: response.statusText,
    took: performance.now() - started,
    bytes: text.length,
  };
  try {
    return { ...answer, body: text === '' ? null : (JSON.parse(text) as unknown), isJson: text !== '' };
  } catch {
    return { ...answer, body: text.slice(0, SHOWN_CHARACTERS), isJson: false };
  }
}

/** Sends one operation with the session of this page and shows what the server really answered. */
export function TryIt({ operation, schemas }: { operation: Operation; schemas: Record<string, Schema> }) {
  const fields = operation.parameters.filter((p) => p.in !== 'header');
  const [values, setValues] = useState<Record<string, string>>({});
  const [body, setBody] = useState(() =>
    operation.body
      ? JSON.stringify(operation.body.example ?? sample(operation.body.schema, schemas), null, 2)
      : '',
  );
  const [busy, setBusy] = useState(false);
  const [answer, setAnswer] = useState<Answer | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const changes = operation.method !== 'GET';
  const address = callUrl(operation, values);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setProblem(null);
    let text: string | null = null;
    if (operation.body && body.trim() !== '') {
      try {
        text = JSON.stringify(JSON.parse(body));
      } catch (error) {
        setProblem(`The body is not JSON: ${error instanceof Error ? error.message : 'it cannot be read'}`);
        return;
      }
    }
    setBusy(true);
    try {
      setAnswer(await call(operation, address, text));
    } catch {
      setProblem('The server cannot be reached.');
    } finally {
      setBusy(false);
    }
  };

  const tone =
    answer === null ? undefined : answer.status < 300 ? 'good' : answer.status < 500 ? 'warn' : 'bad';
  return (
    <form
      className="try"
      onSubmit={(e) => void submit(e)}
      aria-label={`Try ${operation.method} ${operation.path}`}
    >
      {fields.length > 0 && (
        <div className="try-fields">
          {fields.map((p) => (
            <div key={p.name} className="field">
              <label htmlFor={`${operation.id}-${p.name}`}>
                <span className="mono">{p.name}</span> <span className="faint">{p.in}</span>
              </label>
              <input
                id={`${operation.id}-${p.name}`}
                className="input mono"
                required={p.required}
                placeholder={typeWords(p.schema)}
                value={values[p.name] ?? ''}
                onChange={(e) => setValues({ ...values, [p.name]: e.target.value })}
                autoComplete="off"
                spellCheck={false}
              />
            </div>
          ))}
        </div>
      )}
      {operation.body && (
        <div className="field">
          <label htmlFor={`${operation.id}-body`}>Body, JSON</label>
          <textarea
            id={`${operation.id}-body`}
            className="input"
            rows={Math.min(14, body.split('\n').length + 1)}
            value={body}
            onChange={(e) => setBody(e.target.value)}
            spellCheck={false}
          />
        </div>
      )}
      <div className="try-send">
        <button type="submit" className={changes ? 'btn' : 'btn btn-primary'} disabled={busy}>
          <Icon name="play" size={13} /> {busy ? 'Sending…' : 'Send'}
        </button>
        <code className="mono faint truncate">
          {operation.method} {address}
        </code>
      </div>
      {changes && <p className="faint">This acts on the live network, with your session and your role.</p>}
      <div aria-live="polite">
        {problem && (
          <p className="outcome" data-tone="bad">
            {problem}
          </p>
        )}
        {answer && (
          <div className="try-answer">
            <p>
              <span className="tag" data-tone={tone}>
                {answer.status} {answer.text}
              </span>{' '}
              <span className="faint num">
                {Math.round(answer.took)} ms · {answer.bytes.toLocaleString('en-GB')} characters
              </span>
            </p>
            {answer.isJson ? (
              <Json value={answer.body} label="Answer" />
            ) : (
              typeof answer.body === 'string' &&
              answer.body !== '' && (
                <pre className="code" tabIndex={0}>
                  {answer.body}
                </pre>
              )
            )}
          </div>
        )}
      </div>
    </form>
  );
}
