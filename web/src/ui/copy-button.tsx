import { useEffect, useState } from 'react';
import { Icon } from './icons';
import { toast } from './toast';

const SAID_MS = 2_000;

/** Puts a text on the clipboard and says so. */
export function CopyButton({ text, label }: { text: () => string; label: string }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), SAID_MS);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text());
      setCopied(true);
    } catch {
      toast('The clipboard cannot be written to', {
        tone: 'bad',
        detail: 'Allow this page to use it, or select the text and copy it.',
      });
    }
  };
  return (
    <button type="button" className="btn btn-sm" onClick={() => void copy()}>
      <Icon name={copied ? 'check' : 'copy'} size={13} />
      <span aria-live="polite">{copied ? 'Copied' : label}</span>
    </button>
  );
}
