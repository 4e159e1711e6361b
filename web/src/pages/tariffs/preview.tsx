import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useDeferredValue, useState } from 'react';
import { ApiError } from '@/api/client';
import { previewQuery, type PreviewInput, type TariffSpec } from '@/api/tariffs';
import { Field } from '@/ui/field';
import { sentence } from '@/ui/format';
import { SkeletonBlock } from '@/ui/states';
import { CostTable } from './cost-table';
import { printMinutes, readDecimal, readMinutes } from './draft';
import { shiftRight } from './money';

/** The longest session that the server prices: 30 days. */
const LONGEST_MIN = 30 * 24 * 60;

/** A session as a person describes it. */
export interface SessionDraft {
  kwh: string;
  minutes: string;
  idle: string;
  amps: string;
  /** As a `datetime-local` field has it. */
  at: string;
  zone: string;
}

export function useSessionDraft() {
  return useState<SessionDraft>(() => {
    const now = new Date();
    return {
      kwh: '20',
      minutes: '60',
      idle: '0',
      amps: '',
      at: new Date(now.getTime() - now.getTimezoneOffset() * 60_000).toISOString().slice(0, 16),
      zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    };
  });
}

const seconds = (text: string) => {
  const read = readMinutes(text);
  return read !== null && read <= LONGEST_MIN * 60 ? read : null;
};

/** The session as it is sent, and what of it cannot be. */
function readSession(s: SessionDraft): {
  input: PreviewInput;
  problems: Partial<Record<keyof SessionDraft, string>>;
} {
  const energy = readDecimal(s.kwh, 9);
  const charging = seconds(s.minutes);
  const idle = seconds(s.idle || '0');
  const amps = s.amps.trim() === '' ? undefined : readDecimal(s.amps);
  const minutes = `Minutes, at most ${LONGEST_MIN}`;
  return {
    input: {
      energy_wh: shiftRight(energy ?? '0', 3),
      duration_s: charging ?? 0,
      idle_s: idle ?? 0,
      start: (Number.isNaN(Date.parse(s.at)) ? new Date() : new Date(s.at)).toISOString(),
      time_zone: s.zone,
      current_a: amps ?? undefined,
    },
    problems: {
      ...(energy === null ? { kwh: 'A number of kWh' } : {}),
      ...(charging === null ? { minutes } : {}),
      ...(idle === null ? { idle: minutes } : {}),
      ...(amps === null ? { amps: 'A number of amperes' } : {}),
    },
  };
}

/** What the session would cost by the tariff as it stands in the form; null while it cannot be sent. */
export function usePreview(spec: TariffSpec | null, session: SessionDraft) {
  const { input, problems } = readSession(session);
  const asked = useDeferredValue({ spec, input });
  const sound = asked.spec !== null && Object.keys(problems).length === 0;
  const { data, error } = useQuery({
    ...previewQuery(asked.spec ?? { currency: 'EUR', elements: [] }, asked.input),
    enabled: sound,
    placeholderData: keepPreviousData,
  });
  const refused = sound && error instanceof ApiError ? error : null;
  return {
    cost: data,
    problems,
    /** The field of the tariff that the server refuses, by its name in the API, and why. */
    field: refused?.problem.field?.startsWith('tariff.')
      ? refused.problem.field.slice('tariff.'.length)
      : null,
    error: sound ? error : null,
  };
}

/** A session to try, and what it would cost. */
export function Preview({
  session,
  onChange,
  preview,
  stale,
  groups,
}: {
  session: SessionDraft;
  onChange: (session: SessionDraft) => void;
  preview: ReturnType<typeof usePreview>;
  /** The form holds something that cannot be priced, so the figures are of before. */
  stale: boolean;
  /** How many price groups there are: with one, no line says of which it is. */
  groups: number;
}) {
  const { cost, problems, error } = preview;
  const fields: readonly [keyof SessionDraft, string, string, 'decimal' | 'text'][] = [
    ['kwh', 'Energy, kWh', '', 'decimal'],
    ['minutes', 'Charging, minutes', '', 'text'],
    ['idle', 'Idle after it, minutes', printMinutes(0), 'text'],
    ['amps', 'Current, A', 'not known', 'decimal'],
  ];
  return (
    <section className="panel" aria-labelledby="preview">
      <header className="panel-head">
        <h2 id="preview">What a session would cost</h2>
        <span className="aside">{stale ? 'Before the last change' : 'As it stands in the form'}</span>
      </header>
      <div className="tariff-sum">
        {fields.map(([key, label, placeholder, inputMode]) => (
          <Field key={key} label={label} problem={problems[key]}>
            {(field) => (
              <input
                {...field}
                className="input num"
                inputMode={inputMode}
                placeholder={placeholder}
                value={session[key]}
                onChange={(event) => onChange({ ...session, [key]: event.target.value })}
              />
            )}
          </Field>
        ))}
        <Field label="Starts, your time">
          {(field) => (
            <input
              {...field}
              className="input"
              type="datetime-local"
              value={session.at}
              onChange={(event) => onChange({ ...session, at: event.target.value })}
            />
          )}
        </Field>
        <Field label="Time zone of the site">
          {(field) => (
            <input
              {...field}
              className="input mono"
              value={session.zone}
              onChange={(event) => onChange({ ...session, zone: event.target.value })}
            />
          )}
        </Field>
      </div>
      <div role="status" aria-live="polite" className={stale ? 'tariff-stale' : undefined}>
        {error && !stale ? (
          <p className="field receipt-note">
            <span className="problem">{sentence(error.message)}</span>
          </p>
        ) : cost ? (
          <CostTable cost={cost} caption="What the session would cost" groups={groups > 1} />
        ) : (
          <SkeletonBlock lines={3} />
        )}
      </div>
    </section>
  );
}
