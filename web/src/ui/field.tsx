import { useId, type ReactNode } from 'react';
import { Prose } from './prose';
import './field.css';

/** What an input takes from its field, so that it is named and explained to everybody. */
export interface FieldProps {
  id: string;
  'aria-describedby'?: string;
  'aria-invalid'?: boolean;
}

/** One thing to fill in: its label above, a hint or what is wrong with it below. */
export function Field({
  label,
  hint,
  problem,
  children,
}: {
  label: ReactNode;
  hint?: ReactNode;
  problem?: string | null | undefined;
  children: (props: FieldProps) => ReactNode;
}) {
  const id = useId();
  const below = problem ?? hint;
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children({
        id,
        ...(below ? { 'aria-describedby': `${id}-below` } : {}),
        ...(problem ? { 'aria-invalid': true } : {}),
      })}
      {below && (
        <span
          id={`${id}-below`}
          className={problem ? 'problem' : 'hint'}
          role={problem ? 'alert' : undefined}
        >
          {problem ? <Prose text={problem} /> : below}
        </span>
      )}
    </div>
  );
}

/** A question with a few answers that need a sentence each. */
export function Choices({ legend, children }: { legend: string; children: ReactNode }) {
  return (
    <fieldset className="choices">
      <legend>{legend}</legend>
      {children}
    </fieldset>
  );
}

export function Choice({
  name,
  label,
  text,
  checked,
  onChoose,
}: {
  name: string;
  label: string;
  text?: ReactNode;
  checked: boolean;
  onChoose: () => void;
}) {
  return (
    <label className="choice">
      <input type="radio" name={name} checked={checked} onChange={onChoose} />
      <span>
        {label}
        {text && <span className="sub">{text}</span>}
      </span>
    </label>
  );
}

/** Yes or no, with its meaning beside it. */
export function Check({
  label,
  text,
  checked,
  onChange,
}: {
  label: string;
  text?: ReactNode;
  checked: boolean;
  onChange: (checked: boolean) => void;
}) {
  return (
    <label className="choice">
      <input type="checkbox" checked={checked} onChange={(e) => onChange(e.target.checked)} />
      <span>
        {label}
        {text && <span className="sub">{text}</span>}
      </span>
    </label>
  );
}
