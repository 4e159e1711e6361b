import { useId, useRef, useState, type KeyboardEvent } from 'react';
import { dateTime } from '@/ui/format';
import { Icon } from '@/ui/icons';
import { controlOf, rangeOf, type Group, type Outcome, type Row } from './device-model';

type Changes = ReadonlyMap<string, { row: Row; value: string }>;

function Field({ row, value, onChange }: { row: Row; value: string; onChange: (value: string) => void }) {
  const control = controlOf(row.main);
  const props = {
    className: 'input',
    'aria-label': `New value of ${row.name}`,
    value,
    autoFocus: true,
  };
  if (control.kind === 'choice') {
    const options = control.options.includes(value) ? control.options : [value, ...control.options];
    return (
      <select {...props} onChange={(e) => onChange(e.target.value)}>
        {options.map((option) => (
          <option key={option}>{option}</option>
        ))}
      </select>
    );
  }
  const kind =
    control.kind === 'number'
      ? { type: 'number', step: control.step, min: control.min, max: control.max }
      : { type: control.kind === 'secret' ? 'password' : 'text', maxLength: 2500, autoComplete: 'off' };
  return <input {...props} {...kind} onChange={(e) => onChange(e.target.value)} />;
}

function Flags({ row }: { row: Row }) {
  const { read_only, reboot_required, constant, doubt } = row.main;
  return (
    <>
      {constant ? <span className="tag">Constant</span> : read_only && <span className="tag">Read only</span>}
      {reboot_required && (
        <span className="tag" data-tone="warn">
          Needs a restart
        </span>
      )}
      {doubt && (
        <span className="tag" data-tone="warn" title={doubt}>
          Doubtful
        </span>
      )}
    </>
  );
}

function VariableRow({
  row,
  staged,
  outcome,
  allowed,
  onChange,
}: {
  row: Row;
  staged: string | undefined;
  outcome: Outcome | undefined;
  allowed: boolean;
  onChange: (value: string | null) => void;
}) {
  const v = row.main;
  const pencil = useRef<HTMLButtonElement>(null);
  const settable = allowed && !v.read_only && !v.constant;
  const back = () => {
    onChange(null);
    requestAnimationFrame(() => pencil.current?.focus());
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Escape') return;
    event.stopPropagation();
    back();
  };
  return (
    <tr data-changed={staged !== undefined || undefined}>
      <th scope="row">
        <span className="variable-name">{row.name}</span>
        <span className="sub">{rangeOf(v)}</span>
      </th>
      <td className="variable-value">
        {staged === undefined ? (
          <>
            <code className={v.secret ? 'faint' : undefined}>
              {v.value === undefined ? 'No value' : v.value === '' ? 'Empty' : v.value}
            </code>
            {v.unit && <span className="sub"> {v.unit}</span>}
            {row.others.map((o) => (
              <span key={o.type} className="sub">
                {o.type} <code>{o.value ?? '–'}</code>
              </span>
            ))}
          </>
        ) : (
          <span className="variable-edit" onKeyDown={onKeyDown}>
            <Field row={row} value={staged} onChange={onChange} />
            {v.unit && <span className="sub">{v.unit}</span>}
          </span>
        )}
      </td>
      <td className="variable-flags">
        {outcome && (
          <span className="tag" data-tone={outcome.tone}>
            {outcome.text}
          </span>
        )}
        <Flags row={row} />
      </td>
      <td className="wide sub num">{dateTime(row.at)}</td>
      <td className="right">
        {settable &&
          (staged === undefined ? (
            <button
              ref={pencil}
              type="button"
              className="btn btn-ghost btn-icon btn-sm"
              aria-label={`Change ${row.name}`}
              title="Change"
              onClick={() => onChange(v.secret ? '' : (v.value ?? ''))}
            >
              <Icon name="edit" size={14} />
            </button>
          ) : (
            <button
              type="button"
              className="btn btn-ghost btn-icon btn-sm"
              aria-label={`Leave ${row.name} as it is`}
              title="Leave as it is"
              onClick={back}
            >
              <Icon name="close" size={14} />
            </button>
          ))}
      </td>
    </tr>
  );
}

/** One component with its variables; what is closed is not drawn, for a station may have thousands. */
export function VariableGroup({
  group,
  open: openAtFirst,
  allowed,
  changes,
  done,
  onChange,
  onRead,
  reading,
}: {
  group: Group;
  open: boolean;
  allowed: boolean;
  changes: Changes;
  done: ReadonlyMap<string, Outcome>;
  onChange: (row: Row, value: string | null) => void;
  onRead: () => void;
  reading: boolean;
}) {
  const [open, setOpen] = useState(openAtFirst);
  const body = useId();
  return (
    <section className="panel variable-group" aria-label={group.name}>
      <header className="panel-head" data-open={open}>
        <h2>
          <button
            type="button"
            className="fold"
            aria-expanded={open}
            aria-controls={body}
            onClick={() => setOpen(!open)}
          >
            <Icon name={open ? 'chevronDown' : 'chevronRight'} size={12} />
            {group.name} <span className="faint num">{group.rows.length}</span>
          </button>
        </h2>
        {allowed && (
          <button
            type="button"
            className="btn btn-ghost btn-sm"
            onClick={onRead}
            disabled={reading}
            aria-label={`Read ${group.name} from the station`}
          >
            <Icon name="refresh" size={13} /> Read
          </button>
        )}
      </header>
      <div id={body} hidden={!open} className="table-wrap">
        {open && (
          <table className="table variable-table">
            <caption className="visually-hidden">Variables of {group.name}</caption>
            <colgroup>
              <col style={{ width: '32%' }} />
              <col />
              <col style={{ width: '22%' }} />
              <col className="wide" style={{ width: '8.5rem' }} />
              <col style={{ width: '4rem' }} />
            </colgroup>
            <thead>
              <tr className="visually-hidden">
                <th scope="col">Variable</th>
                <th scope="col">Value</th>
                <th scope="col">Remarks</th>
                <th scope="col">Known since</th>
                <th scope="col">Change</th>
              </tr>
            </thead>
            <tbody>
              {group.rows.map((row) => (
                <VariableRow
                  key={row.key}
                  row={row}
                  staged={changes.get(row.key)?.value}
                  outcome={done.get(row.key)}
                  allowed={allowed}
                  onChange={(value) => onChange(row, value)}
                />
              ))}
            </tbody>
          </table>
        )}
      </div>
    </section>
  );
}
