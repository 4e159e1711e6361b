import { useState } from 'react';
import { Icon } from './icons';

/** A text to be copied; unless another hint is given a secret, which is shown once and gone when the dialog closes. */
export function Secret({
  value,
  label,
  hint = 'Shown once. Store it now; the server keeps only a hash.',
}: {
  value: string;
  label: string;
  hint?: string;
}) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(value);
      setCopied(true);
    } catch {
      // Without clipboard permission the text can still be selected.
    }
  };
  return (
    <div className="field">
      <span className="label">{label}</span>
      <div className="secret">
        <code>{value}</code>
        <button
          type="button"
          className="btn btn-sm"
          aria-label={copied ? `${label} copied` : `Copy ${label.toLowerCase()}`}
          onClick={() => void copy()}
        >
          <Icon name={copied ? 'check' : 'copy'} size={14} /> {copied ? 'Copied' : 'Copy'}
        </button>
      </div>
      {hint && <span className="hint">{hint}</span>}
    </div>
  );
}
