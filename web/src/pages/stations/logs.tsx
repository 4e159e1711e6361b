import { useState } from 'react';
import { contentUrl, stationFilesQuery, type StoredFile } from '@/api/care';
import { api, seg } from '@/api/client';
import { recordsQuery } from '@/api/knowledge';
import type { Command, Station } from '@/api/types';
import { useList } from '@/api/use-list';
import { bytes, dateTime } from '@/ui/format';
import { Icon } from '@/ui/icons';
import { EmptyState, ErrorState } from '@/ui/states';
import { DataTable, type Column } from '@/ui/table';
import { AskDialog, WAIT } from './ask-dialog';

interface LogState {
  status: string;
  request_id?: number | null;
}

const kinds: readonly [string, string][] = [
  ['DiagnosticsLog', 'Diagnostics: what the station does'],
  ['SecurityLog', 'Security: who did what to it'],
];

const iso = (local: FormDataEntryValue | null) => (local ? new Date(String(local)).toISOString() : undefined);

function AskLog({ station, onClose }: { station: Station; onClose: () => void }) {
  const offered =
    station.ocpp_version === '2.1'
      ? [...kinds, ['DataCollectorLog', 'Data collector: measured values'] as const]
      : kinds;
  return (
    <AskDialog
      station={station.id}
      title="Ask for a log"
      description="The station sends it here as a file, which takes from seconds to minutes."
      confirm="Ask"
      send={async (form) => {
        const body = {
          log_type: String(form.get('log_type')),
          oldest: iso(form.get('oldest')),
          latest: iso(form.get('latest')),
        };
        const path = `/stations/${seg(station.id)}/logs`;
        return (await api.post<{ command: Command }>(path, body, WAIT)).command;
      }}
      onClose={onClose}
    >
      <div className="field">
        <label htmlFor="log-type">Which</label>
        <select id="log-type" name="log_type" className="input" autoFocus>
          {offered.map(([value, word]) => (
            <option key={value} value={value}>
              {word}
            </option>
          ))}
        </select>
      </div>
      <div className="field">
        <label htmlFor="log-oldest">From, if any</label>
        <input id="log-oldest" name="oldest" className="input" type="datetime-local" />
      </div>
      <div className="field">
        <label htmlFor="log-latest">To, if any</label>
        <input id="log-latest" name="latest" className="input" type="datetime-local" />
      </div>
    </AskDialog>
  );
}

/** What was asked for and came. A file that is on its way says how far the station is with it. */
export function LogPanel({ station, allowed }: { station: Station; allowed: boolean }) {
  const [asking, setAsking] = useState(false);
  const files = useList(stationFilesQuery(station.id), 3_000);
  const states = useList(recordsQuery<LogState>(station.id, 'log'), 3_000);
  const said = new Map(states.rows?.map((s) => [s.key, s.value.status]));
  const stateOf = (file: StoredFile) =>
    file.state === 'stored'
      ? bytes(file.bytes)
      : (said.get(file.request_id == null ? 'diagnostics' : String(file.request_id)) ?? 'Asked for');
  const columns: readonly Column<StoredFile>[] = [
    {
      key: 'at',
      label: 'Asked for',
      sort: (f) => f.created_at,
      cell: (f) => <span className="num">{dateTime(f.created_at)}</span>,
    },
    { key: 'name', label: 'Log', sort: (f) => f.name, cell: (f) => f.name },
    {
      key: 'state',
      label: 'State',
      sort: (f) => f.bytes,
      cell: (f) => (
        <span className={f.state === 'stored' ? 'num' : 'muted'} title={f.sha256 ?? undefined}>
          {stateOf(f)}
        </span>
      ),
    },
    {
      key: 'act',
      label: 'Action',
      align: 'right',
      cell: (f) =>
        f.state === 'stored' && (
          <a className="btn btn-sm" href={contentUrl(f)} download={`${station.id} ${f.name}`}>
            <Icon name="download" size={13} /> Save
            <span className="visually-hidden"> {f.name}</span>
          </a>
        ),
    },
  ];
  return (
    <section className="panel" aria-labelledby="logs">
      <header className="panel-head">
        <h2 id="logs">Logs</h2>
        {allowed && (
          <button
            type="button"
            className="btn btn-sm"
            onClick={() => setAsking(true)}
            disabled={!station.online}
          >
            <Icon name="inbox" size={13} /> Ask for a log
          </button>
        )}
      </header>
      {files.error ? (
        <ErrorState error={files.error} retry={files.retry} what="Files" />
      ) : (
        <DataTable
          caption={`Files of ${station.id}`}
          columns={columns}
          rows={files.rows}
          rowKey={(f) => f.id}
          initialSort={{ key: 'at', dir: 'desc' }}
          empty={
            <EmptyState icon="inbox" title="No logs yet">
              What the station sends is kept until somebody removes it.
            </EmptyState>
          }
        />
      )}
      {asking && <AskLog station={station} onClose={() => setAsking(false)} />}
    </section>
  );
}
