import type { Known, Variable } from '@/api/knowledge';
import type { Command } from '@/api/types';

/** One variable with its attributes: `Actual` above all, and what else is known of it. */
export interface Row {
  key: string;
  name: string;
  group: string;
  /** The attribute that is shown and set. */
  main: Variable;
  others: Variable[];
  at: string;
}

export interface Group {
  name: string;
  rows: Row[];
}

/** `Component[instance] · EVSE 1 · connector 2`. */
export function componentName(v: Pick<Variable, 'component' | 'instance' | 'evse' | 'connector'>): string {
  const place = [
    v.evse === undefined ? null : `EVSE ${v.evse}`,
    v.connector === undefined ? null : `connector ${v.connector}`,
  ];
  return [v.instance ? `${v.component} [${v.instance}]` : v.component, ...place].filter(Boolean).join(' · ');
}

export function variableName(v: Pick<Variable, 'variable' | 'variable_instance'>): string {
  return v.variable_instance ? `${v.variable} [${v.variable_instance}]` : v.variable;
}

const collator = new Intl.Collator('en', { numeric: true });
const order = ['Actual', 'Target', 'MinSet', 'MaxSet'];

/** The records by component and variable, those that hold `text` anywhere; the attributes of a variable in one row. */
export function groupVariables(records: readonly Known<Variable>[], text: string): Group[] {
  const wanted = text.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const rows = new Map<string, Row>();
  for (const { value: v, at } of records) {
    const group = componentName(v);
    const name = variableName(v);
    const key = `${group}/${name}`;
    const row = rows.get(key);
    if (!row) rows.set(key, { key, name, group, main: v, others: [], at });
    else if (order.indexOf(v.type) < order.indexOf(row.main.type)) {
      row.others.push(row.main);
      row.main = v;
      row.at = at;
    } else row.others.push(v);
  }
  const groups = new Map<string, Row[]>();
  for (const row of rows.values()) {
    const said = [row.group, row.name, row.main.value, row.main.unit].join(' ').toLowerCase();
    if (!wanted.every((word) => said.includes(word))) continue;
    groups.set(row.group, [...(groups.get(row.group) ?? []), row]);
  }
  return [...groups]
    .map(([name, of]) => ({ name, rows: of.sort((a, b) => collator.compare(a.name, b.name)) }))
    .sort((a, b) => collator.compare(a.name, b.name));
}

export type Control =
  | { kind: 'choice'; options: string[] }
  | { kind: 'number'; step: string; min?: number | undefined; max?: number | undefined }
  | { kind: 'secret' }
  | { kind: 'text' };

/** What a person sets the variable with. What is known of it only helps: the station decides. */
export function controlOf(v: Variable): Control {
  const options = (v.values ?? '').split(',').map((s) => s.trim());
  if (v.secret) return { kind: 'secret' };
  if (v.data_type === 'boolean') return { kind: 'choice', options: ['true', 'false'] };
  if (v.data_type === 'OptionList' && v.values) return { kind: 'choice', options };
  if (v.data_type === 'integer') return { kind: 'number', step: '1', min: v.min, max: v.max };
  if (v.data_type === 'decimal') return { kind: 'number', step: 'any', min: v.min, max: v.max };
  return { kind: 'text' };
}

/** What is known of the values that it takes, in a few words. */
export function rangeOf(v: Variable): string {
  const bounds =
    v.min !== undefined && v.max !== undefined
      ? `${v.min} to ${v.max}`
      : v.min !== undefined
        ? `from ${v.min}`
        : v.max !== undefined && (v.data_type === 'integer' || v.data_type === 'decimal')
          ? `up to ${v.max}`
          : v.max !== undefined
            ? `at most ${v.max} characters`
            : '';
  return [v.data_type, bounds, v.values?.split(',').join(', ')].filter(Boolean).join(' · ');
}

/** The item of `POST /variables` that names this variable; with a value it is set. */
export function itemOf(v: Variable, value?: string): Record<string, unknown> {
  const item = {
    component: v.component,
    instance: v.instance,
    evse: v.evse,
    connector: v.connector,
    variable: v.variable,
    variable_instance: v.variable_instance,
    type: v.type,
    value,
  };
  return Object.fromEntries(Object.entries(item).filter(([, field]) => field !== undefined));
}

export interface Outcome {
  tone: 'good' | 'warn' | 'bad';
  text: string;
}

const words: Readonly<Record<string, Outcome>> = {
  Accepted: { tone: 'good', text: 'Set' },
  RebootRequired: { tone: 'warn', text: 'Set, after a restart' },
  Rejected: { tone: 'bad', text: 'Rejected' },
  NotSupported: { tone: 'bad', text: 'Not supported' },
  UnknownComponent: { tone: 'bad', text: 'Unknown component' },
  UnknownVariable: { tone: 'bad', text: 'Unknown variable' },
  NotSupportedAttributeType: { tone: 'bad', text: 'Attribute not supported' },
};

interface Named {
  name?: string;
  instance?: string;
  evse?: { id?: number; connectorId?: number };
}
interface SetResult {
  attributeStatus?: string;
  attributeStatusInfo?: { reasonCode?: string; additionalInfo?: string };
  component?: Named;
  variable?: Named;
}

function said(status: string | undefined, info?: SetResult['attributeStatusInfo']): Outcome {
  const word = words[status ?? ''] ?? { tone: 'bad', text: status ?? 'No answer' };
  const why = [info?.reasonCode, info?.additionalInfo].filter(Boolean).join(', ');
  return why ? { ...word, text: `${word.text}: ${why}` } : word;
}

/** What became of each variable that was set, by the key of its row, from the commands that it took. */
export function outcomes(commands: readonly Command[]): Map<string, Outcome> {
  const found = new Map<string, Outcome>();
  for (const command of commands) {
    const payload = command.payload as { key?: string; setVariableData?: SetResult[] };
    const answer = command.answer as { status?: string; setVariableResult?: SetResult[] } | null;
    const failed: Outcome = { tone: 'bad', text: command.reason ?? 'No answer yet' };
    if (payload.key !== undefined) {
      found.set(`Configuration/${payload.key}`, answer?.status ? said(answer.status) : failed);
    }
    const results = answer?.setVariableResult;
    for (const one of results ?? payload.setVariableData ?? []) {
      const group = componentName({
        component: one.component?.name ?? '',
        ...(one.component?.instance ? { instance: one.component.instance } : {}),
        ...(one.component?.evse?.id === undefined ? {} : { evse: one.component.evse.id }),
        ...(one.component?.evse?.connectorId === undefined
          ? {}
          : { connector: one.component.evse.connectorId }),
      });
      const name = variableName({
        variable: one.variable?.name ?? '',
        ...(one.variable?.instance ? { variable_instance: one.variable.instance } : {}),
      });
      found.set(`${group}/${name}`, results ? said(one.attributeStatus, one.attributeStatusInfo) : failed);
    }
  }
  return found;
}
