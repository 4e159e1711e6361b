import { useState } from 'react';
import { Icon } from './icons';

/** A secret that is shown once: it can be copied, and is gone when the dialog closes. */
export function Secret({ value, label }: { value: string; label: string }) {
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
        <button type="button" className="btn btn-sm" onClick={() => void copy()}>
          <Icon name={copied ? 'check' : 'copy'} size={14} /> {copied ? 'Copied' : 'Copy'}
        </button>
      </div>
      <span className="hint">Shown once. Store it now; the server keeps only a hash.</span>
    </div>
  );
}
