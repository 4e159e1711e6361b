import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { sceneQuery } from '@/api/queries';
import type { MessageSearch } from '@/app/url-state';
import { knownActions } from '@/ocpp-form/catalogue';
import { localText, rfc3339 } from '@/ocpp-form/texts';
import { Icon } from '@/ui/icons';
import { Segments } from '@/ui/segments';

type Change = (change: Partial<MessageSearch>) => void;

/** Typing asks the server once the fingers rest. */
const REST_MS = 350;

function Typed({
  label,
  icon,
  value,
  placeholder,
  list,
  mono = false,
  onChange,
}: {
  label: string;
  icon?: 'search';
  value: string;
  placeholder: string;
  list?: string;
  mono?: boolean;
  onChange: (value: string) => void;
}) {
  const [text, setText] = useState(value);
  const [from, setFrom] = useState(value);
  // The address changed by other means: a chip, a link, the way back.
  if (from !== value) {
    setFrom(value);
    setText(value);
  }
  useEffect(() => {
    if (text === value) return;
    const timer = setTimeout(() => onChange(text), REST_MS);
    return () => clearTimeout(timer);
  }, [text, value, onChange]);
  return (
    <label className={icon ? 'search-field' : 'msg-typed'}>
      <span className="visually-hidden">{label}</span>
      {icon && <Icon name={icon} size={14} />}
      <input
        className={mono ? 'input mono' : 'input'}
        type="search"
        placeholder={placeholder}
        list={list}
        autoComplete="off"
        spellCheck={false}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => event.key === 'Enter' && onChange(text)}
      />
    </label>
  );
}

const MINUTE_MS = 60_000;
const spans: readonly [string, number][] = [
  ['Last 15 minutes', 15],
  ['Last hour', 60],
  ['Last 24 hours', 24 * 60],
];

function TimeFilter({ search, onChange }: { search: MessageSearch; onChange: Change }) {
  const held = search.from !== undefined || search.to !== undefined;
  const choose = (value: string) => {
    if (value === 'any') return onChange({ from: undefined, to: undefined });
    const minutes = value === 'own' ? 60 : Number(value);
    const from = new Date(Date.now() - minutes * MINUTE_MS).toISOString().replace(/\.\d+Z$/, 'Z');
    onChange({ from, to: value === 'own' ? rfc3339(localText(new Date().toISOString()) ?? '') : undefined });
  };
  return (
    <>
      <label className="msg-select">
        <span className="visually-hidden">Time</span>
        <select
          className="input"
          value={held ? 'held' : 'any'}
          onChange={(event) => choose(event.target.value)}
        >
          <option value="any">Any time</option>
          {held && <option value="held">Since or between…</option>}
          {spans.map(([word, minutes]) => (
            <option key={minutes} value={minutes}>
              {word}
            </option>
          ))}
          <option value="own">Between two times…</option>
        </select>
      </label>
      {held && (
        <span className="msg-times">
          <input
            className="input num"
            type="datetime-local"
            aria-label="From"
            step={1}
            value={localText(search.from ?? '') ?? ''}
            onChange={(event) => onChange({ from: rfc3339(event.target.value) })}
          />
          <span className="faint">to</span>
          <input
            className="input num"
            type="datetime-local"
            aria-label="To"
            step={1}
            value={localText(search.to ?? '') ?? ''}
            onChange={(event) => onChange({ to: rfc3339(event.target.value) })}
          />
        </span>
      )}
    </>
  );
}

/** Everything that the log can be narrowed by; the address holds it all. */
export function MessageFilters({
  search,
  fixedStation,
  onChange,
}: {
  search: MessageSearch;
  /** The page is that of one station: there is nothing to choose. */
  fixedStation: boolean;
  onChange: Change;
}) {
  const [open, setOpen] = useState(false);
  const scene = useQuery({ ...sceneQuery, enabled: !fixedStation });
  const [typed] = useState(() => ({
    text: (value: string) => onChange({ q: value || undefined }),
    station: (value: string) => onChange({ station: value.trim() || undefined }),
    action: (value: string) => onChange({ action: value.trim() || undefined }),
  }));
  const set = (['station', 'action', 'kind', 'dir', 'outcome', 'q', 'id', 'from', 'to'] as const).filter(
    (key) => search[key] !== undefined && !(key === 'station' && fixedStation),
  );
  return (
    <div className="toolbar msg-filters" role="search" aria-label="Messages">
      <Typed
        label="Text in the message"
        icon="search"
        placeholder="Text anywhere in a message…"
        value={search.q ?? ''}
        onChange={typed.text}
      />
      <button type="button" className="btn msg-more" aria-expanded={open} onClick={() => setOpen(!open)}>
        <Icon name="filter" size={14} /> Filters{set.length > 0 && ` (${set.length})`}
      </button>
      <div className="msg-fields" data-open={open}>
        {!fixedStation && (
          <>
            <Typed
              label="Station"
              placeholder="Any station"
              list="msg-stations"
              value={search.station ?? ''}
              onChange={typed.station}
            />
            <datalist id="msg-stations">
              {scene.data?.stations.slice(0, 2_000).map((s) => (
                <option key={s.id} value={s.id}>
                  {s.name ?? s.id}
                </option>
              ))}
            </datalist>
          </>
        )}
        <Typed
          label="Action"
          placeholder="Any action"
          list="msg-actions"
          value={search.action ?? ''}
          onChange={typed.action}
        />
        <datalist id="msg-actions">
          {knownActions.map((action) => (
            <option key={action} value={action} />
          ))}
        </datalist>
        <Segments<'all' | 'in' | 'out'>
          label="Direction"
          value={search.dir ?? 'all'}
          onChange={(dir) => onChange({ dir: dir === 'all' ? undefined : dir })}
          options={[
            { value: 'all', label: 'Both ways' },
            { value: 'in', label: 'From' },
            { value: 'out', label: 'To' },
          ]}
        />
        <label className="msg-select">
          <span className="visually-hidden">Kind</span>
          <select
            className="input"
            value={search.kind ?? ''}
            onChange={(event) => onChange({ kind: event.target.value || undefined })}
          >
            <option value="">Any kind</option>
            <option value="call">Calls</option>
            <option value="result">Answers</option>
            <option value="error">Errors</option>
            <option value="send">Sends without answer</option>
            <option value="malformed">Unreadable</option>
          </select>
        </label>
        <label className="msg-select">
          <span className="visually-hidden">Outcome</span>
          <select
            className="input"
            value={search.outcome ?? ''}
            onChange={(event) => onChange({ outcome: event.target.value || undefined })}
          >
            <option value="">Good or bad</option>
            <option value="wrong">Only bad</option>
            <option value="ok">Only good</option>
            {search.outcome && !['ok', 'wrong'].includes(search.outcome) && (
              <option value={search.outcome}>{search.outcome}</option>
            )}
          </select>
        </label>
        <TimeFilter search={search} onChange={onChange} />
        {search.id !== undefined && (
          <span className="tag msg-id">
            Message id <span className="mono">{search.id}</span>
          </span>
        )}
      </div>
      {set.length > 0 && (
        <button
          type="button"
          className="btn btn-ghost btn-sm"
          onClick={() => onChange(Object.fromEntries(set.map((key) => [key, undefined])))}
        >
          <Icon name="close" size={12} /> Clear {set.length === 1 ? 'filter' : `${set.length} filters`}
        </button>
      )}
    </div>
  );
}
