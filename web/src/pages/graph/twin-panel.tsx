import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { twinQuery } from '@/api/queries';
import type { Twin } from '@/api/types';
import type { Content } from '@/graph/dtdl';
import type { Kinds } from '@/graph/kinds';
import { grouped, labelOf } from '@/graph/net';
import { exact, shown } from '@/graph/value';
import { useFollowed, type FocusValue } from '@/live';
import { age, instant, plural } from '@/ui/format';
import { HistoryPanel } from '@/ui/history-panel';
import { Icon } from '@/ui/icons';
import { Json } from '@/ui/json';
import { ErrorState, SkeletonBlock } from '@/ui/states';
import { TraceTag } from '@/ui/trace-tag';
import { useNow } from '@/ui/use-now';

/** Related twins that are named before one asks for the rest. */
const FIRST = 12;
const REFRESH_MS = 15_000;

interface Row {
  name: string;
  value: unknown;
  at: number | null;
  content: Content | undefined;
}

/** What the twin says now: read once, and each value that came since. */
function rowsOf(twin: Twin, kinds: Kinds | undefined, fresh: FocusValue | undefined): Row[] {
  const contents = kinds?.contents(twin.model) ?? [];
  const order = new Map(contents.map((c, i) => [c.name, i]));
  const values = { ...twin.properties, ...fresh?.values };
  return Object.entries(values)
    .map(([name, value]) => {
      const read = instant(twin.metadata[name]?.source_time);
      const came = fresh && name in fresh.values && fresh.values[name] !== twin.properties[name];
      return {
        name,
        value,
        at: came ? instant(fresh.at) : read,
        content: contents.find((c) => c.name === name),
      };
    })
    .sort((a, b) => (order.get(a.name) ?? 1e9) - (order.get(b.name) ?? 1e9) || a.name.localeCompare(b.name));
}

function Property({ row, chosen, onChoose }: { row: Row; chosen: boolean; onChoose: (() => void) | null }) {
  const now = useNow();
  const { name, value, at, content } = row;
  const whole = typeof value === 'object' && value !== null;
  return (
    <div className="twin-property" data-chosen={chosen}>
      <dt>
        {content?.label || name} <span className="mono faint">{name}</span>
      </dt>
      <dd>
        {whole ? (
          <details>
            <summary>{shown(value, content)}</summary>
            <Json value={value} label={name} />
          </details>
        ) : (
          <span title={exact(value)}>{shown(value, content)}</span>
        )}
        <span className="faint num twin-age">{at === null ? '' : age(now - at)}</span>
        {onChoose && (
          <button
            type="button"
            className="btn btn-ghost btn-icon btn-sm"
            aria-pressed={chosen}
            aria-label={`History of ${content?.label || name}`}
            title="History"
            onClick={onChoose}
          >
            <Icon name="uptime" size={14} />
          </button>
        )}
      </dd>
    </div>
  );
}

function Relations({
  twin,
  labels,
  onOpen,
}: {
  twin: Twin;
  labels: (id: string) => string;
  onOpen: (id: string) => void;
}) {
  const [whole, setWhole] = useState<ReadonlySet<string>>(new Set());
  const groups = grouped(twin);
  if (groups.length === 0) return <p className="muted panel-body">It is related to no other twin.</p>;
  return (
    <ul className="twin-relations">
      {groups.map(({ name, way, ids }) => {
        const key = `${way} ${name}`;
        const some = whole.has(key) ? ids : ids.slice(0, FIRST);
        return (
          <li key={key}>
            <span className="twin-relation">
              <Icon name={way === 'out' ? 'arrowOut' : 'arrowIn'} size={12} />
              <span className="mono">{name}</span>
              <span className="faint">
                {way === 'out' ? plural(ids.length, 'twin') : `from ${plural(ids.length, 'twin')}`}
              </span>
            </span>
            <span className="twin-ids">
              {some.map((id) => (
                <button key={id} type="button" className="chip" title={id} onClick={() => onOpen(id)}>
                  {labels(id)}
                </button>
              ))}
              {some.length < ids.length && (
                <button
                  type="button"
                  className="link link-button"
                  onClick={() => setWhole(new Set([...whole, key]))}
                >
                  {ids.length - some.length} more
                </button>
              )}
            </span>
          </li>
        );
      })}
    </ul>
  );
}

/** The page of the product that knows more of a twin than the graph does. */
function Elsewhere({ twin }: { twin: Twin }) {
  if (twin.model === 'dtmi:voltwin:ChargingStation;1')
    return (
      <Link to="/stations/$stationId" params={{ stationId: twin.id }} className="btn btn-sm">
        Station
      </Link>
    );
  if (twin.model === 'dtmi:voltwin:Vehicle;1')
    return (
      <Link to="/vehicles/$vehicleId" params={{ vehicleId: twin.id }} className="btn btn-sm">
        Vehicle
      </Link>
    );
  return null;
}

/** One twin: its kind, its values as they come, its history, and whom it is related to. */
export function TwinPanel({
  id,
  kinds,
  labels,
  onOpen,
  onAround,
  onClose,
}: {
  id: string;
  kinds: Kinds | undefined;
  labels: (id: string) => string;
  onOpen: (id: string) => void;
  onAround: (id: string) => void;
  onClose: () => void;
}) {
  const query = useQuery({ ...twinQuery(id), refetchInterval: REFRESH_MS });
  const followed = useFollowed(useMemo(() => [id], [id])).get(id);
  const [property, setProperty] = useState<string | null>(null);
  const twin = query.data;
  const rows = twin ? rowsOf(twin, kinds, followed) : [];
  const row = rows.find((r) => r.name === property);
  return (
    <section className="panel twin-panel" aria-label={`Twin ${id}`}>
      <header className="panel-head">
        <h2 className="truncate">{twin ? labelOf(twin) : id}</h2>
        {twin && <Elsewhere twin={twin} />}
        <button type="button" className="btn btn-sm" onClick={() => onAround(id)}>
          <Icon name="target" size={13} /> Neighbours
        </button>
        <button
          type="button"
          className="btn btn-ghost btn-icon btn-sm"
          aria-label="Close the twin"
          onClick={onClose}
        >
          <Icon name="close" size={14} />
        </button>
      </header>
      {query.error && !twin ? (
        <ErrorState error={query.error} retry={() => void query.refetch()} what={`Twin ${id}`} />
      ) : !twin ? (
        <SkeletonBlock lines={6} />
      ) : (
        <>
          <p className="twin-line">
            <code>{twin.id}</code>
            <Link to="/graph/models" search={{ id: twin.model }} className="tag">
              {kinds?.label(twin.model) ?? twin.model}
            </Link>
            {followed?.trace && <TraceTag trace={followed.trace} />}
          </p>
          <h3 className="twin-title">Relationships</h3>
          <Relations twin={twin} labels={labels} onOpen={onOpen} />
          <h3 className="twin-title">Values</h3>
          <dl className="twin-properties">
            {rows.map((r) => (
              <Property
                key={r.name}
                row={r}
                chosen={r.name === property}
                onChoose={
                  typeof r.value === 'number' ? () => setProperty(r.name === property ? null : r.name) : null
                }
              />
            ))}
            {rows.length === 0 && <p className="muted">It has no value yet.</p>}
          </dl>
          {row && typeof row.value === 'number' && (
            <HistoryPanel
              key={row.name}
              twin={twin.id}
              traces={[
                {
                  property: row.name,
                  label: row.content?.label || row.name,
                  format: (v) => shown(v, row.content),
                  color: 's1',
                },
              ]}
              live={() => (row.at === null ? null : { at: row.at, value: row.value as number })}
            />
          )}
        </>
      )}
    </section>
  );
}
