import { useId, type ReactNode } from 'react';

/** What ties an input to its label and to what stands below it. */
export interface FieldProps {
  id: string;
  'aria-describedby': string | undefined;
  'aria-invalid': true | undefined;
}

/** A field of a form with its name, and a hint where one is needed. */
export function Field({
  label,
  hint,
  problem,
  children,
}: {
  label: string;
  hint?: ReactNode;
  /** Why what stands there cannot be taken. */
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
        'aria-describedby': below ? `${id}-hint` : undefined,
        'aria-invalid': problem ? true : undefined,
      })}
      {below && (
        <span id={`${id}-hint`} className={problem ? 'problem' : 'hint'}>
          {below}
        </span>
      )}
    </div>
  );
}
