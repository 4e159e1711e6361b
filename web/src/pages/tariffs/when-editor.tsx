import { useId, useState } from 'react';
import { days, type Reservation } from '@/api/tariffs';
import { Field } from '@/ui/field';
import type { RangeDraft, RangeName, WhenDraft } from './draft';
import type { Editing } from './element-editor';

const ranges: readonly { name: RangeName; field: string; label: string; unit: string; hint: string }[] = [
  { name: 'energy', field: 'energy_wh', label: 'Energy of the session', unit: 'kWh', hint: 'charged so far' },
  { name: 'power', field: 'power_w', label: 'Power', unit: 'kW', hint: 'at that moment' },
  { name: 'current', field: 'current_a', label: 'Current', unit: 'A', hint: 'over all phases' },
  {
    name: 'duration',
    field: 'duration_s',
    label: 'Age of the session',
    unit: 'minutes',
    hint: '90, or 1:30 with seconds',
  },
];

const reservations: readonly [Reservation | '', string][] = [
  ['', 'Charging'],
  ['reservation', 'A reservation'],
  ['reservation_expires', 'A reservation that expires unused'],
];

function Range({
  spec: { name, field, label, unit, hint },
  value: [from, below],
  at,
  disabled,
  problems,
  onChange,
}: Editing & {
  spec: (typeof ranges)[number];
  value: RangeDraft;
  onChange: (value: RangeDraft) => void;
}) {
  const id = useId();
  const problem = problems.get(`${at}.min_${field}`) ?? problems.get(`${at}.max_${field}`);
  const bound = (side: 0 | 1, word: string) => (
    <input
      className="input num"
      inputMode={name === 'duration' ? 'text' : 'decimal'}
      aria-label={`${label} ${word}, ${unit}`}
      aria-invalid={problems.has(`${at}.${side === 0 ? 'min' : 'max'}_${field}`) || undefined}
      aria-describedby={`${id}-hint`}
      placeholder={word}
      disabled={disabled}
      value={side === 0 ? from : below}
      onChange={(event) => onChange(side === 0 ? [event.target.value, below] : [from, event.target.value])}
    />
  );
  return (
    <div className="field" role="group" aria-labelledby={id}>
      <span className="label" id={id}>
        {label}, {unit}
      </span>
      <span className="tariff-range">
        {bound(0, 'from')}
        {bound(1, 'below')}
      </span>
      <span id={`${id}-hint`} className={problem ? 'problem' : 'hint'}>
        {problem ?? hint}
      </span>
    </div>
  );
}

/** When the prices of a group hold: all that is given must. */
export function WhenEditor({
  when,
  at,
  disabled,
  problems,
  onChange,
}: Editing & { when: WhenDraft; onChange: (when: WhenDraft) => void }) {
  const id = useId();
  const here = { at, disabled, problems };
  const text = (
    key: 'startTime' | 'endTime' | 'startDate' | 'endDate',
    label: string,
    field: string,
    hint?: string,
  ) => (
    <Field label={label} hint={hint} problem={problems.get(`${at}.${field}`)}>
      {(props) => (
        <input
          {...props}
          type={key.endsWith('Time') ? 'time' : 'date'}
          className="input"
          disabled={disabled}
          value={when[key]}
          onChange={(event) => onChange({ ...when, [key]: event.target.value })}
        />
      )}
    </Field>
  );
  const overnight = when.startTime && when.endTime && when.endTime <= when.startTime;
  const particular =
    ranges.some(({ name }) => when[name].some((value) => value !== '')) || when.reservation !== '';
  const [open] = useState(particular);
  return (
    <>
      <div className="tariff-when">
        {text('startTime', 'From, local time', 'start_time')}
        {text('endTime', 'To', 'end_time', overnight ? 'on the next day' : undefined)}
        {text('startDate', 'From the day', 'start_date')}
        {text('endDate', 'Before the day', 'end_date')}
        <div className="field tariff-days">
          <span className="label" id={`${id}-days`}>
            Only on
          </span>
          <div className="day-picks" role="group" aria-labelledby={`${id}-days`}>
            {days.map((day) => (
              <button
                key={day}
                type="button"
                className="btn"
                disabled={disabled}
                aria-pressed={when.days.includes(day)}
                onClick={() =>
                  onChange({
                    ...when,
                    days: days.filter((d) => (d === day ? !when.days.includes(d) : when.days.includes(d))),
                  })
                }
              >
                {day.slice(0, 2)}
                <span className="visually-hidden">{day.slice(2)}</span>
              </button>
            ))}
          </div>
        </div>
      </div>
      <details className="tariff-particular" open={open}>
        <summary>Only for some energy, power, current or age of a session</summary>
        <div className="tariff-ranges">
          {ranges.map((spec) => (
            <Range
              key={spec.name}
              {...here}
              spec={spec}
              value={when[spec.name]}
              onChange={(value) => onChange({ ...when, [spec.name]: value })}
            />
          ))}
          <Field label="What is priced" problem={problems.get(`${at}.reservation`)}>
            {(props) => (
              <select
                {...props}
                className="input"
                disabled={disabled}
                value={when.reservation}
                onChange={(event) =>
                  onChange({ ...when, reservation: event.target.value as Reservation | '' })
                }
              >
                {reservations.map(([value, word]) => (
                  <option key={value} value={value}>
                    {word}
                  </option>
                ))}
              </select>
            )}
          </Field>
        </div>
      </details>
    </>
  );
}
