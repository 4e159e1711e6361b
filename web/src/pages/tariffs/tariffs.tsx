import { useMutation, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { api } from '@/api/client';
import {
  assignmentsQuery,
  tariffsKey,
  tariffsQuery,
  type Assignment,
  type Tariff,
  type TariffSpec,
} from '@/api/tariffs';
import { useList } from '@/api/use-list';
import { may } from '@/app/session';
import { formatSort, parseSort } from '@/app/url-state';
import { useSession } from '@/app/use-session';
import { FormDialog } from '@/ui/form-dialog';
import { dateTime, instant } from '@/ui/format';
import { Icon } from '@/ui/icons';
import { EmptyState, ErrorState } from '@/ui/states';
import { DataTable, type Column } from '@/ui/table';
import { AssignDialog } from './assign-dialog';
import { kindWord, perWord } from './money';
import './tariffs.css';

const route = getRouteApi('/shell/tariffs');

/** The first price of each kind, as a driver would read them. */
function summary(spec: TariffSpec): string {
  const seen = new Set<string>();
  const parts: string[] = [];
  for (const component of spec.elements.flatMap((element) => element.components)) {
    if (seen.has(component.kind)) continue;
    seen.add(component.kind);
    parts.push(`${kindWord[component.kind]} ${component.price} ${perWord[component.kind]}`);
  }
  return parts.join(' · ');
}

const columns: readonly Column<Tariff>[] = [
  {
    key: 'tariff',
    label: 'Tariff',
    sort: (t) => t.name,
    cell: (t) => (
      <span className="tariff-name">
        <Link to="/tariffs/$tariffId" params={{ tariffId: t.id }} tabIndex={-1}>
          {t.name}
        </Link>
        <span className="sub mono">{t.id}</span>
      </span>
    ),
  },
  { key: 'currency', label: 'Currency', sort: (t) => t.tariff.currency, cell: (t) => t.tariff.currency },
  { key: 'prices', label: 'Prices, without tax', wide: true, cell: (t) => summary(t.tariff) },
  {
    key: 'version',
    label: 'Version',
    align: 'right',
    sort: (t) => t.version,
    cell: (t) => (t.retired ? <span className="tag">retired</span> : t.version),
  },
  {
    key: 'changed',
    label: 'Changed',
    wide: true,
    sort: (t) => instant(t.created_at),
    cell: (t) => `${dateTime(t.created_at)}, ${t.created_by}`,
  },
];

const assignmentColumns: readonly Column<Assignment>[] = [
  {
    key: 'scope',
    label: 'For',
    sort: (a) => `${a.scope} ${a.target}`,
    cell: (a) => (
      <>
        {a.scope === 'default' ? 'Everything else' : a.scope.toUpperCase() === 'EVSE' ? 'EVSE' : a.scope}{' '}
        <span className="mono">{a.target}</span>
        {a.token_group && <span className="tag">group {a.token_group}</span>}
      </>
    ),
  },
  { key: 'tariff', label: 'Tariff', sort: (a) => a.tariff, cell: (a) => a.tariff ?? 'None from then on' },
  { key: 'from', label: 'From', sort: (a) => instant(a.from), cell: (a) => dateTime(a.from) },
  { key: 'by', label: 'By', wide: true, sort: (a) => a.created_by, cell: (a) => a.created_by },
];

function NewTariffDialog({ onClose }: { onClose: () => void }) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const add = useMutation({
    mutationFn: (body: { id: string; name: string; tariff: TariffSpec }) =>
      api.post<Tariff>('/tariffs', body),
    onSuccess: (made) => {
      void client.invalidateQueries({ queryKey: tariffsKey });
      onClose();
      void navigate({ to: '/tariffs/$tariffId', params: { tariffId: made.id } });
    },
  });
  return (
    <FormDialog
      title="New tariff"
      description="It begins with a price for energy; the rest is added on its page."
      confirm="Make tariff"
      busy="Making…"
      pending={add.isPending}
      error={add.error}
      onClose={onClose}
      onSubmit={(read) =>
        add.mutate({
          id: read('id'),
          name: read('name'),
          tariff: {
            currency: read('currency').toUpperCase(),
            elements: [{ components: [{ kind: 'energy', price: read('price').replace(',', '.') }] }],
          },
        })
      }
    >
      <div className="field">
        <label htmlFor="tariff-id">Id</label>
        <input
          id="tariff-id"
          name="id"
          className="input mono"
          required
          maxLength={36}
          pattern="[A-Za-z0-9._\-]+"
          autoComplete="off"
        />
        <span className="hint">Letters, digits, “-”, “_” and “.”; it stays as it is.</span>
      </div>
      <div className="field">
        <label htmlFor="tariff-name">Name</label>
        <input id="tariff-name" name="name" className="input" required maxLength={200} autoComplete="off" />
      </div>
      <div className="field">
        <label htmlFor="tariff-currency">Currency</label>
        <input
          id="tariff-currency"
          name="currency"
          className="input mono"
          required
          pattern="[A-Za-z]{3}"
          defaultValue="EUR"
        />
      </div>
      <div className="field">
        <label htmlFor="tariff-price">Price per kWh, without tax</label>
        <input
          id="tariff-price"
          name="price"
          className="input num"
          inputMode="decimal"
          required
          pattern="\d{1,9}([.,]\d{1,6})?"
          defaultValue="0.45"
        />
      </div>
    </FormDialog>
  );
}

export function TariffsPage() {
  const search = route.useSearch();
  const navigate = useNavigate({ from: '/tariffs' });
  const session = useSession();
  const [dialog, setDialog] = useState<'new' | 'assign' | null>(null);
  const { rows, error, retry } = useList(tariffsQuery);
  const assignments = useList(assignmentsQuery);
  return (
    <div className="page">
      <header className="page-head">
        <div className="titles">
          <h1>Tariffs</h1>
        </div>
        {may(session?.role, 'admin') && (
          <div className="page-actions">
            <button
              type="button"
              className="btn"
              disabled={!rows?.length}
              onClick={() => setDialog('assign')}
            >
              <Icon name="link" size={14} /> Assign
            </button>
            <button type="button" className="btn btn-primary" onClick={() => setDialog('new')}>
              <Icon name="plus" size={14} /> New tariff
            </button>
          </div>
        )}
      </header>
      <section className="panel" aria-label="Tariffs">
        {error ? (
          <ErrorState error={error} retry={retry} what="Tariffs" />
        ) : (
          <DataTable
            caption="Tariffs, each in its newest version"
            columns={columns}
            rows={rows}
            rowKey={(t) => t.id}
            onOpen={(t) => void navigate({ to: '/tariffs/$tariffId', params: { tariffId: t.id } })}
            sort={parseSort(search.sort) ?? { key: 'tariff', dir: 'asc' }}
            onSort={(sort) =>
              void navigate({ search: (s) => ({ ...s, sort: formatSort(sort) }), replace: true })
            }
            empty={
              <EmptyState icon="tariffs" title="No tariffs yet">
                Without one, charging is recorded and costs nothing.
              </EmptyState>
            }
          />
        )}
      </section>
      <section className="panel" aria-labelledby="assignments">
        <header className="panel-head">
          <h2 id="assignments">Assignments</h2>
          <span className="aside">The narrower wins: EVSE, station, site, everything else</span>
        </header>
        {assignments.error ? (
          <ErrorState error={assignments.error} retry={assignments.retry} what="Assignments" />
        ) : (
          <DataTable
            caption="Assignments of tariffs, newest first"
            columns={assignmentColumns}
            rows={assignments.rows}
            rowKey={(a) => String(a.number)}
            initialSort={{ key: 'from', dir: 'desc' }}
            empty={<EmptyState icon="inbox" title="No tariff is assigned" />}
          />
        )}
      </section>
      {dialog === 'new' && <NewTariffDialog onClose={() => setDialog(null)} />}
      {dialog === 'assign' && <AssignDialog tariffs={rows ?? []} onClose={() => setDialog(null)} />}
    </div>
  );
}
