import { create } from 'zustand';
import { Icon } from './icons';
import { Prose } from './prose';

export type Tone = 'plain' | 'good' | 'warn' | 'bad';

interface Toast {
  id: number;
  tone: Tone;
  title: string;
  detail: string | undefined;
}

interface Toasts {
  items: Toast[];
  drop: (id: number) => void;
}

const useToasts = create<Toasts>((set) => ({
  items: [],
  drop: (id) => set((s) => ({ items: s.items.filter((t) => t.id !== id) })),
}));

let next = 1;
const KEEP = 4;

/** Says something once; a failure stays longer because it must be read. */
export function toast(title: string, options: { tone?: Tone; detail?: string } = {}): void {
  const id = next++;
  const tone = options.tone ?? 'plain';
  useToasts.setState((s) => ({
    items: [...s.items, { id, tone, title, detail: options.detail }].slice(-KEEP),
  }));
  setTimeout(() => useToasts.getState().drop(id), tone === 'bad' ? 10_000 : 5_000);
}

/** Mounted once by the shell. The region is there from the start, so that screen readers watch it. */
export function ToastRegion() {
  const { items, drop } = useToasts();
  return (
    <div className="toasts" role="status" aria-live="polite" aria-relevant="additions">
      {items.map((t) => (
        <div key={t.id} className="toast" data-tone={t.tone}>
          <div>
            <strong>{t.title}</strong>
            {t.detail && (
              <p>
                <Prose text={t.detail} />
              </p>
            )}
          </div>
          <button
            type="button"
            className="btn btn-ghost btn-icon btn-sm"
            aria-label="Dismiss message"
            onClick={() => drop(t.id)}
          >
            <Icon name="close" size={14} />
          </button>
        </div>
      ))}
    </div>
  );
}
