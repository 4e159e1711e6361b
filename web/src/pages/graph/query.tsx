import { useMutation, useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { lazy, Suspense, useEffect, useMemo, useRef, useState } from 'react';
import { ApiError } from '@/api/client';
import { ask, modelsQuery, type Model } from '@/api/graph';
import type { AnswerRow } from '@/graph/answer';
import { Kinds } from '@/graph/kinds';
import { asOf, placeOf, withAsOf } from '@/graph/language';
import { age, dateTime, sentence } from '@/ui/format';
import { Icon } from '@/ui/icons';
import { Prose } from '@/ui/prose';
import { SkeletonBlock } from '@/ui/states';
import { useNow } from '@/ui/use-now';
import { GraphFrame } from './frame';
import { examples, useQueries } from './query-history';
import { QueryResult } from './query-result';

const QueryEditor = lazy(() => import('./query-editor').then((m) => ({ default: m.QueryEditor })));

const route = getRouteApi('/shell/graph/query');
const none = new Kinds<Model>([]);

interface Given {
  rows: AnswerRow[];
  token: string | null;
  charge: number | null;
  took: number;
}

/** Asks page by page; a query that is no longer wanted is given up. */
function useAsking() {
  const stop = useRef<AbortController | null>(null);
  const [given, setGiven] = useState<Given | null>(null);
  const remember = useQueries((s) => s.remember);
  const first = useMutation({
    mutationFn: async (text: string) => {
      stop.current?.abort();
      stop.current = new AbortController();
      const begun = performance.now();
      const answer = await ask({ query: text }, stop.current.signal);
      return { ...answer, took: performance.now() - begun };
    },
    onSuccess: (answer, text) => {
      setGiven(answer);
      remember(text);
    },
    onError: () => setGiven(null),
  });
  const next = useMutation({
    mutationFn: (token: string) => ask({ continuationToken: token }, new AbortController().signal),
    onSuccess: (answer) =>
      setGiven(
        (before) =>
          before && {
            ...before,
            rows: [...before.rows, ...answer.rows],
            token: answer.token,
            charge: before.charge === null || answer.charge === null ? null : before.charge + answer.charge,
          },
      ),
  });
  return { given, first, next, stop: () => stop.current?.abort() };
}

function titleOf(error: Error): string {
  if (!(error instanceof ApiError)) return 'It was not answered';
  return error.problem.title === 'SqlQueryError'
    ? 'The query has a mistake'
    : (error.problem.title ?? 'It was not answered');
}

/** A moment of the past as a field has it, in local time. */
function localTime(instant: string | null): string {
  if (instant === null || Number.isNaN(Date.parse(instant))) return '';
  const d = new Date(instant);
  return new Date(d.getTime() - d.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

function Moment({ text, onChange }: { text: string; onChange: (text: string) => void }) {
  const moment = asOf(text);
  return (
    <span className="query-moment">
      <label htmlFor="query-as-of">As of</label>
      <input
        id="query-as-of"
        className="input"
        type="datetime-local"
        max={localTime(new Date().toISOString())}
        value={localTime(moment)}
        onChange={(e) => {
          const at = e.target.value;
          onChange(withAsOf(text, at === '' ? null : new Date(at).toISOString().replace('.000Z', 'Z')));
        }}
      />
      {moment !== null && (
        <button type="button" className="btn btn-sm" onClick={() => onChange(withAsOf(text, null))}>
          Now
        </button>
      )}
    </span>
  );
}

function Side({ onUse }: { onUse: (text: string) => void }) {
  const { asked, forget } = useQueries();
  const now = useNow();
  return (
    <aside className="stack">
      <section className="panel" aria-labelledby="query-asked">
        <header className="panel-head">
          <h2 id="query-asked">Asked before</h2>
          {asked.length > 0 && (
            <button type="button" className="btn btn-ghost btn-sm" onClick={forget}>
              Clear
            </button>
          )}
        </header>
        {asked.length === 0 ? (
          <p className="muted panel-body">What you ask is kept here, in this browser, until you sign out.</p>
        ) : (
          <ul className="query-list">
            {asked.map((a) => (
              <li key={a.text}>
                <button
                  type="button"
                  onClick={() => onUse(a.text)}
                  title={dateTime(new Date(a.at).toISOString())}
                >
                  <code>{a.text}</code>
                  <span className="faint num">{age(now - a.at)}</span>
                </button>
              </li>
            ))}
          </ul>
        )}
      </section>
      <section className="panel" aria-labelledby="query-examples">
        <header className="panel-head">
          <h2 id="query-examples">Examples</h2>
        </header>
        <ul className="query-list">
          {examples.map((e) => (
            <li key={e.title}>
              <button type="button" onClick={() => onUse(e.text)}>
                <span>{e.title}</span>
              </button>
            </li>
          ))}
        </ul>
      </section>
    </aside>
  );
}

/** Asks the graph in the language of Azure Digital Twins and what it has beyond. */
export function QueryPage() {
  const search = route.useSearch();
  const navigate = useNavigate({ from: '/graph/query' });
  const { text, write } = useQueries();
  const models = useQuery(modelsQuery);
  const kinds = models.data ?? none;
  const { given, first, next, stop } = useAsking();
  const [asked, setAsked] = useState('');
  const fromLink = useRef(search.text);
  useEffect(() => {
    if (fromLink.current !== undefined) write(fromLink.current);
  }, [write]);
  const run = () => {
    const query = text.trim();
    if (query === '') return;
    setAsked(text);
    void navigate({ search: { text }, replace: true });
    first.mutate(text);
  };
  const error = first.error && first.error.name !== 'AbortError' ? first.error : null;
  const place = useMemo(
    () => (error && asked === text ? placeOf(error.message, asked) : null),
    [error, asked, text],
  );
  return (
    <GraphFrame
      title="Query"
      text="Ask the graph in the query language of Azure Digital Twins, and beyond it."
    >
      <div className="query-body">
        <div className="stack">
          <section className="panel query-panel" aria-label="Query">
            <Suspense fallback={<SkeletonBlock lines={4} />}>
              <QueryEditor
                value={text}
                onChange={write}
                onRun={run}
                kinds={kinds}
                problem={place}
                label="Query. Ctrl Enter runs it; Escape then Tab leaves the editor."
              />
            </Suspense>
            <div className="panel-foot">
              {first.isPending ? (
                <button type="button" className="btn" onClick={stop}>
                  <Icon name="stop" size={13} /> Stop
                </button>
              ) : (
                <button type="button" className="btn btn-primary" onClick={run} disabled={text.trim() === ''}>
                  <Icon name="play" size={13} /> Run
                </button>
              )}
              <span className="faint wide-only">
                <span className="kbd">Ctrl</span> <span className="kbd">Enter</span>
              </span>
              <Moment text={text} onChange={write} />
            </div>
          </section>
          {error && (
            <div className="outcome" data-tone="bad" role="alert">
              <strong>{titleOf(error)}</strong>
              <span>
                <Prose text={sentence(error.message)} />
              </span>
            </div>
          )}
          {given ? (
            <QueryResult
              rows={given.rows}
              kinds={kinds}
              took={given.took}
              charge={given.charge}
              more={given.token === null ? null : () => given.token !== null && next.mutate(given.token)}
              loadingMore={next.isPending}
            />
          ) : first.isPending ? (
            <section className="panel">
              <SkeletonBlock lines={6} />
            </section>
          ) : null}
          {next.error && (
            <div className="outcome" data-tone="bad" role="alert">
              <span>
                <Prose text={sentence(next.error.message)} />
              </span>
            </div>
          )}
        </div>
        <Side onUse={write} />
      </div>
    </GraphFrame>
  );
}
