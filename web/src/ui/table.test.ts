import { expect, it } from 'vitest';
import { compare, sortRows, type Column } from './table';

interface Row {
  id: string;
  n: number | null;
}

const columns: readonly Column<Row>[] = [
  { key: 'id', label: 'Id', cell: (r) => r.id, sort: (r) => r.id },
  { key: 'n', label: 'N', cell: (r) => r.n, sort: (r) => r.n },
  { key: 'x', label: 'X', cell: () => null },
];
const rows: Row[] = [
  { id: 'CP-10', n: 2 },
  { id: 'CP-2', n: null },
  { id: 'cp-1', n: -1 },
];
const ids = (list: Row[]) => list.map((r) => r.id);

it('orders ids as people count', () => {
  expect(ids(sortRows(rows, columns, { key: 'id', dir: 'asc' }))).toEqual(['cp-1', 'CP-2', 'CP-10']);
  expect(ids(sortRows(rows, columns, { key: 'id', dir: 'desc' }))).toEqual(['CP-10', 'CP-2', 'cp-1']);
});

it('puts what is missing last in both directions', () => {
  expect(ids(sortRows(rows, columns, { key: 'n', dir: 'asc' }))).toEqual(['cp-1', 'CP-10', 'CP-2']);
  expect(ids(sortRows(rows, columns, { key: 'n', dir: 'desc' }))).toEqual(['CP-10', 'cp-1', 'CP-2']);
  expect(compare(null, undefined, 'asc')).toBe(0);
});

it('leaves the order alone without a sortable column, and the input always', () => {
  expect(ids(sortRows(rows, columns, { key: 'x', dir: 'asc' }))).toEqual(ids(rows));
  expect(ids(sortRows(rows, columns, null))).toEqual(['CP-10', 'CP-2', 'cp-1']);
});
