import { useId } from 'react';
import { days, type Component, type Element, type Kind, type Restrictions } from '@/api/tariffs';
import { Icon } from '@/ui/icons';
import { nextKind } from './draft';
import { kindWord, perWord } from './money';

const kinds: readonly Kind[] = ['energy', 'time', 'parking', 'flat'];

function Price({
  component: c,
  disabled,
  onChange,
  onRemove,
}: {
  component: Component;
  disabled: boolean;
  onChange: (component: Component) => void;
  onRemove: (() => void) | null;
}) {
  const id = useId();
  return (
    <div className="tariff-line">
      <div className="field">
        <label htmlFor={`${id}-kind`}>For</label>
        <select
          id={`${id}-kind`}
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
      </div>
      <div className="field">
        <label htmlFor={`${id}-price`}>Price without tax</label>
        <input
          id={`${id}-price`}
          className="input num"
          inputMode="decimal"
          disabled={disabled}
          value={c.price}
          onChange={(event) => onChange({ ...c, price: event.target.value })}
        />
      </div>
      <div className="field">
        <label htmlFor={`${id}-tax`}>Tax, %</label>
        <input
          id={`${id}-tax`}
          className="input num"
          inputMode="decimal"
          disabled={disabled}
          placeholder="none"
          value={c.tax_percent ?? ''}
          onChange={(event) => onChange({ ...c, tax_percent: event.target.value })}
        />
      </div>
      {onRemove && !disabled && (
        <button
          type="button"
          className="btn btn-icon"
          aria-label={`Remove the price of ${kindWord[c.kind].toLowerCase()}`}
          onClick={onRemove}
        >
          <Icon name="close" size={14} />
        </button>
      )}
    </div>
  );
}

/** Prices that hold together, and when they hold. */
export function ElementEditor({
  index,
  element,
  disabled,
  onChange,
  onRemove,
}: {
  index: number;
  element: Element;
  disabled: boolean;
  onChange: (element: Element) => void;
  onRemove: (() => void) | null;
}) {
  const id = useId();
  const when = element.restrictions ?? {};
  const restrict = (change: Restrictions) => onChange({ ...element, restrictions: { ...when, ...change } });
  const chosen = when.days ?? [];
  const more = nextKind(element);
  const components = (list: Component[]) => onChange({ ...element, components: list });
  return (
    <fieldset className="tariff-element">
      <legend>
        {index === 0 ? 'First, these prices' : `Else, from here on (${index + 1})`}
        {onRemove && !disabled && (
          <button type="button" className="link-button" onClick={onRemove}>
            {' '}
            Remove group {index + 1}
          </button>
        )}
      </legend>
      {element.components.map((component, i) => (
        <Price
          key={i}
          component={component}
          disabled={disabled}
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
            onClick={() => components([...element.components, { kind: more, price: '0' }])}
          >
            <Icon name="plus" size={13} /> Price for {kindWord[more].toLowerCase()}
          </button>
        </div>
      )}
      <div className="tariff-when">
        <div className="field">
          <label htmlFor={`${id}-from`}>From, local time</label>
          <input
            id={`${id}-from`}
            type="time"
            className="input"
            disabled={disabled}
            value={when.start_time ?? ''}
            onChange={(event) => restrict({ start_time: event.target.value })}
          />
        </div>
        <div className="field">
          <label htmlFor={`${id}-to`}>To</label>
          <input
            id={`${id}-to`}
            type="time"
            className="input"
            disabled={disabled}
            value={when.end_time ?? ''}
            onChange={(event) => restrict({ end_time: event.target.value })}
          />
        </div>
        <div className="field">
          <span className="label" id={`${id}-days`}>
            Only on
          </span>
          <div className="day-picks" role="group" aria-labelledby={`${id}-days`}>
            {days.map((day) => (
              <button
                key={day}
                type="button"
                className="btn"
                disabled={disabled}
                aria-pressed={chosen.includes(day)}
                aria-label={day}
                onClick={() =>
                  restrict({
                    days: days.filter((d) => (d === day ? !chosen.includes(d) : chosen.includes(d))),
                  })
                }
              >
                {day.slice(0, 2)}
              </button>
            ))}
          </div>
        </div>
      </div>
    </fieldset>
  );
}
