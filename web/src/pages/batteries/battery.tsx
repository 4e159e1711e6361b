import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { lazy, Suspense, useMemo } from 'react';
import {
  batteryAdviceQuery,
  batteryAgeingQuery,
  batteryForecastQuery,
  batteryQuery,
  type BatteryAgeing,
  type BatteryDetail,
  type BatteryForecast,
} from '@/api/batteries';
import { PageHead } from '@/app/page-head';
import { usePreferences } from '@/app/preferences';
import { Boundary } from '@/ui/boundary';
import { age, dateTime, instant, measure, percent, sentence } from '@/ui/format';
import { Glyph, SeverityGlyph } from '@/ui/glyph';
import { Icon } from '@/ui/icons';
import { EmptyState, ErrorState, SkeletonBlock } from '@/ui/states';
import { severityKey } from '@/ui/tokens';
import { useNow } from '@/ui/use-now';
import { HistoryPart } from './history-part';
import { SyncBadge } from './parts';
import { Plot } from './plot';
import { SectionPart } from './section';
import {
  bounded,
  causeLabel,
  causeTodo,
  horizonLabel,
  leverLabel,
  signed,
  span,
  statusWord,
  YEAR,
} from './words';
import './batteries.css';

const PackScene = lazy(() => import('@/scene').then((m) => ({ default: m.PackScene })));

const route = getRouteApi('/shell/batteries/$batteryId');

/** Over which time advice is weighed. */
const ADVICE_DAYS = 3650;

function Warnings({ battery }: { battery: BatteryDetail }) {
  const now = useNow();
  if (battery.warnings.length === 0) return null;
  return (
    <ul className="warnings" aria-label="Warnings">
      {battery.warnings.map((w) => (
        <li key={`${w.cause}${w.cell ?? ''}`} data-severity={severityKey(w.severity)}>
          <SeverityGlyph severity={severityKey(w.severity)} size={16} />
          <div>
            <strong>
              {causeLabel(w.cause)}
              {w.cell !== null && `, cell ${w.cell}`}
            </strong>
            <p>{sentence(w.message)}.</p>
            <p className="muted">{causeTodo(w.cause)}</p>
          </div>
          <span className="faint" title={dateTime(w.since, true)}>
            for {age(now - (instant(w.since) ?? now))}
          </span>
        </li>
      ))}
    </ul>
  );
}

function Figures({ battery: b }: { battery: BatteryDetail }) {
  const range = (of: { low: number; high: number } | null, scale: number, digits: number, unit: string) =>
    of && (
      <span className="note">
        {(of.low * scale).toFixed(digits)} to {(of.high * scale).toFixed(digits)} {unit}
      </span>
    );
  return (
    <dl className="stats">
      <div className="stat">
        <dt>State of charge</dt>
        <dd>
          {percent(b.soc?.value, 1)}
          {range(b.soc, 100, 1, '%')}
        </dd>
      </div>
      <div className="stat">
        <dt>State of health</dt>
        <dd>
          {percent(b.soh?.value, 1)}
          {range(b.soh, 100, 1, '%')}
        </dd>
      </div>
      <div className="stat">
        <dt>Resistance against new</dt>
        <dd>
          {b.resistance_ratio ? `× ${b.resistance_ratio.value.toFixed(2)}` : '–'}
          {range(b.resistance_ratio, 1, 2, '')}
        </dd>
      </div>
      <div className="stat">
        <dt>Temperature</dt>
        <dd>
          {measure(b.temp_c?.value, '°C')}
          {range(b.temp_c, 1, 1, '°C')}
        </dd>
      </div>
      <div className="stat">
        <dt>Voltage and current</dt>
        <dd>
          {measure(b.voltage_v, 'V', 0)}
          <span className="note">{measure(b.current_a, 'A')}</span>
        </dd>
      </div>
    </dl>
  );
}

/** Whether the twin can be believed, and what it takes the sensors for. */
function Sync({ battery: b }: { battery: BatteryDetail }) {
  const word = statusWord(b.status);
  return (
    <section className="panel" aria-labelledby="sync">
      <header className="panel-head">
        <h2 id="sync">Twin against measurement</h2>
        <span className="aside">{b.observed_at ? `read ${dateTime(b.observed_at)}` : 'never read'}</span>
      </header>
      <div className="panel-body sync">
        <p className="sync-word">
          <Glyph shape={word.shape} color={word.color} size={16} />
          <span>
            <strong>{word.label}.</strong> {b.status_reason ? `${sentence(b.status_reason)}.` : word.text}
          </span>
        </p>
        <dl className="facts">
          <div>
            <dt>Residual a cell, now</dt>
            <dd>{measure(b.residual_v === null ? null : b.residual_v * 1000, 'mV')}</dd>
          </div>
          <div>
            <dt>Residual a cell, rms</dt>
            <dd>{measure(b.residual_rms_v === null ? null : b.residual_rms_v * 1000, 'mV')}</dd>
          </div>
          <div>
            <dt>The vehicle says</dt>
            <dd>{percent(b.reported_soc, 1)}</dd>
          </div>
          <div>
            <dt>Warmer than predicted</dt>
            <dd>{measure(b.excess_temp_k, 'K')}</dd>
          </div>
          {b.sensors &&
            (
              [
                ['Voltage sensor', b.sensors.voltage],
                ['Current sensor', b.sensors.current],
                ['Temperature sensor', b.sensors.temperature],
              ] as const
            ).map(([label, state]) => (
              <div key={label}>
                <dt>{label}</dt>
                <dd>
                  <span className="tag" data-tone={state === 'ok' ? 'good' : 'warn'}>
                    {state}
                  </span>
                </dd>
              </div>
            ))}
          {b.sensors?.current_bias_a && (
            <div>
              <dt>Offset of the current</dt>
              <dd>{measure(b.sensors.current_bias_a.value, 'A', 2)}</dd>
            </div>
          )}
        </dl>
      </div>
    </section>
  );
}

function Pack({ battery: b }: { battery: BatteryDetail }) {
  const theme = usePreferences((s) => s.theme);
  // a few values decide what is drawn: the picture rests while they do not change
  const cells = useMemo(() => b.cells ?? { voltage_v: [], temp_c: [], soc: [] }, [b.cells]);
  const whole = useMemo(
    () => ({
      soc: b.soc?.value,
      soh: b.soh?.value,
      temp_c: b.temp_c?.value,
      current_a: b.current_a,
      capacity_ah: b.type?.cell_capacity_ah,
    }),
    [b.soc?.value, b.soh?.value, b.temp_c?.value, b.current_a, b.type?.cell_capacity_ah],
  );
  const warnings = useMemo(
    () => b.warnings.map((w) => ({ cell: w.cell, severity: w.severity, label: causeLabel(w.cause) })),
    [b.warnings],
  );
  const count = b.cells_in_series;
  const known = count !== null || cells.voltage_v.length + cells.temp_c.length + cells.soc.length > 0;
  return (
    <section className="panel" aria-labelledby="cells">
      <header className="panel-head">
        <h2 id="cells">Cells</h2>
        <span className="aside">
          {b.type ? `${b.type.cell_capacity_ah.toFixed(0)} Ah` : ''}
          {count ? ` × ${count} in series` : ''}
        </span>
      </header>
      {known ? (
        <div className="battery-pack">
          <Boundary fallback={<EmptyState icon="cube" title="The 3D view is not available here" />}>
            <Suspense fallback={<SkeletonBlock />}>
              <PackScene
                packId={b.id}
                cells={cells}
                whole={whole}
                warnings={warnings}
                count={count}
                chemistry={b.chemistry}
                theme={theme}
              />
            </Suspense>
          </Boundary>
        </div>
      ) : (
        <EmptyState icon="cube" title="No cell readings">
          The pack reports itself as a whole.
        </EmptyState>
      )}
    </section>
  );
}

function Forecast({ of }: { of: BatteryForecast }) {
  const end = of.end_of_life;
  const until =
    end.days.value === null
      ? 'It stays above that for more than 20 years.'
      : `It falls to that in ${span(end.days.value)} (${span(end.days.low)} to ${span(end.days.high)}).`;
  return (
    <>
      <dl className="stats in-panel">
        {of.horizons.map((h) => (
          <div className="stat" key={h.name}>
            <dt>{horizonLabel(h.name)}</dt>
            <dd>
              {percent(h.soh.value, 2)}
              <span className="note">
                {(h.soh.low * 100).toFixed(2)} to {(h.soh.high * 100).toFixed(2)} %
              </span>
            </dd>
          </div>
        ))}
        <div className="stat">
          <dt>At {percent(end.soh)} of new</dt>
          <dd>
            {end.days.value === null ? '> 20 years' : span(end.days.value)}
            <span className="note">
              {span(end.days.low)} to {span(end.days.high)}
            </span>
          </dd>
        </div>
      </dl>
      <Plot
        summary={`Health over the years to come. ${until}`}
        lines={[
          {
            name: 'Health',
            color: 'var(--series-s1)',
            points: of.curve.map((p) => ({
              x: p.days / YEAR,
              y: p.soh.value,
              low: p.soh.low,
              high: p.soh.high,
            })),
          },
        ]}
        x={{ format: (v) => String(v), label: 'Years from now', min: 0 }}
        y={{ format: (v) => percent(v) }}
        marks={[{ y: end.soh, label: `${percent(end.soh)} of new` }]}
      />
      <p className="panel-note muted">
        {until} {percent(of.coverage)} interval; by {of.method.model}, with{' '}
        {of.method.habit === 'observed'
          ? `the habit seen over ${of.method.observed_days.toFixed(1)} days`
          : 'a usual habit, until its own is known'}
        {of.extrapolation.length > 0 &&
          `; beyond what the model was made from: ${of.extrapolation.join(', ')}`}
        .
      </p>
    </>
  );
}

const losses: Readonly<Record<string, string>> = {
  calendar: 'Standing',
  cycle: 'Cycling',
  break_in: 'Breaking in',
  material: 'Lost material',
};

function Ageing({ of }: { of: BatteryAgeing }) {
  const parts = Object.entries(of.loss_points).filter(([, points]) => points > 0.005);
  const whole = parts.reduce((sum, [, points]) => sum + points, 0);
  return (
    <div className="panel-body ageing">
      {whole === 0 ? (
        <p className="muted">Nothing measurable is lost yet.</p>
      ) : (
        <>
          <div className="ageing-bar" aria-hidden="true">
            {parts.map(([name, points], i) => (
              <span
                key={name}
                style={{ width: `${(points / whole) * 100}%`, background: `var(--series-s${i + 1})` }}
              />
            ))}
          </div>
          <dl className="facts">
            {parts.map(([name, points], i) => (
              <div key={name}>
                <dt>
                  <i className="key" style={{ background: `var(--series-s${i + 1})` }} />{' '}
                  {losses[name] ?? name}
                </dt>
                <dd>−{points.toFixed(1)} points</dd>
              </div>
            ))}
            <div>
              <dt>Full cycles</dt>
              <dd>{of.full_cycles.toFixed(0)}</dd>
            </div>
            <div>
              <dt>As old as</dt>
              <dd>{span(of.equivalent_age_days)}</dd>
            </div>
          </dl>
        </>
      )}
      <p className="muted">
        By {of.model} ({of.source}).
      </p>
    </div>
  );
}

function Advice({ id }: { id: string }) {
  const query = useQuery(batteryAdviceQuery(id, ADVICE_DAYS));
  const items = query.data?.items.filter((item) => item.applies) ?? [];
  return (
    <section className="panel" aria-labelledby="advice">
      <header className="panel-head">
        <h2 id="advice">What would make it last</h2>
        <span className="aside">over {span(ADVICE_DAYS)}</span>
      </header>
      {query.error && !query.data ? (
        <ErrorState error={query.error} retry={() => void query.refetch()} what="The advice" />
      ) : !query.data ? (
        <SkeletonBlock />
      ) : items.length === 0 ? (
        <EmptyState icon="check" title="Nothing to gain">
          No habit that can be changed would make a measurable difference.
        </EmptyState>
      ) : (
        <ul className="advice">
          {items.map((item) => (
            <li key={`${item.lever}${JSON.stringify(item.setting)}`}>
              <div>
                <strong>{leverLabel(item.lever)}</strong>
                <p className="muted">{sentence(item.text)}</p>
              </div>
              <div className="gain">
                <strong className="num">{signed(item.points.value)} points</strong>
                <span className="faint num">
                  {signed(item.points.low)} to {signed(item.points.high)}
                </span>
              </div>
              <div className="gain">
                <strong className="num">{item.money.value.toFixed(0)} €</strong>
                <span className="faint num">
                  {item.money.low.toFixed(0)} to {item.money.high.toFixed(0)}
                </span>
              </div>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

export function BatteryPage() {
  const { batteryId } = route.useParams();
  const query = useQuery(batteryQuery(batteryId));
  const forecast = useQuery({ ...batteryForecastQuery(batteryId), enabled: query.data !== undefined });
  const ageing = useQuery({ ...batteryAgeingQuery(batteryId), enabled: query.data !== undefined });
  const battery = query.data;
  if (!battery) {
    return (
      <div className="page">
        <PageHead
          parent={{ to: '/batteries', label: 'Batteries' }}
          here={batteryId}
          title={`Battery ${batteryId}`}
        />
        {query.error ? (
          <ErrorState error={query.error} retry={() => void query.refetch()} what={`Battery ${batteryId}`} />
        ) : (
          <SkeletonBlock lines={8} />
        )}
      </div>
    );
  }
  return (
    <div className="page">
      <PageHead
        parent={{ to: '/batteries', label: 'Batteries' }}
        here={battery.id}
        title={battery.vehicle_name ?? battery.id}
        beside={
          <>
            <SyncBadge of={battery} />
            {battery.chemistry && <span className="tag">{battery.chemistry}</span>}
          </>
        }
        actions={
          <>
            {battery.vehicle && (
              <Link to="/vehicles/$vehicleId" params={{ vehicleId: battery.vehicle }} className="btn">
                <Icon name="vehicles" size={14} /> Vehicle
              </Link>
            )}
            <Link to="/batteries/compare" search={{ a: battery.id, b: '' }} className="btn">
              <Icon name="table" size={14} /> Compare
            </Link>
            <Link to="/batteries/what-if" search={{ ids: battery.id }} className="btn">
              <Icon name="layers" size={14} /> What if…
            </Link>
          </>
        }
      />
      <Warnings battery={battery} />
      <Figures battery={battery} />
      <div className="halves">
        <Pack battery={battery} />
        <Sync battery={battery} />
      </div>
      <HistoryPart id={battery.id} />
      <section className="panel" aria-labelledby="forecast">
        <header className="panel-head">
          <h2 id="forecast">Health to come</h2>
          <span className="aside">{bounded(battery.soh)} now</span>
        </header>
        {forecast.error && !forecast.data ? (
          <ErrorState error={forecast.error} retry={() => void forecast.refetch()} what="The forecast" />
        ) : forecast.data ? (
          <Forecast of={forecast.data} />
        ) : (
          <SkeletonBlock />
        )}
      </section>
      <div className="halves">
        <Advice id={battery.id} />
        <section className="panel" aria-labelledby="ageing">
          <header className="panel-head">
            <h2 id="ageing">What it has lost, and to what</h2>
          </header>
          {ageing.error && !ageing.data ? (
            <ErrorState error={ageing.error} retry={() => void ageing.refetch()} what="The ageing" />
          ) : ageing.data ? (
            <Ageing of={ageing.data} />
          ) : (
            <SkeletonBlock />
          )}
        </section>
      </div>
      <SectionPart id={battery.id} />
    </div>
  );
}
