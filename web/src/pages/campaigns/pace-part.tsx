import type { ReactNode } from 'react';
import { Check, Field } from '@/ui/field';
import { Segments } from '@/ui/segments';
import { useCampaignDraft } from './draft';
import type { ProblemOf } from './firmware-part';
import type { CampaignDraft, WaveBy } from './logic';

type Figure =
  | 'canary'
  | 'size'
  | 'percent'
  | 'pause_above'
  | 'attempts'
  | 'retry_after'
  | 'silent'
  | 'at_once'
  | 'retries'
  | 'retry_interval';

/** A figure with its bounds; the server holds them too. */
function Amount({
  of,
  label,
  hint,
  problem,
  min,
  max,
  step = 1,
  optional = false,
}: {
  of: Figure;
  label: string;
  hint?: ReactNode;
  problem: string | null;
  min: number;
  max: number;
  step?: number | 'any';
  optional?: boolean;
}) {
  const { draft, change } = useCampaignDraft();
  return (
    <Field label={label} hint={hint} problem={problem}>
      {(field) => (
        <input
          {...field}
          className="input num"
          type="number"
          min={min}
          max={max}
          step={step}
          required={!optional}
          value={draft[of]}
          onChange={(e) => change({ [of]: e.target.value } as Partial<CampaignDraft>)}
        />
      )}
    </Field>
  );
}

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
      <div className="campaign-figures">
        <Amount
          of="canary"
          label="Canary, in stations"
          hint="They go first; 0 for none."
          problem={problemOf('waves.canary')}
          min={0}
          max={20_000}
        />
        {draft.by === 'percent' && (
          <Amount
            of="percent"
            label="A wave, in % of all"
            problem={problemOf('waves.percent')}
            min={0.01}
            max={100}
            step="any"
          />
        )}
        {draft.by === 'size' && (
          <Amount
            of="size"
            label="A wave, in stations"
            problem={problemOf('waves.size')}
            min={1}
            max={20_000}
          />
        )}
        <Amount
          of="pause_above"
          label="Pause above, in % failed"
          hint="Of a wave’s stations. A person decides then."
          problem={problemOf('waves.pause_above')}
          min={0}
          max={100}
          step="any"
        />
      </div>
      <Hours problemOf={problemOf} />
      <details className="campaign-more">
        <summary>Attempts and limits</summary>
        <div className="campaign-figures">
          <Amount
            of="at_once"
            label="Stations at work at once"
            problem={problemOf('at_once')}
            min={1}
            max={1_000}
          />
          <Amount of="attempts" label="Attempts a station" problem={problemOf('attempts')} min={1} max={10} />
          <Amount
            of="retry_after"
            label="Minutes between them"
            problem={problemOf('retry_after_s')}
            min={0}
            max={43_200}
            step="any"
          />
          <Amount
            of="silent"
            label="Hours without progress"
            hint="Then an attempt has failed."
            problem={problemOf('silent_s')}
            min={0.02}
            max={720}
            step="any"
          />
          <Amount
            of="retries"
            label="Downloads a station may try"
            hint="By itself; its own habit when empty."
            problem={problemOf('retries')}
            min={0}
            max={100}
            optional
          />
          <Amount
            of="retry_interval"
            label="Seconds between downloads"
            hint="Its own habit when empty."
            problem={problemOf('retry_interval_s')}
            min={0}
            max={86_400}
            optional
          />
        </div>
      </details>
    </div>
  );
}
