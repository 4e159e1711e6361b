import { createContext, useContext, useState, type ReactNode } from 'react';
import { valueAt, type Law, type Scenario } from '@/swap/scenario';
import { Field } from '@/ui/field';

/** What the fields of the editor share. */
export interface Form {
  scenario: Scenario;
  disabled: boolean;
  /** What is wrong at a field, by its path. */
  problems: ReadonlyMap<string, string>;
  set: (path: string, value: unknown) => void;
  /** A text that is no number stands at a field, or no longer does. */
  unread: (path: string, bad: boolean) => void;
}

const FormContext = createContext<Form | null>(null);
export const FormProvider = FormContext.Provider;

export function useForm(): Form {
  const form = useContext(FormContext);
  if (!form) throw new Error('a field outside of its form');
  return form;
}

/** A decimal as a person writes it; null where it is none. */
export function readNumber(text: string): number | null {
  const plain = text.trim().replace(',', '.');
  return /^-?(\d+\.?\d*|\.\d+)(e-?\d+)?$/i.test(plain) ? Number(plain) : null;
}

const written = (value: unknown, factor: number) =>
  typeof value === 'number' && Number.isFinite(value) ? String(Number((value / factor).toPrecision(12))) : '';

/** A number at a path. `factor` is what one of the unit shown is in that of the form: 3600 for hours over seconds. */
export function NumberField({
  path,
  label,
  factor = 1,
  hint,
  optional = false,
  fallback,
}: {
  path: string;
  label: string;
  factor?: number;
  hint?: ReactNode;
  /** Empty is no limit, and is sent as null. */
  optional?: boolean;
  /** What holds where the scenario says nothing. */
  fallback?: number;
}) {
  const form = useForm();
  const value = valueAt(form.scenario, path) ?? fallback;
  const [text, setText] = useState(() => written(value, factor));
  const read = text.trim() === '' && optional ? null : readNumber(text);
  const unread = read === null && !(optional && text.trim() === '');
  // Another value came from elsewhere: a preset, a file, the map.
  const [seen, setSeen] = useState(value);
  if (seen !== value) {
    setSeen(value);
    if (read === null ? value != null : read * factor !== value) setText(written(value, factor));
  }
  return (
    <Field
      label={label}
      hint={hint}
      problem={unread ? (text.trim() === '' ? 'Needed' : 'Not a number') : form.problems.get(path)}
    >
      {(field) => (
        <input
          {...field}
          className="input num"
          inputMode="decimal"
          autoComplete="off"
          disabled={form.disabled}
          value={text}
          placeholder={optional ? 'none' : undefined}
          onChange={(event) => {
            const next = event.target.value;
            setText(next);
            const number = readNumber(next);
            const empty = optional && next.trim() === '';
            form.unread(path, number === null && !empty);
            if (number !== null) form.set(path, Number((number * factor).toPrecision(12)));
            else if (empty) form.set(path, null);
          }}
        />
      )}
    </Field>
  );
}

const laws = {
  const: { label: 'always', parameters: ['value'] },
  uniform: { label: 'even between', parameters: ['lo', 'hi'] },
  exp: { label: 'exponential', parameters: ['mean'] },
  lognormal: { label: 'lognormal', parameters: ['mean', 'cv'] },
  truncnorm: { label: 'normal, cut', parameters: ['mean', 'sd', 'lo', 'hi'] },
} as const;
type LawName = keyof typeof laws;

const parameterLabel: Readonly<Record<string, string>> = {
  value: 'Value',
  lo: 'From',
  hi: 'To',
  mean: 'Mean',
  sd: 'Standard deviation',
  cv: 'Variation (sd over mean)',
};

export function lawName(law: Law | undefined): LawName {
  return typeof law === 'object' ? law.dist : 'const';
}

/** The mean of what a law has been, so that another one begins near it. */
export function meanOf(law: Law): number {
  if (typeof law === 'number') return law;
  if (law.dist === 'const') return law.value;
  if (law.dist === 'uniform') return (law.lo + law.hi) / 2;
  return law.mean;
}

export function lawOf(name: LawName, mean: number): Law {
  const near = (factor: number) => Number((mean * factor).toPrecision(6));
  switch (name) {
    case 'const':
      return mean;
    case 'uniform':
      return { dist: 'uniform', lo: near(0.8), hi: near(1.2) };
    case 'exp':
      return { dist: 'exp', mean };
    case 'lognormal':
      return { dist: 'lognormal', mean, cv: 0.3 };
    case 'truncnorm':
      return { dist: 'truncnorm', mean, sd: near(0.2), lo: near(0.4), hi: near(1.6) };
  }
}

/** A number that chance may draw: its law and what the law needs. */
export function LawField({ path, label, hint }: { path: string; label: string; hint?: ReactNode }) {
  const form = useForm();
  const law = valueAt(form.scenario, path) as Law | undefined;
  const name = lawName(law);
  return (
    <fieldset className="swap-law">
      <legend>{label}</legend>
      <div className="swap-fields">
        <Field
          label="Law"
          hint={hint}
          problem={typeof law === 'object' ? form.problems.get(path) : undefined}
        >
          {(field) => (
            <select
              {...field}
              className="input"
              disabled={form.disabled}
              value={name}
              onChange={(event) => form.set(path, lawOf(event.target.value as LawName, meanOf(law ?? 1)))}
            >
              {Object.entries(laws).map(([value, { label: text }]) => (
                <option key={value} value={value}>
                  {text}
                </option>
              ))}
            </select>
          )}
        </Field>
        {laws[name].parameters.map((parameter) => (
          <NumberField
            key={`${name}.${parameter}`}
            path={typeof law === 'object' ? `${path}.${parameter}` : path}
            label={parameterLabel[parameter] ?? parameter}
          />
        ))}
      </div>
    </fieldset>
  );
}
