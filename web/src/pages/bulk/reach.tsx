import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { api, ApiError } from '@/api/client';
import { bulkKey, type BulkFilter, type BulkRequest, type DryRun } from '@/api/ocpp';
import { count, plural, sentence } from '@/ui/format';
import { Icon } from '@/ui/icons';
import { Skeleton } from '@/ui/states';
import type { FilterDraft } from './logic';

const REST_MS = 300;

/** Asked where no command is written yet: every version has it, and a dry run sends nothing. */
const harmless = { command: 'trigger', message: 'Heartbeat' };

/** Whom a filter holds and who of them understands the command, asked of the server as either changes. */
export function useDryRun(filter: BulkFilter | null, command: Record<string, unknown> | null) {
  const text = JSON.stringify(filter && { filter, ...(command ?? harmless), dry_run: true });
  const [rested, setRested] = useState(text);
  useEffect(() => {
    if (text === rested) return;
    const timer = setTimeout(() => setRested(text), REST_MS);
    return () => clearTimeout(timer);
  }, [text, rested]);
  const query = useQuery({
    queryKey: [...bulkKey, 'dry-run', rested] as const,
    queryFn: ({ signal }) =>
      api.post<DryRun>('/bulk-commands', JSON.parse(rested) as BulkRequest, { signal }),
    enabled: rested !== 'null',
    placeholderData: keepPreviousData,
    staleTime: 5_000,
    refetchInterval: 15_000,
    retry: false,
  });
  const current = text === rested && !query.isPlaceholderData;
  return {
    run: filter === null || query.error ? null : (query.data ?? null),
    /** What is shown belongs to what is written. */
    current: current && !query.isFetching,
    error: filter !== null && query.error instanceof ApiError ? query.error : null,
  };
}

/** What a dry run found: how many, who speaks what, and who would not understand. */
export function Reach({
  run,
  error,
  chosen,
  onFilter,
}: {
  run: DryRun | null;
  error: ApiError | null;
  /** A filter was given at all. */
  chosen: boolean;
  onFilter: (change: Partial<FilterDraft>) => void;
}) {
  if (!chosen) return <p className="muted">Choose stations to see how many it would reach.</p>;
  if (error) {
    return (
      <div className="outcome" data-tone="bad" role="alert">
        {sentence(error.message)}
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
  const away = run.matched - run.online;
  const versions = Object.entries(run.by_version);
  const problems = Object.entries(run.problems);
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
        {versions.map(([version, n]) => (
          <div key={version}>
            <dt>OCPP {version}</dt>
            <dd className="num">{count(n)}</dd>
          </div>
        ))}
      </dl>
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
        versions
          .filter(([version]) => !run.problems[version])
          .map(([version]) => (
            <button
              key={version}
              type="button"
              className="chip"
              onClick={() => onFilter({ ocpp_version: version })}
            >
              Only OCPP {version}
            </button>
          ))}
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
