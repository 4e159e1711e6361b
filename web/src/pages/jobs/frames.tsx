import type { ReactNode } from 'react';
import type { BulkFilter } from '@/api/ocpp';
import { PageHead } from '@/app/page-head';
import { may } from '@/app/session';
import { useSession } from '@/app/use-session';
import { EmptyState, ErrorState, SkeletonBlock } from '@/ui/states';
import { filterWords, type FilterDraft } from './filter';
import { StationFilter } from './station-filter';
import './jobs.css';

export interface JobKind {
  /** "Firmware campaign" */
  name: string;
  /** "Firmware campaigns" */
  many: string;
  to: '/bulk' | '/campaigns';
}

/** The page on which something is asked of many stations: whom at the left, what it would do at the right. */
export function NewJobPage({
  kind,
  refused,
  filter,
  draft,
  onFilter,
  reachTitle,
  reach,
  children,
}: {
  kind: JobKind;
  /** What a viewer may and may not do here. */
  refused: string;
  filter: BulkFilter | null;
  draft: FilterDraft;
  onFilter: (part: Partial<FilterDraft>) => void;
  reachTitle: string;
  reach: ReactNode;
  children: ReactNode;
}) {
  const session = useSession();
  const title = `New ${kind.name.toLowerCase()}`;
  if (session && !may(session.role, 'operator')) {
    return (
      <div className="page">
        <PageHead title={title} parent={{ to: kind.to, label: kind.many }} here="New" />
        <EmptyState icon="key" title="Operators only">
          {refused}
        </EmptyState>
      </div>
    );
  }
  return (
    <div className="page">
      <PageHead title={title} parent={{ to: kind.to, label: kind.many }} here="New" />
      <div className="job-new">
        <div className="stack">
          <section className="panel" aria-labelledby="job-who">
            <header className="panel-head">
              <h2 id="job-who">Which stations</h2>
              <span className="aside">{filter ? filterWords(filter) : 'None yet'}</span>
            </header>
            <div className="panel-body">
              <StationFilter filter={draft} onChange={onFilter} />
            </div>
          </section>
          {children}
        </div>
        <aside className="panel job-side" aria-labelledby="job-reach">
          <header className="panel-head">
            <h2 id="job-reach">{reachTitle}</h2>
          </header>
          <div className="panel-body stack">{reach}</div>
        </aside>
      </div>
    </div>
  );
}

/** What stands in place of a job while it is read, or where it could not be. */
export function JobMissing({ kind, error, retry }: { kind: JobKind; error: unknown; retry: () => void }) {
  return (
    <div className="page">
      <h1 className="visually-hidden">{kind.name}</h1>
      {error ? <ErrorState error={error} retry={retry} what={kind.name} /> : <SkeletonBlock lines={8} />}
    </div>
  );
}
