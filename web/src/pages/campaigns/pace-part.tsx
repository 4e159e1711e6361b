import { Check, Field } from '@/ui/field';
import { Segments } from '@/ui/segments';
import { useCampaignDraft } from './draft';
import type { ProblemOf } from './firmware-part';
import type { CampaignDraft, WaveBy } from './logic';

interface Figure {
  label: string;
  hint?: string;
  /** Its name in the API, under which a refusal comes back. */
  field: string;
  /** Bounds; the server holds them too. */
  min: number;
  max: number;
  step?: 'any';
  optional?: boolean;
}

const figures = {
  canary: {
    label: 'Canary, in stations',
    hint: 'They go first; 0 for none.',
    field: 'waves.canary',
    min: 0,
    max: 20_000,
  },
  percent: { label: 'A wave, in % of all', field: 'waves.percent', min: 0.01, max: 100, step: 'any' },
  size: { label: 'A wave, in stations', field: 'waves.size', min: 1, max: 20_000 },
  pause_above: {
    label: 'Pause above, in % failed',
    hint: 'Of a wave’s stations. A person decides then.',
    field: 'waves.pause_above',
    min: 0,
    max: 100,
    step: 'any',
  },
  at_once: { label: 'Stations at work at once', field: 'at_once', min: 1, max: 1_000 },
  attempts: { label: 'Attempts a station', field: 'attempts', min: 1, max: 10 },
  retry_after: { label: 'Minutes between them', field: 'retry_after_s', min: 0, max: 43_200, step: 'any' },
  silent: {
    label: 'Hours without progress',
    hint: 'Then an attempt has failed.',
    field: 'silent_s',
    min: 0.02,
    max: 720,
    step: 'any',
  },
  retries: {
    label: 'Downloads a station may try',
    hint: 'By itself; its own habit when empty.',
    field: 'retries',
    min: 0,
    max: 100,
    optional: true,
  },
  retry_interval: {
    label: 'Seconds between downloads',
    hint: 'Its own habit when empty.',
    field: 'retry_interval_s',
    min: 0,
    max: 86_400,
    optional: true,
  },
} satisfies Partial<Record<keyof CampaignDraft, Figure>>;
type FigureName = keyof typeof figures;

/** Figures of the campaign, side by side. */
function Figures({ of, problemOf }: { of: readonly FigureName[]; problemOf: ProblemOf }) {
  const { draft, change } = useCampaignDraft();
  return (
    <div className="campaign-figures">
      {of.map((name) => {
        const figure: Figure = figures[name];
        return (
          <Field key={name} label={figure.label} hint={figure.hint} problem={problemOf(figure.field)}>
            {(field) => (
              <input
                {...field}
                className="input num"
                type="number"
                min={figure.min}
                max={figure.max}
                step={figure.step ?? 1}
                required={!figure.optional}
                value={draft[name]}
                onChange={(e) => change({ [name]: e.target.value })}
              />
            )}
          </Field>
        );
      })}
    </div>
  );
}

/** The figures that say how large a wave is. */
const waveFigures: Readonly<Record<WaveBy, readonly FigureName[]>> = {
  percent: ['canary', 'percent', 'pause_above'],
  size: ['canary', 'size', 'pause_above'],
  all: ['canary', 'pause_above'],
};

const zones: readonly string[] = Intl.supportedValuesOf('timeZone');

function Hours({ problemOf }: { problemOf: ProblemOf }) {
  const { draft, change } = useCampaignDraft();
  const time = (key: 'from' | 'to', label: string) => (
    <Field label={label} problem={problemOf(`window.${key}`)}>
      {(field) => (
        <input
          {...field}
          className="input num"
          type="time"
          required
          value={draft[key]}
          onChange={(e) => change({ [key]: e.target.value } as Partial<CampaignDraft>)}
        />
      )}
    </Field>
  );
  return (
    <>
      <div className="field">
        <span className="label">When stations may be asked</span>
        <div className="segments-scroll">
          <Segments
            label="When stations may be asked"
            value={draft.timed ? 'hours' : 'any'}
            options={[
              { value: 'any', label: 'At any hour' },
              { value: 'hours', label: 'Between two hours' },
            ]}
            onChange={(value) => change({ timed: value === 'hours' })}
          />
        </div>
      </div>
      {draft.timed && (
        <div className="campaign-figures">
          {time('from', 'From')}
          {time('to', 'To')}
          <Field
            label="Time zone"
            problem={problemOf('window.time_zone')}
            hint="For stations whose site has none of its own."
          >
            {(field) => (
              <>
                <input
                  {...field}
                  className="input"
                  list="campaign-zones"
                  required
                  autoComplete="off"
                  value={draft.time_zone}
                  onChange={(e) => change({ time_zone: e.target.value })}
                />
                <datalist id="campaign-zones">
                  {zones.map((zone) => (
                    <option key={zone} value={zone} />
                  ))}
                </datalist>
              </>
            )}
          </Field>
        </div>
      )}
      <Check
        label="Only while nobody charges there or is plugged in"
        checked={draft.only_idle}
        onChange={(only_idle) => change({ only_idle })}
      />
    </>
  );
}

/** Who goes first, when, and how often it is tried. */
export function PacePart({ problemOf }: { problemOf: ProblemOf }) {
  const { draft, change } = useCampaignDraft();
  return (
    <div className="form">
      <div className="field">
        <span className="label">After the canary</span>
        <div className="segments-scroll">
          <Segments<WaveBy>
            label="After the canary"
            value={draft.by}
            options={[
              { value: 'percent', label: 'A share at a time' },
              { value: 'size', label: 'So many at a time' },
              { value: 'all', label: 'All the rest' },
            ]}
            onChange={(by) => change({ by })}
          />
        </div>
      </div>
      <Figures of={waveFigures[draft.by]} problemOf={problemOf} />
      <Hours problemOf={problemOf} />
      <details className="campaign-more">
        <summary>Attempts and limits</summary>
        <Figures
          of={['at_once', 'attempts', 'retry_after', 'silent', 'retries', 'retry_interval']}
          problemOf={problemOf}
        />
      </details>
    </div>
  );
}
