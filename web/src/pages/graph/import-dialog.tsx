import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { modelsQuery } from '@/api/graph';
import {
  cancelImport,
  dropUpload,
  importQuery,
  importsQuery,
  isOver,
  logAddress,
  readLog,
  sections,
  startImport,
  type ImportJob,
} from '@/api/imports';
import { keys } from '@/api/queries';
import { may } from '@/app/session';
import { useSession } from '@/app/use-session';
import { faultOf, LOOKED_AT, RefusedReader, type Refused } from '@/graph/import-file';
import { Dialog } from '@/ui/dialog';
import { bytes, count, dateTime, plural, sentence } from '@/ui/format';
import { Icon } from '@/ui/icons';
import { Prose } from '@/ui/prose';
import { ErrorState, SkeletonBlock } from '@/ui/states';
import { toast } from '@/ui/toast';

/** Entries at fault that are listed; the log has all. */
const REFUSED_SHOWN = 200;
const EARLIER_SHOWN = 5;

const words: Record<ImportJob['status'], { word: string; tone: string }> = {
  notstarted: { word: 'Waiting', tone: 'busy' },
  running: { word: 'Importing', tone: 'busy' },
  cancelling: { word: 'Ending', tone: 'warn' },
  cancelled: { word: 'Cancelled', tone: 'warn' },
  failed: { word: 'Not all taken', tone: 'bad' },
  succeeded: { word: 'All taken', tone: 'good' },
};

function StatusTag({ status }: { status: ImportJob['status'] }) {
  const { word, tone } = words[status];
  return (
    <span className="tag" data-tone={tone} data-busy={tone === 'busy'}>
      {word}
    </span>
  );
}

const taken = (job: ImportJob) => sections.reduce((sum, of) => sum + (job.progress?.[of].taken ?? 0), 0);
const refused = (job: ImportJob) => sections.reduce((sum, of) => sum + (job.progress?.[of].refused ?? 0), 0);

function Bar({ share, label }: { share: number | null; label: string }) {
  return (
    <div
      className="import-bar"
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      {...(share === null ? {} : { 'aria-valuenow': Math.round(share * 100) })}
    >
      <span data-unknown={share === null} style={{ width: `${(share ?? 1) * 100}%` }} />
    </div>
  );
}

function Counts({ job }: { job: ImportJob }) {
  return (
    <table className="import-counts">
      <caption className="visually-hidden">What was taken of the file so far</caption>
      <thead>
        <tr>
          <th scope="col">Section</th>
          <th scope="col">Taken</th>
          <th scope="col">Not taken</th>
        </tr>
      </thead>
      <tbody>
        {sections.map((of) => {
          const { taken, refused } = job.progress?.[of] ?? { taken: 0, refused: 0 };
          return (
            <tr key={of}>
              <th scope="row">{sentence(of)}</th>
              <td className="num">{count(taken)}</td>
              <td className="num" data-bad={refused > 0}>
                {count(refused)}
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

/** The entries that were not taken, read from the log once the import is over. */
function Faults({ id, all }: { id: string; all: number }) {
  const log = useQuery({
    queryKey: ['imports', 'refused', id] as const,
    queryFn: async ({ signal }): Promise<readonly Refused[]> => {
      const reader = new RefusedReader(REFUSED_SHOWN);
      await readLog(id, (part) => reader.read(part), signal);
      return reader.found;
    },
    staleTime: Infinity,
  });
  if (log.error) return <ErrorState error={log.error} retry={() => void log.refetch()} what="The log" />;
  if (!log.data) return <SkeletonBlock lines={3} />;
  return (
    <section aria-label="What was not taken">
      <p className="fault-head">
        <Icon name="warn" size={14} /> {plural(all, 'entry')} not taken
      </p>
      <ol className="faults" tabIndex={0} aria-label="Lines at fault">
        {log.data.map((fault) => (
          <li key={`${fault.line} ${fault.code}`}>
            <span className="num faint">Line {fault.line}</span>
            <span>
              <span className="sub">{fault.section}</span> <Prose text={fault.message} />
            </span>
          </li>
        ))}
      </ol>
      {all > log.data.length && <p className="faint">and {count(all - log.data.length)} more in the log</p>}
    </section>
  );
}

function Followed({ job, size }: { job: ImportJob; size: number | null }) {
  const over = isOver(job);
  const problem = job.error?.message;
  return (
    <div className="stack">
      {over ? (
        <div
          className="outcome"
          data-tone={job.status === 'succeeded' ? 'good' : job.status === 'failed' ? 'bad' : 'warn'}
          role={job.status === 'failed' ? 'alert' : 'status'}
        >
          <strong>
            {job.status === 'succeeded'
              ? `${plural(taken(job), 'entry')} taken`
              : job.status === 'cancelled'
                ? 'The import was cancelled'
                : 'Not everything was taken'}
          </strong>
          {problem && (
            <span>
              <Prose text={sentence(problem)} />
            </span>
          )}
          {job.status !== 'succeeded' && taken(job) > 0 && <span>What was taken stays.</span>}
        </div>
      ) : (
        <>
          <p role="status">
            {job.status === 'notstarted'
              ? 'It waits for its turn: one import of a tenant runs at a time.'
              : job.status === 'cancelling'
                ? 'It is being ended.'
                : 'It goes on when this window is closed.'}
          </p>
          <Bar
            share={size && job.progress ? Math.min(1, job.progress.offset / size) : null}
            label="How much of the file is done"
          />
          <p className="sub">{job.progress ? `Line ${count(job.progress.line)}` : 'Not begun'}</p>
        </>
      )}
      <Counts job={job} />
      {over && refused(job) > 0 && <Faults id={job.id} all={refused(job)} />}
    </div>
  );
}

function Earlier({ onChoose }: { onChoose: (id: string) => void }) {
  const list = useQuery(importsQuery);
  if (list.error && !list.data)
    return <ErrorState error={list.error} retry={() => void list.refetch()} what="The imports before" />;
  if (!list.data) return <SkeletonBlock lines={2} />;
  if (list.data.length === 0) return null;
  return (
    <section aria-labelledby="imports-earlier">
      <h3 id="imports-earlier" className="import-title">
        Imports of the last 30 days
      </h3>
      <ul className="import-list" aria-labelledby="imports-earlier">
        {list.data.slice(0, EARLIER_SHOWN).map((job) => (
          <li key={job.id}>
            <button type="button" onClick={() => onChoose(job.id)}>
              <span className="truncate">{job.id}</span>
              <span className="sub num">{dateTime(job.createdDateTime)}</span>
              <StatusTag status={job.status} />
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Models, twins and relationships out of a file: a job of the server that is followed here. */
function ImportDialog({ onClose }: { onClose: () => void }) {
  const client = useQueryClient();
  const stop = useRef<AbortController | null>(null);
  const [file, setFile] = useState<File | null>(null);
  const [fault, setFault] = useState<string | null>(null);
  const [sent, setSent] = useState(0);
  const [id, setId] = useState<string | null>(null);
  const send = useMutation({
    mutationFn: (chosen: File) => {
      stop.current = new AbortController();
      setSent(0);
      return startImport(chosen, setSent, stop.current.signal);
    },
    onSuccess: (job) => {
      client.setQueryData(importQuery(job.id).queryKey, job);
      void client.invalidateQueries({ queryKey: importsQuery.queryKey });
      setId(job.id);
    },
  });
  const query = useQuery({ ...importQuery(id ?? ''), enabled: id !== null });
  const job = id === null ? undefined : query.data;
  const cancel = useMutation({
    mutationFn: cancelImport,
    onError: (error) => toast('The import goes on', { tone: 'bad', detail: sentence(error.message) }),
    onSettled: () => query.refetch(),
  });
  const over = job !== undefined && isOver(job);
  useEffect(() => {
    if (!over || !job) return;
    void dropUpload(job);
    for (const queryKey of [modelsQuery.queryKey, keys.twins, importsQuery.queryKey])
      void client.invalidateQueries({ queryKey });
  }, [client, job, over]);
  const choose = async (chosen: File) => {
    send.reset();
    setFile(chosen);
    try {
      setFault(faultOf(await chosen.slice(0, LOOKED_AT).text()));
    } catch {
      setFault('The file cannot be read.');
    }
  };
  const close = () => {
    stop.current?.abort();
    onClose();
  };
  const problem = send.error && send.error.name !== 'AbortError' ? send.error : null;
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && close()}
      title={job ? job.id : 'Import a graph'}
      {...(id === null
        ? {
            description:
              'A file of models, twins and relationships, JSON line by line, in the form of Azure Digital Twins. What is there is replaced; each entry is judged by itself.',
          }
        : {})}
      footer={
        id !== null ? (
          <>
            {over && refused(job) > 0 && (
              <a className="btn" href={logAddress(job.id)} download={`${job.id}.log.ndjson`}>
                <Icon name="download" size={14} /> The log
              </a>
            )}
            {job && !over && (
              <button
                type="button"
                className="btn btn-danger"
                disabled={cancel.isPending || job.status === 'cancelling'}
                onClick={() => cancel.mutate(job.id)}
              >
                Cancel the import
              </button>
            )}
            {over && (
              <button
                type="button"
                className="btn"
                onClick={() => {
                  setId(null);
                  setFile(null);
                }}
              >
                Another one
              </button>
            )}
            <button type="button" className="btn btn-primary" onClick={close} autoFocus>
              {over ? 'Done' : 'Close'}
            </button>
          </>
        ) : (
          <>
            <button type="button" className="btn" onClick={close}>
              Cancel
            </button>
            <button
              type="button"
              className="btn btn-primary"
              disabled={!file || fault !== null || send.isPending}
              onClick={() => file && send.mutate(file)}
            >
              {send.isPending ? 'Sending…' : 'Import'}
            </button>
          </>
        )
      }
    >
      {id !== null ? (
        job ? (
          <Followed job={job} size={file?.size ?? null} />
        ) : query.error ? (
          <ErrorState error={query.error} retry={() => void query.refetch()} what="The import" />
        ) : (
          <SkeletonBlock lines={4} />
        )
      ) : (
        <div className="stack">
          <label className="btn file-choice">
            <input
              type="file"
              accept=".ndjson,.jsonl,.json,.txt,application/x-ndjson"
              className="visually-hidden"
              disabled={send.isPending}
              onChange={(e) => {
                const chosen = e.target.files?.[0];
                if (chosen) void choose(chosen);
                e.target.value = '';
              }}
            />
            <Icon name="upload" size={14} />
            <span className="truncate">{file?.name ?? 'Choose a file'}</span>
            {file && <span className="sub">{bytes(file.size)}</span>}
          </label>
          {fault && (
            <div className="outcome" data-tone="bad" role="alert">
              <Prose text={fault} />
            </div>
          )}
          {send.isPending && file && (
            <div>
              <Bar share={file.size > 0 ? sent / file.size : null} label="How much of the file is sent" />
              <p className="sub">
                {bytes(sent)} of {bytes(file.size)} sent
              </p>
            </div>
          )}
          {problem && (
            <div className="outcome" data-tone="bad" role="alert">
              <strong>It was not imported</strong>
              <Prose text={sentence(problem.message)} />
            </div>
          )}
          <Earlier onChoose={setId} />
        </div>
      )}
    </Dialog>
  );
}

/** Opens the import, for who may. */
export function ImportAction() {
  const session = useSession();
  const [open, setOpen] = useState(false);
  if (!may(session?.role, 'admin')) return null;
  return (
    <>
      <button type="button" className="btn" onClick={() => setOpen(true)}>
        <Icon name="upload" size={14} /> Import
      </button>
      {open && <ImportDialog onClose={() => setOpen(false)} />}
    </>
  );
}
