import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { api, seg } from '@/api/client';
import {
  gapsQuery,
  ocpiKey,
  ocpiSettingsQuery,
  outboxQuery,
  partiesQuery,
  type Party,
  type Unpublished,
  type Waiting,
} from '@/api/desk';
import { useList } from '@/api/use-list';
import { may } from '@/app/session';
import { useSession } from '@/app/use-session';
import { ConfirmDialog } from '@/ui/form-dialog';
import { count, dateTime, instant, plural } from '@/ui/format';
import { Icon } from '@/ui/icons';
import { EmptyState, ErrorState, SkeletonBlock } from '@/ui/states';
import { DataTable, type Column } from '@/ui/table';
import { toast } from '@/ui/toast';
import { AddPartner, SettingsDialog } from './partner-dialogs';
import { rolesOf } from './roles';

const stateTone: Readonly<Record<string, 'good' | 'warn' | 'bad' | undefined>> = {
  registered: 'good',
  invited: 'warn',
  registering: 'warn',
  revoked: 'bad',
};
const stateWord: Readonly<Record<string, string>> = {
  registered: 'Connected',
  invited: 'Invited, has not come yet',
  registering: 'Registering',
  revoked: 'Ended',
};

function PartyTable({
  rows,
  waiting,
  admin,
}: {
  rows: readonly Party[] | undefined;
  waiting: readonly Waiting[];
  admin: boolean;
}) {
  const client = useQueryClient();
  const [ending, setEnding] = useState<Party | null>(null);
  const settled = () => client.invalidateQueries({ queryKey: ocpiKey });
  const retry = useMutation({
    mutationFn: (p: Party) => api.post<{ objects: number }>(`/ocpi/parties/${seg(p.id)}/retry`),
    onSuccess: ({ objects }, p) =>
      toast(`${plural(objects, 'object')} sent again to ${p.name}`, { tone: 'good' }),
    onError: (e) => toast('Nothing was sent again', { tone: 'bad', detail: e.message }),
    onSettled: settled,
  });
  const end = useMutation({
    mutationFn: (p: Party) => api.delete(`/ocpi/parties/${seg(p.id)}`),
    onSuccess: () => setEnding(null),
    onError: (e) => toast('The partner was not removed', { tone: 'bad', detail: e.message }),
    onSettled: settled,
  });
  const stuck = (p: Party) => waiting.filter((w) => w.party === p.id && w.dead).length;
  const columns: readonly Column<Party>[] = [
    {
      key: 'name',
      label: 'Partner',
      sort: (p) => p.name,
      cell: (p) => (
        <>
          <strong>{p.name}</strong> <span className="sub">{rolesOf(p)}</span>
        </>
      ),
    },
    {
      key: 'state',
      label: 'State',
      sort: (p) => p.state,
      cell: (p) => (
        <span className="tag" data-tone={stateTone[p.state]}>
          {stateWord[p.state] ?? p.state}
        </span>
      ),
    },
    {
      key: 'modules',
      label: 'Modules',
      wide: true,
      cell: (p) => <span className="muted wraps">{[...new Set(p.modules)].join(', ') || '–'}</span>,
    },
    {
      key: 'since',
      label: 'Since',
      wide: true,
      sort: (p) => instant(p.created_at),
      cell: (p) => <span className="num">{dateTime(p.created_at)}</span>,
    },
    {
      key: 'act',
      label: 'Action',
      align: 'right',
      cell: (p) =>
        admin &&
        p.state !== 'revoked' && (
          <span className="row-actions">
            {p.state === 'registered' && (
              <button
                type="button"
                className="btn btn-ghost btn-sm"
                disabled={retry.isPending}
                onClick={() => retry.mutate(p)}
              >
                Send again{stuck(p) > 0 && ` (${stuck(p)})`}
                <span className="visually-hidden"> to {p.name}</span>
              </button>
            )}
            <button
              type="button"
              className="btn btn-sm"
              aria-label={`End with ${p.name}`}
              onClick={() => setEnding(p)}
            >
              End
            </button>
          </span>
        ),
    },
  ];
  return (
    <>
      <DataTable
        caption="Partners"
        columns={columns}
        rows={rows}
        rowKey={(p) => p.id}
        initialSort={{ key: 'name', dir: 'asc' }}
        empty={
          <EmptyState icon="partners" title="No partners yet">
            A provider of drivers whose cards and apps are to charge here is added with one token.
          </EmptyState>
        }
      />
      {ending && (
        <ConfirmDialog
          title={`End with ${ending.name}`}
          description="Its tokens end at once, its drivers can no longer charge here, and it is told if it can be reached."
          confirm="End"
          busy="Ending…"
          pending={end.isPending}
          onConfirm={() => end.mutate(ending)}
          onClose={() => setEnding(null)}
        />
      )}
    </>
  );
}

function Outbox({
  rows,
  error,
  retry,
  parties,
}: {
  rows: readonly Waiting[] | undefined;
  error: unknown;
  retry: () => void;
  parties: readonly Party[];
}) {
  const names = new Map(parties.map((p) => [p.id, p.name]));
  const columns: readonly Column<Waiting>[] = [
    {
      key: 'party',
      label: 'Partner',
      sort: (w) => names.get(w.party),
      cell: (w) => names.get(w.party) ?? w.party,
    },
    {
      key: 'what',
      label: 'What',
      sort: (w) => w.module,
      cell: (w) => (
        <>
          {w.module} <span className="sub mono">{w.object}</span>
        </>
      ),
    },
    {
      key: 'attempts',
      label: 'Attempts',
      align: 'right',
      sort: (w) => w.attempts,
      cell: (w) => count(w.attempts),
    },
    {
      key: 'state',
      label: 'State',
      sort: (w) => Number(w.dead),
      cell: (w) =>
        w.dead ? (
          <span className="tag" data-tone="bad">
            Given up
          </span>
        ) : (
          <span className="muted">next {dateTime(w.next_at)}</span>
        ),
    },
    {
      key: 'error',
      label: 'Why',
      wide: true,
      cell: (w) => <span className="muted wraps">{w.error ?? 'Not tried yet'}</span>,
    },
  ];
  return (
    <section className="panel" aria-labelledby="outbox">
      <header className="panel-head">
        <h2 id="outbox">Not taken yet</h2>
        {rows && rows.length > 0 && <span className="aside">{plural(rows.length, 'object')}</span>}
      </header>
      {error ? (
        <ErrorState error={error} retry={retry} what="The outbox" />
      ) : (
        <DataTable
          caption="What partners have not taken yet"
          columns={columns}
          rows={rows}
          rowKey={(w) => `${w.party}\n${w.module}\n${w.object}`}
          initialSort={{ key: 'state', dir: 'desc' }}
          empty={
            <EmptyState icon="check" title="Everything was taken">
              Changes reach partners within about a second.
            </EmptyState>
          }
        />
      )}
    </section>
  );
}

const gapColumns: readonly Column<Unpublished>[] = [
  {
    key: 'twin',
    label: 'Twin',
    sort: (g) => g.twin,
    cell: (g) => (
      <Link to="/graph" search={{ twin: g.twin }}>
        {g.twin}
      </Link>
    ),
  },
  {
    key: 'missing',
    label: 'Lacks',
    sort: (g) => g.missing,
    cell: (g) => <span className="wraps muted">{g.missing}</span>,
  },
];

/** Who may have their drivers charge here, what they are shown, and what they did not take. */
export function PartnersPage() {
  const session = useSession();
  const admin = may(session?.role, 'admin');
  const settings = useQuery(ocpiSettingsQuery);
  const made = settings.data !== null && settings.data !== undefined;
  // An invited partner comes when it likes: it is seen soon after.
  const parties = useList(partiesQuery, 3_000);
  const outbox = useList(outboxQuery, 10_000);
  const gaps = useQuery({ ...gapsQuery, enabled: made, refetchInterval: 60_000 });
  const [dialog, setDialog] = useState<'settings' | 'add' | null>(null);
  const close = () => setDialog(null);
  const us = settings.data;
  return (
    <div className="page">
      <header className="page-head">
        <div className="titles">
          <h1>Partners</h1>
          <p>Providers of drivers and hubs, by OCPI 2.2.1.</p>
        </div>
        {admin && made && (
          <div className="page-actions">
            <button type="button" className="btn" onClick={() => setDialog('add')}>
              <Icon name="plus" size={14} /> Add a partner
            </button>
          </div>
        )}
      </header>
      <section className="panel" aria-labelledby="us">
        <header className="panel-head">
          <h2 id="us">Who we are to them</h2>
          {admin && made && (
            <button type="button" className="btn btn-ghost btn-sm" onClick={() => setDialog('settings')}>
              <Icon name="edit" size={13} /> Change
            </button>
          )}
        </header>
        {settings.error && us === undefined ? (
          <ErrorState error={settings.error} retry={() => void settings.refetch()} what="Our own settings" />
        ) : us === undefined ? (
          <SkeletonBlock lines={2} />
        ) : us === null ? (
          <EmptyState
            icon="partners"
            title="Say who you are first"
            action={
              admin && (
                <button type="button" className="btn btn-primary" onClick={() => setDialog('settings')}>
                  Say who we are
                </button>
              )
            }
          >
            Partners need your name, your party id and the address under which they reach this server.
          </EmptyState>
        ) : (
          <dl className="facts panel-body">
            <div>
              <dt>Operator</dt>
              <dd>{us.name}</dd>
            </div>
            <div>
              <dt>Party</dt>
              <dd className="mono">
                {us.country_code}*{us.party_id}
              </dd>
            </div>
            <div>
              <dt>Reached at</dt>
              <dd className="mono">{us.url}</dd>
            </div>
            <div>
              <dt>Currency</dt>
              <dd>{us.currency}</dd>
            </div>
          </dl>
        )}
      </section>
      <section className="panel" aria-labelledby="parties">
        <header className="panel-head">
          <h2 id="parties">Partners</h2>
        </header>
        {parties.error ? (
          <ErrorState error={parties.error} retry={parties.retry} what="Partners" />
        ) : (
          <PartyTable rows={parties.rows} waiting={outbox.rows ?? []} admin={admin} />
        )}
      </section>
      <Outbox rows={outbox.rows} error={outbox.error} retry={outbox.retry} parties={parties.rows ?? []} />
      {made && (
        <section className="panel" aria-labelledby="gaps">
          <header className="panel-head">
            <h2 id="gaps">Not shown to partners</h2>
            {gaps.data && gaps.data.length > 0 && (
              <span className="aside">{plural(gaps.data.length, 'twin')}</span>
            )}
          </header>
          {gaps.error && !gaps.data ? (
            <ErrorState error={gaps.error} retry={() => void gaps.refetch()} what="What is not shown" />
          ) : (
            <DataTable
              caption="Twins that partners are not shown"
              columns={gapColumns}
              rows={gaps.data}
              rowKey={(g) => g.twin}
              initialSort={{ key: 'twin', dir: 'asc' }}
              empty={
                <EmptyState icon="check" title="Everything is shown">
                  Every site, EVSE and connector has what OCPI demands.
                </EmptyState>
              }
            />
          )}
        </section>
      )}
      {dialog === 'settings' && <SettingsDialog settings={us ?? null} onClose={close} />}
      {dialog === 'add' && <AddPartner onClose={close} />}
    </div>
  );
}
