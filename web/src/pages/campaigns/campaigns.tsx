import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { campaignsQuery, type Campaign } from '@/api/campaigns';
import { useList } from '@/api/use-list';
import { may } from '@/app/session';
import { useSession } from '@/app/use-session';
import { dateTime, instant } from '@/ui/format';
import { Icon } from '@/ui/icons';
import { Segments } from '@/ui/segments';
import { EmptyState, ErrorState } from '@/ui/states';
import { DataTable, type Column } from '@/ui/table';
import { filterWords } from '../jobs/filter';
import { JobProgress } from '../jobs/progress';
import { isOpen, stationStates } from './logic';
import { CampaignTag } from './tag';
import '../jobs/jobs.css';

const route = getRouteApi('/shell/campaigns');

const REFRESH_MS = 3_000;

const columns: readonly Column<Campaign>[] = [
  {
    key: 'name',
    label: 'Campaign',
    sort: (c) => c.name,
    cell: (c) => (
      <Link to="/campaigns/$campaignId" params={{ campaignId: c.id }} tabIndex={-1}>
        {c.name}
      </Link>
    ),
  },
  {
    key: 'version',
    label: 'Version',
    wide: true,
    sort: (c) => c.version,
    cell: (c) => <span className="mono">{c.version}</span>,
  },
  {
    key: 'who',
    label: 'Stations',
    wide: true,
    cell: (c) => <span className="muted job-words">{filterWords(c.request.filter)}</span>,
  },
  {
    key: 'progress',
    label: 'Progress',
    width: '16rem',
    sort: (c) => c.finished / Math.max(1, c.total),
    cell: (c) => <JobProgress job={c} states={stationStates} />,
  },
  { key: 'state', label: 'State', sort: (c) => c.state, cell: (c) => <CampaignTag state={c.state} /> },
  {
    key: 'at',
    label: 'Begun',
    wide: true,
    sort: (c) => instant(c.requested_at),
    cell: (c) => <span className="num">{dateTime(c.requested_at)}</span>,
  },
  { key: 'by', label: 'By', wide: true, sort: (c) => c.requested_by, cell: (c) => c.requested_by },
];

const groups = [
  { value: 'all', label: 'All', holds: () => true },
  { value: 'open', label: 'Under way', holds: (c: Campaign) => isOpen(c.state) },
  { value: 'ended', label: 'Ended', holds: (c: Campaign) => !isOpen(c.state) },
] as const;
type Group = (typeof groups)[number]['value'];

/** One firmware to many stations, wave by wave: what is under way and what became of the others. */
export function CampaignsPage() {
  const search = route.useSearch();
  const navigate = useNavigate({ from: '/campaigns' });
  const session = useSession();
  const { rows, error, retry, more, loadingMore } = useList(campaignsQuery, REFRESH_MS);
  const group = groups.find((g) => g.value === search.status) ?? groups[0];
  return (
    <div className="page page-fill">
      <header className="page-head">
        <div className="titles">
          <h1>Firmware campaigns</h1>
          <p>One firmware to all stations of a filter, wave by wave, until each tells the new version.</p>
        </div>
        {may(session?.role, 'operator') && (
          <Link to="/campaigns/new" className="btn btn-primary">
            <Icon name="plus" /> New campaign
          </Link>
        )}
      </header>
      {rows && rows.length > 0 && (
        <div className="toolbar">
          <Segments<Group>
            label="Campaigns"
            value={group.value}
            options={groups.map(({ value, label, holds }) => ({
              value,
              label,
              count: rows.filter(holds).length,
            }))}
            onChange={(value) =>
              void navigate({
                search: (s) => ({ ...s, status: value === 'all' ? undefined : value }),
                replace: true,
              })
            }
          />
        </div>
      )}
      <section className="panel" aria-label="Firmware campaigns">
        {error ? (
          <ErrorState error={error} retry={retry} what="Firmware campaigns" />
        ) : (
          <DataTable
            caption="Firmware campaigns, with version, progress and state"
            columns={columns}
            rows={rows?.filter(group.holds)}
            rowKey={(c) => c.id}
            initialSort={{ key: 'at', dir: 'desc' }}
            onOpen={(c) => void navigate({ to: '/campaigns/$campaignId', params: { campaignId: c.id } })}
            empty={
              rows?.length === 0 ? (
                <EmptyState icon="campaigns" title="No firmware campaign yet">
                  Choose stations and a firmware; a few go first, the others follow in waves, and it pauses by
                  itself when too many fail.
                </EmptyState>
              ) : (
                <EmptyState icon="filter" title="None is in this state" />
              )
            }
            foot={
              more && (
                <button type="button" className="btn btn-sm" onClick={more} disabled={loadingMore}>
                  Load more
                </button>
              )
            }
          />
        )}
      </section>
    </div>
  );
}
