import type { DryRun } from '@/api/ocpp';
import { plural } from '@/ui/format';
import { Icon } from '@/ui/icons';
import type { FilterDraft } from '../jobs/filter';

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
        <div className="job-note">
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
        <div key={version} className="job-note" data-tone="bad">
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
