import { useMutation } from '@tanstack/react-query';
import { useDeferredValue, useMemo, useState } from 'react';
import { api, seg } from '@/api/client';
import { recordsQuery, requestNumber, variablesQuery, type ReportState } from '@/api/knowledge';
import type { Command, Station } from '@/api/types';
import { useList } from '@/api/use-list';
import { may } from '@/app/session';
import { useSession } from '@/app/use-session';
import { dateTime, plural } from '@/ui/format';
import { Icon } from '@/ui/icons';
import { EmptyState, ErrorState, SkeletonBlock } from '@/ui/states';
import { toast } from '@/ui/toast';
import { AskDialog, tell, useRefreshed, WAIT } from './ask-dialog';
import { groupVariables, itemOf, outcomes, type Outcome, type Row } from './device-model';
import { MonitorPanel } from './monitors';
import type { TabProps } from './tabs';
import { VariableGroup } from './variable-group';
import './device-model.css';

/** Beyond this many, groups are closed until somebody opens them or searches. */
const OPEN_MAX = 120;

const ending: Record<ReportState['state'], string> = {
  asked: 'asked for, nothing has come yet',
  receiving: 'coming in',
  complete: 'complete',
  incomplete: 'broken off, no more parts have come',
  refused: 'refused by the station',
};

/** How the newest report of the station stands. */
function ReportLine({ station }: { station: string }) {
  const reports = useList(recordsQuery<ReportState>(station, 'report'), 10_000);
  const newest = reports.rows
    ?.filter((r) => r.key.startsWith('inventory/'))
    .toSorted((a, b) => b.value.updated_at.localeCompare(a.value.updated_at))[0]?.value;
  if (!newest) return null;
  return (
    <p className="faint" role="status">
      Report of {dateTime(newest.updated_at)}: {ending[newest.state]}
      {newest.items > 0 && `, ${plural(newest.items, 'variable')}`}
      {newest.left_out > 0 && `, ${plural(newest.left_out, 'variable')} left out for want of room`}
    </p>
  );
}

function AskAgain({ station, onClose }: { station: Station; onClose: () => void }) {
  const old = station.ocpp_version === '1.6';
  return (
    <AskDialog
      station={station.id}
      title="Ask for the device model"
      description={
        old
          ? 'Asks the station for all its configuration keys. They are shown as soon as they have come.'
          : 'Asks the station for a report of all its variables. It comes in parts, which are shown as they come.'
      }
      confirm="Ask"
      send={() =>
        old
          ? tell(station.id, 'GetConfiguration', {})
          : tell(station.id, 'GetBaseReport', { requestId: requestNumber(), reportBase: 'FullInventory' })
      }
      onClose={onClose}
    />
  );
}

/** Sends what was changed in one go and keeps what became of each. */
function useChanges(station: string) {
  const refreshed = useRefreshed(station);
  const [changes, setChanges] = useState<ReadonlyMap<string, { row: Row; value: string }>>(new Map());
  const [done, setDone] = useState<ReadonlyMap<string, Outcome>>(new Map());
  const change = (row: Row, value: string | null) => {
    const next = new Map(changes);
    if (value === null) next.delete(row.key);
    else next.set(row.key, { row, value });
    setChanges(next);
    setDone((before) => new Map([...before].filter(([key]) => key !== row.key)));
  };
  const post = (items: unknown[]) =>
    api.post<{ commands: Command[] }>(`/stations/${seg(station)}/variables`, { items }, WAIT);
  const send = useMutation({
    mutationFn: () => post([...changes.values()].map(({ row, value }) => itemOf(row.main, value))),
    onSuccess: ({ commands }) => {
      const became = outcomes(commands);
      setDone(became);
      setChanges(new Map([...changes].filter(([key]) => became.get(key)?.tone === 'bad')));
      const bad = [...became.values()].filter((o) => o.tone === 'bad').length;
      if (bad === 0) toast(`${plural(became.size, 'variable')} set`, { tone: 'good' });
      else
        toast(`${plural(bad, 'variable')} not set`, {
          tone: 'bad',
          detail: 'The reasons stand beside them.',
        });
    },
    onError: (error) => toast('Nothing was set', { tone: 'bad', detail: error.message }),
    onSettled: refreshed,
  });
  const read = useMutation({
    mutationFn: (rows: readonly Row[]) => post(rows.map((row) => itemOf(row.main))),
    onSuccess: (_, rows) => toast(`${plural(rows.length, 'variable')} read`, { tone: 'good' }),
    onError: (error) => toast('The variables were not read', { tone: 'bad', detail: error.message }),
    onSettled: refreshed,
  });
  return { changes, change, done, send, read, drop: () => setChanges(new Map()) };
}

/** What the station says it is made of and how it is set; each variable can be set where the station allows it. */
export default function DeviceModelTab({ station }: TabProps) {
  const session = useSession();
  const allowed = may(session?.role, 'operator');
  const { rows, error, retry } = useList(variablesQuery(station.id), 15_000);
  const [text, setText] = useState('');
  const [asking, setAsking] = useState(false);
  const { changes, change, done, send, read, drop } = useChanges(station.id);
  const q = useDeferredValue(text);
  const groups = useMemo(() => rows && groupVariables(rows, q), [rows, q]);
  const shown = groups?.reduce((n, g) => n + g.rows.length, 0) ?? 0;
  const old = station.ocpp_version === '1.6';
  return (
    <>
      <div className="toolbar">
        <label className="search-field">
          <span className="visually-hidden">Search variables</span>
          <Icon name="search" size={14} />
          <input
            className="input"
            type="search"
            placeholder="Search component, variable, value…"
            value={text}
            onChange={(e) => setText(e.target.value)}
          />
        </label>
        {groups && <span className="tally">{plural(shown, 'variable')}</span>}
        <span className="spacer" />
        {allowed && (
          <button type="button" className="btn" onClick={() => setAsking(true)} disabled={!station.online}>
            <Icon name="refresh" size={14} /> Ask again
          </button>
        )}
      </div>
      <ReportLine station={station.id} />
      {error ? (
        <section className="panel">
          <ErrorState error={error} retry={retry} what="The device model" />
        </section>
      ) : groups === undefined ? (
        <SkeletonBlock lines={8} />
      ) : groups.length === 0 ? (
        <section className="panel">
          <EmptyState
            icon={rows?.length === 0 ? 'cube' : 'filter'}
            title={rows?.length === 0 ? 'Nothing is known yet' : 'No variable matches'}
          >
            {rows?.length === 0
              ? 'The station is asked by itself within three minutes of its first boot. “Ask again” asks now.'
              : 'Every word is sought in component, variable and value.'}
          </EmptyState>
        </section>
      ) : (
        <div className="variables">
          {groups.map((group) => (
            <VariableGroup
              // A search opens what it finds; the key makes the group begin anew.
              key={`${group.name} ${q === '' ? '' : 'found'}`}
              group={group}
              open={q !== '' || (rows?.length ?? 0) <= OPEN_MAX}
              allowed={allowed && station.online}
              changes={changes}
              done={done}
              onChange={change}
              onRead={() => read.mutate(group.rows)}
              reading={read.isPending}
            />
          ))}
        </div>
      )}
      {!old && <MonitorPanel station={station} variables={rows?.map((r) => r.value)} allowed={allowed} />}
      {changes.size > 0 && (
        <form
          className="changes"
          aria-label="Changes that are not sent"
          onSubmit={(event) => {
            event.preventDefault();
            send.mutate();
          }}
        >
          <strong>{plural(changes.size, 'change')}</strong>
          <span className="muted truncate">{[...changes.values()].map((c) => c.row.name).join(', ')}</span>
          <button type="button" className="btn" onClick={drop} disabled={send.isPending}>
            Discard
          </button>
          <button type="submit" className="btn btn-primary" disabled={send.isPending}>
            {send.isPending ? 'Asking the station…' : 'Send to the station'}
          </button>
        </form>
      )}
      {asking && <AskAgain station={station} onClose={() => setAsking(false)} />}
    </>
  );
}
