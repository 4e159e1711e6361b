import { useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { campaignQuery, campaignStationsQuery, type Campaign, type CampaignStation } from '@/api/campaigns';
import { firmwareFilesQuery } from '@/api/care';
import { useList } from '@/api/use-list';
import { PageHead } from '@/app/page-head';
import { may } from '@/app/session';
import { useSession } from '@/app/use-session';
import { count, dateTime, duration, instant, sentence } from '@/ui/format';
import type { Column } from '@/ui/table';
import { filterWords } from '../jobs/filter';
import { JobMissing } from '../jobs/frames';
import { StationOutcomes } from '../jobs/outcomes';
import { JobProgress, StationTag } from '../jobs/progress';
import { stateIn } from '../jobs/states';
import { CampaignActions } from './campaign-actions';
import { campaignKind, isOpen, stationStates, terms, waveName } from './logic';
import { CampaignTag } from './tag';
import { Waves } from './waves';
import './campaigns.css';

const route = getRouteApi('/shell/campaigns/$campaignId');

const REFRESH_MS = 1_500;
/** A list of more stations than one page is read less often. */
const MANY = 500;
const MANY_MS = 6_000;

const columns: readonly Column<CampaignStation>[] = [
  {
    key: 'wave',
    label: 'Wave',
    wide: true,
    sort: (row) => row.wave,
    cell: (row) => <span className="muted">{waveName(row.wave)}</span>,
  },
  {
    key: 'attempts',
    label: 'Attempts',
    align: 'right',
    wide: true,
    sort: (row) => row.attempts,
    cell: (row) => count(row.attempts),
  },
];

function Summary({ campaign }: { campaign: Campaign }) {
  const files = useList(firmwareFilesQuery);
  const file = files.rows?.find((f) => f.id === campaign.file)?.name;
  const from = instant(campaign.requested_at);
  const to = instant(campaign.finished_at);
  return (
    <section className="panel job-summary" aria-label="Progress">
      <div role="status">
        <JobProgress job={campaign} states={stationStates} />
      </div>
      {campaign.reason && (
        <div className="outcome" data-tone={campaign.state === 'paused' ? 'bad' : undefined}>
          {sentence(campaign.reason)}
        </div>
      )}
      <dl className="facts">
        <div>
          <dt>Version</dt>
          <dd className="mono">{campaign.version}</dd>
        </div>
        <div>
          <dt>File</dt>
          <dd>{file ?? (files.rows ? 'No longer kept' : '–')}</dd>
        </div>
        <div>
          <dt>Begun</dt>
          <dd>{dateTime(campaign.requested_at)}</dd>
        </div>
        <div>
          <dt>{to === null ? 'Installed' : 'Took'}</dt>
          <dd>
            {from !== null && to !== null
              ? duration((to - from) / 1_000)
              : `${count(campaign.by_state.installed ?? 0)} of ${count(campaign.total)}`}
          </dd>
        </div>
      </dl>
      <details>
        <summary>How it goes about it</summary>
        <dl className="campaign-terms">
          {terms(campaign.request).map(([name, text]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{text}</dd>
            </div>
          ))}
        </dl>
      </details>
    </section>
  );
}

/** One firmware campaign: how far it has come, wave by wave, and where each station stands. */
export function CampaignPage() {
  const { campaignId } = route.useParams();
  const { status } = route.useSearch();
  const navigate = useNavigate({ from: '/campaigns/$campaignId' });
  const session = useSession();
  const query = useQuery({
    ...campaignQuery(campaignId),
    refetchInterval: (q) => (q.state.data && !isOpen(q.state.data.state) ? false : REFRESH_MS),
  });
  const campaign = query.data;
  if (!campaign) {
    return <JobMissing kind={campaignKind} error={query.error} retry={() => void query.refetch()} />;
  }
  return (
    <div className="page">
      <PageHead
        parent={{ to: campaignKind.to, label: campaignKind.many }}
        here={dateTime(campaign.requested_at)}
        title={campaign.name}
        beside={
          <>
            <CampaignTag state={campaign.state} />
            <span className="faint">
              {filterWords(campaign.request.filter)}, by {campaign.requested_by}
            </span>
          </>
        }
        actions={may(session?.role, 'operator') && <CampaignActions campaign={campaign} />}
      />
      <Summary campaign={campaign} />
      {campaign.waves.length > 1 && <Waves waves={campaign.waves} />}
      <StationOutcomes<CampaignStation>
        job={campaign}
        states={stationStates}
        status={status}
        onStatus={(state) => void navigate({ search: (s) => ({ ...s, status: state }), replace: true })}
        list={(state) => campaignStationsQuery(campaign.id, state)}
        refreshMs={isOpen(campaign.state) && (campaign.total > MANY ? MANY_MS : REFRESH_MS)}
        caption="Where each station stands"
        tab="firmware"
        columns={columns}
        shown={(row) => (
          <p>
            <StationTag state={stateIn(stationStates, row.state)} /> {row.detail && sentence(row.detail)}
          </p>
        )}
      />
    </div>
  );
}
