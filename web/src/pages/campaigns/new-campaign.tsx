import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { api, ApiError } from '@/api/client';
import { campaignsKey, type Campaign, type CampaignDryRun, type CampaignRequest } from '@/api/campaigns';
import type { DryRun } from '@/api/ocpp';
import { Dialog } from '@/ui/dialog';
import { plural, sentence } from '@/ui/format';
import { useDryRun } from '../jobs/dry-run';
import { filterOf, filterWords, type FilterDraft } from '../jobs/filter';
import { NewJobPage } from '../jobs/frames';
import { Reach } from '../jobs/reach';
import { useCampaignDraft } from './draft';
import { FirmwarePart } from './firmware-part';
import { campaignKind, missing, requestOf, terms } from './logic';
import { PacePart } from './pace-part';
import { Plan } from './plan';
import './campaigns.css';

const PATH = '/firmware-campaigns';
const BULK = '/bulk-commands';
/** Tells whom the stations' filter holds before the rest is said: every version has it, and a dry run sends nothing. */
const harmless = { command: 'trigger', message: 'Heartbeat' };

/** The last question before stations are changed. */
function Confirm({
  request,
  run,
  onClose,
}: {
  request: CampaignRequest;
  run: CampaignDryRun;
  onClose: () => void;
}) {
  const navigate = useNavigate();
  const client = useQueryClient();
  const begin = useCampaignDraft((s) => s.begin);
  const start = useMutation({
    mutationFn: () => api.post<Campaign>(PATH, request),
    onSuccess: (campaign) => {
      void client.invalidateQueries({ queryKey: campaignsKey });
      begin({});
      void navigate({ to: '/campaigns/$campaignId', params: { campaignId: campaign.id } });
    },
  });
  const reached = run.matched - run.up_to_date;
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={`${request.version} to ${plural(reached, 'station')}`}
      description={`${filterWords(request.filter)}. Most stations restart when they install, and nobody can charge meanwhile.`}
      footer={
        <>
          <button type="button" className="btn" onClick={onClose}>
            Cancel
          </button>
          <button
            type="button"
            className="btn btn-danger"
            disabled={start.isPending}
            onClick={() => start.mutate()}
          >
            {start.isPending ? 'Starting…' : 'Start the campaign'}
          </button>
        </>
      }
    >
      <dl className="campaign-terms">
        {terms(request).map(([name, text]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
      {start.error && (
        <div className="outcome" data-tone="bad" role="alert">
          <strong>
            {start.error instanceof ApiError
              ? (start.error.problem.title ?? 'It was not started')
              : 'It was not started'}
          </strong>
          {sentence(start.error.message)}
        </div>
      )}
    </Dialog>
  );
}

/** Writes a campaign: which stations, which firmware, at what pace, and what a dry run says of them. */
export function NewCampaignPage() {
  const { draft, change } = useCampaignDraft();
  const [confirming, setConfirming] = useState(false);
  const filter = useMemo(() => filterOf(draft.filter), [draft.filter]);
  const request = useMemo(() => requestOf(draft), [draft]);
  const onFilter = (part: Partial<FilterDraft>) => change({ filter: { ...draft.filter, ...part } });
  const { run, current, error } = useDryRun<CampaignDryRun>(PATH, request);
  const held = useDryRun<DryRun>(BULK, request === null && filter ? { filter, ...harmless } : null);
  const problemOf = (field: string) =>
    error?.problem.field === field ? sentence(error.problem.detail ?? error.message) : null;
  const lacks = missing(draft);
  const reached = run ? run.matched - run.up_to_date : 0;
  const ready = run !== null && current && run.problem == null && reached > 0;

  return (
    <NewJobPage
      kind={campaignKind}
      refused="Your role may look at firmware campaigns, not begin them."
      filter={filter}
      draft={draft.filter}
      onFilter={onFilter}
      reachTitle="What it would do"
      reach={
        <>
          <Reach run={run ?? held.run} error={error ?? held.error} chosen={filter !== null}>
            {run && <Plan run={run} version={draft.version.trim()} />}
          </Reach>
          <button
            type="button"
            className="btn btn-primary"
            disabled={!ready}
            onClick={() => setConfirming(true)}
          >
            {reached > 0 ? `Update ${plural(reached, 'station')}…` : 'Start…'}
          </button>
          {filter && lacks && <p className="faint">{lacks}</p>}
        </>
      }
    >
      <section className="panel" aria-labelledby="campaign-what">
        <header className="panel-head">
          <h2 id="campaign-what">Which firmware</h2>
        </header>
        <div className="panel-body">
          <FirmwarePart problemOf={problemOf} />
        </div>
      </section>
      <section className="panel" aria-labelledby="campaign-pace">
        <header className="panel-head">
          <h2 id="campaign-pace">At what pace</h2>
        </header>
        <div className="panel-body">
          <PacePart problemOf={problemOf} />
        </div>
      </section>
      {confirming && request && run && (
        <Confirm request={request} run={run} onClose={() => setConfirming(false)} />
      )}
    </NewJobPage>
  );
}
