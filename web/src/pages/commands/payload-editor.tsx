import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { usedCommandsQuery } from '@/api/ocpp';
import type { Command } from '@/api/types';
import { brief, hasHidden } from '@/ocpp-form/brief';
import { careful, describe } from '@/ocpp-form/catalogue';
import { SchemaForm } from '@/ocpp-form/form';
import type { Path } from '@/ocpp-form/path';
import { initialPayload, isPlain, type OcppAction, type Plain } from '@/ocpp-form/schema';
import { clock, dateTime, instant } from '@/ui/format';
import { Icon } from '@/ui/icons';

const RECENT_MAX = 12;

/** What is being written for one action. */
export interface Draft {
  value: Plain;
  broken: string | null;
  /** Somebody wanted to send it: all faults are shown. */
  strict: boolean;
}

export function newDraft(action: OcppAction): Draft {
  return { value: initialPayload(action.request), broken: null, strict: false };
}

/** Payloads that were sent with an action lately, each once, those to `station` first. */
export function recentPayloads(
  commands: readonly Command[],
  action: string,
  station: string | null,
): Command[] {
  const seen = new Set<string>();
  return commands
    .filter((c) => c.action === action && isPlain(c.payload) && Object.keys(c.payload).length > 0)
    .sort((a, b) => Number(b.station === station) - Number(a.station === station))
    .filter((c) => {
      const text = JSON.stringify(c.payload);
      if (seen.has(text)) return false;
      seen.add(text);
      return true;
    })
    .slice(0, RECENT_MAX);
}

function Recent({ commands, onTake }: { commands: readonly Command[]; onTake: (payload: Plain) => void }) {
  if (commands.length === 0) return null;
  const today = new Date().toDateString();
  const when = (c: Command) => {
    const at = instant(c.requested_at);
    return at !== null && new Date(at).toDateString() === today ? clock(at) : dateTime(c.requested_at);
  };
  return (
    <div className="field editor-recent">
      <label htmlFor="recent-payloads">Begin with a payload that was sent before</label>
      <select
        id="recent-payloads"
        className="input"
        value=""
        onChange={(event) => {
          const taken = commands.find((c) => c.id === event.target.value)?.payload;
          if (isPlain(taken)) onTake(structuredClone(taken));
        }}
      >
        <option value="">Choose…</option>
        {commands.map((c) => (
          <option key={c.id} value={c.id}>
            {when(c)} · {c.station} · {c.state} · {brief(c.payload, 70)}
          </option>
        ))}
      </select>
    </div>
  );
}

/** An action's name, what it does, payloads to begin with, and the form. */
export function PayloadEditor({
  action,
  station,
  draft,
  onDraft,
  suggest,
}: {
  action: OcppAction;
  station: string | null;
  draft: Draft;
  onDraft: (draft: Draft) => void;
  suggest?: (name: string, path: Path) => readonly string[];
}) {
  const used = useQuery(usedCommandsQuery);
  const recent = useMemo(
    () => recentPayloads(used.data?.items ?? [], action.action, station),
    [used.data, action.action, station],
  );
  const warning = careful(action.action);
  return (
    <div className="editor">
      <div className="editor-says">
        <p className="muted">{describe(action.action)}</p>
        {warning && (
          <p className="editor-careful">
            <Icon name="warn" size={14} /> {warning}
          </p>
        )}
      </div>
      <Recent commands={recent} onTake={(value) => onDraft({ value, broken: null, strict: false })} />
      {hasHidden(draft.value) && (
        <div className="outcome" role="status">
          A password in this payload was hidden as ***. Type it again before you send it.
        </div>
      )}
      <SchemaForm
        schema={action.request}
        value={draft.value}
        broken={draft.broken}
        strict={draft.strict}
        onChange={(value) => onDraft({ ...draft, value, broken: null })}
        onBroken={(broken) => onDraft({ ...draft, broken })}
        {...(suggest ? { suggest } : {})}
      />
    </div>
  );
}
