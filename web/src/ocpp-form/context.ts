import { createContext, useContext } from 'react';
import type { Path } from './path';

/** What every field of one form shares. */
export interface FormContext {
  /** Ids of elements begin with it. */
  base: string;
  change: (path: Path, value: unknown) => void;
  /** The fault of a field that may be shown now, null where it is fine or not yet looked at. */
  faultOf: (path: Path) => string | null;
  /** A field was left: from now on its faults are shown. */
  touch: (path: Path) => void;
  /** Words to complete a field with: connectors of the station, running transactions and so on. */
  suggest: (name: string, path: Path) => readonly string[];
  /** The next drawing puts the focus into the field at `path`. */
  focusNext: (path: Path) => void;
}

export const Context = createContext<FormContext | null>(null);

export function useForm(): FormContext {
  const form = useContext(Context);
  if (!form) throw new Error('a field stands outside of a form');
  return form;
}
