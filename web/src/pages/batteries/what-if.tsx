import { useMutation } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import { askWhatIf, batteriesQuery, type WhatIfAnswer } from '@/api/batteries';
import { useList } from '@/api/use-list';
import { PageHead } from '@/app/page-head';
import { percent, plural } from '@/ui/format';
import { Check, Field } from '@/ui/field';
import { Icon } from '@/ui/icons';
import { EmptyState, ErrorState, SkeletonBlock } from '@/ui/states';
import { Plot } from './plot';
import {
  BATTERIES_MAX,
  fresh,
  presets,
  problems,
  readIds,
  request,
  SCENARIOS_MAX,
  YEARS_MAX,
  type Draft,
} from './what-if-draft';
import { signed, span, YEAR } from './words';
import './batteries.css';

const route = getRouteApi('/shell/batteries/what-if');

function Switch({
  label,
  on,
  change,
  children,
}: {
  label: string;
  on: boolean;
  change: (on: boolean) => void;
  children?: React.ReactNode;
}) {
  return (
    <div className="habit-switch">
      <Check label={label} checked={on} onChange={change} />
      {on && children}
    </div>
  );
}

function Habit({
  draft,
  change,
  remove,
}: {
  draft: Draft;
  change: (part: Partial<Draft>) => void;
  remove: (() => void) | null;
}) {
  const wrong = problems(draft);
  const number = (label: string, key: keyof Draft, unit: string, step = 1) => (
    <Field label={`${label}, ${unit}`} problem={wrong[key]}>
      {(props) => (
        <input
          {...props}
          className="input"
          type="number"
          step={step}
          value={String(draft[key])}
          onChange={(e) => change({ [key]: e.target.valueAsNumber })}
        />
      )}
    </Field>
  );
  return (
    <fieldset className="habit">
      <legend className="visually-hidden">{draft.name || 'A habit'}</legend>
      <div className="habit-head">
        <Field label="Name" problem={wrong.name}>
          {(props) => (
            <input
              {...props}
              className="input"
              value={draft.name}
              maxLength={80}
              onChange={(e) => change({ name: e.target.value })}
            />
          )}
        </Field>
        {remove && (
          <button type="button" className="btn btn-icon" aria-label={`Remove ${draft.name}`} onClick={remove}>
            <Icon name="close" size={14} />
          </button>
        )}
      </div>
      <Switch label="Charge just before it leaves" on={draft.late} change={(late) => change({ late })} />
      <Switch label="Charge less full" on={draft.upTo} change={(upTo) => change({ upTo })}>
        {number('Up to', 'upToPercent', '%')}
      </Switch>
      <Switch label="Charge slower" on={draft.slower} change={(slower) => change({ slower })}>
        {number('At most', 'cRate', 'C', 0.05)}
      </Switch>
      <Switch label="Cool it while it stands" on={draft.cool} change={(cool) => change({ cool })}>
        {number('Down to', 'coolTo', '°C')}
      </Switch>
      <Switch label="Sell to the grid (V2G)" on={draft.v2g} change={(v2g) => change({ v2g })}>
        <div className="habit-row">
          {number('A day', 'v2gPercent', '%')}
          {number('From', 'v2gFrom', "o'clock")}
          {number('To', 'v2gTo', "o'clock")}
        </div>
      </Switch>
      {number('Climate, warmer by', 'climate', 'K')}
    </fieldset>
  );
}

function Outcome({ of }: { of: WhatIfAnswer['batteries'][number] }) {
  const runs = [of.present, ...of.scenarios];
  const points = (curve: typeof of.present.curve, banded: boolean) =>
    curve.map((p) => ({
      x: p.days / YEAR,
      y: p.soh.value,
      ...(banded ? { low: p.soh.low, high: p.soh.high } : {}),
    }));
  return (
    <section className="panel" aria-label={`What becomes of ${of.id}`}>
      <header className="panel-head">
        <h2>
          <Link to="/batteries/$batteryId" params={{ batteryId: of.id }} className="link">
            {of.id}
          </Link>
        </h2>
        <span className="aside">
          {of.habit === 'observed' ? 'from the habit it has' : 'from a usual habit: its own is not known yet'}
        </span>
      </header>
      <Plot
        summary={`Health of ${of.id}: ${runs.map((run) => `${run.name} ${percent(run.curve.at(-1)?.soh.value, 1)}`).join(', ')} at the end`}
        lines={runs.map((run, i) => ({
          name: i === 0 ? 'As today' : run.name,
          color: i === 0 ? 'var(--text-secondary)' : `var(--series-s${((i - 1) % 5) + 1})`,
          ...(i === 0 ? { dash: '5 4' } : {}),
          points: points(run.curve, i === 0 || of.scenarios.length === 1),
        }))}
        x={{ format: (v) => String(v), label: 'Years from now', min: 0 }}
        y={{ format: (v) => percent(v) }}
      />
      <div className="table-wrap">
        <table className="table">
          <caption className="visually-hidden">Each habit against today&apos;s</caption>
          <thead>
            <tr>
              <th scope="col">Habit</th>
              <th scope="col" className="right">
                Health then
              </th>
              <th scope="col" className="right">
                Against today
              </th>
              <th scope="col" className="right wide">
                Worth
              </th>
              <th scope="col" className="right wide">
                Lasts
              </th>
            </tr>
          </thead>
          <tbody>
            <tr>
              <td>As today</td>
              <td className="right num">{percent(of.present.curve.at(-1)?.soh.value, 1)}</td>
              <td className="right faint">–</td>
              <td className="right faint wide">–</td>
              <td className="right num wide">{span(of.present.end_of_life_days)}</td>
            </tr>
            {of.scenarios.map((s) => (
              <tr key={s.name}>
                <td>
                  {s.name}
                  {s.extrapolation.length > 0 && (
                    <span className="sub"> beyond the data: {s.extrapolation.join(', ')}</span>
                  )}
                </td>
                <td className="right num">{percent(s.curve.at(-1)?.soh.value, 1)}</td>
                <td className="right num">
                  {signed(s.points.value)} points{' '}
                  <span className="faint">
                    ({signed(s.points.low)} to {signed(s.points.high)})
                  </span>
                </td>
                <td className="right num wide">{signed(s.money.value, 0)} €</td>
                <td className="right num wide">{span(s.end_of_life_days)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

export function WhatIfPage() {
  const search = route.useSearch();
  const navigate = useNavigate({ from: '/batteries/what-if' });
  const ids = readIds(search.ids);
  const packs = useList(batteriesQuery({ sort: 'risk', order: 'desc' }));
  const [years, setYears] = useState(10);
  const [drafts, setDrafts] = useState<readonly Draft[]>(presets.slice(0, 2));
  const stop = useRef<AbortController | null>(null);
  const ask = useMutation({
    mutationFn: () => {
      stop.current = new AbortController();
      return askWhatIf(request(ids, years, drafts), stop.current.signal);
    },
  });
  const choose = (chosen: string[]) => void navigate({ search: { ids: chosen.join(',') }, replace: true });
  const wrong =
    ids.length === 0
      ? 'Choose a pack first.'
      : ids.length > BATTERIES_MAX
        ? `At most ${BATTERIES_MAX} packs at once.`
        : !(years >= 1 && years <= YEARS_MAX)
          ? `Between 1 and ${YEARS_MAX} years.`
          : drafts.some((draft) => Object.keys(problems(draft)).length > 0)
            ? 'A habit has something to be mended.'
            : null;
  const others = (packs.rows ?? []).filter((b) => !ids.includes(b.id));
  const cancelled = ask.error instanceof Error && ask.error.name === 'AbortError';
  return (
    <div className="page">
      <PageHead parent={{ to: '/batteries', label: 'Batteries' }} here="What if" title="What if…">
        <p>
          Takes packs as they are now and lets them live on under another habit, beside the one they have.
        </p>
      </PageHead>
      <form
        className="what-if"
        onSubmit={(e) => {
          e.preventDefault();
          if (wrong === null && !ask.isPending) ask.mutate();
        }}
      >
        <section className="panel" aria-labelledby="packs">
          <header className="panel-head">
            <h2 id="packs">Packs</h2>
          </header>
          <div className="panel-body chosen">
            {ids.map((id) => (
              <button
                key={id}
                type="button"
                className="chip"
                aria-label={`Leave ${id} out`}
                onClick={() => choose(ids.filter((other) => other !== id))}
              >
                {id} <Icon name="close" size={12} />
              </button>
            ))}
            <Field label="Add a pack">
              {(props) => (
                <select
                  {...props}
                  className="input"
                  value=""
                  onChange={(e) => e.target.value && choose([...ids, e.target.value])}
                >
                  <option value="">Choose…</option>
                  {others.map((b) => (
                    <option key={b.id} value={b.id}>
                      {b.vehicle_name ?? b.vehicle ?? b.id}
                      {b.soh ? `, ${percent(b.soh.value)} health` : ''}
                    </option>
                  ))}
                </select>
              )}
            </Field>
            <Field label="Years to look ahead">
              {(props) => (
                <input
                  {...props}
                  className="input"
                  type="number"
                  min={1}
                  max={YEARS_MAX}
                  value={String(years)}
                  onChange={(e) => setYears(e.target.valueAsNumber)}
                />
              )}
            </Field>
          </div>
        </section>
        <section className="panel" aria-labelledby="habits">
          <header className="panel-head">
            <h2 id="habits">Habits</h2>
            <button
              type="button"
              className="btn btn-sm"
              disabled={drafts.length >= SCENARIOS_MAX}
              onClick={() => setDrafts([...drafts, fresh(drafts.length + 1)])}
            >
              <Icon name="plus" size={12} /> Another habit
            </button>
          </header>
          <div className="panel-body habits">
            {drafts.map((draft, i) => (
              <Habit
                key={i}
                draft={draft}
                change={(part) => setDrafts(drafts.map((d, j) => (j === i ? { ...d, ...part } : d)))}
                remove={drafts.length > 1 ? () => setDrafts(drafts.filter((_, j) => j !== i)) : null}
              />
            ))}
          </div>
        </section>
        <div className="what-if-go">
          <button type="submit" className="btn btn-primary" disabled={wrong !== null || ask.isPending}>
            {ask.isPending ? 'Computing…' : `See what becomes of ${plural(ids.length, 'pack')}`}
          </button>
          {ask.isPending && (
            <button type="button" className="btn" onClick={() => stop.current?.abort()}>
              Cancel
            </button>
          )}
          {wrong && <span className="muted">{wrong}</span>}
        </div>
      </form>
      <div aria-live="polite" className="stack">
        {ask.isPending ? (
          <SkeletonBlock lines={5} />
        ) : ask.error && !cancelled ? (
          <ErrorState error={ask.error} retry={() => ask.mutate()} what="The answer" />
        ) : ask.data ? (
          ask.data.batteries.map((of) => <Outcome key={of.id} of={of} />)
        ) : (
          <EmptyState icon="layers" title={cancelled ? 'Cancelled' : 'Nothing computed yet'}>
            Choose packs and habits; each is run beside the habit of today.
          </EmptyState>
        )}
      </div>
    </div>
  );
}
