import { useEffect, useState } from 'react';
import { Icon } from './icons';

const SHOWN = 8;
const SAID_MS = 2_000;

/**
 * The trace that brought something, short, and whole on the clipboard: with it the frame is found in the message log
 * and in the server's logs. Nothing where none is known.
 */
export function TraceTag({ trace }: { trace: string | null | undefined }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), SAID_MS);
    return () => clearTimeout(timer);
  }, [copied]);
  if (!trace) return null;
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(trace);
      setCopied(true);
    } catch {
      // Without clipboard permission the title still holds the whole text.
    }
  };
  return (
    <button
      type="button"
      className="link-button trace-tag"
      title={`Copy trace ${trace}`}
      onClick={() => void copy()}
    >
      <Icon name={copied ? 'check' : 'copy'} size={11} />
      <span className="visually-hidden">Copy trace </span>
      <span aria-live="polite">{copied ? 'Copied' : trace.slice(0, SHOWN)}</span>
    </button>
  );
}
