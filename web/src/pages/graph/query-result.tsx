import { lazy, Suspense, useMemo, useState } from 'react';
import { Link, useNavigate } from '@tanstack/react-router';
import type { Model } from '@/api/graph';
import { usePreferences } from '@/app/preferences';
import { answerCsv, cellText, columnsOf, graphIn, type AnswerRow } from '@/graph/answer';
import type { Kinds } from '@/graph/kinds';
import { looksOf } from '@/graph/look';
import { labelOf, netOf } from '@/graph/net';
import { count, plural } from '@/ui/format';
import { Icon } from '@/ui/icons';
import { Json } from '@/ui/json';
import { saveFile } from '@/ui/save-file';
import { Segments } from '@/ui/segments';
import { EmptyState, SkeletonBlock } from '@/ui/states';
import { DataTable, type Column } from '@/ui/table';
import { useRead } from './use-net';

const GraphScene = lazy(() => import('@/scene/graph-scene').then((m) => ({ default: m.GraphScene })));

/** Columns beside each other; a whole twin has more than fit. */
const MOST_COLUMNS = 12;
const SHORT = 48;

function Cell({ value, column }: { value: unknown; column: string }) {
  const text = cellText(value);
  if (column === '$dtId' || (typeof value === 'object' && value !== null && '$dtId' in value))
    return (
      <Link to="/graph" search={{ twin: text }} className="mono">
        {text}
      </Link>
    );
  if (typeof value === 'object' && value !== null)
    return (
      <details>
        <summary className="muted">{text.length > SHORT ? `${text.slice(0, SHORT)}…` : text}</summary>
        <Json value={value} label={column} />
      </details>
    );
  if (value === undefined) return <span className="faint">–</span>;
  return (
    <span title={text.length > SHORT ? text : undefined}>
      {text.length > SHORT ? `${text.slice(0, SHORT)}…` : text}
    </span>
  );
}

function ResultTable({ rows }: { rows: readonly AnswerRow[] }) {
  const names = useMemo(() => columnsOf(rows), [rows]);
  const numbered = useMemo(() => rows.map((row, i) => ({ row, i })), [rows]);
  const columns = useMemo(
    () =>
      names.slice(0, MOST_COLUMNS).map((name, i): Column<{ row: AnswerRow; i: number }> => {
        const numbers = rows.every((r) => r[name] === undefined || typeof r[name] === 'number');
        return {
          key: name,
          label: name,
          wide: i >= 3,
          ...(numbers ? { align: 'right' as const } : {}),
          sort: ({ row }) =>
            typeof row[name] === 'number' ? row[name] : row[name] === undefined ? null : cellText(row[name]),
          cell: ({ row }) => <Cell value={row[name]} column={name} />,
        };
      }),
    [names, rows],
  );
  return (
    <DataTable
      caption="Rows of the answer"
      columns={columns}
      rows={numbered}
      rowKey={({ i }) => String(i)}
      max={2_000}
      empty={
        <EmptyState icon="check" title="No row matches">
          The query is right, and nothing answers to it.
        </EmptyState>
      }
      foot={
        names.length > MOST_COLUMNS && (
          <span>
            {names.length - MOST_COLUMNS} more columns are in the files:{' '}
            {names.slice(MOST_COLUMNS).join(', ')}
          </span>
        )
      }
    />
  );
}

function ResultGraph({ rows, kinds }: { rows: readonly AnswerRow[]; kinds: Kinds<Model> }) {
  const theme = usePreferences((s) => s.theme);
  const navigate = useNavigate();
  const look = useMemo(() => looksOf(kinds), [kinds]);
  const found = useMemo(() => graphIn(rows), [rows]);
  const ids = useMemo(
    () => [...new Set([...found.twins.keys(), ...found.edges.flatMap((e) => [e.source, e.target])])],
    [found],
  );
  // An answer rarely holds relationships: those among its twins are read.
  const read = useRead(ids);
  const net = useMemo(() => {
    const made = netOf(new Map([...found.twins, ...read]), new Set(ids));
    const drawn = new Set(made.edges.map((e) => `${e.source}\n${e.name}\n${e.target}`));
    return {
      nodes: made.nodes,
      edges: [...made.edges, ...found.edges.filter((e) => !drawn.has(`${e.source}\n${e.name}\n${e.target}`))],
    };
  }, [found, read, ids]);
  if (ids.length === 0)
    return (
      <EmptyState icon="graph" title="No twin in this answer">
        Select whole twins, such as SELECT T or SELECT *, to see them as a graph.
      </EmptyState>
    );
  return (
    <div className="query-graph">
      <Suspense fallback={<SkeletonBlock lines={6} />}>
        <GraphScene
          net={net}
          look={look}
          theme={theme}
          chosen={null}
          flat={false}
          fit={0}
          onChoose={(id) => id !== null && void navigate({ to: '/graph', search: { twin: id } })}
          onOpen={() => undefined}
          label={`${plural(net.nodes.length, 'twin')} of the answer in space. The table shows the same.`}
          tip={(id) => {
            const twin = found.twins.get(id) ?? read.get(id);
            return twin ? `${labelOf(twin)}\n${kinds.label(twin.model)}` : id;
          }}
        />
      </Suspense>
    </div>
  );
}

/** What a query gave: as a table, as a graph, as a file. */
export function QueryResult({
  rows,
  kinds,
  took,
  charge,
  more,
  loadingMore,
}: {
  rows: readonly AnswerRow[];
  kinds: Kinds<Model>;
  /** Milliseconds of the first page. */
  took: number;
  charge: number | null;
  more: (() => void) | null;
  loadingMore: boolean;
}) {
  const [view, setView] = useState<'table' | 'graph' | 'json'>('table');
  return (
    <section className="panel" aria-label="Answer">
      <header className="panel-head">
        <h2>Answer</h2>
        <span className="aside" role="status">
          {plural(rows.length, 'row')}
          {more ? ', there are more' : ''} · {count(took)} ms{charge === null ? '' : ` · charge ${charge}`}
        </span>
        <Segments
          label="Answer as"
          value={view}
          onChange={setView}
          options={[
            { value: 'table', label: 'Table' },
            { value: 'graph', label: 'Graph' },
            { value: 'json', label: 'JSON' },
          ]}
        />
        <button
          type="button"
          className="btn btn-sm"
          disabled={rows.length === 0}
          onClick={() => saveFile(answerCsv(rows), 'answer.csv', 'text/csv')}
        >
          <Icon name="download" size={13} /> CSV
        </button>
        <button
          type="button"
          className="btn btn-sm"
          disabled={rows.length === 0}
          onClick={() => saveFile(JSON.stringify(rows, null, 2), 'answer.json', 'application/json')}
        >
          <Icon name="download" size={13} /> JSON
        </button>
      </header>
      {view === 'table' ? (
        <ResultTable rows={rows} />
      ) : view === 'graph' ? (
        <ResultGraph rows={rows} kinds={kinds} />
      ) : (
        <Json value={rows} label="Answer as JSON" />
      )}
      {more && (
        <div className="table-foot">
          <span />
          <button type="button" className="btn btn-sm" onClick={more} disabled={loadingMore}>
            {loadingMore ? 'Loading…' : 'Load more'}
          </button>
        </div>
      )}
    </section>
  );
}
