/** JSON with its keys, texts and figures told apart; cut off where it would only be noise. */
const LIMIT = 20_000;

const token = /("(?:\\.|[^"\\])*")(\s*:)?|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)/g;

export function Json({ value, label }: { value: unknown; label: string }) {
  const full = JSON.stringify(value, null, 2) ?? 'null';
  const text = full.slice(0, LIMIT);
  const parts: React.ReactNode[] = [];
  let last = 0;
  for (const match of text.matchAll(token)) {
    if (match.index > last) parts.push(text.slice(last, match.index));
    const [whole, string, colon] = match;
    if (string !== undefined && colon !== undefined) {
      parts.push(
        <span key={match.index} className="k">
          {string}
        </span>,
        colon,
      );
    } else {
      parts.push(
        <span key={match.index} className={string !== undefined ? 's' : 'n'}>
          {whole}
        </span>,
      );
    }
    last = match.index + whole.length;
  }
  parts.push(text.slice(last));
  if (full.length > LIMIT) parts.push(`\n… ${full.length - LIMIT} more characters`);
  return (
    <pre className="code" tabIndex={0} role="region" aria-label={label}>
      {parts}
    </pre>
  );
}
