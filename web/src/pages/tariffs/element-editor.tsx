import type { Kind } from '@/api/tariffs';
import { Field } from '@/ui/field';
import { Icon } from '@/ui/icons';
import { nextKind, type ComponentDraft, type ElementDraft, type Problems } from './draft';
import { kindWord, perWord } from './money';
import { WhenEditor } from './when-editor';

const kinds: readonly Kind[] = ['energy', 'time', 'parking', 'flat'];

const stepLabel: Readonly<Record<Kind, string>> = {
  energy: 'In steps of, Wh',
  time: 'In steps of, s',
  parking: 'In steps of, s',
  flat: '',
};

/** What the editors of the parts of a tariff have in common. */
export interface Editing {
  /** Name of the part in the API, such as `elements[0]`. */
  at: string;
  disabled: boolean;
  problems: Problems;
}

function Price({
  component: c,
  at,
  disabled,
  problems,
  onChange,
  onRemove,
}: Editing & {
  component: ComponentDraft;
  onChange: (component: ComponentDraft) => void;
  onRemove: (() => void) | null;
}) {
  return (
    <div className="tariff-line">
      <Field label="For" problem={problems.get(`${at}.kind`)}>
        {(field) => (
          <select
            {...field}
            className="input"
            disabled={disabled}
            value={c.kind}
            onChange={(event) => onChange({ ...c, kind: event.target.value as Kind })}
          >
            {kinds.map((kind) => (
              <option key={kind} value={kind}>
                {kindWord[kind]}, {perWord[kind]}
              </option>
            ))}
          </select>
        )}
      </Field>
      <Field label="Price without tax" problem={problems.get(`${at}.price`)}>
        {(field) => (
          <input
            {...field}
            className="input num"
            inputMode="decimal"
            disabled={disabled}
            value={c.price}
            onChange={(event) => onChange({ ...c, price: event.target.value })}
          />
        )}
      </Field>
      <Field label="Tax, %" problem={problems.get(`${at}.tax_percent`)}>
        {(field) => (
          <input
            {...field}
            className="input num"
            inputMode="decimal"
            disabled={disabled}
            placeholder="none"
            value={c.tax}
            onChange={(event) => onChange({ ...c, tax: event.target.value })}
          />
        )}
      </Field>
      {c.kind === 'flat' ? (
        <span />
      ) : (
        <Field label={stepLabel[c.kind]} problem={problems.get(`${at}.step`)}>
          {(field) => (
            <input
              {...field}
              className="input num"
              inputMode="numeric"
              disabled={disabled}
              placeholder="1"
              value={c.step}
              onChange={(event) => onChange({ ...c, step: event.target.value })}
            />
          )}
        </Field>
      )}
      {onRemove && !disabled ? (
        <button
          type="button"
          className="btn btn-ghost btn-icon"
          aria-label={`Remove the price of ${kindWord[c.kind].toLowerCase()}`}
          onClick={onRemove}
        >
          <Icon name="close" size={14} />
        </button>
      ) : (
        <span />
      )}
    </div>
  );
}

/** Prices that hold together, and when they hold. */
export function ElementEditor({
  index,
  element,
  at,
  disabled,
  problems,
  onChange,
  onMove,
  onCopy,
  onRemove,
}: Editing & {
  index: number;
  element: ElementDraft;
  onChange: (element: ElementDraft) => void;
  /** Puts the group before the one above it; null for the first. */
  onMove: (() => void) | null;
  onCopy: () => void;
  onRemove: (() => void) | null;
}) {
  const more = nextKind(element);
  const components = (list: ComponentDraft[]) => onChange({ ...element, components: list });
  const here = { disabled, problems };
  const name = `group ${index + 1}`;
  return (
    <fieldset className="tariff-element">
      <legend className="visually-hidden">Price {name}</legend>
      <header className="tariff-element-head">
        <strong aria-hidden="true">
          Group {index + 1}{' '}
          <span className="sub">{index === 0 ? 'goes first' : 'where none above holds'}</span>
        </strong>
        {!disabled && (
          <span className="row-actions">
            {onMove && (
              <button
                type="button"
                className="btn btn-ghost btn-icon btn-sm"
                aria-label={`Move ${name} up`}
                title="Move up: it then goes first"
                onClick={onMove}
              >
                <Icon name="chevronUp" size={13} />
              </button>
            )}
            <button
              type="button"
              className="btn btn-ghost btn-sm"
              aria-label={`Copy ${name}`}
              onClick={onCopy}
            >
              Copy
            </button>
            {onRemove && (
              <button
                type="button"
                className="btn btn-ghost btn-sm"
                aria-label={`Remove ${name}`}
                onClick={onRemove}
              >
                Remove
              </button>
            )}
          </span>
        )}
      </header>
      {element.components.map((component, i) => (
        <Price
          key={i}
          {...here}
          at={`${at}.components[${i}]`}
          component={component}
          onChange={(next) => components(element.components.map((c, k) => (k === i ? next : c)))}
          onRemove={
            element.components.length > 1
              ? () => components(element.components.filter((_, k) => k !== i))
              : null
          }
        />
      ))}
      {more && !disabled && (
        <div>
          <button
            type="button"
            className="btn btn-sm"
            onClick={() => components([...element.components, { kind: more, price: '0', tax: '', step: '' }])}
          >
            <Icon name="plus" size={13} /> Price for {kindWord[more].toLowerCase()}
          </button>
        </div>
      )}
      <WhenEditor
        {...here}
        at={`${at}.restrictions`}
        when={element.when}
        onChange={(when) => onChange({ ...element, when })}
      />
    </fieldset>
  );
}
