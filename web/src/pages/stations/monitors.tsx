import { useMemo, useState } from 'react';
import { monitorsQuery, notesQuery, type Known, type Monitor, type Variable } from '@/api/knowledge';
import type { Station } from '@/api/types';
import { useList } from '@/api/use-list';
import { useQuery } from '@tanstack/react-query';
import { dateTime } from '@/ui/format';
import { Icon } from '@/ui/icons';
import { EmptyState, ErrorState } from '@/ui/states';
import { DataTable, type Column } from '@/ui/table';
import { AskDialog, tell } from './ask-dialog';
import { componentName, variableName } from './device-model';

const kinds: readonly [string, string][] = [
  ['UpperThreshold', 'Above a threshold'],
  ['LowerThreshold', 'Below a threshold'],
  ['Delta', 'Changed by at least'],
  ['Periodic', 'Every so many seconds'],
  ['PeriodicClockAligned', 'Every so many seconds, from midnight'],
];
const kindWord = new Map(kinds);

/** OCPP counts severity from 0, the gravest, to 9. */
const severities = [
  'Danger',
  'Hardware failure',
  'System failure',
  'Critical',
  'Error',
  'Alert',
  'Warning',
  'Notice',
  'Informational',
  'Debug',
];

const nameOf = (v: Variable | Monitor) => `${componentName(v)} / ${variableName(v)}`;

/** A variable as OCPP names it. */
function named(v: Variable) {
  return {
    component: {
      name: v.component,
      ...(v.instance ? { instance: v.instance } : {}),
      ...(v.evse === undefined
        ? {}
        : { evse: { id: v.evse, ...(v.connector === undefined ? {} : { connectorId: v.connector }) } }),
    },
    variable: { name: v.variable, ...(v.variable_instance ? { instance: v.variable_instance } : {}) },
  };
}

function AddMonitor({
  station,
  variables,
  onClose,
}: {
  station: string;
  variables: readonly Variable[];
  onClose: () => void;
}) {
  const byName = useMemo(
    () => new Map(variables.filter((v) => v.monitorable !== false).map((v) => [nameOf(v), v])),
    [variables],
  );
  return (
    <AskDialog
      station={station}
      title="Watch a variable"
      description="The station tells when it comes about. Whatever it tells is kept, and raises no alarm by itself."
      confirm="Watch"
      send={(form) => {
        const variable = byName.get(String(form.get('variable')));
        if (!variable) throw new Error('Choose a variable of the list.');
        return tell(station, 'SetVariableMonitoring', {
          setMonitoringData: [
            {
              ...named(variable),
              type: String(form.get('type')),
              value: Number(form.get('value')),
              severity: Number(form.get('severity')),
            },
          ],
        });
      }}
      onClose={onClose}
    >
      <div className="field">
        <label htmlFor="mon-variable">Variable</label>
        <input
          id="mon-variable"
          name="variable"
          className="input"
          list="mon-variables"
          required
          autoComplete="off"
          placeholder="Type to search"
        />
        <datalist id="mon-variables">
          {[...byName.keys()].map((name) => (
            <option key={name} value={name} />
          ))}
        </datalist>
      </div>
      <div className="field">
        <label htmlFor="mon-type">Tells when it is</label>
        <select id="mon-type" name="type" className="input">
          {kinds.map(([value, word]) => (
            <option key={value} value={value}>
              {word}
            </option>
          ))}
        </select>
      </div>
      <div className="field">
        <label htmlFor="mon-value">Value</label>
        <input id="mon-value" name="value" className="input" type="number" step="any" required />
      </div>
      <div className="field">
        <label htmlFor="mon-severity">How grave it is</label>
        <select id="mon-severity" name="severity" className="input" defaultValue="6">
          {severities.map((word, n) => (
            <option key={word} value={n}>
              {n}: {word}
            </option>
          ))}
        </select>
      </div>
    </AskDialog>
  );
}

interface EventData {
  trigger?: string;
  actualValue?: string;
  component?: { name?: string };
  variable?: { name?: string };
  timestamp?: string;
}

/** What the station told of what it watches, newest first. */
function EventList({ station }: { station: string }) {
  const query = useQuery({ ...notesQuery<EventData>(station, 'monitor_event', 20), refetchInterval: 10_000 });
  const items = query.data?.items ?? [];
  if (items.length === 0) return null;
  return (
    <>
      <h3 className="panel-sub">Told lately</h3>
      <ul className="lines">
        {items.map((note) => (
          <li key={note.id}>
            <span className="num faint">{dateTime(note.at)}</span>
            <span>
              {note.detail.component?.name} / {note.detail.variable?.name}
            </span>
            <code>{note.detail.actualValue ?? '–'}</code>
            <span className="faint">{note.detail.trigger}</span>
          </li>
        ))}
      </ul>
    </>
  );
}

/** What the station watches by itself and tells of. */
export function MonitorPanel({
  station,
  variables,
  allowed,
}: {
  station: Station;
  variables: readonly Variable[] | undefined;
  allowed: boolean;
}) {
  const { rows, error, retry } = useList(monitorsQuery(station.id));
  const [adding, setAdding] = useState(false);
  const [ending, setEnding] = useState<Monitor | null>(null);
  const columns: readonly Column<Known<Monitor>>[] = [
    {
      key: 'variable',
      label: 'Variable',
      sort: (m) => nameOf(m.value),
      cell: ({ value: m }) => (
        <>
          {nameOf(m)} {m.custom && <span className="tag">Custom</span>}
        </>
      ),
    },
    {
      key: 'when',
      label: 'Tells when',
      sort: (m) => m.value.type,
      cell: ({ value: m }) => (
        <>
          {kindWord.get(m.type) ?? m.type} <strong className="num">{m.value}</strong>
        </>
      ),
    },
    {
      key: 'severity',
      label: 'Severity',
      wide: true,
      sort: (m) => m.value.severity,
      cell: ({ value: m }) => `${m.severity}: ${severities[m.severity] ?? 'unknown'}`,
    },
    { key: 'id', label: 'Number', wide: true, sort: (m) => m.value.id, cell: (m) => m.value.id },
    {
      key: 'act',
      label: 'Action',
      align: 'right',
      cell: ({ value: m }) =>
        allowed && (
          <button
            type="button"
            className="btn btn-ghost btn-sm"
            aria-label={`End monitor ${m.id} of ${nameOf(m)}`}
            onClick={() => setEnding(m)}
          >
            End
          </button>
        ),
    },
  ];
  return (
    <section className="panel" aria-labelledby="monitors">
      <header className="panel-head">
        <h2 id="monitors">Monitors</h2>
        {allowed && (
          <button
            type="button"
            className="btn btn-sm"
            onClick={() => setAdding(true)}
            disabled={!station.online || !variables || variables.length === 0}
          >
            <Icon name="plus" size={13} /> Watch a variable
          </button>
        )}
      </header>
      {error ? (
        <ErrorState error={error} retry={retry} what="Monitors" />
      ) : (
        <DataTable
          caption="Variables that the station watches"
          columns={columns}
          rows={rows}
          rowKey={(m) => m.key}
          initialSort={{ key: 'variable', dir: 'asc' }}
          empty={
            <EmptyState icon="target" title="Nothing is watched">
              A station can watch its own variables and tell when one passes a threshold.
            </EmptyState>
          }
        />
      )}
      <EventList station={station.id} />
      {adding && (
        <AddMonitor station={station.id} variables={variables ?? []} onClose={() => setAdding(false)} />
      )}
      {ending && (
        <AskDialog
          station={station.id}
          title="End the monitor"
          description={`${nameOf(ending)} is no longer watched for this.`}
          confirm="End it"
          danger
          send={() => tell(station.id, 'ClearVariableMonitoring', { id: [ending.id] })}
          onClose={() => setEnding(null)}
        />
      )}
    </section>
  );
}
