import { useMemo, useState } from 'react';
import type { SwapStation } from '@/swap/scenario';
import { readStations, usual } from '@/swap/stations-file';
import { Dialog } from '@/ui/dialog';
import { Field } from '@/ui/field';
import { bytes, count, plural, sentence } from '@/ui/format';
import { Icon } from '@/ui/icons';
import { Prose } from '@/ui/prose';

const BYTES_MAX = 4 * 1024 * 1024;
const FAULTS_SHOWN = 100;

/** Stations out of a file, in place of those that are there. What is wrong is shown line by line before. */
export function StationsFileDialog({
  onTake,
  onClose,
}: {
  onTake: (stations: SwapStation[]) => void;
  onClose: () => void;
}) {
  const [text, setText] = useState('');
  const [file, setFile] = useState<string | null>(null);
  const [unread, setUnread] = useState<string | null>(null);
  const read = useMemo(() => (text.trim() === '' ? null : readStations(text)), [text]);
  const good = read !== null && read.faults.length === 0;
  const take = async (chosen: File) => {
    setFile(chosen.name);
    setText('');
    setUnread(
      chosen.size > BYTES_MAX ? `The file has ${bytes(chosen.size)}; it may have ${bytes(BYTES_MAX)}.` : null,
    );
    if (chosen.size > BYTES_MAX) return;
    try {
      setText(await chosen.text());
    } catch {
      setUnread('The file cannot be read.');
    }
  };
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title="Import stations"
      description="A CSV file with the columns id, lat and lon and any of bays, batteries, chargers, grid_kw and demand_scale. Its stations take the place of those that are here."
      footer={
        <>
          <button type="button" className="btn" onClick={onClose}>
            Cancel
          </button>
          <button
            type="button"
            className="btn btn-primary"
            disabled={!good}
            onClick={() => read && onTake(read.stations)}
          >
            {good ? `Take ${plural(read.stations.length, 'station')}` : 'Take them'}
          </button>
        </>
      }
    >
      <label className="btn file-choice">
        <input
          type="file"
          accept=".csv,text/csv,text/plain"
          className="visually-hidden"
          onChange={(event) => {
            const chosen = event.target.files?.[0];
            if (chosen) void take(chosen);
            event.target.value = '';
          }}
        />
        <Icon name="upload" size={14} /> {file ?? 'Choose a file'}
      </label>
      <Field
        label="Or paste it here"
        hint={`Where nothing stands: ${usual.bays} bay, ${usual.batteries} packs, ${usual.chargers} chargers, no limit of power, scale ${usual.demand_scale}.`}
      >
        {(field) => (
          <textarea
            {...field}
            className="input"
            rows={5}
            spellCheck={false}
            placeholder={'id,lat,lon,batteries\nHarbour,25.04,121.53,24'}
            value={text.length > 20_000 ? `${text.slice(0, 20_000)}\n…` : text}
            readOnly={text.length > 20_000}
            onChange={(event) => {
              setFile(null);
              setUnread(null);
              setText(event.target.value);
            }}
          />
        )}
      </Field>
      {unread && (
        <div className="outcome" data-tone="bad" role="alert">
          {unread}
        </div>
      )}
      {read && read.faults.length > 0 && (
        <section aria-label="What is wrong with the file">
          <p className="fault-head" role="alert">
            <Icon name="warn" size={14} /> {plural(read.faults.length, 'line')} to put right.
          </p>
          <ol className="faults" tabIndex={0} aria-label="Lines at fault">
            {read.faults.slice(0, FAULTS_SHOWN).map((fault) => (
              <li key={`${fault.line} ${fault.text}`}>
                <span className="num faint">Line {fault.line}</span>
                <span>
                  <Prose text={sentence(fault.text)} />
                </span>
              </li>
            ))}
          </ol>
          {read.faults.length > FAULTS_SHOWN && (
            <p className="faint">and {count(read.faults.length - FAULTS_SHOWN)} more</p>
          )}
        </section>
      )}
      {good && (
        <p className="muted" role="status">
          {plural(read.stations.length, 'station')}, nothing wrong.
        </p>
      )}
    </Dialog>
  );
}
