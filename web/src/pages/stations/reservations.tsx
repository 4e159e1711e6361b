import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import {
  reservationsPath,
  reservationsQuery,
  type NewReservation,
  type Reservation,
  type ReservationAsked,
} from '@/api/charging';
import { api } from '@/api/client';
import type { Station } from '@/api/types';
import { useList } from '@/api/use-list';
import { Field } from '@/ui/field';
import { age, dateTime, instant } from '@/ui/format';
import { Icon } from '@/ui/icons';
import { EmptyState, ErrorState } from '@/ui/states';
import { DataTable, type Column } from '@/ui/table';
import type { Tone } from '@/ui/toast';
import { useNow } from '@/ui/use-now';
import { AskDialog, WAIT } from './ask-dialog';

const REFRESH_MS = 10_000;

const states: Readonly<Record<Reservation['state'], [word: string, tone?: Tone]>> = {
  active: ['Held', 'good'],
  refused: ['Refused', 'bad'],
  used: ['Taken up'],
  cancelled: ['Cancelled'],
  expired: ['Expired'],
  removed: ['Given up by the station', 'warn'],
};

async function reserve(station: Station, form: FormData) {
  const evse = Number(form.get('evse'));
  const group = String(form.get('group')).trim();
  const body: NewReservation = {
    id_token: String(form.get('token')).trim(),
    expires_at: new Date(Date.now() + Number(form.get('minutes')) * 60_000).toISOString(),
    ...(evse === 0 ? {} : { evse }),
    ...(group ? { group } : {}),
  };
  return (await api.post<ReservationAsked>(reservationsPath(station.id), body, WAIT)).command;
}

function ReserveDialog({ station, onClose }: { station: Station; onClose: () => void }) {
  const room = station.ocpp_version === '1.6' ? 20 : 36;
  return (
    <AskDialog
      station={station.id}
      title="Reserve"
      description="The station keeps the place for this token until the time given."
      confirm="Reserve"
      send={(form) => reserve(station, form)}
      onClose={onClose}
    >
      <Field label="Where">
        {(field) => (
          <select {...field} name="evse" className="input">
            {station.evses.map((e) => (
              <option key={e.id} value={e.evse_id}>
                EVSE {e.evse_id}
              </option>
            ))}
            <option value={0}>Any place of the station</option>
          </select>
        )}
      </Field>
      <Field label="For the id token">
        {(field) => (
          <input
            {...field}
            name="token"
            className="input mono"
            required
            maxLength={room}
            autoComplete="off"
            spellCheck={false}
            autoFocus
          />
        )}
      </Field>
      <Field label="And for whoever is of the group" hint="The parent of the token when empty.">
        {(field) => (
          <input
            {...field}
            name="group"
            className="input mono"
            maxLength={room}
            autoComplete="off"
            spellCheck={false}
          />
        )}
      </Field>
      <Field label="For how many minutes">
        {(field) => (
          <input
            {...field}
            name="minutes"
            className="input"
            type="number"
            min={1}
            max={1440}
            defaultValue={30}
            required
          />
        )}
      </Field>
    </AskDialog>
  );
}

/** Until when it holds, and how long that still is. */
function Until({ reservation: r }: { reservation: Reservation }) {
  const now = useNow();
  const left = (instant(r.expires_at) ?? now) - now;
  return (
    <span className="num">
      {dateTime(r.expires_at)}
      {r.state === 'active' && left > 0 && <span className="sub"> in {age(left)}</span>}
    </span>
  );
}

function State({ reservation: r }: { reservation: Reservation }) {
  const [word, tone] = states[r.state];
  return (
    <>
      <span className="tag" data-tone={tone}>
        {word}
      </span>
      {r.state === 'refused' && r.answer && <span className="sub"> {r.answer}</span>}
      {r.transaction_id && (
        <Link to="/transactions" search={{ q: r.transaction_id }} className="sub">
          {' '}
          transaction
        </Link>
      )}
    </>
  );
}

/** What is held at the station and for whom, as the central system knows it. */
export function ReservationPanel({ station, allowed }: { station: Station; allowed: boolean }) {
  const { rows, error, retry, more, loadingMore } = useList(reservationsQuery(station.id), REFRESH_MS);
  const [reserving, setReserving] = useState(false);
  const [cancelling, setCancelling] = useState<Reservation | null>(null);
  const columns: readonly Column<Reservation>[] = [
    {
      key: 'token',
      label: 'For',
      sort: (r) => r.id_token,
      cell: (r) => (
        <>
          <span className="mono">{r.id_token}</span>{' '}
          <span className="sub">
            {r.evse == null ? 'anywhere' : `EVSE ${r.evse}`}
            {r.group && `, or of ${r.group}`}
          </span>
        </>
      ),
    },
    {
      key: 'until',
      label: 'Until',
      sort: (r) => instant(r.expires_at),
      cell: (r) => <Until reservation={r} />,
    },
    {
      key: 'state',
      label: 'State',
      sort: (r) => Object.keys(states).indexOf(r.state),
      cell: (r) => <State reservation={r} />,
    },
    {
      key: 'act',
      label: 'Action',
      align: 'right',
      cell: (r) =>
        allowed &&
        r.state === 'active' && (
          <button
            type="button"
            className="btn btn-ghost btn-sm"
            aria-label={`Cancel reservation ${r.id} for ${r.id_token}`}
            disabled={!station.online}
            onClick={() => setCancelling(r)}
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
          rowKey={(r) => String(r.id)}
          initialSort={{ key: 'until', dir: 'desc' }}
          empty={<EmptyState icon="inbox" title="Nothing is reserved" />}
          max={50}
          foot={
            more && (
              <button type="button" className="btn btn-sm" onClick={more} disabled={loadingMore}>
                Load more
              </button>
            )
          }
        />
      )}
      {reserving && <ReserveDialog station={station} onClose={() => setReserving(false)} />}
      {cancelling !== null && (
        <AskDialog
          station={station.id}
          title="Cancel the reservation"
          description={`What is held for ${cancelling.id_token} until ${dateTime(cancelling.expires_at)} is free for everybody.`}
          confirm="Cancel the reservation"
          danger
          send={async () =>
            (await api.delete<ReservationAsked>(`${reservationsPath(station.id)}/${cancelling.id}`, WAIT))
              .command
          }
          onClose={() => setCancelling(null)}
        />
      )}
    </section>
  );
}
