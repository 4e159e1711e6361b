import type { ReactNode } from 'react';
import type { ApiError } from '@/api/client';
import { count, sentence } from '@/ui/format';
import { Prose } from '@/ui/prose';
import { Skeleton } from '@/ui/states';

/** What a dry run says of whom it reaches, whatever it is of. */
interface Reached {
  matched: number;
  online: number;
  by_version: Readonly<Record<string, number>>;
  stations: readonly string[];
}

/** How many a dry run found and who speaks what; below it what is to say of the request itself. */
export function Reach({
  run,
  error,
  chosen,
  children,
}: {
  run: Reached | null;
  error: ApiError | null;
  /** A filter was given at all. */
  chosen: boolean;
  children?: ReactNode;
}) {
  if (!chosen) return <p className="muted">Choose stations to see how many it would reach.</p>;
  if (error) {
    return (
      <div className="outcome" data-tone="bad" role="alert">
        <p>
          <Prose text={sentence(error.message)} />
        </p>
      </div>
    );
  }
  if (!run) {
    return (
      <p role="status" aria-label="Counting">
        <Skeleton width="60%" height="2rem" />
      </p>
    );
  }
  return (
    <div className="job-reach" role="status">
      <p className="job-count">
        <strong className="num">{count(run.matched)}</strong> {run.matched === 1 ? 'station' : 'stations'}
      </p>
      <dl className="job-facts">
        <div>
          <dt>Connected now</dt>
          <dd className="num">{count(run.online)}</dd>
        </div>
        {Object.entries(run.by_version).map(([version, n]) => (
          <div key={version}>
            <dt>OCPP {version}</dt>
            <dd className="num">{count(n)}</dd>
          </div>
        ))}
      </dl>
      {children}
      <details>
        <summary>
          {run.stations.length < run.matched ? `First ${run.stations.length} of them` : 'Which ones'}
        </summary>
        <ul className="job-names" tabIndex={0} aria-label="Stations">
          {run.stations.map((id) => (
            <li key={id} className="mono">
              {id}
            </li>
          ))}
        </ul>
      </details>
    </div>
  );
}
