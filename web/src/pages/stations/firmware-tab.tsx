import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { firmwareQuery, type FirmwareStep } from '@/api/care';
import type { NoteOf } from '@/api/knowledge';
import { may } from '@/app/session';
import { useSession } from '@/app/use-session';
import { dateTime } from '@/ui/format';
import { Icon } from '@/ui/icons';
import { EmptyState, ErrorState, SkeletonBlock } from '@/ui/states';
import { emptyFilter } from '../jobs/filter';
import { useCampaignDraft } from '../campaigns/draft';
import { FirmwareDialog } from './firmware-dialog';
import { LogPanel } from './logs';
import type { TabProps } from './tabs';
import './care.css';

/** The way of an update in the words of OCPP; a status may be skipped. */
const way = ['Downloading', 'Downloaded', 'Installing', 'Installed'] as const;
const wayWord: Readonly<Record<string, string>> = {
  Downloading: 'Fetches the file',
  Downloaded: 'Has the file',
  Installing: 'Installs',
  Installed: 'Installed',
};
/** What stands between two steps of the way. */
const between: Readonly<Record<string, number>> = {
  DownloadScheduled: 0,
  DownloadPaused: 0,
  SignatureVerified: 1,
  InstallScheduled: 1,
  InstallRebooting: 2,
};

const failed = (status: string) => /Fail|Invalid|NoAnswer|Reject|Error|Refused|NotSupported/.test(status);

/** "InstallVerificationFailed" as words. */
const words = (status: string) =>
  status.replace(/([a-z])([A-Z])/g, '$1 $2').replace(/ [A-Z]/g, (m) => m.toLowerCase());

function Way({ latest }: { latest: FirmwareStep }) {
  const reached = way.findIndex((s) => s === latest.status);
  const at = reached >= 0 ? reached : (between[latest.status] ?? -1);
  const bad = failed(latest.status);
  return (
    <ol className="way" aria-label="How far the update is">
      {way.map((step, i) => {
        const state = i <= at ? 'done' : i === at + 1 && !bad ? 'next' : 'open';
        return (
          <li key={step} data-state={state} aria-current={i === at ? 'step' : undefined}>
            <span className="dot">{state === 'done' && <Icon name="check" size={11} />}</span>
            {wayWord[step]}
          </li>
        );
      })}
      {bad && (
        <li data-state="bad" aria-current="step">
          <span className="dot">
            <Icon name="close" size={11} />
          </span>
          {words(latest.status)}
        </li>
      )}
    </ol>
  );
}

function Step({ note }: { note: NoteOf<FirmwareStep> }) {
  const { status, request_id, from, to } = note.detail;
  return (
    <li>
      <span className="num faint">{dateTime(note.at)}</span>
      <span className={failed(status) ? 'bad-text' : undefined}>{words(status)}</span>
      {from !== undefined && (
        <span className="mono">
          {from} → {to}
        </span>
      )}
      {request_id != null && <span className="sub">update {request_id}</span>}
    </li>
  );
}

/** What runs on the station, how its update is coming, and the logs that it sent. */
export default function FirmwareTab({ station }: TabProps) {
  const session = useSession();
  const allowed = may(session?.role, 'operator');
  const { data, error, refetch } = useQuery({ ...firmwareQuery(station.id), refetchInterval: 3_000 });
  const [updating, setUpdating] = useState(false);
  const begin = useCampaignDraft((s) => s.begin);
  return (
    <div className="halves">
      <section className="panel" aria-labelledby="firmware">
        <header className="panel-head">
          <h2 id="firmware">Firmware</h2>
          {allowed && (
            <span className="head-actions">
              <Link
                to="/campaigns/new"
                className="btn btn-ghost btn-sm"
                onClick={() =>
                  begin({
                    filter: { ...emptyFilter, vendor: station.vendor ?? '', model: station.model ?? '' },
                  })
                }
              >
                <Icon name="campaigns" size={13} /> All of its make
              </Link>
              <button
                type="button"
                className="btn btn-sm"
                onClick={() => setUpdating(true)}
                disabled={!station.online}
              >
                <Icon name="upload" size={13} /> Update
              </button>
            </span>
          )}
        </header>
        {error && !data ? (
          <ErrorState error={error} retry={() => void refetch()} what="The firmware" />
        ) : !data ? (
          <SkeletonBlock />
        ) : (
          <>
            <dl className="facts panel-body">
              <div>
                <dt>Runs</dt>
                <dd className="mono">{data.version ?? 'Not told'}</dd>
              </div>
              <div>
                <dt>Newest update</dt>
                <dd>
                  {data.latest ? `${words(data.latest.status)}, ${dateTime(data.latest.at)}` : 'None known'}
                </dd>
              </div>
            </dl>
            {data.latest && <Way latest={data.latest} />}
            {data.history.length === 0 ? (
              <EmptyState icon="upload" title="No update yet">
                Each step of an update is kept here.
              </EmptyState>
            ) : (
              <ol className="lines steps-log" aria-label="Steps, newest first" tabIndex={0}>
                {data.history.map((note) => (
                  <Step key={note.id} note={note} />
                ))}
              </ol>
            )}
          </>
        )}
      </section>
      <LogPanel station={station} allowed={allowed} />
      {updating && <FirmwareDialog station={station} onClose={() => setUpdating(false)} />}
    </div>
  );
}
