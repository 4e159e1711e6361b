import type { Transaction } from '@/api/types';
import type { UptimeDetail } from '@/api/uptime';
import { dateTime, duration, instant, plural } from '@/ui/format';

type Outage = Pick<UptimeDetail['intervals'][number], 'from' | 'to' | 'cause' | 'unobserved'>;
type Session = Pick<Transaction, 'started_at' | 'ended_at' | 'state' | 'number'>;

export type State = 'available' | 'charging' | 'offline' | 'faulted' | 'unavailable' | 'unknown';

export interface Stretch {
  state: State;
  from: number;
  to: number;
}

const words: Readonly<Record<State, string>> = {
  available: 'Free',
  charging: 'Charging',
  offline: 'No connection',
  faulted: 'Faulted',
  unavailable: 'Out of service',
  unknown: 'Not watched',
};

/**
 * The time between two times without gaps: not watched before `since` or while the server was down, out by its cause,
 * charging, and free else. An outage goes before a session.
 */
export function stretchesOf(of: {
  from: number;
  to: number;
  since: number | null;
  outages: readonly Outage[];
  sessions: readonly Session[];
}): Stretch[] {
  const { from, to } = of;
  const layers: Stretch[] = [
    ...(of.since === null || of.since > from
      ? [{ state: 'unknown' as const, from, to: of.since ?? to }]
      : []),
    ...of.outages.map((o) => ({
      state: (o.unobserved ? 'unknown' : o.cause in words ? o.cause : 'unavailable') as State,
      from: instant(o.from) ?? to,
      to: instant(o.to) ?? to,
    })),
    ...of.sessions
      .filter((s) => s.state !== 'orphan')
      .map((s) => ({
        state: 'charging' as const,
        from: instant(s.started_at) ?? to,
        to: instant(s.ended_at) ?? to,
      })),
  ]
    .map((s) => ({ ...s, from: Math.max(s.from, from), to: Math.min(s.to, to) }))
    .filter((s) => s.to > s.from);
  const cuts = [...new Set([from, to, ...layers.flatMap((s) => [s.from, s.to])])].sort((a, b) => a - b);
  const out: Stretch[] = [];
  cuts.slice(0, -1).forEach((start, i) => {
    const end = cuts[i + 1] ?? to;
    const state = layers.find((s) => s.from <= start && s.to >= end)?.state ?? 'available';
    const last = out.at(-1);
    if (last?.state === state) last.to = end;
    else out.push({ state, from: start, to: end });
  });
  return out;
}

/** How long each state lasted in all, longest first. */
function sums(stretches: readonly Stretch[]): [State, number][] {
  const by = new Map<State, number>();
  for (const s of stretches) by.set(s.state, (by.get(s.state) ?? 0) + s.to - s.from);
  return [...by].sort((a, b) => b[1] - a[1]);
}

/** One strip of colours over time; the sums below it say the same in words. */
export function Timeline({
  label,
  from,
  to,
  stretches,
}: {
  label: string;
  from: number;
  to: number;
  stretches: readonly Stretch[];
}) {
  const out = stretches.filter((s) => !['available', 'charging', 'unknown'].includes(s.state));
  const stamp = (ms: number) => dateTime(new Date(ms).toISOString());
  return (
    <div className="timeline">
      <div
        className="strip"
        role="img"
        aria-label={`${label} from ${stamp(from)} to ${stamp(to)}: ${plural(out.length, 'outage')}`}
      >
        {stretches.map((s) => (
          <span
            key={s.from}
            data-state={s.state}
            style={{ flexGrow: s.to - s.from }}
            title={`${words[s.state]}, ${stamp(s.from)} to ${stamp(s.to)}, ${duration((s.to - s.from) / 1000)}`}
          />
        ))}
      </div>
      <div className="strip-ends faint num" aria-hidden="true">
        <span>{stamp(from)}</span>
        <span>now</span>
      </div>
      <ul className="strip-legend">
        {sums(stretches).map(([state, ms]) => (
          <li key={state}>
            <span className="swatch" data-state={state} />
            {words[state]} <strong className="num">{duration(ms / 1000)}</strong>
          </li>
        ))}
      </ul>
    </div>
  );
}
