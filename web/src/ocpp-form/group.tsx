import type { ReactNode } from 'react';
import { Icon } from '@/ui/icons';
import { useForm } from './context';
import { hintOf } from './hints';
import { move, pathId, type Path } from './path';
import { Mark, ScalarField, type FieldProps } from './scalar';
import { initial, initialItem, isGroup, isPlain, kindOf, label, limits, type Schema } from './schema';

/** Optional values stand open in a group of at most so many; in greater ones they are added one by one. */
const OPEN_MAX = 5;
/** Of the optional values of a greater group those that people fill in most. */
const usual = new Set(['limit', 'duration', 'startSchedule', 'transactionId', 'recurrencyKind', 'evseId']);

export function Field(props: FieldProps) {
  switch (kindOf(props.schema)) {
    case 'object':
      return <GroupField {...props} />;
    case 'list':
      return <ListField {...props} />;
    default:
      return <ScalarField {...props} />;
  }
}

/** A frame around a group or list, with its name. */
function Frame({
  name,
  title,
  path,
  required,
  note,
  action,
  children,
}: {
  name: string;
  title: string;
  path: Path;
  required: boolean;
  note: string | null;
  action: ReactNode;
  children: ReactNode;
}) {
  const form = useForm();
  const id = pathId(form.base, path);
  const fault = form.faultOf(path);
  return (
    <fieldset
      className="sf-group"
      id={id}
      aria-describedby={fault ? `${id}-help` : undefined}
      data-fault={fault ? 'true' : undefined}
    >
      <legend className="visually-hidden">{title}</legend>
      <div className="sf-group-head">
        <span className="sf-title" aria-hidden="true">
          {title}
          {required && <Mark />}
        </span>
        {typeof path[path.length - 1] !== 'number' && (
          <code className="sf-name" aria-hidden="true">
            {name}
          </code>
        )}
        {note && <span className="hint">{note}</span>}
        <span className="sf-actions">{action}</span>
      </div>
      {children}
      {fault && (
        <p className="problem" id={`${id}-help`}>
          {title} {fault}.
        </p>
      )}
    </fieldset>
  );
}

function GroupField({ schema, name, path, value, required, action }: FieldProps) {
  const last = path[path.length - 1];
  const title = typeof last === 'number' ? `${label(name)} ${last + 1}` : label(name);
  return (
    <Frame name={name} title={title} path={path} required={required} note={hintOf(name)} action={action}>
      <Members schema={schema} path={path} value={value} />
    </Frame>
  );
}

/** Values of single phases and of vendors are added seldom. */
function seldom(name: string): number {
  return name === 'customData' ? 2 : /_L[123]$/.test(name) ? 1 : 0;
}

/** The fields of a group: what must be there, what is there, and ways to add what may be. */
export function Members({ schema, path, value }: { schema: Schema; path: Path; value: unknown }) {
  const form = useForm();
  const held = isPlain(value) ? value : {};
  const needed = new Set(schema.required);
  const members = Object.entries(schema.properties ?? {});
  const optional = members.filter(([name, of]) => !needed.has(name) && !isGroup(of));
  const few = optional.length <= OPEN_MAX || path.length === 0;
  const open = (name: string, of: Schema) => !isGroup(of) && (few || usual.has(name));
  const shown = members.filter(
    ([name, of]) => needed.has(name) || held[name] !== undefined || open(name, of),
  );
  // What must be there comes first, and values before the groups that need more room.
  const rank = ([name, of]: [string, Schema]) => (isGroup(of) ? 2 : 0) + (needed.has(name) ? 0 : 1);
  const ordered = [...shown].sort((a, b) => rank(a) - rank(b));
  const missing = members
    .filter(([name]) => !shown.some(([other]) => other === name))
    .sort((a, b) => seldom(a[0]) - seldom(b[0]));
  const strange = Object.keys(held).filter((name) => !Object.hasOwn(schema.properties ?? {}, name));
  const add = (name: string, of: Schema) => {
    const to = [...path, name];
    const first = initial(of, name);
    // A plain value is added as null: its field stands there, and it still has to be filled in.
    form.change(to, first ?? null);
    form.focusNext(to);
  };
  const remove = (name: string) => {
    form.change([...path, name], undefined);
    form.focusNext([...path, `+${name}`]);
  };
  return (
    <div className="sf-members">
      {ordered.map(([name, of]) => (
        <Field
          key={name}
          schema={of}
          name={name}
          path={[...path, name]}
          value={held[name]}
          required={needed.has(name)}
          added={!needed.has(name) && !open(name, of)}
          action={
            !needed.has(name) &&
            !open(name, of) && <RemoveButton of={label(name)} onRemove={() => remove(name)} />
          }
        />
      ))}
      {strange.map((name) => (
        <StrangeField
          key={name}
          name={name}
          path={[...path, name]}
          value={held[name]}
          allowed={schema.additionalProperties !== false}
        />
      ))}
      {missing.length > 0 && (
        <div className="sf-add" role="group" aria-label="Fields to add">
          <span className="hint">Add</span>
          {missing.map(([name, of]) => (
            <button
              key={name}
              type="button"
              id={pathId(form.base, [...path, `+${name}`])}
              className="chip"
              onClick={() => add(name, of)}
            >
              <Icon name="plus" size={11} />
              {label(name)}
            </button>
          ))}
        </div>
      )}
      {members.length === 0 && strange.length === 0 && path.length === 0 && (
        <p className="muted">This message has no fields. It is sent as it is.</p>
      )}
    </div>
  );
}

function RemoveButton({ of, onRemove }: { of: string; onRemove: () => void }) {
  return (
    <button
      type="button"
      className="btn btn-ghost btn-icon btn-sm sf-remove"
      aria-label={`Remove ${of}`}
      title={`Remove ${of}`}
      onClick={onRemove}
    >
      <Icon name="close" size={12} />
    </button>
  );
}

/** A member that the description does not know: from the JSON, or of a vendor's own making. */
function StrangeField({
  name,
  path,
  value,
  allowed,
}: {
  name: string;
  path: Path;
  value: unknown;
  allowed: boolean;
}) {
  const form = useForm();
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return (
    <div className="sf-strange" data-fault={allowed ? undefined : 'true'}>
      <code className="mono">{name}</code>
      <span className="truncate mono faint">{text}</span>
      <span className={allowed ? 'hint' : 'problem'}>
        {allowed ? 'Changed in the JSON' : 'No field of this message'}
      </span>
      <RemoveButton of={name} onRemove={() => form.change(path, undefined)} />
    </div>
  );
}

function ListField({ schema, name, path, value, required, action }: FieldProps) {
  const form = useForm();
  const items: unknown[] = Array.isArray(value) ? value : [];
  const of = schema.items ?? {};
  const full = schema.maxItems !== undefined && items.length >= schema.maxItems;
  const flat = !isGroup(of);
  const adder = pathId(form.base, [...path, '+']);
  const insert = (index: number, item: unknown) => {
    form.change(path, [...items.slice(0, index), item, ...items.slice(index)]);
    form.focusNext([...path, index]);
  };
  const remove = (index: number) => {
    form.change(
      path,
      items.filter((_, i) => i !== index),
    );
    form.focusNext([...path, '+']);
  };
  return (
    <Frame
      name={name}
      title={label(name)}
      path={path}
      required={required}
      note={limits(schema)}
      action={action}
    >
      {items.length > 0 && (
        <ol className={flat ? 'sf-list sf-list-flat' : 'sf-list'}>
          {items.map((item, index) => (
            <li key={index}>
              <Field
                schema={of}
                name={singular(name)}
                path={[...path, index]}
                value={item}
                required
                action={
                  <ItemActions
                    what={`${label(singular(name))} ${index + 1}`}
                    index={index}
                    count={items.length}
                    canCopy={!full && !flat}
                    onMove={(by) => form.change(path, move(items, index, by))}
                    onCopy={() => insert(index + 1, structuredClone(item))}
                    onRemove={() => remove(index)}
                  />
                }
              />
            </li>
          ))}
        </ol>
      )}
      <button
        type="button"
        id={adder}
        className="chip"
        disabled={full}
        onClick={() => insert(items.length, initialItem(schema))}
      >
        <Icon name="plus" size={11} />
        {label(singular(name))}
      </button>
    </Frame>
  );
}

function ItemActions({
  what,
  index,
  count,
  canCopy,
  onMove,
  onCopy,
  onRemove,
}: {
  what: string;
  index: number;
  count: number;
  canCopy: boolean;
  onMove: (by: 1 | -1) => void;
  onCopy: () => void;
  onRemove: () => void;
}) {
  const button = (icon: 'chevronUp' | 'chevronDown' | 'copy', says: string, run: () => void) => (
    <button
      type="button"
      className="btn btn-ghost btn-icon btn-sm"
      aria-label={says}
      title={says}
      onClick={run}
    >
      <Icon name={icon} size={12} />
    </button>
  );
  return (
    <>
      {index > 0 && button('chevronUp', `Move ${what} up`, () => onMove(-1))}
      {index < count - 1 && button('chevronDown', `Move ${what} down`, () => onMove(1))}
      {canCopy && button('copy', `Copy ${what}`, onCopy)}
      <RemoveButton of={what} onRemove={onRemove} />
    </>
  );
}

/** One of the entries of a list, by the name of the list: `chargingSchedulePeriods` holds a period. */
export function singular(name: string): string {
  if (/(ss|us|Status|data)$/i.test(name)) return name;
  if (/ies$/.test(name)) return name.replace(/ies$/, 'y');
  return name.replace(/s$/, '');
}
