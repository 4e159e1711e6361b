import { Field } from '@/ui/field';
import { Icon } from '@/ui/icons';
import { Segments } from '@/ui/segments';
import type { Draft, LimitDraft, Problems } from './draft';

/** What holds for the whole of a tariff: its bounds, roundings, texts and validity. */
export function TermsEditor({
  draft,
  disabled,
  problems,
  onChange,
}: {
  draft: Draft;
  disabled: boolean;
  problems: Problems;
  onChange: (draft: Draft) => void;
}) {
  const limit = (key: 'min' | 'max', side: keyof LimitDraft, label: string, none: string) => (
    <Field label={label} problem={problems.get(`${key}_price.${side}`)}>
      {(field) => (
        <input
          {...field}
          className="input num"
          inputMode="decimal"
          placeholder={none}
          disabled={disabled}
          value={draft[key][side]}
          onChange={(event) => onChange({ ...draft, [key]: { ...draft[key], [side]: event.target.value } })}
        />
      )}
    </Field>
  );
  const line = (
    key: 'grace' | 'url' | 'validFrom' | 'validTo',
    field: string,
    label: string,
    type: string,
    hint?: string,
  ) => (
    <Field label={label} hint={hint} problem={problems.get(field)}>
      {(props) => (
        <input
          {...props}
          className={key === 'grace' ? 'input num' : 'input'}
          type={type}
          disabled={disabled}
          value={draft[key]}
          onChange={(event) => onChange({ ...draft, [key]: event.target.value })}
        />
      )}
    </Field>
  );
  const texts = (list: Draft['texts']) => onChange({ ...draft, texts: list });
  return (
    <>
      <div className="tariff-sum">
        {limit('min', 'net', 'At least, without tax', 'no minimum')}
        {limit('min', 'gross', 'At least, with tax', 'no minimum')}
        {limit('max', 'net', 'At most, without tax', 'no maximum')}
        {limit('max', 'gross', 'At most, with tax', 'no maximum')}
        {line('grace', 'idle_grace_s', 'Idle time that is free, minutes', 'text')}
        {line('url', 'url', 'Page that explains it', 'url')}
        {line('validFrom', 'valid_from', 'Valid from, your time', 'datetime-local')}
        {line('validTo', 'valid_to', 'Valid until', 'datetime-local')}
        <div className="field">
          <span className="label">Rounding</span>
          {disabled ? (
            <span>{draft.rounding === 'line' ? 'Each line' : 'The total'}</span>
          ) : (
            <Segments<Draft['rounding']>
              label="Rounding"
              value={draft.rounding}
              onChange={(rounding) => onChange({ ...draft, rounding })}
              options={[
                { value: 'line', label: 'Each line' },
                { value: 'total', label: 'The total' },
              ]}
            />
          )}
        </div>
      </div>
      <div className="tariff-texts">
        {draft.texts.map((text, i) => (
          <div key={i} className="tariff-text">
            <Field label="Language" problem={problems.get(`texts[${i}].language`)}>
              {(field) => (
                <input
                  {...field}
                  className="input mono"
                  maxLength={2}
                  disabled={disabled}
                  value={text.language}
                  onChange={(event) =>
                    texts(draft.texts.map((t, k) => (k === i ? { ...t, language: event.target.value } : t)))
                  }
                />
              )}
            </Field>
            <Field label="What drivers read" problem={problems.get(`texts[${i}].text`)}>
              {(field) => (
                <input
                  {...field}
                  className="input"
                  maxLength={512}
                  disabled={disabled}
                  value={text.text}
                  onChange={(event) =>
                    texts(draft.texts.map((t, k) => (k === i ? { ...t, text: event.target.value } : t)))
                  }
                />
              )}
            </Field>
            {!disabled && (
              <button
                type="button"
                className="btn btn-ghost btn-icon"
                aria-label={`Remove the text in ${text.language || 'no language'}`}
                onClick={() => texts(draft.texts.filter((_, k) => k !== i))}
              >
                <Icon name="close" size={14} />
              </button>
            )}
          </div>
        ))}
        {!disabled && draft.texts.length < 20 && (
          <div>
            <button
              type="button"
              className="btn btn-sm"
              onClick={() =>
                texts([...draft.texts, { language: draft.texts.length === 0 ? 'en' : '', text: '' }])
              }
            >
              <Icon name="plus" size={13} /> Text for drivers
            </button>
          </div>
        )}
      </div>
    </>
  );
}
