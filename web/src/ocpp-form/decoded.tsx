import { useState, type ReactNode } from 'react';
import { dateTime } from '@/ui/format';
import { isPlain, label, type Plain } from './schema';
import './decoded.css';

/** Lists beyond so many entries are opened on demand. */
const ENTRIES_MAX = 25;
/** A list of groups is a table as long as it needs no more columns. */
const COLUMNS_MAX = 6;

const instantText = /^\d{4}-\d\d-\d\dT\d\d:\d\d/;

/**
 * A payload field by field, as people read it: times in local time, lists of alike groups as tables. `faults` marks
 * fields by their path as the server names it.
 */
export function Decoded({
  value,
  faults,
  empty = 'No fields.',
}: {
  value: unknown;
  faults?: ReadonlyMap<string, string>;
  empty?: string;
}) {
  if (isPlain(value)) {
    if (Object.keys(value).length === 0) return <p className="muted">{empty}</p>;
    return <Group value={value} path="" faults={faults} />;
  }
  return <Value value={value} path="" faults={faults} />;
}

interface Part {
  path: string;
  faults: ReadonlyMap<string, string> | undefined;
}

function Group({ value, path, faults }: Part & { value: Plain }) {
  return (
    <dl className="dec">
      {Object.entries(value).map(([name, member]) => {
        const here = path ? `${path}.${name}` : name;
        const fault = faults?.get(here);
        const block = typeof member === 'object' && member !== null && !isShortList(member);
        return (
          <div key={name} className="dec-row" data-block={block} data-fault={fault ? 'true' : undefined}>
            <dt title={name}>{label(name)}</dt>
            <dd>
              <Value value={member} path={here} faults={faults} />
              {fault && <p className="problem">{fault}</p>}
            </dd>
          </div>
        );
      })}
    </dl>
  );
}

function isShortList(value: object): boolean {
  return Array.isArray(value) && value.every((v) => typeof v !== 'object' || v === null);
}

function Value({ value, path, faults }: Part & { value: unknown }): ReactNode {
  if (value === null || value === undefined) return <span className="faint">null</span>;
  if (typeof value === 'boolean') return value ? 'Yes' : 'No';
  if (typeof value === 'number') return <span className="num">{value}</span>;
  if (typeof value === 'string') return <Text value={value} />;
  if (Array.isArray(value)) {
    if (value.length === 0) return <span className="faint">Empty list</span>;
    if (isShortList(value)) {
      return (
        <span className="dec-words">
          {value.map((entry, i) => (
            <span key={i} className="tag">
              {String(entry)}
            </span>
          ))}
        </span>
      );
    }
    return <Entries value={value} path={path} faults={faults} />;
  }
  const group = value as Plain;
  if (Object.keys(group).length === 0) return <span className="faint">No fields</span>;
  return <Group value={group} path={path} faults={faults} />;
}

function Text({ value }: { value: string }) {
  if (value === '') return <span className="faint">Empty text</span>;
  if (instantText.test(value)) {
    return (
      <time dateTime={value} title={value}>
        {dateTime(value)} <span className="faint mono">{value}</span>
      </time>
    );
  }
  return <span className={value.length > 60 ? 'dec-long mono' : undefined}>{value}</span>;
}

function Entries({ value, path, faults }: Part & { value: unknown[] }) {
  const [all, setAll] = useState(false);
  const shown = all ? value : value.slice(0, ENTRIES_MAX);
  const columns = columnsOf(value);
  return (
    <>
      {columns ? (
        <div className="table-wrap dec-table" tabIndex={0} role="region" aria-label="Entries">
          <table className="table">
            <thead>
              <tr>
                {columns.map((name) => (
                  <th key={name} scope="col" title={name}>
                    {label(name)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {shown.map((entry, i) => (
                <tr key={i}>
                  {columns.map((name) => (
                    <td key={name}>
                      {(entry as Plain)[name] === undefined ? (
                        <span className="faint">–</span>
                      ) : (
                        <Value
                          value={(entry as Plain)[name]}
                          path={`${path}[${i}].${name}`}
                          faults={faults}
                        />
                      )}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : (
        <ol className="dec-list">
          {shown.map((entry, i) => (
            <li key={i}>
              <Value value={entry} path={`${path}[${i}]`} faults={faults} />
            </li>
          ))}
        </ol>
      )}
      {!all && value.length > ENTRIES_MAX && (
        <button type="button" className="btn btn-sm" onClick={() => setAll(true)}>
          Show all {value.length}
        </button>
      )}
    </>
  );
}

/** The columns of a list whose entries are groups of plain values alone; null for any other list. */
function columnsOf(list: readonly unknown[]): string[] | null {
  const names = new Set<string>();
  for (const entry of list) {
    if (!isPlain(entry)) return null;
    for (const [name, value] of Object.entries(entry)) {
      if (typeof value === 'object' && value !== null) return null;
      names.add(name);
    }
  }
  return list.length > 1 && names.size > 0 && names.size <= COLUMNS_MAX ? [...names] : null;
}
