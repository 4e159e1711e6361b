import { useState } from 'react';
import { recordsQuery } from '@/api/knowledge';
import type { Station } from '@/api/types';
import { useList } from '@/api/use-list';
import { dateTime, sentence } from '@/ui/format';
import { Json } from '@/ui/json';
import { ErrorState } from '@/ui/states';
import { AskDialog, tell } from './ask-dialog';
import './charging.css';

interface Place {
  key: string;
  label: string;
  evse: number;
  wish: { wanted?: string; status?: string } | undefined;
  at: string | undefined;
}

/** What a place was told last about being in service. */
export function AvailabilityPanel({ station, allowed }: { station: Station; allowed: boolean }) {
  const { rows, error, retry } = useList(
    recordsQuery<{ wanted: string; status: string }>(station.id, 'availability'),
    15_000,
  );
  const [changing, setChanging] = useState<{ place: Place; on: boolean } | null>(null);
  const byKey = new Map(rows?.map((r) => [r.key, r]));
  const places: Place[] = [0, ...station.evses.map((e) => e.evse_id)].map((evse) => ({
    key: String(evse),
    label: evse === 0 ? 'The whole station' : `EVSE ${evse}`,
    evse,
    wish: byKey.get(String(evse))?.value,
    at: byKey.get(String(evse))?.at,
  }));
  const send = ({ place, on }: { place: Place; on: boolean }) => {
    const state = on ? 'Operative' : 'Inoperative';
    return tell(
      station.id,
      'ChangeAvailability',
      station.ocpp_version === '1.6'
        ? { connectorId: place.evse, type: state }
        : { operationalStatus: state, ...(place.evse === 0 ? {} : { evse: { id: place.evse } }) },
    );
  };
  return (
    <section className="panel" aria-labelledby="availability">
      <header className="panel-head">
        <h2 id="availability">In service</h2>
      </header>
      {error ? (
        <ErrorState error={error} retry={retry} what="Availability" />
      ) : (
        <ul className="places">
          {places.map((place) => {
            const off = place.wish?.wanted === 'Inoperative';
            return (
              <li key={place.key}>
                <span>
                  {place.label}
                  <span className="sub">
                    {place.wish
                      ? `${off ? 'Taken out' : 'Put in'} ${dateTime(place.at)}, station answered ${place.wish.status ?? 'nothing'}`
                      : 'Never told otherwise'}
                  </span>
                </span>
                {place.wish && (
                  <span className="tag" data-tone={off ? 'warn' : 'good'}>
                    {off ? 'Out of service' : 'In service'}
                  </span>
                )}
                {allowed && (
                  <button
                    type="button"
                    className="btn btn-sm"
                    disabled={!station.online}
                    aria-label={`${off ? 'Put in' : 'Take out of'} service: ${place.label}`}
                    onClick={() => setChanging({ place, on: off })}
                  >
                    {off ? 'Put in service' : 'Take out'}
                  </button>
                )}
              </li>
            );
          })}
        </ul>
      )}
      {changing && (
        <AskDialog
          station={station.id}
          title={changing.on ? 'Put in service' : 'Take out of service'}
          description={
            changing.on
              ? `${changing.place.label} may be used again.`
              : `Nobody can charge there until it is put in service again. A running transaction ends first: ${changing.place.label}.`
          }
          confirm={changing.on ? 'Put in service' : 'Take out of service'}
          danger={!changing.on}
          send={() => send(changing)}
          onClose={() => setChanging(null)}
        />
      )}
    </section>
  );
}

/** Topics that few stations have; each is shown only where something is known. */
const topics: readonly [string, string][] = [
  ['charging_limit', 'Limits from outside'],
  ['der_control', 'Grid services (DER)'],
  ['charging_needs', 'What vehicles need'],
  ['ev_schedule', 'What vehicles plan'],
  ['priority_charging', 'Priority charging'],
  ['allowed_energy_transfer', 'Allowed energy transfer'],
  ['battery', 'Batteries'],
];

function Topic({ station, topic, label }: { station: string; topic: string; label: string }) {
  const { rows, error, retry } = useList(recordsQuery<unknown>(station, topic), 30_000);
  if (error) {
    return (
      <section className="panel">
        <ErrorState error={error} retry={retry} what={label} />
      </section>
    );
  }
  if (!rows || rows.length === 0) return null;
  return (
    <section className="panel" aria-label={label}>
      <header className="panel-head">
        <h2>{label}</h2>
      </header>
      <ul className="known">
        {rows.map((r) => (
          <li key={r.key}>
            <details>
              <summary>
                <strong>{sentence(r.key.replaceAll('//', ' · EVSE ').replaceAll('/', ' · '))}</strong>
                <span className="sub num">{dateTime(r.at)}</span>
              </summary>
              <Json value={r.value} label={`${label}: ${r.key}`} />
            </details>
          </li>
        ))}
      </ul>
    </section>
  );
}

export function Further({ station }: { station: string }) {
  return (
    <>
      {topics.map(([topic, label]) => (
        <Topic key={topic} station={station} topic={topic} label={label} />
      ))}
    </>
  );
}
