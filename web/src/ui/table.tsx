import { useMemo, useRef, useState, type KeyboardEvent, type ReactNode } from 'react';
import { Icon } from './icons';
import { Skeleton } from './states';

export type SortValue = string | number | null | undefined;

export interface Column<T> {
  key: string;
  label: string;
  cell: (row: T) => ReactNode;
  /** Value to sort by; a column without one is not sortable. */
  sort?: (row: T) => SortValue;
  align?: 'right';
  /** Left out on a phone. */
  wide?: boolean;
  width?: string;
}

export interface Sort {
  key: string;
  dir: 'asc' | 'desc';
}

const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

/** Orders two values; what is missing goes last whatever the direction. */
export function compare(a: SortValue, b: SortValue, dir: 'asc' | 'desc'): number {
  if (a == null || b == null) return a == null ? (b == null ? 0 : 1) : -1;
  const order =
    typeof a === 'number' && typeof b === 'number' ? a - b : collator.compare(String(a), String(b));
  return dir === 'asc' ? order : -order;
}

export function sortRows<T>(rows: readonly T[], columns: readonly Column<T>[], sort: Sort | null): T[] {
  const by = sort && columns.find((c) => c.key === sort.key)?.sort;
  if (!sort || !by) return [...rows];
  return [...rows].sort((x, y) => compare(by(x), by(y), sort.dir));
}

export interface DataTableProps<T> {
  caption: string;
  columns: readonly Column<T>[];
  rows: readonly T[] | undefined;
  rowKey: (row: T) => string;
  onOpen?: (row: T) => void;
  isSelected?: (row: T) => boolean;
  initialSort?: Sort;
  sort?: Sort | undefined;
  onSort?: (sort: Sort) => void;
  empty: ReactNode;
  /** Rows beyond this many are not drawn; the foot says so. */
  max?: number;
  foot?: ReactNode;
}

/**
 * A table that sorts by its headings and is walked with the arrow keys: one row is in the tab order, Up, Down, Home
 * and End move it, Enter opens it.
 */
export function DataTable<T>(props: DataTableProps<T>) {
  const { caption, columns, rows, rowKey, onOpen, isSelected, empty, max = 500 } = props;
  const [ownSort, setOwnSort] = useState<Sort | null>(props.initialSort ?? null);
  const sort = props.sort ?? ownSort;
  const [active, setActive] = useState<string | null>(null);
  const body = useRef<HTMLTableSectionElement>(null);
  const sorted = useMemo(() => (rows ? sortRows(rows, columns, sort) : undefined), [rows, columns, sort]);
  const shown = sorted?.slice(0, max);
  const current = shown?.some((r) => rowKey(r) === active) ? active : shown?.[0] ? rowKey(shown[0]) : null;

  const toggle = (key: string) => {
    const next: Sort = sort?.key === key && sort.dir === 'asc' ? { key, dir: 'desc' } : { key, dir: 'asc' };
    if (props.onSort) props.onSort(next);
    else setOwnSort(next);
  };

  const onKeyDown = (event: KeyboardEvent<HTMLTableRowElement>, index: number) => {
    if (!shown || event.target !== event.currentTarget) return;
    const steps: Record<string, number> = {
      ArrowDown: Math.min(index + 1, shown.length - 1),
      ArrowUp: Math.max(index - 1, 0),
      Home: 0,
      End: shown.length - 1,
    };
    const to = steps[event.key];
    const row = to === undefined ? undefined : shown[to];
    if (row !== undefined && to !== undefined) {
      event.preventDefault();
      setActive(rowKey(row));
      (body.current?.children[to] as HTMLElement | undefined)?.focus();
    } else if ((event.key === 'Enter' || event.key === ' ') && onOpen && shown[index] !== undefined) {
      event.preventDefault();
      onOpen(shown[index]);
    }
  };

  if (sorted?.length === 0) return <>{empty}</>;
  return (
    <>
      <div className="table-wrap" tabIndex={-1}>
        <table className="table" aria-busy={shown === undefined}>
          <caption className="visually-hidden">{caption}</caption>
          <thead>
            <tr>
              {columns.map((c) => (
                <HeaderCell key={c.key} column={c} sort={sort} onToggle={toggle} />
              ))}
            </tr>
          </thead>
          <tbody ref={body}>
            {shown === undefined
              ? Array.from({ length: 8 }, (_, i) => (
                  <tr key={i}>
                    {columns.map((c, j) => (
                      <td key={c.key} className={cellClass(c)}>
                        <Skeleton width={`${4 + ((i * 3 + j * 5) % 7)}ch`} />
                      </td>
                    ))}
                  </tr>
                ))
              : shown.map((row, index) => {
                  const key = rowKey(row);
                  return (
                    <tr
                      key={key}
                      className={`${onOpen ? 'row-link' : ''} ${isSelected?.(row) ? 'selected' : ''}`}
                      aria-current={isSelected?.(row) ? 'true' : undefined}
                      tabIndex={onOpen ? (key === current ? 0 : -1) : undefined}
                      onKeyDown={onOpen ? (e) => onKeyDown(e, index) : undefined}
                      onFocus={onOpen ? () => setActive(key) : undefined}
                      onClick={
                        onOpen
                          ? (e) => {
                              if ((e.target as HTMLElement).closest('a,button,input')) return;
                              onOpen(row);
                            }
                          : undefined
                      }
                    >
                      {columns.map((c) => (
                        <td key={c.key} className={cellClass(c)}>
                          {c.cell(row)}
                        </td>
                      ))}
                    </tr>
                  );
                })}
          </tbody>
        </table>
      </div>
      {(props.foot || (sorted && sorted.length > max)) && (
        <div className="table-foot">
          <span>{sorted && sorted.length > max ? `First ${max} of ${sorted.length}` : ''}</span>
          {props.foot}
        </div>
      )}
    </>
  );
}

function cellClass<T>(column: Column<T>): string | undefined {
  const names = [column.align === 'right' ? 'right' : '', column.wide ? 'wide' : '']
    .filter(Boolean)
    .join(' ');
  return names || undefined;
}

function HeaderCell<T>({
  column,
  sort,
  onToggle,
}: {
  column: Column<T>;
  sort: Sort | null;
  onToggle: (key: string) => void;
}) {
  const dir = sort?.key === column.key ? sort.dir : null;
  return (
    <th
      scope="col"
      className={cellClass(column)}
      style={column.width ? { width: column.width } : undefined}
      aria-sort={
        column.sort ? (dir === 'asc' ? 'ascending' : dir === 'desc' ? 'descending' : 'none') : undefined
      }
    >
      {column.sort ? (
        <button type="button" onClick={() => onToggle(column.key)}>
          {column.label}
          <Icon name={dir === 'asc' ? 'chevronUp' : dir === 'desc' ? 'chevronDown' : 'sort'} size={12} />
        </button>
      ) : (
        column.label
      )}
    </th>
  );
}
