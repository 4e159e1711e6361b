import { useQuery } from '@tanstack/react-query';
import { useMemo, useRef, useState } from 'react';
import { ocppActionsQuery, usedCommandsQuery, versionOf } from '@/api/ocpp';
import type { Command, Station } from '@/api/types';
import { may } from '@/app/session';
import { useSession } from '@/app/use-session';
import { isPlain, type OcppAction } from '@/ocpp-form/schema';
import { validate } from '@/ocpp-form/validate';
import { Icon } from '@/ui/icons';
import { EmptyState, ErrorState, SkeletonBlock } from '@/ui/states';
import { ActionPicker } from './action-picker';
import { CommandHistory } from './command-history';
import { draftKey, useDrafts } from './drafts';
import { CommandOutcome } from './outcome';
import { newDraft, PayloadEditor, type Draft } from './payload-editor';
import { useSuggestions } from './suggest';
import { useCommand, WAIT_S } from './use-command';
import './commands.css';

/** Whatever the station can be told in its version of OCPP: choose, fill in, send, read what it says. */
export function CommandDesk({
  station,
  action,
  onAction,
}: {
  station: Station;
  action: string | undefined;
  onAction: (action: string | undefined) => void;
}) {
  const session = useSession();
  const version = versionOf(station.ocpp_version);
  const actions = useQuery(ocppActionsQuery(version));
  const used = useQuery(usedCommandsQuery);
  const drafts = useDrafts((s) => s.items);
  const keepDraft = useDrafts((s) => s.keep);
  const current = actions.data?.actions.find((a) => a.action === action) ?? null;
  const names = useMemo(() => actions.data?.actions.map((a) => a.action) ?? [], [actions.data]);
  // What the central system asks by itself says nothing of what people use.
  const usedNames = useMemo(
    () => used.data?.items.filter((c) => c.requested_by !== 'voltwin').map((c) => c.action) ?? [],
    [used.data],
  );
  const form = useRef<HTMLElement>(null);

  const keep = (name: string, draft: Draft) => keepDraft(station.id, name, draft);
  const again = (command: Command) => {
    if (!isPlain(command.payload)) return;
    keep(command.action, { value: structuredClone(command.payload), broken: null, strict: false });
    onAction(command.action);
    form.current?.scrollIntoView({ block: 'start' });
  };
  const allowed = may(session?.role, 'operator');
  return (
    <>
      {allowed && (
        <section className="panel cmd" aria-label="Send a command" data-chosen={current !== null} ref={form}>
          {actions.error ? (
            <ErrorState error={actions.error} retry={() => void actions.refetch()} what="Actions" />
          ) : !actions.data ? (
            <SkeletonBlock lines={8} />
          ) : (
            <>
              <div className="cmd-picker">
                <ActionPicker
                  actions={names}
                  used={usedNames}
                  current={current?.action ?? null}
                  onPick={onAction}
                />
              </div>
              {current ? (
                <Compose
                  key={`${station.id} ${current.action}`}
                  station={station}
                  action={current}
                  draft={drafts.get(draftKey(station.id, current.action)) ?? null}
                  onDraft={(draft) => keep(current.action, draft)}
                  onBack={() => onAction(undefined)}
                />
              ) : (
                <div className="cmd-none">
                  <EmptyState icon="trigger" title="Choose what to send">
                    {names.length} actions of OCPP {version}, each with a form. Type to search by name or by
                    what it does.
                  </EmptyState>
                </div>
              )}
            </>
          )}
        </section>
      )}
      <CommandHistory station={station.id} onAgain={allowed ? again : null} />
    </>
  );
}

/** The form of one action, and what the station said to it. */
function Compose({
  station,
  action,
  draft: kept,
  onDraft,
  onBack,
}: {
  station: Station;
  action: OcppAction;
  draft: Draft | null;
  onDraft: (draft: Draft) => void;
  onBack: () => void;
}) {
  const [first] = useState(() => newDraft(action));
  const draft = kept ?? first;
  const { send, reset, idle, command, waiting, overdue, problem } = useCommand(station.id);
  const suggest = useSuggestions(station, draft.value);
  const box = useRef<HTMLFormElement>(null);
  const faulty = draft.broken !== null || validate(action.request, draft.value).length > 0;
  const submit = () => {
    if (faulty) {
      onDraft({ ...draft, strict: true });
      box.current?.querySelector('[data-summary]')?.scrollIntoView({ block: 'nearest' });
    } else send({ action: action.action, payload: draft.value });
  };
  const clear = () => {
    reset();
    onDraft(newDraft(action));
  };
  return (
    <div className="cmd-compose">
      <header className="cmd-head">
        <button type="button" className="btn btn-sm cmd-back" onClick={onBack}>
          All actions
        </button>
        <h2>{action.action}</h2>
        <span className="tag">OCPP {versionOf(station.ocpp_version)}</span>
      </header>
      <form
        ref={box}
        className="cmd-form"
        aria-label={action.action}
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <PayloadEditor
          action={action}
          station={station.id}
          draft={draft}
          onDraft={onDraft}
          suggest={suggest}
        />
        <footer className="cmd-foot">
          {station.ocpp_version === null && (
            <span className="faint">Has never said its version: 1.6 is assumed</span>
          )}
          {!station.online && (
            <span className="cmd-offline">
              <Icon name="wifiOff" size={14} /> Not connected now
            </span>
          )}
          <span className="spacer" />
          <button type="button" className="btn" onClick={clear} disabled={waiting && !overdue}>
            Clear
          </button>
          <button type="submit" className="btn btn-primary" disabled={waiting && !overdue}>
            {waiting && !overdue ? 'Waiting for the station…' : `Send to ${station.id}`}
          </button>
        </footer>
      </form>
      {(!idle || problem) && (
        <section className="cmd-result" aria-label="What became of it">
          {problem ? (
            <div className="outcome" data-tone="bad" role="alert">
              <strong>{problem.problem.title ?? 'The command was not taken'}</strong>
              {problem.problem.detail}
            </div>
          ) : (
            <CommandOutcome command={command} busy={waiting} />
          )}
          {overdue && (
            <p className="muted">
              No answer within {WAIT_S} s. The command goes on by itself; the answer shows here if it comes.
            </p>
          )}
        </section>
      )}
    </div>
  );
}
