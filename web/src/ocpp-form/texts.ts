/** Between what people type and what goes over the wire. */

const numberText = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/**
 * What a typed number means: the number, the text itself where it is none (so that it stays visible and is called a
 * fault), undefined for nothing. A comma is read as a point, as half of Europe types it.
 */
export function numberOf(text: string): number | string | undefined {
  const plain = text.trim().replace(',', '.');
  if (plain === '') return undefined;
  return numberText.test(plain) ? Number(plain) : text;
}

/** RFC 3339 in UTC without fractions, of what a `datetime-local` input holds; undefined for nothing. */
export function rfc3339(local: string): string | undefined {
  const ms = local === '' ? NaN : new Date(local).getTime();
  if (!Number.isFinite(ms)) return undefined;
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}

/** What a `datetime-local` input shows for an RFC 3339 time, null where it is none. */
export function localText(instant: string): string | null {
  const at = new Date(instant);
  if (!/^\d{4}-\d\d-\d\dT/.test(instant) || !Number.isFinite(at.getTime())) return null;
  const two = (n: number) => String(n).padStart(2, '0');
  const year = String(at.getFullYear()).padStart(4, '0');
  return `${year}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

/** Where the JSON of a text breaks: "line 3, column 12", or null where the engine does not say. */
export function placeOf(error: unknown, text: string): string | null {
  const message = error instanceof Error ? error.message : '';
  const position = /position (\d+)/.exec(message)?.[1];
  if (position === undefined) return null;
  const before = text.slice(0, Number(position)).split('\n');
  return `line ${before.length}, column ${(before[before.length - 1]?.length ?? 0) + 1}`;
}
