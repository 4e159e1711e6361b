import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { filesKey, firmwareFilesQuery, uploadFirmware } from '@/api/care';
import { useList } from '@/api/use-list';
import { may } from '@/app/session';
import { useSession } from '@/app/use-session';
import { Check, Field } from '@/ui/field';
import { bytes, dateTime, sentence } from '@/ui/format';
import { Icon } from '@/ui/icons';
import { Meter } from '@/ui/quantity';
import { ErrorState } from '@/ui/states';
import { useCampaignDraft } from './draft';
import { nameOf, versionIn } from './logic';

export type ProblemOf = (field: string) => string | null;

/** Puts a file into the store, and shows how far it is; it can be stopped. */
function Upload({ onStored }: { onStored: (id: string) => void }) {
  const client = useQueryClient();
  const input = useRef<HTMLInputElement>(null);
  const stop = useRef<AbortController | null>(null);
  const [share, setShare] = useState<number | null>(null);
  const upload = useMutation({
    mutationFn: (file: File) => {
      if (file.size === 0) throw new Error('the file is empty');
      stop.current = new AbortController();
      setShare(0);
      return uploadFirmware(file, setShare, stop.current.signal);
    },
    onSuccess: async (stored) => {
      await client.invalidateQueries({ queryKey: filesKey });
      onStored(stored.id);
    },
    onSettled: () => setShare(null),
  });
  const problem = upload.error && upload.error.name !== 'AbortError' ? upload.error : null;
  return (
    <div className="campaign-upload">
      <input
        ref={input}
        type="file"
        className="visually-hidden"
        tabIndex={-1}
        aria-label="Firmware to upload"
        onChange={(e) => {
          const file = e.target.files?.[0];
          if (file) upload.mutate(file);
          e.target.value = '';
        }}
      />
      {share === null ? (
        <button type="button" className="btn" onClick={() => input.current?.click()}>
          <Icon name="upload" size={14} /> Upload a file
        </button>
      ) : (
        <div className="campaign-uploading" role="status">
          <span className="muted num">Uploading, {Math.round(share * 100)} %</span>
          <Meter share={share} color="var(--accent-default)" label="Uploaded" />
          <button type="button" className="btn btn-sm" onClick={() => stop.current?.abort()}>
            Stop
          </button>
        </div>
      )}
      {problem && (
        <span className="problem" role="alert">
          {sentence(problem.message)}
        </span>
      )}
    </div>
  );
}

function Signature({ problemOf }: { problemOf: ProblemOf }) {
  const { draft, change } = useCampaignDraft();
  return (
    <>
      <Check
        label="It is signed"
        text="Stations check the signature against the certificate before they install."
        checked={draft.signed}
        onChange={(signed) => change({ signed })}
      />
      {draft.signed && (
        <div className="pair">
          <Field
            label="Signing certificate, as PEM"
            problem={problemOf('signing_certificate')}
            hint="5,500 characters at most."
          >
            {(field) => (
              <textarea
                {...field}
                className="input"
                rows={6}
                spellCheck={false}
                placeholder="-----BEGIN CERTIFICATE-----"
                value={draft.certificate}
                onChange={(e) => change({ certificate: e.target.value })}
              />
            )}
          </Field>
          <Field
            label="Signature, in Base64"
            problem={problemOf('signature')}
            hint="Of the file’s SHA-256, 800 characters at most."
          >
            {(field) => (
              <textarea
                {...field}
                className="input"
                rows={6}
                spellCheck={false}
                value={draft.signature}
                onChange={(e) => change({ signature: e.target.value })}
              />
            )}
          </Field>
        </div>
      )}
    </>
  );
}

/** Which file, and how one knows that a station has it. */
export function FirmwarePart({ problemOf }: { problemOf: ProblemOf }) {
  const session = useSession();
  const files = useList(firmwareFilesQuery);
  const { draft, change } = useCampaignDraft();
  const kept = files.rows?.filter((f) => f.state === 'stored') ?? [];
  const chosen = kept.find((f) => f.id === draft.file);
  const guess = chosen ? versionIn(chosen.name) : null;
  const canUpload = may(session?.role, 'admin');
  if (files.error) {
    return <ErrorState error={files.error} retry={files.retry} what="The stored firmware" />;
  }
  return (
    <div className="form">
      <div className="campaign-file">
        <Field
          label="Firmware"
          problem={problemOf('file')}
          hint={
            files.rows && kept.length === 0
              ? canUpload
                ? 'None is kept here yet: upload one. 256 MiB at most.'
                : 'None is kept here yet. An administrator can upload one.'
              : 'Each station gets an address that is good for this one file.'
          }
        >
          {(field) => (
            <select
              {...field}
              className="input"
              disabled={kept.length === 0}
              value={chosen ? draft.file : ''}
              onChange={(e) => change({ file: e.target.value })}
            >
              <option value="">{files.rows ? 'Choose a file' : 'Reading the store…'}</option>
              {kept.map((f) => (
                <option key={f.id} value={f.id}>
                  {f.name}, {bytes(f.bytes)}, {dateTime(f.created_at)}
                </option>
              ))}
            </select>
          )}
        </Field>
        {canUpload && <Upload onStored={(file) => change({ file })} />}
      </div>
      <div className="pair">
        <Field
          label="Version"
          problem={problemOf('version')}
          hint="What a station tells at its boot once the firmware is in it. It has got there when it tells this, not before."
        >
          {(field) => (
            <input
              {...field}
              className="input mono"
              maxLength={50}
              autoComplete="off"
              spellCheck={false}
              value={draft.version}
              onChange={(e) => change({ version: e.target.value })}
            />
          )}
        </Field>
        <Field label="Name of the campaign" problem={problemOf('name')}>
          {(field) => (
            <input
              {...field}
              className="input"
              maxLength={200}
              autoComplete="off"
              value={nameOf(draft)}
              onChange={(e) => change({ name: e.target.value })}
            />
          )}
        </Field>
      </div>
      {guess !== null && guess !== draft.version && (
        <button type="button" className="chip" onClick={() => change({ version: guess })}>
          Version {guess}, as the file is named
        </button>
      )}
      <Signature problemOf={problemOf} />
    </div>
  );
}
