import type { CampaignWave } from '@/api/campaigns';
import { count } from '@/ui/format';
import { JobProgress } from '../jobs/progress';
import { finishedOf, stationStates, waveName } from './logic';

/** Waves that are shown: the one that is at work and those around it. */
const SHOWN = 8;
const BEFORE = 2;

/** How far each wave is. */
export function Waves({ waves }: { waves: readonly CampaignWave[] }) {
  const begun = waves.findIndex((w) => finishedOf(w.by_state) < w.total);
  const current = begun === -1 ? waves.length : begun;
  const first = Math.max(0, Math.min(current - BEFORE, waves.length - SHOWN));
  const shown = waves.slice(first, first + SHOWN);
  const hidden = waves.length - shown.length;
  return (
    <section className="panel" aria-labelledby="waves">
      <header className="panel-head">
        <h2 id="waves">Waves</h2>
        {hidden > 0 && <span className="aside">{count(hidden)} more are not shown</span>}
      </header>
      <ol className="campaign-waves">
        {shown.map((wave) => (
          <li key={wave.wave} aria-current={waves[current] === wave ? 'step' : undefined}>
            <span>{waveName(wave.wave)}</span>
            <JobProgress job={{ ...wave, finished: finishedOf(wave.by_state) }} states={stationStates} />
          </li>
        ))}
      </ol>
    </section>
  );
}
