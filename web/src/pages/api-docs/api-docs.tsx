import { useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { openApiQuery } from '@/api/queries';
import { Icon } from '@/ui/icons';
import { Prose } from '@/ui/prose';
import { EmptyState, ErrorState, SkeletonBlock } from '@/ui/states';
import { readOpenApi, typeWords, type Api, type Operation } from './openapi';
import { SchemaView } from './schema-view';
import { TryIt } from './try-it';
import './api-docs.css';

function Method({ method }: { method: string }) {
  return (
    <span className="method" data-method={method}>
      {method}
    </span>
  );
}

function OperationView({ operation: op, api }: { operation: Operation; api: Api }) {
  return (
    <article className="panel operation" aria-labelledby="operation-title">
      <header className="operation-head">
        <h2 id="operation-title">
          <Prose text={op.summary} />
        </h2>
        <p className="operation-path">
          <Method method={op.method} /> <code className="mono">{op.path}</code>
        </p>
        {op.description && op.description !== op.summary && (
          <p className="muted">
            <Prose text={op.description} />
          </p>
        )}
      </header>
      {op.parameters.length > 0 && (
        <section>
          <h3>Parameters</h3>
          <ul className="schema">
            {op.parameters.map((p) => (
              <li key={`${p.in} ${p.name}`}>
                <div className="schema-line">
                  <code className="mono schema-name">{p.name}</code>
                  <code className="mono schema-type">{typeWords(p.schema)}</code>
                  <span className="tag">{p.in}</span>
                  {p.required && <span className="tag">required</span>}
                </div>
                {p.description && (
                  <p className="schema-text">
                    <Prose text={p.description} />
                  </p>
                )}
              </li>
            ))}
          </ul>
        </section>
      )}
      {op.body && (
        <section>
          <h3>
            Body <code className="mono schema-type">{typeWords(op.body.schema)}</code>
          </h3>
          <SchemaView schema={op.body.schema} schemas={api.schemas} />
        </section>
      )}
      <section>
        <h3>Answers</h3>
        <ul className="answers">
          {op.responses.map((r) => (
            <li key={r.status}>
              {r.schema ? (
                <details>
                  <summary>
                    <span className="tag" data-tone={r.status.startsWith('2') ? 'good' : undefined}>
                      {r.status}
                    </span>
                    <span>
                      <Prose text={r.description} />
                    </span>
                    <code className="mono schema-type">{typeWords(r.schema)}</code>
                  </summary>
                  <SchemaView schema={r.schema} schemas={api.schemas} />
                </details>
              ) : (
                <div className="schema-line">
                  <span className="tag" data-tone={r.status.startsWith('2') ? 'good' : undefined}>
                    {r.status}
                  </span>
                  <span>
                    <Prose text={r.description} />
                  </span>
                </div>
              )}
            </li>
          ))}
        </ul>
      </section>
      <section>
        <h3>Try it</h3>
        <TryIt key={op.id} operation={op} schemas={api.schemas} />
      </section>
    </article>
  );
}

function matches(op: Operation, text: string): boolean {
  return [op.path, op.summary, op.method, op.id, op.tag].some((v) => v.toLowerCase().includes(text));
}

function Reference({ api }: { api: Api }) {
  const all = useMemo(() => api.tags.flatMap((tag) => tag.operations), [api]);
  const [id, setId] = useState(all[0]?.id ?? '');
  const [filter, setFilter] = useState('');
  const text = filter.trim().toLowerCase();
  const current = all.find((op) => op.id === id) ?? all[0];
  return (
    <div className="api-docs">
      <nav className="panel api-list" aria-label="Operations of the API">
        <label className="search-field">
          <span className="visually-hidden">Filter operations</span>
          <Icon name="filter" size={14} />
          <input
            className="input"
            type="search"
            placeholder="Filter operations…"
            value={filter}
            onChange={(e) => setFilter(e.target.value)}
          />
        </label>
        <div className="api-groups">
          {api.tags.map((tag) => {
            const operations = tag.operations.filter((op) => text === '' || matches(op, text));
            if (operations.length === 0) return null;
            return (
              <section key={tag.name}>
                <h2>{tag.name}</h2>
                <ul>
                  {operations.map((op) => (
                    <li key={op.id}>
                      <button
                        type="button"
                        aria-current={op.id === current?.id ? 'true' : undefined}
                        onClick={() => setId(op.id)}
                        title={op.summary}
                      >
                        <Method method={op.method} />
                        <span className="mono">{op.path.replace(/^\/api\/v1/, '')}</span>
                      </button>
                    </li>
                  ))}
                </ul>
              </section>
            );
          })}
        </div>
      </nav>
      {current && <OperationView key={current.id} operation={current} api={api} />}
    </div>
  );
}

/** The API as the server describes itself, with the page's own session to try it. */
export function ApiDocsPage() {
  const query = useQuery(openApiQuery);
  const api = useMemo(() => (query.data === undefined ? null : readOpenApi(query.data)), [query.data]);
  return (
    <div className="page">
      <header className="page-head">
        <div className="titles">
          <h1>API</h1>
          <p>
            {api
              ? `${api.title} ${api.version}: ${api.tags.reduce((n, t) => n + t.operations.length, 0)} operations.`
              : 'Everything this page does goes through it.'}
          </p>
        </div>
        <a className="btn" href="/api/v1/openapi.json">
          OpenAPI document
        </a>
      </header>
      {query.isError ? (
        <ErrorState error={query.error} retry={() => void query.refetch()} what="The API description" />
      ) : api === null ? (
        <SkeletonBlock lines={10} />
      ) : api.tags.length === 0 ? (
        <EmptyState icon="api" title="The description lists no operation" />
      ) : (
        <Reference api={api} />
      )}
    </div>
  );
}
