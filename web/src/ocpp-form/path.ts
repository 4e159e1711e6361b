/** Where in a payload a value stands, and payloads with one value changed. */

import { isPlain } from './schema';

export type Path = readonly (string | number)[];

/** As the server names a field: `chargingProfile.chargingSchedule[0].duration`. */
export function pathText(path: Path): string {
  return path.reduce<string>(
    (text, step) => (typeof step === 'number' ? `${text}[${step}]` : text ? `${text}.${step}` : step),
    '',
  );
}

/** A stable id for the element that asks for the value at `path`. */
export function pathId(base: string, path: Path): string {
  return `${base}-${path.length === 0 ? 'root' : path.join('-')}`;
}

export function at(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((here, step) => {
    if (typeof step === 'number') return Array.isArray(here) ? here[step] : undefined;
    return isPlain(here) ? here[step] : undefined;
  }, value);
}

/**
 * `value` with what stands at `path` replaced; undefined takes a member out. Whatever is not of the kind that the path
 * needs (a text where a group belongs) makes room for one.
 */
export function set(value: unknown, path: Path, next: unknown): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return next;
  if (typeof step === 'number') {
    const list = Array.isArray(value) ? [...(value as unknown[])] : [];
    if (rest.length === 0 && next === undefined) list.splice(step, 1);
    else list[step] = set(list[step], rest, next);
    return list;
  }
  const group = isPlain(value) ? { ...value } : {};
  if (rest.length === 0 && next === undefined) delete group[step];
  else group[step] = set(group[step], rest, next);
  return group;
}

/** A list with the entry at `from` moved by one place up or down. */
export function move(list: readonly unknown[], from: number, by: 1 | -1): unknown[] {
  const out = [...list];
  const to = from + by;
  if (to < 0 || to >= out.length) return out;
  [out[from], out[to]] = [out[to], out[from]];
  return out;
}
