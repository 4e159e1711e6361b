import { isPlain } from './schema';

/** A payload in one line: "key: HeartbeatInterval, value: 60". */
export function brief(value: unknown, max = 90): string {
  const text = say(value, 0);
  return text.length > max ? `${text.slice(0, max - 1).trimEnd()}…` : text;
}

function say(value: unknown, depth: number): string {
  if (value === null || value === undefined) return '–';
  if (Array.isArray(value)) {
    if (value.length === 1) return say(value[0], depth);
    return value.every((v) => !isPlain(v) && !Array.isArray(v)) && value.length <= 4
      ? value.map((v) => say(v, depth)).join(' ')
      : `${value.length} entries`;
  }
  if (isPlain(value)) {
    const members = Object.entries(value);
    if (members.length === 0) return depth === 0 ? '' : '{}';
    if (depth > 1) return '…';
    return members
      .map(([name, member]) =>
        isPlain(member) && depth > 0 ? `${name} …` : `${name}: ${say(member, depth + 1)}`,
      )
      .join(', ');
  }
  return String(value);
}

/** True where a text in it was hidden by the server, which keeps no passwords. */
export function hasHidden(value: unknown): boolean {
  if (value === '***') return true;
  if (Array.isArray(value)) return value.some(hasHidden);
  return isPlain(value) && Object.values(value).some(hasHidden);
}

/** Milliseconds as people say a latency: "38 ms", "2.4 s". */
export function took(ms: number): string {
  if (ms < 1) return '<1 ms';
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  return ms < 60_000 ? `${(ms / 1_000).toFixed(1)} s` : `${Math.round(ms / 60_000)} min`;
}
