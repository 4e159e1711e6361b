import { Icon } from './icons';

/** The field above a list that leaves out what does not match. */
export function FilterField({
  label,
  placeholder,
  value,
  onChange,
}: {
  label: string;
  placeholder: string;
  value: string | undefined;
  /** Undefined for an empty field, so that the address stays plain. */
  onChange: (text: string | undefined) => void;
}) {
  return (
    <label className="search-field">
      <span className="visually-hidden">{label}</span>
      <Icon name="filter" size={14} />
      <input
        className="input"
        type="search"
        placeholder={placeholder}
        value={value ?? ''}
        onChange={(e) => onChange(e.target.value || undefined)}
      />
    </label>
  );
}
