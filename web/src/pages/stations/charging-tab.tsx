import { useMutation } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { recordsQuery, type Known } from '@/api/knowledge';
import type { Station } from '@/api/types';
import { useList } from '@/api/use-list';
import { may } from '@/app/session';
import { useSession } from '@/app/use-session';
import { instant, measure, power } from '@/ui/format';
import { Icon } from '@/ui/icons';
import { Segments } from '@/ui/segments';
import { EmptyState, ErrorState } from '@/ui/states';
import { toast } from '@/ui/toast';
import { useNow } from '@/ui/use-now';
import { tell } from './ask-dialog';
import { AvailabilityPanel, Further, ReservationPanel } from './charging-panels';
import { LimitDialog, ProfileTable, type ProfileRecord } from './profiles';
import { clip, schedulesOf, stepsFrom, stepsOf, unitOf, type Schedule, type Step } from './schedule';
import { StepChart, type StepLine } from './step-chart';
import type { TabProps } from './tabs';

const HOUR = 3_600_000;
const spans = [
  { value: '6', label: '6 h' },
  { value: '24', label: '24 h' },
  { value: '72', label: '3 d' },
] as const;
type Span = (typeof spans)[number]['value'];

interface LimitRecord {
  source: string;
  evse: number | null;
  grid_critical: boolean;
  schedules: Schedule[] | null;
}

/** What the station said its schedule is, when it was asked. */
interface Told {
  evse: number;
  unit: 'A' | 'W';
  steps: Step[];
}

const colors = ['var(--series-s3)', 'var(--series-s2)', 'var(--series-s4)', 'var(--series-s6)'];

/** Asks the station for the schedule that it works out of everything it was told. */
async function askSchedule(station: Station, evse: number, hours: number): Promise<Told> {
  const old = station.ocpp_version === '1.6';
  const duration = hours * 3600;
  const command = await tell(
    station.id,
    'GetCompositeSchedule',
    old ? { connectorId: evse, duration } : { evseId: evse, duration },
  );
  const answer = command.answer as {
    status?: string;
    scheduleStart?: string;
    chargingSchedule?: Schedule;
    schedule?: Schedule & { scheduleStart?: string };
  } | null;
  const schedule = old ? answer?.chargingSchedule : answer?.schedule;
  if (answer?.status !== 'Accepted' || !schedule) {
    throw new Error(command.reason ?? `The station answered ${answer?.status ?? 'nothing'}.`);
  }
  const start = instant(answer.scheduleStart ?? answer.schedule?.scheduleStart) ?? Date.now();
  return { evse, unit: unitOf(schedule), steps: stepsFrom(schedule, start) };
}

function linesOf(
  profiles: readonly Known<ProfileRecord>[],
  limits: readonly Known<LimitRecord>[],
  told: Told | null,
  at: { evse: number; unit: 'A' | 'W'; from: number; to: number },
): StepLine[] {
  const { evse, unit, from, to } = at;
  const here = (of: number | null) => of === null || of === 0 || of === evse || evse === 0;
  const lines: StepLine[] = [];
  if (told && told.evse === evse && told.unit === unit) {
    lines.push({
      name: 'The station’s schedule',
      steps: clip(told.steps, from, to),
      color: 'var(--series-s1)',
      strong: true,
    });
  }
  for (const { key, value } of profiles) {
    if (!here(value.evse) || unitOf(schedulesOf(value.profile)[0]) !== unit) continue;
    const steps = stepsOf(value.profile, from, to);
    if (steps)
      lines.push({ name: `Profile ${key}`, steps, color: colors[lines.length % colors.length] ?? '' });
  }
  for (const { value } of limits) {
    const schedule = value.schedules?.[0];
    if (!schedule || !here(value.evse) || unitOf(schedule) !== unit) continue;
    const steps = clip(stepsFrom(schedule, instant(schedule.startSchedule) ?? from), from, to);
    lines.push({ name: `Limit by ${value.source}`, steps, color: 'var(--series-s5)', dashed: true });
  }
  return lines;
}

/** Limits over time: what each profile allows, and what the station makes of them all. */
function SchedulePanel({ station, allowed }: { station: Station; allowed: boolean }) {
  const profiles = useList(recordsQuery<ProfileRecord>(station.id, 'charging_profile'), 15_000);
  const limits = useList(recordsQuery<LimitRecord>(station.id, 'charging_limit'), 15_000);
  const now = useNow();
  const [span, setSpan] = useState<Span>('24');
  const [evse, setEvse] = useState(station.evses[0]?.evse_id ?? 1);
  const [unit, setUnit] = useState<'A' | 'W'>('W');
  const [limiting, setLimiting] = useState(false);
  const ask = useMutation({
    mutationFn: () => askSchedule(station, evse, Number(span)),
    onSuccess: (told) => setUnit(told.unit),
    onError: (e) => toast('The station gave no schedule', { tone: 'bad', detail: e.message }),
  });
  const told = ask.data ?? null;
  // A whole minute: the chart moves on, but not each second.
  const from = Math.floor(now / 60_000) * 60_000 - HOUR;
  const to = from + Number(span) * HOUR + HOUR;
  const lines = useMemo(
    () => linesOf(profiles.rows ?? [], limits.rows ?? [], told, { evse, unit, from, to }),
    [profiles.rows, limits.rows, told, evse, unit, from, to],
  );
  const format = (value: number) => (unit === 'W' ? power(value) : measure(value, 'A', 0));
  const evses = [0, ...station.evses.map((e) => e.evse_id)];
  return (
    <section className="panel" aria-labelledby="schedule">
      <header className="panel-head" style={{ flexWrap: 'wrap' }}>
        <h2 id="schedule">Limits over time</h2>
        <select
          className="input inline-select"
          aria-label="EVSE"
          value={evse}
          onChange={(e) => setEvse(Number(e.target.value))}
        >
          {evses.map((number) => (
            <option key={number} value={number}>
              {number === 0 ? 'Whole station' : `EVSE ${number}`}
            </option>
          ))}
        </select>
        <Segments
          label="Unit"
          value={unit}
          onChange={setUnit}
          options={[
            { value: 'W', label: 'kW' },
            { value: 'A', label: 'A' },
          ]}
        />
        <Segments<Span> label="Time span" value={span} onChange={setSpan} options={spans} />
      </header>
      {profiles.error ? (
        <ErrorState error={profiles.error} retry={profiles.retry} what="Charging profiles" />
      ) : lines.length === 0 ? (
        <EmptyState icon="uptime" title="Nothing limits charging here">
          {allowed
            ? 'Set a limit below, or ask the station what it makes of its own settings.'
            : 'Neither a profile nor a limit from outside is known.'}
        </EmptyState>
      ) : (
        <StepChart
          label={`Limits of ${evse === 0 ? 'the station' : `EVSE ${evse}`} over time; the table below holds the same`}
          lines={lines}
          from={from}
          to={to}
          now={now}
          format={format}
        />
      )}
      {allowed && (
        <div className="panel-foot">
          <button
            type="button"
            className="btn"
            onClick={() => ask.mutate()}
            disabled={!station.online || ask.isPending}
          >
            <Icon name="refresh" size={14} />
            {ask.isPending ? 'Asking the station…' : 'Ask for the station’s schedule'}
          </button>
          <button type="button" className="btn" onClick={() => setLimiting(true)} disabled={!station.online}>
            <Icon name="plus" size={14} /> Set a limit
          </button>
        </div>
      )}
      <ProfileTable station={station} rows={profiles.rows} allowed={allowed && station.online} />
      {limiting && <LimitDialog station={station} evse={evse} onClose={() => setLimiting(false)} />}
    </section>
  );
}

/** Everything that says how this station may charge. */
export default function ChargingTab({ station }: TabProps) {
  const session = useSession();
  const allowed = may(session?.role, 'operator');
  return (
    <>
      <SchedulePanel station={station} allowed={allowed} />
      <div className="halves">
        <ReservationPanel station={station} allowed={allowed} />
        <AvailabilityPanel station={station} allowed={allowed} />
      </div>
      <Further station={station.id} />
    </>
  );
}
