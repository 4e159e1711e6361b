/** One cell of comma-separated values, in quotes where it must be (RFC 4180). */
export function csvCell(text: string): string {
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function csv(rows: readonly (readonly string[])[]): string {
  return [...rows.map((row) => row.map(csvCell).join(',')), ''].join('\n');
}

export interface Row {
  /** Line of the file on which the row begins, from 1. */
  line: number;
  cells: string[];
}

/** Rows of comma-separated values: cells in quotes may hold commas, quotes twice and line ends (RFC 4180). */
export function readCsv(text: string): Row[] {
  const rows: Row[] = [];
  let [cells, cell, quoted, begun]: [string[], string, boolean, boolean] = [[], '', false, false];
  let [line, first] = [1, 1];
  const endRow = () => {
    if (begun) rows.push({ line: first, cells: [...cells, cell.trim()] });
    [cells, cell, begun] = [[], '', false];
  };
  for (let i = 0; i < text.length; i++) {
    const c = text[i] ?? '';
    if (quoted) {
      if (c === '"' && text[i + 1] === '"') [cell, i] = [cell + c, i + 1];
      else if (c === '"') quoted = false;
      else cell += c;
      if (c === '\n') line++;
      continue;
    }
    if (c === '\n' || c === '\r') {
      endRow();
      if (c === '\n') line++;
      continue;
    }
    if (!begun) [begun, first] = [true, line];
    if (c === '"' && cell.trim() === '') [quoted, cell] = [true, ''];
    else if (c === ',') {
      cells.push(cell.trim());
      cell = '';
    } else cell += c;
  }
  endRow();
  return rows;
}
