import { useMemo, useRef, useState, type KeyboardEvent } from 'react';
import { describe, groupOf, groups, mostUsed } from '@/ocpp-form/catalogue';
import { Icon } from '@/ui/icons';
import './action-picker.css';

const USED_SHOWN = 6;

interface Section {
  title: string;
  actions: string[];
}

/** Actions that hold every word of `q` in their name, description or group. */
export function searchActions(actions: readonly string[], q: string): string[] {
  const words = q.toLowerCase().split(/\s+/).filter(Boolean);
  return actions.filter((action) => {
    const text = `${action} ${describe(action) ?? ''} ${groupOf(action)}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

function sectionsOf(actions: readonly string[], used: readonly string[], q: string): Section[] {
  const found = searchActions(actions, q);
  const out: Section[] = [];
  if (q.trim() === '') {
    const often = mostUsed(actions, used, USED_SHOWN);
    if (often.length > 0) out.push({ title: 'Most used', actions: often });
  }
  for (const title of groups) {
    const of = found.filter((action) => groupOf(action) === title);
    if (of.length > 0) out.push({ title, actions: of });
  }
  return out;
}

/** Every action of a version: searched by name or meaning, the most used ahead, the others by what they are about. */
export function ActionPicker({
  actions,
  used,
  current,
  onPick,
}: {
  actions: readonly string[];
  /** Names of actions that were sent lately, repeated as often as they were sent. */
  used: readonly string[];
  current: string | null;
  onPick: (action: string) => void;
}) {
  const [q, setQ] = useState('');
  const list = useRef<HTMLDivElement>(null);
  const sections = useMemo(() => sectionsOf(actions, used, q), [actions, used, q]);
  const first = sections[0]?.actions[0];
  const buttons = () => [...(list.current?.querySelectorAll<HTMLButtonElement>('button') ?? [])];
  const onKeyDown = (event: KeyboardEvent) => {
    const all = buttons();
    const here = all.findIndex((b) => b === document.activeElement);
    const to =
      event.key === 'ArrowDown'
        ? Math.min(here + 1, all.length - 1)
        : event.key === 'ArrowUp'
          ? Math.max(here - 1, 0)
          : event.key === 'Home' && here >= 0
            ? 0
            : event.key === 'End' && here >= 0
              ? all.length - 1
              : null;
    if (to !== null) {
      event.preventDefault();
      all[to]?.focus();
    } else if (event.key === 'Enter' && here < 0 && first !== undefined && q !== '') {
      event.preventDefault();
      onPick(first);
    }
  };
  const found = sections.reduce((n, section) => n + section.actions.length, 0);
  return (
    <div className="picker" onKeyDown={onKeyDown}>
      <label className="search-field">
        <span className="visually-hidden">Search actions</span>
        <Icon name="search" size={14} />
        <input
          className="input"
          type="search"
          placeholder={`Search ${actions.length} actions…`}
          value={q}
          onChange={(event) => setQ(event.target.value)}
        />
      </label>
      <span className="visually-hidden" role="status">
        {q ? `${found} found` : ''}
      </span>
      <div className="picker-list" ref={list}>
        {sections.map((section) => (
          <section key={section.title} aria-label={section.title}>
            <h3>{section.title}</h3>
            <ul>
              {section.actions.map((action) => (
                <li key={action}>
                  <button
                    type="button"
                    className="picker-item"
                    aria-current={action === current ? 'true' : undefined}
                    onClick={() => onPick(action)}
                  >
                    <strong>{action}</strong>
                    <span>{describe(action) ?? 'An action that the server knows.'}</span>
                  </button>
                </li>
              ))}
            </ul>
          </section>
        ))}
        {found === 0 && <p className="muted picker-none">No action holds “{q}”.</p>}
      </div>
    </div>
  );
}
