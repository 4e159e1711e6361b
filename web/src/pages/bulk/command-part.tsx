import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { usedCommandsQuery, type Version } from '@/api/ocpp';
import type { OcppAction, OcppActions } from '@/ocpp-form/schema';
import { count } from '@/ui/format';
import { Segments } from '@/ui/segments';
import { EmptyState, ErrorState, SkeletonBlock } from '@/ui/states';
import { ActionPicker } from '../commands/action-picker';
import { newDraft, PayloadEditor } from '../commands/payload-editor';
import '../commands/commands.css';
import { messages, payloadKey, useBulkDraft, type Mode } from './draft';

/** What the stations are told: neutral words, or an action of their version. */
export function CommandPart({
  version,
  spoken,
  actions,
  action,
}: {
  version: Version;
  spoken: readonly string[];
  actions: UseQueryResult<OcppActions>;
  action: OcppAction | null;
}) {
  const { draft, change } = useBulkDraft();
  const used = useQuery(usedCommandsQuery);
  const names = useMemo(() => actions.data?.actions.map((a) => a.action) ?? [], [actions.data]);
  const usedNames = useMemo(
    () => used.data?.items.filter((c) => c.requested_by !== 'voltwin').map((c) => c.action) ?? [],
    [used.data],
  );
  return (
    <section className="panel" aria-labelledby="bulk-what">
      <header className="panel-head bulk-what-head">
        <h2 id="bulk-what">What to tell them</h2>
        {draft.mode === 'action' && spoken.length > 1 && (
          <Segments
            label="Actions of OCPP"
            value={version as string}
            options={spoken.map((v) => ({ value: v, label: v }))}
            onChange={(value) => change({ version: value })}
          />
        )}
        <Segments<Mode>
          label="Kind of command"
          value={draft.mode}
          options={[
            { value: 'action', label: 'OCPP action' },
            { value: 'trigger', label: 'Ask for message' },
            { value: 'reset', label: 'Reset' },
          ]}
          onChange={(mode) => change({ mode })}
        />
      </header>
      {draft.mode === 'reset' && (
        <div className="panel-body field bulk-plain">
          <label htmlFor="bulk-how">How</label>
          <select
            id="bulk-how"
            className="input"
            value={draft.immediate ? 'now' : 'idle'}
            onChange={(event) => change({ immediate: event.target.value === 'now' })}
          >
            <option value="idle">When idle: running transactions end in order first</option>
            <option value="now">At once: whatever is running is cut off</option>
          </select>
          <span className="hint">Said to each station in its own version of OCPP.</span>
        </div>
      )}
      {draft.mode === 'trigger' && (
        <div className="panel-body field bulk-plain">
          <label htmlFor="bulk-message">Message</label>
          <select
            id="bulk-message"
            className="input"
            value={draft.message}
            onChange={(event) => change({ message: event.target.value })}
          >
            {messages.map((message) => (
              <option key={message}>{message}</option>
            ))}
          </select>
          <span className="hint">Asked of each station in its own version of OCPP.</span>
        </div>
      )}
      {draft.mode === 'action' &&
        (actions.error ? (
          <ErrorState error={actions.error} retry={() => void actions.refetch()} what="Actions" />
        ) : !actions.data ? (
          <SkeletonBlock lines={6} />
        ) : (
          <div className="cmd" data-chosen={action !== null}>
            <div className="cmd-picker">
              <ActionPicker
                actions={names}
                used={usedNames}
                current={action?.action ?? null}
                onPick={(name) => change({ action: name })}
              />
            </div>
            {action ? (
              <div className="cmd-compose">
                <header className="cmd-head">
                  <button
                    type="button"
                    className="btn btn-sm cmd-back"
                    onClick={() => change({ action: null })}
                  >
                    All actions
                  </button>
                  <h3>{action.action}</h3>
                  <span className="tag">OCPP {version}</span>
                </header>
                <Editor key={payloadKey(version, action.action)} version={version} action={action} />
              </div>
            ) : (
              <div className="cmd-none">
                <EmptyState icon="trigger" title="Choose what to send">
                  {count(names.length)} actions of OCPP {version}, each with a form.
                </EmptyState>
              </div>
            )}
          </div>
        ))}
    </section>
  );
}

function Editor({ version, action }: { version: string; action: OcppAction }) {
  const { draft, change } = useBulkDraft();
  const key = payloadKey(version, action.action);
  const [first] = useState(() => newDraft(action));
  return (
    <PayloadEditor
      action={action}
      station={null}
      draft={draft.payloads[key] ?? first}
      onDraft={(next) => change({ payloads: { ...draft.payloads, [key]: next } })}
    />
  );
}
