import { useState } from 'react';
import { recordsQuery, requestNumber, type Known } from '@/api/knowledge';
import type { Station } from '@/api/types';
import { useList } from '@/api/use-list';
import { dateTime, sentence } from '@/ui/format';
import { Icon } from '@/ui/icons';
import { Json } from '@/ui/json';
import { EmptyState, ErrorState } from '@/ui/states';
import { DataTable, type Column } from '@/ui/table';
import { AskDialog, tell } from './ask-dialog';
import './charging.css';

interface Reservation {
  evse: number | null;
  id_token: string;
  expires_at: string | null;
  state: string;
  transaction_id: string | null;
}

const over = new Set(['expired', 'cancelled', 'used', 'removed', 'rejected', 'refused', 'failed']);

function ReserveDialog({ station, onClose }: { station: Station; onClose: () => void }) {
  return (
    <AskDialog
      station={station.id}
      title="Reserve"
      description="The station keeps the place for this token until the time given."
      confirm="Reserve"
      send={(form) => {
        const evse = Number(form.get('evse'));
        const token = String(form.get('token')).trim();
        const until = new Date(Date.now() + Number(form.get('minutes')) * 60_000).toISOString();
        const id = requestNumber();
        return tell(
          station.id,
          'ReserveNow',
          station.ocpp_version === '1.6'
            ? { connectorId: evse, expiryDate: until, idTag: token, reservationId: id }
            : {
                id,
                expiryDateTime: until,
                idToken: { idToken: token, type: 'Central' },
                ...(evse === 0 ? {} : { evseId: evse }),
              },
        );
      }}
      onClose={onClose}
    >
      <div className="field">
        <label htmlFor="reserve-evse">Where</label>
        <select id="reserve-evse" name="evse" className="input">
          {station.evses.map((e) => (
            <option key={e.id} value={e.evse_id}>
              EVSE {e.evse_id}
            </option>
          ))}
          <option value={0}>Any place of the station</option>
        </select>
      </div>
      <div className="field">
        <label htmlFor="reserve-token">For the id token</label>
        <input
          id="reserve-token"
          name="token"
          className="input mono"
          required
          maxLength={station.ocpp_version === '1.6' ? 20 : 36}
          autoComplete="off"
          autoFocus
        />
      </div>
      <div className="field">
        <label htmlFor="reserve-minutes">For how many minutes</label>
        <input
          id="reserve-minutes"
          name="minutes"
          className="input"
          type="number"
          min={1}
          max={1440}
          defaultValue={30}
          required
        />
      </div>
    </AskDialog>
  );
}

export function ReservationPanel({ station, allowed }: { station: Station; allowed: boolean }) {
  const { rows, error, retry } = useList(recordsQuery<Reservation>(station.id, 'reservation'), 15_000);
  const [reserving, setReserving] = useState(false);
  const [cancelling, setCancelling] = useState<string | null>(null);
  const columns: readonly Column<Known<Reservation>>[] = [
    {
      key: 'token',
      label: 'For',
      sort: (r) => r.value.id_token,
      cell: (r) => (
        <>
          <span className="mono">{r.value.id_token}</span>{' '}
          <span className="sub">{r.value.evse ? `EVSE ${r.value.evse}` : 'anywhere'}</span>
        </>
      ),
    },
    {
      key: 'until',
      label: 'Until',
      sort: (r) => r.value.expires_at,
      cell: (r) => <span className="num">{dateTime(r.value.expires_at)}</span>,
    },
    {
      key: 'state',
      label: 'State',
      sort: (r) => r.value.state,
      cell: (r) => (
        <span className="tag" data-tone={r.value.state === 'active' ? 'good' : undefined}>
          {r.value.state}
        </span>
      ),
    },
    {
      key: 'act',
      label: 'Action',
      align: 'right',
      cell: (r) =>
        allowed &&
        !over.has(r.value.state) && (
          <button
            type="button"
            className="btn btn-ghost btn-sm"
            aria-label={`Cancel reservation ${r.key}`}
            disabled={!station.online}
            onClick={() => setCancelling(r.key)}
          >
            Cancel
          </button>
        ),
    },
  ];
  return (
    <section className="panel" aria-labelledby="reservations">
      <header className="panel-head">
        <h2 id="reservations">Reservations</h2>
        {allowed && (
          <button
            type="button"
            className="btn btn-sm"
            onClick={() => setReserving(true)}
            disabled={!station.online}
          >
            <Icon name="plus" size={13} /> Reserve
          </button>
        )}
      </header>
      {error ? (
        <ErrorState error={error} retry={retry} what="Reservations" />
      ) : (
        <DataTable
          caption="Reservations"
          columns={columns}
          rows={rows}
          rowKey={(r) => r.key}
          initialSort={{ key: 'until', dir: 'desc' }}
          empty={<EmptyState icon="inbox" title="Nothing is reserved" />}
        />
      )}
      {reserving && <ReserveDialog station={station} onClose={() => setReserving(false)} />}
      {cancelling !== null && (
        <AskDialog
          station={station.id}
          title="Cancel the reservation"
          description={`Reservation ${cancelling} ends and the place is free for everybody.`}
          confirm="Cancel the reservation"
          danger
          send={() => tell(station.id, 'CancelReservation', { reservationId: Number(cancelling) })}
          onClose={() => setCancelling(null)}
        />
      )}
    </section>
  );
}

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
