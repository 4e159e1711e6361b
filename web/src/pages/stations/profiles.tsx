import { useState } from 'react';
import { requestNumber, type Known } from '@/api/knowledge';
import type { Station } from '@/api/types';
import { Field } from '@/ui/field';
import { dateTime, duration, measure, power, sentence } from '@/ui/format';
import { EmptyState } from '@/ui/states';
import { DataTable, type Column } from '@/ui/table';
import { AskDialog, tell } from './ask-dialog';
import { limitProfile, schedulesOf, unitOf, type Profile } from './schedule';

export interface ProfileRecord {
  evse: number | null;
  source: string;
  profile: Profile;
}

const purposes: Readonly<Record<string, string>> = {
  ChargePointMaxProfile: 'Most of the station',
  ChargingStationMaxProfile: 'Most of the station',
  ChargingStationExternalConstraints: 'Limit from outside',
  TxDefaultProfile: 'Every transaction',
  TxProfile: 'One transaction',
  PriorityCharging: 'Priority charging',
  LocalGeneration: 'Local generation',
};

/** "11.0 kW, from +1 h 00 min 7.0 kW". */
function inWords(profile: Profile): string {
  return schedulesOf(profile)
    .map((schedule) =>
      schedule.chargingSchedulePeriod
        .map((p) => {
          const limit = p.setpoint ?? p.limit;
          const text =
            limit === undefined
              ? 'no limit'
              : unitOf(schedule) === 'W'
                ? power(limit)
                : measure(limit, 'A', 0);
          return p.startPeriod === 0 ? text : `after ${duration(p.startPeriod)} ${text}`;
        })
        .join(', '),
    )
    .join('; ');
}

export function ProfileTable({
  station,
  rows,
  limited,
  allowed,
}: {
  station: Station;
  rows: readonly Known<ProfileRecord>[] | undefined;
  /** Something else limits it. */
  limited: boolean;
  allowed: boolean;
}) {
  const [clearing, setClearing] = useState<string | null>(null);
  const columns: readonly Column<Known<ProfileRecord>>[] = [
    { key: 'id', label: 'Profile', sort: (p) => p.key, cell: (p) => <strong>{p.key}</strong> },
    {
      key: 'purpose',
      label: 'Holds for',
      sort: (p) => p.value.profile.chargingProfilePurpose,
      cell: ({ value }) => (
        <>
          {purposes[value.profile.chargingProfilePurpose ?? ''] ?? value.profile.chargingProfilePurpose}{' '}
          <span className="sub">{value.evse ? `EVSE ${value.evse}` : 'whole station'}</span>
        </>
      ),
    },
    {
      key: 'level',
      label: 'Stack level',
      align: 'right',
      wide: true,
      sort: (p) => p.value.profile.stackLevel,
      cell: (p) => p.value.profile.stackLevel ?? '–',
    },
    {
      key: 'kind',
      label: 'Kind',
      wide: true,
      sort: (p) => p.value.profile.chargingProfileKind,
      cell: ({ value: { profile } }) =>
        [profile.chargingProfileKind, profile.recurrencyKind?.toLowerCase()].filter(Boolean).join(', '),
    },
    {
      key: 'limit',
      label: 'Limit',
      cell: ({ value: { profile } }) => <span className="wraps">{inWords(profile)}</span>,
    },
    {
      key: 'from',
      label: 'From',
      wide: true,
      cell: ({ value: { profile } }) => dateTime(schedulesOf(profile)[0]?.startSchedule ?? profile.validFrom),
    },
    {
      key: 'source',
      label: 'By',
      wide: true,
      sort: (p) => p.value.source,
      cell: (p) => (p.value.source === 'CSO' ? 'Us' : sentence(p.value.source)),
    },
    {
      key: 'act',
      label: 'Action',
      align: 'right',
      cell: (p) =>
        allowed && (
          <button
            type="button"
            className="btn btn-ghost btn-sm"
            aria-label={`Clear profile ${p.key}`}
            onClick={() => setClearing(p.key)}
          >
            Clear
          </button>
        ),
    },
  ];
  return (
    <>
      <div className="in-panel">
        <DataTable
          caption="Charging profiles"
          columns={columns}
          rows={rows}
          rowKey={(p) => p.key}
          initialSort={{ key: 'level', dir: 'desc' }}
          empty={
            rows?.length === 0 ? (
              <EmptyState title="No charging profiles">
                {limited
                  ? 'What is drawn above comes from the station’s own surroundings.'
                  : 'The station holds none that we know of.'}
              </EmptyState>
            ) : null
          }
        />
      </div>
      {clearing !== null && (
        <AskDialog
          station={station.id}
          title={`Clear profile ${clearing}`}
          description="What it limits is no longer limited by it."
          confirm="Clear it"
          danger
          send={() =>
            tell(
              station.id,
              'ClearChargingProfile',
              station.ocpp_version === '1.6'
                ? { id: Number(clearing) }
                : { chargingProfileId: Number(clearing) },
            )
          }
          onClose={() => setClearing(null)}
        />
      )}
    </>
  );
}

/** The limit that is needed most: so many kilowatts from now for so long. Anything else is a command. */
export function LimitDialog({
  station,
  evse,
  onClose,
}: {
  station: Station;
  evse: number;
  onClose: () => void;
}) {
  return (
    <AskDialog
      station={station.id}
      title="Set a limit"
      description="From now on. Where several limits hold, the lowest counts."
      confirm="Set the limit"
      send={(form) =>
        tell(
          station.id,
          'SetChargingProfile',
          limitProfile(station.ocpp_version, {
            evse: Number(form.get('evse')),
            watts: Math.round(Number(form.get('kw')) * 1000),
            hours: Number(form.get('hours')),
            id: requestNumber(),
            from: new Date().toISOString(),
          }),
        )
      }
      onClose={onClose}
    >
      <Field label="Of what">
        {(field) => (
          <select {...field} name="evse" className="input" defaultValue={evse}>
            <option value={0}>The whole station</option>
            {station.evses.map((e) => (
              <option key={e.id} value={e.evse_id}>
                EVSE {e.evse_id}, every transaction
              </option>
            ))}
          </select>
        )}
      </Field>
      <Field label="At most, in kW">
        {(field) => (
          <input
            {...field}
            name="kw"
            className="input"
            type="number"
            min={0}
            max={10_000}
            step={0.1}
            required
            autoFocus
          />
        )}
      </Field>
      <Field label="For how many hours">
        {(field) => (
          <input
            {...field}
            name="hours"
            className="input"
            type="number"
            min={0.1}
            max={168}
            step={0.1}
            defaultValue={4}
            required
          />
        )}
      </Field>
    </AskDialog>
  );
}
