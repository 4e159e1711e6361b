import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { campaignQuery, campaignStationsQuery, type Campaign, type CampaignStation } from '@/api/campaigns';
import { firmwareFilesQuery } from '@/api/care';
import { useList } from '@/api/use-list';
import { may } from '@/app/session';
import { useSession } from '@/app/use-session';
import { clock, count, dateTime, duration, instant, sentence } from '@/ui/format';
import { Icon } from '@/ui/icons';
import { Segments } from '@/ui/segments';
import { EmptyState, ErrorState, SkeletonBlock } from '@/ui/states';
import { DataTable, type Column } from '@/ui/table';
import { CommandShown } from '../bulk/command-shown';
import { filterWords } from '../bulk/logic';
import { JobProgress, StationTag } from '../bulk/progress';
import { CampaignActions } from './campaign-actions';
import { isOpen, stateOf, stationStates, terms, waveName } from './logic';
import { CampaignTag } from './tag';
import { Waves } from './waves';
import '../bulk/bulk.css';
import './campaigns.css';

const route = getRouteApi('/shell/campaigns/$campaignId');

const REFRESH_MS = 1_500;
/** A list of more stations than one page is read less often. */
const MANY = 500;
const MANY_MS = 6_000;

const columns: readonly Column<CampaignStation>[] = [
  {
    key: 'station',
    label: 'Station',
    sort: (row) => row.station,
    cell: (row) => (
      <Link to="/stations/$stationId/$tab" params={{ stationId: row.station, tab: 'firmware' }} tabIndex={-1}>
        {row.station}
      </Link>
    ),
  },
  {
    key: 'wave',
    label: 'Wave',
    wide: true,
    sort: (row) => row.wave,
    cell: (row) => <span className="muted">{waveName(row.wave)}</span>,
  },
  {
    key: 'state',
    label: 'Outcome',
    sort: (row) => stationStates.findIndex((s) => s.id === row.state),
    cell: (row) => <StationTag state={stateOf(row.state)} />,
  },
  {
    key: 'attempts',
    label: 'Attempts',
    align: 'right',
    wide: true,
    sort: (row) => row.attempts,
    cell: (row) => count(row.attempts),
  },
  {
    key: 'detail',
    label: 'Why',
    wide: true,
    cell: (row) => <span className="muted bulk-words">{row.detail ? sentence(row.detail) : ''}</span>,
  },
  {
    key: 'at',
    label: 'At',
    align: 'right',
    wide: true,
    sort: (row) => instant(row.changed_at),
    cell: (row) => clock(instant(row.changed_at)),
  },
];

function StationOutcomes({ campaign }: { campaign: Campaign }) {
  const { status } = route.useSearch();
  const navigate = useNavigate({ from: '/campaigns/$campaignId' });
  const state = stationStates.find((s) => s.id === status)?.id;
  const list = useList(
    campaignStationsQuery(campaign.id, state),
    isOpen(campaign.state) && (campaign.total > MANY ? MANY_MS : REFRESH_MS),
  );
  const [shown, setShown] = useState<CampaignStation | null>(null);
  const options = useMemo(
    () => [
      { value: 'all', label: 'All', count: campaign.total },
      ...stationStates
        .filter((s) => (campaign.by_state[s.id] ?? 0) > 0 || s.id === state)
        .map((s) => ({ value: s.id, label: s.word, count: campaign.by_state[s.id] ?? 0 })),
    ],
    [campaign, state],
  );
  const open = (row: CampaignStation) =>
    row.command
      ? setShown(row)
      : void navigate({
          to: '/stations/$stationId/$tab',
          params: { stationId: row.station, tab: 'firmware' },
        });
  return (
    <>
      <div className="segments-scroll">
        <Segments
          label="Outcome"
          value={state ?? 'all'}
          options={options}
          onChange={(value) =>
            void navigate({
              search: (s) => ({ ...s, status: value === 'all' ? undefined : value }),
              replace: true,
            })
          }
        />
      </div>
      <section className="panel" aria-label="Outcome by station">
        {list.error ? (
          <ErrorState error={list.error} retry={list.retry} what="Stations" />
        ) : (
          <DataTable
            caption="Where each station stands"
            columns={columns}
            rows={list.rows}
            rowKey={(row) => row.station}
            initialSort={{ key: 'station', dir: 'asc' }}
            onOpen={open}
            empty={<EmptyState icon="filter" title="No station with this outcome" />}
            max={1_000}
            foot={
              list.more && (
                <button type="button" className="btn btn-sm" onClick={list.more} disabled={list.loadingMore}>
                  Load more
                </button>
              )
            }
          />
        )}
      </section>
      {shown?.command && (
        <CommandShown station={shown.station} command={shown.command} onClose={() => setShown(null)}>
          <p>
            <StationTag state={stateOf(shown.state)} /> {shown.detail && sentence(shown.detail)}
          </p>
        </CommandShown>
      )}
    </>
  );
}

function Summary({ campaign }: { campaign: Campaign }) {
  const files = useList(firmwareFilesQuery);
  const file = files.rows?.find((f) => f.id === campaign.file)?.name;
  const from = instant(campaign.requested_at);
  const to = instant(campaign.finished_at);
  return (
    <section className="panel bulk-summary" aria-label="Progress">
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
  const session = useSession();
  const query = useQuery({
    ...campaignQuery(campaignId),
    refetchInterval: (q) => (q.state.data && !isOpen(q.state.data.state) ? false : REFRESH_MS),
  });
  const campaign = query.data;
  if (!campaign) {
    return (
      <div className="page">
        <h1 className="visually-hidden">Firmware campaign</h1>
        {query.error ? (
          <ErrorState error={query.error} retry={() => void query.refetch()} what="Firmware campaign" />
        ) : (
          <SkeletonBlock lines={8} />
        )}
      </div>
    );
  }
  return (
    <div className="page">
      <header className="page-head">
        <div className="titles">
          <nav className="crumb" aria-label="Breadcrumb">
            <Link to="/campaigns">Firmware campaigns</Link>
            <Icon name="chevronRight" size={10} />
            <span aria-current="page">{dateTime(campaign.requested_at)}</span>
          </nav>
          <div className="title-line">
            <h1>{campaign.name}</h1>
            <CampaignTag state={campaign.state} />
            <span className="faint">
              {filterWords(campaign.request.filter)}, by {campaign.requested_by}
            </span>
          </div>
        </div>
        {may(session?.role, 'operator') && (
          <div className="page-actions">
            <CampaignActions campaign={campaign} />
          </div>
        )}
      </header>
      <Summary campaign={campaign} />
      {campaign.waves.length > 1 && <Waves waves={campaign.waves} />}
      <StationOutcomes campaign={campaign} />
    </div>
  );
}
