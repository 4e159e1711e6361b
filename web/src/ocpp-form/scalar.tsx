import { useState, type ReactNode } from 'react';
import { Segments } from '@/ui/segments';
import { useForm } from './context';
import { hintOf } from './hints';
import { pathId, type Path } from './path';
import { kindOf, label, limits, type Schema } from './schema';
import { localText, numberOf, rfc3339 } from './texts';

export interface FieldProps {
  schema: Schema;
  name: string;
  path: Path;
  value: unknown;
  required: boolean;
  /** The field stands there only because of its value: emptied, it stays, to be filled in anew. */
  added?: boolean;
  /** Stands at the end of the line of the label: a way to take the field away. */
  action?: ReactNode;
}

/** What the inputs of all kinds share beyond their field. */
interface InputProps extends FieldProps {
  title: string;
  ties: Ties;
  change: (value: unknown) => void;
}

/** How an input is tied to its label, help and fault. */
interface Ties {
  id: string;
  'aria-describedby': string | undefined;
  'aria-invalid': true | undefined;
  'aria-required': true | undefined;
  onBlur: () => void;
}

/** One value: label with its name on the wire, input, then the fault or else the help. */
export function ScalarField(props: FieldProps) {
  const { schema, name, path, required } = props;
  const form = useForm();
  const id = pathId(form.base, path);
  const fault = form.faultOf(path);
  const help = [limits(schema), hintOf(name)].filter(Boolean).join('. ');
  const last = path[path.length - 1];
  const title = typeof last === 'number' ? `${label(name)} ${last + 1}` : label(name);
  const ties: Ties = {
    id,
    'aria-describedby': fault || help ? `${id}-help` : undefined,
    'aria-invalid': fault ? true : undefined,
    'aria-required': required ? true : undefined,
    onBlur: () => form.touch(path),
  };
  const stays = props.added === true || typeof last === 'number';
  const change = (value: unknown) => form.change(path, value === undefined && stays ? null : value);
  const boolean = kindOf(schema) === 'boolean';
  return (
    <div className="field sf-field" data-fault={fault ? 'true' : undefined}>
      <div className="sf-label">
        {boolean ? (
          <span className="label" id={`${id}-label`}>
            {title}
            {required && <Mark />}
          </span>
        ) : (
          <label htmlFor={id}>
            {title}
            {required && <Mark />}
          </label>
        )}
        {typeof last !== 'number' && (
          <code className="sf-name" aria-hidden="true">
            {name}
          </code>
        )}
        {props.action}
      </div>
      <Input {...props} title={title} ties={ties} change={change} />
      {fault ? (
        <span className="problem" id={`${id}-help`}>
          {title} {fault}.
        </span>
      ) : (
        help && (
          <span className="hint" id={`${id}-help`}>
            {help}
          </span>
        )
      )}
    </div>
  );
}

export function Mark() {
  return (
    <span className="sf-required" title="Required" aria-hidden="true">
      *
    </span>
  );
}

function Input(props: InputProps) {
  switch (kindOf(props.schema)) {
    case 'enum':
      return <EnumInput {...props} />;
    case 'boolean':
      return <BooleanInput {...props} />;
    case 'integer':
    case 'number':
      return <NumberInput {...props} />;
    case 'instant':
      return <InstantInput {...props} />;
    case 'any':
      return <AnyInput {...props} />;
    default:
      return <TextInput {...props} />;
  }
}

function EnumInput({ schema, value, required, added, ties, change }: InputProps) {
  const words = schema.enum ?? [];
  const held = typeof value === 'string' ? value : '';
  return (
    <select
      {...ties}
      className="input"
      value={held}
      onChange={(event) => change(event.target.value || undefined)}
    >
      <option value="">{required || added ? 'Choose…' : 'Leave out'}</option>
      {held !== '' && !words.includes(held) && <option value={held}>{held} (not allowed)</option>}
      {words.map((word) => (
        <option key={word} value={word}>
          {word}
        </option>
      ))}
    </select>
  );
}

function BooleanInput({ value, required, added, title, change }: InputProps) {
  const held = value === true ? 'yes' : value === false ? 'no' : 'none';
  const options = [
    { value: 'yes', label: 'Yes' },
    { value: 'no', label: 'No' },
    ...(required || added ? [] : [{ value: 'none', label: 'Leave out' }]),
  ];
  return (
    <Segments
      label={title}
      value={held}
      options={options}
      onChange={(next) => change(next === 'none' ? undefined : next === 'yes')}
    />
  );
}

function NumberInput({ schema, path, value, name, ties, change }: InputProps) {
  const form = useForm();
  const [typed, setTyped] = useState('');
  const held = value === undefined || value === null ? '' : String(value);
  // What is being typed stays as it is while it means the value: "1." on the way to "1.5".
  const shown = numberOf(typed) === value && typed !== '' ? typed : held;
  const words = form.suggest(name, path);
  return (
    <>
      <input
        {...ties}
        className="input num"
        inputMode={schema.type === 'integer' ? 'numeric' : 'decimal'}
        autoComplete="off"
        list={words.length > 0 ? `${ties.id}-words` : undefined}
        value={shown}
        onChange={(event) => {
          setTyped(event.target.value);
          change(numberOf(event.target.value));
        }}
      />
      <Words id={`${ties.id}-words`} words={words} />
    </>
  );
}

function Words({ id, words }: { id: string; words: readonly string[] }) {
  if (words.length === 0) return null;
  return (
    <datalist id={id}>
      {words.map((word) => (
        <option key={word} value={word} />
      ))}
    </datalist>
  );
}

/** Texts that may have more characters than this get several lines. */
const LONG = 1_000;

function TextInput({ schema, path, value, name, ties, change }: InputProps) {
  const form = useForm();
  const held = value === undefined || value === null ? '' : String(value);
  const words = form.suggest(name, path);
  const write = (text: string) => change(text === '' ? undefined : text);
  if ((schema.maxLength ?? 0) > LONG || /certificate|chain|^csr$/i.test(name)) {
    return (
      <textarea
        {...ties}
        className="input"
        rows={4}
        spellCheck={false}
        value={held}
        onChange={(event) => write(event.target.value)}
      />
    );
  }
  return (
    <>
      <input
        {...ties}
        className="input"
        type={kindOf(schema) === 'date' ? 'date' : 'text'}
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
        list={words.length > 0 ? `${ties.id}-words` : undefined}
        value={held}
        onChange={(event) => write(event.target.value)}
      />
      <Words id={`${ties.id}-words`} words={words} />
    </>
  );
}

function InstantInput({ value, ties, title, change }: InputProps) {
  const [typed, setTyped] = useState('');
  const held = typeof value === 'string' ? value : '';
  const local = localText(held);
  // A time that cannot be read, from the JSON, is shown as it is, so that it can be mended.
  if (held !== '' && local === null) {
    return (
      <input
        {...ties}
        className="input mono"
        value={held}
        onChange={(event) => change(event.target.value || undefined)}
      />
    );
  }
  const shown = typed !== '' && rfc3339(typed) === held ? typed : (local ?? '');
  const now = () => {
    setTyped('');
    change(rfc3339(localText(new Date().toISOString()) ?? ''));
  };
  return (
    <>
      <input
        {...ties}
        className="input num"
        type="datetime-local"
        step={1}
        value={shown}
        onChange={(event) => {
          setTyped(event.target.value);
          change(rfc3339(event.target.value));
        }}
      />
      <span className="sf-instant">
        <span className="hint mono">{held}</span>
        <button type="button" className="link-button" onClick={now}>
          Now<span className="visually-hidden"> for {title}</span>
        </button>
      </span>
    </>
  );
}

/** A value of no certain form: JSON where it reads as such, else text. */
function AnyInput({ value, ties, change }: InputProps) {
  const [typed, setTyped] = useState('');
  const held = value === undefined || value === null ? '' : anyText(value);
  const shown = typed !== '' && same(anyValue(typed), value) ? typed : held;
  return (
    <>
      <textarea
        {...ties}
        className="input"
        rows={3}
        spellCheck={false}
        value={shown}
        onChange={(event) => {
          setTyped(event.target.value);
          change(anyValue(event.target.value));
        }}
      />
      {value !== undefined && (
        <span className="hint">
          {value === null ? 'Sent as null.' : typeof value === 'string' ? 'Sent as text.' : 'Sent as JSON.'}
        </span>
      )}
    </>
  );
}

function anyValue(text: string): unknown {
  if (text.trim() === '') return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

function anyText(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value, null, 2);
  // Text that would read as JSON keeps its quotes, or it would change its kind.
  return typeof anyValue(value) === 'string' ? value : JSON.stringify(value);
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
