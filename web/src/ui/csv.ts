/** One cell of comma-separated values, in quotes where it must be (RFC 4180). */
export function csvCell(text: string): string {
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function csv(rows: readonly (readonly string[])[]): string {
  return [...rows.map((row) => row.map(csvCell).join(',')), ''].join('\n');
}
