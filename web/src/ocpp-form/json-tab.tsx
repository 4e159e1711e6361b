import { useId, useState } from 'react';
import { isPlain, type Plain } from './schema';
import { placeOf } from './texts';

const pretty = (value: unknown) => JSON.stringify(value, null, 2);

/** Reads what was typed: the payload, or why it is none. */
export function readPayload(text: string): { value: Plain } | { broken: string } {
  try {
    const value: unknown = JSON.parse(text);
    return isPlain(value) ? { value } : { broken: 'a payload is an object, in braces' };
  } catch (error) {
    return { broken: placeOf(error, text) ?? 'it is not complete' };
  }
}

/** The payload as text. Every text that can be read is the value of the form at once. */
export function JsonTab({
  value,
  onChange,
  broken,
  onBroken,
}: {
  value: Plain;
  onChange: (value: Plain) => void;
  broken: string | null;
  onBroken: (broken: string | null) => void;
}) {
  const id = useId();
  const [text, setText] = useState(() => pretty(value));
  const change = (next: string) => {
    setText(next);
    const read = readPayload(next);
    if ('value' in read) {
      onBroken(null);
      onChange(read.value);
    } else {
      onBroken(read.broken);
    }
  };
  return (
    <div className="field">
      <div className="sf-label">
        <label htmlFor={id}>Payload</label>
        <button
          type="button"
          className="btn btn-sm"
          disabled={broken !== null}
          onClick={() => setText(pretty(value))}
        >
          Tidy up
        </button>
      </div>
      <textarea
        id={id}
        className="input sf-json"
        spellCheck={false}
        autoComplete="off"
        value={text}
        aria-invalid={broken !== null || undefined}
        aria-describedby={broken !== null ? `${id}-problem` : undefined}
        onChange={(event) => change(event.target.value)}
      />
      {broken !== null && (
        <span className="problem" id={`${id}-problem`} role="status">
          Not JSON yet: {broken}.
        </span>
      )}
    </div>
  );
}
