import { useCallback, useEffect, useId, useMemo, useRef, useState } from 'react';
import { Segments } from '@/ui/segments';
import { Context, type FormContext } from './context';
import { Members } from './group';
import { JsonTab } from './json-tab';
import { at, pathId, pathText, set, type Path } from './path';
import { isPlain, label, type Plain, type Schema } from './schema';
import { byField, validate } from './validate';
import './ocpp-form.css';

type Tab = 'form' | 'json';

export interface SchemaFormProps {
  schema: Schema;
  value: Plain;
  onChange: (value: Plain) => void;
  /** Why the text of the JSON tab cannot be read; null while it can. */
  broken: string | null;
  onBroken: (broken: string | null) => void;
  /** Faults of all fields are shown, and summed up: somebody wanted to send it. */
  strict: boolean;
  suggest?: (name: string, path: Path) => readonly string[];
}

const nothing = () => [];
/** Faults that are listed; the others stand at their fields. */
const LISTED = 5;

/** A payload as a form made from its schema, and as JSON, which are two sights of the same value. */
export function SchemaForm({
  schema,
  value,
  onChange,
  broken,
  onBroken,
  strict,
  suggest = nothing,
}: SchemaFormProps) {
  const base = useId();
  const [tab, setTab] = useState<Tab>('form');
  const [touched, setTouched] = useState<ReadonlySet<string>>(new Set());
  const wanted = useRef<string | null>(null);
  const root = useRef<HTMLDivElement>(null);
  const faults = useMemo(() => validate(schema, value), [schema, value]);
  const messages = useMemo(() => byField(faults), [faults]);

  useEffect(() => {
    if (wanted.current === null) return;
    const target = document.getElementById(wanted.current);
    wanted.current = null;
    const field = target?.matches('input, select, textarea, button')
      ? target
      : target?.querySelector<HTMLElement>('input, select, textarea, button');
    field?.focus();
  });

  // Whoever wanted to send a payload with faults is led to the list of them.
  useEffect(() => {
    if (strict)
      root.current?.querySelector<HTMLElement>('[data-summary]')?.scrollIntoView({ block: 'nearest' });
  }, [strict]);

  const form = useMemo<FormContext>(
    () => ({
      base,
      change: (path, next) => {
        const changed = set(value, path, next);
        if (isPlain(changed)) onChange(changed);
      },
      faultOf: (path) => {
        const field = pathText(path);
        const message = messages.get(field);
        if (message === undefined) return null;
        const group = Array.isArray(at(value, path)) || isPlain(at(value, path));
        return strict || group || touched.has(field) ? message : null;
      },
      touch: (path) => {
        const field = pathText(path);
        // A field that was only passed through is not called wrong for being empty yet.
        if (at(value, path) != null) setTouched((before) => new Set(before).add(field));
      },
      suggest,
      focusNext: (path) => {
        wanted.current = pathId(base, path);
      },
    }),
    [base, value, onChange, messages, strict, touched, suggest],
  );

  const goTo = useCallback(
    (path: Path) => {
      // The nearest element there is: a field of a group that is not open has none of its own.
      for (let length = path.length; length >= 0; length--) {
        const target = document.getElementById(pathId(base, path.slice(0, length)));
        if (!target) continue;
        const input = target.matches('fieldset')
          ? target.querySelector<HTMLElement>('input, select, button')
          : target;
        (input ?? target).focus();
        target.scrollIntoView({ block: 'center' });
        return;
      }
    },
    [base],
  );

  return (
    <div className="sf" ref={root} id={pathId(base, [])}>
      <div className="sf-tabs">
        <Segments<Tab>
          label="Payload as"
          value={tab}
          onChange={setTab}
          options={[
            { value: 'form', label: 'Form' },
            { value: 'json', label: 'JSON' },
          ]}
        />
        <span className="hint">
          <span className="sf-required" aria-hidden="true">
            *
          </span>{' '}
          required
        </span>
      </div>
      {strict && faults.length > 0 && broken === null && (
        <div className="outcome sf-summary" data-summary data-tone="bad" role="alert">
          <strong>
            {faults.length === 1 ? 'One field needs a look' : `${faults.length} fields need a look`}
          </strong>
          <ul className="sf-faults">
            {faults.slice(0, LISTED).map((fault) => (
              <li key={`${pathText(fault.path)} ${fault.message}`}>
                <button
                  type="button"
                  className="link-button"
                  disabled={tab === 'json'}
                  onClick={() => goTo(fault.path)}
                >
                  {nameOf(fault.path)}
                </button>{' '}
                {fault.message}
              </li>
            ))}
            {faults.length > LISTED && <li>and {faults.length - LISTED} more</li>}
          </ul>
        </div>
      )}
      {tab === 'form' ? (
        <>
          {broken !== null && (
            <div className="outcome" data-tone="bad" role="alert">
              The JSON cannot be read ({broken}). The form shows what it was before.
            </div>
          )}
          <Context.Provider value={form}>
            <Members schema={schema} path={[]} value={value} />
          </Context.Provider>
        </>
      ) : (
        <JsonTab value={value} onChange={onChange} broken={broken} onBroken={onBroken} />
      )}
    </div>
  );
}

/** "Charging schedule 1 › Duration", as the labels of the form say it. */
function nameOf(path: Path): string {
  const words: string[] = [];
  for (const step of path) {
    if (typeof step === 'number') words.push(`${words.pop() ?? 'Entry'} ${step + 1}`);
    else words.push(label(step));
  }
  return words.join(' › ') || 'The payload';
}
