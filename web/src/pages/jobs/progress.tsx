import { count } from '@/ui/format';
import type { StateOf } from './states';

/** Where one station of a job stands. */
export function StationTag({ state: { word, tone } }: { state: StateOf }) {
  return (
    <span className="tag" data-tone={tone} data-busy={tone === 'busy'}>
      {word}
    </span>
  );
}

/** How far a job has come, and how it went: one bar with a part for each outcome. */
export function JobProgress({
  job,
  states,
}: {
  job: { total: number; finished: number; by_state: Readonly<Record<string, number>> };
  states: readonly StateOf[];
}) {
  const words = states
    .filter((s) => (job.by_state[s.id] ?? 0) > 0)
    .map((s) => `${s.word.toLowerCase()} ${job.by_state[s.id]}`)
    .join(', ');
  return (
    <span className="job-progress">
      <span
        className="job-bar"
        role="progressbar"
        aria-valuemin={0}
        aria-valuemax={job.total}
        aria-valuenow={job.finished}
        aria-label={`${job.finished} of ${job.total} stations: ${words}`}
      >
        {states.map((state) => {
          const n = job.by_state[state.id] ?? 0;
          if (n === 0 || state.id === 'pending') return null;
          return (
            <span
              key={state.id}
              data-tone={state.tone}
              data-state={state.id}
              style={{ width: `${(n / Math.max(1, job.total)) * 100}%` }}
            />
          );
        })}
      </span>
      <span className="num">
        {count(job.finished)} <span className="faint">of {count(job.total)}</span>
      </span>
    </span>
  );
}
