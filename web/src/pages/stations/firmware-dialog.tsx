import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { filesKey, firmwareFilesQuery, uploadFirmware, type StoredFile } from '@/api/care';
import { api, seg } from '@/api/client';
import type { Command, Station } from '@/api/types';
import { useList } from '@/api/use-list';
import { may } from '@/app/session';
import { useSession } from '@/app/use-session';
import { bytes, dateTime } from '@/ui/format';
import { Meter } from '@/ui/quantity';
import { Segments } from '@/ui/segments';
import { AskDialog, WAIT } from './ask-dialog';

type Source = 'kept' | 'upload' | 'address';

const iso = (local: FormDataEntryValue | null) => (local ? new Date(String(local)).toISOString() : undefined);

/** Hands the station a firmware: one that is kept here, a new one, or one at another address. */
export function FirmwareDialog({ station, onClose }: { station: Station; onClose: () => void }) {
  const client = useQueryClient();
  const session = useSession();
  const files = useList(firmwareFilesQuery);
  const canUpload = may(session?.role, 'admin');
  const [wanted, setWanted] = useState<Source | null>(null);
  const [share, setShare] = useState<number | null>(null);
  const kept = files.rows?.filter((f) => f.state === 'stored') ?? [];
  const source: Source = wanted ?? (kept.length > 0 || !canUpload ? 'kept' : 'upload');

  const fileOf = async (form: FormData): Promise<string> => {
    if (source === 'kept') return String(form.get('file') ?? '');
    const chosen = form.get('upload');
    if (!(chosen instanceof File) || chosen.size === 0) throw new Error('Choose a file that is not empty.');
    setShare(0);
    try {
      const stored: StoredFile = await uploadFirmware(chosen, setShare);
      return stored.id;
    } finally {
      setShare(null);
      void client.invalidateQueries({ queryKey: filesKey });
    }
  };
  const send = async (form: FormData): Promise<Command> => {
    const location = String(form.get('location') ?? '').trim();
    const body = {
      ...(source === 'address' ? { location } : { file: await fileOf(form) }),
      retrieve_at: iso(form.get('retrieve_at')),
      install_at: iso(form.get('install_at')),
    };
    const answer = await api.post<{ command: Command }>(`/stations/${seg(station.id)}/firmware`, body, WAIT);
    return answer.command;
  };
  const sources: { value: Source; label: string }[] = [
    { value: 'kept', label: 'Kept here' },
    ...(canUpload ? [{ value: 'upload' as const, label: 'Upload' }] : []),
    { value: 'address', label: 'Address' },
  ];
  return (
    <AskDialog
      station={station.id}
      title="Update the firmware"
      description={`${station.name ?? station.id} runs ${station.firmware_version ?? 'a version that it did not tell'}. It fetches the file and installs it; most restart then.`}
      confirm="Update"
      send={send}
      onClose={onClose}
      aside={
        share !== null && (
          <div className="upload" role="status">
            <span className="muted">Uploading, {Math.round(share * 100)} %</span>
            <Meter share={share} color="var(--accent-default)" label="Uploaded" />
          </div>
        )
      }
    >
      <Segments<Source> label="Where the file is" value={source} onChange={setWanted} options={sources} />
      {source === 'kept' && (
        <div className="field">
          <label htmlFor="fw-file">File</label>
          <select id="fw-file" name="file" className="input" required>
            {kept.map((f) => (
              <option key={f.id} value={f.id}>
                {f.name}, {bytes(f.bytes)}, {dateTime(f.created_at)}
              </option>
            ))}
          </select>
          {files.rows && kept.length === 0 && (
            <span className="hint">No firmware is kept here. An administrator can upload one.</span>
          )}
        </div>
      )}
      {source === 'upload' && (
        <div className="field">
          <label htmlFor="fw-upload">File</label>
          <input id="fw-upload" name="upload" className="input file-input" type="file" required />
          <span className="hint">
            256 MiB at most. The station gets an address that is good for this one file.
          </span>
        </div>
      )}
      {source === 'address' && (
        <div className="field">
          <label htmlFor="fw-location">Address</label>
          <input
            id="fw-location"
            name="location"
            className="input mono"
            type="url"
            required
            placeholder="https://"
            autoComplete="off"
          />
        </div>
      )}
      <div className="field">
        <label htmlFor="fw-retrieve">Not fetched before, if any</label>
        <input id="fw-retrieve" name="retrieve_at" className="input" type="datetime-local" />
      </div>
      <div className="field">
        <label htmlFor="fw-install">Not installed before, if any</label>
        <input id="fw-install" name="install_at" className="input" type="datetime-local" />
        {station.ocpp_version === '1.6' && (
          <span className="hint">OCPP 1.6 can say this for signed updates only.</span>
        )}
      </div>
    </AskDialog>
  );
}
