import { useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { lazy, Suspense, useCallback, useMemo, useState } from 'react';
import { modelsQuery, twinsQuery } from '@/api/graph';
import type { Twin } from '@/api/types';
import { useList } from '@/api/use-list';
import { usePreferences } from '@/app/preferences';
import type { GraphSearch } from '@/app/url-state';
import { shortName } from '@/graph/dtdl';
import { Kinds } from '@/graph/kinds';
import { looksOf } from '@/graph/look';
import { labelOf } from '@/graph/net';
import { useFollowed } from '@/live';
import { FilterField } from '@/ui/filter-field';
import { age, count, instant, plural } from '@/ui/format';
import { StatusBadge } from '@/ui/glyph';
import { Segments } from '@/ui/segments';
import { EmptyState, ErrorState, SkeletonBlock } from '@/ui/states';
import { DataTable, type Column } from '@/ui/table';
import { useMedia } from '@/ui/use-media';
import { useNow } from '@/ui/use-now';
import { hasWebGl } from '@/ui/webgl';
import { GraphFrame } from './frame';
import { ImportAction } from './import-dialog';
import { KindSign } from './kind-sign';
import { TwinPanel } from './twin-panel';
import { MOST, useNet } from './use-net';

const GraphScene = lazy(() => import('@/scene/graph-scene').then((m) => ({ default: m.GraphScene })));

const route = getRouteApi('/shell/graph');
const REFRESH_MS = 30_000;
/** Twins that the stream follows closely at once. */
const FOLLOWED = 63;

const none = new Kinds([]);
const nothing: ReadonlySet<string> = new Set();

function Age({ at }: { at: string }) {
  const now = useNow();
  const ms = instant(at);
  return <span className="num muted">{ms === null ? '–' : age(now - ms)}</span>;
}

function matches(twin: Twin, q: string): boolean {
  return (
    twin.id.toLowerCase().includes(q) ||
    Object.values(twin.properties).some((v) => typeof v === 'string' && v.toLowerCase().includes(q))
  );
}

/** Every twin there is: as a list, and as the graph that they form. */
export function ExplorerPage() {
  const search = route.useSearch();
  const navigate = useNavigate({ from: '/graph' });
  const theme = usePreferences((s) => s.theme);
  const roomy = useMedia('(min-width: 1024px)');
  const models = useQuery(modelsQuery);
  const kinds = models.data ?? none;
  const look = useMemo(() => looksOf(kinds), [kinds]);
  const list = useList(twinsQuery(search.model), REFRESH_MS);
  const [opened, setOpened] = useState<readonly string[] | null>(null);
  const [hidden, setHidden] = useState<ReadonlySet<string>>(nothing);
  const [flat, setFlat] = useState(false);
  const [fit, setFit] = useState(0);
  const view = search.view ?? (roomy && hasWebGl() ? 'graph' : 'list');
  const chosen = search.twin ?? null;
  const q = (search.q ?? '').trim().toLowerCase();
  const rows = useMemo(
    () => (q === '' ? list.rows : list.rows?.filter((t) => matches(t, q))),
    [list.rows, q],
  );
  const { net, left, twins } = useNet(rows, opened, hidden);
  const change = useCallback(
    (part: Partial<GraphSearch>) => void navigate({ search: (s) => ({ ...s, ...part }), replace: true }),
    [navigate],
  );
  const choose = useCallback((id: string | null) => change({ twin: id ?? undefined }), [change]);
  const openAround = useCallback(
    (id: string) => {
      setOpened((before) => [...new Set([...(before ?? []), id])]);
      setFit((n) => n + 1);
      change({ twin: id, view: roomy ? undefined : 'graph' });
    },
    [change, roomy],
  );
  const labels = (id: string) => {
    const twin = twins.get(id);
    return twin ? labelOf(twin) : id;
  };
  // Their values pulse in the picture as they come.
  useFollowed(
    useMemo(() => (view === 'graph' ? net.nodes.slice(0, FOLLOWED).map((n) => n.id) : []), [view, net]),
  );

  const byKind = useMemo(() => {
    const counts = new Map<string, number>();
    for (const { model } of [...net.nodes, ...[...hidden].map((m) => ({ model: m }))])
      if (model !== null) counts.set(model, (counts.get(model) ?? 0) + (hidden.has(model) ? 0 : 1));
    return [...counts].sort((a, b) => b[1] - a[1]);
  }, [net, hidden]);
  const columns = useMemo(
    (): readonly Column<Twin>[] => [
      {
        key: 'id',
        label: 'Twin',
        sort: (t) => t.id,
        cell: (t) => (
          <>
            <strong>{labelOf(t)}</strong>
            {labelOf(t) !== t.id && <span className="sub table-sub">{t.id}</span>}
          </>
        ),
      },
      {
        key: 'kind',
        label: 'Kind',
        sort: (t) => kinds.label(t.model),
        cell: (t) => (
          <span className="kind-name">
            <KindSign look={look(t.model)} theme={theme} /> {kinds.label(t.model)}
          </span>
        ),
      },
      {
        key: 'status',
        label: 'Status',
        wide: true,
        sort: (t) => String(t.properties.status ?? ''),
        cell: (t) =>
          typeof t.properties.status === 'string' ? (
            <StatusBadge status={t.properties.status} quiet />
          ) : (
            <span className="faint">–</span>
          ),
      },
      {
        key: 'related',
        label: 'Related',
        align: 'right',
        sort: (t) => t.relationships.length + t.incoming.length,
        cell: (t) => count(t.relationships.length + t.incoming.length),
      },
      {
        key: 'at',
        label: 'Changed',
        align: 'right',
        wide: true,
        sort: (t) => instant(t.updated_at),
        cell: (t) => <Age at={t.updated_at} />,
      },
    ],
    [kinds, look, theme],
  );
  const problem = list.error ?? models.error;
  return (
    <GraphFrame
      title="Twin graph"
      text="Everything there is, what kind it is, and what it is related to."
      actions={<ImportAction />}
      fill
    >
      <div className="toolbar">
        <FilterField
          label="Filter twins"
          placeholder="Filter by id, name, any text…"
          value={search.q}
          onChange={(text) => change({ q: text })}
        />
        <select
          className="input graph-kind"
          aria-label="Kind"
          value={search.model ?? ''}
          onChange={(e) => change({ model: e.target.value || undefined })}
        >
          <option value="">Every kind</option>
          {kinds.all.map((kind) => (
            <option key={kind.id} value={kind.id}>
              {kind.label}
            </option>
          ))}
        </select>
        <Segments<'graph' | 'list'>
          label="View"
          value={view}
          options={[
            { value: 'graph', label: 'Graph' },
            { value: 'list', label: 'List' },
          ]}
          onChange={(value) => change({ view: value })}
        />
        <span className="tally">
          {rows ? `${plural(rows.length, 'twin')}${list.more ? ' read, there are more' : ''}` : ''}
        </span>
      </div>
      <div className="graph-body" data-chosen={chosen !== null}>
        {problem ? (
          <section className="panel">
            <ErrorState
              error={problem}
              retry={() => {
                list.retry();
                void models.refetch();
              }}
              what="The graph"
            />
          </section>
        ) : view === 'list' ? (
          <section className="panel graph-main" aria-label="Twins">
            <DataTable
              caption="Twins with their kind and relationships"
              columns={columns}
              rows={rows}
              rowKey={(t) => t.id}
              initialSort={{ key: 'id', dir: 'asc' }}
              onOpen={(t) => choose(t.id)}
              isSelected={(t) => t.id === chosen}
              max={1_000}
              empty={
                <EmptyState icon={q ? 'filter' : 'graph'} title={q ? 'No twin matches' : 'No twins yet'}>
                  {q ? 'Change the filter to see others.' : 'Stations and vehicles appear here as they come.'}
                </EmptyState>
              }
              foot={
                list.more && (
                  <button
                    type="button"
                    className="btn btn-sm"
                    onClick={list.more}
                    disabled={list.loadingMore}
                  >
                    Load more
                  </button>
                )
              }
            />
          </section>
        ) : (
          <section className="panel graph-main graph-stage" aria-label="Graph of twins">
            {!list.rows ? (
              <SkeletonBlock lines={6} />
            ) : net.nodes.length === 0 && hidden.size === 0 ? (
              <EmptyState icon={q ? 'filter' : 'graph'} title={q ? 'No twin matches' : 'No twins yet'} />
            ) : (
              <>
                <Suspense fallback={<SkeletonBlock lines={6} />}>
                  <GraphScene
                    net={net}
                    look={look}
                    theme={theme}
                    chosen={chosen}
                    flat={flat}
                    fit={fit}
                    onChoose={choose}
                    onOpen={openAround}
                    label={`${plural(net.nodes.length, 'twin')} and ${plural(net.edges.length, 'relationship')} in space. The list shows the same twins.`}
                    tip={(id) => {
                      const twin = twins.get(id);
                      return [
                        labels(id),
                        twin ? kinds.label(twin.model) : 'Not read yet',
                        typeof twin?.properties.status === 'string' ? twin.properties.status : '',
                      ]
                        .filter(Boolean)
                        .join('\n');
                    }}
                  />
                </Suspense>
                <ul className="graph-legend" aria-label="Kinds">
                  {byKind.map(([model, n]) => (
                    <li key={model}>
                      <button
                        type="button"
                        aria-pressed={!hidden.has(model)}
                        onClick={() =>
                          setHidden((before) => {
                            const next = new Set(before);
                            if (!next.delete(model)) next.add(model);
                            return next;
                          })
                        }
                      >
                        <KindSign look={look(model)} theme={theme} />
                        {kinds.get(model)?.label ?? shortName(model)}
                        <span className="num faint">{hidden.has(model) ? 'hidden' : n}</span>
                      </button>
                    </li>
                  ))}
                </ul>
                <div className="graph-tools">
                  {opened !== null && (
                    <button
                      type="button"
                      className="btn btn-sm"
                      onClick={() => {
                        setOpened(null);
                        setFit(fit + 1);
                      }}
                    >
                      Show all
                    </button>
                  )}
                  <button
                    type="button"
                    className="btn btn-sm"
                    aria-pressed={flat}
                    onClick={() => setFlat(!flat)}
                  >
                    {flat ? 'In space' : 'In a plane'}
                  </button>
                  <button type="button" className="btn btn-sm" onClick={() => setFit(fit + 1)}>
                    Fit
                  </button>
                </div>
                {left > 0 && (
                  <p className="graph-note" role="status">
                    The first {MOST} are drawn; filter, choose a kind, or open the neighbours of one to see
                    others.
                  </p>
                )}
              </>
            )}
          </section>
        )}
        {chosen !== null && (
          <TwinPanel
            key={chosen}
            id={chosen}
            kinds={models.data}
            labels={labels}
            onOpen={choose}
            onAround={openAround}
            onClose={() => choose(null)}
          />
        )}
      </div>
    </GraphFrame>
  );
}
