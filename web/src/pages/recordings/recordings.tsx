import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { api, seg, url } from '@/api/client';
import { recordingsKey, recordingsQuery, type Recording } from '@/api/desk';
import { stationsQuery } from '@/api/queries';
import { useList } from '@/api/use-list';
import { may } from '@/app/session';
import { useSession } from '@/app/use-session';
import { ConfirmDialog, FormDialog } from '@/ui/form-dialog';
import { bytes, count, dateTime, duration, instant } from '@/ui/format';
import { Icon } from '@/ui/icons';
import { Meter } from '@/ui/quantity';
import { Secret } from '@/ui/secret';
import { EmptyState, ErrorState } from '@/ui/states';
import { DataTable, type Column } from '@/ui/table';
import { toast } from '@/ui/toast';
import { useNow } from '@/ui/use-now';
import './recordings.css';

const stateWords: Readonly<Record<Recording['state'], string>> = {
  recording: 'Recording',
  stopped: 'Stopped',
  full: 'Full',
  interrupted: 'Interrupted',
};

function StartDialog({ onClose }: { onClose: () => void }) {
  const client = useQueryClient();
  const stations = useList(stationsQuery);
  const begin = useMutation({
    mutationFn: ({ station, ...bounds }: { station: string; max_s: number; max_frames: number }) =>
      api.post<Recording>(`/stations/${seg(station)}/recordings`, bounds),
    onSuccess: (made) => {
      toast(`Recording ${made.station}`, { tone: 'good' });
      void client.invalidateQueries({ queryKey: recordingsKey });
      onClose();
    },
  });
  return (
    <FormDialog
      title="Record the wire"
      description="Every frame to and from the station from now on, with secrets masked, on top of how its twin stands now."
      confirm="Record"
      busy="Starting…"
      pending={begin.isPending}
      error={begin.error}
      onClose={onClose}
      onSubmit={(read) =>
        begin.mutate({
          station: read('station'),
          max_s: Math.round(Number(read('minutes')) * 60),
          max_frames: Number(read('frames')),
        })
      }
    >
      <div className="field">
        <label htmlFor="rec-station">Station</label>
        <input
          id="rec-station"
          name="station"
          className="input mono"
          list="rec-stations"
          required
          autoComplete="off"
          autoFocus
        />
        <datalist id="rec-stations">
          {stations.rows?.map((s) => (
            <option key={s.id} value={s.id}>
              {s.name}
            </option>
          ))}
        </datalist>
      </div>
      <div className="field">
        <label htmlFor="rec-minutes">For how many minutes at most</label>
        <input
          id="rec-minutes"
          name="minutes"
          className="input"
          type="number"
          min={1}
          max={1440}
          defaultValue={30}
          required
        />
      </div>
      <div className="field">
        <label htmlFor="rec-frames">For how many frames at most</label>
        <input
          id="rec-frames"
          name="frames"
          className="input"
          type="number"
          min={1}
          max={100000}
          defaultValue={10000}
          required
        />
      </div>
    </FormDialog>
  );
}

/** How much of its bounds a recording has used; it ends by itself at the first of them. */
function Used({ recording: r }: { recording: Recording }) {
  const now = useNow();
  const from = instant(r.started_at) ?? now;
  const lasted = ((instant(r.ended_at) ?? now) - from) / 1000;
  const share = Math.max(r.frames / r.max_frames, lasted / r.max_s);
  return (
    <span className="recording-used">
      <span className="num">
        {duration(lasted)} <span className="sub">of {duration(r.max_s)}</span>
      </span>
      {r.state === 'recording' && (
        <Meter
          share={share}
          color="var(--accent-default)"
          label={`Bounds of the recording of ${r.station}`}
        />
      )}
    </span>
  );
}

/** Recordings of what passed between a station and us, to be played again elsewhere. */
export function RecordingsPage() {
  const client = useQueryClient();
  const session = useSession();
  const allowed = may(session?.role, 'operator');
  const [starting, setStarting] = useState(false);
  const [deleting, setDeleting] = useState<Recording | null>(null);
  const { rows, error, retry } = useList(recordingsQuery, 2_000);
  const settled = () => client.invalidateQueries({ queryKey: recordingsKey });
  const stop = useMutation({
    mutationFn: (r: Recording) => api.post(`/recordings/${seg(r.id)}/stop`),
    onError: (e) => toast('The recording was not stopped', { tone: 'bad', detail: e.message }),
    onSettled: settled,
  });
  const remove = useMutation({
    mutationFn: (r: Recording) => api.delete(`/recordings/${seg(r.id)}`),
    onSuccess: () => setDeleting(null),
    onError: (e) => toast('The recording was not deleted', { tone: 'bad', detail: e.message }),
    onSettled: settled,
  });
  const columns: readonly Column<Recording>[] = [
    {
      key: 'station',
      label: 'Station',
      sort: (r) => r.station,
      cell: (r) => (
        <Link to="/stations/$stationId" params={{ stationId: r.station }}>
          {r.station}
        </Link>
      ),
    },
    {
      key: 'state',
      label: 'State',
      sort: (r) => r.state,
      cell: (r) => (
        <span
          className="tag"
          data-tone={r.state === 'recording' ? 'good' : r.state === 'interrupted' ? 'warn' : undefined}
        >
          {r.state === 'recording' && <span className="live-dot" aria-hidden="true" />}
          {stateWords[r.state]}
        </span>
      ),
    },
    {
      key: 'from',
      label: 'Began',
      wide: true,
      sort: (r) => instant(r.started_at),
      cell: (r) => <span className="num">{dateTime(r.started_at)}</span>,
    },
    { key: 'used', label: 'Lasted', wide: true, cell: (r) => <Used recording={r} /> },
    {
      key: 'frames',
      label: 'Frames',
      align: 'right',
      wide: true,
      sort: (r) => r.frames,
      cell: (r) => (
        <>
          {count(r.frames)}
          {r.dropped > 0 && (
            <span className="tag" data-tone="warn">
              {count(r.dropped)} lost
            </span>
          )}
        </>
      ),
    },
    {
      key: 'bytes',
      label: 'Size',
      align: 'right',
      wide: true,
      sort: (r) => r.bytes,
      cell: (r) => bytes(r.bytes),
    },
    {
      key: 'by',
      label: 'By',
      wide: true,
      sort: (r) => r.by,
      cell: (r) => <span className="muted">{r.by}</span>,
    },
    {
      key: 'act',
      label: 'Action',
      align: 'right',
      cell: (r) =>
        allowed && (
          <span className="row-actions">
            {r.state === 'recording' ? (
              <button
                type="button"
                className="btn btn-sm"
                aria-label={`Stop recording ${r.station}`}
                disabled={stop.isPending}
                onClick={() => stop.mutate(r)}
              >
                <Icon name="stop" size={12} /> Stop
              </button>
            ) : (
              <>
                <button
                  type="button"
                  className="btn btn-ghost btn-sm"
                  aria-label={`Delete the recording of ${r.station} of ${dateTime(r.started_at)}`}
                  onClick={() => setDeleting(r)}
                >
                  Delete
                </button>
                <a
                  className="btn btn-sm"
                  href={url(`/recordings/${seg(r.id)}/file`)}
                  download={`${r.station} ${r.started_at}.ndjson`}
                >
                  <Icon name="download" size={13} /> Save
                  <span className="visually-hidden"> the recording of {r.station}</span>
                </a>
              </>
            )}
          </span>
        ),
    },
  ];
  return (
    <div className="page">
      <header className="page-head">
        <div className="titles">
          <h1>Recordings</h1>
          <p>What passed between a station and us, frame by frame, to find out what went wrong.</p>
        </div>
        {allowed && (
          <button type="button" className="btn" onClick={() => setStarting(true)}>
            <Icon name="plus" size={14} /> Record a station
          </button>
        )}
      </header>
      <section className="panel" aria-label="Recordings">
        {error ? (
          <ErrorState error={error} retry={retry} what="Recordings" />
        ) : (
          <DataTable
            caption="Recordings of the wire"
            columns={columns}
            rows={rows}
            rowKey={(r) => r.id}
            initialSort={{ key: 'from', dir: 'desc' }}
            empty={
              <EmptyState icon="record" title="Nothing was recorded yet">
                Record a station that gives trouble, and play it again where nobody is harmed.
              </EmptyState>
            }
          />
        )}
      </section>
      <section className="panel" aria-labelledby="replay">
        <header className="panel-head">
          <h2 id="replay">Play one again</h2>
        </header>
        <div className="panel-body replay">
          <p className="muted">
            On any computer that has Voltwin. The station’s frames and our commands run at their recorded
            times through the same code into a fresh copy; each answer that differs is named, and the same
            file gives the same digest each time. Id tokens are in the file: give it to nobody who must not
            see them.
          </p>
          <Secret value="voltwin wire replay FILE.ndjson" label="Command" hint="" />
        </div>
      </section>
      {starting && <StartDialog onClose={() => setStarting(false)} />}
      {deleting && (
        <ConfirmDialog
          title="Delete the recording"
          description={`The recording of ${deleting.station} of ${dateTime(deleting.started_at)}, ${count(deleting.frames)} frames, is gone for good.`}
          confirm="Delete it"
          busy="Deleting…"
          pending={remove.isPending}
          onConfirm={() => remove.mutate(deleting)}
          onClose={() => setDeleting(null)}
        />
      )}
    </div>
  );
}
