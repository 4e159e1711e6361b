import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useMemo } from 'react';
import { modelsQuery, twinsQuery, type Model } from '@/api/graph';
import { useList } from '@/api/use-list';
import { usePreferences } from '@/app/preferences';
import { shortName, versionOf, type ContentKind } from '@/graph/dtdl';
import type { Inherited, Kinds } from '@/graph/kinds';
import { looksOf, type Look } from '@/graph/look';
import { CopyButton } from '@/ui/copy-button';
import { FilterField } from '@/ui/filter-field';
import { dateTime, plural } from '@/ui/format';
import { Json } from '@/ui/json';
import { EmptyState, ErrorState, SkeletonBlock } from '@/ui/states';
import { DataTable, type Column } from '@/ui/table';
import { GraphFrame } from './frame';
import { ImportAction } from './import-dialog';
import { KindSign } from './kind-sign';

const route = getRouteApi('/shell/graph/models');

function KindLink({ id, kinds }: { id: string; kinds: Kinds<Model> }) {
  return kinds.get(id) ? (
    <Link to="/graph/models" search={(s) => ({ ...s, id })} title={id}>
      {kinds.label(id)}
    </Link>
  ) : (
    <code title={id}>{shortName(id)}</code>
  );
}

function Tree({
  kinds,
  look,
  q,
  current,
}: {
  kinds: Kinds<Model>;
  look: (model: string) => Look;
  q: string;
  current: string | undefined;
}) {
  const theme = usePreferences((s) => s.theme);
  const lines = useMemo(() => {
    const all = kinds.tree();
    if (q === '') return all;
    // A filtered list has no tree left to show.
    const seen = new Set<string>();
    return all
      .filter(
        ({ id }) => `${id} ${kinds.label(id)}`.toLowerCase().includes(q) && !seen.has(id) && seen.add(id),
      )
      .map((line) => ({ ...line, depth: 0 }));
  }, [kinds, q]);
  if (lines.length === 0) return <EmptyState icon="filter" title="No kind matches" />;
  return (
    <ul className="kind-tree" aria-label="Kinds of twin">
      {lines.map(({ id, depth, key }) => (
        <li key={key}>
          <Link
            to="/graph/models"
            search={(s) => ({ ...s, id })}
            className="kind-line"
            style={{ paddingInlineStart: `${0.75 + depth * 1.1}rem` }}
            data-current={id === current}
          >
            <KindSign look={look(id)} theme={theme} />
            <span className="truncate">{kinds.label(id)}</span>
            {kinds.get(id)?.decommissioned && <span className="tag">retired</span>}
          </Link>
        </li>
      ))}
    </ul>
  );
}

const sections: readonly { kind: ContentKind; title: string; none: string }[] = [
  { kind: 'Property', title: 'Properties', none: 'It has no property.' },
  { kind: 'Telemetry', title: 'Telemetry', none: '' },
  { kind: 'Relationship', title: 'Relationships', none: '' },
  { kind: 'Component', title: 'Components', none: '' },
  { kind: 'Command', title: 'Commands', none: '' },
];

function Contents({ kind, kinds }: { kind: Model; kinds: Kinds<Model> }) {
  const contents = useMemo(() => kinds.contents(kind.id), [kind.id, kinds]);
  const columns = useMemo(
    (): readonly Column<Inherited>[] => [
      {
        key: 'name',
        label: 'Name',
        sort: (c) => c.name,
        cell: (c) => (
          <>
            <code>{c.name}</code>
            {c.label && <span className="sub table-sub">{c.label}</span>}
          </>
        ),
      },
      {
        key: 'type',
        label: 'Type',
        sort: (c) => c.type,
        cell: (c) =>
          c.kind === 'Relationship' || c.kind === 'Component' ? (
            <>
              {c.target === null ? 'any kind' : <KindLink id={c.target} kinds={kinds} />}
              {c.most !== null && <span className="sub"> at most {c.most}</span>}
            </>
          ) : (
            <>
              <code title={c.words.join(', ')}>{c.type}</code>
              {c.unit && <span className="sub"> {c.unit}</span>}
              {c.words.length > 0 && <span className="sub table-sub wraps">{c.words.join(', ')}</span>}
            </>
          ),
      },
      {
        key: 'from',
        label: 'From',
        wide: true,
        sort: (c) => c.from,
        cell: (c) =>
          c.from === null ? <span className="faint">itself</span> : <KindLink id={c.from} kinds={kinds} />,
      },
      {
        key: 'text',
        label: 'What it is',
        wide: true,
        cell: (c) => <span className="muted wraps">{c.description}</span>,
      },
    ],
    [kinds],
  );
  return sections.map(({ kind: of, title, none }) => {
    const rows = contents.filter((c) => c.kind === of);
    if (rows.length === 0 && none === '') return null;
    return (
      <section key={of} className="panel" aria-label={title}>
        <header className="panel-head">
          <h2>{title}</h2>
          <span className="aside">{rows.length}</span>
        </header>
        <DataTable
          caption={`${title} of ${kind.label}`}
          columns={columns}
          rows={rows}
          rowKey={(c) => c.name}
          empty={<EmptyState title={none} />}
        />
      </section>
    );
  });
}

/** How many twins are of it; the server's pages are counted, up to a bound. */
function Population({ id }: { id: string }) {
  const { rows, more } = useList(twinsQuery(id));
  return (
    <Link to="/graph" search={{ model: id }} className="btn">
      {rows ? `${plural(rows.length, 'twin')}${more ? ' and more' : ''}` : 'Twins'}
    </Link>
  );
}

function Detail({ kind, kinds }: { kind: Model; kinds: Kinds<Model> }) {
  const line = kinds.line(kind.id).slice(1);
  const uses = kinds.uses(kind.id);
  return (
    <div className="stack">
      <section className="panel" aria-label={kind.label}>
        <header className="panel-head">
          <h2>{kind.label}</h2>
          <span className="tag">version {versionOf(kind.id) || 'none'}</span>
          {kind.decommissioned && (
            <span className="tag" data-tone="warn">
              retired
            </span>
          )}
          <Population id={kind.id} />
        </header>
        <div className="panel-body stack">
          {kind.description && <p>{kind.description}</p>}
          <dl className="facts">
            <div className="kind-dtmi">
              <dt>DTMI</dt>
              <dd>
                <code>{kind.id}</code>
              </dd>
            </div>
            <div>
              <dt>Is a</dt>
              <dd className="kind-links">
                {line.length === 0
                  ? 'kind of its own'
                  : line.map((id) => <KindLink key={id} id={id} kinds={kinds} />)}
              </dd>
            </div>
            <div>
              <dt>Extended by</dt>
              <dd className="kind-links">
                {kinds.children(kind.id).length === 0
                  ? 'none'
                  : kinds.children(kind.id).map((id) => <KindLink key={id} id={id} kinds={kinds} />)}
              </dd>
            </div>
            <div>
              <dt>Used by</dt>
              <dd className="kind-links">
                {uses.length === 0
                  ? 'none'
                  : uses.map((use) => (
                      <span key={`${use.kind} ${use.name}`}>
                        <KindLink id={use.kind} kinds={kinds} /> <code>{use.name}</code>
                      </span>
                    ))}
              </dd>
            </div>
            <div>
              <dt>Came</dt>
              <dd>{kind.uploaded === null ? 'Built in' : dateTime(kind.uploaded, true)}</dd>
            </div>
          </dl>
        </div>
      </section>
      <Contents kind={kind} kinds={kinds} />
      <section className="panel" aria-label="DTDL">
        <header className="panel-head">
          <h2>DTDL</h2>
          <CopyButton text={() => JSON.stringify(kind.document, null, 2)} label="Copy the DTDL" />
        </header>
        <Json value={kind.document} label={`DTDL of ${kind.label}`} />
      </section>
    </div>
  );
}

/** The kinds of twin: what each has, what it inherits, and where it is used. */
export function ModelsPage() {
  const search = route.useSearch();
  const navigate = useNavigate({ from: '/graph/models' });
  const query = useQuery(modelsQuery);
  const kinds = query.data;
  const look = useMemo(() => (kinds ? looksOf(kinds) : null), [kinds]);
  const kind = kinds?.get(search.id ?? '') ?? (search.id === undefined ? kinds?.all[0] : undefined);
  return (
    <GraphFrame
      title="Kinds of twin"
      text="What a twin of each kind has, in DTDL: what it inherits, and where it is used."
      actions={<ImportAction />}
    >
      {query.error && !kinds ? (
        <section className="panel">
          <ErrorState error={query.error} retry={() => void query.refetch()} what="The models" />
        </section>
      ) : !kinds || !look ? (
        <SkeletonBlock lines={8} />
      ) : (
        <div className="models-body">
          <section className="panel models-side" aria-label="All kinds">
            <div className="panel-body">
              <FilterField
                label="Filter kinds"
                placeholder="Filter kinds…"
                value={search.q}
                onChange={(text) => void navigate({ search: (s) => ({ ...s, q: text }), replace: true })}
              />
            </div>
            <Tree kinds={kinds} look={look} q={(search.q ?? '').trim().toLowerCase()} current={kind?.id} />
          </section>
          {kind ? (
            <Detail key={kind.id} kind={kind} kinds={kinds} />
          ) : (
            <section className="panel">
              <EmptyState icon="search" title="There is no such kind">
                {search.id}
              </EmptyState>
            </section>
          )}
        </div>
      )}
    </GraphFrame>
  );
}
