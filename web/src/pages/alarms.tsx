import { useMutation, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useMemo } from 'react';
import { api, seg } from '@/api/client';
import { alarmsQuery, keys } from '@/api/queries';
import type { Alarm, Severity } from '@/api/types';
import { useList } from '@/api/use-list';
import { usePreferences } from '@/app/preferences';
import { may } from '@/app/session';
import { formatSort, parseSort } from '@/app/url-state';
import { useSession } from '@/app/use-session';
import { live } from '@/live';
import { age, dateTime, instant, sentence } from '@/ui/format';
import { SeverityBadge, SeverityGlyph } from '@/ui/glyph';
import { FilterField } from '@/ui/filter-field';
import { Icon } from '@/ui/icons';
import { Segments } from '@/ui/segments';
import { EmptyState, ErrorState } from '@/ui/states';
import { DataTable, type Column } from '@/ui/table';
import { toast } from '@/ui/toast';
import { TraceTag } from '@/ui/trace-tag';
import { useNow } from '@/ui/use-now';
import './alarms.css';

const route = getRouteApi('/shell/alarms');

const severities: readonly Severity[] = ['critical', 'major', 'minor', 'info'];
const rank: Record<Severity, number> = { critical: 4, major: 3, minor: 2, info: 1 };

/** Open alarms only, as everywhere: a list that also shows cleared ones has no other figures. */
export function countBySeverity(alarms: readonly Alarm[]): Record<Severity, number> {
  const out: Record<Severity, number> = { critical: 0, major: 0, minor: 0, info: 0 };
  for (const a of alarms) if (a.cleared_at == null && a.severity in out) out[a.severity] += 1;
  return out;
}

/** Whether it waits for a person: what is over needs nobody, and counts nowhere. */
export function waits(alarm: Alarm): boolean {
  return alarm.cleared_at == null && alarm.acknowledged_at == null;
}

/** Acknowledging one alarm; every list of alarms is read again afterwards. */
export function useAcknowledge() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (alarm: Alarm) => api.post<Alarm>(`/alarms/${seg(alarm.id)}/acknowledge`),
    onSuccess: (_, alarm) => toast('Alarm acknowledged', { tone: 'good', detail: sentence(alarm.message) }),
    onError: (error) => toast('The alarm was not acknowledged', { tone: 'bad', detail: error.message }),
    onSettled: () => client.invalidateQueries({ queryKey: keys.alarms }),
  });
}

export function AlarmAge({ alarm }: { alarm: Alarm }) {
  const now = useNow();
  const at = instant(alarm.raised_at);
  return (
    <time dateTime={alarm.raised_at} title={dateTime(alarm.raised_at)} className="num">
      {age(at === null ? null : now - at)}
    </time>
  );
}

export function AlarmSource({ alarm }: { alarm: Alarm }) {
  return alarm.station ? (
    <Link to="/stations/$stationId" params={{ stationId: alarm.station }}>
      {alarm.twin}
    </Link>
  ) : (
    <span>{alarm.twin}</span>
  );
}

function State({ alarm }: { alarm: Alarm }) {
  if (alarm.cleared_at) {
    return <span className="faint">{alarm.acknowledged_at ? 'Cleared' : 'Cleared, not acknowledged'}</span>;
  }
  if (alarm.acknowledged_at) {
    return (
      <span className="muted" title={dateTime(alarm.acknowledged_at)}>
        Acknowledged{alarm.acknowledged_by ? ` by ${alarm.acknowledged_by}` : ''}
      </span>
    );
  }
  return <strong>Open</strong>;
}

export function AlarmsPage() {
  const search = route.useSearch();
  const navigate = useNavigate({ from: '/alarms' });
  const session = useSession();
  const { alarmSound, setAlarmSound } = usePreferences();
  const { state, only } = readStatus(search.status);
  const { rows, error, retry, more, loadingMore } = useList(alarmsQuery(state));
  const acknowledge = useAcknowledge();
  const canAcknowledge = may(session?.role, 'operator');
  const q = search.q ?? '';
  const counts = countBySeverity(rows ?? []);
  const text = q.trim().toLowerCase();
  const shown = rows?.filter(
    (a) =>
      (only === null || a.severity === only) &&
      (text === '' || [a.code, a.message, a.twin, a.station].some((v) => v?.toLowerCase().includes(text))),
  );

  const { mutate, isPending, variables } = acknowledge;
  const columns = useMemo<readonly Column<Alarm>[]>(
    () => [
      {
        key: 'severity',
        label: 'Severity',
        width: '7rem',
        // What waits before what is known, and both before what is over.
        sort: (a) => (a.cleared_at ? 0 : 10) + rank[a.severity] * 2 + (waits(a) ? 1 : 0),
        cell: (a) => <SeverityBadge severity={a.severity} />,
      },
      {
        key: 'alarm',
        label: 'Alarm',
        sort: (a) => a.code,
        cell: (a) => (
          <span className="alarm-text">
            <span className={waits(a) ? 'alarm-open' : 'muted'}>{sentence(a.message)}</span>
            <span className="sub mono">
              {a.code} <TraceTag trace={live.traceOf('alarm', a.id)} />
            </span>
          </span>
        ),
      },
      {
        key: 'source',
        label: 'Where',
        wide: true,
        sort: (a) => a.twin,
        cell: (a) => <AlarmSource alarm={a} />,
      },
      {
        key: 'age',
        label: 'Age',
        align: 'right',
        sort: (a) => -(instant(a.raised_at) ?? 0),
        cell: (a) => <AlarmAge alarm={a} />,
      },
      {
        key: 'state',
        label: 'State',
        wide: true,
        sort: (a) => a.acknowledged_at,
        cell: (a) => <State alarm={a} />,
      },
      {
        key: 'act',
        label: 'Action',
        align: 'right',
        cell: (a) =>
          !waits(a) || !canAcknowledge ? null : (
            <button
              type="button"
              className="btn btn-sm"
              disabled={isPending && variables?.id === a.id}
              aria-label={`Acknowledge ${a.code} at ${a.twin}`}
              onClick={() => mutate(a)}
            >
              <Icon name="check" size={14} /> <span className="act-word">Acknowledge</span>
            </button>
          ),
      },
    ],
    [canAcknowledge, mutate, isPending, variables],
  );

  const show = (next: 'open' | 'all', severity: Severity | null) =>
    void navigate({ search: (s) => ({ ...s, status: writeStatus(next, severity) }), replace: true });

  return (
    <div className="page page-fill">
      <header className="page-head">
        <div className="titles">
          <h1>Alarms</h1>
        </div>
        <div className="severity-filter" role="group" aria-label="Show one severity">
          {severities.map((severity) => (
            <button
              key={severity}
              type="button"
              aria-pressed={only === severity}
              data-zero={counts[severity] === 0}
              title={`${counts[severity]} open`}
              onClick={() => show(state, only === severity ? null : severity)}
            >
              <SeverityGlyph severity={severity} size={14} />
              <strong className="num">{rows ? counts[severity] : '–'}</strong>
              <span>
                {severity[0]?.toUpperCase() + severity.slice(1)}
                <span className="visually-hidden"> open</span>
              </span>
            </button>
          ))}
        </div>
      </header>
      <div className="toolbar">
        <FilterField
          label="Filter alarms"
          placeholder="Filter by code, text, station…"
          value={q}
          onChange={(text) => void navigate({ search: (s) => ({ ...s, q: text }), replace: true })}
        />
        <Segments<'open' | 'all'>
          label="State"
          value={state}
          onChange={(value) => show(value, only)}
          options={[
            { value: 'open', label: 'Open' },
            { value: 'all', label: 'All' },
          ]}
        />
        <span className="spacer" />
        <button
          type="button"
          className="btn"
          aria-pressed={alarmSound}
          onClick={() => setAlarmSound(!alarmSound)}
          title="Two short tones when a critical or major alarm is raised"
        >
          <Icon name={alarmSound ? 'sound' : 'mute'} /> Sound {alarmSound ? 'on' : 'off'}
        </button>
      </div>
      <section className="panel alarms-table" aria-label="Alarms">
        {error ? (
          <ErrorState error={error} retry={retry} what="Alarms" />
        ) : (
          <DataTable
            caption="Alarms, worst first"
            columns={columns}
            rows={shown}
            rowKey={(a) => a.id}
            onOpen={(a) =>
              a.station
                ? void navigate({ to: '/stations/$stationId', params: { stationId: a.station } })
                : void navigate({ to: '/', search: { sel: `vehicle:${a.twin}` } })
            }
            sort={parseSort(search.sort) ?? { key: 'severity', dir: 'desc' }}
            onSort={(sort) =>
              void navigate({ search: (s) => ({ ...s, sort: formatSort(sort) }), replace: true })
            }
            empty={
              <EmptyState
                icon="check"
                title={state === 'open' && !only && !q ? 'No open alarms' : 'No alarm matches'}
              >
                {state === 'open' && !only && !q
                  ? 'Everything that can raise one is quiet.'
                  : 'Change the filter to see others.'}
              </EmptyState>
            }
            foot={
              more && (
                <button type="button" className="btn btn-sm" onClick={more} disabled={loadingMore}>
                  Load more
                </button>
              )
            }
          />
        )}
      </section>
    </div>
  );
}

/** The address says `all`, `critical` or `all-critical`; the plain address is "open, every severity". */
function readStatus(text: string | undefined): { state: 'open' | 'all'; only: Severity | null } {
  const parts = (text ?? '').split('-');
  return {
    state: parts.includes('all') ? 'all' : 'open',
    only: severities.find((s) => parts.includes(s)) ?? null,
  };
}

function writeStatus(state: 'open' | 'all', severity: Severity | null): string | undefined {
  return [state === 'all' ? 'all' : '', severity ?? ''].filter(Boolean).join('-') || undefined;
}
