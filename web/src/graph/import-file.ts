/** What an import reads and writes: JSON line by line. */

/** Of a file so many bytes are looked at before it is sent. */
export const LOOKED_AT = 64 * 1024;

/** Why a file cannot be one to import, judged by how it begins; null where it may be. */
export function faultOf(begin: string): string | null {
  const lines = begin.replace(/^\uFEFF/, '').split('\n');
  const first = lines.findIndex((line) => line.trim() !== '');
  if (first < 0) return 'The file is empty.';
  const header = readLine(lines[first]);
  if (header?.Section !== 'Header')
    return `Line ${first + 1} must be {"Section":"Header"}: the file is JSON line by line, in sections.`;
  const next = lines.findIndex((line, at) => at > first && line.trim() !== '');
  if (next < 0) return 'After the header, the file must name its version: {"fileVersion":"1.0.0"}.';
  const version = readLine(lines[next])?.fileVersion;
  if (typeof version !== 'string' || !version.startsWith('1.'))
    return `Line ${next + 1} must name the version of the file: {"fileVersion":"1.0.0"}.`;
  return null;
}

function readLine(text: string | undefined): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text ?? '');
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** An entry that was not taken, as the log of an import tells of it. */
export interface Refused {
  section: string;
  line: number;
  code: string;
  message: string;
}

/** Finds the entries that were not taken in a log that comes part by part, up to `most` of them. */
export class RefusedReader {
  readonly found: Refused[] = [];
  private rest = '';

  constructor(private readonly most: number) {}

  /** Takes the next part; false when no more is wanted. */
  read(part: string): boolean {
    const lines = (this.rest + part).split('\n');
    this.rest = lines.pop() ?? '';
    for (const line of lines) {
      const details = readLine(line)?.details as Partial<Refused & { error: Partial<Refused> }> | undefined;
      if (typeof details?.line !== 'number') continue;
      if (this.found.length === this.most) return false;
      const [code, message] = [String(details.error?.code ?? ''), String(details.error?.message ?? '')];
      this.found.push({
        section: String(details.section ?? ''),
        line: details.line,
        code,
        // The code says to programs what the rest says to people.
        message: message.startsWith(`${code}: `) ? message.slice(code.length + 2) : message,
      });
    }
    return true;
  }
}
