import { useQuery } from '@tanstack/react-query';
import { efficiencyQuery } from '@/api/uptime';
import { duration, energy, percent } from '@/ui/format';
import { ErrorState, SkeletonBlock } from '@/ui/states';
import './efficiency-panel.css';

/** How well the network did over the last week. */
export function EfficiencyPanel() {
  const { data, error, refetch } = useQuery(efficiencyQuery);
  return (
    <section className="panel ops-panel" aria-labelledby="ops-efficiency">
      <header className="panel-head">
        <h2 id="ops-efficiency">Efficiency</h2>
        <span className="aside">Last 7 days</span>
      </header>
      {error && !data ? (
        <ErrorState error={error} retry={() => void refetch()} what="Efficiency" />
      ) : !data ? (
        <SkeletonBlock lines={3} />
      ) : (
        <dl className="facts ops-efficiency">
          <div>
            <dt>Utilisation</dt>
            <dd>{percent(data.network.utilisation, 1)}</dd>
          </div>
          <div title="A connector, a day">
            <dt>Energy per connector and day</dt>
            <dd>{energy(data.network.energy_per_connector_day_wh)}</dd>
          </div>
          <div title="Sessions that ended with less than 10 Wh">
            <dt>Failed starts</dt>
            <dd>
              {data.network.failed_starts} of {data.network.sessions}
            </dd>
          </div>
          <div>
            <dt>Between faults</dt>
            <dd>
              {data.network.mean_time_between_faults_h == null
                ? 'No fault'
                : duration(data.network.mean_time_between_faults_h * 3600)}
            </dd>
          </div>
          <div title="Greatest station over the mean, by energy; 1 is even">
            <dt>Busiest station</dt>
            <dd>
              {data.balance.peak_to_mean == null ? '–' : `${data.balance.peak_to_mean.toFixed(1)} × mean`}
            </dd>
          </div>
          <div title="Gini coefficient of energy by station; 0 is even">
            <dt>Unevenness</dt>
            <dd>{data.balance.gini == null ? '–' : data.balance.gini.toFixed(2)}</dd>
          </div>
        </dl>
      )}
    </section>
  );
}
