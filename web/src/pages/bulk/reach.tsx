import type { ReactNode } from 'react';
import type { ApiError } from '@/api/client';
import type { DryRun } from '@/api/ocpp';
import { count, plural, sentence } from '@/ui/format';
import { Icon } from '@/ui/icons';
import { Prose } from '@/ui/prose';
import { Skeleton } from '@/ui/states';
import type { FilterDraft } from './logic';

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
    <div className="bulk-reach" role="status">
      <p className="bulk-count">
        <strong className="num">{count(run.matched)}</strong> {run.matched === 1 ? 'station' : 'stations'}
      </p>
      <dl className="bulk-facts">
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
        <ul className="bulk-names" tabIndex={0} aria-label="Stations">
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

/** Who would not take a bulk command, and a way to leave them out. */
export function Problems({
  run,
  onFilter,
}: {
  run: DryRun;
  onFilter: (change: Partial<FilterDraft>) => void;
}) {
  const away = run.matched - run.online;
  const problems = Object.entries(run.problems);
  return (
    <>
      {away > 0 && (
        <div className="bulk-note">
          <Icon name="wifiOff" size={14} />
          <span>
            {plural(away, 'station')} {away === 1 ? 'is' : 'are'} not connected and will fail.
          </span>
          <button type="button" className="chip" onClick={() => onFilter({ online: 'yes' })}>
            Only connected
          </button>
        </div>
      )}
      {problems.map(([version, problem]) => (
        <div key={version} className="bulk-note" data-tone="bad">
          <Icon name="warn" size={14} />
          <span>
            OCPP {version}: {problem.replace(/^the command does not hold to OCPP [\d.]+: /, '')}
          </span>
        </div>
      ))}
      {problems.length > 0 &&
        Object.keys(run.by_version)
          .filter((version) => !run.problems[version])
          .map((version) => (
            <button
              key={version}
              type="button"
              className="chip"
              onClick={() => onFilter({ ocpp_version: version })}
            >
              Only OCPP {version}
            </button>
          ))}
    </>
  );
}
