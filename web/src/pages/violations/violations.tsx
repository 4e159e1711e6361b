import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { breachesQuery, filedQuery, rulesQuery, type Breach } from '@/api/desk';
import { may } from '@/app/session';
import { useSession } from '@/app/use-session';
import { count, dateTime, instant, plural } from '@/ui/format';
import { Camel } from '@/ui/camel';
import { FilterField } from '@/ui/filter-field';
import { Icon } from '@/ui/icons';
import { EmptyState, ErrorState } from '@/ui/states';
import { DataTable, type Column } from '@/ui/table';
import { FiledList } from './filed';
import { bindingRule, byMake, makeName, type Make } from './makes';
import { PolicyTag, RuleDialog, RuleTable, StationRuleTable } from './policies';
import './violations.css';

const route = getRouteApi('/shell/violations');
const PAGE = 50;

/** A model keeps together where there is no room for a line. */
function MakeName({ of }: { of: Pick<Breach, 'vendor' | 'model'> }) {
  return of.model ? (
    <>
      {of.vendor} <span className="nowrap">{of.model}</span>
    </>
  ) : (
    <>{makeName(of)}</>
  );
}

const breachColumns: readonly Column<Breach>[] = [
  {
    key: 'make',
    label: 'Make',
    sort: (b) => makeName(b),
    cell: (b) => (
      <>
        <MakeName of={b} /> <span className="sub mono nowrap narrow-line">{b.firmware_version}</span>
      </>
    ),
  },
  {
    key: 'action',
    label: 'Message',
    sort: (b) => b.action,
    cell: (b) => (
      <>
        <strong>
          <Camel text={b.action} />
        </strong>
        <span className="sub mono narrow-sub">
          <Camel text={b.code} />
        </span>
      </>
    ),
  },
  {
    key: 'code',
    label: 'Breach',
    wide: true,
    sort: (b) => b.code,
    cell: (b) => <span className="mono">{b.code}</span>,
  },
  { key: 'count', label: 'Times', align: 'right', sort: (b) => b.count, cell: (b) => count(b.count) },
  {
    key: 'first',
    label: 'First',
    wide: true,
    sort: (b) => instant(b.first_at),
    cell: (b) => <span className="num muted">{dateTime(b.first_at)}</span>,
  },
  {
    key: 'last',
    label: 'Last',
    wide: true,
    sort: (b) => instant(b.last_at),
    cell: (b) => <span className="num">{dateTime(b.last_at)}</span>,
  },
  {
    key: 'station',
    label: 'Last by',
    wide: true,
    sort: (b) => b.last_station,
    cell: (b) => (
      <Link to="/stations/$stationId/$tab" params={{ stationId: b.last_station, tab: 'security' }}>
        {b.last_station}
      </Link>
    ),
  },
];

/** Which makes break the protocol, how, how often, and what is done about it. */
export function ViolationsPage() {
  const search = route.useSearch();
  const navigate = useNavigate({ from: '/violations' });
  const session = useSession();
  const admin = may(session?.role, 'admin');
  const [ruling, setRuling] = useState<Partial<Make> | null>(null);
  const [limit, setLimit] = useState(PAGE);
  const breaches = useQuery(breachesQuery);
  const rules = useQuery(rulesQuery);
  const filed = useQuery(filedQuery(undefined, limit));
  const q = (search.q ?? '').trim().toLowerCase();
  const shown = useMemo(
    () =>
      breaches.data?.items.filter((b) =>
        [b.vendor, b.model, b.firmware_version, b.action, b.code, b.last_station]
          .join(' ')
          .toLowerCase()
          .includes(q),
      ),
    [breaches.data, q],
  );
  const makes = useMemo(() => shown && byMake(shown), [shown]);
  const makeColumns: readonly Column<Make>[] = [
    {
      key: 'make',
      label: 'Make',
      sort: (m) => makeName(m),
      cell: (m) => (
        <>
          <strong>
            <MakeName of={m} />
          </strong>{' '}
          <span className="sub mono nowrap narrow-line">{m.firmware_version || 'firmware not told'}</span>
        </>
      ),
    },
    { key: 'count', label: 'Breaches', align: 'right', sort: (m) => m.count, cell: (m) => count(m.count) },
    {
      key: 'kinds',
      label: 'Kinds',
      align: 'right',
      wide: true,
      sort: (m) => m.kinds,
      cell: (m) => count(m.kinds),
    },
    {
      key: 'last',
      label: 'Last',
      wide: true,
      sort: (m) => instant(m.last_at),
      cell: (m) => <span className="num">{dateTime(m.last_at)}</span>,
    },
    {
      key: 'policy',
      label: 'Held',
      cell: (m) => {
        const rule = rules.data && bindingRule(rules.data.items, m);
        return <PolicyTag policy={rule?.policy ?? rules.data?.default} byDefault={!rule} />;
      },
    },
    {
      key: 'act',
      label: 'Action',
      align: 'right',
      cell: (m) =>
        admin && (
          <button
            type="button"
            className="btn btn-sm"
            aria-label={`Change how ${makeName(m)} ${m.firmware_version} is held`}
            onClick={() => setRuling(m)}
          >
            Change
          </button>
        ),
    },
  ];
  const total = breaches.data?.items.reduce((sum, b) => sum + b.count, 0);
  return (
    <div className="page">
      <header className="page-head">
        <div className="titles">
          <h1>Violations</h1>
          <p>What stations said that their version of OCPP does not allow.</p>
        </div>
        {admin && (
          <div className="page-actions">
            <button type="button" className="btn" onClick={() => setRuling({})}>
              <Icon name="plus" size={14} /> Rule for a make
            </button>
          </div>
        )}
      </header>
      <dl className="stats">
        <div className="stat">
          <dt>Breaches counted</dt>
          <dd>{count(total)}</dd>
        </div>
        <div className="stat">
          <dt>Makes and firmwares</dt>
          <dd>{breaches.data ? count(byMake(breaches.data.items).length) : '–'}</dd>
        </div>
        <div className="stat">
          <dt>Where no rule holds</dt>
          <dd className="stat-word">{rules.data?.default ?? '–'}</dd>
        </div>
        <div className="stat">
          <dt>Rules</dt>
          <dd>{count(rules.data && rules.data.items.length + rules.data.stations.length)}</dd>
        </div>
      </dl>
      <div className="toolbar">
        <FilterField
          label="Filter violations"
          placeholder="Filter by make, message, breach…"
          value={search.q}
          onChange={(text) => void navigate({ search: (s) => ({ ...s, q: text }), replace: true })}
        />
        {shown && <span className="tally">{plural(shown.length, 'kind')} of breach</span>}
      </div>
      <section className="panel" aria-labelledby="by-make">
        <header className="panel-head">
          <h2 id="by-make">By make and firmware</h2>
        </header>
        {breaches.error && !breaches.data ? (
          <ErrorState error={breaches.error} retry={() => void breaches.refetch()} what="Violations" />
        ) : (
          <DataTable
            caption="Breaches of the protocol by make and firmware"
            columns={makeColumns}
            rows={makes}
            rowKey={(m) => m.key}
            initialSort={{ key: 'count', dir: 'desc' }}
            empty={
              <EmptyState icon={q ? 'filter' : 'check'} title={q ? 'No breach matches' : 'No breaches'}>
                {q
                  ? 'Change the filter to see others.'
                  : 'Every station has kept to its version of the protocol.'}
              </EmptyState>
            }
          />
        )}
      </section>
      {shown && shown.length > 0 && (
        <section className="panel" aria-labelledby="by-kind">
          <header className="panel-head">
            <h2 id="by-kind">By kind</h2>
          </header>
          <DataTable
            caption="Breaches of the protocol by kind"
            columns={breachColumns}
            rows={shown}
            rowKey={(b) => [b.vendor, b.model, b.firmware_version, b.action, b.code].join('\n')}
            initialSort={{ key: 'count', dir: 'desc' }}
            empty={null}
          />
        </section>
      )}
      {rules.data && rules.data.items.length > 0 && <RuleTable rules={rules.data.items} admin={admin} />}
      {rules.data && rules.data.stations.length > 0 && (
        <StationRuleTable rules={rules.data.stations} admin={admin} />
      )}
      <section className="panel" aria-labelledby="newest">
        <header className="panel-head">
          <h2 id="newest">Newest</h2>
        </header>
        {filed.error && !filed.data ? (
          <ErrorState error={filed.error} retry={() => void filed.refetch()} what="Violations" />
        ) : (
          <FiledList
            rows={filed.data?.items}
            withStation
            more={filed.data?.next && limit < 500 ? () => setLimit(Math.min(500, limit * 2)) : null}
          />
        )}
      </section>
      {ruling && <RuleDialog make={ruling} onClose={() => setRuling(null)} />}
    </div>
  );
}
