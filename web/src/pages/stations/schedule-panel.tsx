import { useMutation, useQuery } from '@tanstack/react-query';
import { useMemo, useRef, useState } from 'react';
import {
  compareComposite,
  compositeQuery,
  profilesQuery,
  type Composite,
  type CompositeWish,
  type RateUnit,
} from '@/api/charging';
import { recordsQuery, type Known } from '@/api/knowledge';
import type { Station } from '@/api/types';
import { useList } from '@/api/use-list';
import { clock, count, dateTime, instant, measure, power, sentence } from '@/ui/format';
import { Icon } from '@/ui/icons';
import { Segments } from '@/ui/segments';
import { EmptyState, ErrorState } from '@/ui/states';
import { useNow } from '@/ui/use-now';
import { LimitDialog, ProfileTable, type ProfileRecord } from './profiles';
import { clip, schedulesOf, stepsFrom, stepsOf, stepsOfSlots, unitOf, type Schedule } from './schedule';
import { StepChart, type Band, type StepLine } from './step-chart';
import './charging.css';

const HOUR = 3_600_000;
const REFRESH_MS = 15_000;
/** Stretches of difference that are told one by one. */
const DIFFERENCES_SHOWN = 12;

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

interface View {
  evse: number;
  unit: RateUnit;
  from: number;
  to: number;
}

const colors = ['var(--series-s3)', 'var(--series-s2)', 'var(--series-s6)'];

/** What we work out of all profiles, and what the station said when it was asked. */
function composed(schedule: Composite, { unit, from, to }: View): StepLine[] {
  const lines: StepLine[] = [];
  if (schedule.unit === unit) {
    const steps = stepsOfSlots(schedule.ours, instant(schedule.start) ?? from, schedule.duration_s);
    lines.push({
      name: 'As we work it out',
      steps: clip(steps, from, to),
      color: 'var(--series-s1)',
      strong: true,
    });
  }
  const own = schedule.station;
  if (own && own.unit === unit) {
    const steps = stepsOfSlots(own.slots, instant(own.start) ?? from, schedule.duration_s);
    lines.push({
      name: 'As the station says',
      steps: clip(steps, from, to),
      color: 'var(--series-s4)',
      dashed: true,
      wide: true,
    });
  }
  return lines;
}

/** What each profile and each limit from outside says for itself. */
function parts(
  profiles: readonly Known<ProfileRecord>[],
  limits: readonly Known<LimitRecord>[],
  { evse, unit, from, to }: View,
): StepLine[] {
  const here = (of: number | null) => of === null || of === 0 || of === evse || evse === 0;
  const lines: StepLine[] = [];
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

function bandsOf(compared: Composite, { unit, from, to }: View): Band[] {
  const start = instant(compared.start);
  if (start === null || compared.unit !== unit) return [];
  return (compared.differences ?? [])
    .map((d) => ({
      from: start + d.from_s * 1000,
      to: start + d.to_s * 1000,
      between: d.ours != null && d.theirs != null ? ([d.ours, d.theirs] as const) : null,
    }))
    .filter((b) => b.to > from && b.from < to);
}

const when = (ms: number) => dateTime(new Date(ms).toISOString());

/** What came of the comparison, stretch by stretch: what the chart marks, in words. */
function Verdict({
  compared,
  at,
  stale,
  format,
}: {
  compared: Composite;
  at: number;
  /** A profile has changed since. */
  stale: boolean;
  format: (value: number) => string;
}) {
  const limit = (value: number | null | undefined) => (value == null ? 'no limit' : format(value));
  const start = instant(compared.start) ?? at;
  const { differences, station, command } = compared;
  const asOf = `Compared at ${clock(at)}.${stale ? ' What it limits has changed since: compare again.' : ''}`;
  if (!station || !differences) {
    return (
      <div className="verdict" data-tone="bad" role="status">
        <strong>The station gave no schedule.</strong>{' '}
        {command?.reason ? sentence(command.reason) : `It answered ${command?.state ?? 'nothing'}.`}
      </div>
    );
  }
  if (compared.ours.every((s) => s.limit == null && s.setpoint == null)) {
    return (
      <div className="verdict" role="status">
        <strong>No profile limits it.</strong> What the station says is its own affair. {asOf}
      </div>
    );
  }
  if (differences.length === 0) {
    return (
      <div className="verdict" data-tone={stale ? undefined : 'good'} role="status">
        <strong>The station works out the same.</strong> {asOf}
      </div>
    );
  }
  const most = compared.greatest_difference ?? 0;
  return (
    <div className="verdict" data-tone="warn" role="status">
      <strong>The station works out something else{most > 0 && `, by up to ${format(most)}`}.</strong> {asOf}
      <ul className="verdict-lines">
        {differences.slice(0, DIFFERENCES_SHOWN).map((d) => (
          <li key={d.from_s}>
            <span className="num">
              {when(start + d.from_s * 1000)} to {when(start + d.to_s * 1000)}
            </span>
            <span>
              we say {limit(d.ours)}, the station {limit(d.theirs)}
            </span>
          </li>
        ))}
      </ul>
      {differences.length > DIFFERENCES_SHOWN && (
        <span>and {count(differences.length - DIFFERENCES_SHOWN)} more</span>
      )}
    </div>
  );
}

/** Asks the station for its own schedule; the wait can be ended, the station's answer is then left aside. */
function useComparison(station: string) {
  const stop = useRef<AbortController | null>(null);
  const ask = useMutation({
    mutationFn: async ({ wish, basis }: { wish: CompositeWish; basis: string }) => {
      stop.current = new AbortController();
      const compared = await compareComposite(station, wish, stop.current.signal);
      return { compared, evse: wish.evse, basis, at: Date.now() };
    },
  });
  return { ...ask, stop: () => stop.current?.abort() };
}

/** Limits over time: what each profile allows, what we make of them all, and what the station does. */
export function SchedulePanel({ station, allowed }: { station: Station; allowed: boolean }) {
  const profiles = useList(profilesQuery<ProfileRecord>(station.id), REFRESH_MS);
  const limits = useList(recordsQuery<LimitRecord>(station.id, 'charging_limit'), REFRESH_MS);
  const now = useNow();
  const [span, setSpan] = useState<Span>('24');
  const [evse, setEvse] = useState(station.evses[0]?.evse_id ?? 1);
  const [unit, setUnit] = useState<RateUnit>('W');
  const [limiting, setLimiting] = useState(false);
  const wish: CompositeWish = { evse, unit, duration_s: Number(span) * 3600 };
  const ours = useQuery(compositeQuery(station.id, wish));
  const comparison = useComparison(station.id);
  const basis = [...(profiles.rows ?? []), ...(limits.rows ?? [])].map((r) => `${r.key} ${r.at}`).join();
  const told = comparison.data?.evse === evse ? comparison.data : undefined;
  const schedule = told?.compared.station ? told.compared : ours.data;
  // A whole minute: the chart moves on, but not each second.
  const from = Math.floor(now / 60_000) * 60_000 - HOUR;
  const to = from + Number(span) * HOUR + HOUR;
  const view = useMemo(() => ({ evse, unit, from, to }), [evse, unit, from, to]);
  const lines = useMemo(
    () => [
      ...(schedule ? composed(schedule, view) : []),
      ...parts(profiles.rows ?? [], limits.rows ?? [], view),
    ],
    [schedule, profiles.rows, limits.rows, view],
  );
  const limited = lines.some((l) => l.steps.some((s) => s.value !== null));
  const format = (value: number) => (unit === 'W' ? power(value) : measure(value, 'A', 0));
  const compare = () =>
    comparison.mutate({ wish, basis }, { onSuccess: ({ compared }) => setUnit(compared.unit) });
  const problem = comparison.error && comparison.error.name !== 'AbortError' ? comparison.error : null;
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
          {[0, ...station.evses.map((e) => e.evse_id)].map((number) => (
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
      {profiles.error || (ours.error && !ours.data) ? (
        <ErrorState
          error={profiles.error ?? ours.error}
          retry={() => {
            profiles.retry();
            void ours.refetch();
          }}
          what="Limits"
        />
      ) : !limited ? (
        <EmptyState icon="uptime" title="Nothing limits charging here">
          {allowed
            ? 'Set a limit below, or ask the station what it makes of its own settings.'
            : 'Neither a profile nor a limit from outside is known.'}
        </EmptyState>
      ) : (
        <StepChart
          label={`Limits of ${evse === 0 ? 'the station' : `EVSE ${evse}`} over time; the table below holds the same`}
          lines={lines}
          bands={told ? bandsOf(told.compared, view) : []}
          bandName="The two differ"
          from={from}
          to={to}
          now={now}
          format={format}
        />
      )}
      {told && (
        <Verdict
          compared={told.compared}
          at={told.at}
          stale={told.basis !== basis}
          format={(value) => (told.compared.unit === 'W' ? power(value) : measure(value, 'A', 0))}
        />
      )}
      {problem && (
        <div className="verdict" data-tone="bad" role="alert">
          <strong>The station could not be asked.</strong> {sentence(problem.message)}
        </div>
      )}
      {allowed && (
        <div className="panel-foot">
          {comparison.isPending ? (
            <button type="button" className="btn" onClick={comparison.stop}>
              <Icon name="stop" size={13} /> Asking the station… Stop waiting
            </button>
          ) : (
            <button type="button" className="btn" onClick={compare} disabled={!station.online}>
              <Icon name="refresh" size={14} /> Compare with the station
            </button>
          )}
          <button type="button" className="btn" onClick={() => setLimiting(true)} disabled={!station.online}>
            <Icon name="plus" size={14} /> Set a limit
          </button>
        </div>
      )}
      <ProfileTable
        station={station}
        rows={profiles.rows}
        limited={(limits.rows?.length ?? 0) > 0}
        allowed={allowed && station.online}
      />
      {limiting && <LimitDialog station={station} evse={evse} onClose={() => setLimiting(false)} />}
    </section>
  );
}
