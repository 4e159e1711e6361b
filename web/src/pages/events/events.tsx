import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import {
  endpointsQuery,
  eventsKey,
  removeEndpoint,
  removeRoute,
  routesQuery,
  testEndpoint,
  type EventEndpoint,
  type EventRoute,
} from '@/api/events';
import { useList } from '@/api/use-list';
import { may } from '@/app/session';
import { useSession } from '@/app/use-session';
import { age, count, instant, sentence } from '@/ui/format';
import { ConfirmDialog } from '@/ui/form-dialog';
import { Icon } from '@/ui/icons';
import { EmptyState, ErrorState } from '@/ui/states';
import { DataTable, type Column } from '@/ui/table';
import { toast } from '@/ui/toast';
import { useNow } from '@/ui/use-now';
import { GraphFrame } from '../graph/frame';
import { kinds, whereOf } from './draft';
import { EndpointDialog } from './endpoint-dialog';
import { HistoryPanel } from './history';
import { LettersDialog } from './letters-dialog';
import { RouteDialog } from './route-dialog';
import './events.css';

const REFRESH_MS = 3_000;

function State({ endpoint: { enabled, status } }: { endpoint: EventEndpoint }) {
  const now = useNow();
  const failed = instant(status.last_error_at);
  return (
    <>
      <span
        className="tag"
        data-tone={!enabled ? undefined : status.retrying ? 'bad' : status.lag > 0 ? 'warn' : 'good'}
      >
        {!enabled ? 'Off' : status.retrying ? 'Trying again' : status.lag > 0 ? 'Behind' : 'Up to date'}
      </span>
      {status.retrying && status.last_error && (
        <span className="sub table-sub wraps">
          {sentence(status.last_error)}
          {failed === null ? '' : `, ${age(now - failed)} ago`}
        </span>
      )}
    </>
  );
}

type Open =
  | { kind: 'endpoint'; of: EventEndpoint | null }
  | { kind: 'letters'; of: EventEndpoint }
  | { kind: 'route'; of: EventRoute | null }
  | { kind: 'remove'; name: string; text: string; run: () => Promise<unknown> };

/** Which changes of twins go where, outside of this server. */
export function EventsPage() {
  const client = useQueryClient();
  const session = useSession();
  const admin = may(session?.role, 'admin');
  const endpoints = useList(endpointsQuery, REFRESH_MS);
  const routes = useList(routesQuery, REFRESH_MS);
  const [open, setOpen] = useState<Open | null>(null);
  const close = () => setOpen(null);
  const settled = () => client.invalidateQueries({ queryKey: eventsKey });
  const test = useMutation({
    mutationFn: testEndpoint,
    onSuccess: (_, name) => toast(`${name} took a test event`, { tone: 'good' }),
    onError: (error, name) =>
      toast(`${name} did not take it`, { tone: 'bad', detail: sentence(error.message) }),
    onSettled: settled,
  });
  const remove = useMutation({
    mutationFn: (run: () => Promise<unknown>) => run(),
    onSuccess: close,
    onError: (error) => toast('It was not removed', { tone: 'bad', detail: sentence(error.message) }),
    onSettled: settled,
  });
  const names = endpoints.rows?.map((e) => e.name) ?? [];
  const figure = (key: 'delivered' | 'lag', label: string): Column<EventEndpoint> => ({
    key,
    label,
    align: 'right',
    wide: true,
    sort: (e) => e.status[key],
    cell: (e) => count(e.status[key]),
  });
  const endpointColumns: readonly Column<EventEndpoint>[] = [
    {
      key: 'name',
      label: 'Endpoint',
      sort: (e) => e.name,
      cell: (e) => (
        <>
          <strong>{e.name}</strong>
          <span className="sub table-sub event-where">
            {kinds.find((k) => k.value === e.settings.target.kind)?.label}, {whereOf(e.settings)}
          </span>
        </>
      ),
    },
    {
      key: 'state',
      label: 'State',
      sort: (e) => Number(e.status.retrying),
      cell: (e) => <State endpoint={e} />,
    },
    figure('delivered', 'Taken'),
    figure('lag', 'Waiting'),
    {
      key: 'dead',
      label: 'Given up',
      align: 'right',
      wide: true,
      sort: (e) => e.status.dead,
      cell: (e) =>
        e.status.dead > 0 || e.status.dead_letter_bytes > 0 ? (
          <button
            type="button"
            className="link link-button"
            onClick={() => setOpen({ kind: 'letters', of: e })}
          >
            {e.status.dead > 0 ? count(e.status.dead) : 'Dead letters'}
          </button>
        ) : (
          '0'
        ),
    },
    {
      key: 'act',
      label: 'Action',
      align: 'right',
      cell: (e) =>
        admin && (
          <span className="row-actions">
            <button
              type="button"
              className="btn btn-ghost btn-sm"
              disabled={test.isPending}
              onClick={() => test.mutate(e.name)}
            >
              Test<span className="visually-hidden"> {e.name}</span>
            </button>
            <button type="button" className="btn btn-sm" onClick={() => setOpen({ kind: 'endpoint', of: e })}>
              Change<span className="visually-hidden"> {e.name}</span>
            </button>
            <button
              type="button"
              className="btn btn-ghost btn-icon btn-sm"
              aria-label={`Remove ${e.name}`}
              onClick={() =>
                setOpen({
                  kind: 'remove',
                  name: e.name,
                  text: 'Nothing is sent to it any more, and its dead letters go. Routes that lead to it must go first.',
                  run: () => removeEndpoint(e.name),
                })
              }
            >
              <Icon name="close" size={13} />
            </button>
          </span>
        ),
    },
  ];
  const routeColumns: readonly Column<EventRoute>[] = [
    { key: 'id', label: 'Route', sort: (r) => r.id, cell: (r) => <strong>{r.id}</strong> },
    { key: 'endpoint', label: 'To', sort: (r) => r.endpoint, cell: (r) => r.endpoint },
    {
      key: 'filter',
      label: 'Lets through',
      wide: true,
      cell: (r) => <code className="wraps">{r.filter === 'true' ? 'everything' : r.filter}</code>,
    },
    {
      key: 'act',
      label: 'Action',
      align: 'right',
      cell: (r) =>
        admin && (
          <span className="row-actions">
            <button type="button" className="btn btn-sm" onClick={() => setOpen({ kind: 'route', of: r })}>
              Change<span className="visually-hidden"> {r.id}</span>
            </button>
            <button
              type="button"
              className="btn btn-ghost btn-icon btn-sm"
              aria-label={`Remove ${r.id}`}
              onClick={() =>
                setOpen({
                  kind: 'remove',
                  name: r.id,
                  text: `What it lets through goes to ${r.endpoint} no more.`,
                  run: () => removeRoute(r.id),
                })
              }
            >
              <Icon name="close" size={13} />
            </button>
          </span>
        ),
    },
  ];
  return (
    <GraphFrame
      title="Events"
      text="Changes of twins as CloudEvents: which go where."
      actions={
        admin && (
          <>
            <button
              type="button"
              className="btn"
              disabled={names.length === 0}
              onClick={() => setOpen({ kind: 'route', of: null })}
            >
              <Icon name="plus" size={14} /> Add a route
            </button>
            <button
              type="button"
              className="btn btn-primary"
              onClick={() => setOpen({ kind: 'endpoint', of: null })}
            >
              <Icon name="plus" size={14} /> Add an endpoint
            </button>
          </>
        )
      }
    >
      <section className="panel" aria-labelledby="event-endpoints">
        <header className="panel-head">
          <h2 id="event-endpoints">Endpoints</h2>
          <span className="aside">Where events go</span>
        </header>
        {endpoints.error ? (
          <ErrorState error={endpoints.error} retry={endpoints.retry} what="The endpoints" />
        ) : (
          <DataTable
            caption="Endpoints of events"
            columns={endpointColumns}
            rows={endpoints.rows}
            rowKey={(e) => e.name}
            initialSort={{ key: 'name', dir: 'asc' }}
            empty={
              <EmptyState icon="link" title="Nobody is told yet">
                A webhook, an MQTT broker, NATS or files: each event is delivered at least once, in order
                within a twin.
              </EmptyState>
            }
          />
        )}
      </section>
      <section className="panel" aria-labelledby="event-routes">
        <header className="panel-head">
          <h2 id="event-routes">Routes</h2>
          <span className="aside">Which events go there</span>
        </header>
        {routes.error ? (
          <ErrorState error={routes.error} retry={routes.retry} what="The routes" />
        ) : (
          <DataTable
            caption="Routes of events"
            columns={routeColumns}
            rows={routes.rows}
            rowKey={(r) => r.id}
            initialSort={{ key: 'id', dir: 'asc' }}
            empty={
              <EmptyState icon="filter" title="No route yet">
                {names.length === 0 ? 'Add an endpoint first.' : 'An endpoint gets nothing without one.'}
              </EmptyState>
            }
          />
        )}
      </section>
      <HistoryPanel allowed={admin} />
      {open?.kind === 'endpoint' && (
        <EndpointDialog
          endpoint={open.of}
          others={names.filter((name) => name !== open.of?.name)}
          onClose={close}
        />
      )}
      {open?.kind === 'route' && <RouteDialog route={open.of} endpoints={names} onClose={close} />}
      {open?.kind === 'letters' && <LettersDialog endpoint={open.of.name} allowed={admin} onClose={close} />}
      {open?.kind === 'remove' && (
        <ConfirmDialog
          title={`Remove ${open.name}`}
          description={open.text}
          confirm="Remove"
          busy="Removing…"
          pending={remove.isPending}
          onConfirm={() => remove.mutate(open.run)}
          onClose={close}
        />
      )}
    </GraphFrame>
  );
}
