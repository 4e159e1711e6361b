import { useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { ocppActionsQuery, versionOf, type DryRun } from '@/api/ocpp';
import { validate } from '@/ocpp-form/validate';
import { plural } from '@/ui/format';
import { newDraft } from '../commands/payload-editor';
import { useDryRun } from '../jobs/dry-run';
import { filterOf, type FilterDraft } from '../jobs/filter';
import { NewJobPage } from '../jobs/frames';
import { Reach } from '../jobs/reach';
import { CommandPart } from './command-part';
import { Confirm } from './confirm';
import { payloadKey, useBulkDraft } from './draft';
import { bulkKind, commonVersion } from './logic';
import { Problems } from './problems';
import './bulk.css';

const PATH = '/bulk-commands';
/** Asked where no command is written yet: every version has it, and a dry run sends nothing. */
const harmless = { command: 'trigger', message: 'Heartbeat' };

/** Writes a bulk command: which stations, what to tell them, and what a dry run says of both. */
export function NewBulkPage() {
  const { draft, change } = useBulkDraft();
  const [confirming, setConfirming] = useState(false);
  const filter = useMemo(() => filterOf(draft.filter), [draft.filter]);
  const onFilter = (part: Partial<FilterDraft>) => change({ filter: { ...draft.filter, ...part } });
  // Whom the filter holds decides whose actions are offered; who understands the command is asked apart.
  const held = useDryRun<DryRun>(PATH, filter && { filter, ...harmless });
  const spoken = Object.keys(held.run?.by_version ?? {});
  const version = versionOf(
    draft.version && spoken.includes(draft.version)
      ? draft.version
      : (commonVersion(held.run?.by_version ?? {}) ?? draft.filter.ocpp_version),
  );
  const actions = useQuery(ocppActionsQuery(version));
  const action = actions.data?.actions.find((a) => a.action === draft.action) ?? null;
  const kept = action && draft.payloads[payloadKey(version, action.action)];
  const faulty =
    draft.mode === 'action' &&
    (!action ||
      (kept
        ? kept.broken !== null || validate(action.request, kept.value).length > 0
        : (action.request.required?.length ?? 0) > 0));
  const command = useMemo(() => {
    if (draft.mode === 'reset') return { command: 'reset', immediate: draft.immediate };
    if (draft.mode === 'trigger') return { command: 'trigger', message: draft.message };
    if (!action || faulty) return null;
    return { action: action.action, payload: kept?.value ?? {} };
  }, [draft.mode, draft.immediate, draft.message, action, faulty, kept]);
  const { run, current, error } = useDryRun<DryRun>(PATH, filter && { filter, ...(command ?? harmless) });
  const shown = run ?? held.run;
  const reached = run ? run.matched : 0;
  const problems = Object.keys(run?.problems ?? {}).length;
  const ready = command !== null && filter !== null && current && reached > 0;

  const ask = () => {
    if (ready) setConfirming(true);
    else if (action && draft.mode === 'action') {
      const of = kept ?? newDraft(action);
      change({
        payloads: { ...draft.payloads, [payloadKey(version, action.action)]: { ...of, strict: true } },
      });
    }
  };
  return (
    <NewJobPage
      kind={bulkKind}
      refused="Your role may look at bulk commands, not give them."
      filter={filter}
      draft={draft.filter}
      onFilter={onFilter}
      reachTitle="What it would reach"
      reach={
        <>
          <Reach run={shown} error={error} chosen={filter !== null}>
            {shown && <Problems run={shown} onFilter={onFilter} />}
          </Reach>
          <button
            type="button"
            className="btn btn-primary"
            disabled={filter === null || (draft.mode === 'action' && !action) || (!faulty && !ready)}
            onClick={ask}
          >
            {reached > 0 ? `Send to ${plural(reached, 'station')}…` : 'Send…'}
          </button>
          {draft.mode === 'action' && !action && <p className="faint">Choose what to tell them first.</p>}
        </>
      }
    >
      <CommandPart version={version} spoken={spoken} actions={actions} action={action} />
      {confirming && command && filter && run && (
        <Confirm
          body={{ filter, ...command, concurrency: draft.concurrency }}
          reached={reached}
          away={run.matched - run.online}
          problems={problems}
          onClose={() => setConfirming(false)}
        />
      )}
    </NewJobPage>
  );
}
